import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import {
  DisposableStack,
  Random,
  formatEpoch,
  formatSeconds,
  fromHex,
  hex,
  putU16,
  putU24,
  putU32,
  u16,
  u16le,
  u24,
  u32,
  u32le,
  u64,
} from './index.ts';

describe('bytes', () => {
  test('what is put is read back, in network order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (v) => {
        const b = new Uint8Array(8);
        putU32(b, 1, v);
        expect(u32(b, 1)).toBe(v);
        expect(u32le(b, 1)).toBe(new DataView(b.buffer).getUint32(1, true));
        putU24(b, 1, v & 0xffffff);
        expect(u24(b, 1)).toBe(v & 0xffffff);
        putU16(b, 1, v & 0xffff);
        expect(u16(b, 1)).toBe(v & 0xffff);
        expect(u16le(b, 1)).toBe(new DataView(b.buffer).getUint16(1, true));
      }),
    );
    expect(u64(new Uint8Array([0xff, 0, 0, 0, 0, 0, 0, 1]), 0)).toBe(0xff00000000000001n);
  });

  test('hex there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (b) => {
        expect(fromHex(hex(b, 0, b.length, ':'))).toEqual(b);
      }),
    );
    expect(fromHex('abc')).toBeUndefined();
    expect(fromHex('zz')).toBeUndefined();
  });
});

describe('time', () => {
  test('formats keep every nanosecond', () => {
    expect(formatSeconds(12_480_310_117, 9)).toBe('12.480310117');
    expect(formatSeconds(-1_500, 6)).toBe('-0.000001');
    expect(formatEpoch(1_700_000_000_123_456_789n)).toBe('2023-11-14T22:13:20.123456789Z');
    expect(formatEpoch(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
    expect(formatEpoch(1n << 62n)).toMatch(/^2116-/);
  });
});

describe('random', () => {
  test('is a function of the seed and of nothing else', () => {
    const a = new Random(7);
    const b = new Random(7);
    const first = Array.from({ length: 100 }, () => a.u32());
    expect(Array.from({ length: 100 }, () => b.u32())).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(95);
    expect(new Random(8).u32()).not.toBe(first[0]);
  });

  test('int covers its range, both ends included, evenly', () => {
    const r = new Random(1);
    const seen = new Uint32Array(6);
    for (let i = 0; i < 60_000; i++) seen[r.int(10, 15) - 10]!++;
    for (const n of seen) expect(Math.abs(n - 10_000)).toBeLessThan(500);
  });

  test('state can be saved and restored', () => {
    const r = new Random(3);
    r.u32();
    const saved = r.state.slice();
    const next = r.u32();
    r.state.set(saved);
    expect(r.u32()).toBe(next);
  });
});

test('disposables run last-in first-out, once', () => {
  const order: number[] = [];
  const stack = new DisposableStack();
  stack.defer(() => order.push(1));
  stack.defer(() => order.push(2));
  stack.dispose();
  stack.dispose();
  stack.defer(() => order.push(3));
  expect(order).toEqual([2, 1, 3]);
});
