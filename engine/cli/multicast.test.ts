import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { groupPacket, RECORD } from '../multicast/index.ts';
import { writeRawPcapng } from '../testing/raw-captures.ts';
import { tsharkMissing, tsharkVersion } from '../testing/tshark.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cli = join(root, 'dist/cli.js');
const SAMPLE = join(root, 'resources/samples/multicast-joins.pcapng');
if (tsharkVersion === undefined) console.log(tsharkMissing);

/** A link too small for what the source sends over IPv6, and a source that nobody has joined. */
const NARROW = `
name: narrow
durationS: 4
routers: [{ id: a, kind: v6 }, { id: b, kind: v6 }, { id: c, kind: v6, drPriority: 0 }]
links:
  - { id: ab, ends: [a, b], families: v6 }
  - { id: lan, ends: [b, c], families: v6, mtu: 1400 }
sources:
  - { id: s, at: a, v6: '2001:db8:7::1', group: 'ff3e::8000:1', ratePps: 50, bytes: 1420 }
  - { id: t, at: a, v6: '2001:db8:8::1', group: 'ff3e::8000:2', ratePps: 5 }
receivers: [{ id: h, at: lan, protocol: mldv2, group: 'ff3e::8000:1', source: '2001:db8:7::1' }]
limits: { unknownSources: 1, icmpErrorsPerSecond: 4 }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-multicast-'));
  writeFileSync(join(folder, 'narrow.yaml'), NARROW);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function ringside(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { code: status, out: stdout, err: stderr };
}

describe.runIf(existsSync(cli))('ringside multicast', () => {
  test('lists, runs and explains; the same network prints the same bytes', () => {
    expect(ringside('multicast').out).toContain('shorter-path');
    const args = ['multicast', 'shorter-path', '--at', '5', '--explain', '--messages', '--json'];
    const run = ringside(...args);
    expect(run.code).toBe(0);
    const lines = run.out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>); // prettier-ignore
    const entries = lines.flatMap(({ entry }) => entry ?? []);
    expect(entries[0]).toMatchObject({ choice: 'v4', reason: expect.stringContaining('chosen because') as string });
    expect(lines.some(({ decision }) => decision?.['rule'] === 'lower-cost')).toBe(true);
    expect(lines.some(({ message }) => message?.['kind'] === 'join')).toBe(true);
    expect(lines.at(-1)).toMatchObject({ name: 'shorter-path', tNs: 5e9, conservation: { ok: true } });
    expect(ringside(...args).out).toBe(run.out);
  });

  test('tells what was dropped, told to sources, remembered, and refused at a limit', () => {
    const { code, out } = ringside('multicast', 'narrow.yaml', '-o', 'captures');
    expect(code).toBe(0);
    expect(out).toMatch(/not forwarded by/);
    expect(out).toMatch(/b +v6 +ab +2001:db8:7::1, ff3e::8000:1 +\d+/);
    expect(out).toMatch(/1[0-9] Packet Too Big sent to sources/);
    expect(out).toContain('1 source that nobody has joined is remembered');
    expect(out).toContain('3 routers, 4 links, 2 sources, 1 receiver\n');
    expect(out).toMatch(/refused at a limit: .*icmpErrorsPerSecond \d+/);
    expect(readdirSync(join(folder, 'captures')).sort()).toEqual(['a.pcapng', 'b.pcapng', 'c.pcapng']);
    if (tsharkVersion === undefined) return;
    const read = spawnSync('tshark', ['-r', join(folder, 'captures/b.pcapng'), '-Y', 'icmpv6.type == 2 || _ws.malformed || icmpv6.checksum.status == 0', '-T', 'fields', '-e', 'icmpv6.mtu', '-e', 'icmpv6.checksum.status'], { encoding: 'utf8' }); // prettier-ignore
    expect(new Set(read.stdout.trimEnd().split('\n'))).toEqual(new Set(['1400\t1']));
  });

  test('says who has joined what at the end of a capture', () => {
    const { code, out } = ringside('multicast', SAMPLE, '--json');
    expect(code).toBe(0);
    expect(out).toContain('"group":"232.10.0.1"');
    const early = ringside('multicast', SAMPLE, '--at', '0.001');
    expect([early.code, early.out]).toEqual([0, expect.stringMatching(/up to 0\.001 s[^]*nobody has joined/)]);
  });

  test('takes the last packet of a capture, which is in a ring when the capture ends, and refuses what is no group', () => {
    const report = (group: string): { type: typeof RECORD.allow; group: string; sources: string[] } =>
      ({ type: RECORD.allow, group, sources: ['198.51.100.10'] }); // prettier-ignore
    const records = [report('232.10.0.1'), report('1.3.5.7')];
    const ip = groupPacket({ kind: 'report', version: 3, records }, 4, '192.0.2.20', '224.0.0.22');
    const bytes = Uint8Array.of(1, 0, 0x5e, 0, 0, 22, 2, 0, 0, 0, 0, 9, 8, 0, ...ip);
    writeFileSync(join(folder, 'one.pcapng'), writeRawPcapng([{ linkType: 1, origLenBytes: bytes.length, bytes }]));
    for (const args of [['one.pcapng'], ['one.pcapng', '-s', 'multicast-port']]) {
      const { code, out } = ringside('multicast', ...args);
      expect(code).toBe(0);
      expect(out).toMatch(/1 packet up to [^]*, 1 of IGMP and MLD[^]*1 record of IGMP and MLD refused: what they name is no group/);
      expect(out).toMatch(/232\.10\.0\.1 +include +198\.51\.100\.10/);
    }
  });

  test('says that a capture ends within a packet', () => {
    writeFileSync(join(folder, 'cut.pcapng'), readFileSync(SAMPLE).subarray(0, -20));
    for (const args of [['cut.pcapng'], ['cut.pcapng', '-s', 'multicast-port']]) {
      const { code, out } = ringside('multicast', ...args);
      expect([code, out]).toEqual([0, expect.stringMatching(/300 packets up to [^]*◆ skipped: truncated-tail 1\n/)]);
      const last = ringside('multicast', ...args, '--json')
        .out.trimEnd()
        .split('\n')
        .at(-1)!;
      expect(JSON.parse(last)).toMatchObject({ packets: 300, skipped: { 'truncated-tail': 1 } });
    }
  });

  test('gives the router of a capture, by the multicast port of a scenario: entries, choices, packets of its interfaces', () => {
    const args = ['multicast', SAMPLE, '-s', 'multicast-port', '--explain', '--messages', '-o', 'port'];
    const { code, out } = ringside(...args);
    expect(code).toBe(0);
    expect(out).toMatch(/mcast +\(198\.51\.100\.10, 232\.10\.0\.1\) +v4 +3 +5 +up4/);
    expect(out).toMatch(/rule lower-cost: v4 chosen because its cost 3 is lower than 5 of v6/);
    expect(out).toMatch(/mcast -> up4 {2}PIM join \(198\.51\.100\.10, 232\.10\.0\.1\) = \(2001:db8:64::c633:640a, /);
    const lines = ringside(...args, '--json').out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>); // prettier-ignore
    expect(lines.map(({ drop }) => drop?.['reason'])).toContain('rpf_other_family');
    expect(lines.at(-1)).toMatchObject({ packets: 301, files: [join('port', 'mcast.pcapng')], conservation: { ok: true } });
    if (tsharkVersion === undefined) return;
    const read = (filter: string): string[] =>
      spawnSync('tshark', ['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-r', join(folder, 'port/mcast.pcapng'), '-Y', filter], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line !== ''); // prettier-ignore
    expect(read('udp').length).toBeGreaterThan(300);
    expect(read('_ws.malformed || _ws.expert.severity >= 6291456 || ip.checksum.status == 0 || udp.checksum.status == 0 || pim.cksum.status == 0')).toEqual([]); // prettier-ignore
  });

  test('does not pass over an option that it cannot follow', () => {
    for (const [args, why] of [
      [[SAMPLE, '--explain'], '--scenario multicast-port'],
      [[SAMPLE, '-o', 'nothing'], '--scenario multicast-port'],
      [[SAMPLE, '-s', 'default'], 'no port of kind multicast'],
      [['shorter-path', '-s', 'multicast-port'], 'a network has its own routers'],
      [['--explain'], 'Name a network or a capture'],
    ] as const) {
      const { code, out, err } = ringside('multicast', ...args);
      expect([code, out, err], args.join(' ')).toEqual([2, '', expect.stringContaining(why)]);
    }
  });

  test('says what is wrong, where, and what to do', () => {
    writeFileSync(join(folder, 'wrong.yaml'), 'name: wrong\nrouters:\n  - { id: a, kind: v7 }\n');
    const wrong = ringside('multicast', 'wrong.yaml');
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('wrong.yaml:3: line 3, routers.0.kind')]);
    expect(ringside('multicast', 'nosuch')).toMatchObject({ code: 1, err: expect.stringContaining('Bundled: ') as string });
    expect(ringside('multicast', 'shorter-path', '--at', '-1').code).toBe(2);
  });
});
