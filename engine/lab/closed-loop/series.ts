import { SENDERS_BINS, type SendersSeries } from '../../contract/index.ts';
import type { Sender } from './sender.ts';

/** What a closed loop did, bin by bin: the differences of its totals. */
export class LoopSeries {
  /** Bins that are done. */
  bins = 0;
  readonly binNs: number;
  private readonly goodputBytes = new Float64Array(SENDERS_BINS);
  private readonly rttNs = new Float64Array(SENDERS_BINS);
  private readonly windowBytes = new Float64Array(SENDERS_BINS);
  private readonly losses = new Uint32Array(SENDERS_BINS);
  private before = { bytes: 0, lost: 0, samples: 0, rttNs: 0 };

  constructor(binNs: number) {
    this.binNs = binNs;
  }

  /** Ends a bin: in-order bytes and losses of the whole run so far. */
  add(senders: readonly Sender[], bytes: number, lost: number): void {
    const { before, bins } = this;
    let samples = 0;
    let rttNs = 0;
    let window = 0;
    for (const sender of senders) {
      samples += sender.rttsNs.length;
      rttNs += sender.rttSumNs;
      window += sender.windowBytes;
    }
    this.goodputBytes[bins] = bytes - before.bytes;
    this.losses[bins] = lost - before.lost;
    this.windowBytes[bins] = window;
    this.rttNs[bins] = samples > before.samples ? (rttNs - before.rttNs) / (samples - before.samples) : 0;
    this.before = { bytes, lost, samples, rttNs };
    this.bins++;
  }

  result(): SendersSeries {
    return { binNs: this.binNs, goodputBytes: this.goodputBytes, rttNs: this.rttNs, windowBytes: this.windowBytes, lost: this.losses };
  }
}
