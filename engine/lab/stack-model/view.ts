import type { ClassQueueRow, Scenario, StackInstanceRow, StackPort, StackTopology } from '../../contract/index.ts';
import {
  HISTOGRAM_BUCKETS,
  TRAFFIC_CLASS_ORDER,
  histogramPercentile,
  type AdvisoryEntry,
  type InstalledFlow,
  type PortBinding,
  type Reservation,
} from '../../stack/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { Pipeline } from '../pipeline.ts';
import type { PortCounters } from '../port-queue.ts';
import type { QueueWorld } from '../world.ts';
import type { EventFigures, EventRecord } from './control.ts';
import type { StackModel } from './model.ts';

/** The pipeline as the Stack panel shows it. A scenario without a `stack` section has ports and one instance for each, and no more. */

/** The stack model of each device queue; none for a scenario without a `stack` section. */
export function stackModels(pipeline: Pipeline): StackModel[] {
  return pipeline.worlds.flatMap(({ model }) => model ?? []);
}

/** Entries of the flow advisory tables by the flow's number in the flow list, which must be fresh. */
export function advisoryEntries(pipeline: Pipeline): Map<number, AdvisoryEntry> {
  const entries = new Map<number, AdvisoryEntry>();
  pipeline.worlds.forEach(({ model }, place) => {
    const list = model?.classQueues?.advisory?.list() ?? [];
    if (list.length === 0) return;
    const numbers = pipeline.flows.numbersOf(place);
    for (const entry of list) entries.set(numbers[entry.flow]!, entry);
  });
  return entries;
}

export function stackTopology(pipeline: Pipeline, tNs: number): StackTopology {
  const { scenario, worlds } = pipeline;
  const models = stackModels(pipeline);
  const modelled = models.length > 0;
  const sum = (pick: (world: QueueWorld) => number): number => worlds.reduce((n, world) => n + pick(world), 0);
  const rules = ruleRows(scenario, models);
  const reservations = distinct(
    models.flatMap(({ control }) => control.nexus.netns.list().map((r) => ({ owner: r.owner, text: reservationText(r) }))),
  );
  return {
    tNs,
    modelled,
    nexus: {
      activeFlows: sum((w) => w.fsw.active),
      maxFlows: scenario.flowSwitch.maxFlows,
      rules: rules.filter((rule) => rule.installed).length,
      reservations: reservations.length,
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
    ports: scenario.ports.map((_, place) => portRow(pipeline, models, place)),
    instances: modelled
      ? models[0]!.control.instances.map((_, i) => instanceRow(scenario, models, i))
      : impliedInstances(scenario, worlds.length),
    rules,
    reservations,
    classQueues: classQueueRows(models),
    faults: faultRows(models),
    events: eventRows(models),
    worker: workerCounters(models),
  };
}

/** Entries of several queues, each once. */
function distinct<T>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
}

/** What the workers of all queues have done. */
export function workerCounters(models: readonly StackModel[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { counters } of models) for (const [name, n] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + n;
  return sum;
}

function faultRows(models: readonly StackModel[]): StackTopology['faults'] {
  const states = models.map(({ faults }) => faults.states());
  return (states[0] ?? []).map((first, i) => ({
    ...first,
    asked: states.reduce((n, list) => n + list[i]!.asked, 0),
    injected: states.reduce((n, list) => n + list[i]!.injected, 0),
  }));
}

function portRow(pipeline: Pipeline, models: readonly StackModel[], place: number): StackPort {
  const spec = pipeline.scenario.ports[place]!;
  const queues = pipeline.worlds.map((w) => w.ports[place]!);
  const sum = (pick: (port: (typeof queues)[number]) => number): number => queues.reduce((n, q) => n + pick(q), 0);
  const counters = (pick: (c: PortCounters) => number): number => sum((q) => pick(q.counters));
  const number = queues[0]?.number ?? 0;
  const nexusPorts = models.flatMap(({ control }) => control.nexus.port(number) ?? []);
  return {
    id: spec.id,
    number,
    kind: spec.kind,
    open: spec.kind !== 'user' || nexusPorts.length === 0 || nexusPorts.some(({ channel }) => channel !== null),
    binding: bindingText(nexusPorts[0]?.binding ?? null),
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

/** Without a `stack` section every port but those that make packets has its stack, and it runs. */
function impliedInstances(scenario: Scenario, queues: number): StackInstanceRow[] {
  const ports = scenario.ports.filter(({ kind }) => kind === 'host' || kind === 'user');
  return ports.map((port) => ({
    id: port.kind === 'host' ? 'bsd' : port.id,
    port: port.id,
    pid: 0,
    executable: port.kind === 'host' ? 'kernel' : '',
    state: 'running',
    queues,
    refusal: '',
    endOfFile: false,
    rules: 0,
    reservations: 0,
    heldBack: 0,
    mappedBytes: 0,
    redirectedBytes: 0,
  }));
}

/** An instance in all queues: the state that it has in one of them is running, if it has that in any. */
function instanceRow(scenario: Scenario, models: readonly StackModel[], index: number): StackInstanceRow {
  const each = models.map((model) => model.control.instances[index]!);
  const running = models.filter((_, i) => each[i]!.state === 'running');
  const lead = each.find(({ state }) => state === 'running') ?? each[0]!;
  const { nexus } = (running[0] ?? models[0]!).control;
  const bytes = (redirected: boolean): number =>
    each.flatMap(({ map }) => map?.regions ?? []).reduce((n, r) => n + ((r.state === 'redirected') === redirected ? r.lenBytes : 0), 0);
  const heldBack = running.flatMap((model) => model.heldBack.list()).filter(({ place }) => place === lead.place);
  return {
    id: lead.id,
    port: scenario.ports[lead.place]!.id,
    pid: lead.pid,
    executable: lead.executable,
    state: lead.state,
    queues: running.length,
    refusal: lead.refusal,
    endOfFile: lead.endOfFile,
    rules: nexus.flows.filter((f) => f.owner === lead.id).length,
    reservations: nexus.netns.list().filter((r) => r.owner === lead.id).length,
    heldBack: heldBack.reduce((n, { slots }) => n + slots.length, 0),
    mappedBytes: bytes(false),
    redirectedBytes: bytes(true),
  };
}

/** Flows as they are in any of the queues; one that is refused is so in all of them. */
function ruleRows(scenario: Scenario, models: readonly StackModel[]): StackTopology['rules'] {
  const installed = models.flatMap(({ control }) =>
    control.nexus.flows.map((flow) => ({
      name: control.flowName(flow),
      instance: flow.owner,
      text: ruleText(flow),
      installed: true,
      reason: '',
    })),
  );
  const refused = [...(models[0]?.control.refusals ?? [])].map(([name, reason]) => ({
    name,
    instance: scenario.stack?.flows.find((f) => f.id === name)?.instance ?? '',
    text: '',
    installed: false,
    reason,
  }));
  return distinct([...installed, ...refused]);
}

/** Events of the scenario, each with what it did in all queues, then what the workers of the queues did by themselves. */
function eventRows(models: readonly StackModel[]): StackTopology['events'] {
  const [first] = models;
  if (first === undefined) return [];
  const { specs } = first.control;
  const rows = specs.map((_, i) => {
    const each = models.map(({ control }) => control.events[i]!);
    const { atNs, what } = each[0]!;
    const lead =
      (['done', 'refused', 'skipped'] as const).map((outcome) => each.find((e) => e.outcome === outcome)).find(Boolean) ?? each[0]!;
    const alike = each.filter(({ outcome }) => outcome === lead.outcome);
    const where = alike.length === each.length ? '' : `in ${String(alike.length)} of ${String(each.length)} queues`;
    const text = eventOutcome({ ...lead, figures: sumFigures(alike.map(({ figures }) => figures)) });
    return { atNs, what, outcome: lead.outcome, text: [text, where].filter((part) => part !== '').join(', ') };
  });
  const own = models.flatMap(({ control }, queue) =>
    control.events.slice(specs.length).map(({ atNs, what, ...rest }) => ({
      atNs,
      what: models.length === 1 ? what : `${what} (queue ${String(queue)})`,
      outcome: rest.outcome,
      text: eventOutcome(rest),
    })),
  );
  return [...rows, ...own.sort((a, b) => a.atNs - b.atNs)];
}

function sumFigures(each: readonly EventFigures[]): EventFigures {
  const sum = (pick: (figures: EventFigures) => number): number =>
    each.some((figures) => pick(figures) >= 0) ? each.reduce((n, figures) => n + Math.max(0, pick(figures)), 0) : -1;
  return { purged: sum((f) => f.purged), freed: sum((f) => f.freed), moved: sum((f) => f.moved) };
}

/** The class queues of all device queues, by traffic class. */
function classQueueRows(models: readonly StackModel[]): ClassQueueRow[] {
  const all = models.flatMap(({ classQueues }) => classQueues ?? []);
  const [first] = all;
  if (first === undefined) return [];
  return first.queues.map((q, place) => {
    const sum = (pick: (queue: typeof q) => number): number => all.reduce((n, each) => n + pick(each.queues[place]!), 0);
    const delays = new Uint32Array(HISTOGRAM_BUCKETS);
    for (const { sojourn } of all) sojourn[place]!.forEach((n, bucket) => (delays[bucket]! += n));
    const delayMaxNs = Math.max(...all.map(({ maxSojournNs }) => maxSojournNs[place]!));
    return {
      trafficClass: TRAFFIC_CLASS_ORDER[place]!,
      mode: q.spec.mode,
      packets: sum((c) => c.packets),
      bytes: sum((c) => c.bytes),
      highWater: Math.max(...all.map(({ queues }) => queues[place]!.highWater)),
      enqueued: sum((c) => c.enqueued),
      dequeued: sum((c) => c.dequeued),
      marked: sum((c) => c.marked),
      spared: sum((c) => c.spared),
      droppedCodel: sum((c) => c.droppedCodel),
      droppedOverload: sum((c) => c.droppedOverload),
      droppedTail: sum((c) => c.droppedTail),
      delayP50Ns: histogramPercentile(delays, 50, delayMaxNs),
      delayP99Ns: histogramPercentile(delays, 99, delayMaxNs),
      delayMaxNs,
    };
  });
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
