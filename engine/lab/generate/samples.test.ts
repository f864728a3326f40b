import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { MemorySink } from '../../files/index.ts';
import { generateTo, parseGenerator } from './index.ts';

/**
 * The bundled samples are what their specs give. To make them anew after a change of the generator or of a spec:
 * RINGSIDE_WRITE_SAMPLES=1 npx vitest run engine/lab/generate/samples.test.ts
 */
const resources = fileURLToPath(new URL('../../../resources/', import.meta.url));
const write = process.env['RINGSIDE_WRITE_SAMPLES'] === '1';
const tshark = spawnSync('tshark', ['--version']).status === 0;

interface Sample {
  file: string;
  title: string;
  description: string;
  scenario: string;
}
const samples = JSON.parse(readFileSync(join(resources, 'samples/index.json'), 'utf8')) as Sample[];
const folder = mkdtempSync(join(tmpdir(), 'ringside-samples-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function generated(file: string): Uint8Array {
  const spec = unwrap(parseGenerator(readFileSync(join(resources, 'generators', `${file.replace(/\.pcap(ng)?$/, '')}.yaml`), 'utf8')));
  const sink = new MemorySink();
  const result = generateTo(spec, sink);
  expect(result.ok).toBe(true);
  return sink.bytes();
}

describe('bundled samples', () => {
  test('every sample is listed, with a scenario that exists, and they stay small', () => {
    const files = readdirSync(join(resources, 'samples')).filter((f) => /\.pcap(ng)?$/.test(f));
    expect(files.sort()).toEqual(samples.map((s) => s.file).sort());
    let total = 0;
    for (const sample of samples) {
      expect(existsSync(join(resources, 'scenarios', `${sample.scenario}.yaml`))).toBe(true);
      expect(sample.description.length).toBeGreaterThan(40);
      const size = statSync(join(resources, 'samples', sample.file)).size;
      expect(size).toBeLessThan(1_000_000);
      total += size;
    }
    expect(total).toBeLessThan(4_000_000);
  });

  test.each(samples.map((s) => s.file))('%s is what its spec gives, byte for byte', (file) => {
    const bytes = generated(file);
    const path = join(resources, 'samples', file);
    if (write) writeFileSync(path, bytes);
    expect(Buffer.compare(bytes, readFileSync(path))).toBe(0);
  });
});

/** Frames that tshark calls malformed, with a bad checksum, or in error. */
const COMPLAINTS = [
  '_ws.malformed',
  'pim.cksum.status == 0',
  ...['ip', 'tcp', 'udp', 'icmp', 'icmpv6', 'igmp'].map((p) => `${p}.checksum.status == 0`),
  '_ws.expert.severity >= 0x800000',
  'tcp.analysis.retransmission',
  'tcp.analysis.lost_segment',
  'tcp.analysis.ack_lost_segment',
  'tcp.analysis.out_of_order',
].join(' || ');

/** One direction of each conversation only: tshark misses the other. */
const ONE_WAY = ['nat64-arriving.pcapng'];

function complaints(path: string): string {
  const options = ['ip', 'tcp', 'udp'].flatMap((p) => ['-o', `${p}.check_checksum:TRUE`]);
  return execFileSync(
    'tshark',
    [
      '-n',
      ...options,
      '-r',
      path,
      '-Y',
      ONE_WAY.some((name) => path.endsWith(name)) ? COMPLAINTS.replaceAll(/ \|\| tcp\.analysis\.\w+/g, '') : COMPLAINTS,
    ],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
}

const oracle = tshark ? describe : describe.skip;
oracle(tshark ? 'tshark' : 'tshark is not installed; install it to compare the generator with it', () => {
  test.each(samples.map((s) => s.file))('finds nothing wrong with %s', (file) => {
    expect(complaints(join(resources, 'samples', file))).toBe('');
  });

  test('finds nothing wrong with any kind of stream, whole and in a VLAN', () => {
    const kinds = [
      'kind: imix, ratePps: 400, v6Share: 0.5',
      'kind: constant, ratePps: 200, bytes: 300, direction: up',
      'kind: burst, pattern: wake-backlog, flows: 9',
      ...['tls', 'http', 'bulk'].map((a) => `kind: tcp, everyMs: 100, application: ${a}, resetShare: 0.3, responseBytesMax: 90000`),
      ...['dns', 'ping', 'arp', 'nd', 'dhcp', 'mdns', 'ntp', 'fragments'].map((k) => `kind: ${k}, everyMs: 60`),
      ...['igmpv2', 'igmpv3', 'mldv2', 'pim'].map((p) => `kind: multicast, protocol: ${p}, everyMs: 200, holdMs: 300`),
      'kind: multicast, protocol: pim, group: "ff3e::8000:5", everyMs: 200, dataPps: 0',
      'kind: nat64, everyMs: 60',
    ];
    const list = [...kinds.map((k) => `{ ${k} }`), ...kinds.filter((k) => !k.includes('nat64')).map((k) => `{ ${k}, vlan: 7 }`)];
    const path = join(folder, 'all.pcapng');
    const sink = new MemorySink();
    const spec = unwrap(parseGenerator(`name: all\ndurationS: 2\ninterfaces: [a, b]\nstreams:\n  - ${list.join('\n  - ')}\n`));
    const made = unwrap(generateTo(spec, sink));
    expect(made.packets).toBeGreaterThan(8_000);
    writeFileSync(path, sink.bytes());
    expect(complaints(path)).toBe('');
    const protocols = execFileSync('tshark', ['-n', '-r', path, '-q', '-z', 'io,phs'], { encoding: 'utf8' });
    for (const name of ['tls', 'http', 'dns', 'mdns', 'dhcp', 'ntp', 'arp', 'icmp', 'icmpv6', 'igmp', 'pim', 'vlan']) {
      expect(protocols).toMatch(new RegExp(`\\b${name} +frames`));
    }
  });
});
