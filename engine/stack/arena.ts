import { assert } from '../base/index.ts';
import { MAX_PAGES, plainMemoryCopy, wasmMemoryCopy, type MemoryCopy } from './memory-copy.ts';

/**
 * The arena: one memory that holds rings, pools and packet bytes, cut into regions whose bytes are accounted for by segment.
 * Packet bytes are not copied into pool buffers by default: a replay's packets lie in the input chunk, which is a region of
 * the arena, and can be read again from the file by offset. Pool buffers have memory of their own only where a consumer asks for it
 * (`retainBytes` of a pool).
 *
 *     | guard line | region | line | region | line | ...
 *
 * Regions start on a 128-byte line and an extra line stands between two of them, so that equal-sized regions do not fall on
 * the same cache sets.
 */
export const REGION_KINDS = [
  'schema',
  'ring',
  'slots',
  'buffers',
  'metadata',
  'buflets',
  'statistics',
  'flow-advisory',
  'nexus-advisory',
  'kernel-metadata',
  'kernel-slots',
  'input',
] as const;
export type RegionKind = (typeof REGION_KINDS)[number];

/** Whether a task sees the region, and whether it may be paged out; `redirected` is a region replaced by zero pages. */
export type RegionState = 'mapped' | 'wired' | 'redirected';

export interface Region {
  readonly kind: RegionKind;
  readonly owner: string;
  readonly offset: number;
  readonly lenBytes: number;
  readonly segments: number;
  state: RegionState;
}

/** Memory is accounted for in segments of this size, as the arena's back end hands them out. */
export const SEGMENT_BYTES = 16_384;
const LINE = 128;
const PAGE = 65_536;

export interface ArenaStats {
  readonly kind: 'wasm' | 'plain';
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly regions: number;
  readonly segments: number;
  readonly failures: number;
}

export class Arena {
  readonly buffer: ArrayBufferLike;
  readonly kind: 'wasm' | 'plain';
  readonly copy: MemoryCopy;
  readonly regions: Region[] = [];
  /** Allocations refused because the arena is full: a normal result (S-03). */
  failures = 0;
  /** Regions given back. */
  released = 0;
  private top: number;
  private readonly end: number;
  /** Places that were given back: offset and length. */
  private holes: { offset: number; lenBytes: number }[] = [];
  /** Bytes that each region takes up, at least its own rounded up to lines. */
  private readonly rooms = new Map<Region, number>();
  private placedRoom = 0;

  private constructor(buffer: ArrayBufferLike, copy: MemoryCopy | undefined, from = 0, end = buffer.byteLength) {
    this.buffer = buffer;
    this.top = from + LINE;
    this.end = end;
    this.kind = copy === undefined ? 'plain' : 'wasm';
    this.copy = copy ?? plainMemoryCopy(buffer);
  }

  /** An arena in a part of a memory that others have made, zeroed and on a line. */
  static within(buffer: ArrayBufferLike, from: number, lenBytes: number): Arena {
    assert(from % LINE === 0 && from + lenBytes <= buffer.byteLength, 'the part lies in the memory, on a line');
    return new Arena(buffer, undefined, from, from + lenBytes);
  }

  /**
   * An arena of at least `lenBytes`. `shared` asks for one WebAssembly memory that threads can share and falls back to plain
   * memory where the platform has none; memory is committed by the operating system only when it is touched.
   */
  static create(lenBytes: number, options: { shared?: boolean } = {}): Arena {
    const pages = Math.ceil(lenBytes / PAGE);
    assert(pages >= 1 && pages <= MAX_PAGES, 'an arena is between one page and 4 GiB');
    if (options.shared === true) {
      try {
        const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
        const copy = wasmMemoryCopy(memory);
        if (copy !== undefined) return new Arena(memory.buffer, copy);
      } catch {
        // No shared memory here, or no address space left for its guard pages: plain memory does the same job more slowly.
      }
    }
    return new Arena(new ArrayBuffer(pages * PAGE), undefined);
  }

  /** A region of zeros, or undefined if the arena is full. */
  region(kind: RegionKind, owner: string, lenBytes: number, state: RegionState = 'wired'): Region | undefined {
    const offset = this.place(lenBytes);
    if (offset < 0) {
      this.failures++;
      return undefined;
    }
    const region: Region = { kind, owner, offset, lenBytes, segments: Math.ceil(lenBytes / SEGMENT_BYTES), state };
    this.regions.push(region);
    this.rooms.set(region, this.placedRoom);
    return region;
  }

  /** Where a region of this length goes: the first hole that is long enough, else the end; -1 if the arena is full. */
  private place(lenBytes: number): number {
    const room = Math.max(LINE, Math.ceil(lenBytes / LINE) * LINE);
    this.placedRoom = room;
    const at = this.holes.findIndex((hole) => hole.lenBytes >= room);
    if (at >= 0) {
      const hole = this.holes[at]!;
      const { offset } = hole;
      if (hole.lenBytes - room > LINE) this.holes[at] = { offset: offset + room + LINE, lenBytes: hole.lenBytes - room - LINE };
      else {
        this.placedRoom = hole.lenBytes;
        this.holes.splice(at, 1);
      }
      return offset;
    }
    const end = this.top + lenBytes;
    if (end > this.end) return -1;
    const offset = this.top;
    this.top = offset + room + LINE;
    return offset;
  }

  /** Takes a region back: its memory reads zero and can be handed out again. False if it is not one of this arena (any more). */
  release(region: Region): boolean {
    const at = this.regions.indexOf(region);
    if (at < 0) return false;
    this.regions.splice(at, 1);
    this.released++;
    const room = this.rooms.get(region)!;
    this.rooms.delete(region);
    new Uint8Array(this.buffer, region.offset, region.lenBytes).fill(0);
    this.holes.push({ offset: region.offset, lenBytes: room });
    this.holes.sort((a, b) => a.offset - b.offset);
    this.holes = joined(this.holes);
    return true;
  }

  int32(kind: RegionKind, owner: string, words: number, state?: RegionState): Int32Array {
    const region = this.region(kind, owner, words * 4, state);
    assert(region !== undefined, `arena sized too small for ${owner}`);
    return new Int32Array(this.buffer, region.offset, words);
  }

  float64(kind: RegionKind, owner: string, words: number, state?: RegionState): Float64Array {
    const region = this.region(kind, owner, words * 8, state);
    assert(region !== undefined, `arena sized too small for ${owner}`);
    return new Float64Array(this.buffer, region.offset, words);
  }

  uint8(kind: RegionKind, owner: string, lenBytes: number, state?: RegionState): Uint8Array {
    const region = this.region(kind, owner, lenBytes, state);
    assert(region !== undefined, `arena sized too small for ${owner}`);
    return new Uint8Array(this.buffer, region.offset, lenBytes);
  }

  stats(): ArenaStats {
    return {
      kind: this.kind,
      capacityBytes: this.buffer.byteLength,
      usedBytes: this.regions.reduce((sum, r) => sum + r.lenBytes, 0),
      regions: this.regions.length,
      segments: this.regions.reduce((sum, r) => sum + r.segments, 0),
      failures: this.failures,
    };
  }
}

/** Holes that touch, but for the line between them, as one. */
function joined(holes: readonly { offset: number; lenBytes: number }[]): { offset: number; lenBytes: number }[] {
  const out: { offset: number; lenBytes: number }[] = [];
  for (const hole of holes) {
    const last = out.at(-1);
    if (last !== undefined && hole.offset - last.offset - last.lenBytes === LINE) last.lenBytes = hole.offset + hole.lenBytes - last.offset;
    else out.push({ ...hole });
  }
  return out;
}

/** Bytes a region takes in the arena with its line and alignment, for sizing an arena before the first allocation. */
export function regionFootprint(lenBytes: number): number {
  return Math.ceil(lenBytes / LINE) * LINE + 2 * LINE;
}
