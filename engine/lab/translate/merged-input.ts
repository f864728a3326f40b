import { RecordBatch, type PacketSource } from '../../files/index.ts';
import { LOOK_AHEAD, type Translator } from '../../translator/index.ts';
import { networkOffset } from './network-offset.ts';

/** Side of an input: its packets come in there. `both`: one capture of both sides, told apart by the IP version. */
export type InputSide = 4 | 6 | 'both';

export interface SideInput {
  readonly side: InputSide;
  readonly source: PacketSource;
  /** Where its packets are told; one of its own without. */
  readonly batch?: RecordBatch | undefined;
}

/** One input and where reading it has got to. */
export class InputCursor {
  readonly side: InputSide;
  readonly source: PacketSource;
  readonly batch: RecordBatch;
  /** Packet of the batch that comes next. */
  at = 0;
  /** Packets before the batch. */
  before = 0;
  /** Packets before this one have been looked at: see lookAhead. */
  private ahead = 0;
  private readonly headers = new Uint32Array(LOOK_AHEAD);
  /** ns to add to times of the source for times since the earliest epoch of all inputs. */
  shiftNs = 0;

  constructor({ side, source, batch }: SideInput) {
    this.batch = batch ?? new RecordBatch();
    this.side = side;
    this.source = source;
  }

  /** Reads on until there is a packet; false at the end. */
  fill(): boolean {
    while (this.at >= this.batch.count) {
      this.before += this.batch.count;
      this.at = 0;
      this.ahead = 0;
      if (!this.source.nextBatch(this.batch)) return false;
    }
    return true;
  }

  /** Lab time of the packet that comes next. */
  get nextNs(): number {
    return this.batch.tsNs[this.at]! + this.shiftNs;
  }

  /** Bytes before the network header of packet `i` of the batch; -1 where it has none. */
  network(i: number): number {
    return networkOffset(this.batch, i);
  }

  /** Shows the translator the packets from `at` on, LOOK_AHEAD of them at a time. */
  lookAhead(translator: Translator): void {
    if (this.at < this.ahead) return;
    const { batch, headers } = this;
    this.ahead = Math.min(batch.count, this.at + LOOK_AHEAD);
    let count = 0;
    for (let i = this.at; i < this.ahead; i++) {
      const network = networkOffset(batch, i);
      if (network >= 0) headers[count++] = batch.offset[i]! + network;
    }
    translator.lookAhead?.(batch.bytes, headers, 0, count);
  }
}

/**
 * Inputs merged in the order of time, one lab clock for all (0 is the first packet of the input that starts first). Each input keeps its own order;
 * packets of one instant come in the order of the inputs.
 */
export class MergedInput {
  readonly cursors: readonly InputCursor[];
  /** ns since 1970 of lab time 0. */
  readonly epochNs: bigint;
  /** The next packet of the other inputs after `next`, infinite where they have none; true if packets of that time still come before it. */
  beforeNs = Number.POSITIVE_INFINITY;
  tie = true;
  private live: InputCursor[];

  constructor(inputs: readonly SideInput[]) {
    this.cursors = inputs.map((input) => new InputCursor(input));
    this.live = this.cursors.filter((cursor) => cursor.fill());
    const epochs = this.live.filter(({ source }) => source.hasEpoch).map(({ source }) => source.epochNs);
    this.epochNs = epochs.reduce((least, ns) => (ns < least ? ns : least), epochs[0] ?? 0n);
    for (const cursor of this.live) if (cursor.source.hasEpoch) cursor.shiftNs = Number(cursor.source.epochNs - this.epochNs);
  }

  /** The input whose packet comes next, or undefined at the end. The caller takes packet `at` and counts it on. */
  next(): InputCursor | undefined {
    const { live } = this;
    for (let i = live.length - 1; i >= 0; i--) if (live[i]!.at >= live[i]!.batch.count && !live[i]!.fill()) live.splice(i, 1);
    let first = live[0];
    this.beforeNs = Number.POSITIVE_INFINITY;
    if (first === undefined || live.length === 1) return first;
    let firstNs = first.nextNs;
    for (let i = 1; i < live.length; i++) {
      const other = live[i]!;
      const otherNs = other.nextNs;
      const earlier = otherNs < firstNs;
      // Of two inputs the earlier one in order goes first at the same time.
      const laterNs = earlier ? firstNs : otherNs;
      if (laterNs < this.beforeNs || (laterNs === this.beforeNs && earlier)) {
        this.beforeNs = laterNs;
        this.tie = !earlier;
      }
      if (!earlier) continue;
      first = other;
      firstNs = otherNs;
    }
    return first;
  }

  progress(): { bytesRead: number; bytesTotal: number } {
    const all = this.cursors.map(({ source }) => source.progress());
    return { bytesRead: all.reduce((sum, p) => sum + p.bytesRead, 0), bytesTotal: all.reduce((sum, p) => sum + p.bytesTotal, 0) };
  }
}
