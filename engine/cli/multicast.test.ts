import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tsharkMissing, tsharkVersion } from '../testing/tshark.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cli = join(root, 'dist/cli.js');
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
    expect(out).toMatch(/1 sources? that nobody has joined/);
    expect(out).toMatch(/refused at a limit: .*icmpErrorsPerSecond \d+/);
    expect(readdirSync(join(folder, 'captures')).sort()).toEqual(['a.pcapng', 'b.pcapng', 'c.pcapng']);
    if (tsharkVersion === undefined) return;
    const read = spawnSync('tshark', ['-r', join(folder, 'captures/b.pcapng'), '-Y', 'icmpv6.type == 2 || _ws.malformed || icmpv6.checksum.status == 0', '-T', 'fields', '-e', 'icmpv6.mtu', '-e', 'icmpv6.checksum.status'], { encoding: 'utf8' }); // prettier-ignore
    expect(new Set(read.stdout.trimEnd().split('\n'))).toEqual(new Set(['1400\t1']));
  });

  test('says who has joined what at the end of a capture', () => {
    const { code, out } = ringside('multicast', join(root, 'resources/samples/multicast-joins.pcapng'), '--json');
    expect(code).toBe(0);
    expect(out).toContain('"group":"232.10.0.1"');
  });

  test('says what is wrong, where, and what to do', () => {
    writeFileSync(join(folder, 'wrong.yaml'), 'name: wrong\nrouters:\n  - { id: a, kind: v7 }\n');
    const wrong = ringside('multicast', 'wrong.yaml');
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('wrong.yaml:3: line 3, routers.0.kind')]);
    expect(ringside('multicast', 'nosuch')).toMatchObject({ code: 1, err: expect.stringContaining('Bundled: ') as string });
    expect(ringside('multicast', 'shorter-path', '--at', '-1').code).toBe(2);
  });
});
