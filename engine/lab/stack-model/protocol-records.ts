import type { FlowRow, StackTraffic } from '../../contract/index.ts';
import { statRecords, type StatRecord } from '../../stack/index.ts';
import type { Pipeline } from '../pipeline.ts';

/**
 * What the stacks behind the ports have seen, as a MIB of each would say (S-10): IP, IPv6, TCP, UDP and QUIC of every stack instance, the
 * flow routes, and the logical links. All of it is counted from flow entries that the switch keeps anyway.
 *
 * "Out" is what this machine sent (`device.local`); everything else came in. A stack is asked for by the port of its flows.
 */
const NEXUS = 'fsw';

/** Routes listed; flows beyond are added up in one record, `route.others`. */
export const MAX_FLOW_ROUTES = 4_096;

/** Routes in a table for people: those with the most bytes. */
const MAX_SHOWN_ROUTES = 32;

/** HTTP/3 (RFC 9114): without a look into the packets the port is all that tells QUIC from other UDP. */
const QUIC_PORT = 443;

const TABLES = ['ip', 'ip6', 'tcp', 'udp', 'quic'] as const;
type Table = (typeof TABLES)[number];

/** A row of the flow list with what that does not show. */
type CountedFlow = FlowRow & { readonly bytesForward: number };

/** Who owns the flows of a port: name for the records, and process where there is one. */
export interface PortOwner {
  readonly id: string;
  readonly pid?: number;
}

class Traffic {
  flows = 0;
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  drops = 0;

  /** `sent`: see FlowList.sentHere. */
  add(row: CountedFlow, sent: number): void {
    const forwardOut = (sent & 1) !== 0;
    const backwardOut = (sent & 2) !== 0;
    this.flows++;
    this.packetsOut += (forwardOut ? row.packetsForward : 0) + (backwardOut ? row.packetsBackward : 0);
    this.packetsIn += (forwardOut ? 0 : row.packetsForward) + (backwardOut ? 0 : row.packetsBackward);
    this.bytesOut += (forwardOut ? row.bytesForward : 0) + (backwardOut ? row.bytes - row.bytesForward : 0);
    this.bytesIn += (forwardOut ? 0 : row.bytesForward) + (backwardOut ? 0 : row.bytes - row.bytesForward);
    this.drops += row.drops;
  }

  figures(): Pick<Traffic, 'flows' | 'packetsIn' | 'packetsOut' | 'bytesIn' | 'bytesOut' | 'drops'> {
    const { flows, packetsIn, packetsOut, bytesIn, bytesOut, drops } = this;
    return { flows, packetsIn, packetsOut, bytesIn, bytesOut, drops };
  }

  counters(): Record<string, number> {
    const { flows, packetsIn, packetsOut, bytesIn, bytesOut, drops } = this;
    return { flows, packets_in: packetsIn, packets_out: packetsOut, bytes_in: bytesIn, bytes_out: bytesOut, drops };
  }
}

/** TCP connections by what became of them. */
class Connections {
  opening = 0;
  established = 0;
  closing = 0;
  closed = 0;
  outside = 0;

  add(state: string, outside: number): void {
    this.outside += outside;
    const ends = state.split('/');
    if (ends.every((end) => end === 'ESTABLISHED')) this.established++;
    else if (ends.every((end) => end === 'CLOSED' || end === 'TIME-WAIT')) this.closed++;
    else if (ends.some((end) => end.startsWith('SYN') || end === 'LISTEN')) this.opening++;
    else this.closing++;
  }

  figures(): NonNullable<StackTraffic['protocols'][number]['connections']> {
    const { opening, established, closing, closed, outside } = this;
    return { opening, established, closing, closed, outsideWindow: outside };
  }

  counters(): Record<string, number> {
    const { opening, established, closing, closed, outside } = this;
    return { opening, established, closing, closed, outside_window: outside };
  }
}

class StackCounters {
  readonly traffic = new Map<Table, Traffic>(TABLES.map((table) => [table, new Traffic()]));
  readonly connections = new Connections();

  add(row: CountedFlow, sent: number, outside: number): void {
    if (row.ipVersion !== 0) this.traffic.get(row.ipVersion === 4 ? 'ip' : 'ip6')!.add(row, sent);
    const protocol = row.protocol.toLowerCase();
    if (protocol === 'tcp') {
      this.traffic.get('tcp')!.add(row, sent);
      this.connections.add(row.tcpState, outside);
    } else if (protocol === 'udp') {
      this.traffic.get('udp')!.add(row, sent);
      if (row.sourcePort === QUIC_PORT || row.destinationPort === QUIC_PORT) this.traffic.get('quic')!.add(row, sent);
    }
  }
}

interface Route {
  /** Address of this machine, or of the flow's receiver. */
  readonly here: string;
  readonly there: string;
  readonly traffic: Traffic;
}

interface Stack {
  readonly owner: PortOwner;
  readonly counters: StackCounters;
}

/** What all flows come to, counted once for records and tables. */
interface Counted {
  readonly stacks: readonly Stack[];
  readonly routes: readonly Route[];
  /** Flows of routes beyond the limit. */
  readonly others: Traffic;
}

function countFlows({ flows }: Pipeline, ownerOf: (port: string) => PortOwner): Counted {
  const stacks = new Map<string, Stack>();
  const routes = new Map<string, Route>();
  const others = new Traffic();
  for (let id = 0; id < flows.count; id++) {
    const shown = flows.row(id);
    // A flow that the switch has not looked up yet belongs to no stack.
    if (shown === undefined || shown.port === '') continue;
    const row = { ...shown, bytesForward: flows.bytesForward(id) };
    const sent = flows.sentHere(id);
    const owner = ownerOf(row.port);
    let stack = stacks.get(owner.id);
    if (stack === undefined) stacks.set(owner.id, (stack = { owner, counters: new StackCounters() }));
    stack.counters.add(row, sent, flows.outsideWindow(id));
    if (row.ipVersion !== 0) routeOf(routes, row, sent, others).add(row, sent);
  }
  return { stacks: [...stacks.values()], routes: [...routes.values()], others };
}

/** The tables of all stacks, routes and links. `ownerOf` names the stack that has a port now. */
export function protocolRecords(pipeline: Pipeline, ownerOf: (port: string) => PortOwner): StatRecord[] {
  const { stacks, routes, others } = countFlows(pipeline, ownerOf);
  return [
    ...stacks.flatMap(({ owner, counters }) => stackTables(owner, counters)),
    ...routes.flatMap(({ here, there, traffic }, i) =>
      statRecords('flow-route', `route.${String(i)}`, traffic.counters(), { nexus: NEXUS, tuple: `${here} ${there}` }),
    ),
    ...(others.flows === 0 ? [] : statRecords('flow-route', 'route.others', others.counters(), { nexus: NEXUS })),
    ...linkRecords(pipeline),
  ];
}

/** The same as tables for a panel or a report, with the routes that carried most. */
export function protocolTables(pipeline: Pipeline, ownerOf: (port: string) => PortOwner): StackTraffic {
  const { stacks, routes } = countFlows(pipeline, ownerOf);
  const bytesOf = ({ traffic }: Route): number => traffic.bytesIn + traffic.bytesOut;
  return {
    protocols: stacks.flatMap(({ owner, counters: { traffic, connections } }) =>
      TABLES.filter((table) => traffic.get(table)!.flows > 0).map((table) => ({
        stack: owner.id,
        table,
        ...traffic.get(table)!.figures(),
        connections: table === 'tcp' ? connections.figures() : null,
      })),
    ),
    routes: {
      total: routes.length,
      rows: [...routes]
        .sort((a, b) => bytesOf(b) - bytesOf(a))
        .slice(0, MAX_SHOWN_ROUTES)
        .map(({ here, there, traffic }) => ({ here, there, ...traffic.figures() })),
    },
    links: linkFigures(pipeline),
  };
}

function stackTables({ id, pid }: PortOwner, { traffic, connections }: StackCounters): StatRecord[] {
  const about = { nexus: NEXUS, ...(pid === undefined ? {} : { pid }) };
  return TABLES.flatMap((table) => {
    const counted = traffic.get(table)!;
    if (counted.flows === 0) return [];
    const more = table === 'tcp' ? connections.counters() : {};
    return statRecords(table, id, { ...counted.counters(), ...more }, about);
  });
}

/** A route is a pair of addresses, this machine's first where one is its own; without local prefixes that of the flow's receiver. */
function routeOf(routes: Map<string, Route>, row: FlowRow, sent: number, others: Traffic): Traffic {
  const localFirst = (sent & 1) !== 0;
  const [here, there] = localFirst ? [row.source, row.destination] : [row.destination, row.source];
  const text = `${here} ${there}`;
  const known = routes.get(text);
  if (known !== undefined) return known.traffic;
  if (routes.size >= MAX_FLOW_ROUTES) return others;
  const route = { here, there, traffic: new Traffic() };
  routes.set(text, route);
  return route.traffic;
}

/** Each device queue is a logical link of the network interface: a pair of device rings with the class queues before them. */
function linkFigures({ worlds, scenario }: Pipeline): StackTraffic['links'] {
  return worlds.map((world) => ({
    id: `llink.${String(world.queue)}`,
    rxPackets: world.packets - world.sentPackets,
    rxBytes: world.bytes - world.sentBytes,
    rxRingDrops: world.deviceRx.drops,
    txPackets: world.deviceTx.dequeued,
    txOfferedBytes: world.deviceTxBytes,
    txRingDrops: world.deviceTx.drops,
    txQueued: world.deviceTx.used + (world.model?.classQueues?.packets ?? 0),
    linkBps: scenario.device.linkBps,
  }));
}

function linkRecords(pipeline: Pipeline): StatRecord[] {
  return linkFigures(pipeline).flatMap(({ id, ...link }) =>
    statRecords(
      'logical-link',
      id,
      {
        rx_packets: link.rxPackets,
        rx_bytes: link.rxBytes,
        rx_ring_drops: link.rxRingDrops,
        tx_packets: link.txPackets,
        tx_offered_bytes: link.txOfferedBytes,
        tx_ring_drops: link.txRingDrops,
        tx_queued: link.txQueued,
        link_bps: link.linkBps,
      },
      { nexus: 'netif' },
    ),
  );
}
