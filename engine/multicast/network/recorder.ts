import { formatSeconds } from '../../base/index.ts';
import type { MulticastDecision, MulticastFamily, MulticastLogRow, MulticastSeries, MulticastSwitch } from '../../contract/index.ts';
import { familyOf } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import type { PrefixTable } from '../mapping/index.ts';

/** Rows of the log kept; later ones are counted only. */
export const MAX_LOG_ROWS = 100_000;
export const MAX_DECISIONS = 20_000;
export const MAX_SWITCHES = 20_000;
/** Bytes of recorded packets of all interfaces together. */
export const MAX_RECORDED_BYTES = 256 * 1024 * 1024;
export const SERIES_BINS = 240;
/** Width of a bin at the start of a run whose end is not known. */
const FIRST_BIN_NS = 20_000_000;

/** A packet on a router's interface, for a capture file. */
export interface RecordedPacket {
  readonly tNs: number;
  /** Number in `interfaces`. */
  readonly iface: number;
  readonly frame: Uint8Array;
}

export type LogFields = Omit<MulticastLogRow, 'number' | 'tNs' | 'family' | 'translatedSource' | 'translatedGroup'>;

/** What a run leaves behind besides its state: log, decisions, changes of path, series, packets of router interfaces. */
export class Recorder {
  readonly log: MulticastLogRow[] = [];
  readonly decisions: MulticastDecision[] = [];
  readonly switches: MulticastSwitch[] = [];
  readonly interfaces: string[] = [];
  readonly packets: RecordedPacket[] = [];
  series: MulticastSeries;
  /** Rows, decisions, changes of path and packets that did not fit. */
  readonly refused = { log: 0, decisions: 0, switches: 0, packets: 0 };
  recording: boolean;
  logging = true;
  entries = 0;
  private recordedBytes = 0;
  /** Bin that was asked for last, and its instants. */
  private lastBin = 0;
  private lastBinFromNs = 0;
  private lastBinEndNs = 0;
  private readonly growing: boolean;
  private readonly clock: EventClock;
  private readonly prefixes: PrefixTable;

  /** `durationNs` undefined: the end is not known, and bins fold in pairs whenever time runs past them. */
  constructor(clock: EventClock, prefixes: PrefixTable, durationNs: number | undefined, recording: boolean) {
    this.growing = durationNs === undefined;
    this.clock = clock;
    this.prefixes = prefixes;
    this.recording = recording;
    const bins = (): Uint32Array => new Uint32Array(SERIES_BINS);
    this.series = {
      binNs: durationNs === undefined ? FIRST_BIN_NS : durationNs / SERIES_BINS,
      bins: SERIES_BINS,
      delivered: bins(),
      dropped: bins(),
      joins: bins(),
      prunes: bins(),
      entries: bins(),
    };
  }

  count(what: 'dropped' | 'joins' | 'prunes'): void {
    const bin = this.bin();
    this.series[what][bin]!++;
  }

  /** A packet reached a receiver, or a copy left the router of a port: the one count that is made for each packet. */
  delivered(): void {
    const bin = this.bin();
    this.series.delivered[bin]!++;
  }

  /** Bin of this instant. */
  private bin(): number {
    const { nowNs } = this.clock;
    return nowNs >= this.lastBinFromNs && nowNs < this.lastBinEndNs ? this.lastBin : this.findBin(nowNs);
  }

  private findBin(nowNs: number): number {
    while (this.growing && nowNs >= SERIES_BINS * this.series.binNs) this.fold();
    const { binNs } = this.series;
    this.lastBin = Math.min(SERIES_BINS - 1, Math.floor(nowNs / binNs));
    this.lastBinFromNs = this.lastBin * binNs;
    this.lastBinEndNs = this.lastBinFromNs + binNs;
    return this.lastBin;
  }

  /** Bins twice as wide: counts add up, of entries the later number stays. */
  private fold(): void {
    const { series } = this;
    for (const name of ['delivered', 'dropped', 'joins', 'prunes', 'entries'] as const) {
      const values = series[name];
      for (let i = 0; i < SERIES_BINS / 2; i++) {
        values[i] = name === 'entries' ? values[2 * i + 1]! : values[2 * i]! + values[2 * i + 1]!;
      }
      values.fill(name === 'entries' ? this.entries : 0, SERIES_BINS / 2);
    }
    this.series = { ...series, binNs: series.binNs * 2 };
  }

  /** Entries of all routers from now on. */
  entriesAre(count: number): void {
    this.entries = count;
    const bin = this.bin();
    this.series.entries.fill(count, bin);
  }

  add(fields: LogFields): void {
    if (!this.logging) return;
    if (this.log.length >= MAX_LOG_ROWS) {
      this.refused.log++;
      return;
    }
    const { prefixes } = this;
    const group = fields.group;
    const family: MulticastFamily | null =
      group === '' ? (fields.source === '' ? null : `v${familyOf(fields.source)}`) : `v${familyOf(group)}`;
    const translatedGroup = group === '' ? '' : ((family === 'v4' ? prefixes.groupText6(group) : prefixes.groupText4(group)) ?? '');
    const source = fields.source;
    const translatedSource =
      source === '' || translatedGroup === ''
        ? ''
        : ((familyOf(source) === 4 ? prefixes.sourceText6(source) : prefixes.sourceText4(source)) ?? '');
    this.log.push({ number: this.log.length + 1, tNs: this.clock.nowNs, family, translatedSource, translatedGroup, ...fields });
  }

  decided(decision: MulticastDecision): void {
    if (this.decisions.length < MAX_DECISIONS) this.decisions.push(decision);
    else this.refused.decisions++;
    this.add({
      router: decision.router,
      link: '',
      direction: 'internal',
      protocol: 'choice',
      kind: decision.previous === 'none' || decision.previous === decision.choice ? 'chosen' : 'switch',
      source: decision.key.source4 ?? '',
      group: decision.key.group4 ?? '',
      text: `${decision.trigger}: ${decision.sentence}`,
    });
  }

  switched(change: MulticastSwitch): void {
    if (this.switches.length < MAX_SWITCHES) this.switches.push(change);
    else this.refused.switches++;
  }

  /** Asked for only while `recording`. */
  packet(iface: number, frame: Uint8Array): void {
    if (this.recordedBytes >= MAX_RECORDED_BYTES) {
      this.refused.packets++;
      return;
    }
    this.recordedBytes += frame.length;
    this.packets.push({ tNs: this.clock.nowNs, iface, frame });
  }
}

/** A log row on one line. */
export function logLine(row: MulticastLogRow): string {
  const where = row.link === '' ? row.router : `${row.router} ${row.direction === 'sent' ? '->' : '<-'} ${row.link}`;
  const key = row.group === '' ? '' : ` (${row.source === '' ? '*' : row.source}, ${row.group})`;
  const other =
    row.translatedGroup === '' ? '' : ` = (${row.translatedSource === '' ? '*' : row.translatedSource}, ${row.translatedGroup})`;
  return `${formatSeconds(row.tNs, 6)}  ${where}  ${row.protocol} ${row.kind}${key}${other}${row.text === '' ? '' : `  ${row.text}`}`;
}
