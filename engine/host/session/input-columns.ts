import { RecordBatch } from '../../files/index.ts';
import { ROW_WORDS, classifyRange } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/** Packets of an input whose columns are kept at most: 76 bytes each, 19 MB in all. Larger inputs are read again for each run. */
export const MAX_COLUMN_PACKETS = 250_000;

/**
 * What runs of the same input share: every packet read and classified once, as columns. They fill as the first run goes on; the bytes
 * of packets are not in them.
 */
export class InputColumns {
  readonly rows: Int32Array;
  readonly tsNs: Float64Array;
  readonly lenBytes: Uint32Array;
  /** Packets in the columns so far. */
  filled = 0;
  private readonly input: SessionInput;
  private readonly batch = new RecordBatch();

  private constructor(input: SessionInput, packets: number) {
    this.input = input;
    this.rows = new Int32Array(packets * ROW_WORDS);
    this.tsNs = new Float64Array(packets);
    this.lenBytes = new Uint32Array(packets);
  }

  /** Columns with room for the first `packets` of an input, those there are or new ones; undefined where that is more than are kept. */
  static of(input: SessionInput, packets: number): InputColumns | undefined {
    if (packets > MAX_COLUMN_PACKETS) return undefined;
    const known = kept.get(input);
    // An input grows at its end only: what is there stays right.
    if (known !== undefined && known.tsNs.length >= packets) return known;
    const columns = new InputColumns(input, input.packets > MAX_COLUMN_PACKETS ? packets : input.packets);
    kept.set(input, columns);
    return columns;
  }

  /** Reads on until packet `to` is in the columns. False where the file ends before it. */
  fillTo(to: number): boolean {
    const { batch, input, tsNs, lenBytes } = this;
    while (this.filled < to) {
      const got = input.records.read(this.filled + 1, batch, Math.min(batch.capacity, tsNs.length - this.filled));
      if (got === 0) return false;
      classifyRange(batch, 0, got, this.rows, this.filled);
      tsNs.set(batch.tsNs.subarray(0, got), this.filled);
      lenBytes.set(batch.origLen.subarray(0, got), this.filled);
      this.filled += got;
    }
    return true;
  }
}

const kept = new WeakMap<SessionInput, InputColumns>();
