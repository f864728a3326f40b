import type { Scenario, StackEventSpec, StackFlowSpec, StackSection } from '../../contract/index.ts';
import { ChannelMap, META_WORDS, Nexus, type Arena, type FlowPattern, type InstalledFlow, type Ladder } from '../../stack/index.ts';
import { parseIpv4U32, parseIpv6 } from '../../wire/index.ts';

/**
 * The control plane of a scenario with a `stack` section: the nexus with its ports, the stack instances that open channels on them, the
 * flows they install, and the events that change all that. It knows nothing of packets: what a change does to them is in `effects`.
 */
export interface StackInstance {
  readonly id: string;
  /** Place of its port in the scenario. */
  readonly place: number;
  /** Number of its port on the flow switch. */
  readonly number: number;
  /** 0 for the kernel and for an instance that the scenario does not name. */
  readonly pid: number;
  readonly executable: string;
  readonly key: string | undefined;
  state: 'closed' | 'running' | 'refused' | 'defunct';
  /** Which opening of a channel this is, counted from 1 over the run; 0 while there is none. */
  opening: number;
  map: ChannelMap | null;
  /** The application has seen the end of its channel. */
  endOfFile: boolean;
  /** Why the last opening was refused. */
  refusal: string;
}

export type Outcome = 'done' | 'refused' | 'skipped';

export interface EventRecord {
  readonly atNs: number;
  readonly what: string;
  outcome: Outcome | 'waiting';
  /** Why it was refused or skipped; empty for what was done. */
  text: string;
  figures: EventFigures;
}

/** What an event did: packets purged, segments given back, flows that moved to another port; -1 where it does none of that. */
export interface EventFigures {
  readonly purged: number;
  readonly freed: number;
  readonly moved: number;
}

const NO_FIGURES: EventFigures = { purged: -1, freed: -1, moved: -1 };
type Result = readonly [Outcome, string, EventFigures?];
const SKIPPED: Result = ['skipped', 'packets are out'];

/** An event that the worker of the switch caused stands in the journal as -1 - the place of its instance. */
const OUTCOMES: readonly Outcome[] = ['done', 'refused', 'skipped'];

/** What changes of the control plane do to packets; the model implements it. */
export interface ControlEffects {
  /** Packets of the port's rings go; returns how many. */
  purge(place: number, opening: number): number;
  /** Packets that an application holds now. */
  packetsOut(place: number): number;
  /** Ports or rules have changed: flows are switched anew. Returns how many moved. */
  rechoose(): number;
  setClosed(place: number, closed: boolean): void;
  /** Gives cached memory back; segments. `place` -1: everywhere. */
  reclaim(place: number): number;
  setFault(id: string, on: boolean): boolean;
}

/** Bytes of a packet's metadata in the user's map. */
export const USER_METADATA_BYTES = META_WORDS * 4;

/** Where a control plane is: the numbers of the ports, the rules that its flow switch asks, its memory, and its device queue. */
export interface ControlPlace {
  readonly numbers: readonly number[];
  readonly ladder: Ladder;
  readonly arena: Arena;
  readonly queue: number;
}

export class Control {
  readonly nexus: Nexus;
  readonly instances: StackInstance[] = [];
  /** Events of the scenario in the order of time; behind them those that the worker caused. */
  readonly events: EventRecord[];
  readonly specs: readonly StackEventSpec[];
  /** Flows of the scenario that were refused, with the reason. */
  readonly refusals = new Map<string, string>();
  readonly flowIds = new Map<string, number>();
  next = 0;
  /** Outcome of each event so far (its place in OUTCOMES), or -1 - place of the instance that the worker made defunct. */
  private journal: number[] = [];
  private openings = 0;
  private readonly scenario: Scenario;
  private readonly section: StackSection;
  private readonly place: ControlPlace;
  private readonly effects: ControlEffects;

  constructor(scenario: Scenario, section: StackSection, place: ControlPlace, effects: ControlEffects) {
    this.scenario = scenario;
    this.section = section;
    this.place = place;
    this.effects = effects;
    const { numbers } = place;
    this.nexus = new Nexus(place.ladder);
    scenario.ports.forEach((port, place) => {
      this.nexus.addPort(port.id, port.kind === 'host' ? 'host' : 'user');
      const made = (id: string, pid: number, executable: string, key?: string): StackInstance => ({
        id, place, number: numbers[place]!, pid, executable, key,
        state: 'closed', opening: 0, map: null, endOfFile: false, refusal: '',
      }); // prettier-ignore
      if (port.kind === 'host') this.instances.push({ ...made('bsd', 0, 'kernel'), state: 'running' });
      else if (port.kind === 'user') {
        const own = section.instances.filter((i) => i.port === port.id);
        if (own.length === 0) this.instances.push(made(port.id, 0, ''));
        for (const i of own) this.instances.push(made(i.id, i.pid, i.executable, i.key));
      }
    });
    this.specs = [...section.events].sort((a, b) => a.atMs - b.atMs);
    this.events = this.specs.map((spec) => ({
      atNs: Math.round(spec.atMs * 1e6),
      what: eventText(spec),
      outcome: 'waiting',
      text: '',
      figures: NO_FIGURES,
    }));
    this.start();
  }

  /** When the next event is due; Infinity after the last. */
  get nextNs(): number {
    return this.next < this.specs.length ? this.events[this.next]!.atNs : Number.POSITIVE_INFINITY;
  }

  private start(): void {
    for (const { port, ...binding } of this.section.bindings) this.nexus.bind(this.portNumber(port), defined(binding));
    this.scenario.ports.forEach((port, place) => {
      if (port.kind === 'user') this.effects.setClosed(place, true);
    });
    for (const instance of this.instances) {
      const spec = this.section.instances.find((i) => i.id === instance.id);
      if (instance.state === 'closed' && spec?.open !== false) this.open(instance);
    }
    for (const flow of this.section.flows) if (flow.at === 'start') this.addFlow(flow);
  }

  /** Runs the next event and gives its record. `skip`: it was skipped before, when a restored run goes over it again. */
  step(skip = false): EventRecord {
    const spec = this.specs[this.next]!;
    const record = this.events[this.next]!;
    this.next++;
    this.note(record, skip ? SKIPPED : this.apply(spec));
    return record;
  }

  /** The worker makes an instance defunct, because nobody reads. */
  stalled(instance: StackInstance, atNs: number): EventRecord {
    const record: EventRecord = { atNs, what: `stall: defunct ${instance.id}`, outcome: 'waiting', text: '', figures: NO_FIGURES };
    this.events.push(record);
    this.note(record, this.defunct(instance, false), -1 - this.instances.indexOf(instance));
    return record;
  }

  private note(record: EventRecord, [outcome, text, figures]: Result, entry = OUTCOMES.indexOf(outcome)): void {
    record.outcome = outcome;
    record.text = text;
    record.figures = figures ?? NO_FIGURES;
    this.journal.push(entry);
  }

  private apply(spec: StackEventSpec): Result {
    switch (spec.do) {
      case 'open-channel':
        return this.withInstance(spec.instance, (i) => this.open(i));
      case 'close-channel':
        return this.withInstance(spec.instance, (i) => this.close(i));
      case 'defunct':
        return this.withInstance(spec.instance, (i) => this.defunct(i, spec.opportunistic));
      case 'bind-port': {
        const { pid, executable, key } = spec;
        const bound = this.nexus.bind(this.portNumber(spec.port), defined({ pid, executable, key }));
        return bound.ok ? ['done', ''] : ['refused', bound.error];
      }
      case 'unbind-port': {
        const freed = this.nexus.bind(this.portNumber(spec.port), {});
        return freed.ok ? ['done', ''] : ['refused', freed.error];
      }
      case 'add-flow': {
        const flow = this.section.flows.find((f) => f.id === spec.flow);
        if (flow === undefined) return ['refused', `there is no flow ${spec.flow}`];
        const refusal = this.addFlow(flow);
        return refusal === '' ? this.moved() : ['refused', refusal];
      }
      case 'remove-flow': {
        const id = this.flowIds.get(spec.flow);
        this.flowIds.delete(spec.flow);
        return id !== undefined && this.nexus.removeFlow(id) ? this.moved() : ['refused', `the flow ${spec.flow} is not installed`];
      }
      case 'memory-pressure':
        return ['done', '', { ...NO_FIGURES, freed: this.effects.reclaim(-1) }];
      case 'fault-on':
      case 'fault-off':
        return this.effects.setFault(spec.fault, spec.do === 'fault-on') ? ['done', ''] : ['refused', `there is no fault ${spec.fault}`];
    }
  }

  private withInstance(id: string, work: (instance: StackInstance) => Result): Result {
    const instance = this.instances.find((i) => i.id === id);
    return instance === undefined ? ['refused', `there is no instance ${id}`] : work(instance);
  }

  private moved(): Result {
    return ['done', '', { ...NO_FIGURES, moved: this.effects.rechoose() }];
  }

  private open(instance: StackInstance): Result {
    if (instance.pid === 0 && instance.executable === 'kernel') return ['refused', 'the kernel has no channel'];
    if (instance.state === 'running') return ['refused', `${instance.id} has a channel open already`];
    // A defunct instance still has its zero pages mapped.
    instance.map?.unmap();
    instance.map = null;
    const spec = this.scenario.ports[instance.place]!;
    const rings = [
      { kind: 'rx', queue: this.place.queue, slots: spec.rxRingSlots },
      { kind: 'tx', queue: this.place.queue, slots: spec.txRingSlots },
    ] as const;
    const { pid, executable, key } = instance;
    const opened = this.nexus.open(instance.number, { pid, executable, ...(key === undefined ? {} : { key }) }, rings, this.place.arena);
    const sizes = { rings: 2, packets: spec.poolPackets, metadataBytes: USER_METADATA_BYTES };
    const map = opened.ok ? ChannelMap.create(this.place.arena, spec.id, opened.value, sizes) : undefined;
    if (!opened.ok || map === undefined) {
      if (opened.ok) opened.value.close();
      instance.state = 'refused';
      instance.refusal = opened.ok ? 'the arena is full' : opened.error;
      return ['refused', instance.refusal];
    }
    instance.map = map;
    instance.state = 'running';
    instance.endOfFile = false;
    instance.refusal = '';
    instance.opening = ++this.openings;
    this.effects.setClosed(instance.place, false);
    return this.moved();
  }

  private close(instance: StackInstance): Result {
    if (instance.state === 'defunct') {
      instance.map?.unmap();
      instance.map = null;
      instance.state = 'closed';
      return ['done', ''];
    }
    if (instance.state !== 'running' || instance.map === null) return ['refused', `${instance.id} has no open channel`];
    const { purged, moved } = this.detach(instance);
    const freed = instance.map.unmap();
    instance.map = null;
    instance.state = 'closed';
    return ['done', '', { purged, freed, moved }];
  }

  /** Defunct and redirect (S-08): the application goes on running and reads zeros. */
  defunct(instance: StackInstance, opportunistic: boolean): Result {
    if (instance.state !== 'running' || instance.map === null) return ['refused', `${instance.id} has no open channel`];
    const out = this.effects.packetsOut(instance.place);
    if (opportunistic && out > 0) return SKIPPED;
    const { purged, moved } = this.detach(instance);
    const freed = instance.map.redirect() + this.effects.reclaim(instance.place);
    instance.state = 'defunct';
    instance.endOfFile = true;
    return ['done', '', { purged, freed, moved }];
  }

  private detach(instance: StackInstance): { purged: number; moved: number } {
    const purged = this.effects.purge(instance.place, instance.opening);
    this.nexus.port(instance.number)?.channel?.close();
    for (const [id, flow] of this.flowIds) if (!this.nexus.flows.some((f) => f.id === flow)) this.flowIds.delete(id);
    this.effects.setClosed(instance.place, true);
    return { purged, moved: this.effects.rechoose() };
  }

  /** Empty text if the flow is in, the reason if it was refused. */
  private addFlow(flow: StackFlowSpec): string {
    const refusal = this.tryFlow(flow);
    if (refusal === '') this.refusals.delete(flow.id);
    else this.refusals.set(flow.id, refusal);
    return refusal;
  }

  private tryFlow(flow: StackFlowSpec): string {
    const instance = this.instances.find((i) => i.id === flow.instance);
    if (instance === undefined) return `there is no instance ${flow.instance}`;
    if (instance.state !== 'running') return `${instance.id} has no open channel`;
    if (this.flowIds.has(flow.id)) return 'the same flow is installed already';
    const added = this.nexus.addFlow(instance.number, patternOf(flow), { reuse: flow.reuse, owner: instance.id });
    if (!added.ok) return added.error;
    this.flowIds.set(flow.id, added.value.id);
    return '';
  }

  /** Name in the scenario of an installed flow. */
  flowName(flow: InstalledFlow): string {
    for (const [name, id] of this.flowIds) if (id === flow.id) return name;
    return '';
  }

  running(place: number): StackInstance | undefined {
    return this.instances.find((i) => i.place === place && i.state === 'running');
  }

  private portNumber(id: string): number {
    return this.nexus.ports.find((p) => p.id === id)?.number ?? -1;
  }

  /** Takes everything back to the start, for a snapshot to be restored. */
  reset(): void {
    for (const instance of this.instances) {
      this.nexus.port(instance.number)?.channel?.close();
      instance.map?.unmap();
      instance.map = null;
      if (instance.pid !== 0 || instance.executable !== 'kernel') instance.state = 'closed';
      Object.assign(instance, { opening: 0, endOfFile: false, refusal: '' });
    }
    for (const flow of this.nexus.flows) this.nexus.removeFlow(flow.id);
    for (const port of this.nexus.ports) if (port.kind === 'user') port.binding = null;
    this.flowIds.clear();
    this.refusals.clear();
    this.openings = 0;
    this.next = 0;
    this.journal = [];
    this.events.length = this.specs.length;
    for (const event of this.events) Object.assign(event, { outcome: 'waiting', text: '', figures: NO_FIGURES });
    this.start();
  }

  save(): number[] {
    const out = [this.journal.length];
    let next = 0;
    let worker = this.specs.length;
    for (const entry of this.journal) {
      const { atNs, figures } = this.events[entry < 0 ? worker++ : next++]!;
      out.push(entry, atNs, figures.purged, figures.freed, figures.moved);
    }
    return out;
  }

  /** Goes over the journal of a snapshot from the start. The effects must do nothing to packets meanwhile. */
  restore(get: () => number): void {
    this.reset();
    for (let n = get(); n > 0; n--) {
      const [entry, atNs] = [get(), get()];
      const record = entry < 0 ? this.stalled(this.instances[-1 - entry]!, atNs) : this.step(OUTCOMES[entry] === 'skipped');
      record.figures = { purged: get(), freed: get(), moved: get() };
    }
  }
}

function defined<T extends object>(binding: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(binding).filter(([, v]) => v !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Address as key words: IPv4 in the first, the rest 0. The scenario's check has seen that it is one. */
function addressWords(text: string): readonly number[] {
  const v4 = parseIpv4U32(text);
  if (v4 >= 0) return [v4 | 0, 0, 0, 0];
  const bytes = parseIpv6(text) ?? new Uint8Array(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
}

function patternOf(flow: StackFlowSpec): FlowPattern {
  return {
    ipVersion: flow.ipVersion,
    protocol: flow.protocol === 'tcp' ? 6 : 17,
    localPort: flow.localPort,
    ...(flow.localAddress === undefined ? {} : { localAddress: addressWords(flow.localAddress) }),
    ...(flow.remoteAddress === undefined ? {} : { remoteAddress: addressWords(flow.remoteAddress) }),
    ...(flow.remotePort === undefined ? {} : { remotePort: flow.remotePort }),
  };
}

/** An event in words, such as `defunct browser`. */
export function eventText(spec: StackEventSpec): string {
  const what =
    'instance' in spec ? spec.instance : 'port' in spec ? spec.port : 'flow' in spec ? spec.flow : 'fault' in spec ? spec.fault : '';
  const how = spec.do === 'defunct' && spec.opportunistic ? ' (opportunistic)' : '';
  return `${spec.do.replace('-', ' ')} ${what}${how}`.trim();
}
