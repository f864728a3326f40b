import type {
  MeterStats,
  RunSummary,
  SocketRow,
  SocketSortKey,
  SocketsStats,
  Stage,
  StageHistogram,
  StageStats,
} from '../../contract/index.ts';
import {
  type Delays,
  HISTOGRAM_BUCKETS,
  SF_BLOCKED_SINCE,
  SF_BYTES,
  SF_LONGEST,
  SF_PACKETS,
  SF_READ_BYTES,
  SF_READ_PACKETS,
  SOCKET_BLOCKED,
  SOCKET_CLOSED,
  SOCKET_FLOATS,
  SOCKET_MADE,
  SOCKET_WORDS,
  STALLED_NS,
  S_DROPS,
  S_FILL,
  S_FILL_MAX,
  S_FLAGS,
  S_RING_PACKETS,
  S_STALLS,
  histogramPercentile,
  histogramUpper,
  statRecords,
  type StatRecord,
  type Meter,
} from '../../stack/index.ts';
import type { MeteredPort } from './metered-port.ts';
import type { BurstRecording } from './recorder.ts';

/** Sockets named in a summary. */
export const MAX_TOP_SOCKETS = 64;

/** Delays of one stage, as plain data that can be posted between threads and added up. */
export interface StageDelays {
  readonly port: string;
  readonly kind: 'host' | 'user';
  readonly stage: Stage;
  readonly counts: Uint32Array;
  readonly maxNs: number;
  readonly sumNs: number;
}

/** What regulation came to in one queue. Sockets are columns: a run may have many. */
export interface QueueRegulation {
  readonly meter: MeterStats;
  readonly socketId: string;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly totals: Omit<SocketsStats, 'top'>;
  readonly stages: readonly StageDelays[];
  readonly poolPackets: number;
  readonly userPoolPackets: number;
  readonly recording: BurstRecording | null;
}

export function meterStats(metered: MeteredPort, port: string, queue: number): MeterStats {
  const { meter, stages } = metered;
  const { spec, rings, sizer, law, counters: c } = meter;
  const at = (p: number): number => Math.round(histogramPercentile(stages.added.counts, p, stages.added.maxNs) / 1_000);
  const { slots } = sizer;
  const oldest = rings.oldest[0]!;
  const finite = (n: number): number => (Number.isFinite(n) ? n : -1);
  return {
    id: metered.id,
    port,
    queue,
    enabled: meter.enabled,
    grouping: spec.grouping,
    overflow: spec.overflow,
    capability: sizer.capability,
    rings: meter.perSocket ? Math.max(1, meter.sockets.made) : 1,
    slots,
    slotBytes: spec.slotBytes,
    used: rings.totalUsed,
    head: rings.slotsOut % slots,
    tail: rings.slotsIn % slots,
    bytes: rings.totalBytes,
    waiting: rings.totalWaiting,
    highWaterSlots: rings.highWater,
    oldestNs: oldest === 0 ? -1 : meter.cells.ringNs[oldest - 1]!,
    intervalNs: meter.interval.ns,
    level: meter.interval.level,
    lastReleaseNs: finite(meter.scheduler.lastReleaseNs),
    nextReleaseNs: finite(meter.scheduler.nextReleaseNs),
    tokensBytes: rings.tokens[0]!,
    rateBps: rings.rateBps[0]!,
    rateMinBps: law.minBps,
    rateMaxBps: law.maxBps,
    targetNs: law.targetNs,
    expectedGapNs: law.expectedGapNs,
    quality: meter.channel.effectiveQuality,
    rxPkts: c.rxPkts,
    rxBytes: c.rxBytes,
    bursts: law.bursts,
    burstMaxBytes: law.burstMaxBytes,
    ringEnq: rings.enqueued,
    ringDeq: rings.dequeued,
    ringFullDrop: c.ringFullDrop,
    headDrop: c.headDrop,
    heldInPool: c.heldInPool,
    waitingMax: rings.waitingMax,
    sockFullDrop: c.sockFullDrop,
    oversizeDrop: c.oversizeDrop,
    closedDrop: c.closedDrop,
    mbufDrop: c.mbufDrop,
    purge: c.purge,
    stall: c.stall,
    flushed: c.flushed,
    holdBytesMax: rings.bytesMax,
    wakeups: c.wakeups,
    idleWakeups: c.idleWakeups,
    portions: c.portions,
    releasedBytes: c.releasedBytes,
    addedDelayUs: { p50: at(50), p99: at(99), max: Math.round(stages.added.maxNs / 1_000) },
    sizes: [...sizer.records],
  };
}

/** Counters and clock of a meter as flat records (S-10): table `meter`, one record a number. */
export function meterRecords(metered: MeteredPort, port: string, queue: number): StatRecord[] {
  const stats = Object.entries(meterStats(metered, port, queue)).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return statRecords('meter', metered.id, Object.fromEntries(stats));
}

/** One row of the socket table. */
export function socketRow(
  from: Pick<QueueRegulation, 'words' | 'floats' | 'socketId'>,
  queue: number,
  rcvbufBytes: number,
  s: number,
): SocketRow {
  const { words, floats, socketId } = from;
  const w = s * SOCKET_WORDS;
  const f = s * SOCKET_FLOATS;
  return {
    id: `${socketId}.${String(s)}`,
    queue,
    socket: s,
    rcvbufBytes,
    fillBytes: words[w + S_FILL]!,
    fillMaxBytes: words[w + S_FILL_MAX]!,
    packets: floats[f + SF_PACKETS]!,
    bytes: floats[f + SF_BYTES]!,
    readPackets: floats[f + SF_READ_PACKETS]!,
    readBytes: floats[f + SF_READ_BYTES]!,
    inRing: words[w + S_RING_PACKETS]!,
    stalls: words[w + S_STALLS]!,
    longestStallNs: floats[f + SF_LONGEST]!,
    drops: words[w + S_DROPS]!,
    closed: (words[w + S_FLAGS]! & SOCKET_CLOSED) !== 0,
  };
}

/** Copies of the columns of a socket table, with stalls that are going on counted up to `tNs`. */
function socketColumns(meter: Meter, tNs: number): { words: Int32Array; floats: Float64Array } {
  const { sockets } = meter;
  const words = sockets.words.slice(0, sockets.last * SOCKET_WORDS);
  const floats = new Float64Array(words.buffer);
  for (let s = 0; s < sockets.last; s++) {
    if ((words[s * SOCKET_WORDS + S_FLAGS]! & SOCKET_BLOCKED) === 0) continue;
    const f = s * SOCKET_FLOATS;
    floats[f + SF_LONGEST] = Math.max(floats[f + SF_LONGEST]!, tNs - floats[f + SF_BLOCKED_SINCE]!);
  }
  return { words, floats };
}

function socketTotals(meter: Meter, words: Int32Array, floats: Float64Array): QueueRegulation['totals'] {
  const { sockets } = meter;
  const totals = {
    deliveredPackets: 0,
    deliveredBytes: 0,
    readPackets: 0,
    readBytes: 0,
    drops: 0,
    stalls: 0,
    stalledSockets: 0,
    fillMaxBytes: 0,
  };
  for (let s = 0; s < sockets.last; s++) {
    const w = s * SOCKET_WORDS;
    const f = s * SOCKET_FLOATS;
    totals.deliveredPackets += floats[f + SF_PACKETS]!;
    totals.deliveredBytes += floats[f + SF_BYTES]!;
    totals.readPackets += floats[f + SF_READ_PACKETS]!;
    totals.readBytes += floats[f + SF_READ_BYTES]!;
    totals.drops += words[w + S_DROPS]!;
    totals.stalls += words[w + S_STALLS]!;
    if (floats[f + SF_LONGEST]! > STALLED_NS) totals.stalledSockets++;
    totals.fillMaxBytes = Math.max(totals.fillMaxBytes, words[w + S_FILL_MAX]!);
  }
  const { made, rcvbufBytes, memoryMaxBytes, mbufsMax } = sockets;
  return { sockets: made, rcvbufBytes, ...totals, memoryMaxBytes, mbufsMax };
}

function stageOf(port: string, kind: 'host' | 'user', stage: Stage, delays: Delays): StageDelays {
  return { port, kind, stage, counts: delays.counts.slice(), maxNs: delays.maxNs, sumNs: delays.sumNs };
}

function stagesOf(metered: MeteredPort, portIds: readonly string[], hostIndex: number): StageDelays[] {
  const { stages: s, channels } = metered;
  const host = portIds[hostIndex]!;
  const own = [
    stageOf(host, 'host', 'device-switch', s.deviceSwitch),
    stageOf(host, 'host', 'switch-ring', s.switchRing),
    stageOf(host, 'host', 'ring-release', s.ringRelease),
    stageOf(host, 'host', 'release-read', s.releaseRead),
    stageOf(host, 'host', 'total', s.total),
  ];
  const users = channels.ports.flatMap((p, i) =>
    i === hostIndex
      ? []
      : [
          stageOf(portIds[i]!, 'user', 'device-switch', p.deviceSwitch),
          stageOf(portIds[i]!, 'user', 'channel', p.channel),
          stageOf(portIds[i]!, 'user', 'total', p.total),
        ],
  );
  return [...own, ...users];
}

/** Everything about the regulation of one queue, up to `tNs`. */
export function queueRegulation(
  metered: MeteredPort,
  portIds: readonly string[],
  hostIndex: number,
  queue: number,
  tNs: number,
): QueueRegulation {
  metered.meter.catchUp(tNs);
  const columns = socketColumns(metered.meter, tNs);
  const pools = metered.pools();
  return {
    meter: meterStats(metered, portIds[hostIndex]!, queue),
    socketId: metered.socketId,
    ...columns,
    totals: socketTotals(metered.meter, columns.words, columns.floats),
    stages: stagesOf(metered, portIds, hostIndex),
    poolPackets: pools.device,
    userPoolPackets: pools.user,
    recording: metered.recorder === null ? null : metered.recorder.result(),
  };
}

// Several queues.

/** Stages of all queues added up, in the order of the first queue. */
export function mergeStages(queues: readonly QueueRegulation[]): StageDelays[] {
  return (queues[0]?.stages ?? []).map((first, i) => {
    const counts = new Uint32Array(HISTOGRAM_BUCKETS);
    let maxNs = 0;
    let sumNs = 0;
    for (const queue of queues) {
      const stage = queue.stages[i]!;
      for (let b = 0; b < counts.length; b++) counts[b]! += stage.counts[b]!;
      maxNs = Math.max(maxNs, stage.maxNs);
      sumNs += stage.sumNs;
    }
    return { port: first.port, kind: first.kind, stage: first.stage, counts, maxNs, sumNs };
  });
}

export function stageStats({ port, kind, stage, counts, maxNs, sumNs }: StageDelays): StageStats {
  const packets = counts.reduce((sum, n) => sum + n, 0);
  const at = (p: number): number => histogramPercentile(counts, p, maxNs);
  const mean = packets === 0 ? 0 : Math.round(sumNs / packets);
  return { port, kind, stage, packets, p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max: maxNs, mean };
}

/** A stage as a histogram with four buckets an octave; empty ones at both ends are left out. */
export function stageHistogram(delays: StageDelays): StageHistogram {
  const groups = HISTOGRAM_BUCKETS / 4;
  const sums = Array.from({ length: groups }, (_, g) => delays.counts.slice(4 * g, 4 * g + 4).reduce((a, b) => a + b, 0));
  const first = sums.findIndex((n) => n > 0);
  const last = sums.findLastIndex((n) => n > 0);
  const shown = first < 0 ? [] : sums.slice(first, last + 1);
  return { ...stageStats(delays), upToNs: shown.map((_, i) => histogramUpper(4 * (first + i) + 3)), counts: shown };
}

const worse = (a: SocketRow, b: SocketRow): number => b.drops - a.drops || b.stalls - a.stalls || b.bytes - a.bytes || a.queue - b.queue || a.socket - b.socket; // prettier-ignore

/** Rows of all sockets that were used. */
export function socketRows(queues: readonly QueueRegulation[]): SocketRow[] {
  return queues.flatMap((queue) => {
    const rows: SocketRow[] = [];
    for (let s = 0; s * SOCKET_WORDS < queue.words.length; s++) {
      if ((queue.words[s * SOCKET_WORDS + S_FLAGS]! & SOCKET_MADE) === 0) continue;
      rows.push(socketRow(queue, queue.meter.queue, queue.totals.rcvbufBytes, s));
    }
    return rows;
  });
}

export function sortSockets(rows: readonly SocketRow[], key: SocketSortKey, descending: boolean): SocketRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => sign * (a[key] - b[key]) || a.queue - b.queue || a.socket - b.socket);
}

/** The blocks of a summary; empty where no port feeds sockets. */
export function regulationSummary(queues: readonly QueueRegulation[]): Pick<RunSummary, 'meter' | 'sockets' | 'stages'> {
  if (queues.length === 0) return {};
  const sum = (pick: (t: QueueRegulation['totals']) => number): number => queues.reduce((n, q) => n + pick(q.totals), 0);
  return {
    meter: queues.map((q) => q.meter),
    sockets: {
      sockets: sum((t) => t.sockets),
      rcvbufBytes: queues[0]!.totals.rcvbufBytes,
      deliveredPackets: sum((t) => t.deliveredPackets),
      deliveredBytes: sum((t) => t.deliveredBytes),
      readPackets: sum((t) => t.readPackets),
      readBytes: sum((t) => t.readBytes),
      drops: sum((t) => t.drops),
      stalls: sum((t) => t.stalls),
      stalledSockets: sum((t) => t.stalledSockets),
      fillMaxBytes: Math.max(...queues.map((q) => q.totals.fillMaxBytes)),
      memoryMaxBytes: sum((t) => t.memoryMaxBytes),
      mbufsMax: sum((t) => t.mbufsMax),
      top: socketRows(queues).sort(worse).slice(0, MAX_TOP_SOCKETS),
    },
    stages: mergeStages(queues).map(stageStats),
  };
}
