import {
  EngineError,
  type AddressMapAnswer,
  type MulticastEventSpec,
  type MulticastLogRow,
  type MulticastNetworkInfo,
  type MulticastPrefixesSpec,
  type MulticastScenario,
  type MulticastSeries,
  type MulticastState,
} from '../../contract/index.ts';
import { NS_PER_S } from '../../base/index.ts';
import { eventText, mapAddress, MulticastNetwork, networkState, PrefixTable } from '../../multicast/index.ts';
import { refusedBriefly } from '../scenario/index.ts';
import { parseMulticast } from './scenario.ts';

/** A change somebody made to a running network: the fields of an event, at a time. */
export type MulticastChange = Omit<MulticastEventSpec, 'atS'>;

/** EngineError `limit` where the network does not come to an end of its events. */
function run(network: MulticastNetwork, tNs: number): void {
  if (network.runUntil(tNs)) return;
  throw new EngineError({
    code: 'limit',
    message: 'The run has more events than a network should: data goes round in a circle.',
    fix: 'Look for a loop of translation routers, or shorten durationS.',
  });
}

/** Changes kept beside a scenario. */
const MAX_CHANGES = 1_000;

/**
 * A multicast network that can be looked at at any time: the run repeats itself exactly, so an earlier instant is reached by running again from the
 * start, and a change is one more event of the scenario.
 */
export class MulticastLab {
  readonly id: string;
  readonly yaml: string;
  revision = 1;
  private readonly base: MulticastScenario;
  private readonly changes: MulticastEventSpec[] = [];
  private network: MulticastNetwork;
  /** A run to the end, for the log and the series. Made when first asked for. */
  private whole: MulticastNetwork | undefined;
  /** The same on its way. */
  private ending: MulticastNetwork | undefined;

  /** EngineError `bad-input` with line and field where the text cannot be used. */
  constructor(id: string, yaml: string) {
    const parsed = parseMulticast(yaml);
    if (!parsed.ok) throw refusedBriefly(id, parsed.error, 'What a network text may say: ringside schema multicast');
    this.id = id;
    this.yaml = yaml;
    this.base = parsed.value;
    this.network = this.make();
  }

  private get scenario(): MulticastScenario {
    return { ...this.base, events: [...this.base.events, ...this.changes] };
  }

  private make(): MulticastNetwork {
    const made = MulticastNetwork.create(this.scenario);
    if (made.ok) return made.value;
    const first = made.error[0];
    throw new EngineError({
      code: 'bad-input',
      message: `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`,
      fix: 'What a network text may say: ringside schema multicast',
    });
  }

  private finished(): MulticastNetwork {
    if (this.whole === undefined) {
      const whole = this.make();
      run(whole, whole.durationNs);
      this.whole = whole;
    }
    return this.whole;
  }

  info(): MulticastNetworkInfo {
    const { base, changes } = this;
    const events = [...base.events, ...changes].map((event) => ({ tNs: event.atS * NS_PER_S, text: eventText(event) }));
    const { asm, ssm, source } = base.prefixes;
    return {
      id: this.id,
      title: base.title === '' ? base.name : base.title,
      description: base.description,
      yaml: this.yaml,
      revision: this.revision,
      durationNs: base.durationS * NS_PER_S,
      events: events.sort((a, b) => a.tNs - b.tNs),
      choice: { ...base.choice },
      prefixes: { asm, ssm, source },
      changedIn: '',
    };
  }

  /** The network at an instant. Going back runs it again from the start. */
  stateAt(tNs: number): MulticastState {
    const target = Math.max(0, Math.min(tNs, this.network.durationNs));
    if (target < this.network.clock.nowNs) this.network = this.make();
    run(this.network, target);
    return networkState(this.network, this.revision);
  }

  /**
   * Runs some events on the way to an instant, or on that of the run to the end (`whole`): where it stands, or undefined once it is there. For
   * callers that let others in between; `stateAt`, `log` and `series` then have nothing left to run.
   */
  advance(tNs: number, events: number, whole: boolean): number | undefined {
    let { network } = this;
    if (whole) {
      if (this.whole !== undefined) return undefined;
      network = this.ending ??= this.make();
    }
    const target = Math.max(0, Math.min(tNs, network.durationNs));
    if (target < network.clock.nowNs) network = this.network = this.make();
    if (!network.advance(target, events)) return network.clock.nowNs;
    if (whole) {
      this.whole = this.ending;
      this.ending = undefined;
    }
    return undefined;
  }

  series(): MulticastSeries {
    const { series } = this.finished().recorder;
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

  log(
    first: number,
    count: number,
    filter: { readonly router?: string | undefined; readonly untilNs?: number | undefined } = {},
  ): { total: number; rows: MulticastLogRow[]; refused: number } {
    const { recorder } = this.finished();
    const { router, untilNs } = filter;
    const rows = recorder.log.filter(
      (row) => (router === undefined || row.router === router) && (untilNs === undefined || row.tNs <= untilNs),
    );
    return { total: rows.length, rows: rows.slice(first, first + count), refused: recorder.refused.log };
  }

  /** Changes a cost, a bias, a delay, or what is up, from an instant on. */
  set(atNs: number, change: MulticastChange): MulticastNetworkInfo {
    if (this.changes.length >= MAX_CHANGES) {
      throw new EngineError({ code: 'limit', message: `${MAX_CHANGES} changes have been made.`, fix: 'Open the network again.' });
    }
    this.changes.push({ atS: Math.max(0, atNs) / NS_PER_S, ...change });
    try {
      this.network = this.make();
    } catch (error) {
      this.changes.pop();
      throw error;
    }
    this.whole = undefined;
    this.ending = undefined;
    this.revision++;
    return this.info();
  }

  /** Takes all changes back. */
  reset(): MulticastNetworkInfo {
    this.changes.length = 0;
    this.network = this.make();
    this.whole = undefined;
    this.ending = undefined;
    this.revision++;
    return this.info();
  }

  map(text: string): AddressMapAnswer {
    return mapOf(this.base.prefixes, text);
  }
}

/** A group or a source in the other family under some prefixes; EngineError `bad-input` where the text is no address. */
export function mapOf(spec: MulticastPrefixesSpec, text: string): AddressMapAnswer {
  const prefixes = PrefixTable.create(spec);
  const answer = prefixes.ok ? mapAddress(prefixes.value, text) : undefined;
  if (answer !== undefined) return answer;
  throw new EngineError({
    code: 'bad-input',
    message: `"${text}" is not an IPv4 or IPv6 address.`,
    fix: 'Write a group or a source, such as 233.252.0.1.',
  });
}
