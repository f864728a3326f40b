import { ERROR_CODES } from './engine-error.ts';
import { MAX_MESSAGE_BYTES, type Message } from './messages.ts';

/**
 * Messages as bytes, for connections that carry no structured clone (WebSocket).
 *
 * ```
 * 0   u32  magic "RSM1"
 * 4   u32  length of the JSON text, bytes
 * 8   u32  number of sections
 * 12  u32  zero
 * 16  one row of 12 bytes for each section: type, offset from the start of the message, length in bytes
 * ..  JSON text, UTF-8
 * ..  sections, each on a multiple of 8, so that a receiver can lay a typed array on the message without a copy
 * ```
 *
 * All integers are little-endian, like the elements of the sections: every platform the program runs on is. In the JSON text a
 * typed array stands as `{"$bin": i}`; an object that has a `$bin` of its own travels as `{"$bin": -1, "value": {...}}`.
 */
const MAGIC = 0x314d5352;
const HEADER_BYTES = 16;
const ROW_BYTES = 12;

/** A detail answer has 2, a series answer 4. What asks for more is not ours. */
export const MAX_SECTIONS = 256;
/** Levels of objects and arrays. The deepest honest message is a field tree of nested tunnels, about 60. */
export const MAX_DEPTH = 160;

export type TypedArray =
  Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** Section types are indices into this list: append, never reorder. */
const TYPES = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
] as const;

export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && TYPES.some((type) => value instanceof type);
}

export type DecodeResult = { readonly ok: true; readonly value: Message } | { readonly ok: false; readonly error: string };

const fail = (error: string): DecodeResult => ({ ok: false, error });
const align8 = (n: number): number => (n + 7) & ~7;

class Placeholder {
  readonly $bin: number;
  constructor(index: number) {
    this.$bin = index;
  }
}

class Escaped {
  readonly $bin = -1;
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** The message as bytes. Asserts what only a bug can do: more sections or bytes than the other side accepts. */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const sections: TypedArray[] = [];
  const text = JSON.stringify(message, function (this: unknown, key: string): unknown {
    // The holder's own value, not the second argument: a Node Buffer has a toJSON that would have replaced it already.
    const value = (this as Record<string, unknown>)[key];
    if (typeof value !== 'object' || value === null) return value;
    if (isTypedArray(value)) return new Placeholder(sections.push(value) - 1);
    const escaped = this instanceof Escaped && key === 'value';
    if (!escaped && Object.hasOwn(value, '$bin') && !(value instanceof Placeholder) && !(value instanceof Escaped))
      return new Escaped(value);
    return value;
  });
  const json = new TextEncoder().encode(text);
  const jsonAt = HEADER_BYTES + sections.length * ROW_BYTES;
  let size = jsonAt + json.length;
  for (const section of sections) size = align8(size) + section.byteLength;
  if (sections.length > MAX_SECTIONS) throw new RangeError(`message of ${String(sections.length)} sections`);
  if (size > MAX_MESSAGE_BYTES) throw new RangeError(`message of ${String(size)} bytes`);

  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, json.length, true);
  view.setUint32(8, sections.length, true);
  out.set(json, jsonAt);
  let at = jsonAt + json.length;
  for (const [i, section] of sections.entries()) {
    at = align8(at);
    const row = HEADER_BYTES + i * ROW_BYTES;
    view.setUint32(
      row,
      TYPES.findIndex((type) => section instanceof type),
      true,
    );
    view.setUint32(row + 4, at, true);
    view.setUint32(row + 8, section.byteLength, true);
    out.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at);
    at += section.byteLength;
  }
  return out;
}

/**
 * The message in some bytes. Never throws: whatever is wrong with the bytes comes back as one sentence. Typed arrays in the
 * answer may share memory with `bytes`; the caller gives the bytes away.
 */
export function decodeMessage(bytes: Uint8Array): DecodeResult {
  if (bytes.length > MAX_MESSAGE_BYTES) return fail(`message of ${String(bytes.length)} bytes, ${String(MAX_MESSAGE_BYTES)} are accepted`);
  if (bytes.length < HEADER_BYTES) return fail('message shorter than its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return fail('not a Ringside message');
  const jsonBytes = view.getUint32(4, true);
  const count = view.getUint32(8, true);
  if (view.getUint32(12, true) !== 0) return fail('reserved header field is not zero');
  if (count > MAX_SECTIONS) return fail(`${String(count)} sections, ${String(MAX_SECTIONS)} are accepted`);
  const jsonAt = HEADER_BYTES + count * ROW_BYTES;
  if (jsonAt + jsonBytes > bytes.length) return fail('JSON text runs past the end of the message');

  const sections: TypedArray[] = [];
  for (let i = 0; i < count; i++) {
    const section = readSection(bytes, view, HEADER_BYTES + i * ROW_BYTES, jsonAt + jsonBytes);
    if (typeof section === 'string') return fail(section);
    sections.push(section);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(jsonAt, jsonAt + jsonBytes)));
    value = restore(value, sections, 0);
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'JSON text is malformed');
  }
  return checkMessage(value);
}

function readSection(bytes: Uint8Array, view: DataView, row: number, dataStart: number): TypedArray | string {
  const Type = TYPES[view.getUint32(row, true)];
  const offset = view.getUint32(row + 4, true);
  const length = view.getUint32(row + 8, true);
  if (Type === undefined) return 'section of an unknown type';
  if (offset % 8 !== 0 || offset < dataStart || offset + length > bytes.length) return 'section outside the message';
  if (length % Type.BYTES_PER_ELEMENT !== 0) return 'section is not a whole number of elements';
  const start = bytes.byteOffset + offset;
  if (bytes.buffer instanceof ArrayBuffer && start % Type.BYTES_PER_ELEMENT === 0) {
    return new Type(bytes.buffer, start, length / Type.BYTES_PER_ELEMENT);
  }
  return new Type(bytes.slice(offset, offset + length).buffer);
}

class Malformed extends Error {}

/** Puts the sections back in place of their placeholders, inside `value`. Throws Malformed. */
function restore(value: unknown, sections: readonly TypedArray[], depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw new Malformed('message is nested too deep');
  if (Array.isArray(value)) {
    const list: unknown[] = value;
    for (let i = 0; i < list.length; i++) list[i] = restore(list[i], sections, depth + 1);
    return list;
  }
  const record = value as Record<string, unknown>;
  if (Object.hasOwn(record, '$bin')) {
    if (record['$bin'] !== -1) {
      const section = typeof record['$bin'] === 'number' ? sections[record['$bin']] : undefined;
      if (section === undefined) throw new Malformed('message names a section it does not have');
      return section;
    }
    const inner = record['value'];
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) throw new Malformed('escaped object is missing');
    return restoreFields(inner as Record<string, unknown>, sections, depth);
  }
  return restoreFields(record, sections, depth);
}

function restoreFields(record: Record<string, unknown>, sections: readonly TypedArray[], depth: number): unknown {
  for (const key of Object.keys(record)) {
    const before = record[key];
    // JSON.parse makes `__proto__` an own property, so the assignment below stays one.
    if (typeof before === 'object' && before !== null) record[key] = restore(before, sections, depth + 1);
  }
  return record;
}

const isId = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * Checks the envelope of something that came from the other side. Method and event names are only checked to be strings: what
 * they stand for, and the body, is the dispatcher's to judge, because it can answer.
 */
export function checkMessage(value: unknown): DecodeResult {
  if (!isRecord(value)) return fail('message is not an object');
  const good = (): DecodeResult => ({ ok: true, value: value as unknown as Message });
  switch (value['kind']) {
    case 'call':
      return isId(value['id']) && typeof value['method'] === 'string' ? good() : fail('call without id or method');
    case 'cancel':
    case 'result':
      return isId(value['id']) ? good() : fail(`${value['kind']} without id`);
    case 'error': {
      const error = value['error'];
      const known = isRecord(error) && typeof error['message'] === 'string' && (ERROR_CODES as readonly unknown[]).includes(error['code']);
      return isId(value['id']) && known ? good() : fail('error without id, code or message');
    }
    case 'progress': {
      const p = value['progress'];
      return isId(value['id']) && isRecord(p) && typeof p['done'] === 'number' && typeof p['total'] === 'number'
        ? good()
        : fail('progress without id or figures');
    }
    case 'event':
      return typeof value['event'] === 'string' ? good() : fail('event without a name');
    default:
      return fail('message of an unknown kind');
  }
}
