/**
 * What can be reached from some objects, at one instant, to be put back into the same objects later. Nothing is copied to another place: whoever
 * holds a reference to one of the objects, a closure in a timer for instance, finds it as it was. That is why state machines with callbacks need
 * no code of their own for it. Three things must hold: state that changes stands in objects and not in variables of closures, an object that matters
 * can be reached without going through a function, and no field is private to the language (`#name`).
 */

/** Puts back what was remembered. */
type Restore = () => void;

/** About what one remembered value takes, bytes: a reference in an array. */
const BYTES_PER_VALUE = 8;
const BYTES_PER_OBJECT = 48;
/** Typed arrays are remembered in pieces of this size; those that stay the same are shared between mementos. */
const PAGE_BYTES = 4_096;

export interface MementoOptions {
  /** Arrays whose elements never change and that only ever grow: their length is remembered, and what stood behind it is kept once for all. */
  readonly growing?: readonly unknown[][];
  /** Objects that hold nothing between two remembered instants, such as buffers for one packet. */
  readonly leave?: (object: object) => boolean;
}

export interface Memento {
  /** About what it takes in memory beside what it shares with the one taken before it. */
  readonly byteLength: number;
  /** Everything is as it was then. Any number of times, and in any order of instants. */
  restore(): void;
}

/** Remembers one set of objects as often as it is asked to. */
export class Mementos {
  private readonly roots: readonly object[];
  private readonly leave: (object: object) => boolean;
  /** Of each growing array the longest form that was seen. */
  private readonly longest = new Map<unknown[], unknown[]>();

  private readonly pagesOf = new WeakMap<object, Pages>();

  constructor(roots: readonly object[], { growing = [], leave = () => false }: MementoOptions = {}) {
    this.roots = roots;
    this.leave = leave;
    for (const array of growing) this.longest.set(array, []);
  }

  take(): Memento {
    const restores: Restore[] = [];
    const seen = new Set<object>();
    const waiting: object[] = [];
    let byteLength = 0;
    const reach = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || seen.has(value)) return;
      seen.add(value);
      if (!this.leave(value)) waiting.push(value);
    };
    for (const root of this.roots) reach(root);
    for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
      const longest = Array.isArray(object) ? this.longest.get(object) : undefined;
      const [restore, bytes] = longest === undefined ? remembered(object, reach, this.pagesOf) : grown(object as unknown[], longest);
      restores.push(restore);
      byteLength += bytes + BYTES_PER_OBJECT;
    }
    return {
      byteLength,
      restore: () => {
        for (const restore of restores) restore();
      },
    };
  }
}

function grown(array: unknown[], longest: unknown[]): [Restore, number] {
  for (let i = longest.length; i < array.length; i++) longest.push(array[i]);
  const { length } = array;
  const restore = (): void => {
    for (let i = array.length; i < length; i++) array.push(longest[i]);
    array.length = length;
  };
  return [restore, 0];
}

function remembered(object: object, reach: (value: unknown) => void, pagesOf: WeakMap<object, Pages>): [Restore, number] {
  if (ArrayBuffer.isView(object)) return ofView(object, pagesOf);
  if (object instanceof Map) return ofMap(object as Map<unknown, unknown>, reach);
  if (object instanceof Set) return ofSet(object as Set<unknown>, reach);
  if (Array.isArray(object)) return ofArray(object as unknown[], reach);
  return ofFields(object as Record<string, unknown>, reach);
}

/** What was remembered of a view last: what has not changed since is kept once. */
type Pages = readonly Uint8Array[];

function ofView(view: ArrayBufferView, pagesOf: WeakMap<object, Pages>): [Restore, number] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const before = pagesOf.get(view);
  let fresh = 0;
  const pages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const known = before?.[pages.length];
    const page = known !== undefined && isSame(bytes, at, known) ? known : bytes.slice(at, at + PAGE_BYTES);
    if (page !== known) fresh += page.length;
    pages.push(page);
  }
  pagesOf.set(view, pages);
  const restore = (): void => {
    for (let i = 0; i < pages.length; i++) bytes.set(pages[i]!, i * PAGE_BYTES);
  };
  return [restore, fresh];
}

function isSame(bytes: Uint8Array, at: number, page: Uint8Array): boolean {
  const words = (bytes.byteOffset & 3) === 0 ? page.length >>> 2 : 0;
  if (words > 0) {
    const now = new Uint32Array(bytes.buffer, bytes.byteOffset + at, words);
    const was = new Uint32Array(page.buffer, page.byteOffset, words);
    for (let i = 0; i < words; i++) if (now[i] !== was[i]) return false;
  }
  for (let i = 4 * words; i < page.length; i++) if (bytes[at + i] !== page[i]) return false;
  return true;
}

function ofMap(map: Map<unknown, unknown>, reach: (value: unknown) => void): [Restore, number] {
  const was = [...map];
  for (const [key, value] of was) {
    reach(key);
    reach(value);
  }
  return [
    () => {
      map.clear();
      for (const [key, value] of was) map.set(key, value);
    },
    6 * was.length * BYTES_PER_VALUE,
  ];
}

function ofSet(set: Set<unknown>, reach: (value: unknown) => void): [Restore, number] {
  const was = [...set];
  for (const value of was) reach(value);
  return [
    () => {
      set.clear();
      for (const value of was) set.add(value);
    },
    was.length * BYTES_PER_VALUE,
  ];
}

function ofArray(array: unknown[], reach: (value: unknown) => void): [Restore, number] {
  const was = array.slice();
  for (const value of was) reach(value);
  return [
    () => {
      for (let i = 0; i < was.length; i++) array[i] = was[i];
      array.length = was.length;
    },
    was.length * BYTES_PER_VALUE,
  ];
}

function ofFields(object: Record<string, unknown>, reach: (value: unknown) => void): [Restore, number] {
  const names = Object.keys(object);
  const was = names.map((name) => object[name]);
  for (const value of was) reach(value);
  // What cannot change is only a way to what can.
  if (Object.isFrozen(object)) return [() => undefined, 0];
  return [
    () => {
      for (let i = 0; i < names.length; i++) object[names[i]!] = was[i];
      const now = Object.keys(object);
      if (now.length > names.length) for (const name of now) if (!names.includes(name)) Reflect.deleteProperty(object, name);
    },
    2 * was.length * BYTES_PER_VALUE,
  ];
}
