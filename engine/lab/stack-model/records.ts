import type { StackTopology, StackTraffic } from '../../contract/index.ts';
import { filterStats, statRecords, type AdvisoryTable, type StatFilter, type StatRecord } from '../../stack/index.ts';
import type { Pipeline } from '../pipeline.ts';
import type { StackModel } from './model.ts';
import { protocolRecords, protocolTables, type PortOwner } from './protocol-records.ts';
import { advisoryEntries, stackModels, stackTopology, workerCounters } from './view.ts';

/** The device's own objects belong to the netif nexus, the others to the flow switch. */
const NETIF = 'netif';
const FSW = 'fsw';

/** Everything that is counted, as flat records (S-10), queue by queue, with the flow switch's flows behind. */
export function stackRecords(pipeline: Pipeline): StatRecord[] {
  const topology = stackTopology(pipeline, 0);
  const { pidOf, ownerOf } = ownersOf(topology);
  const counters = pipeline.statistics().map((record) => {
    const port = record.object.split('.')[0]!;
    const nexus = port === 'device' ? NETIF : FSW;
    return { ...record, nexus, ...pidOf(port) };
  });
  const owners = topology.instances.flatMap((i) =>
    statRecords(
      'flow-owner',
      i.id,
      {
        rules: i.rules,
        reservations: i.reservations,
        held_back: i.heldBack,
        mapped_bytes: i.mappedBytes,
        redirected_bytes: i.redirectedBytes,
      },
      { nexus: FSW, ...(i.pid === 0 ? {} : { pid: i.pid }) },
    ),
  );
  const flows = flowRecords(pipeline, pidOf);
  return [...counters, ...owners, ...modelRecords(pipeline), ...flows, ...protocolRecords(pipeline, ownerOf)];
}

/** The tables of S-10 that are made of flows: protocols by stack, routes, logical links. */
export function stackTraffic(pipeline: Pipeline): StackTraffic {
  pipeline.flows.refresh();
  return protocolTables(pipeline, ownersOf(stackTopology(pipeline, 0)).ownerOf);
}

/** Who has a port now. */
function ownersOf({ instances }: StackTopology): { pidOf: (port: string) => { pid?: number }; ownerOf: (port: string) => PortOwner } {
  const running = (port: string) => instances.find((i) => i.port === port && i.state === 'running');
  const pidOf = (port: string): { pid?: number } => {
    const pid = running(port)?.pid ?? 0;
    return pid === 0 ? {} : { pid };
  };
  return { pidOf, ownerOf: (port) => ({ id: running(port)?.id ?? port, ...pidOf(port) }) };
}

function modelRecords(pipeline: Pipeline): StatRecord[] {
  const models = stackModels(pipeline);
  if (models.length === 0) return [];
  const topology = stackTopology(pipeline, 0);
  const caches = models
    .flatMap(({ pools }) => pools)
    .flatMap(({ cache }) => {
      const { name, cpus, ...rest } = cache.stats();
      return statRecords('cache', name, { ...rest, cpus: cpus.length }, { nexus: name.startsWith('device.') ? NETIF : FSW });
    });
  return [
    ...topology.classQueues.flatMap(({ trafficClass, mode: _, ...rest }) =>
      statRecords('queue', `classq.${trafficClass}`, rest, { nexus: NETIF }),
    ),
    ...caches,
    ...topology.faults.flatMap((f) => statRecords('fault', f.id, { asked: f.asked, injected: f.injected }, { nexus: FSW })),
    ...advisoryTables(models),
    ...statRecords('worker', 'fsw.worker', workerCounters(models), { nexus: FSW }),
    ...statRecords(
      'user-pool',
      'fsw.user-pool',
      {
        out: models.reduce((n, { userPool }) => n + userPool.out, 0),
        refused: models.reduce((n, { userPool }) => n + userPool.refused, 0),
        released: pipeline.arenas.reduce((n, arena) => n + arena.released, 0),
      },
      { nexus: FSW },
    ),
  ];
}

/** The advisory tables of all queues: how full they are, and how many flows found no entry (S-07). */
function advisoryTables(models: readonly StackModel[]): StatRecord[] {
  const tables = models.flatMap(({ classQueues }) => classQueues?.advisory ?? []);
  if (tables.length === 0) return [];
  const sum = (of: (table: AdvisoryTable) => number): number => tables.reduce((n, table) => n + of(table), 0);
  const counters = {
    entries: sum((t) => t.entries),
    used: sum((t) => t.used),
    full: sum((t) => t.full),
    suspensions: sum((t) => t.suspensions),
    resumptions: sum((t) => t.resumptions),
  };
  return statRecords('flow-advisory', 'fsw.flow-advisory', counters, { nexus: FSW });
}

function flowRecords(pipeline: Pipeline, pidOf: (port: string) => { pid?: number }): StatRecord[] {
  const { flows } = pipeline;
  flows.refresh();
  const advisory = advisoryEntries(pipeline);
  const out: StatRecord[] = [];
  for (let id = 0; id < flows.count; id++) {
    const row = flows.row(id);
    if (row === undefined) continue;
    const about = { nexus: FSW, flow: id, tuple: flowTuple(row), ...pidOf(row.port) };
    const object = `flow.${String(id)}`;
    out.push(
      ...statRecords(
        'flow',
        object,
        {
          packets_forward: row.packetsForward,
          packets_backward: row.packetsBackward,
          bytes: row.bytes,
          drops: row.drops,
          first_ns: row.firstNs,
          last_ns: row.lastNs,
        },
        about,
      ),
    );
    const entry = advisory.get(id);
    if (entry === undefined) continue;
    const counters = { suspended: entry.suspended ? 1 : 0, ce_count: entry.ceCount, packet_count: entry.packetCount };
    out.push(...statRecords('flow-advisory', object, counters, about));
  }
  return out;
}

/** A flow's addresses and ports in one word, the side that was seen first in front. */
export function flowTuple(row: {
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  protocol: string;
}): string {
  const end = (address: string, port: number): string =>
    address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
  return `${row.protocol.toLowerCase()} ${end(row.source, row.sourcePort)} ${end(row.destination, row.destinationPort)}`;
}

/** Records that a filter lets through. */
export function stackStatistics(pipeline: Pipeline, filter: StatFilter): StatRecord[] {
  return filterStats(stackRecords(pipeline), filter);
}
