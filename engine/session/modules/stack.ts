import type { ReportModule, ReportTable, StackArena, StackTopology, StackTraffic } from '../../contract/index.ts';
import { plural } from '../text.ts';
import { tableOf } from './table.ts';

/** The stack section of a scenario as the run left it (S-04 to S-12). */
export function stackModule(topology: StackTopology, arena: StackArena, traffic: StackTraffic): ReportModule {
  const { nexus, instances } = topology;
  const injected = topology.faults.reduce((n, f) => n + f.injected, 0);
  return {
    id: 'stack',
    title: 'Stack instances',
    text: [
      `${plural(instances.length, 'stack instance')}, ${plural(nexus.reservations, 'port reservation')}, ${plural(nexus.rules, 'flow rule')}; ${plural(injected, 'fault')} injected.`,
    ],
    charts: [],
    tables: [
      ...tableOf('Instances', instances, [
        ['Instance', 'text', (i) => i.id],
        ['Port', 'text', (i) => i.port],
        ['State', 'text', (i) => (i.refusal === '' ? i.state : `${i.state}: ${i.refusal}`)],
        ['Rules', 'count', (i) => i.rules],
        ['Reservations', 'count', (i) => i.reservations],
        ['Held back', 'count', (i) => i.heldBack],
        ['Mapped', 'memory', (i) => i.mappedBytes],
        ['Redirected', 'memory', (i) => i.redirectedBytes],
      ]),
      ...tableOf('Flow rules', topology.rules, [
        ['Rule', 'text', (r) => r.name],
        ['Instance', 'text', (r) => r.instance],
        ['What it takes', 'text', (r) => r.text],
        ['Installed', 'text', (r) => (r.installed ? 'yes' : `no: ${r.reason}`)],
      ]),
      ...trafficTables(traffic),
      ...tableOf(
        'Class queues',
        topology.classQueues.filter((q) => q.enqueued > 0),
        [
          ['Class', 'text', (q) => q.trafficClass],
          ['Queue', 'text', (q) => q.mode],
          ['Enqueued', 'count', (q) => q.enqueued],
          ['Sent', 'count', (q) => q.dequeued],
          ['At most', 'count', (q) => q.highWater],
          ['Marked', 'count', (q) => q.marked],
          ['Dropped', 'count', (q) => q.droppedCodel + q.droppedOverload + q.droppedTail],
          ['Delay p50', 'ns', (q) => q.delayP50Ns],
          ['Delay p99', 'ns', (q) => q.delayP99Ns],
        ],
      ),
      ...tableOf('Faults', topology.faults, [
        ['Fault', 'text', (f) => f.id],
        ['Site', 'text', (f) => (f.port === '' ? f.site : `${f.site} of ${f.port}`)],
        ['Probability', 'ratio', (f) => f.probability],
        ['Asked', 'count', (f) => f.asked],
        ['Injected', 'count', (f) => f.injected],
      ]),
      ...tableOf('Events', topology.events, [
        ['At', 'instant', (e) => e.atNs],
        ['Event', 'text', (e) => e.what],
        ['Outcome', 'text', (e) => e.outcome],
        ['What happened', 'text', (e) => e.text],
      ]),
      ...tableOf(
        'Arena',
        arena.regions,
        [
          ['Region', 'text', (r) => r.kind],
          ['Owner', 'text', (r) => r.owner],
          ['Size', 'memory', (r) => r.bytes],
          ['Segments', 'count', (r) => r.segments],
          ['Mapped', 'count', (r) => r.mapped],
          ['Redirected', 'count', (r) => r.redirected],
        ],
        'Buffers are counted; their bytes stay in the capture.',
      ),
    ],
  };
}

const PROTOCOLS = { ip: 'IPv4', ip6: 'IPv6', tcp: 'TCP', udp: 'UDP', quic: 'QUIC' } as const;

/** Protocols of each stack, routes and links (S-10). */
function trafficTables({ protocols, routes, links }: StackTraffic): ReportTable[] {
  const tcp = protocols.flatMap(({ stack, connections }) => (connections === null ? [] : [{ stack, ...connections }]));
  const more = routes.total - routes.rows.length;
  return [
    ...tableOf('Protocols by stack', protocols, [
      ['Stack', 'text', (p) => p.stack],
      ['Protocol', 'text', (p) => PROTOCOLS[p.table]],
      ['Flows', 'count', (p) => p.flows],
      ['Packets in', 'count', (p) => p.packetsIn],
      ['Packets out', 'count', (p) => p.packetsOut],
      ['Bytes in', 'bytes', (p) => p.bytesIn],
      ['Bytes out', 'bytes', (p) => p.bytesOut],
      ['Dropped', 'count', (p) => p.drops],
    ]),
    ...tableOf('TCP connections', tcp, [
      ['Stack', 'text', (c) => c.stack],
      ['Opening', 'count', (c) => c.opening],
      ['Established', 'count', (c) => c.established],
      ['Closing', 'count', (c) => c.closing],
      ['Closed', 'count', (c) => c.closed],
      ['Segments outside the window', 'count', (c) => c.outsideWindow],
    ]),
    ...tableOf(
      'Flow routes',
      routes.rows,
      [
        ['Here', 'text', (r) => r.here],
        ['There', 'text', (r) => r.there],
        ['Flows', 'count', (r) => r.flows],
        ['Bytes in', 'bytes', (r) => r.bytesIn],
        ['Bytes out', 'bytes', (r) => r.bytesOut],
        ['Dropped', 'count', (r) => r.drops],
      ],
      more > 0 ? `Those with the most bytes; ${plural(more, 'other')} left out.` : '',
    ),
    ...tableOf('Logical links', links, [
      ['Link', 'text', (l) => l.id],
      ['Packets in', 'count', (l) => l.rxPackets],
      ['Bytes in', 'bytes', (l) => l.rxBytes],
      ['Dropped in', 'count', (l) => l.rxRingDrops],
      ['Packets out', 'count', (l) => l.txPackets],
      ['Bytes offered', 'bytes', (l) => l.txOfferedBytes],
      ['Dropped out', 'count', (l) => l.txRingDrops],
      ['Rate', 'bps', (l) => l.linkBps],
    ]),
  ];
}
