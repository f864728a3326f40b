import { EngineError, VERDICTS, type PacketRow, type Scenario } from '../../contract/index.ts';
import { RecordBatch, type PacketIndex } from '../../files/index.ts';
import { multicastDetail, type VerdictSink } from '../../lab/index.ts';
import { DROP_REASONS } from '../../stack/index.ts';
import { REASONS } from '../../translator/index.ts';
import { ROW_PROTOCOL, ROW_WORDS, classifyRange, summarize } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/** Rows decoded at a time: a page of the list. */
const PAGE_ROWS = 512;
/** Rows a search decodes before it lets other calls in: about 4 ms. */
const SEARCH_ROWS = 256;

const VERDICT_DROPPED = VERDICTS.indexOf('dropped');
const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_TRANSLATED = VERDICTS.indexOf('translated');
const VERDICT_REFUSED = VERDICTS.indexOf('refused');
const VERDICT_FORWARDED = VERDICTS.indexOf('forwarded');

/**
 * Packets of a live capture that get a verdict while it runs; a spool file of its largest size holds fewer. The memory is
 * address space only until it is written.
 */
export const MAX_LIVE_VERDICTS = 2 ** 27;

/** Verdict bytes of a run, two a packet, in memory that lanes share. */
export function newVerdicts(packets: number): VerdictSink {
  return {
    verdict: new Uint8Array(new SharedArrayBuffer(Math.max(1, packets))),
    detail: new Uint8Array(new SharedArrayBuffer(Math.max(1, packets))),
  };
}

/** Dropped packets by time, in equal bins of [fromNs, toNs]. */
export function dropsByBin(
  index: PacketIndex,
  { verdict }: VerdictSink,
  range: { readonly fromNs: number; readonly toNs: number; readonly bins: number; readonly binNs: number },
): Uint32Array {
  const drops = new Uint32Array(range.bins);
  for (let at = verdict.indexOf(VERDICT_DROPPED); at >= 0 && at < index.count; at = verdict.indexOf(VERDICT_DROPPED, at + 1)) {
    const tNs = index.tsNs(at + 1);
    if (tNs < range.fromNs || tNs > range.toNs) continue;
    drops[Math.min(range.bins - 1, Math.floor((tNs - range.fromNs) / range.binNs))]!++;
  }
  return drops;
}

/** What a verdict's detail byte stands for: the drop reason, or the port that took the packet. */
export function verdictText(verdict: number, detail: number, scenario: Scenario): string {
  if (verdict === VERDICT_DROPPED) return DROP_REASONS[detail]?.name ?? '';
  if (verdict === VERDICT_DELIVERED) return portName(detail, scenario);
  if (verdict === VERDICT_FORWARDED || (verdict === VERDICT_REFUSED && multicastDetail(detail) !== '')) return multicastDetail(detail);
  if (verdict === VERDICT_TRANSLATED || verdict === VERDICT_REFUSED) return REASONS.find(({ code }) => code === detail)?.text ?? '';
  return '';
}

/** Port numbers of verdicts: 0 is the device, 1 the host port, then the user ports as they stand in the scenario. */
function portName(number: number, scenario: Scenario): string {
  if (number === 0) return 'device';
  if (number === 1) return scenario.ports.find(({ kind }) => kind === 'host')?.id ?? 'host';
  return scenario.ports.filter(({ kind }) => kind !== 'host')[number - 2]?.id ?? '';
}

/** The packet list: rows decoded when they are asked for. */
export class PacketRows {
  private readonly input: SessionInput;
  private readonly batch = new RecordBatch(PAGE_ROWS);
  private readonly rows = new Int32Array(PAGE_ROWS * ROW_WORDS);

  constructor(input: SessionInput) {
    this.input = input;
  }

  /** Rows [first, first + count), fewer at the end. */
  read(first: number, count: number, verdicts: VerdictSink, scenario: Scenario): PacketRow[] {
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
      for (let i = 0; i < got; i++) out.push(this.row(number + i, i, verdicts, scenario));
      number += got;
    }
    return out;
  }

  /** Number of the next packet in a direction whose row contains a text, whatever its case; 0 if none. Lets other calls in as it goes. */
  async find(
    text: string,
    from: number,
    direction: 1 | -1,
    run: { readonly verdicts: VerdictSink; readonly scenario: Scenario },
    signal: AbortSignal,
  ): Promise<number> {
    const wanted = text.toLowerCase();
    const total = this.input.packets;
    for (let next = from + direction; next >= 1 && next <= total;) {
      const first = direction === 1 ? next : Math.max(1, next - SEARCH_ROWS + 1);
      const last = direction === 1 ? Math.min(total, next + SEARCH_ROWS - 1) : next;
      const hit = this.search(first, last, wanted, direction, run);
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

  private search(
    first: number,
    last: number,
    wanted: string,
    direction: 1 | -1,
    run: { readonly verdicts: VerdictSink; readonly scenario: Scenario },
  ): number {
    let hit = 0;
    for (let number = first; number <= last;) {
      const got = this.input.records.read(number, this.batch, Math.min(PAGE_ROWS, last - number + 1));
      for (let i = 0; i < got; i++) {
        if (!this.text(i, number + i, run.verdicts, run.scenario).includes(wanted)) continue;
        if (direction === 1) return number + i;
        hit = number + i;
      }
      number += Math.max(1, got);
    }
    return hit;
  }

  /** What the list shows of a packet, its verdict too: a search for `dropped` or for a drop reason finds it. */
  private text(i: number, number: number, { verdict, detail }: VerdictSink, scenario: Scenario): string {
    const { source, destination, protocol, info } = this.columns(i);
    const code = verdict[number - 1] ?? 0;
    const fate = `${VERDICTS[code] ?? ''} ${verdictText(code, detail[number - 1] ?? 0, scenario)}`;
    return `${source} ${destination} ${protocol} ${info} ${fate}`.toLowerCase();
  }

  private columns(i: number): ReturnType<typeof summarize> {
    const { bytes, offset, capLen, origLen, linkType } = this.batch;
    const start = offset[i]!;
    return summarize(bytes.subarray(start, start + capLen[i]!), linkType[i]!, capLen[i]!, origLen[i]!);
  }

  private row(number: number, i: number, { verdict, detail }: VerdictSink, scenario: Scenario): PacketRow {
    const version = (this.rows[i * ROW_WORDS + ROW_PROTOCOL]! >>> 8) & 0xff;
    const code = verdict[number - 1] ?? 0;
    return {
      number,
      tNs: this.batch.tsNs[i]!,
      ...this.columns(i),
      length: this.batch.origLen[i]!,
      capturedLength: this.batch.capLen[i]!,
      ipVersion: version === 4 || version === 6 ? version : 0,
      flow: this.input.index.flow(number),
      verdict: VERDICTS[code] ?? 'pending',
      verdictText: verdictText(code, detail[number - 1] ?? 0, scenario),
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
