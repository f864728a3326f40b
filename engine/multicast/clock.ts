import { assertDefined, EventQueue } from '../base/index.ts';

/** Something that happens at an instant. A cancelled timer stays in the queue until its time, where it does nothing. */
export interface Timer {
  readonly atNs: number;
  /** Undefined once it ran or was cancelled. */
  run: (() => void) | undefined;
}

/** Takes packets that were on their way. `tag` is what it was sent with. */
export interface Arrival {
  arrive(packet: Uint8Array, tag: number): void;
}

/** Kinds of events in the queue. */
const TIMER = 0;
const ARRIVAL = 1;

/** Timers at once. A network of 200 routers with 100,000 entries has some millions; beyond that a scenario asks for too much. */
export const MAX_TIMERS = 16_777_216;

/** Event clock of a multicast network: integer nanoseconds, events of the same instant in the order they were set (W-01). */
export class EventClock {
  nowNs = 0;
  /** Events run so far. */
  events = 0;
  /** Timers refused because of MAX_TIMERS. */
  refused = 0;
  private readonly queue = new EventQueue(MAX_TIMERS);
  /** Timers by the number that the queue knows them by, and numbers that are free. */
  private readonly timers: (Timer | undefined)[] = [];
  private readonly free: number[] = [];
  /** Packets on their way, with who takes them, by the number that the queue knows them by, and numbers that are free. */
  private readonly carried: (Uint8Array | undefined)[] = [];
  private readonly takers: (Arrival | undefined)[] = [];
  private readonly freeCarried: number[] = [];

  /** Timers that wait, cancelled ones included. */
  get pending(): number {
    return this.queue.size;
  }

  /** Instant of the earliest timer, infinite where none waits. */
  get nextNs(): number {
    return this.queue.nextNs;
  }

  /** Runs `run` after a delay; an instant in the past is now. */
  after(delayNs: number, run: () => void): Timer {
    return this.at(this.nowNs + Math.max(0, Math.round(delayNs)), run);
  }

  at(atNs: number, run: () => void): Timer {
    const timer: Timer = { atNs: Math.max(this.nowNs, atNs), run };
    const number = this.free.pop() ?? this.timers.length;
    if (this.queue.schedule(timer.atNs, TIMER, number)) this.timers[number] = timer;
    else {
      this.refused++;
      this.free.push(number);
      timer.run = undefined;
    }
    return timer;
  }

  /**
   * Brings a packet to `taker` at an instant: what `at` does, without a timer and a function for each of the many packets on links. False where
   * MAX_TIMERS wait.
   */
  bring(atNs: number, taker: Arrival, packet: Uint8Array, tag: number): boolean {
    const number = this.freeCarried.pop() ?? this.carried.length;
    if (!this.queue.schedule(Math.max(this.nowNs, atNs), ARRIVAL, number, tag)) {
      this.refused++;
      this.freeCarried.push(number);
      return false;
    }
    this.carried[number] = packet;
    this.takers[number] = taker;
    return true;
  }

  private arrive(number: number, tag: number): void {
    const packet = this.carried[number]!;
    const taker = this.takers[number]!;
    this.carried[number] = undefined;
    this.freeCarried.push(number);
    taker.arrive(packet, tag);
  }

  /** Runs every event up to and including `untilNs` and leaves the clock there. Stops early when `stop` says so. */
  runUntil(untilNs: number, stop?: () => boolean): boolean {
    const { queue } = this;
    while (queue.nextNs <= untilNs && queue.next()) {
      const { kind, a, b, tNs } = queue;
      if (kind === ARRIVAL) {
        this.nowNs = tNs;
        this.events++;
        this.arrive(a, b);
      } else if (!this.fire(a)) continue;
      if (stop !== undefined && (this.events & 1023) === 0 && stop()) return false;
    }
    this.nowNs = Math.max(this.nowNs, untilNs);
    return true;
  }

  /** False for a timer that was cancelled. */
  private fire(number: number): boolean {
    const timer = assertDefined(this.timers[number], 'a timer that waits is in the table');
    this.timers[number] = undefined;
    this.free.push(number);
    const { run } = timer;
    if (run === undefined) return false;
    this.nowNs = timer.atNs;
    timer.run = undefined;
    this.events++;
    run();
    return true;
  }
}

export function cancel(timer: Timer | undefined): undefined {
  if (timer !== undefined) timer.run = undefined;
  return undefined;
}

export function isRunning(timer: Timer | undefined): timer is Timer {
  return timer?.run !== undefined;
}
