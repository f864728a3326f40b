import type { ReportModule, StackArena, StackTopology } from '../../contract/index.ts';
import { plural } from '../text.ts';
import { tableOf } from './table.ts';

/** The stack section of a scenario as the run left it (S-04 to S-12). */
export function stackModule(topology: StackTopology, arena: StackArena): ReportModule {
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
