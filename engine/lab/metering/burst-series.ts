import type { BurstSeriesFrame } from '../../contract/index.ts';
import type { QueueRegulation } from './regulation.ts';
import { BURST_LASTS, BURST_PEAKS, BURST_SUMS, fold, type BurstColumn, type BurstRecording, type Join } from './recorder.ts';

/** Sums of events: they are shown where they were counted, never shared out. */
const COUNTS: readonly BurstColumn[] = ['drops', 'stalls', 'wakeups'];
const MEANS: readonly BurstColumn[] = ['intervalUs', 'quality'];

/** Recordings of all queues on the widest bins of them. */
function aligned(recordings: readonly BurstRecording[]): BurstRecording[] {
  const binNs = Math.max(...recordings.map((r) => r.binNs));
  return recordings.map((recording) => {
    let r = recording;
    while (r.binNs < binNs) r = halved(r);
    return r;
  });
}

function halved(r: BurstRecording): BurstRecording {
  const filled = Math.ceil(r.filled / 2);
  const join = (values: Float64Array, how: Join): Float64Array => {
    const out = new Float64Array(2 * filled);
    out.set(values);
    if (how === 'last' && values.length < out.length) out[values.length] = values.at(-1) ?? 0;
    fold(out, how, out.length);
    return out.subarray(0, filled);
  };
  const columns = { ...r.columns };
  for (const name of [...BURST_SUMS, ...BURST_PEAKS, ...BURST_LASTS]) columns[name] = join(columns[name], howOf(name));
  return { binNs: 2 * r.binNs, filled, columns, sockets: r.sockets, fills: r.fills.map((f) => join(f, 'peak')) };
}

/** Adds each kept bin to the new bin in which it begins: nothing is counted twice. */
function spread(values: Float64Array, keptBinNs: number, fromNs: number, binNs: number, out: Float64Array): void {
  for (let b = Math.max(0, Math.ceil(fromNs / keptBinNs)); b < values.length; b++) {
    const value = values[b]!;
    if (value === 0) continue;
    const to = Math.floor((b * keptBinNs - fromNs) / binNs);
    if (to >= out.length) return;
    out[to]! += value;
  }
}

/**
 * Adds a column to the new bins, of which bin b covers the kept bins [from[b], to[b]). Beyond what was kept nothing happened: sums
 * are 0, other values stay as they were.
 */
function addOver(values: Float64Array, from: Float64Array, to: Float64Array, how: Join, out: Float64Array): void {
  for (let b = 0; b < out.length; b++) {
    const end = Math.min(to[b]!, values.length);
    const begin = Math.max(0, from[b]!);
    if (how === 'last') out[b]! += values[Math.max(0, end - 1)] ?? 0;
    else if (how === 'sum') out[b]! += sumOf(values, begin, end);
    else out[b]! += peakOf(values, begin, end);
  }
}

function sumOf(values: Float64Array, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += values[i]!;
  return sum;
}

function peakOf(values: Float64Array, begin: number, end: number): number {
  let peak = 0;
  for (let i = begin; i < end; i++) if (values[i]! > peak) peak = values[i]!;
  return peak;
}

function howOf(name: BurstColumn): Join {
  if ((BURST_SUMS as readonly string[]).includes(name)) return 'sum';
  return (BURST_PEAKS as readonly string[]).includes(name) ? 'peak' : 'last';
}

/**
 * Regulation of all queues between two times in `bins` bins; null if nothing was kept. Where the new bins are finer than those kept, a
 * sum is shared out over the bins it covers.
 */
export function burstSeries(queues: readonly QueueRegulation[], fromNs: number, toNs: number, bins: number): BurstSeriesFrame | null {
  const kept = queues.map((q) => q.recording).filter((r) => r !== null);
  const first = kept[0];
  if (first === undefined) return null;
  const recordings = aligned(kept);
  const keptBinNs = recordings[0]!.binNs;
  const binNs = Math.max(1, (toNs - fromNs) / bins);
  const fine = Math.min(1, binNs / keptBinNs);
  const from = Float64Array.from({ length: bins }, (_, b) => Math.floor((fromNs + b * binNs) / keptBinNs));
  const to = from.map((at, b) => Math.max(at + 1, Math.ceil((fromNs + (b + 1) * binNs) / keptBinNs - 1e-9)));
  const column = (name: BurstColumn): Float64Array => {
    const how = howOf(name);
    const out = new Float64Array(bins);
    if (how === 'sum' && (fine === 1 || COUNTS.includes(name))) {
      for (const r of recordings) spread(r.columns[name], keptBinNs, fromNs, binNs, out);
      return out;
    }
    for (const r of recordings) addOver(r.columns[name], from, to, how, out);
    if (MEANS.includes(name)) return out.map((value) => value / recordings.length);
    return how === 'sum' ? out.map((value) => value * fine) : out;
  };
  const whole = (name: BurstColumn): Uint32Array => Uint32Array.from(column(name), Math.round);
  const tracks = recordings.flatMap((r, i) =>
    r.sockets.map((socket, s) => ({ id: `${queues[i]!.socketId}.${String(socket)}`, fill: r.fills[s]! })),
  );
  const socketFill = new Uint32Array(tracks.length * bins);
  for (const [s, { fill }] of tracks.entries()) {
    for (let b = 0; b < bins; b++) socketFill[s * bins + b] = peakOf(fill, Math.max(0, from[b]!), Math.min(to[b]!, fill.length));
  }
  return {
    startNs: fromNs,
    binNs,
    bins,
    keptBinNs,
    arrivedBytes: column('arrivedBytes'),
    releasedBytes: column('releasedBytes'),
    readBytes: column('readBytes'),
    drops: whole('drops'),
    stalls: whole('stalls'),
    wakeups: whole('wakeups'),
    ringUsed: whole('ringUsed'),
    ringBytes: column('ringBytes'),
    waiting: whole('waiting'),
    poolUsed: whole('poolUsed'),
    userPoolUsed: whole('userPoolUsed'),
    ringSlots: whole('ringSlots'),
    rateBps: column('rateBps'),
    tokensBytes: column('tokensBytes'),
    intervalUs: column('intervalUs'),
    quality: column('quality'),
    poolPackets: queues.reduce((n, q) => n + q.poolPackets, 0),
    userPoolPackets: queues.reduce((n, q) => n + q.userPoolPackets, 0),
    sockets: tracks.map((t) => t.id),
    rcvbufBytes: queues[0]!.totals.rcvbufBytes,
    socketFill,
  };
}
