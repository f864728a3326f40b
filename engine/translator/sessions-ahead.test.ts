import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hex, putU16, putU32, Random, u16 } from '../base/index.ts';
import { checksum, pseudoSum4, pseudoSum6 } from '../wire/index.ts';
import { Nat64 } from './nat64.ts';
import { PROTOCOL } from './packet-view.ts';
import { isTranslated } from './reasons.ts';
import { LOOK_AHEAD, LOOK_AHEAD_FROM } from './sessions-ahead.ts';
import { newSink, settingsOf } from './test-support.ts';

const SESSIONS = LOOK_AHEAD_FROM + 1_000;
const STRIDE = 128;
const PAYLOAD = 29;
const PEER = 0xc6336401;
const POOL = 0xcb007101;
const LIMIT = 16_384;
const nat64 = { pool4: [{ prefix: '203.0.113.1' }], maxSessions: LIMIT, maxBindings: LIMIT, maxBindingsPerSubscriber: LIMIT };
const settings = settingsOf({ mode: 'nat64', nat64 });

interface Step {
  readonly session: number;
  readonly side: 4 | 6;
  /** Whole plain, a fragment, or of a session that is not there. */
  readonly kind: 'plain' | 'fragment' | 'unknown';
  readonly waitS: number;
}

/** Ports outside, by session: the same in both translators. */
const ports = new Uint16Array(SESSIONS);
const sink = newSink();
const other = newSink();

function six(b: Uint8Array, o: number, { session, kind }: Pick<Step, 'session' | 'kind'>): number {
  const more = kind === 'fragment' ? 8 : 0;
  const t = o + 40 + more;
  b.fill(0, o, o + STRIDE);
  putU32(b, o, 0x60000000);
  putU16(b, o + 4, PAYLOAD + more);
  b[o + 6] = more > 0 ? 44 : PROTOCOL.udp;
  b[o + 7] = 64;
  putU32(b, o + 8, 0x20010db8);
  putU32(b, o + 20, session + (kind === 'unknown' ? 1 << 20 : 0));
  putU32(b, o + 24, 0x0064ff9b);
  putU32(b, o + 36, PEER);
  if (more > 0) {
    b[o + 40] = PROTOCOL.udp;
    b[o + 43] = 1;
  }
  putU16(b, t, 5_000);
  putU16(b, t + 2, 53);
  putU16(b, t + 4, PAYLOAD);
  for (let i = t + 8; i < t + PAYLOAD; i++) b[i] = i * 31 + session;
  putU16(b, t + 6, checksum(b, t, t + PAYLOAD, pseudoSum6(b, o + 8, o + 24, PROTOCOL.udp, PAYLOAD)));
  return 40 + more + PAYLOAD;
}

function four(b: Uint8Array, o: number, { session, kind }: Pick<Step, 'session' | 'kind'>): number {
  b.fill(0, o, o + STRIDE);
  putU32(b, o, 0x45000000 | (20 + PAYLOAD));
  putU16(b, o + 6, kind === 'fragment' ? 0x2000 : 0x4000);
  b[o + 8] = 64;
  b[o + 9] = PROTOCOL.udp;
  putU32(b, o + 12, kind === 'unknown' ? PEER + 1 : PEER);
  putU32(b, o + 16, POOL);
  putU16(b, o + 10, checksum(b, o, o + 20));
  putU16(b, o + 20, 53);
  putU16(b, o + 22, ports[session]!);
  putU16(b, o + 24, PAYLOAD);
  putU16(b, o + 26, checksum(b, o + 20, o + 20 + PAYLOAD, pseudoSum4(b, o + 12, o + 16, PROTOCOL.udp, PAYLOAD)));
  return 20 + PAYLOAD;
}

function nat(): Nat64 {
  const made = Nat64.create(settings);
  if (!made.ok) throw new Error(made.error.message);
  const b = new Uint8Array(STRIDE);
  for (let session = 0; session < SESSIONS; session++) {
    const length = six(b, 0, { session, kind: 'plain' });
    sink.clear();
    const code = made.value.translate(6, b, 0, length, length, sink, session);
    if (!isTranslated(code)) throw new Error(`reason ${code}`);
    ports[session] = u16(sink.bytes, 20);
  }
  return made.value;
}

const step = fc.record({
  session: fc.nat(SESSIONS - 1),
  side: fc.constantFrom<4 | 6>(4, 6),
  kind: fc.oneof({ weight: 12, arbitrary: fc.constant('plain' as const) }, fc.constantFrom('fragment' as const, 'unknown' as const)),
  waitS: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, fc.constantFrom(1, 100)),
});

describe('looking ahead', () => {
  let ahead: Nat64;
  let plain: Nat64;
  let nowNs = SESSIONS;

  beforeAll(() => {
    ahead = nat();
    plain = nat();
  });

  it('changes nothing, whatever comes between the packets that were looked at', () => {
    const b = new Uint8Array(LOOK_AHEAD * STRIDE);
    const offsets = Uint32Array.from({ length: LOOK_AHEAD }, (_, i) => i * STRIDE);
    let translated = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: LOOK_AHEAD, maxLength: LOOK_AHEAD }), fc.boolean(), (steps, whole) => {
        const lengths = steps.map((each, i) => (each.side === 6 ? six : four)(b, offsets[i]!, each));
        // Sometimes only every other packet is shown.
        const shown = whole ? offsets : offsets.filter((_, i) => i % 2 === 0);
        ahead.lookAhead(b, shown, 0, shown.length);
        for (const [i, { side, waitS }] of steps.entries()) {
          nowNs += waitS * 1e9;
          sink.clear();
          other.clear();
          const code = ahead.translate(side, b, offsets[i]!, lengths[i]!, lengths[i]!, sink, nowNs);
          expect(code).toBe(plain.translate(side, b, offsets[i]!, lengths[i]!, lengths[i]!, other, nowNs));
          expect(hex(sink.bytes.subarray(0, sink.used))).toBe(hex(other.bytes.subarray(0, other.used)));
          if (code === 0) translated++;
        }
      }),
      { numRuns: 40 },
    );
    expect(translated).toBeGreaterThan(500);
    expect(ahead.looksAhead).toBe(ahead.mapper.sessions.count >= LOOK_AHEAD_FROM);
    expect(JSON.stringify(ahead.rows())).toBe(JSON.stringify(plain.rows()));
  });

  it('finds nearly every session before its packet comes', () => {
    const fresh = nat();
    const random = new Random(1);
    const { sessions } = fresh.mapper;
    const hashes = new Int32Array(LOOK_AHEAD);
    let right = 0;
    for (let round = 0; round < 100; round++) {
      const wanted = Array.from({ length: LOOK_AHEAD }, () => Math.floor(random.float() * SESSIONS));
      for (const [i, session] of wanted.entries()) {
        hashes[i] = sessions.hashFor6(PROTOCOL.udp, 0x20010db8, 0, 0, session, (5_000 << 16) | 53, PEER | 0);
      }
      sessions.likely6(hashes, LOOK_AHEAD);
      right += wanted.filter((session, i) => hashes[i] === session).length;
    }
    expect(right / (100 * LOOK_AHEAD)).toBeGreaterThan(0.9);
  });
});
