import { SEGMENT_BYTES, type Arena, type Region, type RegionKind } from './arena.ts';
import type { Channel } from './channel.ts';

/**
 * What a process has mapped of a channel (S-08): the regions of the arena that its task sees, and what it reads there. On defunct the
 * redirectable regions are replaced by zero pages under the task's feet, so that it goes on running and reads zeros; then the memory
 * behind them goes back to the arena. Regions that must survive (the nexus advisory) stay as they are.
 *
 *     live:       read -> region in the arena
 *     redirected: read -> 0; the region is given back, its account stays as `redirected` until the task unmaps
 */
export interface MappedRegion {
  readonly kind: RegionKind;
  readonly lenBytes: number;
  readonly segments: number;
  state: 'mapped' | 'wired' | 'redirected';
  /** Survives a redirect. */
  readonly noRedirect: boolean;
  /** The memory behind it, while there is some. */
  region: Region | undefined;
}

/** Words of the ring region for each ring: head, tail, khead, slots, last sync in us, errors. */
export const MAP_RING_WORDS = 6;
export const MAP_STATS_WORDS = 64;

export class ChannelMap {
  readonly regions: MappedRegion[] = [];
  redirected = false;
  private readonly arena: Arena;

  private constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Maps a channel's regions; undefined if the arena has no room, which leaves nothing behind. */
  static create(
    arena: Arena,
    owner: string,
    channel: Channel,
    sizes: { rings: number; packets: number; metadataBytes: number },
  ): ChannelMap | undefined {
    const map = new ChannelMap(arena);
    if (channel.region !== undefined) map.take(channel.region, false);
    const wanted: readonly [RegionKind, number, boolean][] = [
      ['ring', sizes.rings * MAP_RING_WORDS * 4, false],
      ['metadata', sizes.packets * sizes.metadataBytes, false],
      ['statistics', MAP_STATS_WORDS * 4, false],
      ['nexus-advisory', 64, true],
    ];
    for (const [kind, lenBytes, noRedirect] of wanted) {
      const region = arena.region(kind, owner, lenBytes, 'mapped');
      if (region === undefined) {
        map.unmap();
        return undefined;
      }
      map.take(region, noRedirect);
    }
    return map;
  }

  private take(region: Region, noRedirect: boolean): void {
    this.regions.push({
      kind: region.kind,
      lenBytes: region.lenBytes,
      segments: region.segments,
      state: 'mapped',
      noRedirect,
      region,
    });
  }

  /** A 32-bit load by the application; 0 where the region is redirected, and beyond what is mapped. */
  read(kind: RegionKind, word: number): number {
    const mapped = this.regions.find((r) => r.kind === kind);
    if (mapped?.region === undefined || word < 0 || word * 4 + 4 > mapped.lenBytes) return 0;
    return new Int32Array(this.arena.buffer, mapped.region.offset, mapped.lenBytes >>> 2)[word]!;
  }

  /** A store by the kernel. */
  write(kind: RegionKind, word: number, value: number): void {
    const mapped = this.regions.find((r) => r.kind === kind);
    if (mapped?.region === undefined || word < 0 || word * 4 + 4 > mapped.lenBytes) return;
    new Int32Array(this.arena.buffer, mapped.region.offset, mapped.lenBytes >>> 2)[word] = value;
  }

  /** Replaces the redirectable regions by zero pages and gives their memory back; returns the segments that came free. */
  redirect(): number {
    this.redirected = true;
    let freed = 0;
    for (const mapped of this.regions) {
      if (mapped.noRedirect || mapped.region === undefined) continue;
      this.arena.release(mapped.region);
      mapped.region = undefined;
      mapped.state = 'redirected';
      freed += mapped.segments;
    }
    return freed;
  }

  /** The task goes: what is still there is given back. */
  unmap(): number {
    let freed = 0;
    for (const mapped of this.regions) {
      if (mapped.region === undefined) continue;
      this.arena.release(mapped.region);
      freed += mapped.segments;
    }
    this.regions.length = 0;
    return freed;
  }

  static footprint(sizes: { rings: number; packets: number; metadataBytes: number }): number {
    return sizes.rings * MAP_RING_WORDS * 4 + sizes.packets * sizes.metadataBytes + MAP_STATS_WORDS * 4 + 64 + 16 * SEGMENT_BYTES;
  }
}
