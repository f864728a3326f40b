import type { TraceRecord } from '../contract/index.ts';
import type { TraceSink } from './types.ts';

/** Bytes of text held before they are handed on: a few system calls a second at full speed. */
const BUFFER_CHARS = 64 * 1024;

/** Records written at most when nothing else is said: about 200 MB of text. */
export const MAX_TRACE_RECORDS = 1_000_000;

export interface TraceWriterOptions {
  /** Every n-th packet is traced; 1 is all. */
  readonly every?: number;
  readonly maxRecords?: number;
}

/**
 * Writes the trace as JSON lines (W-02), one record a line, in the order of the simulation: queue by queue inside a batch, so sort by
 * `tNs` for one time line. Bounded: beyond `maxRecords` records are counted and not written.
 */
export class TraceWriter implements TraceSink {
  written = 0;
  /** Records that the limit kept out. */
  suppressed = 0;
  private readonly write: (text: string) => void;
  private readonly every: number;
  private readonly maxRecords: number;
  private lines: string[] = [];
  private chars = 0;

  constructor(write: (text: string) => void, options: TraceWriterOptions = {}) {
    this.write = write;
    this.every = Math.max(1, Math.floor(options.every ?? 1));
    this.maxRecords = options.maxRecords ?? MAX_TRACE_RECORDS;
  }

  wants(number: number): boolean {
    return number % this.every === 0;
  }

  record(record: TraceRecord): void {
    if (this.written === this.maxRecords) {
      this.suppressed++;
      return;
    }
    this.written++;
    const { tNs, layer, obj, event, fields } = record;
    const line = `${JSON.stringify({ t_ns: tNs, layer, obj, event, fields })}\n`;
    this.lines.push(line);
    this.chars += line.length;
    if (this.chars >= BUFFER_CHARS) this.flush();
  }

  flush(): void {
    if (this.lines.length > 0) this.write(this.lines.join(''));
    this.lines = [];
    this.chars = 0;
  }
}
