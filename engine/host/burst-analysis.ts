import {
  EngineError,
  type BurstAnalysisAnswer,
  type BurstReport,
  type BurstSettings,
  type FlowBursts,
  type Progress,
} from '../contract/index.ts';
import { FLOW_REVERSED, RecordBatch, SEGMENT_ROWS, openCapture, type PacketSource } from '../files/index.ts';
import { BurstAnalysis, GREEN, colourOfDscp, type Colour } from '../stack/index.ts';
import {
  ClassifiedBatch,
  FlowTable,
  META_FROM_B,
  PROTOCOL_NAMES,
  ROW_META,
  ROW_PORTS,
  ROW_PROTOCOL,
  ROW_WORDS,
  classifyBatch,
  copyFlowKey,
  formatKeyAddress,
  ipProtocolCode,
  trafficClassOf,
} from '../wire/index.ts';
import type { SessionInput } from './session/input.ts';

/** Work between two looks at the thread's messages. */
const SLICE_MS = 10;
/** Packets between two looks at the clock. */
const PIECE_PACKETS = 4_096;
/** Flows told apart, as many as the packet list numbers. */
const MAX_FLOWS = 4_194_304;

export interface BurstRequest {
  readonly settings: BurstSettings;
  /** Directions of flows with most bytes to look at by themselves. */
  readonly flows: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Some packets in the order of the capture: [from, to) of the columns. `keys` say the direction of a flow, -1 for none. */
interface Piece {
  readonly tsNs: Float64Array;
  readonly lengthBytes: Uint32Array;
  readonly from: number;
  readonly to: number;
  readonly firstNumber: number;
  readonly keys: Int32Array | null;
  readonly colours: Uint8Array | null;
}

/** An input that can be gone through more than once. */
interface Stream {
  readonly flows: FlowTable;
  pieces(): Iterable<Piece>;
  /** Part of the current pass that is done, 0 to 1. */
  done(): number;
}

/** Bursts of a capture file, streamed: memory grows with the number of flows, where they are asked for, and not with packets. */
export async function analyseBurstsOfFile(path: string, request: BurstRequest): Promise<BurstAnalysisAnswer> {
  const opened = await openCapture(path, {
    signal: request.signal,
    onProgress: (done) => {
      request.onProgress({ done, total: 0, unit: 'bytes', message: 'unpacking' });
    },
  });
  if (!opened.ok) throw opened.error;
  try {
    const columns = new BatchColumns(new FlowTable({ limit: MAX_FLOWS }), request.flows > 0, request.settings.colourAware);
    let source: PacketSource = opened.value.source;
    let first = true;
    return await analyse(
      {
        flows: columns.flows,
        *pieces() {
          if (!first) {
            const again = opened.value.reopen();
            if (!again.ok) throw again.error;
            source = again.value;
          }
          const own = source;
          try {
            yield* columns.pieces((batch) => own.nextBatch(batch));
          } finally {
            // The first source belongs to the opened file.
            if (!first) own.close();
            first = false;
          }
        },
        done: () => {
          const { bytesRead, bytesTotal } = source.progress();
          return bytesTotal > 0 ? bytesRead / bytesTotal : 0;
        },
      },
      request,
    );
  } finally {
    opened.value.close();
  }
}

/** Bursts of an indexed input. Only a color-aware meter makes it read packet bytes. */
export function analyseBurstsOfInput(input: SessionInput, request: BurstRequest): Promise<BurstAnalysisAnswer> {
  const { packets, index, flows } = input;
  let at = 0;
  const fromIndex = function* (): Generator<Piece> {
    const keys = new Int32Array(PIECE_PACKETS);
    for (at = 0; at < packets;) {
      const from = at % SEGMENT_ROWS;
      const segment = index.segmentOf(at + 1);
      const to = Math.min(from + PIECE_PACKETS, SEGMENT_ROWS, from + packets - at);
      if (request.flows > 0) for (let i = from; i < to; i++) keys[i - from] = indexKey(segment.flow[i]!);
      const { tsNs, origLen } = segment;
      yield {
        tsNs: tsNs.subarray(from, to),
        lengthBytes: origLen.subarray(from, to),
        from: 0,
        to: to - from,
        firstNumber: at + 1,
        keys: request.flows > 0 ? keys : null,
        colours: null,
      };
      at += to - from;
    }
  };
  const fromRecords = function* (): Generator<Piece> {
    const columns = new BatchColumns(flows, request.flows > 0, true);
    at = 0;
    yield* columns.pieces((batch) => {
      at += input.records.read(at + 1, batch, Math.min(batch.capacity, packets - at));
      return batch.count > 0;
    });
  };
  return analyse(
    {
      flows,
      pieces: request.settings.colourAware ? fromRecords : fromIndex,
      done: () => (packets === 0 ? 1 : at / packets),
    },
    request,
  );
}

/** Flow column of the index -> direction of a flow. */
function indexKey(word: number): number {
  if (word === 0) return -1;
  return ((word & ~FLOW_REVERSED) - 1) * 2 + ((word & FLOW_REVERSED) === 0 ? 0 : 1);
}

/** Turns batches of records into pieces, with the flow and the colour of each packet where wanted. */
class BatchColumns {
  readonly flows: FlowTable;
  private readonly batch = new RecordBatch();
  private readonly classified = new ClassifiedBatch(this.batch.capacity);
  private readonly keys = new Int32Array(this.batch.capacity);
  private readonly colours = new Uint8Array(this.batch.capacity);
  private readonly wantsFlows: boolean;
  private readonly wantsColours: boolean;

  constructor(flows: FlowTable, wantsFlows: boolean, wantsColours: boolean) {
    this.flows = flows;
    this.wantsFlows = wantsFlows;
    this.wantsColours = wantsColours;
  }

  *pieces(next: (batch: RecordBatch) => boolean): Generator<Piece> {
    const { batch, keys, colours } = this;
    let firstNumber = 1;
    while (next(batch)) {
      if (this.wantsFlows || this.wantsColours) this.classify();
      yield {
        tsNs: batch.tsNs,
        lengthBytes: batch.origLen,
        from: 0,
        to: batch.count,
        firstNumber,
        keys: this.wantsFlows ? keys : null,
        colours: this.wantsColours ? colours : null,
      };
      firstNumber += batch.count;
    }
  }

  private classify(): void {
    const { batch, classified, keys, colours } = this;
    const { rows } = classified;
    classifyBatch(batch, classified);
    if (this.wantsFlows) this.flows.internBatch(rows, null, 0, batch.count, keys);
    for (let i = 0; i < batch.count; i++) {
      const meta = rows[i * ROW_WORDS + ROW_META]!;
      const id = keys[i]!;
      if (this.wantsFlows && id >= 0) keys[i] = id * 2 + ((meta & META_FROM_B) === 0 ? 0 : 1);
      colours[i] = colourOfDscp(trafficClassOf(meta) >>> 2);
    }
  }
}

async function analyse(stream: Stream, request: BurstRequest): Promise<BurstAnalysisAnswer> {
  const passes = request.flows > 0 ? 2 : 1;
  const whole = new BurstAnalysis(request.settings);
  const talkers = new Talkers();
  await pass(stream, request, 'bursts', 0, passes, (piece) => {
    whole.take(piece.tsNs, piece.lengthBytes, piece.from, piece.to, piece.firstNumber, piece.colours ?? undefined);
    if (piece.keys !== null) talkers.take(piece, piece.keys);
  });
  const report = whole.finish();
  if (passes === 1) return { report, flows: [] };
  const top = talkers.top(request.flows);
  const analyses = top.map(() => new BurstAnalysis(request.settings));
  const slots = new Int16Array(talkers.size).fill(-1);
  for (const [slot, key] of top.entries()) slots[key] = slot;
  await pass(stream, request, 'flows', 1, passes, (piece) => {
    takeFlows(piece, piece.keys!, slots, analyses);
  });
  return { report, flows: top.map((key, i) => describe(stream.flows, key, analyses[i]!.finish())) };
}

async function pass(
  stream: Stream,
  { signal, onProgress }: BurstRequest,
  message: string,
  number: number,
  passes: number,
  visit: (piece: Piece) => void,
): Promise<void> {
  let until = performance.now();
  for (const piece of stream.pieces()) {
    if (performance.now() >= until) {
      onProgress({ done: (number + stream.done()) / passes, total: 1, unit: 'part', message });
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The analysis was cancelled.' });
      until = performance.now() + SLICE_MS;
    }
    visit(piece);
  }
}

function takeFlows(piece: Piece, keys: Int32Array, slots: Int16Array, analyses: readonly BurstAnalysis[]): void {
  const { tsNs, lengthBytes, colours } = piece;
  for (let i = piece.from; i < piece.to; i++) {
    const key = keys[i]!;
    const slot = key < 0 ? -1 : slots[key]!;
    if (slot < 0) continue;
    const colour = colours === null ? GREEN : (colours[i]! as Colour);
    analyses[slot]!.takeOne(tsNs[i]!, lengthBytes[i]!, piece.firstNumber + i - piece.from, colour);
  }
}

/** Bytes by direction of a flow. */
class Talkers {
  private bytes = new Float64Array(8_192);
  size = 0;

  take({ lengthBytes, from, to }: Piece, keys: Int32Array): void {
    for (let i = from; i < to; i++) {
      const key = keys[i]!;
      if (key < 0) continue;
      if (key >= this.bytes.length) this.grow(key);
      this.bytes[key] = this.bytes[key]! + lengthBytes[i]!;
      if (key >= this.size) this.size = key + 1;
    }
  }

  private grow(key: number): void {
    const bigger = new Float64Array(2 ** Math.ceil(Math.log2(key + 2)));
    bigger.set(this.bytes);
    this.bytes = bigger;
  }

  /** The keys with most bytes; of equal ones the earlier flow. */
  top(count: number): number[] {
    const best: number[] = [];
    for (let key = 0; key < this.size; key++) {
      const value = this.bytes[key]!;
      if (value === 0) continue;
      let at = best.length;
      while (at > 0 && this.bytes[best[at - 1]!]! < value) at--;
      if (at >= count) continue;
      best.splice(at, 0, key);
      if (best.length > count) best.pop();
    }
    return best;
  }
}

/** One direction of a flow: side A of its key sends, or side B. */
function describe(flows: FlowTable, key: number, report: BurstReport): FlowBursts {
  const row = new Int32Array(ROW_WORDS);
  copyFlowKey(flows, key >>> 1, row);
  const fromB = (key & 1) === 1;
  const head = row[ROW_PROTOCOL]!;
  const ports = row[ROW_PORTS]!;
  const version = (head >>> 8) & 0xff;
  const name = PROTOCOL_NAMES[ipProtocolCode(head & 0xff)] ?? 'Unknown';
  const known = name === 'Unknown' ? `IP ${String(head & 0xff)}` : name;
  return {
    ipVersion: version === 4 ? 4 : version === 6 ? 6 : 0,
    protocol: (head & 0x10000) === 0 ? known : `${known} fragments`,
    source: formatKeyAddress(row, 0, fromB ? 'b' : 'a'),
    sourcePort: fromB ? ports & 0xffff : ports >>> 16,
    destination: formatKeyAddress(row, 0, fromB ? 'a' : 'b'),
    destinationPort: fromB ? ports >>> 16 : ports & 0xffff,
    report,
  };
}
