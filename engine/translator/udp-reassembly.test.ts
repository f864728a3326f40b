import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, putU16, u16 } from '../base/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { ip4, ip6, transportIsValid, udp } from './test-packets.ts';

const HOST = '2001:db8:1::1';
const POOL = '203.0.113.1';
const PEER = '198.51.100.9';

/** A NAT64 with a binding for port 5000 of the host. */
function bound(nat64: { readonly maxFragments?: number } = {}): Nat64 {
  const spec = {
    pool4: [{ prefix: POOL }],
    bindings: [{ protocol: 'udp' as const, v6: HOST, port6: 5_000, v4: POOL, port4: 5_000 }],
    maxSessions: 64,
    maxBindings: 64,
    ...nat64,
  };
  const made = Nat64.create(settingsOf({ mode: 'nat64', nat64: spec, own4: '203.0.113.254' }));
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

/** Pieces of a datagram without checksum, cut at these multiples of eight. */
function pieces(datagram: Uint8Array, cuts: readonly number[], id = 7): Uint8Array[] {
  const ends = [...new Set(cuts.map((cut) => cut * 8).filter((cut) => cut > 0 && cut < datagram.length)), datagram.length].sort(
    (a, b) => a - b,
  );
  let from = 0;
  return ends.map((to) => {
    const b = ip4(PEER, POOL, 17, datagram.slice(from, to), { id, raw: true, fragment: (to < datagram.length ? 0x2000 : 0) | (from / 8) });
    from = to;
    return b;
  });
}

function feed(nat: Nat64, packets: readonly Uint8Array[], nowNs = 0): { reasons: string[]; out: Uint8Array[] } {
  const out: Uint8Array[] = [];
  const reasons = packets.map((b) => {
    const sink = newSink();
    const { id } = reasonOf(nat.translate(4, b, 0, b.length, b.length, sink, nowNs));
    for (let i = 0; i < sink.count; i++) out.push(sink.packet(i));
    return id;
  });
  return { reasons, out };
}

describe('UDP fragments without checksum from IPv4 (RFC 6146 section 3.4)', () => {
  it('are put together in any order and leave as one packet with a right checksum', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_200 }),
        fc.array(fc.nat(160), { maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (size, cuts, mix) => {
          const datagram = udp(53, 5_000, size);
          const parts = pieces(datagram, cuts);
          const keyed = parts.map((b) => ({ b, key: mix.next().value as number })).sort((a, b) => a.key - b.key);
          const { reasons, out } = feed(bound(), keyed.map(({ b }) => b)); // prettier-ignore
          expect(reasons.slice(0, -1).every((reason) => reason === 'fragmentHeld')).toBe(true);
          expect(reasons.at(-1)).toBe('translated');
          expect(out).toHaveLength(1);
          const [whole] = out;
          expect([whole![6], u16(whole!, 4), transportIsValid(whole!)]).toEqual([17, datagram.length, true]);
          putU16(whole!, 46, 0);
          expect(hex(whole!.subarray(40))).toBe(hex(datagram));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('one too large for the IPv6 side is cut again', () => {
    const { reasons, out } = feed(bound(), pieces(udp(53, 5_000, 4_000), [180, 360]));
    expect(reasons).toEqual(['fragmentHeld', 'fragmentHeld', 'translatedFragmented']);
    expect(out.map((b) => b.length <= 1_280 && b[6] === 44)).toEqual([true, true, true, true]);
  });

  it('an overlap refuses the packet and what comes after; a repeated fragment does not', () => {
    const [a, b, c] = pieces(udp(53, 5_000, 300), [10, 20]);
    expect(feed(bound(), [a!, a!, b!, b!, c!]).reasons).toEqual([
      'fragmentHeld',
      'fragmentHeld',
      'fragmentHeld',
      'fragmentHeld',
      'translated',
    ]);
    const over = ip4(PEER, POOL, 17, new Uint8Array(80), { id: 7, raw: true, fragment: 0x2000 | 9 });
    const nat = bound();
    const { reasons, out } = feed(nat, [a!, over, b!, c!]);
    expect(reasons).toEqual(['fragmentHeld', 'fragmentOverlap', 'fragmentOverlap', 'fragmentOverlap']);
    expect([out.length, nat.zeroUdp.overlapped, nat.zeroUdp.heldCount]).toEqual([0, 1, 0]);
    const pastEnd = ip4(PEER, POOL, 17, new Uint8Array(8), { id: 7, raw: true, fragment: 60 });
    expect(feed(bound(), [a!, c!, pastEnd]).reasons.at(-1)).toBe('fragmentOverlap');
  });

  it('are held up to the limit and two seconds, and what is lost is counted', () => {
    const many = [1, 2, 3, 4].map((id) => pieces(udp(53, 5_000, 100), [2], id)[0]!);
    const nat = bound({ maxFragments: 3 });
    expect(feed(nat, many).reasons).toEqual(['fragmentHeld', 'fragmentHeld', 'fragmentHeld', 'fragmentsFull']);
    const [first, last] = pieces(udp(53, 5_000, 100), [2], 9);
    expect(feed(nat, [first!], 2e9).reasons).toEqual(['fragmentHeld']);
    expect([nat.lostFragments, nat.zeroUdp.heldCount]).toEqual([4, 1]);
    expect(feed(nat, [last!], 3e9).reasons).toEqual(['translated']);
    feed(nat, [first!], 4e9);
    nat.finish(newSink());
    expect([nat.lostFragments, nat.zeroUdp.heldCount]).toEqual([5, 0]);
  });

  it('those from inside never need it, and a captured part is not enough', () => {
    const nat = bound();
    const sink = newSink();
    const six = ip6(HOST, '64:ff9b::c633:6409', 17, udp(5_000, 53).subarray(0, 8), { fragment: 1, id: 5 });
    expect(reasonOf(nat.translate(6, six, 0, six.length, six.length, sink, 0)).id).toBe('translated');
    const [first] = pieces(udp(53, 5_000, 100), [2], 9);
    expect(reasonOf(nat.translate(4, first!, 0, first!.length - 4, first!.length, sink, 0)).id).toBe('udpZeroTruncated');
  });
});
