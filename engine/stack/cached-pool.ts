import { MagazineCache } from './magazine-cache.ts';
import { Pool } from './pool.ts';

/** CPU of the flow switch, and of whoever reads. Packets are taken on one and given back on the other, so magazines travel. */
const CPU_SWITCH = 0;
const CPU_READER = 1;
const CPUS = 2;

export interface CachedPoolOptions {
  readonly rounds: number;
  /** Bytes of a segment of the buffer region. */
  readonly segmentBytes: number;
  /** Packets of the device are given back by the flow switch itself. */
  readonly oneCpu: boolean;
}

/**
 * A pool whose buflets come through a cache with magazines (S-03). The account is that of a plain pool and the cache never refuses what
 * the account grants: it has room for what magazines keep at hand. Buflets come back in the order in which they were taken,
 * as packets of a ring do.
 */
export class CachedPool extends Pool {
  readonly cache: MagazineCache;
  private readonly giver: number;
  /** Objects that are out, oldest first: a ring. */
  private readonly out: Int32Array;
  private first = 0;

  constructor(id: string, packets: number, bufferBytes: number, options: CachedPoolOptions) {
    super(id, packets, bufferBytes);
    const objects = packets + 2 * CPUS * options.rounds;
    this.cache = new MagazineCache({
      name: id,
      cpus: CPUS,
      rounds: options.rounds,
      slabObjects: Math.max(1, Math.floor(options.segmentBytes / bufferBytes)),
      objects,
    });
    this.giver = options.oneCpu ? CPU_SWITCH : CPU_READER;
    this.out = new Int32Array(packets);
  }

  override take(buflets: number): boolean {
    const before = this.used;
    if (!super.take(buflets)) return false;
    for (let i = 0; i < buflets; i++) this.out[(this.first + before + i) % this.packets] = this.cache.alloc(CPU_SWITCH);
    return true;
  }

  override give(buflets: number): void {
    super.give(buflets);
    for (let i = 0; i < buflets; i++) this.cache.free(this.giver, this.out[(this.first + i) % this.packets]!);
    this.first = (this.first + buflets) % this.packets;
  }

  saveCache(): number[] {
    const out = Array.from({ length: this.used }, (_, i) => this.out[(this.first + i) % this.packets]!);
    return [...out, ...this.cache.save()];
  }

  /** After the pool's own counters were restored. */
  restoreCache(get: () => number): void {
    this.first = 0;
    for (let i = 0; i < this.used; i++) this.out[i] = get();
    this.cache.restore(get);
  }
}
