import {
  EngineError,
  type AddressMapAnswer,
  type CallContext,
  type MulticastLogRow,
  type MulticastNetworkInfo,
  type MulticastPortSpec,
  type MulticastSeries,
  type MulticastState,
  type Scenario,
} from '../../contract/index.ts';
import { assertDefined } from '../../base/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { mapOf, multicastPortsOf, Pipeline, type MulticastPort } from '../../lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

type Context = Pick<CallContext, 'signal' | 'progress'>;

/** Id under which the router of a session's multicast port is opened, before the name of the port. */
export const PORT_PREFIX = 'port:';

/** The multicast port of a scenario as an entry of the list of networks; none without one. */
export function portNetworks(scenario: Scenario): { id: string; title: string; description: string }[] {
  return scenario.ports
    .filter(({ kind }) => kind === 'multicast')
    .map(({ id }) => ({
      id: PORT_PREFIX + id,
      title: `This capture: port ${id}`,
      description: 'The router of the open scenario, fed by the capture.',
    }));
}

/** A pipeline of its own that is run along the input to any instant; going back begins anew. */
export class PortRun {
  private readonly input: SessionInput;
  private readonly scenario: Scenario;
  private pipeline: Pipeline;
  private next = 1;
  private tNs = 0;
  /** The capture's last packet has been served. */
  private ended = false;
  private readonly batch = new RecordBatch();
  private readonly classified = new ClassifiedBatch(this.batch.capacity);

  /** `record`: the router keeps what passes its interfaces. */
  constructor(input: SessionInput, scenario: Scenario, record = false) {
    this.input = input;
    this.scenario = scenario;
    this.pipeline = new Pipeline(scenario);
    this.port.router.recorder.recording = record;
  }

  /** Packets of the input up to the instant. */
  get packets(): number {
    return this.next - 1;
  }

  private get port(): MulticastPort {
    return assertDefined(multicastPortsOf(this.pipeline)[0], 'the scenario has a multicast port');
  }

  async to(tNs: number, { signal, progress }: Context): Promise<MulticastPort> {
    const { input, batch, classified } = this;
    if (tNs < this.tNs || (this.ended && this.next <= input.packets)) {
      const { recording } = this.port.router.recorder;
      this.pipeline = new Pipeline(this.scenario);
      this.port.router.recorder.recording = recording;
      this.next = 1;
      this.ended = false;
    }
    this.tNs = tNs;
    while (this.next <= input.packets && input.timeOf(this.next) <= tNs) {
      if (input.records.read(this.next, batch) === 0) break;
      classifyBatch(batch, classified);
      let count = 0;
      while (count < batch.count && batch.tsNs[count]! <= tNs) count++;
      if (count === 0) break;
      this.pipeline.feed(batch, classified, 0, count, this.next);
      this.next += count;
      progress({ done: this.next, total: input.packets, unit: 'packets', message: '' });
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    }
    if (this.ended) return this.port;
    this.pipeline.advanceTo(tNs);
    // At the end of the capture its last packets are in rings still: they are served, as a run of the scenario does.
    if (tNs >= input.endNs && this.next > input.packets) {
      this.pipeline.finish();
      this.ended = true;
    }
    return this.port;
  }
}

/** What a session has of its playhead, for its router. */
export interface AtPlayhead {
  readonly input: SessionInput;
  readonly playhead: { readonly pipeline: Pipeline };
}

/**
 * The router of the session's multicast port for the Multicast panel: as it is at the playhead, which the transport moves, and in a run of its own
 * to the end of the capture for the series and the whole log.
 */
export class CaptureRouter {
  private readonly session: () => AtPlayhead;
  private readonly scenario: Scenario;
  private readonly id: string;
  private readonly whole: PortRun;

  constructor(session: () => AtPlayhead, scenario: Scenario, id: string) {
    this.session = session;
    this.scenario = scenario;
    this.id = id;
    this.whole = new PortRun(session().input, scenario);
  }

  private get input(): SessionInput {
    return this.session().input;
  }

  info(): MulticastNetworkInfo {
    const { choice, prefixes } = this.spec();
    const { asm, ssm, source } = prefixes;
    const [network] = portNetworks(this.scenario);
    return {
      id: this.id,
      title: network?.title ?? '',
      description: network?.description ?? '',
      yaml: '',
      revision: 1,
      durationNs: Math.max(1, this.input.endNs),
      events: [],
      choice: { ...choice },
      prefixes: { asm, ssm, source },
      changedIn: this.changedIn,
    };
  }

  /** The router as it is at the playhead. */
  state(): MulticastState {
    return this.here().router.state();
  }

  private here(): MulticastPort {
    const [port] = multicastPortsOf(this.session().playhead.pipeline);
    if (port !== undefined) return port;
    throw new EngineError({ code: 'not-found', message: 'The scenario has no multicast port any more.', fix: 'Choose another network.' });
  }

  async series(context: Context): Promise<MulticastSeries> {
    const { series } = (await this.whole.to(this.input.endNs, context)).router.recorder;
    const { delivered, dropped, joins, prunes, entries } = series;
    // The answer's arrays are given away.
    return {
      ...series,
      delivered: delivered.slice(),
      dropped: dropped.slice(),
      joins: joins.slice(),
      prunes: prunes.slice(),
      entries: entries.slice(),
    };
  }

  /** Rows up to the playhead, or of the whole capture. */
  async log(
    first: number,
    count: number,
    whole: boolean,
    context: Context,
  ): Promise<{ total: number; rows: MulticastLogRow[]; refused: number }> {
    const { router } = whole ? await this.whole.to(this.input.endNs, context) : this.here();
    const rows = router.log();
    return { total: rows.length, rows: rows.slice(first, first + count), refused: router.recorder.refused.log };
  }

  map(address: string): AddressMapAnswer {
    return mapOf(this.spec().prefixes, address);
  }

  private spec(): MulticastPortSpec {
    const port = this.scenario.ports.find(({ id }) => PORT_PREFIX + id === this.id);
    return assertDefined(port?.multicast, 'the port was found when it was opened');
  }

  private get changedIn(): string {
    const at = this.scenario.ports.findIndex(({ id }) => PORT_PREFIX + id === this.id);
    return `Change ports.${at}.multicast in the scenario and replay.`;
  }

  /** A capture's router is changed by its scenario. */
  set(): never {
    throw new EngineError({
      code: 'unsupported',
      message: 'The router of a capture is changed in the scenario.',
      fix: this.changedIn,
    });
  }
}
