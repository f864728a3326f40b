import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random, putU16, putU32, u16 } from '../../base/index.ts';
import type { DevicePacket } from './aggregate.ts';
import { sealIpv4Header } from './checksum-metadata.ts';
import { OffloadMemory } from './memory.ts';
import { MAX_FRAGMENTS, Reassembler, type ReassemblyOptions } from './reassembly.ts';
import { REASSEMBLY_REASONS } from './reasons.ts';
import { L3, makePacket, randomBytes, toDevice } from './testing/packets.ts';

const memory = new OffloadMemory({ defaultBuffers: 256, largeBuffers: 16 });
const OPTIONS: ReassemblyOptions = { maxDatagrams: 4, maxBytes: 200_000, timeoutNs: 30e9 };

/** Bytes [from, to) of a packet's IP payload as a fragment. */
function fragment(packet: Uint8Array, from: number, to: number, more: boolean, id = 77): Uint8Array<ArrayBuffer> {
  const v4 = packet[L3]! >>> 4 === 4;
  const headerBytes = L3 + (v4 ? 20 : 40);
  const b = new Uint8Array(headerBytes + (v4 ? 0 : 8) + to - from);
  b.set(packet.subarray(0, headerBytes));
  b.set(packet.subarray(headerBytes + from, headerBytes + to), b.length - (to - from));
  if (v4) {
    putU16(b, L3 + 2, 20 + to - from);
    putU16(b, L3 + 4, id);
    putU16(b, L3 + 6, (more ? 0x2000 : 0) | (from >>> 3));
    sealIpv4Header(b, L3, 20);
  } else {
    putU16(b, L3 + 4, 8 + to - from);
    b[headerBytes] = b[L3 + 6]!;
    b[L3 + 6] = 44;
    putU16(b, headerBytes + 2, from | (more ? 1 : 0));
    putU32(b, headerBytes + 4, id);
  }
  return b;
}

function run(fragments: readonly Uint8Array[], options: Partial<ReassemblyOptions> = {}, times: readonly number[] = []) {
  const r = new Reassembler(memory, { ...OPTIONS, ...options }, (p: DevicePacket) => {
    memory.give(p.first);
  });
  const whole: Uint8Array[] = [];
  fragments.forEach((b, i) => {
    r.expire(times[i] ?? 0);
    const out = r.take(toDevice(memory, b, { tNs: times[i] ?? 0 }));
    if (out === undefined) return;
    whole.push(memory.read(out.first));
    memory.give(out.first);
  });
  const counts = (): Record<string, number> => Object.fromEntries([...r.counts].filter(([, n]) => n > 0));
  return { r, whole, counts };
}

const datagram = (version: 4 | 6, lenBytes: number): Uint8Array =>
  makePacket({ version, protocol: 'udp', id: 77, payload: randomBytes(new Random(lenBytes), lenBytes) });

describe('reassembly before the switch', () => {
  it('puts a datagram together from its fragments in any order', () => {
    fc.assert(
      fc.property(fc.constantFrom(4 as const, 6 as const), fc.integer({ min: 40, max: 20_000 }), fc.nat(), (version, lenBytes, seed) => {
        const random = new Random(seed);
        const packet = datagram(version, lenBytes);
        const payloadBytes = packet.length - L3 - (version === 4 ? 20 : 40);
        const cuts: number[] = [0];
        while (cuts.at(-1)! < payloadBytes)
          cuts.push(Math.min(payloadBytes, cuts.at(-1)! + 8 * random.int(1, Math.min(400, payloadBytes >>> 4))));
        const pieces = cuts.slice(1).map((to, i) => fragment(packet, cuts[i]!, to, to < payloadBytes));
        const shuffled = pieces.map((b) => ({ b, key: random.u32() })).sort((x, y) => x.key - y.key);
        const { whole, counts, r } = run(shuffled.map(({ b }) => b));
        expect(whole).toHaveLength(1);
        expect(Buffer.compare(whole[0]!, packet)).toBe(0);
        expect([counts(), r.taken, r.datagramsOut]).toEqual([{ joined: pieces.length }, pieces.length, 1]);
      }),
      { numRuns: 60 },
    );
    expect(memory.usedDefault + memory.usedLarge).toBe(0);
  });

  it.each([4, 6] as const)('refuses a datagram whose fragments overlap, and what comes of it later (RFC 5722), IPv%i', (version) => {
    const packet = datagram(version, 3_000);
    const { whole, counts } = run([
      fragment(packet, 0, 1_000, true),
      fragment(packet, 992, 2_000, true),
      fragment(packet, 1_000, 2_000, true),
      fragment(packet, 2_000, 3_008, false),
    ]);
    expect(whole).toHaveLength(0);
    expect(counts()).toEqual({ overlap: 2, refused: 2 });
    expect(memory.usedDefault).toBe(0);
  });

  it('ignores a fragment that comes twice', () => {
    const packet = datagram(6, 1_500);
    const one = fragment(packet, 0, 800, true);
    const { whole, counts } = run([one, one, fragment(packet, 800, 1_508, false)]);
    expect(whole).toHaveLength(1);
    expect(counts()['duplicate']).toBe(1);
  });

  it('gives up after the timeout, at the end of the input, and at every limit, and says so', () => {
    const packet = datagram(4, 3_000);
    const part = (id: number): Uint8Array => fragment(packet, 0, 1_000, true, id);
    const late = run([part(1), fragment(packet, 1_000, 3_008, false, 1)], {}, [0, 31e9]);
    expect(late.counts()).toEqual({ timeout: 1 });
    late.r.finish();
    expect(late.counts()).toEqual({ timeout: 1, unfinished: 1 });
    const many = run([part(1), part(2), part(3)], { maxDatagrams: 2 });
    expect(many.counts()['datagram-limit']).toBe(1);
    many.r.finish();
    const big = run([part(1), part(2)], { maxBytes: 1_500 });
    expect(big.counts()['byte-limit']).toBe(1);
    big.r.finish();
    expect(big.r.bytes).toBe(0);
    const odd = run([fragment(packet, 0, 1_001, true), fragment(packet, 0, 0, true)]);
    expect(odd.counts()['bad-length']).toBe(2);
    const far = fragment(packet, 0, 1_000, true);
    putU16(far, L3 + 6, 0x3fff);
    expect(run([far]).counts()['too-long']).toBe(1);
    expect(run([part(1).subarray(0, 500)]).counts()['truncated']).toBe(1);
    const small = new OffloadMemory({ defaultBuffers: 3, largeBuffers: 0 });
    const r = new Reassembler(small, OPTIONS, (p) => {
      small.give(p.first);
    });
    expect(r.take(toDevice(small, part(5)))).toBeUndefined();
    expect(r.take(toDevice(small, fragment(packet, 1_000, 3_008, false, 5)))).toBeUndefined();
    expect(r.counts.get('no-buffers')).toBe(2);
    expect(small.usedDefault).toBe(0);
    expect(memory.usedDefault + memory.usedLarge).toBe(0);
    const tested = ['joined', 'duplicate', 'overlap', 'end', 'fragment-limit', 'refused', 'bad-length', 'too-long', 'truncated', 'timeout'];
    const also = ['datagram-limit', 'byte-limit', 'no-buffers', 'unfinished', 'headers', 'congestion'];
    expect([...tested, ...also].sort()).toEqual(REASSEMBLY_REASONS.map((x) => x.name as string).sort());
  });

  it('refuses a datagram whose fragments contradict each other about its end, or that comes in too many', () => {
    const packet = datagram(4, 3_000);
    const beyond = run([fragment(packet, 1_000, 2_000, false), fragment(packet, 2_000, 3_008, true), fragment(packet, 0, 1_000, true)]);
    expect(beyond.counts()).toEqual({ end: 2, refused: 1 });
    const before = run([fragment(packet, 2_000, 3_008, true), fragment(packet, 1_000, 2_000, false)]);
    expect(before.counts()).toEqual({ end: 2 });
    const small = datagram(6, 8 * (MAX_FRAGMENTS + 4));
    const many = Array.from({ length: MAX_FRAGMENTS + 1 }, (_, i) => fragment(small, 8 * i, 8 * i + 8, true));
    const big = new OffloadMemory({ defaultBuffers: 1_024, largeBuffers: 0 });
    const r = new Reassembler(big, OPTIONS, (p) => {
      big.give(p.first);
    });
    for (const one of many) expect(r.take(toDevice(big, one))).toBeUndefined();
    expect([r.counts.get('fragment-limit'), r.taken, big.usedDefault]).toEqual([MAX_FRAGMENTS + 1, MAX_FRAGMENTS + 1, 0]);
  });

  it('takes the fragment header out of an IPv6 chain', () => {
    const packet = datagram(6, 900);
    const { whole } = run([fragment(packet, 448, 908, false), fragment(packet, 0, 448, true)]);
    expect(whole[0]![L3 + 6]).toBe(17);
    expect(u16(whole[0]!, L3 + 4)).toBe(908);
  });

  it('takes a datagram in one piece by itself, and leaves what waits under the same identification (RFC 6946 section 4)', () => {
    const packet = datagram(6, 1_500);
    const atomic = datagram(6, 100);
    const { whole, counts } = run([fragment(packet, 0, 800, true), fragment(atomic, 0, 108, false), fragment(packet, 800, 1_508, false)]);
    expect(whole.map((b) => b.length)).toEqual([atomic.length, packet.length]);
    expect(Buffer.compare(whole[0]!, atomic)).toBe(0);
    expect(counts()).toEqual({ joined: 3 });
    expect(memory.usedDefault).toBe(0);
  });

  it.each([4, 6] as const)('another content at the same place is an overlap, no duplicate, IPv%i', (version) => {
    const packet = datagram(version, 1_500);
    const forged = fragment(packet, 0, 800, true);
    forged[forged.length - 1]! ^= 1;
    const { whole, counts } = run([fragment(packet, 0, 800, true), forged, fragment(packet, 800, 1_508, false)]);
    expect(whole).toHaveLength(0);
    expect(counts()).toEqual({ overlap: 2, refused: 1 });
  });

  it('takes IPv6 packets of 65,535 bytes behind the fixed header, and no byte more (RFC 8200 section 4.5)', () => {
    const far = (lenBytes: number): Uint8Array => {
      const b = fragment(datagram(6, 1_008), 0, 1_000, true).slice(0, L3 + 48 + lenBytes);
      putU16(b, L3 + 4, 8 + lenBytes);
      putU16(b, L3 + 42, 65_528);
      return b;
    };
    const fits = run([far(7)]);
    expect(fits.counts()).toEqual({});
    fits.r.finish();
    expect(run([far(8)]).counts()).toEqual({ 'too-long': 1 });
  });

  it('refuses a first IPv6 fragment without all headers, and keeps the others', () => {
    const packet = datagram(6, 1_500);
    packet[L3 + 6] = 60;
    // Destination options of 16 bytes, then UDP: 24 bytes in all.
    packet.set([17, 1], L3 + 40);
    const { whole, counts } = run([
      fragment(packet, 0, 8, true),
      fragment(packet, 0, 16, true),
      fragment(packet, 24, 1_508, false),
      fragment(packet, 0, 24, true),
    ]);
    expect(counts()).toEqual({ headers: 2, joined: 2 });
    expect(Buffer.compare(whole[0]!, packet)).toBe(0);
  });

  it.each([4, 6] as const)('joins congestion marks (RFC 3168 section 5.3), IPv%i', (version) => {
    const shift = version === 4 ? 0 : 4;
    const marked = (...fields: readonly number[]): ReturnType<typeof run> => {
      const packet = datagram(version, 2_392);
      return run(
        fields.map((ecn, i) => {
          const b = fragment(packet, i * 800, (i + 1) * 800, i < fields.length - 1);
          b[L3 + 1]! |= ecn << shift;
          if (version === 4) sealIpv4Header(b, L3, 20);
          return b;
        }),
      );
    };
    const ecnOf = (b: Uint8Array): number => (b[L3 + 1]! >>> shift) & 3;
    for (const [fields, want] of [
      [[2, 3, 2], 3],
      [[3, 3, 3], 3],
      [[1, 1, 1], 1],
      [[0, 0, 0], 0],
      [[2, 0, 1], 2],
    ] as const) {
      const { whole } = marked(...fields);
      expect(ecnOf(whole[0]!)).toBe(want);
    }
    const lost = marked(0, 3, 0);
    expect([lost.whole.length, lost.counts()]).toEqual([0, { congestion: 3 }]);
    expect(memory.usedDefault + memory.usedLarge).toBe(0);
  });

  it('keeps DF of a datagram that its sender cut itself (RFC 6864 section 4.3)', () => {
    const packet = datagram(4, 1_500);
    const pieces = [fragment(packet, 0, 800, true), fragment(packet, 800, 1_508, false)];
    for (const b of pieces) {
      b[L3 + 6]! |= 0x40;
      sealIpv4Header(b, L3, 20);
    }
    expect(u16(run(pieces).whole[0]!, L3 + 6)).toBe(0x4000);
  });
});
