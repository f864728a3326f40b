import type { StackTopology } from '../../../../engine/contract/index.ts';
import { formatCount, formatMemory, plural } from '../../lib/format.ts';

/** The graph of the Stack panel: device, flow switch, ports, channels and stack instances in five columns, laid out by rows. */
export const NODE_HEIGHT = 46;
export const ROW_GAP = 12;
export const COLUMN_GAP = 30;
export const COLUMNS = 5;
/** Below this the graph scrolls sideways. */
export const MIN_GRAPH_PX = 640;

export type NodeTone = 'plain' | 'good' | 'held' | 'drop' | 'off';

export interface GraphNode {
  readonly id: string;
  readonly column: number;
  /** Centre, in rows. */
  readonly row: number;
  readonly title: string;
  /** Two short lines below the title. */
  readonly lines: readonly [string, string];
  readonly tone: NodeTone;
  /** Mark beside the title: shape as well as colour says what it is. */
  readonly mark: string;
  /** What a screen reader says, and what the line under the graph shows. */
  readonly detail: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** No packet can take it now. */
  readonly off: boolean;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly rows: number;
}

const STATE_MARKS = { running: '✓', closed: '○', refused: '✕', defunct: '◆' } as const;
const STATE_TONES = { running: 'good', closed: 'off', refused: 'drop', defunct: 'held' } as const;

const lost = (dropped: number): string => (dropped > 0 ? `✕ ${formatCount(dropped)}` : '');
const fill = (used: number, slots: number): string => `${formatCount(used)} of ${formatCount(slots)}`;

export function graphOf(topology: StackTopology): Graph {
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  let row = 0;
  for (const port of topology.ports) {
    const owners = topology.instances.filter((i) => i.port === port.id);
    const first = row;
    for (const instance of owners) nodes.push(instanceNode(instance, row++));
    if (owners.length === 0) row++;
    const centre = (first + row - 1) / 2;
    nodes.push(portNode(port, centre));
    edges.push({ from: 'fsw', to: `port ${port.id}`, off: !port.open });
    if (port.kind !== 'user') {
      for (const instance of owners) edges.push({ from: `port ${port.id}`, to: `stack ${instance.id}`, off: false });
      continue;
    }
    const holder = owners.find((i) => i.state === 'running');
    nodes.push(channelNode(port, holder, centre));
    edges.push({ from: `port ${port.id}`, to: `channel ${port.id}`, off: !port.open });
    for (const instance of owners) edges.push({ from: `channel ${port.id}`, to: `stack ${instance.id}`, off: instance !== holder });
  }
  const rows = Math.max(1, row);
  const middle = (rows - 1) / 2;
  const { device, nexus } = topology;
  nodes.unshift(
    {
      id: 'device',
      column: 0,
      row: middle,
      title: 'device',
      lines: [`${formatCount(device.packetsIn)} in`, lost(device.dropped) || `${formatCount(device.sent)} sent`],
      tone: device.dropped > 0 ? 'drop' : 'plain',
      mark: '',
      detail: `device: ${plural(device.packetsIn, 'packet')} came, ${formatCount(device.sent)} sent on the link, ${formatCount(device.dropped)} dropped. RX ring ${fill(device.rxUsed, device.rxSlots)}, TX ring ${fill(device.txUsed, device.txSlots)}, pool ${fill(device.poolUsed, device.poolPackets)}.`,
    },
    {
      id: 'fsw',
      column: 1,
      row: middle,
      title: 'flow switch',
      lines: [`${formatCount(nexus.switched)} through`, `${formatCount(nexus.activeFlows)} flows`],
      tone: 'plain',
      mark: '',
      detail: `flow switch: ${plural(nexus.switched, 'packet')} switched, ${formatCount(nexus.activeFlows)} of ${formatCount(nexus.maxFlows)} flow entries, ${plural(nexus.rules, 'rule')} of stacks, ${plural(nexus.reservations, 'reservation')}, ${plural(nexus.queues, 'queue')}.`,
    },
  );
  edges.unshift({ from: 'device', to: 'fsw', off: false });
  return { nodes, edges, rows };
}

function portNode(port: StackTopology['ports'][number], row: number): GraphNode {
  const binding = port.binding === '' ? '' : ` Bound to ${port.binding}.`;
  return {
    id: `port ${port.id}`,
    column: 2,
    row,
    title: `${String(port.number)} ${port.id}`,
    lines: [`${formatCount(port.packetsIn)} in`, lost(port.dropped) || `${formatCount(port.delivered)} out`],
    tone: port.dropped > 0 ? 'drop' : port.open ? 'plain' : 'off',
    mark: port.binding === '' ? '' : '▣',
    detail: `port ${String(port.number)} ${port.id} (${port.kind}): ${plural(port.packetsIn, 'packet')} in, ${formatCount(port.delivered)} delivered, ${formatCount(port.dropped)} dropped. RX ring ${fill(port.rxUsed, port.rxSlots)}, TX ring ${fill(port.txUsed, port.txSlots)}, pool ${fill(port.poolUsed, port.poolPackets)}.${binding}${port.open ? '' : ' No channel is open: its traffic goes to the host.'}`,
  };
}

function channelNode(port: StackTopology['ports'][number], holder: StackTopology['instances'][number] | undefined, row: number): GraphNode {
  return {
    id: `channel ${port.id}`,
    column: 3,
    row,
    title: 'channel',
    lines: port.open ? [`RX ${fill(port.rxUsed, port.rxSlots)}`, `TX ${fill(port.txUsed, port.txSlots)}`] : ['not open', ''],
    tone: port.open ? 'plain' : 'off',
    mark: port.open ? '' : '○',
    detail: port.open
      ? `channel on port ${port.id}${holder === undefined ? '' : `, opened by ${holder.id}`}: RX ring ${fill(port.rxUsed, port.rxSlots)}, TX ring ${fill(port.txUsed, port.txSlots)} slots in use${holder === undefined || holder.mappedBytes === 0 ? '' : `, ${formatMemory(holder.mappedBytes)} mapped`}.`
      : `channel on port ${port.id}: not open.`,
  };
}

function instanceNode(instance: StackTopology['instances'][number], row: number): GraphNode {
  const { state } = instance;
  const owner = instance.pid === 0 ? instance.executable : `pid ${String(instance.pid)}`;
  const held = instance.heldBack > 0 ? ` It holds ${plural(instance.heldBack, 'packet')} back.` : '';
  const memory = instance.redirectedBytes > 0 ? ` ${formatMemory(instance.redirectedBytes)} redirected to zero pages.` : '';
  const why = instance.refusal === '' ? '' : ` Refused: ${instance.refusal}.`;
  return {
    id: `stack ${instance.id}`,
    column: 4,
    row,
    title: instance.id,
    lines: [owner === '' ? 'own stack' : owner, state],
    tone: STATE_TONES[state],
    mark: STATE_MARKS[state],
    detail: `stack ${instance.id}${instance.executable === '' ? '' : `, ${instance.executable}`}${instance.pid === 0 ? '' : `, process ${String(instance.pid)}`}: ${state}${instance.endOfFile ? ', its channel has ended' : ''}. ${plural(instance.rules, 'rule')}, ${plural(instance.reservations, 'reservation')}.${held}${memory}${why}`,
  };
}

/** The node that an arrow key leads to from another one; itself where there is none. */
export function neighbour(graph: Graph, id: string, key: string): string {
  const from = graph.nodes.find((n) => n.id === id);
  if (from === undefined) return graph.nodes[0]?.id ?? id;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
  const distance = (n: GraphNode): number => Math.abs(n.row - from.row);
  if (by !== undefined) {
    for (let column = from.column + by; column >= 0 && column < COLUMNS; column += by) {
      const there = graph.nodes.filter((n) => n.column === column).toSorted((a, b) => distance(a) - distance(b));
      if (there[0] !== undefined) return there[0].id;
    }
    return id;
  }
  const column = graph.nodes.filter((n) => n.column === from.column).toSorted((a, b) => a.row - b.row);
  const at = column.findIndex((n) => n.id === id);
  return column[key === 'ArrowUp' ? Math.max(0, at - 1) : Math.min(column.length - 1, at + 1)]?.id ?? id;
}
