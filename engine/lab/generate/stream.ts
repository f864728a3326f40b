import type { Random } from '../../base/index.ts';

/** One source of packets. The generator merges streams by `nextNs`. */
export interface PacketStream {
  /** Time of the packet that `emit` would write, Infinity when there is none left. */
  readonly nextNs: number;
  /** Interface of that packet. */
  readonly iface: number;
  /** Bytes of that packet on the wire. */
  readonly wireBytes: number;
  /** Writes up to `snap` bytes of the packet at `o` and moves on to the next one; returns the bytes written. */
  emit(b: Uint8Array, o: number): number;
}

/** A frame that is ready, at its time. */
export interface TimedFrame {
  readonly tNs: number;
  readonly bytes: Uint8Array;
  readonly iface: number;
}

/** Frames of one exchange, such as a TCP conversation, in order of time. `startNs` is when it begins. */
export type ExchangeMaker = (startNs: number, index: number, random: Random) => TimedFrame[];

/**
 * Frames waiting in open exchanges at most. A conversation of 10 MB has 11,000; this many of those open at once is a spec that
 * asks for more memory than the generator should take, and starts then wait until others have finished.
 */
const MAX_WAITING_FRAMES = 400_000;

interface Open {
  readonly frames: readonly TimedFrame[];
  at: number;
  readonly order: number;
}

function before(a: Open, b: Open): boolean {
  const ta = a.frames[a.at]!.tNs;
  const tb = b.frames[b.at]!.tNs;
  return ta < tb || (ta === tb && a.order < b.order);
}

/** Exchanges that begin at random times (a Poisson process) and overlap, as one stream. */
export class ExchangeStream implements PacketStream {
  nextNs = Infinity;
  iface = 0;
  wireBytes = 0;
  private readonly heap: Open[] = [];
  private readonly make: ExchangeMaker;
  private readonly random: Random;
  private readonly everyNs: number;
  private readonly untilNs: number;
  private readonly snap: number;
  private nextStartNs: number;
  private index = 0;
  private waiting = 0;
  private lastNs = 0;

  constructor(make: ExchangeMaker, random: Random, startNs: number, untilNs: number, everyNs: number, snap: number) {
    this.make = make;
    this.random = random;
    this.everyNs = everyNs;
    this.untilNs = untilNs;
    this.snap = snap;
    this.nextStartNs = startNs + Math.floor(random.exponential(everyNs));
    this.settle();
  }

  emit(b: Uint8Array, o: number): number {
    const top = this.heap[0]!;
    const frame = top.frames[top.at]!;
    const kept = Math.min(frame.bytes.length, this.snap);
    b.set(kept === frame.bytes.length ? frame.bytes : frame.bytes.subarray(0, kept), o);
    this.lastNs = frame.tNs;
    top.at++;
    this.waiting--;
    if (top.at === top.frames.length) {
      const last = this.heap.pop()!;
      if (this.heap.length > 0) this.heap[0] = last;
    }
    this.sink(0);
    this.settle();
    return kept;
  }

  /** Opens every exchange that begins before the earliest frame waiting, then shows that frame. */
  private settle(): void {
    while (this.nextStartNs <= this.untilNs && this.waiting < MAX_WAITING_FRAMES) {
      const top = this.heap[0];
      if (top !== undefined && top.frames[top.at]!.tNs < this.nextStartNs) break;
      // A start that had to wait for memory begins late, never in the past.
      this.nextStartNs = Math.max(this.nextStartNs, this.lastNs);
      const frames = this.make(this.nextStartNs, this.index, this.random).sort((a, b) => a.tNs - b.tNs);
      if (frames.length > 0) this.push({ frames, at: 0, order: this.index });
      this.index++;
      this.nextStartNs += Math.max(1, Math.floor(this.random.exponential(this.everyNs)));
    }
    const top = this.heap[0];
    const frame = top?.frames[top.at];
    this.nextNs = frame?.tNs ?? Infinity;
    this.iface = frame?.iface ?? 0;
    this.wireBytes = frame?.bytes.length ?? 0;
  }

  private push(open: Open): void {
    this.waiting += open.frames.length;
    const heap = this.heap;
    heap.push(open);
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(open, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = open;
  }

  private sink(from: number): void {
    const heap = this.heap;
    const item = heap[from];
    if (item === undefined) return;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, item)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = item;
  }
}
