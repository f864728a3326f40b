/**
 * Event clock of a multicast network (W-01): integer nanoseconds, events of the same instant in the order they were set. A binary heap of
 * timers; a cancelled one stays in the heap until its time, where it does nothing.
 */
export interface Timer {
  readonly atNs: number;
  /** Undefined once it ran or was cancelled. */
  run: (() => void) | undefined;
  readonly order: number;
}

/** Timers at once. A network of 200 routers with 100,000 entries has some millions; beyond that a scenario asks for too much. */
export const MAX_TIMERS = 16_777_216;

function before(a: Timer, b: Timer): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);
}

export class EventClock {
  nowNs = 0;
  /** Events run so far. */
  events = 0;
  /** Timers refused because of MAX_TIMERS. */
  refused = 0;
  private readonly heap: Timer[] = [];
  private order = 0;

  /** Timers that wait, cancelled ones included. */
  get pending(): number {
    return this.heap.length;
  }

  /** Runs `run` after a delay; an instant in the past is now. */
  after(delayNs: number, run: () => void): Timer {
    return this.at(this.nowNs + Math.max(0, Math.round(delayNs)), run);
  }

  at(atNs: number, run: () => void): Timer {
    const timer: Timer = { atNs: Math.max(this.nowNs, atNs), run, order: this.order++ };
    if (this.heap.length >= MAX_TIMERS) {
      this.refused++;
      timer.run = undefined;
      return timer;
    }
    this.up(this.heap.push(timer) - 1, timer);
    return timer;
  }

  /** Runs every event up to and including `untilNs` and leaves the clock there. Stops early when `stop` says so. */
  runUntil(untilNs: number, stop?: () => boolean): boolean {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.atNs > untilNs) break;
      this.take();
      if (first.run === undefined) continue;
      this.nowNs = first.atNs;
      const { run } = first;
      first.run = undefined;
      this.events++;
      run();
      if (stop !== undefined && (this.events & 1023) === 0 && stop()) return false;
    }
    this.nowNs = Math.max(this.nowNs, untilNs);
    return true;
  }

  private take(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  private up(from: number, timer: Timer): void {
    const { heap } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }
}

export function cancel(timer: Timer | undefined): undefined {
  if (timer !== undefined) timer.run = undefined;
  return undefined;
}

export function isRunning(timer: Timer | undefined): timer is Timer {
  return timer?.run !== undefined;
}
