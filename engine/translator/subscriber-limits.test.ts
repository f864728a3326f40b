import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { MAX_RATED_SUBSCRIBERS, SubscriberLimits } from './subscriber-limits.ts';
import { newSink, settingsOf } from './test-support.ts';
import { ip4, ip6, tcp, udp } from './test-packets.ts';

const PEER6 = '64:ff9b::c633:6409';
const SYN = 2;

function nat(nat64: NonNullable<TranslatorInput['nat64']>): Nat64 {
  const made = Nat64.create(settingsOf({ mode: 'nat64', own4: '203.0.113.254', nat64: { pool4: [{ prefix: '203.0.113.1' }], ...nat64 } }));
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  return made.value;
}

/** Sends UDP from a host of subscriber `who`; the reason, and how many packets left on which side. */
function send(n: Nat64, who: number, port: number, peerPort = 53, nowNs = 0): string {
  const b = ip6(`2001:db8:0:${who.toString(16)}::1`, PEER6, 17, udp(port, peerPort));
  return reasonOf(n.translate(6, b, 0, b.length, b.length, newSink(), nowNs)).id;
}

describe('sessions of one subscriber (RFC 6888 REQ-5)', () => {
  it('are limited in number, over all of its hosts and bindings, and others go on', () => {
    const n = nat({ maxSessionsPerSubscriber: 3 });
    expect([send(n, 1, 1), send(n, 1, 1, 54), send(n, 1, 2), send(n, 1, 3), send(n, 1, 1, 55)]).toEqual([
      'translated', 'translated', 'translated', 'subscriberSessions', 'subscriberSessions',
    ]); // prettier-ignore
    // Packets of the sessions that are there pass; no binding was made for those refused.
    expect([send(n, 1, 1, 54), send(n, 2, 3), n.mapper.bindings.count, n.mapper.limits!.sessionsRefused]).toEqual([
      'translated', 'translated', 3, 2,
    ]); // prettier-ignore
    n.advance(1_000e9, newSink());
    expect([send(n, 1, 3, 53, 1_000e9), n.mapper.limits!.sessions!.count]).toEqual(['translated', 1]);
  });

  it('count when a host outside opens them, and are refused to it too', () => {
    const bindings = [{ protocol: 'tcp' as const, v6: '2001:db8::1', port6: 80, v4: '203.0.113.1', port4: 80 }];
    const n = nat({ maxSessionsPerSubscriber: 2, bindings });
    const ids = [1, 2, 3].map((port) => {
      const b = ip4('198.51.100.9', '203.0.113.1', 6, tcp(port, 80, SYN));
      return reasonOf(n.translate(4, b, 0, b.length, b.length, newSink(), 0)).id;
    });
    expect(ids).toEqual(['translated', 'translated', 'subscriberSessions']);
    expect([send(n, 0, 9), n.mapper.sessions.count]).toEqual(['subscriberSessions', 2]);
  });

  it('the sender of a refused packet is told: address unreachable', () => {
    const n = nat({ maxSessionsPerSubscriber: 1 });
    send(n, 1, 1);
    const b = ip6('2001:db8:0:1::1', PEER6, 17, udp(2, 53));
    const sink = newSink();
    n.translate(6, b, 0, b.length, b.length, sink, 0);
    expect([sink.count, sink.side[0], sink.packet(0)[40], sink.packet(0)[41]]).toEqual([1, 6, 1, 3]);
  });
});

describe('sessions opened a second (RFC 6888 REQ-4 C, REQ-5 B)', () => {
  it('a burst at once, then the rate; others have their own', () => {
    const n = nat({ subscriberRate: { sessionsPerS: 10, burst: 4 } });
    const first = Array.from({ length: 6 }, (_, i) => send(n, 1, 100 + i));
    expect(first).toEqual(['translated', 'translated', 'translated', 'translated', 'subscriberRate', 'subscriberRate']);
    expect([send(n, 2, 1), send(n, 1, 100)]).toEqual(['translated', 'translated']);
    expect([send(n, 1, 200, 53, 0.1e9), send(n, 1, 201, 53, 0.1e9)]).toEqual(['translated', 'subscriberRate']);
    expect([n.mapper.limits!.rateRefused, n.mapper.bindings.count]).toEqual([3, 6]);
  });

  it('is never more than burst and rate allow in any time, and never less, for any arrivals', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(300_000_000), { maxLength: 80 }),
        (sessionsPerS, burst, gaps) => {
          const n = nat({ subscriberRate: { sessionsPerS, burst }, maxBindings: 256, maxSessions: 256 });
          let now = 0;
          // A bucket of tokens, in thousand millionths.
          let tokens = burst * 1e9;
          for (const [i, gap] of gaps.entries()) {
            now += gap;
            tokens = Math.min(burst * 1e9, tokens + gap * sessionsPerS);
            // Rounding may decide where both are equal.
            if (Math.abs(tokens - 1e9) < 1_000) return;
            expect(send(n, 1, 1_000 + i, 53, now)).toBe(tokens >= 1e9 ? 'translated' : 'subscriberRate');
            if (tokens >= 1e9) tokens -= 1e9;
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('remembers so many subscribers and no more', () => {
    const { nat64 } = settingsOf({ mode: 'nat64', nat64: { subscriberRate: { sessionsPerS: 1, burst: 1 } } }).spec;
    const limits = SubscriberLimits.create(nat64, (word) => word(0))!;
    let refused = 0;
    for (let who = 0; who <= MAX_RATED_SUBSCRIBERS; who++) if (limits.refusal(() => who, true, 0) !== 0) refused++;
    expect([refused, limits.forgotten, limits.refusal(() => 1, true, 0) !== 0, limits.refusal(() => 0, true, 0)]).toEqual([0, 1, true, 0]);
  });
});
