import type {
  ArenaRegionRow,
  ClassQueueRow,
  Scenario,
  StackArena,
  StackInstanceRow,
  StackPort,
  StackTopology,
} from '../../contract/index.ts';
import {
  SEGMENT_BYTES,
  TRAFFIC_CLASS_ORDER,
  histogramPercentile,
  type InstalledFlow,
  type PortBinding,
  type Reservation,
} from '../../stack/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { Pipeline } from '../pipeline.ts';
import type { PortCounters } from '../port-queue.ts';
import type { QueueWorld } from '../world.ts';
import type { EventRecord, StackInstance } from './control.ts';
import type { StackModel } from './model.ts';

/** The pipeline as the Stack panel shows it. A scenario without a `stack` section has ports and one instance for each, and no more. */

/** The stack model of a pipeline; undefined for a scenario without a `stack` section. */
export function stackModelOf(pipeline: Pipeline): StackModel | undefined {
  return pipeline.worlds[0]?.model ?? undefined;
}

export function stackTopology(pipeline: Pipeline, tNs: number): StackTopology {
  const { scenario, worlds } = pipeline;
  const model = stackModelOf(pipeline);
  const sum = (pick: (world: QueueWorld) => number): number => worlds.reduce((n, world) => n + pick(world), 0);
  const control = model?.control;
  return {
    tNs,
    modelled: model !== undefined,
    nexus: {
      activeFlows: sum((w) => w.fsw.active),
      maxFlows: scenario.flowSwitch.maxFlows,
      rules: control?.nexus.flows.length ?? 0,
      reservations: control?.nexus.netns.size ?? 0,
      switched: sum((w) => w.deviceRx.dequeued + w.ports.reduce((n, p) => n + p.tx.dequeued, 0)),
      queues: worlds.length,
    },
    device: {
      packetsIn: sum((w) => w.packets - w.sentPackets),
      sent: sum((w) => w.device.delivered),
      dropped: sum((w) => w.device.dropped),
      rxUsed: sum((w) => w.deviceRx.used),
      rxSlots: sum((w) => w.deviceRx.slots),
      txUsed: sum((w) => w.deviceTx.used),
      txSlots: sum((w) => w.deviceTx.slots),
      poolUsed: sum((w) => w.devicePool.used),
      poolPackets: sum((w) => w.devicePool.packets),
    },
    ports: scenario.ports.map((_, place) => portRow(pipeline, model, place)),
    instances: control === undefined ? impliedInstances(scenario) : control.instances.map((i) => instanceRow(scenario, model!, i)),
    rules: model === undefined ? [] : ruleRows(scenario, model),
    reservations: (control?.nexus.netns.list() ?? []).map((r) => ({ owner: r.owner, text: reservationText(r) })),
    classQueues: classQueueRows(model),
    faults: model?.faults.states() ?? [],
    events: (control?.events ?? []).map(({ atNs, what, outcome, ...rest }) => ({
      atNs,
      what,
      outcome,
      text: eventOutcome({ outcome, ...rest }),
    })),
    worker: { ...(model?.counters ?? {}) },
  };
}

function portRow(pipeline: Pipeline, model: StackModel | undefined, place: number): StackPort {
  const spec = pipeline.scenario.ports[place]!;
  const queues = pipeline.worlds.map((w) => w.ports[place]!);
  const sum = (pick: (port: (typeof queues)[number]) => number): number => queues.reduce((n, q) => n + pick(q), 0);
  const counters = (pick: (c: PortCounters) => number): number => sum((q) => pick(q.counters));
  const number = queues[0]?.number ?? 0;
  const nexusPort = model?.control.nexus.port(number);
  return {
    id: spec.id,
    number,
    kind: spec.kind,
    open: spec.kind !== 'user' || nexusPort === undefined || nexusPort.channel !== null,
    binding: bindingText(nexusPort?.binding ?? null),
    packetsIn: counters((c) => c.packetsIn),
    delivered: counters((c) => c.delivered),
    dropped: counters((c) => c.dropped),
    rxUsed: sum((q) => q.rx.used),
    rxSlots: sum((q) => q.rx.slots),
    txUsed: sum((q) => q.tx.used),
    txSlots: sum((q) => q.tx.slots),
    poolUsed: sum((q) => q.pool.used),
    poolPackets: sum((q) => q.pool.packets),
  };
}

/** Without a `stack` section every port has its stack, and it runs. */
function impliedInstances(scenario: Scenario): StackInstanceRow[] {
  return scenario.ports.map((port) => ({
    id: port.kind === 'host' ? 'bsd' : port.id,
    port: port.id,
    pid: 0,
    executable: port.kind === 'host' ? 'kernel' : '',
    state: 'running',
    refusal: '',
    endOfFile: false,
    rules: 0,
    reservations: 0,
    heldBack: 0,
    mappedBytes: 0,
    redirectedBytes: 0,
  }));
}

function instanceRow(scenario: Scenario, model: StackModel, instance: StackInstance): StackInstanceRow {
  const { nexus } = model.control;
  const regions = instance.map?.regions ?? [];
  const bytes = (redirected: boolean): number =>
    regions.reduce((n, r) => n + ((r.state === 'redirected') === redirected ? r.lenBytes : 0), 0);
  const running = instance.state === 'running';
  return {
    id: instance.id,
    port: scenario.ports[instance.place]!.id,
    pid: instance.pid,
    executable: instance.executable,
    state: instance.state,
    refusal: instance.refusal,
    endOfFile: instance.endOfFile,
    rules: nexus.flows.filter((f) => f.owner === instance.id).length,
    reservations: nexus.netns.list().filter((r) => r.owner === instance.id).length,
    heldBack: running ? model.heldBack.list().reduce((n, h) => n + (h.place === instance.place ? h.slots.length : 0), 0) : 0,
    mappedBytes: bytes(false),
    redirectedBytes: bytes(true),
  };
}

function ruleRows(scenario: Scenario, model: StackModel): StackTopology['rules'] {
  const { control } = model;
  const installed = control.nexus.flows.map((flow) => ({
    name: control.flowName(flow),
    instance: flow.owner,
    text: ruleText(flow),
    installed: true,
    reason: '',
  }));
  const refused = [...control.refusals].map(([name, reason]) => ({
    name,
    instance: scenario.stack?.flows.find((f) => f.id === name)?.instance ?? '',
    text: '',
    installed: false,
    reason,
  }));
  return [...installed, ...refused];
}

function classQueueRows(model: StackModel | undefined): ClassQueueRow[] {
  const queues = model?.classQueues;
  if (queues === undefined || queues === null) return [];
  return queues.queues.map((q, place) => {
    const delays = queues.sojourn[place]!;
    const delayMaxNs = queues.maxSojournNs[place]!;
    return {
      trafficClass: TRAFFIC_CLASS_ORDER[place]!,
      mode: q.spec.mode,
      packets: q.packets,
      bytes: q.bytes,
      highWater: q.highWater,
      enqueued: q.enqueued,
      dequeued: q.dequeued,
      marked: q.marked,
      spared: q.spared,
      droppedCodel: q.droppedCodel,
      droppedOverload: q.droppedOverload,
      droppedTail: q.droppedTail,
      delayP50Ns: histogramPercentile(delays, 50, delayMaxNs),
      delayP99Ns: histogramPercentile(delays, 99, delayMaxNs),
      delayMaxNs,
    };
  });
}

/** Regions of the arena, and the buffer regions behind the caches, which hold no copy of the bytes. */
export function stackArena(pipeline: Pipeline, tNs: number): StackArena {
  const { arena } = pipeline;
  const model = stackModelOf(pipeline);
  const regions: ArenaRegionRow[] = arena.regions.map((r) => ({
    kind: r.kind,
    owner: r.owner,
    bytes: r.lenBytes,
    segments: r.segments,
    mapped: r.state === 'mapped' ? r.segments : 0,
    wired: r.state === 'wired' ? r.segments : 0,
    redirected: 0,
    backed: true,
  }));
  for (const instance of model?.control.instances ?? []) {
    for (const r of instance.map?.regions ?? []) {
      if (r.state !== 'redirected') continue;
      const owner = `${pipeline.scenario.ports[instance.place]!.id} (${instance.id})`;
      regions.push({
        kind: r.kind,
        owner,
        bytes: r.lenBytes,
        segments: r.segments,
        mapped: 0,
        wired: 0,
        redirected: r.segments,
        backed: false,
      });
    }
  }
  const caches = model?.pools.map((pool) => pool.cache) ?? [];
  for (const cache of caches) {
    const { name, slabs, slabsActive } = cache.stats();
    regions.push({
      kind: 'buffers',
      owner: name,
      bytes: slabs * SEGMENT_BYTES,
      segments: slabs,
      mapped: 0,
      wired: slabsActive,
      redirected: 0,
      backed: false,
    });
  }
  const { capacityBytes, usedBytes } = arena.stats();
  const rows = caches.map((cache) => {
    const { cpus, ...rest } = cache.stats();
    return { ...rest, cpus: [...cpus], rounds: cache.spec.rounds };
  });
  return { tNs, capacityBytes, usedBytes, segmentBytes: SEGMENT_BYTES, regions, caches: rows };
}

function bindingText(binding: PortBinding | null): string {
  if (binding === null) return '';
  const parts = [
    binding.pid === undefined ? '' : `process ${String(binding.pid)}`,
    binding.executable ?? '',
    binding.key === undefined ? '' : 'with a key',
  ];
  return parts.filter((p) => p !== '').join(', ');
}

/** Key words as an address. */
function addressText(words: readonly number[], version: 4 | 6): string {
  if (version === 4) return formatIpv4U32(words[0]! >>> 0);
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = words[i >>> 2]! >>> (24 - 8 * (i & 3));
  return formatIpv6(bytes, 0);
}

function ruleText({ pattern }: InstalledFlow): string {
  const { ipVersion, localAddress, remoteAddress } = pattern;
  const local = localAddress === undefined ? '*' : addressText(localAddress, ipVersion);
  const protocol = pattern.protocol === 6 ? 'tcp' : 'udp';
  const remote =
    remoteAddress === undefined ? '' : ` from ${addressText(remoteAddress, ipVersion)} port ${String(pattern.remotePort ?? '*')}`;
  return `IPv${String(ipVersion)} ${protocol} ${local} port ${String(pattern.localPort ?? '*')}${remote}`;
}

function reservationText(r: Reservation): string {
  const family = r.family === undefined ? 'IPv4 and IPv6' : `IPv${String(r.family)}`;
  const words = r.address?.split('.').map(Number);
  const address = words === undefined ? '*' : addressText(words, r.family ?? 4);
  return `${r.protocol} port ${String(r.localPort)}, ${family} ${address}, ${r.use ?? 'listener'}`;
}

/** What came of an event, in words. */
export function eventOutcome({ outcome, text, figures }: Pick<EventRecord, 'outcome' | 'text' | 'figures'>): string {
  if (outcome !== 'done') return text;
  const parts = [
    figures.purged < 0 ? '' : `${String(figures.purged)} packets purged`,
    figures.freed < 0 ? '' : `${String(figures.freed)} segments given back`,
    figures.moved < 0 ? '' : `${String(figures.moved)} flows moved`,
  ];
  return parts.filter((p) => p !== '').join(', ');
}
