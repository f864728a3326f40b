import type { OffloadReport } from '../../contract/index.ts';
import { AGGREGATE_REASONS, REASSEMBLY_REASONS, histogramPercentile } from '../../stack/index.ts';
import { SIZE_CLASSES, crcOn, type ReceivePath } from './receive.ts';
import type { OffloadRun } from './run.ts';
import type { TransmitPath } from './transmit.ts';

/** Aggregates listed in a report, those with the most members first. */
const LISTED = 500;

const FIELD_TEXT: Readonly<Record<string, string>> = {
  payload: 'payload cut in other places',
  'ip.len': 'cut at other lengths (IPv4 total length)',
  'ipv6.plen': 'cut at other lengths (IPv6 payload length)',
  'tcp.seq': 'cut at other places (TCP sequence number)',
  'ip.id': 'IPv4 identification',
  'tcp.flags': 'TCP flags',
  'tcp.checksum': 'TCP checksum',
  'tcp.options.timestamp.tsval': 'TCP timestamp value',
  'tcp.options.timestamp.tsecr': 'TCP timestamp echo reply',
};

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let n = 0;
  for (const item of items) n += of(item);
  return n;
}

/** What a finished run has come to. */
export function offloadReport(run: OffloadRun): OffloadReport {
  const { totals, memory, plan } = run;
  const paths = [...run.receive.values()];
  const sent = [...run.transmit.values()];
  const reassembly = [...run.reassembly.values()];
  const delay = (p: number): number => histogramPercentile(totals.delays, p, totals.maxDelayNs);
  return {
    kernel: memory.kernel.variant,
    mtuBytes: plan.device.mtuBytes,
    ports: plan.ports.map((port) => portReport(run, port.id)),
    rx: {
      packetsIn: sum(paths, (p) => p.packetsIn),
      packetsOut: sum(paths, (p) => p.packetsOut),
      bytesIn: sum(paths, (p) => p.bytesIn),
      bytesOut: sum(paths, (p) => p.bytesOut),
      merged: sum(paths, (p) => p.aggregator.merged),
      aggregates: totals.aggregates,
      aggregateBytes: totals.aggregateBytes,
      largestBytes: totals.largestBytes,
      largestMembers: totals.largestMembers,
      handedOver: totals.handedOver,
      lost: sum(paths, (p) => p.aggregator.nomem),
      unpadded: sum(paths, (p) => p.aggregator.unpadded),
      polls: run.polls,
      fast: sum(paths, (p) => p.aggregator.match.fast),
      slow: sum(paths, (p) => p.aggregator.match.slow),
      undone: sum(paths, (p) => p.aggregator.undone),
    },
    reasons: AGGREGATE_REASONS.map(({ name, text }, code) => ({ name, text, count: sum(paths, (p) => p.aggregator.reasons[code]!) })),
    sizes: SIZE_CLASSES.map((upTo, i) => ({ upTo: Number.isFinite(upTo) ? upTo : 0, packets: totals.sizes[i]! })),
    checksums: { ...totals.checksums },
    tx: transmitReport(sent),
    roundTrip: {
      aggregates: run.roundTrip?.aggregates ?? 0,
      segments: run.roundTrip?.segments ?? 0,
      identical: run.roundTrip?.identical ?? 0,
      differs: [...(run.roundTrip?.differs ?? [])].map(([name, count]) => ({ name, text: FIELD_TEXT[name] ?? name, count })),
    },
    fragments: {
      taken: sum(reassembly, (r) => r.taken),
      datagrams: sum(reassembly, (r) => r.datagramsOut),
      reasons: REASSEMBLY_REASONS.map(({ name, text }) => ({ name, text, count: sum(reassembly, (r) => r.counts.get(name)!) })),
    },
    releases: [...totals.releases].map(([cause, batches]) => ({ cause, batches })),
    delayNs: { p50: delay(50), p99: delay(99), max: totals.maxDelayNs },
    corruption: { ...totals.corruption },
    buffers: { defaultHigh: memory.highDefault, largeHigh: memory.highLarge, failures: memory.failures },
    notCarried: run.carried.notCarried,
    conserved: conserved(run, paths, sent),
    outCrc32: crcOfAll(run, paths, sent),
    superPackets: {
      total: totals.superPacketCount,
      kept: totals.superPackets.length,
      rows: totals.superPackets
        .map(({ row }) => row)
        .sort((a, b) => b.bytes - a.bytes || a.index - b.index)
        .slice(0, LISTED),
    },
  };
}

function portReport(run: OffloadRun, id: string): OffloadReport['ports'][number] {
  const { spec, path, aggregate } = run.plan.ports.find((p) => p.id === id)!;
  const own = [...run.receive.values()].filter((p) => p.plan.id === id);
  const { rx, tx, cut4, cut6, because } = path;
  return {
    id,
    rx,
    tx,
    cut4,
    cut6,
    because,
    capabilities: [...spec.capabilities],
    aggregateBytes: aggregate.limitBytes,
    lowLatency: spec.lowLatency,
    exact: spec.exact,
    packetsIn: sum(own, (p) => p.packetsIn),
    packetsOut: sum(own, (p) => p.packetsOut),
    merged: sum(own, (p) => p.aggregator.merged),
    aggregates: sum(own, (p) => p.aggregates),
    bytesIn: sum(own, (p) => p.bytesIn),
    bytesOut: sum(own, (p) => p.bytesOut),
  };
}

function transmitReport(sent: readonly TransmitPath[]): OffloadReport['tx'] {
  return {
    packetsIn: sum(sent, (p) => p.packetsIn),
    packetsOut: sum(sent, (p) => p.packetsOut),
    superPackets: sum(sent, (p) => p.superPackets),
    segments: sum(sent, (p) => p.segments),
    batches: sum(sent, (p) => p.batches),
    declined: sum(sent, (p) => p.declined),
    nomem: sum(sent, (p) => p.nomem),
    filled: sum(sent, (p) => p.filled),
    bytesIn: sum(sent, (p) => p.bytesIn),
    bytesOut: sum(sent, (p) => p.bytesOut),
    wakeups: sum(sent, (p) => p.wakeups),
    wakeupsCut: sum(sent, (p) => p.wakeupsCut),
  };
}

/** W-06: every packet of the input is somewhere, once, and every buffer has come back. */
function conserved(run: OffloadRun, paths: readonly ReceivePath[], sent: readonly TransmitPath[]): boolean {
  const received = sum(paths, (p) => p.packetsIn);
  const accounted = run.carried.notCarried + run.lost + run.fragmentsLost + received + sum(sent, (p) => p.packetsIn) + run.carried.waiting;
  const judged = paths.every(({ aggregator: a, plan }) => {
    const reasons = sum(a.reasons, (n) => n);
    return plan.spec.lowLatency || a.merged + reasons + a.nomem === a.packetsIn;
  });
  return accounted === run.packets && judged && run.memory.usedDefault === 0 && run.memory.usedLarge === 0;
}

/** One number for all bytes given out: that of each path, in the order of queues and ports. */
function crcOfAll(run: OffloadRun, paths: readonly ReceivePath[], sent: readonly TransmitPath[]): string {
  const keyed = [
    ...[...run.receive].map(([k, p]) => [k, p.crc] as const),
    ...[...run.transmit].map(([k, p]) => [k + 0x1_0000, p.crc] as const),
  ];
  let crc = paths.length + sent.length;
  for (const [key, own] of keyed.sort((a, b) => a[0] - b[0])) {
    crc = crcOn(crc, Uint8Array.of(key & 0xff, key >>> 8, key >>> 16, own >>> 24, own >>> 16, own >>> 8, own));
  }
  return (crc >>> 0).toString(16).padStart(8, '0');
}
