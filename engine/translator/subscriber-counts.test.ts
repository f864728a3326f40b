import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translatorSchema } from '../contract/index.ts';
import { createTranslator } from './create.ts';
import { Nat64 } from './nat64.ts';
import { PROTOCOL } from './packet-view.ts';
import { TIMER } from './sessions.ts';
import { SubscriberCounts } from './subscriber-counts.ts';

const COUNT = 1_000_000;

function madeFor(sessions: number): Nat64 {
  const nat64 = { pool4: [{ prefix: '198.18.0.0/16' }], maxSessions: sessions, maxBindings: sessions };
  const made = createTranslator(translatorSchema.parse({ mode: 'nat64', nat64 }));
  if (!made.ok || !(made.value instanceof Nat64)) throw new Error('not a NAT64');
  return made.value;
}

/** A million subscribers. The other tables have their size from the start. */
function manySubscribers(): Nat64 {
  const nat = madeFor(COUNT);
  const { subscribers } = nat.mapper;
  for (let n = 0; n < COUNT; n++) subscribers.add((i) => (i === 1 ? n : 0x20010db8));
  expect(subscribers.count).toBe(COUNT);
  return nat;
}

/** A million bindings with a session each, ten of each subscriber, all last heard of at once. */
function manySessions(): Nat64 {
  const nat = madeFor(COUNT);
  const { bindings, sessions, subscribers } = nat.mapper;
  const b = new Uint8Array(16);
  const view = new DataView(b.buffer);
  const word = (i: number): number => view.getUint32(4 * i);
  for (let n = 0; n < COUNT; n++) {
    view.setUint32(4, Math.floor(n / 10));
    const binding = bindings.add(PROTOCOL.udp, b, 0, n & 0xffff, 0xc6120000 + (n >>> 15), n & 0x7fff, false);
    subscribers.add(word);
    sessions.add(binding, 1, 53, 0, 0, TIMER.udp, 0);
  }
  expect([sessions.count, bindings.count, subscribers.count]).toEqual([COUNT, COUNT, COUNT / 10]);
  return nat;
}

/** Bytes of all typed arrays that an object holds, itself or through others; memory that two share counts once. */
function reachableBytes(start: object): number {
  const seen = new Set<object>();
  const open: unknown[] = [start];
  let bytes = 0;
  while (open.length > 0) {
    const one = open.pop();
    if (typeof one !== 'object' || one === null || seen.has(one)) continue;
    seen.add(one);
    if (one instanceof ArrayBuffer || one instanceof SharedArrayBuffer) bytes += one.byteLength;
    else if (ArrayBuffer.isView(one)) open.push(one.buffer);
    else if (one instanceof Map) open.push(...one.keys(), ...one.values());
    else open.push(...(one instanceof Set ? one : Object.values(one)));
  }
  return bytes;
}

describe('counts of subscribers', () => {
  it('are those of a plain map under any sequence, with prefixes of any length', () => {
    const step = fc.record({ host: fc.integer({ min: 0, max: 60 }), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.constantFrom(32, 33, 64, 100, 128), (steps, bits) => {
        const limit = 40;
        const table = new SubscriberCounts(limit, bits);
        const model = new Map<number, number>();
        let total = 0;
        for (const { host, add } of steps) {
          // The host is in the last bits of the prefix, and what comes after them does not matter.
          const wide = (BigInt(host) << BigInt(128 - bits)) | (bits < 128 ? BigInt(total & 1) : 0n);
          const word = (i: number): number => Number((wide >> BigInt(96 - 32 * i)) & 0xffff_ffffn);
          const before = model.get(host) ?? 0;
          expect(table.of(word)).toBe(before);
          if (add && total < limit) {
            table.add(word);
            model.set(host, before + 1);
            total++;
          } else if (!add) {
            table.remove(word);
            if (before > 0) total--;
            if (before > 1) model.set(host, before - 1);
            else model.delete(host);
          }
          expect(table.count).toBe(model.size);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('with all else of a NAT64 take less than 150 bytes for each of a million sessions, each with its own binding', () => {
    const fixed = reachableBytes(madeFor(16));
    expect(fixed).toBeLessThan(4 * 1024 * 1024);
    const subscribers = reachableBytes(manySubscribers());
    expect(subscribers / COUNT).toBeLessThan(150);
    const shared = manySessions();
    const before = reachableBytes(shared);
    // All ends are near: the list of them is as long as it gets.
    const { sessions } = shared.mapper;
    expect(sessions.takeEnded(TIMER.udp, 1e15)).toBe(0);
    const near = reachableBytes(shared);
    expect(near).toBeGreaterThan(sessions.bytes);
    // At worst both: a subscriber for each, and all ends near.
    expect((subscribers + near - before) / COUNT).toBeLessThan(150);
  }, 30_000);
});
