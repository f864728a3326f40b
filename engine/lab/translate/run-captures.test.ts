import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import type { TranslatorMode } from '../../contract/index.ts';
import { MemorySink, PcapWriter, RecordBatch, memoryByteSource, openSource, type PacketSource } from '../../files/index.ts';
import { createTranslator } from '../../translator/index.ts';
import { formatIpv4, formatIpv6, samplePackets } from '../../wire/index.ts';
import { parseGenerator, generateTo } from '../generate/index.ts';
import {
  CaptureRun,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  MergedInput,
  SideOutput,
  parseTranslator,
  type CaptureRunResult,
  type InputSide,
  type TranslatedPacket,
} from './index.ts';

const root = resolve(import.meta.dirname, '../../..');

interface Timed {
  readonly tNs: number;
  readonly bytes: Uint8Array;
}

/** Raw IP packets as a capture. */
function capture(packets: readonly Timed[], epochNs = 0n, linkType = LINKTYPE_RAW): PacketSource {
  const sink = new MemorySink();
  const writer = new PcapWriter(sink, epochNs, { linkType });
  for (const { tNs, bytes } of packets) writer.packet(tNs, bytes, 0, bytes.length, bytes.length);
  writer.finish();
  return unwrap(openSource(memoryByteSource(sink.bytes()), 'test.pcap'));
}

interface Ran {
  readonly result: CaptureRunResult;
  readonly seen: { number: number; side: number; tNs: number; code: number; inputNumber: number }[];
  readonly four: Timed[];
  readonly six: Timed[];
}

function packetsOf(sink: MemorySink): Timed[] {
  const source = unwrap(openSource(memoryByteSource(sink.bytes()), 'out.pcap'));
  const batch = new RecordBatch();
  const out: Timed[] = [];
  while (source.nextBatch(batch)) {
    for (let i = 0; i < batch.count; i++) {
      const start = batch.offset[i]!;
      out.push({ tNs: batch.tsNs[i]!, bytes: batch.bytes.slice(start, start + batch.capLen[i]!) });
    }
  }
  return out;
}

function run(
  yaml: string,
  inputs: readonly (readonly [InputSide, PacketSource])[],
  link: 1 | 101 = LINKTYPE_RAW,
  mode?: TranslatorMode,
): Ran {
  const spec = unwrap(parseTranslator(yaml, mode));
  const input = new MergedInput(inputs.map(([side, source]) => ({ side, source })));
  const sinks = [new MemorySink(), new MemorySink()] as const;
  const output = (sink: MemorySink): SideOutput => new SideOutput(new PcapWriter(sink, input.epochNs, { linkType: link }), link);
  const seen: Ran['seen'] = [];
  const onPacket = ({ number, side, tNs, code, inputNumber }: TranslatedPacket): void => {
    seen.push({ number, side, tNs, code, inputNumber });
  };
  const captureRun = new CaptureRun({
    spec,
    translator: unwrap(createTranslator(spec)),
    input,
    out4: output(sinks[0]),
    out6: output(sinks[1]),
    onPacket,
  });
  while (captureRun.step(3));
  return { result: captureRun.result(), seen, four: packetsOf(sinks[0]), six: packetsOf(sinks[1]) };
}

const NAT64 = 'mode: nat64\nnat64: { pool4: [{ prefix: 203.0.113.7 }], maxSessions: 64, maxBindings: 64 }';

/** UDP over IPv6 from a host to 198.51.100.9 under the well-known prefix. */
function six(port: number): Uint8Array {
  const b = new Uint8Array(56);
  b[0] = 0x60;
  b[5] = 16;
  b[6] = 17;
  b[7] = 64;
  b.set([0x20, 1, 0xd, 0xb8, 0, 1], 8);
  b[23] = 1;
  b.set([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 198, 51, 100, 9], 24);
  b.set([port >> 8, port & 255, 0, 53, 0, 16, 0x12, 0x34], 40);
  return b;
}

/** The answer from the peer to the pool address. */
function four(port: number): Uint8Array {
  const b = new Uint8Array(36);
  b.set([0x45, 0, 0, 36, 0, 0, 0x40, 0, 60, 17, 0, 0, 198, 51, 100, 9, 203, 0, 113, 7, 0, 53, port >> 8, port & 255, 0, 16, 0x43, 0x21]);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (b[i]! << 8) | b[i + 1]!;
  sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
  b[10] = sum >> 8;
  b[11] = sum & 255;
  return b;
}

describe('captures of both sides through a translator', () => {
  it('merges both sides in the order of time, whatever clock each file starts at', () => {
    const inside = capture([{ tNs: 0, bytes: six(5_000) }, { tNs: 30, bytes: six(5_000) }], 1_000n); // prettier-ignore
    const outside = capture([{ tNs: 0, bytes: four(5_000) }, { tNs: 20, bytes: four(5_000) }], 1_010n); // prettier-ignore
    const { result, seen, four: v4, six: v6 } = run(NAT64, [[6, inside], [4, outside]]); // prettier-ignore
    expect(seen.map(({ side, tNs, number, inputNumber }) => [number, inputNumber, side, tNs])).toEqual([
      [1, 1, 6, 0],
      [2, 1, 4, 10],
      [3, 2, 6, 30],
      [4, 2, 4, 30],
    ]);
    expect(result).toMatchObject({ packets: 4, in4: 2, in6: 2, out4: 2, out6: 2, tables: { sessions: 1, bindings: 1 } });
    expect(v4.map(({ tNs }) => tNs)).toEqual([0, 30]);
    expect(formatIpv4(v4[0]!.bytes, 12)).toBe('203.0.113.7');
    expect(formatIpv6(v6[0]!.bytes, 24)).toBe('2001:db8:1::1');
  });

  it('an answer before the first packet from inside is refused: order matters', () => {
    const { result } = run(NAT64, [[6, capture([{ tNs: 5, bytes: six(7) }])], [4, capture([{ tNs: 0, bytes: four(7) }])]]); // prettier-ignore
    expect(result.reasons.map(({ id, packets }) => [id, packets])).toContainEqual(['translated', 1]);
    expect(result.reasons.map(({ id }) => id)).toContain('noBinding');
  });

  it('writes Ethernet frames that go to the same address for the same host', () => {
    const { four: v4 } = run(NAT64, [[6, capture([{ tNs: 0, bytes: six(1) }, { tNs: 1, bytes: six(2) }])]], LINKTYPE_ETHERNET); // prettier-ignore
    expect(v4).toHaveLength(2);
    expect([...v4[0]!.bytes.subarray(0, 14)]).toEqual([...v4[1]!.bytes.subarray(0, 14)]);
    expect([...v4[0]!.bytes.subarray(12, 15)]).toEqual([0x08, 0x00, 0x45]);
    expect(v4[0]!.bytes[0]! & 3).toBe(2);
  });

  it('counts what is no IP and what is of the other family, and takes one capture for both sides', () => {
    const frames = samplePackets().filter(({ linkType }) => linkType === LINKTYPE_ETHERNET);
    const packets = frames.map(({ bytes }, tNs) => ({ tNs, bytes }));
    const both = run('{}', [['both', capture(packets, 0n, LINKTYPE_ETHERNET)]]).result;
    const one = run('{}', [[6, capture(packets, 0n, LINKTYPE_ETHERNET)]]).result;
    expect(both.otherFamily).toBe(0);
    expect(both.notIp).toBeGreaterThan(0);
    expect(both.in4 + both.in6 + both.notIp).toBe(frames.length);
    expect(one.otherFamily).toBe(both.in4);
    expect(one.in6).toBe(both.in6);
    const said = both.reasons.reduce((sum, { packets: n }) => sum + n, 0);
    expect(said).toBe(both.in4 + both.in6);
  });

  it('gives up held SYNs at the end, with their answers', () => {
    const syn = four(9);
    syn[9] = 6;
    const tcp = new Uint8Array(40);
    tcp.set(syn.subarray(0, 20));
    tcp.set([0, 40], 2);
    tcp.set([0, 0], 10);
    tcp.set([0, 80, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2], 20);
    const spec = `${NAT64}\nbadHeaderChecksum: forward`;
    const { result, four: v4 } = run(spec, [[4, capture([{ tNs: 0, bytes: tcp }])]]);
    expect(result.reasons.map(({ id }) => id)).toEqual(['synHeld']);
    expect(result.errorsMade).toBe(1);
    expect(result.endNs).toBe(6e9);
    expect(v4[0]!.bytes[20]).toBe(3);
  });

  it('the bundled sample of both sides: what leaves for IPv4 is what the capture has there, but for what a translator may choose', () => {
    const yaml = readFileSync(join(root, 'resources/generators/nat64-both-sides.yaml'), 'utf8');
    const made = (): PacketSource => {
      const sink = new MemorySink();
      unwrap(generateTo(unwrap(parseGenerator(yaml)), sink));
      return unwrap(openSource(memoryByteSource(sink.bytes()), 'sample.pcapng'));
    };
    const { result } = run(NAT64.replace('64, maxB', '65536, maxB').replace('maxBindings: 64', 'maxBindings: 65536'), [[6, made()]]);
    expect(result.out4).toBeGreaterThan(100);
    expect(result.in6).toBe(result.reasons.reduce((sum, { packets }) => sum + packets, 0));
  });
});

describe('translator configurations', () => {
  it('the bundled ones are good', () => {
    const folder = join(root, 'resources/translators');
    const names = readdirSync(folder);
    expect(names).toEqual(expect.arrayContaining(['siit.yaml', 'eam.yaml', 'nat64.yaml', 'clat.yaml', 'mapt.yaml', 'dns64.yaml']));
    for (const name of names) expect(parseTranslator(readFileSync(join(folder, name), 'utf8')).ok, name).toBe(true);
  });

  it.each([
    ['pool6: [nonsense]', 'pool6.0', 1, 'nonsense'],
    ['mode: siit\nmaps:\n  - { v4: 192.0.2.1, v6: 192.0.2.2 }', 'maps.0.v6', 3, 'not an IPv6'],
    ['mode: nat64', 'nat64.pool4', 1, 'needs an IPv4 address'],
    ['mode: nat64\nnat64:\n  pool4:\n    - prefix: 300.1.1.1', 'nat64.pool4.0.prefix', 4, 'not an IPv4'],
    ['mode: clat\nclat: { prefix: "2001:db8::/56" }', 'clat', 2, '96 or 64 bits'],
    ['mtu6: 900', 'mtu6', 1, 'at least 1,280'],
    ['poool6: []', 'poool6', 1, 'did you mean pool6'],
  ])('names field and line: %s', (yaml, field, line, text) => {
    const parsed = parseTranslator(yaml);
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(parsed.error[0]).toMatchObject({ field, line });
    expect(parsed.error[0]!.message).toContain(text);
  });
});
