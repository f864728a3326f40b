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

/** Timers at once. A network of 200 routers with 100,000 entries has some millions; beyond that a scenario asks for too much. */
export const MAX_TIMERS = 16_777_216;
/** Packets on their way at once: a link holds some thousand of small ones, a network has 1,700 links. */
export const MAX_CARRIED = 16_777_216;

/** Event clock of a multicast network: integer nanoseconds, events of the same instant in the order they were set (W-01). */
export class EventClock {
  nowNs = 0;
  /** Events run so far. */
  events = 0;
  /** Timers refused because of MAX_TIMERS, and packets because of MAX_CARRIED. */
  refused = 0;
  private readonly sequence = { next: 0 };
  private readonly queue = new EventQueue(MAX_TIMERS, this.sequence);
  /** Packets apart: they are the most events by far, and few at a time, so their queue is short. */
  private readonly arrivals = new EventQueue(MAX_CARRIED, this.sequence);
  /** Timers by the number that the queue knows them by, and numbers that are free. */
  private readonly timers: (Timer | undefined)[] = [];
  private readonly free: number[] = [];
  /** Packets on their way, with who takes them, by the number that the queue knows them by, and numbers that are free. */
  private readonly carried: (Uint8Array | undefined)[] = [];
  private readonly takers: (Arrival | undefined)[] = [];
  private readonly freeCarried: number[] = [];

  /** Timers that wait, cancelled ones included, and packets. */
  get pending(): number {
    return this.queue.size + this.arrivals.size;
  }

  /** Instant of the earliest event, infinite where none waits. */
  get nextNs(): number {
    return Math.min(this.queue.nextNs, this.arrivals.nextNs);
  }

  /** Runs `run` after a delay; an instant in the past is now. */
  after(delayNs: number, run: () => void): Timer {
    return this.at(this.nowNs + Math.max(0, Math.round(delayNs)), run);
  }

  at(atNs: number, run: () => void): Timer {
    const timer: Timer = { atNs: Math.max(this.nowNs, atNs), run };
    const number = this.free.pop() ?? this.timers.length;
    if (this.queue.schedule(timer.atNs, 0, number)) this.timers[number] = timer;
    else {
      this.refused++;
      this.free.push(number);
      timer.run = undefined;
    }
    return timer;
  }

  /**
   * Brings a packet to `taker` at an instant: what `at` does, without a timer and a function for each of the many packets on links. False where
   * MAX_CARRIED are on their way.
   */
  bring(atNs: number, taker: Arrival, packet: Uint8Array, tag: number): boolean {
    const number = this.freeCarried.pop() ?? this.carried.length;
    if (!this.arrivals.schedule(Math.max(this.nowNs, atNs), 0, number, tag)) {
      this.refused++;
      this.freeCarried.push(number);
      return false;
    }
    this.carried[number] = packet;
    this.takers[number] = taker;
    return true;
  }

  /** The packet that comes next. */
  private arrive(): void {
    const { arrivals } = this;
    arrivals.next();
    const { a: number, b: tag } = arrivals;
    const packet = this.carried[number]!;
    const taker = this.takers[number]!;
    this.carried[number] = undefined;
    this.freeCarried.push(number);
    this.nowNs = arrivals.tNs;
    this.events++;
    taker.arrive(packet, tag);
  }

  /** Runs every event up to and including `untilNs` and leaves the clock there. Stops early when `stop` says so. */
  runUntil(untilNs: number, stop?: () => boolean): boolean {
    const { queue, arrivals } = this;
    while (queue.nextNs <= untilNs || arrivals.nextNs <= untilNs) {
      if (arrivals.isBefore(queue)) this.arrive();
      else if (!this.fire()) continue;
      if (stop !== undefined && (this.events & 1023) === 0 && stop()) return false;
    }
    this.nowNs = Math.max(this.nowNs, untilNs);
    return true;
  }

  /** The timer that comes next. False for one that was cancelled. */
  private fire(): boolean {
    this.queue.next();
    const number = this.queue.a;
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
