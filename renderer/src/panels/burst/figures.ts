/** What the Burst panel computes from the engine's answers. No drawing, no state. */
import type { z } from 'zod';
import {
  conditionsSchema,
  lostAtHost,
  meterSchema,
  networkSchema,
  socketsSchema,
  type BurstOutcome,
  type BurstSeriesFrame,
  type MeterStats,
  type RingSizeRecord,
  type SendersOutcome,
  type StageHistogram,
} from '../../../../engine/contract/index.ts';
import type { Stat } from '../../ui/stats.ts';
import { formatBytes, formatCount, formatDuration, formatMemory, formatRate } from '../../lib/format.ts';

/** Bin of a time, clamped to the series. */
export function binOf({ startNs, binNs, bins }: BurstSeriesFrame, tNs: number): number {
  if (binNs <= 0 || bins < 1) return 0;
  return Math.min(bins - 1, Math.max(0, Math.floor((tNs - startNs) / binNs)));
}

/** The record that gave the ring its size at a time: the last one up to it. */
export function sizeAt(meters: readonly MeterStats[], tNs: number): RingSizeRecord | null {
  const sizes = meters[0]?.sizes ?? [];
  return sizes.findLast((size) => size.tNs <= tNs) ?? sizes[0] ?? null;
}

const socketDrops = (outcome: BurstOutcome): number => outcome.summary.sockets?.drops ?? 0;
const ringDrops = (outcome: BurstOutcome): number =>
  (outcome.summary.meter ?? []).reduce((sum, meter) => sum + meter.ringFullDrop + meter.headDrop, 0);

export function stage(outcome: BurstOutcome, kind: 'host' | 'user', name: StageHistogram['stage']): StageHistogram | null {
  return outcome.stages.find((one) => one.kind === kind && one.stage === name && one.packets > 0) ?? null;
}

function compare(label: string, off: number, on: number, say: (value: number) => string, less = true): Stat {
  const better = on < off === less;
  return { label, before: say(off), value: say(on), tone: off === on ? undefined : better ? 'good' : 'held' };
}

/** Off and on: what the meter gained (green) and what it cost (amber). */
export function headlines({ on, off }: { readonly on: BurstOutcome; readonly off: BurstOutcome }): Stat[] {
  const total = (outcome: BurstOutcome, kind: 'host' | 'user'): number => stage(outcome, kind, 'total')?.p99 ?? 0;
  const delay = (ns: number): string => (ns > 0 ? formatDuration(ns) : '–');
  const read = (outcome: BurstOutcome): number => outcome.summary.sockets?.readBytes ?? 0;
  const sum = (pick: (meter: MeterStats) => number) => (outcome: BurstOutcome) =>
    (outcome.summary.meter ?? []).reduce((all, meter) => all + pick(meter), 0);
  const seconds = (outcome: BurstOutcome): number => Math.max(1e-9, outcome.summary.durationNs / 1e9);
  const out = [
    compare('socket drops', socketDrops(off), socketDrops(on), formatCount),
    compare('ring drops', ringDrops(off), ringDrops(on), formatCount),
    compare('read by sockets', read(off), read(on), formatBytes, false),
    compare('legacy p99', total(off, 'host'), total(on, 'host'), delay),
    compare('user stack p99', total(off, 'user'), total(on, 'user'), delay),
    compare('in sockets, max', off.summary.sockets?.memoryMaxBytes ?? 0, on.summary.sockets?.memoryMaxBytes ?? 0, formatMemory),
    compare('in ring, max', sum((meter) => meter.holdBytesMax)(off), sum((meter) => meter.holdBytesMax)(on), formatMemory),
  ];
  const wakeups = sum((meter) => meter.wakeups)(on) / seconds(on);
  return [...out, { label: 'releases', before: '–', value: `${formatCount(wakeups)}/s` }];
}

/** The closed loop, off and on: what senders get through and how long it takes. */
export function senderHeadlines({ on, off }: { readonly on: SendersOutcome; readonly off: SendersOutcome }): Stat[] {
  const say = (ms: number): string => formatDuration(ms * 1e6);
  return [
    compare('goodput', off.goodputBps, on.goodputBps, formatRate, false),
    compare('round trip p50', off.rttMs.p50, on.rttMs.p50, say),
    compare('round trip p99', off.rttMs.p99, on.rttMs.p99, say),
    compare('in pool and ring p99', off.meterMs.p99, on.meterMs.p99, say),
    compare('lost at this host', lostAtHost(off), lostAtHost(on), formatCount),
    compare('lost in the network', off.losses['network'] ?? 0, on.losses['network'] ?? 0, formatCount),
    compare('timeouts', off.timeouts, on.timeouts, formatCount),
  ];
}

/** Defaults that hold where a scenario says nothing. */
const DEFAULTS = {
  meter: meterSchema.parse({}),
  sockets: socketsSchema.parse({}),
  network: networkSchema.parse({}),
  conditions: conditionsSchema.parse({}),
};

/** Parameters that seldom change: the panel offers them one at a time. */
export const OTHER_METER_KEYS = [
  'drain',
  'intervalMode',
  'rateMinBps',
  'maxAddedDelayMs',
  'earlyWake',
  'jitterUs',
  'holdTimeMs',
  'slotBytes',
  'minSlots',
  'maxSlots',
  'shrinkHoldDownMs',
  'burstGapUs',
] as const;
export const OTHER_SOCKET_KEYS = ['lowatBytes', 'maxUnitBytes', 'mbufs'] as const;
export type OtherMeterKey = (typeof OTHER_METER_KEYS)[number];
export type OtherKey = OtherMeterKey | (typeof OTHER_SOCKET_KEYS)[number];
const isMeterKey = (key: string): key is OtherMeterKey => (OTHER_METER_KEYS as readonly string[]).includes(key);
const isSocketKey = (key: string): boolean =>
  key === 'rcvbufBytes' || key === 'readerBps' || (OTHER_SOCKET_KEYS as readonly string[]).includes(key);

/** Schema of such a parameter, with its limits and its description. */
export function schemaOf(key: OtherKey): z.ZodType {
  return isMeterKey(key) ? meterSchema.shape[key] : socketsSchema.shape[key];
}

/** Its choices; null for a figure. */
export function choicesOf(key: OtherKey): readonly string[] | null {
  if (key === 'drain') return ['channel', 'static'];
  if (key === 'intervalMode') return ['fixed', 'adaptive'];
  return key === 'earlyWake' ? ['false', 'true'] : null;
}

/** What was chosen or typed in, as the schema has it; undefined where it is not allowed. */
export function otherValue(key: OtherKey, text: string): string | number | boolean | undefined {
  const value =
    key === 'earlyWake' ? text === 'true' : choicesOf(key) !== null ? text : Number(text.replaceAll(',', '').trim() || Number.NaN);
  return schemaOf(key).safeParse(value).success ? value : undefined;
}

export type ParameterKey =
  | OtherKey
  | 'intervalUs'
  | 'portionCapBytes'
  | 'rateMaxBps'
  | 'fixedSlots'
  | 'rcvbufBytes'
  | 'readerBps'
  | 'overflow'
  | 'profile'
  | 'trace'
  | 'grouping';

/** Where a scenario says nothing; an empty text stands for "as the network says". */
const FALLBACK: Readonly<Record<ParameterKey, string | number | boolean>> = {
  ...DEFAULTS.meter,
  ...DEFAULTS.sockets,
  rateMinBps: '',
  rateMaxBps: '',
  fixedSlots: '',
  profile: DEFAULTS.network.profile,
  trace: DEFAULTS.conditions.trace,
};

/** Dotted path of a parameter for the port that has the sockets. */
export function parameterPath(key: ParameterKey, port: string): string {
  if (key === 'profile') return 'device.network.profile';
  if (key === 'trace') return 'device.network.conditions.trace';
  return `ports.${port}.${isSocketKey(key) ? 'sockets' : 'meter'}.${key}`;
}

/** What the scenario that was run says for a parameter, or the schema's default. Each of these words stands once in a scenario. */
export function parameterIn(yaml: string, key: ParameterKey): string {
  const found = new RegExp(`^[^#\\n]*?\\b${key}:\\s*["']?([\\w.+-]+)`, 'm').exec(yaml);
  return found?.[1] ?? String(FALLBACK[key]);
}

/** Sum over queues of what a ring figure is. */
export function ringTotals(meters: readonly MeterStats[]): { slots: number; highWater: number; rings: number; slotBytes: number } {
  return {
    slots: meters.reduce((sum, meter) => sum + meter.slots * meter.rings, 0),
    highWater: meters.reduce((sum, meter) => sum + meter.highWaterSlots, 0),
    rings: meters.reduce((sum, meter) => sum + meter.rings, 0),
    slotBytes: meters[0]?.slotBytes ?? 0,
  };
}

/** `64 KiB a release`: what a bin of bytes is as a rate. */
export function binRate(bytes: number, binNs: number): string {
  return formatRate(binNs > 0 ? (bytes * 8e9) / binNs : 0);
}

/** A size as one would type it: `128 KiB`, `1.5 MB`, `1,500 B` without the comma. */
export function sizeText(bytes: number): string {
  if (bytes >= 1_048_576 && bytes % 1_048_576 === 0) return `${String(bytes / 1_048_576)} MiB`;
  if (bytes >= 1_024 && bytes % 1_024 === 0) return `${String(bytes / 1_024)} KiB`;
  return bytes >= 100_000 && bytes % 10_000 === 0 ? `${String(bytes / 1e6)} MB` : `${String(bytes)} B`;
}

/** Microseconds as one would type them: `500 µs`, `2 ms`. */
export function intervalText(us: number): string {
  return us >= 1_000 && us % 1_000 === 0 ? `${String(us / 1_000)} ms` : `${String(us)} µs`;
}

/** A rate as one would type it: `80 Mb/s`; nothing for no figure. */
export function rateText(bps: number): string {
  return formatRate(bps).replace(/\.0+ /, ' ');
}

/** A file name that fits a field; its end says what it is. */
export function shortFileName(name: string): string {
  return name.length <= 20 ? name : `${name.slice(0, 11)}…${name.slice(-8)}`;
}
