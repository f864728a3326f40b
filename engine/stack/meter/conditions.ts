import { NS_PER_MS, Random, err, ok, type Result } from '../../base/index.ts';
import type { ConditionsSpec } from '../../contract/index.ts';

/** Longest generated trace, rows; the last row holds from there on. At a step of 20 ms it is 21 minutes. */
const MAX_GENERATED_ROWS = 65_536;

/**
 * Channel conditions over time (B-03): a row holds from its instant to the next. Rows are given, read from CSV, or generated with the
 * seed; generated rows are made when time comes to them.
 */
export class ChannelTrace {
  /** The row in force. */
  quality = 1;
  /** Infinity where the channel itself sets no limit. */
  currentBps = Number.POSITIVE_INFINITY;
  loss = 0;
  /** Handovers so far. */
  handovers = 0;
  /** When the next row begins; Infinity after the last. */
  nextNs = Number.POSITIVE_INFINITY;
  /** Rows in force so far: state for a snapshot, the rows follow from scenario and seed. */
  position = 0;
  private upcoming: Row | undefined;
  private source: Iterator<Row>;
  private readonly rows: () => Iterable<Row>;

  /** `rows` gives the same rows each time, in order of time. */
  constructor(rows: () => Iterable<Row>) {
    this.rows = rows;
    this.source = rows()[Symbol.iterator]();
    this.fetch();
    if (this.nextNs <= 0) this.advance(0);
  }

  private fetch(): void {
    const next = this.source.next();
    this.upcoming = next.done === true ? undefined : next.value;
    this.nextNs = this.upcoming?.atNs ?? Number.POSITIVE_INFINITY;
  }

  /** Quality as the drain law sees it: what is lost does not arrive. */
  get effectiveQuality(): number {
    return this.quality * (1 - this.loss);
  }

  /** Goes on to the row in force at `tNs`. True if a handover was on the way. */
  advance(tNs: number): boolean {
    const before = this.handovers;
    while (this.nextNs <= tNs) this.take();
    return this.handovers > before;
  }

  private take(): void {
    const row = this.upcoming!;
    this.position++;
    this.quality = row.quality;
    this.currentBps = row.currentBps ?? Number.POSITIVE_INFINITY;
    this.loss = row.loss;
    if (row.handover) this.handovers++;
    this.fetch();
  }

  restore(position: number): void {
    this.position = 0;
    this.quality = 1;
    this.loss = 0;
    this.handovers = 0;
    this.currentBps = Number.POSITIVE_INFINITY;
    this.source = this.rows()[Symbol.iterator]();
    this.fetch();
    while (this.position < position) this.take();
  }
}

interface Row {
  readonly atNs: number;
  readonly quality: number;
  readonly currentBps?: number | undefined;
  readonly loss: number;
  readonly handover: boolean;
}

/** The trace of a scenario. A CSV that cannot be read has been refused when the scenario was checked; here its good lines count. */
export function channelTrace(spec: ConditionsSpec | undefined, seed: number): ChannelTrace {
  if (spec === undefined) return new ChannelTrace(() => []);
  const random = (): Random => new Random(seed).fork('channel');
  if (spec.trace === 'steady') return new ChannelTrace(() => [{ atNs: 0, quality: spec.quality, loss: 0, handover: false }]);
  if (spec.trace === 'fading') return new ChannelTrace(() => fading(spec, random()));
  if (spec.trace === 'handover') return new ChannelTrace(() => handovers(spec, random()));
  const csv = parseConditionsCsv(spec.csv);
  const rows = [...spec.rows.map((row) => ({ ...row, atNs: Math.round(row.atMs * NS_PER_MS) })), ...(csv.ok ? csv.value : [])];
  rows.sort((a, b) => a.atNs - b.atNs);
  return new ChannelTrace(() => rows);
}

/** Slow fading: each fade has its own length around the mean, and falls and rises as half a cosine. */
function* fading(spec: ConditionsSpec, random: Random): Generator<Row> {
  let fadeMs = 0;
  let lengthMs = 0;
  for (let i = 0; i < MAX_GENERATED_ROWS; i++) {
    const atMs = i * spec.stepMs;
    if (atMs >= fadeMs + lengthMs) {
      fadeMs = atMs;
      lengthMs = spec.periodMs * (0.5 + random.float());
    }
    const phase = (atMs - fadeMs) / lengthMs;
    const drop = spec.depth * 0.5 * (1 - Math.cos(2 * Math.PI * phase));
    yield { atNs: Math.round(atMs * NS_PER_MS), quality: spec.quality * (1 - drop), loss: 0, handover: false };
  }
}

/** Quality falls in a line while the cell is left behind, and is best again after the handover. */
function* handovers(spec: ConditionsSpec, random: Random): Generator<Row> {
  let startMs = 0;
  let lengthMs = spec.periodMs * (0.8 + 0.4 * random.float());
  for (let i = 0; i < MAX_GENERATED_ROWS; i++) {
    const atMs = i * spec.stepMs;
    const over = atMs >= startMs + lengthMs;
    if (over) {
      startMs = atMs;
      lengthMs = spec.periodMs * (0.8 + 0.4 * random.float());
    }
    const quality = spec.quality * (1 - (spec.depth * (atMs - startMs)) / lengthMs);
    yield { atNs: Math.round(atMs * NS_PER_MS), quality, loss: 0, handover: over };
  }
}

const COLUMNS = ['at_ms', 'quality', 'current_bps', 'loss', 'handover'] as const;

/** What is wrong with a CSV text of channel conditions. */
export interface ConditionsCsvError {
  /** Counted from 1. */
  readonly line: number;
  /** Name of the column; empty where the head line as a whole is meant. */
  readonly column: string;
  readonly message: string;
}

/** Reads channel conditions from CSV: a head line that names the columns, then a row a line. The error names line and column. */
export function parseConditionsCsv(text: string): Result<Row[], ConditionsCsvError> {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const first = lines.findIndex((line) => line !== '' && !line.startsWith('#'));
  if (first < 0) return ok([]);
  const head = lines[first]!.split(',').map((cell) => cell.trim().toLowerCase());
  const unknown = head.find((name) => !(COLUMNS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    return err({ line: first + 1, column: unknown, message: `no column ${unknown}; there are ${COLUMNS.join(', ')}` });
  }
  if (!head.includes('at_ms') || !head.includes('quality')) {
    return err({ line: first + 1, column: '', message: 'the head line must name at_ms and quality' });
  }
  const rows: Row[] = [];
  for (let i = first + 1; i < lines.length; i++) {
    if (lines[i] === '' || lines[i]!.startsWith('#')) continue;
    const cells = lines[i]!.split(',').map((cell) => cell.trim());
    const value = (name: (typeof COLUMNS)[number]): number | undefined => {
      const cell = cells[head.indexOf(name)];
      if (head.indexOf(name) < 0 || cell === undefined || cell === '') return undefined;
      return cell === 'true' ? 1 : cell === 'false' ? 0 : Number(cell);
    };
    const row = {
      atMs: value('at_ms') ?? NaN,
      quality: value('quality') ?? NaN,
      bps: value('current_bps'),
      loss: value('loss') ?? 0,
      handover: value('handover') ?? 0,
    };
    const bad = badCell(row);
    if (bad !== undefined) return err({ line: i + 1, column: bad[0], message: `${bad[0]} ${bad[1]}` });
    rows.push({
      atNs: Math.round(row.atMs * NS_PER_MS),
      quality: row.quality,
      currentBps: row.bps,
      loss: row.loss,
      handover: row.handover !== 0,
    });
  }
  return ok(rows);
}

type Cells = Readonly<{ atMs: number; quality: number; bps: number | undefined; loss: number; handover: number }>;

/** The first column that is wrong, and what it has to be. */
function badCell(row: Cells): readonly [column: string, message: string] | undefined {
  if (!(row.atMs >= 0 && row.atMs <= 1e9)) return ['at_ms', 'is not a time in milliseconds, 0 to 1,000,000,000'];
  if (!(row.quality >= 0 && row.quality <= 1)) return ['quality', 'is not between 0 and 1'];
  if (!(row.loss >= 0 && row.loss <= 1)) return ['loss', 'is not between 0 and 1'];
  if (row.bps !== undefined && !(row.bps >= 1_000 && row.bps <= 1e12)) return ['current_bps', 'is not between 1,000 and 1e12'];
  return Number.isNaN(row.handover) ? ['handover', 'is not 0 or 1'] : undefined;
}
