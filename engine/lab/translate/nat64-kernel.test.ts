import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { compileKernel } from '../../../scripts/lib/kernel-compiler.mjs';
import { putU16, putU32, unwrap } from '../../base/index.ts';
import { MemorySink, PcapWriter, memoryByteSource, openSource } from '../../files/index.ts';
import { createTranslator, type Nat64 } from '../../translator/index.ts';
import { checksum, pseudoSum4, pseudoSum6 } from '../../wire/index.ts';
import { CaptureRun, kernelSize, LINKTYPE_RAW, MergedInput, parseTranslator, PlainKernel, SideOutput, type InputSide } from './index.ts';

/** NAT64 with the kernel beside NAT64 without it: the same bytes, figures, sessions and ends of sessions. */
let module: WebAssembly.Module;
beforeAll(async () => {
  module = new WebAssembly.Module(await compileKernel(fileURLToPath(new URL('assembly/translate.ts', import.meta.url))));
}, 120_000);

const POOL = 0xcb007101;
const HOSTS = 3;
const TCP = 6;
const UDP = 17;
const SYN = 2;
const ACK = 16;

/** Ports outside that hosts inside have for good, so that packets from outside find them. */
const BINDINGS = Array.from({ length: HOSTS }, (_, i) => i).flatMap((i) =>
  ['tcp', 'udp'].map(
    (protocol) => `{ protocol: ${protocol}, v6: '2001:db8::${i}', port6: ${1_000 + i}, v4: 203.0.113.1, port4: ${5_000 + i} }`,
  ),
);
const nat64 = (more: string, rest = ''): string =>
  `mode: nat64\nnat64: { pool4: [{ prefix: 203.0.113.1 }], bindings: [${BINDINGS.join(', ')}], maxSessions: 16384, ${more} }\n${rest}`;
const CONFIGS = [
  nat64('ftpAlg: { enabled: true }', 'mtu6: 1520\nlowestIpv6Mtu: 1520\n'),
  nat64('ftpAlg: { enabled: false }', 'identification: zero\ntos: 8\nbadHeaderChecksum: drop\nmtu6: 1520\n'),
  nat64(
    'filtering: address-dependent, timers: { udpS: 120, tcpTransitoryS: 240, tcpEstablishedS: 7440 }',
    "pool6: ['2001:db8:ffff::/96']\ndf: never\ntrafficClass: zero\n",
  ),
  nat64('maxHeldSyns: 2', "pool6: ['2001:db8:ffff::/96', '2001:db8:fffe::/96']\n"),
];

interface Made {
  readonly six: boolean;
  readonly host: number;
  readonly protocol: number;
  readonly peer: number;
  readonly peerPort: number;
  readonly flags: number;
  readonly payload: number;
  readonly ttl: number;
  /** Before it. */
  readonly waitS: number;
  /** What is done to it: 0 nothing, 1 a fragment, 2 a bad header checksum, 3 no UDP checksum, 4 cut by the capture, 5 a port nobody has, 6 too long, 7 padded. */
  readonly trick: number;
}

const made: fc.Arbitrary<Made> = fc.record({
  six: fc.boolean(),
  host: fc.nat(HOSTS - 1),
  protocol: fc.constantFrom(TCP, TCP, TCP, TCP, UDP, UDP, UDP, 1),
  peer: fc.oneof({ weight: 30, arbitrary: fc.constantFrom(0xc6336401, 0xc6336402) }, fc.constantFrom(0x0a000001, POOL, 0xe0000001)),
  peerPort: fc.constantFrom(443, 443, 443, 21),
  flags: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(ACK, SYN) }, fc.constantFrom(SYN | ACK, ACK | 1, 4)),
  payload: fc.oneof(fc.integer({ min: 20, max: 120 }), fc.integer({ min: 1_200, max: 1_480 })),
  ttl: fc.oneof({ weight: 30, arbitrary: fc.constant(64) }, fc.constantFrom(2, 1)),
  waitS: fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, fc.constantFrom(1, 3, 100, 250, 7_500)),
  trick: fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 7 })),
});

function six(p: Made, prefix: number): Uint8Array {
  const more = p.trick === 1 ? 8 : 0;
  const b = new Uint8Array(40 + more + p.payload + (p.trick === 7 ? 5 : 0)).map((_, i) => (i * 7) & 0xff);
  const protocol = p.protocol === 1 ? 58 : p.protocol;
  putU32(b, 0, 0x60300000);
  putU16(b, 4, p.payload + more + (p.trick === 6 ? 9 : 0));
  b[6] = more > 0 ? 44 : protocol;
  b[7] = p.ttl;
  b.fill(0, 8, 40);
  putU32(b, 8, 0x20010db8);
  putU32(b, 20, p.host);
  putU32(b, 24, prefix === 0 ? 0x0064ff9b : 0x20010db8);
  putU32(b, 28, prefix === 0 ? 0 : 0xffff0000);
  putU32(b, 36, p.peer);
  if (more > 0) b.set([protocol, 0, 0, 1, 0, 0, 0, p.host], 40);
  transport(b, 40 + more, p, protocol, p.trick === 5 ? 7_777 : 1_000 + p.host, p.peerPort, pseudoSum6(b, 8, 24, protocol, p.payload));
  return b;
}

function four(p: Made): Uint8Array {
  const b = new Uint8Array(20 + p.payload + (p.trick === 7 ? 5 : 0)).map((_, i) => (i * 5) & 0xff);
  putU32(b, 0, (0x45100000 | (20 + p.payload + (p.trick === 6 ? 9 : 0))) >>> 0);
  putU32(b, 4, (0x12340000 | (p.trick === 1 ? 0x2000 : 0x4000)) >>> 0);
  b.set([p.ttl, p.protocol, 0, 0], 8);
  putU32(b, 12, p.peer);
  putU32(b, 16, POOL);
  putU16(b, 10, checksum(b, 0, 20) ^ (p.trick === 2 ? 1 : 0));
  transport(b, 20, p, p.protocol, p.peerPort, p.trick === 5 ? 7_777 : 5_000 + p.host, pseudoSum4(b, 12, 16, p.protocol, p.payload));
  return b;
}

function transport(b: Uint8Array, t: number, p: Made, protocol: number, from: number, to: number, pseudo: number): void {
  const icmp = protocol !== TCP && protocol !== UDP;
  if (icmp) {
    b.set([protocol === 58 ? 128 : 0, 0, 0, 0, from >>> 8, from & 0xff, 0, 1], t);
    putU16(b, t + 2, checksum(b, t, t + p.payload, protocol === 58 ? pseudo : 0));
    return;
  }
  putU16(b, t, from);
  putU16(b, t + 2, to);
  const place = t + (protocol === TCP ? 16 : 6);
  if (protocol === TCP) b.set([0x50, p.flags], t + 12);
  else putU16(b, t + 4, p.payload);
  putU16(b, place, 0);
  if (p.trick !== 3 || protocol === TCP) putU16(b, place, checksum(b, t, t + p.payload, pseudo) || 0xffff);
}

interface Timed {
  readonly side: 4 | 6;
  readonly tNs: number;
  readonly bytes: Uint8Array;
  readonly cut: boolean;
}

function packetsOf(list: readonly Made[], prefix: number): Timed[] {
  let tNs = 1_000;
  return list.map((p, i) => {
    tNs += p.waitS * 1e9 + 1_000;
    // Times stand still and go back now and then.
    const at = tNs - (i % 5 === 4 ? 2_500 : i % 7 === 0 ? 1_000 : 0);
    return { side: p.six ? 6 : 4, tNs: at, bytes: p.six ? six(p, prefix) : four(p), cut: p.trick === 4 };
  });
}

function capture(packets: readonly Timed[]): Uint8Array {
  const sink = new MemorySink();
  const writer = new PcapWriter(sink, 0n, { linkType: LINKTYPE_RAW });
  for (const { tNs, bytes, cut } of packets) writer.packet(tNs, bytes, 0, cut ? Math.min(bytes.length, 70) : bytes.length, bytes.length);
  writer.finish();
  return sink.bytes();
}

const textOf = (sink: MemorySink): string => Buffer.from(sink.bytes()).toString('latin1');

interface Ran {
  readonly four: string;
  readonly six: string;
  /** Packets that the kernel took. */
  readonly taken: number;
  readonly figures: object;
}

function run(yaml: string, inputs: readonly (readonly [InputSide, Uint8Array])[], step: number, withKernel: boolean): Ran {
  const spec = unwrap(parseTranslator(yaml));
  const kernel = withKernel ? new PlainKernel(module, kernelSize(spec, inputs.length)) : undefined;
  const nat = unwrap(createTranslator(spec, kernel?.tables)) as Nat64;
  const input = new MergedInput(
    inputs.map(([side, pcap], i) => {
      const into = kernel?.inputs[i];
      const source = unwrap(openSource(memoryByteSource(pcap), 'in.pcap', into === undefined ? {} : { buffer: into.chunk }));
      return { side, source, batch: into?.batch };
    }),
  );
  const sinks = [new MemorySink(), new MemorySink()] as const;
  const [out4, out6] = sinks.map((sink) => new SideOutput(new PcapWriter(sink, input.epochNs, { linkType: LINKTYPE_RAW }), LINKTYPE_RAW));
  const captures = new CaptureRun({ spec, translator: nat, input, out4: out4!, out6: out6!, kernel });
  while (captures.step(step));
  const { nextIdentification } = nat.packets.context;
  const { session, sessions } = nat.mapper;
  const figures = {
    result: captures.result(),
    counts: [...nat.packets.counts],
    nextIdentification,
    session,
    next: sessions.nextEndNs,
    rows: nat.rows(),
  };
  return { four: textOf(sinks[0]), six: textOf(sinks[1]), taken: kernel?.taken ?? 0, figures };
}

function same(yaml: string, inputs: readonly (readonly [InputSide, Uint8Array])[], step: number): Ran {
  const ours = run(yaml, inputs, step, true);
  const theirs = run(yaml, inputs, step, false);
  expect(ours.figures).toEqual(theirs.figures);
  expect([ours.six === theirs.six, ours.four === theirs.four]).toEqual([true, true]);
  return ours;
}

test('a run with the kernel gives what one without it gives', () => {
  let packets = 0;
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(made, { minLength: 100, maxLength: 250, size: 'max' }),
      fc.constantFrom(0, 1, 2, 3),
      fc.constantFrom(1, 7, 8_192),
      fc.boolean(),
      (list, config, step, apart) => {
        const timed = packetsOf(list, config < 2 ? 0 : 1);
        const of = (side: 4 | 6): Uint8Array => capture(timed.filter((each) => each.side === side));
        const inputs = apart
          ? ([
              [6, of(6)],
              [4, of(4)],
            ] as const)
          : ([['both', capture(timed)]] as const);
        packets += list.length;
        taken += same(CONFIGS[config]!, inputs, step).taken;
      },
    ),
    { numRuns: 40 },
  );
  // Enough of them went through the kernel.
  expect(taken).toBeGreaterThan(packets / 10);
}, 60_000);

const PLAIN: Made = {
  six: true,
  host: 0,
  protocol: UDP,
  peer: 0xc6336401,
  peerPort: 443,
  flags: ACK,
  payload: 40,
  ttl: 64,
  waitS: 0,
  trick: 0,
};

test('sessions so many that they are read ahead, and none of their packets left to the translator', () => {
  const sessions = 9_000;
  const all = Array.from({ length: 2 * sessions }, (_, i): Made => {
    const s = i < sessions ? i : (i * 7_919) % sessions;
    return {
      ...PLAIN,
      six: i < sessions || i % 2 === 0,
      peer: 0xc6330000 + (s % 250) + 256 * Math.floor(s / 250),
      host: s % HOSTS,
      payload: 20 + (i % 700),
    };
  });
  const pcap = capture(packetsOf(all, 0));
  expect(same(CONFIGS[0]!, [['both', pcap]], 8_192).taken).toBe(all.length - sessions);
}, 30_000);
