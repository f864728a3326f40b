import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cli = join(root, 'dist/cli.js');
const sample = join(root, 'resources/samples/nat64-arriving.pcapng');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-translate-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function ringside(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { code: status, out: stdout, err: stderr };
}

describe.runIf(existsSync(cli))('ringside translate', () => {
  test('writes both sides and says so; JSON has a line a packet and a summary', () => {
    const files = ['--in6', sample, '--in4', sample, '--out6', 'six.pcap', '--out4', 'four.pcapng'];
    const { code, out } = ringside('translate', '--config', 'nat64', ...files, '--json');
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, never>); // prettier-ignore
    const summary = lines.at(-1)!['summary'] as unknown as { packets: number; out4: number; out6: number };
    // The sample has what comes to a NAT64 with this pool: all of it is translated.
    expect(summary.out4 + summary.out6).toBe(summary.packets);
    expect(lines).toHaveLength(summary.packets + 1);
    expect(lines[0]).toMatchObject({ number: 1, side: 6, verdict: 'translated', rfc: 'RFC 7915 section 5' });
    const info = ringside('info', '--json', 'four.pcapng');
    expect(JSON.parse(info.out).packets).toBe(summary.out4);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test.skipIf(spawnSync('tshark', ['--version']).status !== 0)('tshark finds every checksum good in what was written', () => {
    const options = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
    const bad = ['ip', 'tcp', 'udp', 'icmp', 'icmpv6'].map((name) => `${name}.checksum.status == 0`).join(' || ');
    for (const file of ['six.pcap', 'four.pcapng']) {
      const ended = spawnSync('tshark', ['-n', ...options, '-r', file, '-Y', `${bad} || _ws.malformed`], { cwd: folder, encoding: 'utf8' });
      expect(ended.stdout).toBe('');
      expect(ended.status).toBe(0);
    }
  });

  test('a capture that ends inside a record is told, and what was whole is translated', () => {
    writeFileSync(join(folder, 'cut.pcapng'), readFileSync(sample).subarray(0, 40_000));
    const { code, out } = ringside('translate', '--config', 'nat64', '--in6', 'cut.pcapng', '--out4', 'cut-four.pcap');
    expect(code).toBe(0);
    expect(out).toContain('skipped in cut.pcapng: truncated-tail 1');
    const last = ringside('translate', '--config', 'nat64', '--in6', 'cut.pcapng', '--json').out.trimEnd().split('\n').at(-1)!;
    const { summary } = JSON.parse(last) as { summary: { packets: number } };
    expect(summary).toMatchObject({ skipped: [{ file: 'cut.pcapng', skipped: { 'truncated-tail': 1 } }] });
    expect(summary.packets).toBeGreaterThan(10);
  });

  test('logs bindings made and gone, as JSON lines and as IPFIX', () => {
    for (const log of ['log.jsonl', 'log.ipfix']) {
      expect(ringside('translate', '--config', 'nat64', '--in6', sample, '--log', log)).toMatchObject({ code: 0 });
    }
    const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { event: string }); // prettier-ignore
    const made = lines.filter(({ event }) => event === 'created').length;
    expect(made).toBeGreaterThan(0);
    expect(lines.length).toBeGreaterThanOrEqual(made);
    // A message of 336 bytes with the templates of all events, then 20 a message and 34 a record of a binding (RFC 7011).
    const records = lines.length;
    expect(statSync(join(folder, 'log.ipfix')).size).toBe(336 + Math.ceil(records / 40) * 20 + records * 34);
  });

  test('explains one packet', () => {
    const { code, out } = ringside('translate', '--config', 'nat64', '--in6', sample, '--explain', '1');
    expect(code).toBe(0);
    expect(out).toContain('RFC 6052 section 2.3');
    expect(out).toContain('Hop limit and TTL');
  });

  test.each([
    [['translate'], 2, 'name a capture'],
    [['translate', '--in6', 'none.pcap'], 1, 'none.pcap'],
    [['translate', '--in6', sample, '--out4', sample], 2, 'this is an input'],
    [['translate', '--in6', sample, '--mode', 'nat64'], 2, 'nat64.pool4'],
    [['translate', '--in6', sample, '--log', 'a.txt'], 2, 'a log is .jsonl or .ipfix'],
    [['translate', '--in6', sample, '--log', 'a.ipfix'], 2, 'bindings of nat64 alone'],
    [['translate', '--in6', sample, '--config', 'nothing'], 1, 'clat, dns64, eam'],
    [['translate', '--in6', sample, '--config', './bad.yaml'], 1, 'bad.yaml:2: line 2, mtu4'],
    [['map', '10.0.0.1'], 1, ''],
  ])('%j ends with %i', (args, code, text) => {
    writeFileSync(join(folder, 'bad.yaml'), 'mode: siit\nmtu4: many\n');
    const ended = ringside(...args);
    expect(ended.err + ended.out).toContain(text);
    expect(ended.code).toBe(code);
  });

  test('maps an address', () => {
    expect(ringside('map', '2001:db8:cccc::8', '--config', 'eam').out).toContain('192.0.2.24');
  });
});
