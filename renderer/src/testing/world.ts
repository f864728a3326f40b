import type {
  FlowRow,
  Hello,
  InputRef,
  PacketDetail,
  PacketRow,
  ReportFinding,
  RunSummary,
  SessionInfo,
  Transport,
} from '../../../engine/contract/index.ts';

/**
 * The small world of the engine double: 2,000 packets a millisecond apart between two hosts, IPv4 and IPv6 in turn, every 100th
 * dropped at a full device ring. For tests only; every figure follows from the packet's number, so a test can say what it expects.
 */

export const WORLD = { packets: 2_000, gapNs: 1_000_000, lengthBytes: 100, dropEvery: 100, slots: 64 } as const;
export const DROPS = WORLD.packets / WORLD.dropEvery;

export function packetRow(number: number, finished: boolean): PacketRow {
  const v6 = number % 2 === 0;
  const dropped = number % WORLD.dropEvery === 0;
  return {
    number,
    tNs: (number - 1) * WORLD.gapNs,
    source: v6 ? '2001:db8::1' : '192.0.2.1',
    destination: v6 ? '2001:db8::2' : '192.0.2.2',
    protocol: v6 ? 'UDP' : 'TCP',
    length: WORLD.lengthBytes,
    capturedLength: WORLD.lengthBytes,
    info: `${v6 ? '5000 → 5001' : '49822 → 443'} Len=${String(number)}`,
    ipVersion: v6 ? 6 : 4,
    flow: v6 ? 1 : 0,
    verdict: finished ? (dropped ? 'dropped' : 'delivered') : 'pending',
    verdictText: finished ? (dropped ? 'ring full' : v6 ? 'ch3' : 'host') : '',
  };
}

export function packetDetail(number: number, finished: boolean): PacketDetail {
  const row = packetRow(number, finished);
  const bytes = Uint8Array.from({ length: WORLD.lengthBytes }, (_, i) => (i === 0 ? number & 0xff : i));
  return {
    row,
    layers: [
      {
        name: 'frame',
        label: 'Frame',
        value: String(number),
        offset: 0,
        length: WORLD.lengthBytes,
        children: [{ name: 'frame.len', label: 'Frame length', value: String(WORLD.lengthBytes), offset: 0, length: 0, generated: true }],
      },
      {
        name: row.ipVersion === 6 ? 'ipv6' : 'ip',
        label: row.ipVersion === 6 ? 'Internet Protocol Version 6' : 'Internet Protocol Version 4',
        value: `${row.source} → ${row.destination}`,
        offset: 14,
        length: 20,
        children: [
          { name: 'ip.ttl', label: 'Time to live', value: '64', offset: 22, length: 1, raw: 64 },
          { name: 'ip.src', label: 'Source', value: row.source, offset: 26, length: 4 },
        ],
      },
    ],
    bytes,
    path: [
      { tNs: row.tNs, layer: 'device', obj: 'device.rx.0', event: 'enqueue', fields: { slot: number % WORLD.slots } },
      { tNs: row.tNs + 5_000, layer: 'fsw', obj: 'fsw', event: 'classify', fields: { port: 'host' } },
    ],
    cards:
      row.verdict === 'dropped'
        ? [
            {
              title: 'Dropped: ring full',
              tone: 'dropped',
              lines: [
                { label: 'slots', value: `${String(WORLD.slots)} of ${String(WORLD.slots)} in use`, parameter: 'device.rxRingSlots' },
                { label: 'rule', value: 'a full ring takes no packet', because: 'S-04' },
              ],
            },
          ]
        : [],
    fileOffset: 24 + (number - 1) * (16 + WORLD.lengthBytes),
    comments: [],
  };
}

export const FLOWS: readonly FlowRow[] = ([4, 6] as const).map((ipVersion, id) => ({
  id,
  ipVersion,
  protocol: id === 0 ? 'TCP' : 'UDP',
  source: id === 0 ? '192.0.2.1' : '2001:db8::1',
  sourcePort: id === 0 ? 49_822 : 5_000,
  destination: id === 0 ? '192.0.2.2' : '2001:db8::2',
  destinationPort: id === 0 ? 443 : 5_001,
  port: id === 0 ? 'host' : 'ch3',
  packets: WORLD.packets / 2,
  bytes: (WORLD.packets / 2) * WORLD.lengthBytes,
  packetsForward: WORLD.packets / 4,
  packetsBackward: WORLD.packets / 4,
  drops: id === 0 ? 0 : DROPS,
  firstNs: id * WORLD.gapNs,
  lastNs: (WORLD.packets - 2 + id) * WORLD.gapNs,
  tcpState: id === 0 ? 'ESTABLISHED' : '',
  firstPacket: id + 1,
}));

const RINGS = ['device.rx.0', 'device.tx.0', 'host.rx.0', 'ch3.rx.0'] as const;

/** A run with device rings of so many slots: twice the slots, no drops, as a test of a changed parameter wants. */
export function summaryFor(slots: number, yaml: string): RunSummary {
  const dropped = slots > WORLD.slots ? 0 : DROPS;
  const delivered = WORLD.packets - dropped;
  return {
    packets: WORLD.packets,
    bytes: WORLD.packets * WORLD.lengthBytes,
    flows: FLOWS.length,
    durationNs: (WORLD.packets - 1) * WORLD.gapNs,
    endNs: WORLD.packets * WORLD.gapNs,
    rings: RINGS.map((id, i) => ({
      id,
      port: id.split('.')[0] ?? '',
      kind: id.includes('.tx.') ? 'tx' : 'rx',
      queue: 0,
      slots: i === 0 ? slots : 256,
      used: 0,
      head: 0,
      tail: 0,
      highWater: i === 0 ? WORLD.slots : 40,
      enqueued: i === 0 ? delivered : 0,
      dequeued: i === 0 ? delivered : 0,
      drops: i === 0 ? dropped : 0,
    })),
    pools: [
      { id: 'device.pool.0', port: 'device', queue: 0, packets: 4_096, bufferBytes: 2_048, used: 0, highWater: 900, allocations: WORLD.packets, failures: 0 }, // prettier-ignore
    ],
    ports: [
      { id: 'device', kind: 'device', packetsIn: WORLD.packets, bytesIn: WORLD.packets * WORLD.lengthBytes, delivered, dropped, delayNs: { p50: 0, p95: 0, p99: 0, max: 0 } }, // prettier-ignore
      { id: 'host', kind: 'host', packetsIn: 1_000, bytesIn: 100_000, delivered: 1_000, dropped: 0, delayNs: { p50: 52_000, p95: 81_000, p99: 120_000, max: 410_000 } }, // prettier-ignore
      { id: 'ch3', kind: 'user', packetsIn: delivered - 1_000, bytesIn: (delivered - 1_000) * WORLD.lengthBytes, delivered: delivered - 1_000, dropped: 0, delayNs: { p50: 31_000, p95: 44_000, p99: 61_000, max: 90_000 } }, // prettier-ignore
    ],
    drops: dropped > 0 ? { 'ring full': dropped } : {},
    skipped: {},
    conservation: {
      ok: true,
      objects: [{ obj: 'device', in: WORLD.packets, delivered, dropped, inFlight: 0, ok: true }],
    },
    scenario: { name: 'default', sha256: hex(yaml) },
    seed: 1,
  };
}

/** Not a hash: 64 hex digits that differ where the text differs, which is all that the double needs. */
function hex(text: string): string {
  let value = 7;
  for (const c of text) value = (value * 31 + (c.codePointAt(0) ?? 0)) % 0xfffffff;
  return value.toString(16).padStart(64, '0');
}

export const SCENARIO_YAML = `name: default
device:
  queues: 1
  rxRingSlots: ${String(WORLD.slots)}
ports:
  - id: ch3
    kind: user
    select:
      - protocol: udp
    reader:
      batch: 64
`;

export const INPUTS: readonly InputRef[] = [
  { handle: 'sample-1', name: 'first.pcapng', folder: 'samples', bytes: 232_000, title: 'A first sample', description: 'Two flows', scenario: 'default' }, // prettier-ignore
  { handle: 'recent-1', name: 'yesterday.pcap', folder: '~/captures', bytes: 1_500_000 },
];

export function sessionInfo(id: string, name: string, yaml: string): SessionInfo {
  return {
    id,
    kind: 'file',
    name,
    capture: {
      file: `samples/${name}`,
      format: 'pcapng',
      packets: WORLD.packets,
      bytes: WORLD.packets * WORLD.lengthBytes,
      capturedBytes: WORLD.packets * WORLD.lengthBytes,
      interfaces: [],
      firstNs: '1700000000000000000',
      lastNs: '1700000001999000000',
      durationNs: (WORLD.packets - 1) * WORLD.gapNs,
      skipped: {},
      findings: [],
      comments: [],
      error: null,
    },
    timestamps: 'file, nanoseconds',
    timeDigits: 9,
    scenario: { id: 'default', name: 'default', yaml },
  };
}

export function hello(): Hello {
  const ok = { ok: true, why: '' };
  return {
    version: '0.0.0-test',
    runtime: 'double',
    platform: 'test',
    features: {
      terminal: ok,
      capture: ok,
      zstd: ok,
      pdf: { ok: false, why: 'PDF needs Chromium: install it.' },
      nativeDialogs: true,
    },
    samples: [...INPUTS.slice(0, 1)],
    recent: [...INPUTS.slice(1)],
    scenarios: [
      { id: 'default', title: 'Default', description: 'A host and one channel' },
      { id: 'large', title: 'Large rings', description: 'Rings that never fill' },
    ],
    initial: null,
  };
}

export const STOPPED: Transport = {
  state: 'stopped',
  tNs: 0,
  packet: 0,
  speed: 1,
  loop: null,
  skipGapsNs: null,
  skipped: null,
  errorNs: null,
  stale: true,
};

/** One finding, with all that one can have. */
export function findingsFor(run: RunSummary): ReportFinding[] {
  const drops = run.rings.reduce((sum, ring) => sum + ring.drops, 0);
  const text = `Device RX ring, queue 0 was full once: ${String(drops)} packets dropped (device_rx_full).`;
  const advice = 'Raise device.rxRingSlots.';
  return [{ tone: 'bad', text, advice, parameters: ['device.rxRingSlots'], tNs: 500e6, objects: ['device.rx.0'] }];
}
