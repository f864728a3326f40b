import type { SenderAlgorithm } from '../../contract/index.ts';
import { Cubic, Reno, type CongestionControl } from './congestion.ts';
import { RetransmissionTimer } from './rto.ts';

const DUPLICATES = 3;
/** Segments that have a place to begin with. */
const FIRST_SEGMENTS = 1_024;

export interface SenderOptions {
  readonly algorithm: SenderAlgorithm;
  readonly mss: number;
  readonly minRtoNs: number;
  /** What the receiver lets it have in flight, bytes. */
  readonly windowBytes: number;
  /** Segments of the whole run, at most: then it has no more data. */
  readonly segments: number;
  /** Puts a segment on the path now. */
  send(segment: number, again: boolean): void;
  /** Sets the timer to run out at an instant; a later call replaces it. */
  setTimer(atNs: number): void;
}

/**
 * A TCP sender that always has data: RFC 5681 with NewReno recovery (RFC 6582), or CUBIC; loss by three duplicate acknowledgments
 * or the timer of RFC 6298. No SACK. Data is counted in segments of `mss` bytes.
 */
export class Sender {
  readonly control: CongestionControl;
  readonly timer: RetransmissionTimer;
  /** First segment not acknowledged, next to send. */
  una = 0;
  next = 0;
  fastRetransmits = 0;
  timeouts = 0;
  retransmits = 0;
  readonly rttsNs: number[] = [];
  rttSumNs = 0;
  private duplicates = 0;
  private recovering = false;
  /** A partial acknowledgment has come in this recovery. */
  private impatient = false;
  private recover = 0;
  /** The segment for which the timer ran out last. */
  private timedOutAt = -1;
  /** Segments that were ever sent are those before it. */
  private highest = 0;
  private readonly options: SenderOptions;
  private sentNs = new Float64Array(FIRST_SEGMENTS);
  private again = new Uint8Array(FIRST_SEGMENTS);

  constructor(options: SenderOptions) {
    this.options = options;
    this.control = options.algorithm === 'reno' ? new Reno(options.mss) : new Cubic(options.mss);
    this.timer = new RetransmissionTimer(options.minRtoNs);
  }

  private get flight(): number {
    return (this.next - this.una) * this.options.mss;
  }

  /** What may be in flight: the congestion window, or what the receiver advertises. */
  get windowBytes(): number {
    return Math.min(this.control.cwnd, this.options.windowBytes);
  }

  /** Sends what the window allows. */
  push(tNs: number): void {
    const { mss } = this.options;
    const window = this.windowBytes;
    while (this.flight + mss <= window && this.next < this.options.segments) this.transmit(this.next++, tNs);
  }

  private transmit(segment: number, tNs: number): void {
    const resend = segment < this.highest;
    if (!resend) {
      this.highest = segment + 1;
      if (segment >= this.again.length) this.grow();
    } else {
      this.again[segment] = 1;
      this.retransmits++;
    }
    this.sentNs[segment] = tNs;
    if (segment === this.una && !(this.recovering && this.impatient)) this.options.setTimer(tNs + this.timer.rtoNs);
    this.options.send(segment, resend);
  }

  private grow(): void {
    const { sentNs, again } = this;
    this.sentNs = new Float64Array(2 * sentNs.length);
    this.sentNs.set(sentNs);
    this.again = new Uint8Array(2 * again.length);
    this.again.set(again);
  }

  /** An acknowledgment of everything before `ack` has come. */
  acknowledged(ack: number, tNs: number): void {
    if (ack > this.una) this.advanced(ack, tNs);
    else if (this.next > this.una) this.duplicate(tNs);
    this.push(tNs);
  }

  private advanced(ack: number, tNs: number): void {
    const { mss } = this.options;
    const bytes = (ack - this.una) * mss;
    const last = ack - 1;
    let rttNs = this.timer.srttNs;
    // An acknowledgment that a retransmission has set free also covers segments that came long before it: no sample (Karn's algorithm).
    if (this.again[last] === 0 && this.again[this.una] === 0) {
      rttNs = tNs - this.sentNs[last]!;
      this.timer.sample(rttNs);
      this.rttsNs.push(rttNs);
      this.rttSumNs += rttNs;
    }
    this.una = ack;
    // After a timeout everything is sent again from the hole on, until it shows what had arrived beyond it.
    if (this.next < ack) this.next = ack;
    this.duplicates = 0;
    const partial = this.recovering && ack < this.recover;
    // The impatient variant of RFC 6582, section 4: only the first partial acknowledgment sets the timer anew.
    if (!partial || !this.impatient) this.options.setTimer(this.next > this.una ? tNs + this.timer.rtoNs : Number.POSITIVE_INFINITY);
    this.impatient = partial;
    if (!this.recovering) this.control.acked(bytes, tNs, rttNs);
    else if (ack >= this.recover) {
      this.recovering = false;
      this.control.cwnd = Math.min(this.control.ssthresh, Math.max(this.flight, mss) + mss);
    } else {
      // A partial acknowledgment: the next hole is sent at once, and the window shrinks by what has left the network (RFC 6582).
      this.control.cwnd = Math.max(mss, this.control.cwnd - bytes + mss);
      this.transmit(this.una, tNs);
    }
  }

  private duplicate(tNs: number): void {
    const { mss } = this.options;
    this.duplicates++;
    if (this.recovering) {
      this.control.cwnd += mss;
      return;
    }
    if (this.duplicates !== DUPLICATES || this.una < this.recover) return;
    this.fastRetransmits++;
    this.recovering = true;
    this.recover = this.next;
    this.control.lost(this.flight);
    this.control.cwnd = this.control.ssthresh + DUPLICATES * mss;
    this.transmit(this.una, tNs);
  }

  /** The timer ran out: everything not acknowledged is sent again, from one segment on. */
  expired(tNs: number): void {
    if (this.next === this.una) return;
    this.timeouts++;
    this.control.timedOut(this.flight, this.una === this.timedOutAt);
    this.timedOutAt = this.una;
    this.timer.backOff();
    this.recovering = false;
    this.impatient = false;
    this.recover = this.highest;
    this.duplicates = 0;
    this.next = this.una;
    this.push(tNs);
  }
}
