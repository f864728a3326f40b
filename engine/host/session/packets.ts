import { EngineError, VERDICTS, type PacketRow } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import type { VerdictSink } from '../../lab/index.ts';
import { ROW_PROTOCOL, ROW_WORDS, classifyRange, summarize } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/** Rows decoded at a time: a page of the list. */
const PAGE_ROWS = 512;
/** Rows a search decodes before it lets other calls in: about 4 ms. */
const SEARCH_ROWS = 256;

/** What a run gave the packets: two bytes each by number, and what the second says beside the first. */
export interface Fates extends VerdictSink {
  text(verdict: number, detail: number): string;
}

/** Of packets that nothing has run through: every verdict is `pending`. */
export const NO_FATES: Fates = { verdict: new Uint8Array(0), detail: new Uint8Array(0), text: () => '' };

/** The packet list: rows decoded when they are asked for. */
export class PacketRows {
  private readonly input: SessionInput;
  private readonly batch = new RecordBatch(PAGE_ROWS);
  private readonly rows = new Int32Array(PAGE_ROWS * ROW_WORDS);

  constructor(input: SessionInput) {
    this.input = input;
  }

  /** Rows [first, first + count), fewer at the end. */
  read(first: number, count: number, fates: Fates): PacketRow[] {
    const out: PacketRow[] = [];
    const end = Math.min(this.input.packets, first + count - 1);
    for (let number = first; number <= end;) {
      const got = this.input.records.read(number, this.batch, Math.min(PAGE_ROWS, end - number + 1));
      if (got === 0) {
        out.push(this.unreadable(number));
        number++;
        continue;
      }
      classifyRange(this.batch, 0, got, this.rows, 0);
      for (let i = 0; i < got; i++) out.push(this.row(number + i, i, fates));
      number += got;
    }
    return out;
  }

  /** Number of the next packet in a direction whose row contains a text, whatever its case; 0 if none. Lets other calls in as it goes. */
  async find(text: string, from: number, direction: 1 | -1, fates: Fates, signal: AbortSignal): Promise<number> {
    const wanted = text.toLowerCase();
    const total = this.input.packets;
    for (let next = from + direction; next >= 1 && next <= total;) {
      const first = direction === 1 ? next : Math.max(1, next - SEARCH_ROWS + 1);
      const last = direction === 1 ? Math.min(total, next + SEARCH_ROWS - 1) : next;
      const hit = this.search(first, last, wanted, direction, fates);
      if (hit > 0) return hit;
      next = direction === 1 ? last + 1 : first - 1;
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The search was cancelled.' });
    }
    return 0;
  }

  /** Next or previous packet of the same flow, 0 if none. */
  neighbour(number: number, direction: 1 | -1): number {
    const { index } = this.input;
    if (number > index.count) throw noPacket(number, index.count);
    const flow = index.flow(number);
    if (flow < 0) return 0;
    for (let n = number + direction; n >= 1 && n <= index.count; n += direction) if (index.flow(n) === flow) return n;
    return 0;
  }

  private search(first: number, last: number, wanted: string, direction: 1 | -1, fates: Fates): number {
    let hit = 0;
    for (let number = first; number <= last;) {
      const got = this.input.records.read(number, this.batch, Math.min(PAGE_ROWS, last - number + 1));
      for (let i = 0; i < got; i++) {
        if (!this.text(i, number + i, fates).includes(wanted)) continue;
        if (direction === 1) return number + i;
        hit = number + i;
      }
      number += Math.max(1, got);
    }
    return hit;
  }

  /** What the list shows of a packet, its verdict too: a search for `dropped` or for a drop reason finds it. */
  private text(i: number, number: number, fates: Fates): string {
    const { source, destination, protocol, info } = this.columns(i);
    const code = fates.verdict[number - 1] ?? 0;
    const fate = `${VERDICTS[code] ?? ''} ${fates.text(code, fates.detail[number - 1] ?? 0)}`;
    return `${source} ${destination} ${protocol} ${info} ${fate}`.toLowerCase();
  }

  private columns(i: number): ReturnType<typeof summarize> {
    const { bytes, offset, capLen, origLen, linkType } = this.batch;
    const start = offset[i]!;
    return summarize(bytes.subarray(start, start + capLen[i]!), linkType[i]!, capLen[i]!, origLen[i]!);
  }

  private row(number: number, i: number, fates: Fates): PacketRow {
    const version = (this.rows[i * ROW_WORDS + ROW_PROTOCOL]! >>> 8) & 0xff;
    const code = fates.verdict[number - 1] ?? 0;
    return {
      number,
      tNs: this.batch.tsNs[i]!,
      ...this.columns(i),
      length: this.batch.origLen[i]!,
      capturedLength: this.batch.capLen[i]!,
      ipVersion: version === 4 || version === 6 ? version : 0,
      flow: this.input.index.flow(number),
      verdict: VERDICTS[code] ?? 'pending',
      verdictText: fates.text(code, fates.detail[number - 1] ?? 0),
    };
  }

  private unreadable(number: number): PacketRow {
    const { index } = this.input;
    return {
      number,
      tNs: index.tsNs(number),
      source: '',
      destination: '',
      protocol: '',
      length: index.origLen(number),
      capturedLength: index.capLen(number),
      info: 'The file has become shorter since it was opened.',
      ipVersion: 0,
      flow: index.flow(number),
      verdict: 'unreadable',
      verdictText: '',
    };
  }
}

export function noPacket(number: number, packets: number): EngineError {
  return new EngineError({ code: 'not-found', message: `There is no packet ${number}: the input has ${packets}.` });
}
