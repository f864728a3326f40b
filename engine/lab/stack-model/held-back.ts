/**
 * Packets that applications hold because their flow is suspended (S-07), flow by flow, in order. They have metadata and no buflets: the
 * application has not asked the pool for a buffer yet.
 */
export class HeldBack {
  /** Packets held at most by all applications. */
  readonly limit: number;
  count = 0;
  highWater = 0;
  private readonly flows = new Map<number, { readonly place: number; readonly slots: number[] }>();

  constructor(limit: number) {
    this.limit = limit;
  }

  has(flow: number): boolean {
    return this.flows.has(flow);
  }

  /** False if applications hold as much as they can. */
  push(flow: number, place: number, slot: number): boolean {
    if (this.count >= this.limit) return false;
    const list = this.flows.get(flow);
    if (list === undefined) this.flows.set(flow, { place, slots: [slot] });
    else list.slots.push(slot);
    this.count++;
    if (this.count > this.highWater) this.highWater = this.count;
    return true;
  }

  /** Flows with packets, in the order in which they began to hold. */
  list(): { flow: number; place: number; slots: readonly number[] }[] {
    return [...this.flows].map(([flow, { place, slots }]) => ({ flow, place, slots }));
  }

  /** The oldest packet of a flow, taken out; -1 if it has none. */
  shift(flow: number): number {
    const list = this.flows.get(flow);
    const slot = list?.slots.shift();
    if (list === undefined || slot === undefined) return -1;
    this.count--;
    if (list.slots.length === 0) this.flows.delete(flow);
    return slot;
  }

  save(slotOf: (slot: number) => number): number[] {
    const out = [this.highWater, this.flows.size];
    for (const [flow, { place, slots }] of this.flows) out.push(flow, place, slots.length, ...slots.map(slotOf));
    return out;
  }

  restore(get: () => number, slotAt: (place: number) => number): void {
    this.flows.clear();
    this.count = 0;
    const highWater = get();
    for (let n = get(); n > 0; n--) {
      const [flow, place] = [get(), get()];
      for (let m = get(); m > 0; m--) this.push(flow, place, slotAt(get()));
    }
    this.highWater = highWater;
  }
}
