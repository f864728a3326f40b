import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random, u16 } from '../../base/index.ts';
import { TCP_FLAG } from '../../wire/index.ts';
import { Aggregator, type AggregateOptions, type ChecksumMode, type OutPacket } from './aggregate.ts';
import { CSUM_ABSENT, CSUM_DATA_VALID, CSUM_IP_VALID, holdsPseudoSum, stuffChecksum, verifyFlags } from './checksum-metadata.ts';
import { OffloadMemory } from './memory.ts';
import { AGGREGATE_REASONS } from './reasons.ts';
import { Segmenter } from './segment.ts';
import { newShape, readShape, type Shape } from './shape.ts';
import { L3, makePacket, randomBytes, timestamps, toDevice, type PacketSpec } from './testing/packets.ts';

const memory = new OffloadMemory({ defaultBuffers: 512, largeBuffers: 32 });

function shapeOf(first: number): Shape {
  const s = newShape();
  const lenBytes = memory.chainBytes(first);
  readShape(s, memory.bytes, memory.address(first), memory.dataLen[first]!, lenBytes, lenBytes, L3);
  return s;
}

/** Whether the checksums of a packet in memory are good. */
function verified(first: number): boolean {
  const s = shapeOf(first);
  const flags = verifyFlags(memory.bytes, memory.address(first), s, memory.sumChain(first, s.l4, s.end - s.l4));
  return (flags & CSUM_DATA_VALID) !== 0 && (s.version === 6 || (flags & CSUM_IP_VALID) !== 0);
}

const OPTIONS: AggregateOptions = { limitBytes: 16_384, maxBuflets: 16, exact: false, largeBuffers: true, mode: 'copy' };

/** Runs a batch of packets through an aggregator; the pending packets are left for the caller. */
function aggregate(packets: readonly Uint8Array[], options: Partial<AggregateOptions> = {}): Aggregator {
  const aggregator = new Aggregator(memory, { ...OPTIONS, ...options });
  for (const b of packets) {
    const device = toDevice(memory, b);
    const s = shapeOf(device.first);
    const sum = s.kind === 'other' ? 0 : memory.sumChain(device.first, s.l4, s.end - s.l4);
    aggregator.take({ ...device, deviceSum: sum });
  }
  aggregator.close();
  return aggregator;
}

function release(aggregator: Aggregator): void {
  for (const out of aggregator.pending.splice(0)) {
    for (const member of out.members) memory.give(member.first);
    aggregator.recycle(out);
  }
}

const bytesOf = (out: OutPacket): Uint8Array => memory.read(out.first);

/** A TCP flow of packets as a sender with segmentation offload would put them on the wire, now and then disturbed. */
function flow(seed: number, disturb: boolean): Uint8Array[] {
  const random = new Random(seed);
  const version = random.float() < 0.5 ? 4 : 6;
  const mss = random.int(1, 1_448);
  const options = random.float() < 0.5 ? timestamps(100, 200) : undefined;
  let seq = random.u32();
  let id = random.int(0, 0xffff);
  let ack = 7;
  return Array.from({ length: random.int(1, 40) }, () => {
    const lenBytes = random.float() < 0.8 ? mss : random.int(0, mss);
    const flags = TCP_FLAG.ack | (random.float() < 0.1 ? TCP_FLAG.psh : 0);
    const spec: PacketSpec = {
      version,
      seq,
      id,
      ack,
      flags,
      payload: randomBytes(random, lenBytes),
      ...(options && { tcpOptions: options }),
    };
    seq = (seq + lenBytes) >>> 0;
    id = (id + 1) & 0xffff;
    const kind = disturb ? random.int(0, 30) : 99;
    if (kind === 0) seq = (seq + 5) >>> 0;
    if (kind === 1) id = (id + 9) & 0xffff;
    if (kind === 2) ack += 100;
    const b = makePacket({
      ...spec,
      ...(kind === 3 && { ttl: 3 }),
      ...(kind === 4 && { tcpOptions: timestamps(1, 2) }),
      ...(kind === 5 && { flags: TCP_FLAG.ack | TCP_FLAG.fin }),
      ...(kind === 6 && { window: 1 }),
    });
    if (kind === 7 && lenBytes > 0) b[b.length - 1]! ^= 1;
    return b;
  });
}

describe('segmentation', () => {
  const segmenter = new Segmenter(memory);

  it('gives packets that aggregate to the input again, with good checksums', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 15_000 }),
        fc.integer({ min: 40, max: 1_460 }),
        fc.boolean(),
        (seed, lenBytes, mss, v6) => {
          const random = new Random(seed);
          const flags = TCP_FLAG.ack | (random.float() < 0.5 ? TCP_FLAG.psh : 0);
          const input = makePacket({ version: v6 ? 6 : 4, seq: random.u32(), flags, id: 65_530, payload: randomBytes(random, lenBytes) });
          const source = memory.load(input, 0, input.length);
          const outcome = segmenter.segment(source, shapeOf(source), mss, true);
          memory.give(source);
          expect(outcome).toBe(lenBytes <= mss ? 'fits' : 'cut');
          if (outcome !== 'cut') return;
          expect(segmenter.count).toBe(Math.ceil(lenBytes / mss));
          const heads = Array.from(segmenter.heads.subarray(0, segmenter.count));
          expect(heads.every(verified)).toBe(true);
          const packets = heads.map((first) => memory.read(first));
          for (const first of heads) memory.give(first);
          const aggregator = aggregate(packets, { exact: true });
          expect(aggregator.pending.map(bytesOf).map((b) => Buffer.compare(b, input))).toEqual([0]);
          release(aggregator);
        },
      ),
      { numRuns: 150 },
    );
    expect(memory.usedDefault + memory.usedLarge).toBe(0);
  });

  it('moves the sequence number, counts the identification on, keeps FIN and PSH for the last and CWR for the first', () => {
    const all = TCP_FLAG.ack | TCP_FLAG.fin | TCP_FLAG.psh | TCP_FLAG.cwr;
    const b = makePacket({ seq: 0xffff_fff0, id: 0xffff, flags: all, payload: new Uint8Array(250) });
    const source = memory.load(b, 0, b.length);
    expect(segmenter.segment(source, shapeOf(source), 100, true)).toBe('cut');
    const shapes = Array.from(segmenter.heads.subarray(0, 3), shapeOf);
    expect(shapes.map((s) => s.flags)).toEqual([0x90, 0x10, 0x19]);
    expect(shapes.map((s) => s.seq)).toEqual([0xffff_fff0, 84, 184]);
    const ids = Array.from(segmenter.heads.subarray(0, 3), (first) => u16(memory.bytes, memory.address(first) + L3 + 4));
    expect(ids).toEqual([0xffff, 0, 1]);
    for (let i = 0; i < 3; i++) memory.give(segmenter.heads[i]!);
    memory.give(source);
  });

  it('leaves the sum to the card where it is asked to: the field then holds the pseudo header', () => {
    const b = makePacket({ payload: new Uint8Array(300).fill(7) });
    const source = memory.load(b, 0, b.length);
    segmenter.segment(source, shapeOf(source), 100, false);
    for (const first of Array.from(segmenter.heads.subarray(0, 3))) {
      const s = shapeOf(first);
      expect(verified(first)).toBe(false);
      expect(holdsPseudoSum(memory.bytes, memory.address(first), s)).toBe(true);
      stuffChecksum(memory, first, { start: s.l4, stuff: s.l4 + 16, zeroInvert: false }, memory.sumChain(first, s.l4, s.end - s.l4));
      expect(verified(first)).toBe(true);
      memory.give(first);
    }
    memory.give(source);
  });

  it('cuts UDP into datagrams of their own, and leaves one without a checksum without one', () => {
    for (const absent of [false, true]) {
      const b = makePacket({ protocol: 'udp', payload: randomBytes(new Random(1), 3_000) });
      if (absent) b.fill(0, 40, 42);
      const source = memory.load(b, 0, b.length);
      expect(segmenter.segment(source, shapeOf(source), 1_000, true)).toBe('cut');
      for (const first of Array.from(segmenter.heads.subarray(0, 3))) {
        const s = shapeOf(first);
        expect(s.end - s.payload).toBe(1_000);
        const flags = verifyFlags(memory.bytes, memory.address(first), s, memory.sumChain(first, s.l4, s.end - s.l4));
        expect(flags & (absent ? CSUM_ABSENT : CSUM_DATA_VALID)).not.toBe(0);
        memory.give(first);
      }
      memory.give(source);
    }
  });

  it('gets buffers for all segments or for none', () => {
    const small = new OffloadMemory({ defaultBuffers: 5, largeBuffers: 0 });
    const b = makePacket({ payload: new Uint8Array(1_800) });
    const source = small.load(b, 0, b.length);
    const s = newShape();
    readShape(s, small.bytes, small.address(source), b.length, b.length, b.length, L3);
    expect(new Segmenter(small).segment(source, s, 300, true)).toBe('nomem');
    expect(small.usedDefault).toBe(1);
  });

  it('declines SYN, URG, extension headers and packets that are not whole', () => {
    for (const flags of [TCP_FLAG.syn, TCP_FLAG.urg | TCP_FLAG.ack, TCP_FLAG.rst]) {
      const b = makePacket({ flags, payload: new Uint8Array(300) });
      const source = memory.load(b, 0, b.length);
      expect(segmenter.segment(source, shapeOf(source), 100, true)).toBe('declined');
      expect(segmenter.segment(source, { ...shapeOf(source), flags: 16, truncated: true }, 100, true)).toBe('declined');
      expect(segmenter.segment(source, { ...shapeOf(source), flags: 16, extensions: true }, 100, true)).toBe('declined');
      memory.give(source);
    }
  });
});

describe('aggregation', () => {
  const segmenter = new Segmenter(memory);

  it('in exact mode merges only what segmentation restores byte for byte', () => {
    let merged = 0;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const wire = flow(seed, true);
        const aggregator = aggregate(wire, { exact: true });
        const restored: Uint8Array[] = [];
        for (const out of aggregator.pending) {
          expect(out.members.length === 1 || verified(out.first)).toBe(true);
          if (out.members.length > 1 && segmenter.segment(out.first, shapeOf(out.first), out.segmentBytes, true) === 'cut') {
            for (const first of Array.from(segmenter.heads.subarray(0, segmenter.count))) {
              restored.push(memory.read(first));
              memory.give(first);
            }
          } else restored.push(bytesOf(out));
        }
        merged += aggregator.merged;
        expect(restored.map((b) => Buffer.from(b).toString('hex'))).toEqual(wire.map((b) => Buffer.from(b).toString('hex')));
        release(aggregator);
      }),
      { numRuns: 80 },
    );
    expect(merged).toBeGreaterThan(300);
  });

  it('keeps every byte of the stream in order, and the same bytes come out whoever sums', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(0, 2_048, 4_096, 16_384), (seed, limitBytes) => {
        const wire = flow(seed, true);
        const results = (['copy', 'stack', 'hardware'] as ChecksumMode[]).map((mode) => {
          const aggregator = aggregate(wire, { mode, limitBytes });
          const out = aggregator.pending.map((p) => Buffer.from(bytesOf(p)).toString('hex'));
          const payload = Buffer.concat(aggregator.pending.map((p) => Buffer.from(memory.read(p.first, p.shape.payload, p.payloadBytes))));
          const total = aggregator.merged + aggregator.reasons.reduce((a, n) => a + n, 0);
          expect(total).toBe(wire.length);
          expect(aggregator.pending.every((p) => p.members.length === 1 || p.lenBytes - L3 <= limitBytes)).toBe(true);
          release(aggregator);
          return { out, payload };
        });
        const shapes = wire.map((b) => b.subarray(L3 + (b[L3]! >>> 4 === 4 ? 20 : 40)));
        const payloads = shapes.map((b) => b.subarray((b[12]! >>> 4) * 4));
        expect(Buffer.compare(results[0]!.payload, Buffer.concat(payloads))).toBe(0);
        expect(results[1]!.out).toEqual(results[0]!.out);
        expect(results[2]!.out).toEqual(results[0]!.out);
      }),
      { numRuns: 40 },
    );
    expect(memory.usedDefault + memory.usedLarge).toBe(0);
  });

  const base = { seq: 1_000, payload: new Uint8Array(100).fill(1) };
  const next = (extra: Partial<PacketSpec> = {}): Uint8Array => makePacket({ ...base, seq: 1_100, id: 2, ...extra });
  const bad = (): Uint8Array => {
    const b = next();
    b[60]! ^= 1;
    return b;
  };
  /** The first fragment of a datagram: more follow. */
  const fragment = (): Uint8Array => {
    const b = next();
    b[L3 + 6]! |= 0x20;
    return b;
  };
  /** The same segment over IPv6 behind hop-by-hop options of eight bytes. */
  const extended = (): Uint8Array => {
    const plain = next({ version: 6 });
    const l4 = L3 + 40;
    const b = new Uint8Array(plain.length + 8);
    b.set(plain.subarray(0, l4));
    b.set([6, 0, 1, 4], l4);
    b.set(plain.subarray(l4), l4 + 8);
    b[L3 + 6] = 0;
    new DataView(b.buffer).setUint16(L3 + 4, plain.length - l4 + 8);
    return b;
  };
  const cases: (readonly [string, Uint8Array, Partial<AggregateOptions>?])[] = [
    ['off', next(), { limitBytes: 0 }],
    ['not-tcp', next({ protocol: 'udp' })],
    ['truncated', next().subarray(0, 100)],
    ['control', next({ flags: TCP_FLAG.ack | TCP_FLAG.fin })],
    ['empty', next({ payload: new Uint8Array(0) })],
    ['sequence', next({ seq: 1_101 })],
    ['ip-header', next({ ttl: 63 })],
    ['tcp-flags', next({ flags: TCP_FLAG.ack | TCP_FLAG.ece })],
    ['ack-window', next({ ack: 2 })],
    ['ack-window', next({ window: 5 })],
    ['tcp-options', next({ tcpOptions: timestamps(1, 2) })],
    ['checksum', bad()],
    ['limit', next(), { limitBytes: 200 }],
    ['buflets', next(), { maxBuflets: 0 }],
    ['size', next({ payload: new Uint8Array(101) }), { exact: true }],
    ['ip-id', next({ id: 9 }), { exact: true }],
    ['first', next({ sourcePort: 444 })],
    ['fragment', fragment()],
    ['extensions', extended()],
  ];
  it('CWR begins an aggregate and joins none: cutting leaves it on the first segment alone (RFC 3168 section 6.1.2)', () => {
    const flags = TCP_FLAG.ack | TCP_FLAG.cwr;
    const aggregator = aggregate([makePacket({ ...base, id: 1, flags }), next({ flags })], { exact: true });
    expect(AGGREGATE_REASONS[aggregator.lastReason]?.name).toBe('tcp-flags');
    expect(aggregator.merged).toBe(0);
    release(aggregator);
  });

  it.each(cases.map(([reason, packet, options]) => ({ reason, packet, options })))(
    'says why not: $reason',
    ({ reason, packet, options }) => {
      const aggregator = aggregate([makePacket({ ...base, id: 1 }), packet], options);
      expect(AGGREGATE_REASONS[aggregator.lastReason]?.name).toBe(reason);
      expect(aggregator.pending).toHaveLength(2);
      release(aggregator);
    },
  );

  it('says why not: link header, wake, batch end, what follows another, PSH and timestamps in exact mode', () => {
    const name = (a: Aggregator): string | undefined => AGGREGATE_REASONS[a.lastReason]?.name;
    const tagged = next();
    tagged[3] = 9;
    const link = aggregate([makePacket(base), tagged]);
    expect(name(link)).toBe('link-header');
    const labelled = new Aggregator(memory, OPTIONS);
    labelled.take({ ...toDevice(memory, next()), plainLink: false });
    expect(name(labelled)).toBe('link-length');
    labelled.close();
    release(labelled);
    const after = aggregate([makePacket(base), next({ payload: new Uint8Array(0) }), next()]);
    expect(name(after)).toBe('follows-other');
    const pushed = aggregate([makePacket({ ...base, flags: 0x18 }), next()], { exact: true });
    expect(name(pushed)).toBe('pushed');
    const stamped = aggregate([makePacket({ ...base, tcpOptions: timestamps(1, 2) }), next({ tcpOptions: timestamps(2, 2) })], {
      exact: true,
    });
    expect(name(stamped)).toBe('timestamps');
    const batches = aggregate([makePacket(base)]);
    release(batches);
    batches.take(toDevice(memory, next()));
    expect(name(batches)).toBe('batch-end');
    batches.take(toDevice(memory, next({ seq: 1_200 }), { wake: true }));
    expect(name(batches)).toBe('wake');
    for (const a of [link, after, pushed, stamped, batches]) {
      a.close();
      release(a);
    }
    expect(memory.usedDefault + memory.usedLarge).toBe(0);
  });

  it('merges packets whose timestamps differ, whatever else stands among the options', () => {
    const odd = (value: number): Uint8Array => Uint8Array.of(8, 10, 0, 0, 0, value, 0, 0, 0, 1, 1, 1);
    for (const options of [timestamps, odd]) {
      const a = aggregate([makePacket({ ...base, tcpOptions: options(1, 1) }), next({ tcpOptions: options(2, 1) })]);
      expect(a.merged).toBe(1);
      expect(verified(a.pending[0]!.first)).toBe(true);
      release(a);
    }
  });

  it('says when buffers run out and loses nothing that it took', () => {
    const small = new OffloadMemory({ defaultBuffers: 3, largeBuffers: 0 });
    const a = new Aggregator(small, OPTIONS);
    a.take(toDevice(small, makePacket({ seq: 1, payload: new Uint8Array(1_900) })));
    a.take(toDevice(small, makePacket({ seq: 1_901, payload: new Uint8Array(1_900) })));
    expect(a.nomem).toBe(1);
    expect(a.reasons.reduce((x, n) => x + n, 0)).toBe(1);
    expect(small.usedDefault).toBe(3);
  });

  it('counts padding that finds no buffer apart: the packet itself is not lost', () => {
    const small = new OffloadMemory({ defaultBuffers: 3, largeBuffers: 0 });
    const a = new Aggregator(small, { ...OPTIONS, largeBuffers: false });
    // Headers and payload fill one buffer, so the padding would need another.
    const packet = makePacket({ payload: new Uint8Array(2_048 - L3 - 40) });
    const padded = new Uint8Array(packet.length + 6);
    padded.set(packet);
    expect(a.take(toDevice(small, padded))).toBe(true);
    a.close();
    expect([a.unpadded, a.nomem, a.reasons.reduce((x, n) => x + n, 0)]).toEqual([1, 0, 1]);
    expect(Buffer.compare(small.read(a.pending[0]!.first), packet)).toBe(0);
  });

  it('leaves a packet that no rule touches as it is, its padding too (V-15)', () => {
    const padded = new Uint8Array(64);
    padded.set(makePacket({ payload: new Uint8Array(2) }));
    padded.fill(0xee, 57);
    const noise = randomBytes(new Random(3), 90);
    const a = aggregate([padded, noise, makePacket({ protocol: 'udp', payload: new Uint8Array(5_000) })]);
    expect(Buffer.compare(bytesOf(a.pending[0]!), padded)).toBe(0);
    expect(Buffer.compare(bytesOf(a.pending[1]!), noise)).toBe(0);
    expect(a.pending[2]!.lenBytes).toBe(5_042);
    release(a);
  });

  it('takes large buffers for flows that aggregate, moving a quarter of the way each time (V-10)', () => {
    const a = new Aggregator(memory, OPTIONS);
    let seq = 1;
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 8; i++, seq += 1_000) a.take(toDevice(memory, makePacket({ seq, payload: new Uint8Array(1_000) })));
      a.close();
      sizes.push(memory.bufletsOf(a.pending[0]!.first));
      release(a);
    }
    expect(sizes[0]).toBe(4);
    expect(sizes.at(-1)).toBe(1);
    expect(a.flows.largestBytes(2)).toBeGreaterThan(5_000);
  });
});

describe('corruption between sum and send (V-13)', () => {
  it('of one bit is always caught, wherever it is under the sum', () => {
    const b = makePacket({ payload: randomBytes(new Random(9), 77) });
    const first = memory.load(b, 0, b.length);
    expect(verified(first)).toBe(true);
    for (let bit = (L3 + 12) * 8; bit < b.length * 8; bit++) {
      memory.flip(first, bit);
      expect(verified(first)).toBe(false);
      memory.flip(first, bit);
    }
    memory.give(first);
  });

  it('of up to 15 bits in a row is always caught', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 15 }), (seed, length) => {
        const random = new Random(seed);
        const b = makePacket({ version: 6, payload: randomBytes(random, random.int(1, 4_000)) });
        const first = memory.load(b, 0, b.length);
        const from = random.int((L3 + 40) * 8, b.length * 8 - length);
        for (let i = 0; i < length; i++) if (i === 0 || i === length - 1 || random.float() < 0.5) memory.flip(first, from + i);
        expect(verified(first)).toBe(false);
        memory.give(first);
      }),
    );
  });

  it('is missed where ones complement must miss it: two words changed places, or 0000 for ffff', () => {
    const b = makePacket({ payload: Uint8Array.of(1, 2, 3, 4, 0, 0) });
    const at = b.length - 6;
    b.set([3, 4, 1, 2, 0xff, 0xff], at);
    const first = memory.load(b, 0, b.length);
    expect(verified(first)).toBe(true);
    memory.give(first);
  });
});
