import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { hex, sha256Hex, u16, u32, unwrap } from '../../base/index.ts';
import { MemorySink, RecordBatch, memoryByteSource, openSource } from '../../files/index.ts';
import { pseudoSum4, pseudoSum6, sum16, sumIsGood } from '../../wire/index.ts';
import { GeneratorSource, generateTo, generatorJsonSchema, parseGenerator } from './index.ts';

function spec(streams: string, rest = '') {
  const parsed = parseGenerator(`name: t\n${rest}streams:\n  - ${streams}\n`);
  if (!parsed.ok) throw new Error(parsed.error.map((i) => `${i.field}: ${i.message}`).join('\n'));
  return parsed.value;
}

interface Packet {
  tsNs: number;
  origLen: number;
  bytes: Uint8Array;
}

function packetsOf(source: { nextBatch(batch: RecordBatch): boolean }, capacity = 4_096): Packet[] {
  const out: Packet[] = [];
  const batch = new RecordBatch(capacity);
  while (source.nextBatch(batch)) {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i]!;
      out.push({ tsNs: batch.tsNs[i]!, origLen: batch.origLen[i]!, bytes: batch.bytes.slice(at, at + batch.capLen[i]!) });
    }
  }
  return out;
}

/** A short text for each packet, because comparing thousands of byte arrays one by one takes minutes. */
function digest(packets: readonly Packet[]): string[] {
  return packets.map((p) => `${String(p.tsNs)} ${String(p.origLen)} ${sha256Hex(p.bytes)}`);
}

/** Checks lengths and both checksums of an untagged IPv4 or IPv6 frame that carries TCP or UDP. */
function goodFrame(b: Uint8Array): boolean {
  const v6 = u16(b, 12) === 0x86dd;
  const at = v6 ? 54 : 34;
  const protocol = b[v6 ? 20 : 23]!;
  const length = v6 ? u16(b, 18) : u16(b, 16) - 20;
  if (!v6 && !sumIsGood(sum16(b, 14, 34))) return false;
  const pseudo = v6 ? pseudoSum6(b, 22, 38, protocol, length) : pseudoSum4(b, 26, 30, protocol, length);
  return at + length <= b.length && sumIsGood(sum16(b, at, at + length, pseudo));
}

function flowKey(b: Uint8Array): string {
  const v6 = u16(b, 12) === 0x86dd;
  const [from, at] = v6 ? [22, 54] : [26, 34];
  return `${String(b[v6 ? 20 : 23])} ${Array.from(b.subarray(from, at + 4)).join('.')}`;
}

describe('bulk streams', () => {
  test('IMIX: sizes 7:4:1, 70 % TCP, the number of flows asked for, every checksum good', () => {
    const packets = packetsOf(new GeneratorSource(spec('{ kind: imix, flows: 500, v6Share: 0, ratePps: 100000 }', 'packets: 12000\n')));
    expect(packets).toHaveLength(12_000);
    const sizes = new Map<number, number>();
    let tcp = 0;
    for (const p of packets) {
      sizes.set(p.origLen, (sizes.get(p.origLen) ?? 0) + 1);
      if (p.bytes[23] === 6) tcp++;
    }
    expect(packets.every((p) => goodFrame(p.bytes))).toBe(true);
    expect([...sizes.keys()].sort((a, b) => a - b)).toEqual([64, 576, 1500]);
    expect(Math.abs(sizes.get(64)! - 7_000)).toBeLessThan(300);
    expect(Math.abs(sizes.get(576)! - 4_000)).toBeLessThan(300);
    expect(Math.abs(tcp / 12_000 - 0.7)).toBeLessThan(0.06);
    expect(new Set(packets.map((p) => flowKey(p.bytes))).size).toBe(500);
    const rate = 12_000 / (packets.at(-1)!.tsNs / 1e9);
    expect(Math.abs(rate - 100_000)).toBeLessThan(3_000);
  });

  test('forty thousand flows are forty thousand different flows, also on few client addresses', () => {
    for (const clients of ['198.18.0.0/16', '192.0.2.0/24']) {
      const source = new GeneratorSource(
        spec(`{ kind: constant, flows: 40000, bytes: 60, v6Share: 0.3, clients: ${clients} }`, 'packets: 40000\ndurationS: 1000\n'),
      );
      const seen = new Set<string>();
      for (const p of packetsOf(source)) seen.add(flowKey(p.bytes));
      expect(seen.size).toBeGreaterThan(clients.endsWith('/16') ? 39_999 : 39_600);
    }
  });

  test('TCP sequence numbers of a flow follow on', () => {
    const packets = packetsOf(new GeneratorSource(spec('{ kind: imix, flows: 3, tcpShare: 1, v6Share: 0 }', 'packets: 500\n')));
    const next = new Map<string, number>();
    for (const { bytes } of packets) {
      const key = flowKey(bytes);
      const expected = next.get(key);
      if (expected !== undefined) expect(u32(bytes, 38)).toBe(expected);
      next.set(key, (u32(bytes, 38) + u16(bytes, 16) - 40) >>> 0);
    }
    expect(next.size).toBe(3);
  });

  test('bursts: packets at line rate, silence between, acknowledgments afterwards', () => {
    const text = '{ kind: burst, periodMs: 50, jitter: 0, packetsMin: 40, packetsMax: 40, bytes: 1000, lineBps: 1e9, tcpShare: 1 }';
    const packets = packetsOf(new GeneratorSource(spec(text, 'durationS: 0.5\n')));
    const starts = packets.filter((p, i) => i === 0 || p.tsNs - packets[i - 1]!.tsNs > 10_000_000);
    expect(starts.map((p) => p.tsNs)).toEqual(Array.from({ length: 11 }, (_, i) => i * 50_000_000));
    expect(packets.slice(0, 40).every((p) => p.origLen === 1_000)).toBe(true);
    expect(packets[1]!.tsNs - packets[0]!.tsNs).toBe(8_000);
    expect(packets[40]!.origLen).toBe(60);
    expect(packets.every((p) => goodFrame(p.bytes))).toBe(true);
  });

  test('the snap length cuts bytes, not lengths or checksums', () => {
    const text = '{ kind: imix, flows: 20, v6Share: 0.5 }';
    const whole = packetsOf(new GeneratorSource(spec(text, 'packets: 300\n')));
    const cut = packetsOf(new GeneratorSource(spec(text, 'packets: 300\nsnapLen: 64\n')));
    expect(cut.map((p) => [p.tsNs, p.origLen])).toEqual(whole.map((p) => [p.tsNs, p.origLen]));
    for (const [i, p] of cut.entries()) {
      expect(hex(p.bytes)).toBe(hex(whole[i]!.bytes, 0, 64));
    }
  });
});

describe('the generator as a whole', () => {
  const MIXED =
    '{ kind: imix, ratePps: 3000 }\n  - { kind: tcp, everyMs: 20, application: http }\n  - { kind: burst, pattern: wifi-ampdu }\n  - { kind: nd, everyMs: 9 }';

  test('same spec, same packets, whatever the batch; time never goes backwards and begins at zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 1, max: 200 }), (seed, capacity) => {
        const s = spec(MIXED, `seed: ${String(seed)}\ndurationS: 0.2\n`);
        const a = packetsOf(new GeneratorSource(s));
        expect(digest(packetsOf(new GeneratorSource(s), capacity)).join()).toBe(digest(a).join());
        expect(a[0]!.tsNs).toBe(0);
        expect(a.every((p, i) => Number.isSafeInteger(p.tsNs) && p.tsNs >= (a[i - 1]?.tsNs ?? 0))).toBe(true);
      }),
      { numRuns: 8 },
    );
  });

  test('another seed gives other packets; another stream beside it leaves a named stream alone', () => {
    const one = spec('{ id: a, kind: dns, everyMs: 10 }', 'durationS: 1\nseed: 5\n');
    const other = spec('{ id: a, kind: dns, everyMs: 10 }', 'durationS: 1\nseed: 6\n');
    const two = spec('{ id: b, kind: arp, everyMs: 10 }\n  - { id: a, kind: dns, everyMs: 10 }', 'durationS: 1\nseed: 5\n');
    const ip = (s: typeof one) =>
      packetsOf(new GeneratorSource(s))
        .filter((p) => u16(p.bytes, 12) !== 0x0806)
        .map((p) => hex(p.bytes));
    expect(ip(two)).toEqual(ip(one));
    expect(ip(other)).not.toEqual(ip(one));
  });

  test('TCP conversations open, carry what was said, and close', () => {
    const packets = packetsOf(
      new GeneratorSource(spec('{ kind: tcp, everyMs: 50, application: http, v6Share: 0, resetShare: 0 }', 'durationS: 1\n')),
    );
    const flags = packets.map((p) => p.bytes[47]!);
    const count = (test: (f: number) => boolean) => flags.filter(test).length;
    const opened = count((f) => f === 2);
    expect(opened).toBeGreaterThan(8);
    expect(count((f) => f === 0x12)).toBe(opened);
    expect(count((f) => (f & 1) === 1)).toBe(2 * opened);
    expect(packets.every((p) => goodFrame(p.bytes))).toBe(true);
  });

  test('packets and untilMs stop a stream; a spec of no time gives no packets', () => {
    expect(packetsOf(new GeneratorSource(spec('{ kind: constant, ratePps: 1000, packets: 7 }')))).toHaveLength(7);
    const until = packetsOf(new GeneratorSource(spec('{ kind: constant, ratePps: 1000, startMs: 100, untilMs: 104 }')));
    expect(until.map((p) => p.tsNs)).toEqual([0, 1, 2, 3, 4].map((i) => i * 1_000_000));
    const none = spec('{ kind: dns, everyMs: 1000, startMs: 500 }', 'durationS: 0\n');
    const sink = new MemorySink();
    expect(unwrap(generateTo(none, sink)).packets).toBe(0);
    expect(sink.bytes().length).toBeGreaterThan(40);
  });

  test.each(['pcap', 'pcapng'])('a written %s reads back as the packets that were made', (format) => {
    const s = spec(MIXED, `durationS: 0.3\nstart: "2024-01-02T03:04:05.000000007Z"\nformat: ${format}\n`);
    const sink = new MemorySink();
    const progress: number[] = [];
    const made = unwrap(generateTo(s, sink, { onProgress: (p) => progress.push(p.done) }));
    const source = unwrap(openSource(memoryByteSource(sink.bytes()), 'memory'));
    const read = packetsOf(source);
    const direct = new GeneratorSource(s);
    expect(digest(read)).toEqual(digest(packetsOf(direct)));
    expect(read).toHaveLength(made.packets);
    expect(source.epochNs).toBe(direct.epochNs);
    expect(source.epochNs % 1_000_000_000n).toBeGreaterThanOrEqual(7n);
    expect(progress.length).toBeGreaterThan(0);
  });

  test('a generator that is stopped says so and leaves nothing', () => {
    const result = generateTo(spec('{ kind: imix }', 'packets: 100000\n'), new MemorySink(), { shouldCancel: () => true });
    expect(result.ok ? 'written' : result.error.code).toBe('cancelled');
  });
});

describe('specs', () => {
  const folder = fileURLToPath(new URL('../../../resources/generators/', import.meta.url));
  test.each(readdirSync(folder))('%s is good and named like its file', (file) => {
    const parsed = unwrap(parseGenerator(readFileSync(folder + file, 'utf8')));
    expect(`${parsed.name}.yaml`).toBe(file);
    expect(parsed.description.length).toBeGreaterThan(40);
  });

  test('findings name line and field', () => {
    const text = 'name: a\nstreams:\n  - { kind: tpc }\n  - { kind: imix, ratepps: 5 }\n';
    const parsed = parseGenerator(text);
    expect(parsed.ok ? [] : parsed.error.map((i) => [i.line, i.field, i.message])).toEqual([
      [
        3,
        'streams.0.kind',
        'must be one of imix, constant, burst, tcp, dns, ping, arp, nd, dhcp, mdns, ntp, fragments, multicast, nat64, not the text "tpc"; did you mean tcp?',
      ],
      [4, 'streams.1.ratepps', 'unknown field ratepps; did you mean ratePps?'],
    ]);
    const semantic = [
      '{ kind: imix, clients: "2001:db8::/64" }',
      '{ kind: tcp, servers6: 10.0.0.0/8 }',
      '{ kind: burst, packetsMin: 5, packetsMax: 4 }',
      '{ kind: multicast, group: 224.0.0.0/4 }',
      '{ kind: nat64, prefix: "64:ff9b::/64", pool: "::1" }',
    ];
    for (const stream of semantic) {
      const result = parseGenerator(`name: a\nstreams: [${stream}]`);
      expect(result.ok ? stream : result.error[0]?.line).toBe(stream.includes('nat64') ? 1 : 2);
    }
    expect(JSON.stringify(generatorJsonSchema())).toContain('modem-grant');
  });
});
