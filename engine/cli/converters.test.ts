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
  });

  test.skipIf(tsharkVersion === undefined)('writes captures of the legs that tshark reads without complaint', () => {
    if (tsharkVersion === undefined) console.warn(tsharkMissing);
    expect(ringside('converters', 'two-phones', '-o', 'legs').code).toBe(0);
    const files = readdirSync(join(folder, 'legs'));
    expect(files.sort()).toEqual(['nine.pcapng', 'switch.pcapng', 'ten.pcapng']);
    const tshark = (file: string, ...args: string[]): string[] => {
      const checks = ['ip.check_checksum:TRUE', 'udp.check_checksum:TRUE'].flatMap((each) => ['-o', each]);
      const { stdout } = spawnSync('tshark', ['-r', join(folder, 'legs', file), '-n', ...checks, ...args], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      });
      return stdout.split('\n').filter((line) => line !== '');
    };
    for (const file of files) {
      expect(tshark(file, '-Y', '_ws.malformed or ip.checksum.status == 0 or udp.checksum.status == 0')).toEqual([]);
    }
    const media = tshark('nine.pcapng', '-d', 'udp.port==16384,rtp', '-Y', 'rtp', '-T', 'fields', '-e', 'rtp.p_type');
    expect(media.length).toBeGreaterThan(1_000);
    expect(new Set(media)).toEqual(new Set(['0']));
    const sdp = tshark('switch.pcapng', '-Y', 'sdp', '-T', 'fields', '-e', 'sdp.connection_info.address');
    expect(sdp.length).toBeGreaterThanOrEqual(4);
  });
});
