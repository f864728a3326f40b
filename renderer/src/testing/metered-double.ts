import {
  STAGES,
  meterSchema,
  type BurstOutcome,
  type BurstSeriesFrame,
  type BurstState,
  type CallAnswer,
  type CallRequest,
  type Capability,
  type MeterStats,
  type RunSummary,
  type SocketRow,
  type Stage,
  type StageHistogram,
} from '../../../engine/contract/index.ts';
import { SCENARIO_YAML, WORLD, summaryFor } from './world.ts';

/**
 * The double's world with one socket behind a meter. The packets come in one lump at the start: with the meter off they overflow a receive buffer
 * below 128 KiB, with the meter on nothing is lost. Every figure follows from that and from the buffer that is asked for.
 */
const LUMP_BYTES = WORLD.packets * WORLD.lengthBytes;
const SLOTS = 512;
const LTE: Capability = { rat: 'LTE', peakBps: 3e8, sustainedBps: 8e7, burstBytesMax: 262_144, burstPeriodUs: 1e4, rttUs: 5e4, mtu: 1_428 };

export const METERED_RULE =
  '(262,144 bytes of one burst + 375,000 bytes of 10 ms at peak rate) / 2,048 bytes a slot = 311.1, next power of two 512';

/** Packets lost with the meter off. */
export function lostPackets(rcvbufBytes: number): number {
  return Math.max(0, Math.ceil((LUMP_BYTES - rcvbufBytes) / WORLD.lengthBytes));
}

function meter(enabled: boolean): MeterStats {
  const { intervalUs, slotBytes, grouping, overflow } = meterSchema.parse({});
  const used = enabled ? SLOTS / 4 : 0;
  return {
    id: 'host.meter.0',
    port: 'host',
    queue: 0,
    enabled,
    grouping,
    overflow,
    capability: LTE,
    rings: 1,
    slots: SLOTS,
    slotBytes,
    used,
    head: 17,
    tail: 17 + used,
    bytes: used * WORLD.lengthBytes,
    waiting: 0,
    highWaterSlots: enabled ? SLOTS / 2 : 0,
    oldestNs: 0,
    intervalNs: intervalUs * 1_000,
    level: 0,
    lastReleaseNs: 0,
    nextReleaseNs: 0,
    tokensBytes: 0,
    rateBps: LTE.sustainedBps,
    rateMinBps: LTE.sustainedBps,
    rateMaxBps: LTE.peakBps,
    targetNs: 5e7,
    expectedGapNs: 1e8,
    quality: 1,
    rxPkts: WORLD.packets,
    rxBytes: LUMP_BYTES,
    bursts: 1,
    burstMaxBytes: LUMP_BYTES,
    ringEnq: WORLD.packets,
    ringDeq: WORLD.packets,
    ringFullDrop: 0,
    headDrop: 0,
    heldInPool: 0,
    waitingMax: 0,
    sockFullDrop: 0,
    oversizeDrop: 0,
    closedDrop: 0,
    mbufDrop: 0,
    purge: 0,
    stall: enabled ? 3 : 0,
    flushed: 0,
    holdBytesMax: enabled ? 100_000 : 0,
    wakeups: enabled ? 40 : 0,
    idleWakeups: 0,
    portions: enabled ? 40 : 0,
    releasedBytes: LUMP_BYTES,
    addedDelayUs: { p50: 500, p99: 2_000, max: 2_500 },
    sizes: [
      {
        tNs: 0,
        event: 'start',
        rat: LTE.rat,
        capability: LTE,
        burstBytes: LTE.burstBytesMax,
        holdBytes: 375_000,
        wantedSlots: SLOTS,
        slots: SLOTS,
        drivenBy: 'peakBps',
        rule: METERED_RULE,
      },
    ],
  };
}

function socket(enabled: boolean, rcvbufBytes: number, drops: number): SocketRow {
  return {
    id: 'host.socket.0.0',
    queue: 0,
    socket: 0,
    rcvbufBytes,
    fillBytes: 0,
    fillMaxBytes: enabled ? Math.min(16_384, rcvbufBytes) : Math.min(LUMP_BYTES, rcvbufBytes),
    packets: WORLD.packets - drops,
    bytes: (WORLD.packets - drops) * WORLD.lengthBytes,
    readPackets: WORLD.packets - drops,
    readBytes: (WORLD.packets - drops) * WORLD.lengthBytes,
    inRing: 0,
    stalls: enabled ? 3 : 0,
    longestStallNs: enabled ? 2e6 : 0,
    drops,
    closed: false,
  };
}

function series(enabled: boolean, rcvbufBytes: number, drops: number, { fromNs, toNs, bins }: CallRequest<'burst.run'>): BurstSeriesFrame {
  const f64 = (fill: (bin: number) => number): Float64Array => Float64Array.from({ length: bins }, (_, bin) => fill(bin));
  const u32 = (fill: (bin: number) => number): Uint32Array => Uint32Array.from({ length: bins }, (_, bin) => fill(bin));
  const spread = Math.min(10, bins);
  const released = f64((bin) =>
    enabled ? (bin < spread ? LUMP_BYTES / spread : 0) : bin === 0 ? LUMP_BYTES - drops * WORLD.lengthBytes : 0,
  );
  return {
    startNs: fromNs,
    binNs: (toNs - fromNs) / bins,
    bins,
    keptBinNs: 100_000,
    arrivedBytes: f64((bin) => (bin === 0 ? LUMP_BYTES : 0)),
    releasedBytes: released,
    readBytes: released,
    drops: u32((bin) => (bin === 0 ? drops : 0)),
    stalls: u32(() => 0),
    wakeups: u32((bin) => (enabled && bin < spread ? 4 : 0)),
    ringUsed: u32((bin) => (enabled && bin < spread ? SLOTS / 4 : 0)),
    ringBytes: f64((bin) => (enabled && bin < spread ? LUMP_BYTES / 4 : 0)),
    waiting: u32(() => 0),
    poolUsed: u32((bin) => (bin === 0 ? 1_024 : 0)),
    userPoolUsed: u32(() => 0),
    ringSlots: u32(() => SLOTS),
    rateBps: f64(() => LTE.sustainedBps),
    tokensBytes: f64(() => 0),
    intervalUs: f64(() => 1_000),
    quality: f64(() => 1),
    poolPackets: 4_096,
    userPoolPackets: 2_048,
    sockets: ['host.socket.0.0'],
    rcvbufBytes,
    socketFill: u32((bin) => (bin === 0 ? Math.min(16_384, rcvbufBytes) : 0)),
  };
}

function stage(kind: 'host' | 'user', name: Stage, ns: number): StageHistogram {
  const port = kind === 'host' ? 'host' : 'ch3';
  return { port, kind, stage: name, packets: 1_000, p50: ns, p95: ns, p99: ns, p999: ns, max: ns, mean: ns, upToNs: [ns], counts: [1_000] };
}

function outcome(enabled: boolean, rcvbufBytes: number, request: CallRequest<'burst.run'>): BurstOutcome {
  const drops = enabled ? 0 : lostPackets(rcvbufBytes);
  const row = socket(enabled, rcvbufBytes, drops);
  const summary: RunSummary = {
    ...summaryFor(WORLD.slots, SCENARIO_YAML),
    meter: [meter(enabled)],
    sockets: {
      sockets: 1,
      rcvbufBytes,
      deliveredPackets: row.packets,
      deliveredBytes: row.bytes,
      readPackets: row.readPackets,
      readBytes: row.readBytes,
      drops,
      stalls: row.stalls,
      stalledSockets: 0,
      fillMaxBytes: row.fillMaxBytes,
      memoryMaxBytes: row.fillMaxBytes,
      mbufsMax: 100,
      top: [row],
    },
  };
  const legacy = STAGES.filter((name) => name !== 'channel').map((name) => stage('host', name, enabled ? 2e6 : 4e5));
  const user = (['device-switch', 'channel', 'total'] as const).map((name) => stage('user', name, 1.2e5));
  return { summary, series: series(enabled, rcvbufBytes, drops, request), stages: [...legacy, ...user] };
}

/** Answer of `burst.run` in this world; a receive buffer that is asked for is heeded. */
export function meteredRun(request: CallRequest<'burst.run'>, adopted = true): CallAnswer<'burst.run'> {
  const wanted = request.overrides.find(({ path }) => path === 'ports.host.sockets.rcvbufBytes')?.value;
  const rcvbufBytes = typeof wanted === 'number' ? wanted : 131_072;
  const yaml = `${SCENARIO_YAML}\n# metered\n# rcvbufBytes: ${String(rcvbufBytes)}\n`;
  const packets = request.packets ?? Number.MAX_SAFE_INTEGER;
  return { on: outcome(true, rcvbufBytes, request), off: outcome(false, rcvbufBytes, request), packets, adopted, yaml };
}

export function meteredState(tNs: number): BurstState {
  return {
    tNs,
    meters: [meter(true)],
    pools: [{ id: 'device.pool.0', packets: 4_096, used: 10, highWater: 1_024, failures: 0 }],
    sockets: [socket(true, 131_072, 0)],
  };
}
