import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tsharkMissing, tsharkVersion } from '../testing/tshark.ts';

const cli = join(resolve(dirname(fileURLToPath(import.meta.url)), '../..'), 'dist/cli.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-converters-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function ringside(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { code: status, out: stdout, err: stderr };
}

describe.runIf(existsSync(cli))('ringside converters', () => {
  test('lists, runs and explains; the same scenario prints the same bytes', () => {
    expect(ringside('converters').out).toContain('two-phones');
    const run = ringside('converters', 'two-phones', '--explain', '--messages', '--json');
    expect(run.code).toBe(0);
    const lines = run.out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>); // prettier-ignore
    expect(lines.at(-1)!['totals']).toMatchObject({ calls: 2, direct: 1, byTerminal: 1, conserved: true });
    expect(lines.filter((line) => 'decision' in line)[0]!['decision']).toMatchObject({ session: 0, chosen: 'nine' });
    expect(lines.filter((line) => 'divert' in line)[0]!['divert']).toMatchObject({ cause: 'drain', from: 'nine', to: 'ten', lost: 0 });
    expect(ringside('converters', 'two-phones', '--explain', '--messages', '--json').out).toBe(run.out);
    expect(ringside('converters', 'two-phones', '--set', 'switch.selection=rtt').out).toContain('two terminals');
  });

  test('says what is wrong, where, and what to do', () => {
    writeFileSync(join(folder, 'wrong.yaml'), 'name: wrong\nterminals:\n  - { id: a, family: v7 }\n');
    const wrong = ringside('converters', 'wrong.yaml');
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('wrong.yaml:3: line 3, terminals.0.family')]);
    expect(ringside('converters', 'nosuch')).toMatchObject({ code: 1, err: expect.stringContaining('Bundled: ') as string });
    expect(ringside('converters', 'two-phones', '--set', 'durationS=-1').code).toBe(2);
    for (const folder of ['/proc/x/y', 'wrong.yaml']) {
      expect(ringside('converters', 'two-phones', '-o', folder)).toMatchObject({
        code: 1,
        err: expect.stringContaining(`The folder ${folder} cannot be made`) as string,
      });
    }
  });

  test.skipIf(tsharkVersion === undefined).each([
    ['two-phones', 'directory'],
    ['office', 'multicast'],
    ['central-gateway', 'directory'],
  ])(
    'tshark reads both legs and all signalling of %s, %s, without a complaint',
    (network, discovery) => {
      if (tsharkVersion === undefined) console.warn(tsharkMissing);
      expect(ringside('converters', network, '--set', 'durationS=60', '--set', `switch.discovery=${discovery}`, '-o', network).code).toBe(
        0,
      );
      const files = readdirSync(join(folder, network)).map((file) => join(folder, network, file));
      const all = join(folder, `${network}.pcapng`);
      expect(spawnSync('mergecap', ['-w', all, ...files]).status).toBe(0);
      const checks = ['ip.check_checksum:TRUE', 'udp.check_checksum:TRUE'].flatMap((each) => ['-o', each]);
      const fields = ['frame.protocols', '_ws.malformed', '_ws.expert.severity', 'ip.checksum.status', 'udp.checksum.status', 'sip.CSeq.method']; // prettier-ignore
      const { stdout } = spawnSync('tshark', ['-r', all, '-n', '--enable-heuristic', 'rtp_udp', '--enable-heuristic', 'rtcp_udp', ...checks, '-T', 'fields', ...fields.flatMap((f) => ['-e', f])], { encoding: 'utf8', maxBuffer: 1 << 28 }); // prettier-ignore
      const rows = stdout.trimEnd().split('\n').map((line) => line.split('\t')); // prettier-ignore
      const count = (test: (row: string[]) => boolean): number => rows.filter(test).length;
      expect(count(([, malformed]) => malformed !== '')).toBe(0);
      // Errors of the expert; bad checksums are among them, and said apart.
      expect(rows.filter(([, , severity]) => severity!.split(',').some((one) => Number(one) >= 8_388_608))).toEqual([]);
      expect(count(([, , , ip, udp]) => /0/.test(ip!) || /[03]/.test(udp!))).toBe(0);
      // Nothing but voice, reports about it and signalling, in both families.
      const kinds = [
        'ip:udp:rtcp',
        'ip:udp:rtp',
        'ip:udp:sip',
        'ip:udp:sip:sdp',
        'ipv6:udp:rtcp',
        'ipv6:udp:rtp',
        'ipv6:udp:sip',
        'ipv6:udp:sip:sdp',
      ];
      if (discovery === 'multicast') kinds.push('ip:udp:mdns', 'ipv6:udp:mdns');
      expect([...new Set(rows.map(([protocols]) => protocols!.replace(/^.*?:(?=ip)/, '')))].sort()).toEqual(kinds.sort());
      for (const kind of kinds)
        expect(count(([protocols]) => protocols!.endsWith(`:${kind}`))).toBeGreaterThan(kind.endsWith('rtp') ? 500 : 2);
      for (const method of ['INVITE', 'ACK', 'BYE']) expect(count((row) => row[5] === method)).toBeGreaterThan(1);
    },
    60_000,
  );
});
