import { assert } from '../base/index.ts';

/**
 * The cache in front of a region (S-03, S-09): objects come from slabs, a slab is one segment, and each CPU keeps objects at hand in two
 * magazines, the loaded one and the one that was loaded before. Only when both are of no use does it exchange one with the depot,
 * and only when the depot has none does it go to the slabs.
 *
 *     alloc/free -> [loaded] [previous]  of the CPU -> depot: full and empty magazines -> slabs -> segments of the region
 *
 * An object is handed out once and taken back once; a full cache gives -1, which is a normal result.
 */
export interface MagazineCacheSpec {
  readonly name: string;
  readonly cpus: number;
  /** Objects of a magazine. */
  readonly rounds: number;
  /** Objects of a slab, which is one segment. */
  readonly slabObjects: number;
  /** Objects in all. */
  readonly objects: number;
}

export interface MagazineCacheStats {
  readonly name: string;
  readonly objects: number;
  readonly inUse: number;
  /** Objects at hand in the CPUs' magazines, and in the depot's. */
  readonly loaded: number;
  readonly previous: number;
  readonly depotFull: number;
  readonly depotEmpty: number;
  readonly slabs: number;
  readonly slabsActive: number;
  readonly allocations: number;
  readonly hits: number;
  readonly swaps: number;
  readonly exchanges: number;
  readonly slabTakes: number;
  readonly failures: number;
  readonly pruned: number;
  readonly cpus: readonly { readonly loaded: number; readonly previous: number }[];
}

export class MagazineCache {
  readonly spec: MagazineCacheSpec;
  inUse = 0;
  allocations = 0;
  hits = 0;
  swaps = 0;
  exchanges = 0;
  slabTakes = 0;
  failures = 0;
  /** Segments given back to the region by prune and purge. */
  pruned = 0;
  private loaded: number[][];
  private previous: number[][];
  private full: number[][] = [];
  private empty = 0;
  private readonly slabs: number;
  /** Free objects of each slab; undefined for a slab that has no segment. */
  private slabFree: (number[] | undefined)[];
  private readonly out: Uint8Array;

  constructor(spec: MagazineCacheSpec) {
    assert(spec.rounds >= 1 && spec.slabObjects >= 1 && spec.cpus >= 1, 'a cache has CPUs, magazines and slabs');
    this.spec = spec;
    this.slabs = Math.ceil(spec.objects / spec.slabObjects);
    this.loaded = Array.from({ length: spec.cpus }, () => []);
    this.previous = Array.from({ length: spec.cpus }, () => []);
    this.slabFree = Array.from({ length: this.slabs }, () => undefined);
    this.out = new Uint8Array(spec.objects);
  }

  /** Segments that hold objects now: the wired ones of the region. */
  get activeSlabs(): number {
    return this.slabFree.reduce((n, slab) => n + (slab === undefined ? 0 : 1), 0);
  }

  alloc(cpu: number): number {
    this.allocations++;
    let object = this.loaded[cpu]!.pop();
    if (object !== undefined) this.hits++;
    else object = this.refill(cpu);
    if (object === undefined) {
      this.failures++;
      return -1;
    }
    this.out[object] = 1;
    this.inUse++;
    return object;
  }

  /** False for an object that is not handed out: it is refused. */
  free(cpu: number, object: number): boolean {
    if (this.out[object] !== 1) return false;
    this.out[object] = 0;
    this.inUse--;
    const { rounds } = this.spec;
    if (this.loaded[cpu]!.length === rounds) {
      if (this.previous[cpu]!.length < rounds) this.swap(cpu);
      else {
        // Both are full: the previous one goes to the depot, an empty one takes its place.
        this.full.push(this.previous[cpu]!);
        if (this.empty > 0) this.empty--;
        this.previous[cpu] = this.loaded[cpu]!;
        this.loaded[cpu] = [];
        this.exchanges++;
      }
    }
    this.loaded[cpu]!.push(object);
    return true;
  }

  private swap(cpu: number): void {
    const previous = this.previous[cpu]!;
    this.previous[cpu] = this.loaded[cpu]!;
    this.loaded[cpu] = previous;
    this.swaps++;
  }

  private refill(cpu: number): number | undefined {
    if (this.previous[cpu]!.length > 0) {
      this.swap(cpu);
      return this.loaded[cpu]!.pop();
    }
    const magazine = this.full.pop();
    if (magazine !== undefined) {
      this.empty++;
      this.loaded[cpu] = magazine;
      this.exchanges++;
      return magazine.pop();
    }
    return this.fromSlab();
  }

  /** From the fullest slab that is in use, else a new one: so that slabs run empty and can be given back. */
  private fromSlab(): number | undefined {
    let best = -1;
    let unused = -1;
    for (let s = 0; s < this.slabs; s++) {
      const free = this.slabFree[s];
      if (free === undefined) {
        if (unused < 0) unused = s;
      } else if (free.length > 0 && (best < 0 || free.length < this.slabFree[best]!.length)) best = s;
    }
    const slab = best < 0 ? unused : best;
    if (slab < 0) return undefined;
    if (best < 0) {
      const first = slab * this.spec.slabObjects;
      const count = Math.min(this.spec.slabObjects, this.spec.objects - first);
      this.slabFree[slab] = Array.from({ length: count }, (_, i) => first + count - 1 - i);
    }
    this.slabTakes++;
    return this.slabFree[slab]!.pop();
  }

  /** Gives the depot's magazines back to the slabs, and slabs that nobody uses to the region. Returns the segments freed. */
  prune(): number {
    for (const magazine of this.full) this.toSlabs(magazine);
    this.full = [];
    this.empty = 0;
    return this.dropSlabs();
  }

  /** The same with the CPUs' magazines: what memory pressure asks for. */
  purge(): number {
    for (const magazines of [this.loaded, this.previous]) {
      for (const magazine of magazines) {
        this.toSlabs(magazine);
        magazine.length = 0;
      }
    }
    return this.prune();
  }

  private toSlabs(magazine: readonly number[]): void {
    for (const object of magazine) this.slabFree[Math.floor(object / this.spec.slabObjects)]!.push(object);
  }

  private dropSlabs(): number {
    let freed = 0;
    for (let s = 0; s < this.slabs; s++) {
      const count = Math.min(this.spec.slabObjects, this.spec.objects - s * this.spec.slabObjects);
      if (this.slabFree[s]?.length !== count) continue;
      this.slabFree[s] = undefined;
      freed++;
    }
    this.pruned += freed;
    return freed;
  }

  stats(): MagazineCacheStats {
    const sum = (lists: readonly number[][]): number => lists.reduce((n, list) => n + list.length, 0);
    return {
      name: this.spec.name,
      objects: this.spec.objects,
      inUse: this.inUse,
      loaded: sum(this.loaded),
      previous: sum(this.previous),
      depotFull: this.full.length,
      depotEmpty: this.empty,
      slabs: this.slabs,
      slabsActive: this.activeSlabs,
      allocations: this.allocations,
      hits: this.hits,
      swaps: this.swaps,
      exchanges: this.exchanges,
      slabTakes: this.slabTakes,
      failures: this.failures,
      pruned: this.pruned,
      cpus: this.loaded.map((list, cpu) => ({ loaded: list.length, previous: this.previous[cpu]!.length })),
    };
  }

  /** Objects in use, at hand, in the depot and in slabs with a segment: must be the objects of those slabs. */
  conserved(): boolean {
    const { loaded, previous } = this.stats();
    const depot = this.full.reduce((n, m) => n + m.length, 0);
    const inSlabs = this.slabFree.reduce((n, slab) => n + (slab?.length ?? 0), 0);
    let made = 0;
    for (let s = 0; s < this.slabs; s++)
      if (this.slabFree[s] !== undefined) made += Math.min(this.spec.slabObjects, this.spec.objects - s * this.spec.slabObjects);
    return this.inUse + loaded + previous + depot + inSlabs === made;
  }

  save(): number[] {
    const out = [
      this.inUse,
      this.allocations,
      this.hits,
      this.swaps,
      this.exchanges,
      this.slabTakes,
      this.failures,
      this.pruned,
      this.empty,
    ];
    const list = (values: readonly number[]): void => {
      out.push(values.length, ...values);
    };
    for (const magazine of [...this.loaded, ...this.previous]) list(magazine);
    out.push(this.full.length);
    for (const magazine of this.full) list(magazine);
    for (const slab of this.slabFree)
      if (slab === undefined) out.push(-1);
      else list(slab);
    return out;
  }

  restore(get: () => number): void {
    [this.inUse, this.allocations, this.hits, this.swaps, this.exchanges] = [get(), get(), get(), get(), get()];
    [this.slabTakes, this.failures, this.pruned, this.empty] = [get(), get(), get(), get()];
    const list = (length: number): number[] => Array.from({ length }, get);
    this.loaded = this.loaded.map(() => list(get()));
    this.previous = this.previous.map(() => list(get()));
    this.full = Array.from({ length: get() }, () => list(get()));
    this.slabFree = this.slabFree.map(() => {
      const length = get();
      return length < 0 ? undefined : list(length);
    });
    this.out.fill(0);
    const free = new Set([...this.loaded, ...this.previous, ...this.full].flat());
    this.slabFree.forEach((slab, s) => {
      if (slab === undefined) return;
      for (const object of slab) free.add(object);
      const first = s * this.spec.slabObjects;
      for (let i = first; i < Math.min(first + this.spec.slabObjects, this.spec.objects); i++) if (!free.has(i)) this.out[i] = 1;
    });
  }
}
