import {
  createClient,
  EngineError,
  memoryPortPair,
  serve,
  type CallName,
  type EngineClient,
  type EngineHandlers,
  type EventData,
  type EventName,
  type InputRef,
  type RunSummary,
  type SessionInfo,
  type StepUnit,
  type Transport,
} from '../../../engine/contract/index.ts';
import { burstAnalysisHandlers } from './burst-analysis-double.ts';
import { burstHandlers } from './burst-double.ts';
import { convertersHandlers } from './converters-double.ts';
import { offloadHandlers } from './offload-double.ts';
import { translatedHandlers } from './translated-double.ts';
import { multicastHandlers } from './multicast-double.ts';
import { stackHandlers } from './stack-double.ts';
import {
  findingsFor,
  FLOWS,
  hello,
  INPUTS,
  packetDetail,
  packetRow,
  SCENARIO_YAML,
  sessionInfo,
  STOPPED,
  summaryFor,
  WORLD,
} from './world.ts';

/**
 * An engine in memory for component tests. It implements the contract's handlers, is reached through a real client over a pair of
 * in-memory ports, and both sides validate: a test against it cannot pass with a message that the contract does not allow.
 * Time stands still: playing changes the state, and a test moves the playhead with `advance`.
 */
export interface EngineDouble {
  readonly client: EngineClient;
  /** Every call in order, with its request. */
  readonly calls: { readonly method: CallName; readonly request: unknown }[];
  /** Replaces a handler, for a test of an error or of a slow answer. */
  override<M extends CallName>(method: M, handler: EngineHandlers[M]): void;
  emit<E extends EventName>(event: E, data: EventData<E>): void;
  /** Moves the playhead and tells it. */
  advance(tNs: number, state?: Transport['state']): void;
  /** Breaks the connection. */
  drop(): void;
  callsOf(method: CallName): unknown[];
}

interface State {
  info: SessionInfo | null;
  transport: Transport;
  current: RunSummary | null;
  previous: RunSummary | null;
  revision: number;
}

const STEP_NS: Readonly<Record<StepUnit, number>> = { packet: WORLD.gapNs, burst: 10 * WORLD.gapNs, '1ms': 1e6, '10ms': 1e7, '100ms': 1e8, '1s': 1e9 }; // prettier-ignore

export function engineDouble(): EngineDouble {
  const [near, far] = memoryPortPair();
  const state: State = { info: null, transport: STOPPED, current: null, previous: null, revision: 1 };
  const overrides = new Map<CallName, (request: never, context: never) => unknown>();
  const calls: EngineDouble['calls'] = [];

  const plain = handlers(state);
  const watched = Object.fromEntries(
    (Object.keys(plain) as CallName[]).map((method) => [
      method,
      (request: never, context: never): unknown => {
        calls.push({ method, request });
        const handler = overrides.get(method) ?? plain[method];
        return handler(request, context);
      },
    ]),
  ) as unknown as EngineHandlers;
  const served = serve(far, watched);
  const client = createClient(near, { validate: true });

  const double: EngineDouble = {
    client,
    calls,
    override(method, handler) {
      overrides.set(method, handler);
    },
    emit(event, data) {
      served.event(event, data);
    },
    advance(tNs, next = state.transport.state) {
      state.transport = at(state.transport, tNs, next);
      state.revision++;
      if (state.info !== null) double.emit('transport', { session: state.info.id, transport: state.transport });
    },
    drop() {
      far.close();
    },
    callsOf: (method) => calls.filter((call) => call.method === method).map((call) => call.request),
  };
  return double;
}

const END_NS = (WORLD.packets - 1) * WORLD.gapNs;

function at(transport: Transport, tNs: number, state: Transport['state']): Transport {
  const clamped = Math.max(0, Math.min(tNs, END_NS));
  return { ...transport, state, tNs: clamped, packet: Math.floor(clamped / WORLD.gapNs) + 1 };
}

function notThere(what: string): EngineError {
  return new EngineError({ code: 'not-found', message: `${what} is not there.` });
}

const slotsIn = (yaml: string): number => Number(/rxRingSlots:\s*(\d+)/.exec(yaml)?.[1] ?? WORLD.slots);

function handlers(state: State): EngineHandlers {
  return {
    hello,
    ...inputHandlers(state),
    ...packetHandlers(state),
    ...figureHandlers(state),
    ...transportHandlers(state),
    ...scenarioHandlers(state),
    ...liveHandlers(state),
    ...burstHandlers(),
    ...convertersHandlers(),
    ...offloadHandlers(),
    ...translatedHandlers(),
    ...multicastHandlers(),
    ...stackHandlers(),
    'rings.slots': ({ ring }) => ({ tNs: 0, ring, slots: 1_024, used: 0, head: 0, tail: 0, rows: [] }),
    ...burstAnalysisHandlers(),
    'report.export': ({ format }) => ({ name: `report.${format}`, url: `./download/report.${format}`, bytes: 10 }),
    'terminal.open': () => ({ terminal: 't1', shell: 'bash' }),
    'terminal.write': () => ({}),
    'terminal.resize': () => ({}),
    'terminal.close': () => ({}),
  };
}

type Some<M extends CallName> = Pick<EngineHandlers, M>;

function inputHandlers(state: State): Some<'input.pick' | 'input.forget' | 'session.open' | 'session.close' | 'session.info'> {
  const known = (handle: string): InputRef => {
    const found = INPUTS.find((input) => input.handle === handle);
    if (found === undefined) throw notThere(`The input ${handle}`);
    return found;
  };
  return {
    'input.pick': () => INPUTS[0] ?? null,
    'input.forget': () => ({}),
    'session.open': ({ handle }, context) => {
      const input = known(handle);
      context.progress({ done: 1_000, total: WORLD.packets, unit: 'packets', message: '' });
      state.info = sessionInfo(`session-${handle}`, input.name, SCENARIO_YAML);
      state.transport = STOPPED;
      state.current = state.previous = null;
      return state.info;
    },
    'session.close': ({ session }) => {
      if (state.info?.id === session) state.info = null;
      return {};
    },
    'session.info': () => state.info ?? sessionInfo('none', 'none', SCENARIO_YAML),
  };
}

function packetHandlers(
  state: State,
): Some<'packets.rows' | 'packets.detail' | 'packets.at' | 'packets.neighbour' | 'packets.find' | 'flows.list'> {
  const finished = (): boolean => state.current !== null;
  return {
    'packets.rows': ({ first, count }) => {
      const last = Math.min(WORLD.packets, first + count - 1);
      const rows = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => packetRow(first + i, finished()));
      return { total: WORLD.packets, rows };
    },
    'packets.detail': ({ number }) => {
      if (number > WORLD.packets) throw notThere(`Packet ${String(number)}`);
      return packetDetail(number, finished());
    },
    'packets.at': ({ tNs }) => ({ number: tNs < 0 ? 0 : Math.min(WORLD.packets, Math.floor(tNs / WORLD.gapNs) + 1) }),
    'packets.neighbour': ({ number, direction }) => {
      const next = number + 2 * direction;
      return { number: next >= 1 && next <= WORLD.packets ? next : 0 };
    },
    'packets.find': ({ text, from, direction }) => {
      for (let n = from + direction; n >= 1 && n <= WORLD.packets; n += direction) {
        const row = packetRow(n, finished());
        if (`${row.source} ${row.destination} ${row.protocol} ${row.info}`.includes(text)) return { number: n };
      }
      return { number: 0 };
    },
    'flows.list': ({ sort, descending, first, count }) => {
      const key = sort === 'duration' ? 'lastNs' : sort;
      const rows = FLOWS.toSorted((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0));
      if (descending) rows.reverse();
      return { total: FLOWS.length, rows: rows.slice(first, first + count) };
    },
  };
}

function figureHandlers(state: State): Some<'timeline' | 'series' | 'frame' | 'run.start' | 'run.summary' | 'run.findings'> {
  return {
    timeline: ({ fromNs, toNs, bins }) => {
      const binNs = Math.max(1, (toNs - fromNs) / bins);
      const packets = new Uint32Array(bins);
      const drops = new Uint32Array(bins);
      for (let n = 1; n <= WORLD.packets; n++) {
        const bin = Math.floor(((n - 1) * WORLD.gapNs - fromNs) / binNs);
        if (bin < 0 || bin >= bins) continue;
        packets[bin] = (packets[bin] ?? 0) + 1;
        if (state.current !== null && packetRow(n, true).verdict === 'dropped') drops[bin] = (drops[bin] ?? 0) + 1;
      }
      return { startNs: fromNs, binNs, bins, packets, bytes: Float64Array.from(packets, (n) => n * WORLD.lengthBytes), drops };
    },
    series: ({ fromNs, toNs, bins }) => {
      const run = state.current ?? summaryFor(WORLD.slots, '');
      const objects = [...run.rings.map((ring) => ring.id), ...run.pools.map((pool) => pool.id)];
      const capacity = Uint32Array.from([...run.rings.map((ring) => ring.slots), ...run.pools.map((pool) => pool.packets)]);
      const wave = Uint32Array.from({ length: objects.length * bins }, (_, i) => Math.round(30 + 25 * Math.sin((i % bins) / 9)));
      return { startNs: fromNs, binNs: (toNs - fromNs) / bins, bins, objects, capacity, max: wave, last: wave.slice(), drops: new Uint32Array(objects.length * bins) }; // prettier-ignore
    },
    frame: () => {
      const run = state.current ?? summaryFor(WORLD.slots, '');
      const { tNs, packet } = state.transport;
      const objects = new Uint32Array(5 * (run.rings.length + run.pools.length));
      objects[0] = packet % WORLD.slots;
      return { tNs, packets: packet, bytes: packet * WORLD.lengthBytes, drops: Math.floor(packet / WORLD.dropEvery), flows: Math.min(2, packet), held: packet % 7, objects, revision: state.revision }; // prettier-ignore
    },
    'run.start': () => {
      state.previous = state.current;
      const yaml = state.info?.scenario.yaml ?? SCENARIO_YAML;
      state.current = summaryFor(slotsIn(yaml), yaml);
      state.transport = { ...state.transport, stale: false };
      state.revision++;
      return state.current;
    },
    'run.summary': () => ({ current: state.current, previous: state.previous }),
    'run.findings': () => ({ findings: state.current === null ? [] : findingsFor(state.current) }),
  };
}

function transportHandlers(
  state: State,
): Some<
  | 'transport.get'
  | 'transport.play'
  | 'transport.pause'
  | 'transport.seek'
  | 'transport.seekPacket'
  | 'transport.step'
  | 'transport.loop'
  | 'transport.skipGaps'
> {
  const set = (transport: Transport): Transport => {
    state.revision++;
    return (state.transport = transport);
  };
  return {
    'transport.get': () => state.transport,
    'transport.play': ({ speed }) => set({ ...state.transport, state: 'playing', speed }),
    'transport.pause': () => set({ ...state.transport, state: 'paused' }),
    'transport.seek': ({ tNs }) => set(at(state.transport, tNs, 'paused')),
    'transport.seekPacket': ({ number }) => set(at(state.transport, (number - 1) * WORLD.gapNs, 'paused')),
    'transport.step': ({ unit, direction }) => set(at(state.transport, state.transport.tNs + direction * STEP_NS[unit], 'paused')),
    'transport.loop': ({ range }) => set({ ...state.transport, loop: range }),
    'transport.skipGaps': ({ longerThanNs }) => set({ ...state.transport, skipGapsNs: longerThanNs }),
  };
}

function scenarioHandlers(state: State): Some<'scenario.get' | 'scenario.check' | 'scenario.use' | 'scenario.set'> {
  const use = (id: string, yaml: string): SessionInfo => {
    if (state.info === null) throw notThere('The session');
    state.info = { ...state.info, scenario: { id, name: id, yaml } };
    state.transport = { ...state.transport, stale: true };
    return state.info;
  };
  return {
    'scenario.get': ({ id }) => ({ yaml: id === 'large' ? SCENARIO_YAML.replace(/rxRingSlots: \d+/, 'rxRingSlots: 4096') : SCENARIO_YAML }),
    'scenario.check': ({ yaml }) => {
      const line = yaml.split('\n').findIndex((one) => /rxRingSlots:\s*[^\d\s]/.test(one));
      if (line < 0) return { issues: [] };
      return { issues: [{ line: line + 1, column: 3, field: 'device.rxRingSlots', message: 'a number is expected' }] };
    },
    'scenario.use': ({ id, yaml }) => use(id, yaml),
    'scenario.set': ({ path, value }) => {
      const key = path.split('.').at(-1) ?? '';
      const yaml = (state.info?.scenario.yaml ?? '').replace(new RegExp(`${key}: .*`), `${key}: ${String(value)}`);
      return use(state.info?.scenario.id ?? 'default', yaml);
    },
  };
}

function liveHandlers(state: State): Some<'live.devices' | 'live.checkFilter' | 'live.start' | 'live.stop' | 'live.status' | 'live.save'> {
  const status = (running: boolean): Awaited<ReturnType<EngineHandlers['live.status']>> => ({ device: 'veth0', backend: 'dumpcap', running, packets: 10, bytes: 1_000, kernelDrops: 0, evicted: 0, message: '' }); // prettier-ignore
  return {
    'live.devices': () => ({
      devices: [
        { name: 'lo', description: 'Loopback', addresses: ['127.0.0.1'], up: true, loopback: true },
        { name: 'veth0', description: '', addresses: ['192.0.2.1'], up: true, loopback: false },
      ],
      backends: [
        { id: 'dumpcap', ok: true, timestamps: 'kernel, ns', why: '', fix: '' },
        { id: 'cap', ok: false, timestamps: '', why: 'no permission', fix: 'sudo setcap cap_net_raw+ep node' },
      ],
    }),
    'live.checkFilter': ({ filter }) =>
      filter.includes('prot') ? { ok: false, message: "can't parse filter expression: syntax error" } : { ok: true, message: '' },
    'live.start': ({ device }) => {
      state.transport = { ...STOPPED, state: 'live' };
      state.current = state.previous = null;
      return (state.info = { ...sessionInfo('live-1', device, SCENARIO_YAML), kind: 'live' });
    },
    'live.stop': () => status(false),
    'live.status': () => status(true),
    'live.save': () => ({ name: 'capture.pcapng', url: './download/capture.pcapng' }),
  };
}
