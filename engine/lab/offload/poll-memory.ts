import type { PollSink } from './poll-trace.ts';

/** Polls of the packet's queue that are remembered before its own: enough to know where its flow's last aggregate ended. */
const POLLS_BEFORE = 64;
/** Sent packets that are remembered before and after one: more than a stack hands over at once. */
const SENT_BEFORE = 256;
const SENT_AFTER = 64;

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

/** Remembers what happened around one packet: the polls up to and with the one that takes it, or the packets sent before and after it. */
export class PollMemory implements PollSink {
  readonly polls: Poll[] = [];
  readonly sends: SentPacket[] = [];
  /** Place of the packet's port among the scenario's, -1 until it is known. */
  port = -1;
  /** The packet is one of this machine's own. */
  isSent = false;
  private readonly number: number;
  private readonly joinNs: number;
  private readonly portOf = new Map<number, number>();
  private after = -1;

  /** `joinNs`: silence that ends what a stack hands over at once. */
  constructor(number: number, joinNs: number) {
    this.number = number;
    this.joinNs = joinNs;
  }

  /** Whether a packet sent after `nowNs` could still belong to the same one of the stack. */
  waits(nowNs: number): boolean {
    const last = this.sends.at(-1);
    return this.after >= 0 && this.after < SENT_AFTER && last !== undefined && nowNs <= last.tNs + this.joinNs;
  }

  received(_queue: number, tNs: number, number: number, port: number): void {
    let poll = this.polls.at(-1);
    if (poll?.tNs !== tNs) {
      if (this.port >= 0) return;
      this.polls.push((poll = { tNs, numbers: [], ports: [] }));
      if (this.polls.length > POLLS_BEFORE) this.polls.shift();
    }
    poll.numbers.push(number);
    poll.ports.push(port);
    if (number === this.number) this.port = port;
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
