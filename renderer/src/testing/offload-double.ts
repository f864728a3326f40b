import type { CallName, EngineHandlers, OffloadCosts, OffloadReport, SuperPacket } from '../../../engine/contract/index.ts';

type OffloadCall = Extract<CallName, `offload.${string}`>;

const ROW = {
  index: 3,
  direction: 'rx',
  tNs: 2_500_000,
  port: 'ch3',
  flow: '198.51.100.9:443 → 192.0.2.7:50000',
  first: 40,
  last: 42,
  members: 3,
  bytes: 4_398,
} as const;

/** A run of 2,000 packets that became 1,400; with aggregation off nothing is merged. */
export function offloadReport(aggregates = true): OffloadReport {
  const merged = aggregates ? 600 : 0;
  const reason = (name: string, count: number): OffloadReport['reasons'][number] => ({ name, text: `text of ${name}`, count });
  const port = {
    id: 'ch3',
    rx: 'copy',
    tx: 'copy',
    cut4: 'switch',
    cut6: 'switch',
    because: 'the port offers CSUM_PARTIAL',
    capabilities: ['csum-partial'],
    aggregateBytes: aggregates ? 16_384 : 0,
    lowLatency: false,
    exact: false,
    packetsIn: 2_000,
    packetsOut: 2_000 - merged,
    merged,
    aggregates: aggregates ? 300 : 0,
    bytesIn: 200_000,
    bytesOut: 180_000,
  };
  return {
    kernel: 'simd',
    mtuBytes: 1_500,
    ports: [port],
    rx: {
      packetsIn: 2_000,
      packetsOut: 2_000 - merged,
      bytesIn: 200_000,
      bytesOut: 180_000,
      merged,
      aggregates: port.aggregates,
      aggregateBytes: 90_000,
      largestBytes: 4_398,
      largestMembers: 3,
      handedOver: 0,
      lost: 0,
      unpadded: 0,
      polls: 90,
      fast: merged,
      slow: 0,
      undone: 0,
    },
    reasons: aggregates
      ? [reason('first', 200), reason('empty', 900), reason('sequence', 0), reason('batch-end', 300)]
      : [reason('off', 2_000)],
    sizes: [
      { upTo: 1, packets: 1_100 },
      { upTo: 2, packets: 200 },
      { upTo: 4, packets: 100 },
      { upTo: 0, packets: 0 },
    ],
    checksums: { good: 1_390, bad: 10, absent: 0, unchecked: 0 },
    tx: {
      packetsIn: 0,
      packetsOut: 0,
      superPackets: 0,
      segments: 0,
      batches: 0,
      declined: 0,
      nomem: 0,
      filled: 0,
      bytesIn: 0,
      bytesOut: 0,
      wakeups: 0,
      wakeupsCut: 0,
    },
    roundTrip: { aggregates: 300, segments: 900, identical: 450, differs: [{ name: 'ip.id', text: 'IPv4 identification', count: 450 }] },
    fragments: {
      taken: 5,
      datagrams: 2,
      reasons: [
        { name: 'joined', text: 'put together to a datagram with the others', count: 4 },
        { name: 'timeout', text: 'the rest of the datagram did not come in time', count: 1 },
        { name: 'overlap', text: 'text of overlap', count: 0 },
      ],
    },
    releases: [
      { cause: 'poll-end', batches: 80 },
      { cause: 'timeout', batches: 10 },
    ],
    delayNs: { p50: 90_000, p99: 110_000, max: 120_000 },
    corruption: { injected: 0, caught: 0, missed: 0 },
    buffers: { defaultHigh: 0, largeHigh: 0, failures: 0 },
    notCarried: 0,
    conserved: true,
    outCrc32: '00000000',
    superPackets: { total: port.aggregates, kept: port.aggregates, rows: aggregates ? [ROW] : [] },
  };
}

function superPacket(): SuperPacket {
  const header = Uint8Array.from({ length: 54 }, (_, i) => i);
  const second = header.slice();
  second[17] = 0xdc;
  second[41] = 0x99;
  const field = { field: 'tcp.seq', label: 'Sequence number', start: 38, length: 4, before: '1000', after: '2448' };
  const whole = { number: 40, onWire: true, offset: 0, payloadBytes: 1_448, header, rewritten: [], differs: [] };
  return {
    row: ROW,
    segmentBytes: 1_448,
    header,
    payloadBytes: 4_344,
    layers: [
      { name: 'Link', start: 0, length: 14 },
      { name: 'IPv4', start: 14, length: 20 },
      { name: 'TCP', start: 34, length: 20 },
    ],
    segments: [
      whole,
      { ...whole, number: 41, offset: 1_448, header: second, rewritten: [field], differs: [field] },
      { ...whole, number: 42, offset: 2_896 },
    ],
  };
}

function costs(): OffloadCosts {
  const row = (id: string, title: string, group: 'mode' | 'passes', ns: number): OffloadCosts['rows'][number] => ({
    id,
    title,
    group,
    nsPerPacket: ns,
    nsPerByte: ns / 1_000,
    cyclesPerByte: ns / 400,
  });
  const rows = [
    row('stack', 'Stack: copied, then summed by the stack', 'mode', 300),
    row('copy', 'Copy: summed while copied', 'mode', 200),
    row('copy-and-sum', 'Copy and sum in one pass', 'passes', 60),
    row('two-passes', 'Copy, then sum', 'passes', 90),
  ];
  return { packets: 2_000, bytes: 200_000, rounds: 7, cpuHz: 2.5e9, rows };
}

export function offloadHandlers(): Pick<EngineHandlers, OffloadCall> {
  return {
    'offload.run': ({ overrides }) => offloadReport(overrides.aggregateKiB !== 0),
    'offload.superPacket': superPacket,
    'offload.costs': costs,
  };
}
