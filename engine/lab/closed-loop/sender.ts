import type { SenderAlgorithm } from '../../contract/index.ts';
import { Cubic, Reno, type CongestionControl } from './congestion.ts';
import { RetransmissionTimer } from './rto.ts';

const DUPLICATES = 3;

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

/** An acknowledgment that moves the window by more than this many segments comes from data sent again for nothing (RFC 6582 section 4.1). */
const HEURISTIC_SEGMENTS = 4;

/**
 * A TCP sender that always has data: RFC 5681 with limited transmit (RFC 3042) and NewReno recovery (RFC 6582), or CUBIC; loss by three
 * duplicate acknowledgments or the timer of RFC 6298, which is fed by time stamps (RFC 7323). No SACK. Data is counted in segments of
 * `mss` bytes.
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
  /** One behind the highest segment sent when the last loss was seen; before the first loss nothing stands in the way of recovery. */
  private recover = -1;
  /** Segments that limited transmit has sent since the window moved. */
  private limited = 0;
  /** Segments by which the window moved last. */
  private step = 0;
  /** Segment that the timer ran out for last. */
  private timedOut = -1;
  /** Segments that were ever sent are those before it. */
  private highest = 0;
  private readonly options: SenderOptions;

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
    if (resend) this.retransmits++;
    else this.highest = segment + 1;
    if (segment === this.una && !(this.recovering && this.impatient)) this.options.setTimer(tNs + this.timer.rtoNs);
    this.options.send(segment, resend);
  }

  /** An acknowledgment of everything before `ack` has come, with the time stamp of the segment that it answers. */
  acknowledged(ack: number, echoNs: number, tNs: number): void {
    if (ack > this.una) this.advanced(ack, echoNs, tNs);
    else if (this.next > this.una) this.duplicate(tNs);
    this.push(tNs);
  }

  private advanced(ack: number, echoNs: number, tNs: number): void {
    const { mss } = this.options;
    const bytes = (ack - this.una) * mss;
    const limitedByCwnd = this.flight + mss > this.control.cwnd;
    this.sample(tNs - echoNs);
    this.step = ack - this.una;
    this.limited = 0;
    this.una = ack;
    // After a timeout everything is sent again from the hole on, until it shows what had arrived beyond it.
    if (this.next < ack) this.next = ack;
    this.duplicates = 0;
    const partial = this.recovering && ack < this.recover;
    // Only the first partial acknowledgment sets the timer anew (RFC 6582 section 3.2, step 3; the impatient variant of RFC 3782).
    if (!partial || !this.impatient) this.options.setTimer(this.next > this.una ? tNs + this.timer.rtoNs : Number.POSITIVE_INFINITY);
    this.impatient = partial;
    if (!this.recovering) {
      // A window that was not used up says nothing of the path (RFC 8312 section 5.8).
      if (limitedByCwnd) this.control.acked(bytes, tNs, this.timer.srttNs);
    } else if (ack >= this.recover) {
      this.recovering = false;
      this.control.cwnd = Math.min(this.control.ssthresh, Math.max(this.flight, mss) + mss);
    } else {
      // A partial acknowledgment: the next hole is sent at once, and the window shrinks by what has left the network (RFC 6582).
      this.control.cwnd = Math.max(mss, this.control.cwnd - bytes + mss);
      this.transmit(this.una, tNs);
    }
  }

  /**
   * A round trip. The stamp that comes back is that of the segment which moved the window, a retransmission too, so it is not ambiguous;
   * only acknowledgments that move the window count (RFC 7323 section 4.1). The receiver acknowledges each segment: a window gives as
   * many samples as it has segments.
   */
  private sample(rttNs: number): void {
    this.timer.sample(rttNs, Math.max(1, this.next - this.una));
    this.rttsNs.push(rttNs);
    this.rttSumNs += rttNs;
  }

  private duplicate(tNs: number): void {
    const { mss } = this.options;
    this.duplicates++;
    if (this.recovering) this.control.cwnd += mss;
    else if (this.duplicates < DUPLICATES) this.transmitLimited(tNs);
    else if (this.duplicates === DUPLICATES && this.isLoss()) {
      this.fastRetransmits++;
      this.recovering = true;
      this.recover = this.highest;
      this.control.lost(this.flight - this.limited * mss);
      this.control.cwnd = this.control.ssthresh + DUPLICATES * mss;
      this.transmit(this.una, tNs);
    }
  }

  /** Limited transmit: the first two duplicates send new data beyond the congestion window (RFC 5681 section 3.2, step 1). */
  private transmitLimited(tNs: number): void {
    const { mss, windowBytes, segments } = this.options;
    const window = Math.min(this.control.cwnd + 2 * mss, windowBytes);
    if (this.next !== this.highest || this.next >= segments || this.flight + mss > window) return;
    this.limited++;
    this.transmit(this.next++, tNs);
  }

  /**
   * Whether three duplicates mean a loss, or only that segments were sent again for nothing: RFC 6582 section 3.2, step 2, and where the
   * window has not moved beyond the last loss the heuristic of section 4.1.
   */
  private isLoss(): boolean {
    if (this.una > this.recover) return true;
    return this.control.cwnd > this.options.mss && this.step <= HEURISTIC_SEGMENTS;
  }

  /** The timer ran out: everything not acknowledged is sent again, from one segment on. */
  expired(tNs: number): void {
    if (this.next === this.una) return;
    this.timeouts++;
    this.control.timedOut(this.flight, this.timedOut === this.una);
    this.timedOut = this.una;
    this.timer.backOff();
    this.recovering = false;
    this.impatient = false;
    this.recover = this.highest;
    this.duplicates = 0;
    this.limited = 0;
    this.next = this.una;
    this.push(tNs);
  }
}
