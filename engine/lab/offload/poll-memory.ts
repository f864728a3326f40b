import type { PollSink } from './poll-trace.ts';

/** Packets of its queue that are remembered before and after the packet: enough to know which of them wait together with it. */
const TAKEN_BEFORE = 4_096;
const TAKEN_AFTER = 4_096;
/** Sent packets that are remembered before and after one: more than a stack hands over at once. */
const SENT_BEFORE = 256;
const SENT_AFTER = 64;

/** Packets before the one that is told of from where the run is looked at. */
export const OFFLOAD_HISTORY = TAKEN_BEFORE;

export interface PollLimits {
  /** Silence that ends what a stack hands over at once. */
  readonly joinNs: number;
  /** Longest wait of a received packet for others before it is given out. */
  readonly holdNs: number;
  /** Packets of one poll at most. */
  readonly batch: number;
  /** What is remembered begins with the input. */
  readonly fromStart: boolean;
}

interface Poll {
  readonly tNs: number;
  readonly numbers: number[];
  readonly ports: number[];
}

/** A packet that a port has handed to the device. */
export interface SentPacket {
  readonly tNs: number;
  readonly number: number;
  readonly port: number;
}

/** Remembers what happened around one packet: the polls with which it may be given out, or the packets sent before and after it. */
export class PollMemory implements PollSink {
  readonly polls: Poll[] = [];
  readonly sends: SentPacket[] = [];
  /** Place of the packet's port among the scenario's, -1 until it is known. */
  port = -1;
  /** Nothing was received before what is remembered. */
  hasAll: boolean;
  /** The packet is one of this machine's own. */
  isSent = false;
  private readonly number: number;
  private readonly limits: PollLimits;
  private readonly portOf = new Map<number, number>();
  private after = -1;
  /** Received packets that are remembered. */
  private taken = 0;
  /** When the packet was received, and how many were after it. */
  private receivedNs = -1;
  private takenAfter = 0;

  constructor(number: number, limits: PollLimits) {
    this.number = number;
    this.limits = limits;
    this.hasAll = limits.fromStart;
  }

  /** Whether a packet after `nowNs` could still belong to the same one of the stack, or be given out with it. */
  waits(nowNs: number): boolean {
    if (this.receivedNs >= 0) return this.takenAfter < TAKEN_AFTER && nowNs <= this.receivedNs + this.limits.holdNs;
    const last = this.sends.at(-1);
    return this.after >= 0 && this.after < SENT_AFTER && last !== undefined && nowNs <= last.tNs + this.limits.joinNs;
  }

  received(_queue: number, tNs: number, number: number, port: number): void {
    if (this.receivedNs >= 0 && (this.takenAfter >= TAKEN_AFTER || tNs > this.receivedNs + this.limits.holdNs)) return;
    let poll = this.polls.at(-1);
    if (poll?.tNs !== tNs || poll.numbers.length >= this.limits.batch) this.polls.push((poll = { tNs, numbers: [], ports: [] }));
    poll.numbers.push(number);
    poll.ports.push(port);
    this.taken++;
    if (this.receivedNs >= 0) this.takenAfter++;
    else while (this.taken - this.polls[0]!.numbers.length > TAKEN_BEFORE) this.forget();
    if (number !== this.number) return;
    this.port = port;
    this.receivedNs = tNs;
  }

  private forget(): void {
    this.taken -= this.polls.shift()!.numbers.length;
    this.hasAll = false;
  }

  queued(_queue: number, _tNs: number, number: number, port: number): void {
    this.portOf.set(number, port);
    if (number !== this.number) return;
    this.port = port;
    this.isSent = true;
  }

  sent(_queue: number, tNs: number, number: number): void {
    const port = this.portOf.get(number);
    this.portOf.delete(number);
    if (port === undefined || this.after >= SENT_AFTER) return;
    this.sends.push({ tNs, number, port });
    if (number === this.number) this.after = 0;
    else if (this.after >= 0) this.after++;
    else if (this.sends.length > SENT_BEFORE) this.sends.shift();
  }

  /** A packet that no ring took is told of by its own card. */
  dropped(number: number): void {
    this.portOf.delete(number);
  }
}
