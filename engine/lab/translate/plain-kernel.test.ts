import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test, vi } from 'vitest';
import { compileKernel } from '../../../scripts/lib/kernel-compiler.mjs';
import { putU16, putU32, unwrap } from '../../base/index.ts';
import { MemorySink, PcapWriter, memoryByteSource, openSource } from '../../files/index.ts';
import { createTranslator, PacketTranslator } from '../../translator/index.ts';
import { checksum, pseudoSum4 } from '../../wire/index.ts';
import {
  CaptureRun,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  MergedInput,
  PlainKernel,
  SideOutput,
  kernelSize,
  parseTranslator,
  type OutputLink,
} from './index.ts';

/** Runs with the kernel beside runs without it: the same figures and the same bytes. */
let module: WebAssembly.Module;
beforeAll(async () => {
  module = new WebAssembly.Module(await compileKernel(fileURLToPath(new URL('assembly/translate.ts', import.meta.url))));
}, 120_000);

const BASE = 'mode: siit\n';
const CONFIGS = [
  `${BASE}wellKnownPrivate: allow\nmtu6: 1520\nlowestIpv6Mtu: 1520\n`,
  `${BASE}wellKnownPrivate: allow\ntrafficClass: zero\n`,
  `${BASE}pool6: ['2001:db8:ffff::/96']\nbadHeaderChecksum: drop\nmtu6: 1400\n`,
  `${BASE}maps: [{ v4: 192.0.2.1, v6: '2001:db8::1' }]\n`,
  BASE,
];

interface Made {
  readonly protocol: number;
  readonly payload: number;
  readonly source: number;
  readonly destination: number;
  readonly ttl: number;
  readonly tos: number;
  readonly fragment: number;
  /** What is done to it: 0 nothing, 1 options, 2 a bad header checksum, 3 no UDP checksum, 4 cut by the capture, 5 another EtherType, 6 padded, 7 too long. */
  readonly trick: number;
}

const address = fc.oneof(fc.constantFrom(0xc0000201, 0x08080808, 0x0a000001, 0x7f000001, 0xe0000001, 0xa9fe0001, 0xffffffff, 0), fc.integer({ min: 0, max: 0xffffffff })); // prettier-ignore
const made: fc.Arbitrary<Made> = fc.record({
  protocol: fc.constantFrom(6, 6, 6, 17, 17, 1, 58, 132),
  payload: fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 1_200, max: 1_500 })),
  source: address,
  destination: address,
  ttl: fc.constantFrom(64, 64, 64, 2, 1, 0, 255),
  tos: fc.integer({ min: 0, max: 255 }),
  fragment: fc.constantFrom(0x4000, 0x4000, 0, 0x2000, 0x0001, 0x8000),
  trick: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7),
});

const ETHERNET_BYTES = 14;

function frame({ protocol, payload, source, destination, ttl, tos, fragment, trick }: Made): Uint8Array {
  const header = trick === 1 ? 24 : 20;
  const b = new Uint8Array(ETHERNET_BYTES + header + payload + (trick === 6 ? 7 : 0)).map((_, i) => (i * 7) & 0xff);
  const o = ETHERNET_BYTES;
  putU16(b, 12, trick === 5 ? 0x86dd : 0x0800);
  putU32(b, o, (0x40000000 | ((header / 4) << 24) | (tos << 16) | (header + payload + (trick === 7 ? 9 : 0))) >>> 0);
  putU32(b, o + 4, (0x12340000 | fragment) >>> 0);
  b.set([ttl, protocol, 0, 0], o + 8);
  putU32(b, o + 12, source);
  putU32(b, o + 16, destination);
  putU16(b, o + 10, checksum(b, o, o + header) ^ (trick === 2 ? 1 : 0));
  const t = o + header;
  if (protocol === 17 && payload >= 8) {
    putU16(b, t + 6, 0);
    if (trick !== 3) putU16(b, t + 6, checksum(b, t, t + payload, pseudoSum4(b, o + 12, o + 16, 17, payload)) || 0xffff);
  }
  return b;
}

interface Ran {
  readonly result: object;
  readonly four: string;
  readonly six: string;
  readonly counts: number[];
}

function capture(frames: readonly Uint8Array[], tricks: readonly number[]): Uint8Array {
  const sink = new MemorySink();
  const writer = new PcapWriter(sink, 0n, { linkType: LINKTYPE_ETHERNET });
  for (const [i, bytes] of frames.entries()) {
    // Times go back now and then.
    const t = 1_000_000 + i * 1_000 - (i % 5 === 4 ? 2_500 : 0);
    writer.packet(t, bytes, 0, tricks[i] === 4 ? Math.min(bytes.length, 60) : bytes.length, bytes.length);
  }
  writer.finish();
  return sink.bytes();
}

const textOf = (sink: MemorySink): string => Buffer.from(sink.bytes()).toString('latin1');

function run(yaml: string, pcap: Uint8Array, side: 4 | 6 | 'both', link: OutputLink | null, step: number, withKernel: boolean): Ran {
  const spec = unwrap(parseTranslator(yaml));
  const kernel = withKernel ? new PlainKernel(module, kernelSize(spec, 1)) : undefined;
  const translator = unwrap(createTranslator(spec, kernel?.tables));
  const source = unwrap(openSource(memoryByteSource(pcap), 'in.pcap', kernel === undefined ? {} : { buffer: kernel.inputs[0]!.chunk }));
  const input = new MergedInput([{ side, source, batch: kernel?.inputs[0]!.batch }]);
  const sinks = [new MemorySink(), new MemorySink()] as const;
  const outs = sinks.map((sink) => (link === null ? null : new SideOutput(new PcapWriter(sink, input.epochNs, { linkType: link }), link)));
  const captures = new CaptureRun({ spec, translator, input, out4: outs[0]!, out6: outs[1]!, kernel });
  while (captures.step(step));
  const counts = translator instanceof PacketTranslator ? [...translator.counts] : [];
  return { result: captures.result(), four: textOf(sinks[0]), six: textOf(sinks[1]), counts };
}

/** Runs both ways; returns what left as IPv6. */
function same(yaml: string, pcap: Uint8Array, side: 4 | 6 | 'both', link: OutputLink | null, step: number): string {
  const ours = run(yaml, pcap, side, link, step, true);
  const theirs = run(yaml, pcap, side, link, step, false);
  expect([ours.result, ours.counts]).toEqual([theirs.result, theirs.counts]);
  expect([ours.six === theirs.six, ours.four === theirs.four]).toEqual([true, true]);
  return ours.six;
}

test('a run with the kernel gives what one without it gives', () => {
  fc.assert(
    fc.property(
      fc.array(made, { minLength: 1, maxLength: 120 }),
      fc.constantFrom(...CONFIGS),
      fc.constantFrom(LINKTYPE_RAW, LINKTYPE_ETHERNET, null),
      fc.constantFrom(4 as const, 'both' as const),
      fc.constantFrom(1, 7, 8_192),
      (packets, yaml, link, side, step) => {
        const pcap = capture(packets.map(frame), packets.map(({ trick }) => trick)); // prettier-ignore
        const six = same(yaml, pcap, side, link, step);
        // And what became IPv6 goes back.
        if (link !== null) same(yaml, Buffer.from(six, 'latin1'), 6, link, step);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test('more packets than a batch and than the output takes at once, all by the kernel', () => {
  const plain: Made = {
    protocol: 6,
    payload: 40,
    source: 0x01020304,
    destination: 0x05060708,
    ttl: 64,
    tos: 0,
    fragment: 0x4000,
    trick: 0,
  };
  const frames = Array.from({ length: 12_000 }, (_, i) => frame({ ...plain, source: 0x01020304 + i, payload: 20 + (i % 700) }));
  const pcap = capture(frames, []);
  const spy = vi.spyOn(PacketTranslator.prototype, 'translate');
  try {
    const ours = run(CONFIGS[0]!, pcap, 4, LINKTYPE_ETHERNET, 8_192, true);
    expect(spy).not.toHaveBeenCalled();
    const theirs = run(CONFIGS[0]!, pcap, 4, LINKTYPE_ETHERNET, 8_192, false);
    expect(ours.six === theirs.six).toBe(true);
    expect([ours.result, ours.counts]).toEqual([theirs.result, theirs.counts]);
    expect(spy).toHaveBeenCalledTimes(frames.length);
  } finally {
    spy.mockRestore();
  }
});
