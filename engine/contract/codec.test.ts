import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_SECTIONS, checkMessage, decodeMessage, encodeMessage, isTypedArray } from './codec.ts';
import type { Message } from './messages.ts';

const typed = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
);
const body = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0),
      fc.boolean(),
      fc.constant(null),
    ),
    typed,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$bin', 'value', '__proto__', 'toJSON')), tie('node'), { maxKeys: 4 }),
  ),
})).node;

/** JSON has one zero and no lone surrogates in UTF-8; everything else comes back as it went. */
function normal(value: unknown): unknown {
  if (isTypedArray(value)) return { type: value.constructor.name, values: [...value].map((v) => (Object.is(v, -0) ? '-0' : v)) };
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([k, v]) => [k, normal(v)])
      .sort();
  return Object.is(value, -0) ? 0 : value;
}

describe('codec', () => {
  test('whatever is encoded comes back the same', () => {
    fc.assert(
      fc.property(body, fc.nat(), (result, id) => {
        const decoded = decodeMessage(encodeMessage({ kind: 'result', id, result }));
        if (!decoded.ok) throw new Error(decoded.error);
        expect(decoded.value.kind).toBe('result');
        expect(normal((decoded.value as { result: unknown }).result)).toEqual(normal(result));
      }),
      { numRuns: 500 },
    );
  });

  test('bytes at any alignment decode to the same arrays', () => {
    const message: Message = {
      kind: 'result',
      id: 1,
      result: { a: new Float64Array([1.5, -2]), b: new Uint32Array([7]), c: new Uint8Array(3) },
    };
    const bytes = encodeMessage(message);
    for (let shift = 0; shift < 9; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      const decoded = decodeMessage(moved.subarray(shift));
      expect(decoded).toEqual({ ok: true, value: message });
    }
  });

  test('arrays lie on the message without a copy where they can', () => {
    const bytes = encodeMessage({ kind: 'result', id: 1, result: new Float64Array(8) });
    const decoded = decodeMessage(bytes);
    expect(decoded.ok && decoded.value.kind === 'result' && (decoded.value.result as Float64Array).buffer === bytes.buffer).toBe(true);
  });

  test('a Node Buffer travels as bytes, not as its JSON form', () => {
    const decoded = decodeMessage(encodeMessage({ kind: 'result', id: 1, result: { bytes: Buffer.from([1, 2, 3]) } }));
    expect(decoded.ok && decoded.value.kind === 'result' && decoded.value.result).toEqual({ bytes: new Uint8Array([1, 2, 3]) });
  });

  test('mutated and truncated messages give a sentence or a message, never an exception', () => {
    const good = encodeMessage({
      kind: 'result',
      id: 3,
      result: { rows: [{ number: 1 }], $bin: 4, bytes: new Uint8Array(20), max: new Uint32Array(5) },
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        fc.boolean(),
        (changes, end, cut) => {
          const bytes = good.slice();
          for (const [at, value] of changes) bytes[at] = value;
          const decoded = decodeMessage(cut ? bytes.subarray(0, end) : bytes);
          if (!decoded.ok) expect(decoded.error.length).toBeGreaterThan(5);
          else expect(['result', 'cancel']).toContain(decoded.value.kind);
        },
      ),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeMessage(bytes).ok).toBe(false);
      }),
    );
  });

  test('names what is wrong', () => {
    const bytes = encodeMessage({ kind: 'result', id: 1, result: [new Uint32Array(2)] });
    const view = new DataView(bytes.buffer);
    const broken = (offset: number, value: number): unknown => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(offset, value, true);
      return decodeMessage(copy);
    };
    expect(decodeMessage(new Uint8Array(3))).toEqual({ ok: false, error: 'message shorter than its header' });
    expect(broken(0, 1)).toEqual({ ok: false, error: 'not a Ringside message' });
    expect(broken(4, 1e6)).toEqual({ ok: false, error: 'JSON text runs past the end of the message' });
    expect(broken(8, MAX_SECTIONS + 1)).toMatchObject({ ok: false });
    expect(broken(16, 99)).toEqual({ ok: false, error: 'section of an unknown type' });
    expect(broken(20, 8)).toEqual({ ok: false, error: 'section outside the message' });
    expect(broken(20, view.getUint32(20, true) + 8)).toEqual({ ok: false, error: 'section outside the message' });
    expect(broken(24, 7)).toEqual({ ok: false, error: 'section is not a whole number of elements' });
  });

  test('a message nested too deep is refused, not overflowed', () => {
    const text = new TextEncoder().encode(`{"kind":"result","id":1,"result":${'['.repeat(50_000)}${']'.repeat(50_000)}}`);
    const bytes = new Uint8Array(16 + text.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x314d5352, true);
    view.setUint32(4, text.length, true);
    bytes.set(text, 16);
    expect(decodeMessage(bytes)).toEqual({ ok: false, error: 'message is nested too deep' });
  });

  test('a __proto__ in a message changes no prototype', () => {
    const decoded = decodeMessage(encodeMessage({ kind: 'result', id: 1, result: JSON.parse('{"__proto__":{"polluted":true}}') }));
    if (!decoded.ok || decoded.value.kind !== 'result') throw new Error('not decoded');
    const result = decoded.value.result as object;
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    [null],
    [{}],
    [{ kind: 'call', id: 1 }],
    [{ kind: 'call', id: -1, method: 'hello' }],
    [{ kind: 'call', id: 1.5, method: 'hello' }],
    [{ kind: 'cancel' }],
    [{ kind: 'error', id: 1, error: { code: 'made-up', message: '' } }],
    [{ kind: 'progress', id: 1, progress: {} }],
    [{ kind: 'event' }],
  ])('the envelope %j is refused', (value) => {
    expect(checkMessage(value).ok).toBe(false);
  });
});
