import type { BurstSeriesFrame } from '../../contract/index.ts';
import type { QueueRegulation } from './regulation.ts';
import { BURST_LASTS, BURST_PEAKS, BURST_SUMS, folded, type BurstColumn, type BurstRecording } from './recorder.ts';

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
  const join = (values: Float64Array, how: (a: number, b: number) => number): Float64Array => folded(values, how).slice(0, filled);
  const columns = { ...r.columns };
  for (const name of BURST_SUMS) columns[name] = join(columns[name], (a, b) => a + b);
  for (const name of BURST_PEAKS) columns[name] = join(columns[name], Math.max);
  for (const name of BURST_LASTS) columns[name] = join(columns[name], (_a, b) => b);
  return { binNs: 2 * r.binNs, filled, columns, sockets: r.sockets, fills: r.fills.map((f) => join(f, Math.max)) };
}

/** Adds each kept bin to the new bin in which it begins: nothing is counted twice. */
function spread(values: Float64Array, keptBinNs: number, fromNs: number, binNs: number, out: Float64Array): void {
  for (let b = Math.max(0, Math.ceil(fromNs / keptBinNs)); b < values.length; b++) {
    const to = Math.floor((b * keptBinNs - fromNs) / binNs);
    if (to >= out.length) return;
    out[to]! += values[b]!;
  }
}

/** Bins [from, to) of a column as one value. Beyond what was kept nothing happened: sums are 0, other values stay as they were. */
function over(values: Float64Array, from: number, to: number, how: 'sum' | 'peak' | 'last'): number {
  const end = Math.min(to, values.length);
  if (how === 'last') return values[Math.max(0, end - 1)] ?? 0;
  if (from >= values.length) return 0;
  let out = 0;
  for (let b = Math.max(0, from); b < end; b++) out = how === 'sum' ? out + values[b]! : Math.max(out, values[b]!);
  return out;
}

function howOf(name: BurstColumn): 'sum' | 'peak' | 'last' {
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
  const bounds = (b: number): [number, number] => {
    const from = Math.floor((fromNs + b * binNs) / keptBinNs);
    return [from, Math.max(from + 1, Math.ceil((fromNs + (b + 1) * binNs) / keptBinNs - 1e-9))];
  };
  const column = (name: BurstColumn): Float64Array => {
    const how = howOf(name);
    const out = new Float64Array(bins);
    if (how === 'sum' && (fine === 1 || COUNTS.includes(name))) {
      for (const r of recordings) spread(r.columns[name], keptBinNs, fromNs, binNs, out);
      return out;
    }
    for (let b = 0; b < bins; b++) {
      const [from, to] = bounds(b);
      let value = 0;
      for (const r of recordings) value += over(r.columns[name], from, to, how);
      out[b] = MEANS.includes(name) ? value / recordings.length : how === 'sum' ? value * fine : value;
    }
    return out;
  };
  const whole = (name: BurstColumn): Uint32Array => Uint32Array.from(column(name), Math.round);
  const tracks = recordings.flatMap((r, i) =>
    r.sockets.map((socket, s) => ({ id: `${queues[i]!.socketId}.${String(socket)}`, fill: r.fills[s]! })),
  );
  const socketFill = new Uint32Array(tracks.length * bins);
  for (const [s, track] of tracks.entries()) {
    for (let b = 0; b < bins; b++) socketFill[s * bins + b] = over(track.fill, ...bounds(b), 'peak');
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
