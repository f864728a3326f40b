import { EngineError, type CallContext, type CaptureInfo } from '../../contract/index.ts';
import { PacketIndex, RecordBatch, openCapture, type CaptureFile, type PacketSource } from '../../files/index.ts';
import { ClassifiedBatch, FlowTable, META_FROM_B, META_PROTOCOL_MASK, ROW_META, ROW_WORDS, classifyBatch } from '../../wire/index.ts';
import { captureInfoOf } from '../capture-summary.ts';
import { IndexedRecords } from './records.ts';

/** Bytes read between two progress messages: a few milliseconds. */
const REPORT_BYTES = 4 * 1024 * 1024;
/** Flows that get a number of their own in the packet list, as many as a switch may hold. */
const MAX_LIST_FLOWS = 4_194_304;

/** Gives every packet of a batch its protocol and flow number in the index, in first-seen order. */
export class Numbering {
  readonly flows = new FlowTable({ limit: MAX_LIST_FLOWS });
  /** False once a packet was older than one before it. */
  inOrder = true;
  private latestNs = Number.NEGATIVE_INFINITY;
  private readonly classified = new ClassifiedBatch(new RecordBatch().capacity);
  private readonly ids = new Int32Array(new RecordBatch().capacity);
  private readonly index: PacketIndex;

  constructor(index: PacketIndex) {
    this.index = index;
  }

  take(batch: RecordBatch, firstNumber: number): void {
    const { classified, ids, flows, index } = this;
    classifyBatch(batch, classified);
    flows.internBatch(classified.rows, null, 0, batch.count, ids);
    const { rows } = classified;
    for (let i = 0; i < batch.count; i++) {
      const tNs = batch.tsNs[i]!;
      if (tNs < this.latestNs) this.inOrder = false;
      else this.latestNs = tNs;
      const meta = rows[i * ROW_WORDS + ROW_META]!;
      const number = firstNumber + i;
      const segment = index.segmentOf(number);
      const row = index.rowOf(number);
      segment.protocol[row] = meta & META_PROTOCOL_MASK;
      const id = ids[i]!;
      if (id >= 0) index.setFlow(number, id, (meta & META_FROM_B) !== 0);
    }
  }
}

/** An input, indexed: what all panels read packets from. */
export class SessionInput {
  readonly path: string;
  readonly dataPath: string;
  readonly index: PacketIndex;
  readonly source: PacketSource;
  readonly records: IndexedRecords;
  /** True while a live capture appends to it. */
  growing = false;
  private readonly compression: CaptureFile['compression'];
  private readonly numbering: Numbering;
  private latest = new Float64Array(0);
  private readonly disposers: (() => void)[];

  constructor(parts: {
    path: string;
    dataPath: string;
    compression: CaptureFile['compression'];
    source: PacketSource;
    index: PacketIndex;
    numbering: Numbering;
    dispose: () => void;
  }) {
    this.path = parts.path;
    this.dataPath = parts.dataPath;
    this.compression = parts.compression;
    this.source = parts.source;
    this.index = parts.index;
    this.numbering = parts.numbering;
    this.records = IndexedRecords.open(parts.index, () => parts.source.interfaces, parts.dataPath);
    this.disposers = [
      parts.dispose,
      () => {
        this.records.close();
      },
    ];
  }

  /** Opens and indexes a file. EngineErrors say what is wrong with it; progress is sent as it is read. */
  static async open(path: string, context: Pick<CallContext, 'signal' | 'progress'>): Promise<SessionInput> {
    const opened = await openCapture(path, {
      signal: context.signal,
      onProgress: (done) => {
        context.progress({ done, total: 0, unit: 'bytes', message: 'unpacking' });
      },
    });
    if (!opened.ok) throw opened.error;
    const file = opened.value;
    const index = new PacketIndex(file.source.recordHeaderBytes);
    const numbering = new Numbering(index);
    try {
      await readAll(file.source, index, numbering, context);
    } catch (error) {
      file.close();
      throw error;
    }
    return new SessionInput({
      path,
      dataPath: file.dataPath,
      compression: file.compression,
      source: file.source,
      index,
      numbering,
      dispose: () => {
        file.close();
      },
    });
  }

  /**
   * Time of a packet as the transport counts it: where time runs backwards in a file, that of the latest packet up to it, so that
   * times never fall.
   */
  timeOf(number: number): number {
    if (this.numbering.inOrder) return this.index.tsNs(number);
    return this.running()[number - 1]!;
  }

  /** Number of the last packet at or before a time, 0 if none. */
  packetAt(tNs: number): number {
    return this.index.timeToIndex(Math.floor(tNs) + 1) - 1;
  }

  /** Latest time up to each packet. Only files whose time runs backwards pay for it. */
  private running(): Float64Array {
    if (this.latest.length >= this.index.count) return this.latest;
    const grown = new Float64Array(this.growing ? 2 * this.index.count : this.index.count);
    grown.set(this.latest);
    let max = this.latest.length === 0 ? Number.NEGATIVE_INFINITY : grown[this.latest.length - 1]!;
    for (let n = this.latest.length; n < this.index.count; n++) {
      max = Math.max(max, this.index.tsNs(n + 1));
      grown[n] = max;
    }
    this.latest = grown.subarray(0, this.index.count);
    return this.latest;
  }

  get packets(): number {
    return this.index.count;
  }

  /** Flows by the numbers that the index has. */
  get flows(): FlowTable {
    return this.numbering.flows;
  }

  /** End of the input on the lab clock. */
  get endNs(): number {
    return this.index.count === 0 ? 0 : Math.max(0, this.index.totals.maxNs);
  }

  info(): CaptureInfo {
    return captureInfoOf(this.path, this.compression, this.source, { packets: this.index.count, ...this.index.totals });
  }

  dispose(): void {
    for (const dispose of this.disposers.splice(0)) dispose();
  }
}

async function readAll(
  source: PacketSource,
  index: PacketIndex,
  numbering: Numbering,
  context: Pick<CallContext, 'signal' | 'progress'>,
): Promise<void> {
  const batch = new RecordBatch();
  let nextReport = REPORT_BYTES;
  while (source.nextBatch(batch)) {
    const first = index.count + 1;
    index.append(batch);
    numbering.take(batch, first);
    const { bytesRead, bytesTotal } = source.progress();
    if (bytesRead >= nextReport) {
      nextReport = bytesRead + REPORT_BYTES;
      context.progress({ done: bytesRead, total: bytesTotal, unit: 'bytes', message: `${index.count} packets` });
      // Lets a cancellation or Ctrl+C in.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (context.signal.aborted) throw new EngineError({ code: 'cancelled', message: 'Opening was cancelled.' });
    }
  }
}
