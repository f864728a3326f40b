import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import { ADDRESS_BYTES, ALL_HOSTS, ANY, compareAddresses, isMulticast, isSsm, scopeOf, type Family } from '../addresses.ts';
import { cancel, isRunning, type Timer } from '../clock.ts';
import { JoinRate } from '../join-rate.ts';
import { RECORD, type GroupMessage, type GroupRecord, type QueryMessage, type RecordType } from '../messages/index.ts';
import { applyRecord, expire, isEmpty, newGroupState, nextExpiryNs, refusedSources, wantedSources } from './group-state.ts';
import type { GroupView, Membership, MembershipHost } from './port-types.ts';
import type { MembershipSettings } from './settings.ts';

/** A query without its sources, with its IP header and the router alert: 24 + 12 and 48 + 28 bytes. */
const QUERY_BYTES: Readonly<Record<Family, number>> = { 4: 36, 6: 76 };

/**
 * Router side of IGMP or MLD on one interface: reports into group states, queries and their repetition, the election of the querier, older
 * hosts, limits (RFC 9776 sections 6 and 7, RFC 9777 sections 7 and 8).
 */
export class MembershipPort {
  readonly family: Family;
  readonly address: string;
  readonly settings: MembershipSettings;
  /** Address of the querier of the link: this router's own where it is the one. */
  querier: string;
  /** Counters: messages of a kind that were not acted on; `notGroups` are records about an address that is no group. */
  readonly counters = { reports: 0, notGroups: 0, refusedGroups: 0, refusedSources: 0, refusedJoins: 0, ignored: 0, queriesSent: 0 };
  private readonly host: MembershipHost;
  private readonly groups = new Map<string, Membership>();
  private robustness: number;
  private queryNs: number;
  private otherQuerier: Timer | undefined;
  private warnedNs = -Infinity;
  private queryTimer: Timer | undefined;
  private startupLeft: number;
  private readonly rate: JoinRate;
  /** Sources that fit the MTU: more of them are asked for in further queries (RFC 3376 section 4.1.8, RFC 3810 section 5.1.10). */
  private readonly sourcesAQuery: number;

  constructor(family: Family, address: string, settings: MembershipSettings, host: MembershipHost) {
    this.family = family;
    this.address = address;
    this.settings = settings;
    this.host = host;
    this.querier = address;
    this.robustness = settings.robustness;
    this.queryNs = settings.queryNs;
    this.startupLeft = settings.robustness;
    this.rate = new JoinRate(settings.joinsPerSecond);
    this.sourcesAQuery = Math.floor((host.mtuBytes - QUERY_BYTES[family]) / ADDRESS_BYTES[family]);
  }

  get isQuerier(): boolean {
    return this.querier === this.address;
  }

  /** Version of the queries, in numbers of IGMP: MLD has no version below 2. */
  private get version(): 1 | 2 | 3 {
    return this.family === 6 && this.settings.version === 1 ? 2 : this.settings.version;
  }

  private get membershipNs(): number {
    return this.robustness * this.queryNs + this.settings.responseNs;
  }

  private get lastMemberTimeNs(): number {
    return this.robustness * this.settings.lastMemberNs;
  }

  /** Begins to ask (section 6.6.1: a router starts as querier). */
  start(): void {
    this.generalQuery();
  }

  /** Forgets everything, for a router that fails. */
  stop(): void {
    this.queryTimer = cancel(this.queryTimer);
    this.otherQuerier = cancel(this.otherQuerier);
    const groups = [...this.groups.values()];
    this.groups.clear();
    for (const each of groups) {
      cancel(each.timer);
      cancel(each.queryTimer);
      this.host.changed(each.group);
    }
    this.querier = this.address;
    this.startupLeft = this.settings.robustness;
  }

  receive(message: GroupMessage, from: string): void {
    if (message.kind === 'query') this.hearQuery(message, from);
    else if (message.kind === 'leave') this.leave(message.group, from);
    else this.report(message.version, message.records, from);
  }

  /** Somebody wants any source (EXCLUDE mode). */
  includesAny(group: string): boolean {
    return this.groups.get(group)?.state.exclude === true;
  }

  /** Somebody asked for this very source (INCLUDE mode). */
  includesSource(source: string, group: string): boolean {
    const state = this.groups.get(group)?.state;
    return state !== undefined && !state.exclude && (state.sources.get(source) ?? 0) > 0;
  }

  /** Everybody wants any source but this one. */
  excludes(source: string, group: string): boolean {
    const state = this.groups.get(group)?.state;
    return state?.exclude === true && state.sources.get(source) === 0;
  }

  /** Sources that are asked for by name. */
  sourcesOf(group: string): string[] {
    const state = this.groups.get(group)?.state;
    return state === undefined || state.exclude ? [] : wantedSources(state);
  }

  /** Sources that somebody has named: those asked for, or in EXCLUDE mode those refused. */
  namedSources(group: string): string[] {
    const state = this.groups.get(group)?.state;
    return state === undefined ? [] : state.exclude ? refusedSources(state) : wantedSources(state);
  }

  get groupCount(): number {
    return this.groups.size;
  }

  view(): GroupView[] {
    return [...this.groups.values()].map((m) => ({
      group: m.group,
      mode: m.state.exclude ? ('exclude' as const) : ('include' as const),
      sources: m.state.exclude ? refusedSources(m.state) : wantedSources(m.state),
      compatibility: this.compatibility(m),
    }));
  }

  private compatibility(m: Membership): 1 | 2 | 3 {
    const now = this.host.clock.nowNs;
    const heard = m.version1UntilNs > now ? 1 : m.version2UntilNs > now ? 2 : 3;
    return heard < this.version ? heard : this.version;
  }

  /** M-24: joins beyond the rate are dropped and counted. */
  private allowed(): boolean {
    if (this.rate.take(this.host.clock.nowNs)) return true;
    this.counters.refusedJoins++;
    return false;
  }

  private report(version: 1 | 2 | 3, records: readonly GroupRecord[], from: string): void {
    this.counters.reports++;
    for (const { type, group, sources } of records) {
      if (!isMulticast(group)) {
        this.counters.notGroups++;
        continue;
      }
      // Groups of the link itself are not forwarded and not kept: 224.0.0/24, and IPv6 scopes 1 and 2.
      if (scopeOf(group) <= 2) continue;
      if (this.refusedOfSsm(group, version, type)) continue;
      const joins =
        type !== RECORD.block &&
        !(type === RECORD.toInclude && sources.length === 0) &&
        !(type === RECORD.isInclude && sources.length === 0);
      if (joins && !this.allowed()) continue;
      const m = this.groups.get(group) ?? (joins ? this.add(group) : undefined);
      if (m === undefined) continue;
      this.remember(m, version);
      const known = this.compatible(m, version, type, sources);
      if (known === undefined) this.counters.ignored++;
      else this.act(m, type, known, from);
    }
  }

  /** RFC 4604 section 2.2: for a source-specific group no report of an older version and no EXCLUDE record counts. */
  private refusedOfSsm(group: string, version: 1 | 2 | 3, type: RecordType): boolean {
    const names = version === 3 && type !== RECORD.isExclude && type !== RECORD.toExclude;
    if (!this.settings.ssmStrict || names || !isSsm(group)) return false;
    this.counters.ignored++;
    return true;
  }

  private add(group: string): Membership | undefined {
    if (this.groups.size >= this.settings.maxGroups) {
      this.counters.refusedGroups++;
      return undefined;
    }
    const m: Membership = {
      group,
      state: newGroupState(),
      timer: undefined,
      version1UntilNs: 0,
      version2UntilNs: 0,
      groupQueries: 0,
      sourceQueries: new Map<string, number>(),
      queryTimer: undefined,
      reporters: new Set<string>(),
    };
    this.groups.set(group, m);
    return m;
  }

  private remember(m: Membership, version: 1 | 2 | 3): void {
    // Older host present interval (section 8.13).
    const untilNs = this.host.clock.nowNs + this.membershipNs;
    if (version === 1) m.version1UntilNs = untilNs;
    else if (version === 2) m.version2UntilNs = untilNs;
  }

  /** Sources of a record as the group's compatibility mode lets them count; undefined where the record is ignored (section 7.3.2). */
  private compatible(m: Membership, version: 1 | 2 | 3, type: RecordType, sources: readonly string[]): readonly string[] | undefined {
    const mode = this.compatibility(m);
    if (mode === 3 || version < 3) return sources;
    if (type === RECORD.block) return undefined;
    if (mode === 1 && type === RECORD.toInclude) return undefined;
    return type === RECORD.toExclude ? [] : sources;
  }

  private leave(group: string, from: string): void {
    const m = this.groups.get(group);
    if (m === undefined) return;
    if (this.compatibility(m) === 1 || (this.settings.ssmStrict && isSsm(group))) this.counters.ignored++;
    else this.act(m, RECORD.toInclude, [], from);
  }

  private act(m: Membership, type: RecordType, sources: readonly string[], from: string): void {
    const { clock } = this.host;
    const { settings } = this;
    const leaves = (type === RECORD.toInclude && sources.length === 0) || type === RECORD.block;
    if (settings.fastLeave && !leaves) m.reporters.add(from);
    const alone = settings.fastLeave && leaves && m.reporters.size <= 1 && (m.reporters.size === 0 || m.reporters.has(from));
    const { queries, refused } = applyRecord(m.state, type, sources, clock.nowNs, this.membershipNs, settings.maxSources);
    this.counters.refusedSources += refused;
    if (alone) this.leaveNow(m, type, sources);
    else if (queries.group || queries.sources.length > 0) this.ask(m, queries.group, queries.sources);
    this.settle(m);
  }

  /** Fast leave: nobody else is there to be asked. */
  private leaveNow(m: Membership, type: RecordType, sources: readonly string[]): void {
    m.reporters.clear();
    if (type === RECORD.block) {
      for (const source of sources) {
        if (m.state.exclude) m.state.sources.set(source, 0);
        else m.state.sources.delete(source);
      }
    } else {
      m.state.exclude = false;
      m.state.sources.clear();
    }
  }

  /** Sets the timer to what runs out next, drops a record that says nothing, tells the router. */
  private settle(m: Membership): void {
    if (isEmpty(m.state)) {
      m.timer = cancel(m.timer);
      cancel(m.queryTimer);
      this.groups.delete(m.group);
    } else this.watch(m);
    this.host.changed(m.group);
  }

  /** A timer that runs out too early is left alone and looked at then: each report would leave a cancelled one behind otherwise. */
  private watch(m: Membership): void {
    const { clock } = this.host;
    const nextNs = nextExpiryNs(m.state);
    if (isRunning(m.timer) && m.timer.atNs <= nextNs) return;
    m.timer = cancel(m.timer);
    if (nextNs === Infinity) return;
    m.timer = clock.at(nextNs, () => {
      if (expire(m.state, clock.nowNs)) this.settle(m);
      else this.watch(m);
    });
  }

  // Queries.

  private generalQuery(): void {
    const { clock, silent } = this.host;
    if (silent === true) return;
    this.send({ group: '', sources: [], maxResponseMs: this.settings.responseNs / NS_PER_MS, suppress: false }, ALL_HOSTS[this.family]);
    const startup = this.startupLeft > 1;
    if (this.startupLeft > 0) this.startupLeft--;
    this.queryTimer = clock.after(startup ? this.queryNs / 4 : this.queryNs, () => {
      this.generalQuery();
    });
  }

  /** Older versions know no sources and no variables, version 1 no question about one group (section 7.3.1). */
  private send(query: Pick<QueryMessage, 'group' | 'sources' | 'maxResponseMs' | 'suppress'>, destination: string): void {
    const { version } = this;
    if ((version < 3 && query.sources.length > 0) || (version === 1 && query.group !== '')) return;
    this.counters.queriesSent++;
    const told =
      version === 3 ? { robustness: this.robustness, intervalS: Math.round(this.queryNs / NS_PER_S) } : { robustness: 0, intervalS: 0 };
    this.host.query({ kind: 'query', version, ...query, suppress: version === 3 && query.suppress, ...told }, destination);
  }

  /** Section 6.6.3: timers go down to the last member query time, and the questions are repeated. Only the querier asks. */
  private ask(m: Membership, group: boolean, sources: readonly string[]): void {
    if (!this.isQuerier) return;
    const untilNs = this.host.clock.nowNs + this.lastMemberTimeNs;
    if (group) {
      if (m.state.exclude) m.state.groupUntilNs = Math.min(m.state.groupUntilNs, untilNs);
      m.groupQueries = this.robustness;
    }
    for (const source of sources) {
      // One that is asked for already stays as it is (section 6.6.3.2).
      if ((m.state.sources.get(source) ?? 0) <= untilNs) continue;
      m.state.sources.set(source, untilNs);
      m.sourceQueries.set(source, this.robustness);
    }
    cancel(m.queryTimer);
    this.repeat(m);
  }

  private repeat(m: Membership): void {
    const { clock } = this.host;
    const maxResponseMs = this.settings.lastMemberNs / NS_PER_MS;
    const limitNs = clock.nowNs + this.lastMemberTimeNs;
    if (m.groupQueries > 0) {
      m.groupQueries--;
      this.send({ group: m.group, sources: [], maxResponseMs, suppress: m.state.exclude && m.state.groupUntilNs > limitNs }, m.group);
    }
    // Sources whose timer was raised again since are asked for with the suppress flag, in a message of their own.
    for (const suppress of [true, false]) {
      const sources: string[] = [];
      for (const [source, left] of m.sourceQueries) {
        if ((m.state.sources.get(source) ?? 0) > limitNs !== suppress) continue;
        sources.push(source);
        if (left <= 1) m.sourceQueries.delete(source);
        else m.sourceQueries.set(source, left - 1);
      }
      for (let at = 0; at < sources.length; at += this.sourcesAQuery)
        this.send({ group: m.group, sources: sources.slice(at, at + this.sourcesAQuery), maxResponseMs, suppress }, m.group);
    }
    m.queryTimer = undefined;
    if (m.groupQueries > 0 || m.sourceQueries.size > 0) {
      m.queryTimer = clock.after(this.settings.lastMemberNs, () => {
        if (this.groups.get(m.group) === m) this.repeat(m);
      });
    }
  }

  private hearQuery(message: QueryMessage, from: string): void {
    if (from === this.address) return;
    this.warnOf(message, from);
    // A switch that asks without an address of its own is no querier (RFC 4541 section 2.1.1).
    if (from !== ANY[this.family] && compareAddresses(from, this.address) < 0) this.yieldTo(from, message);
    // Section 6.6.1: other routers' questions lower our timers as our own would.
    if (message.group === '' || message.suppress) return;
    const m = this.groups.get(message.group);
    if (m === undefined) return;
    const untilNs = this.host.clock.nowNs + this.lastMemberTimeNs;
    if (message.sources.length === 0 && m.state.exclude) m.state.groupUntilNs = Math.min(m.state.groupUntilNs, untilNs);
    for (const source of message.sources) {
      const runs = m.state.sources.get(source) ?? 0;
      if (runs > 0) m.state.sources.set(source, Math.min(runs, untilNs));
    }
    this.settle(m);
  }

  /** All routers of a link should ask in the same version: told once a query interval (section 7.3.1). */
  private warnOf({ version, group }: QueryMessage, from: string): void {
    const { clock } = this.host;
    if (version === this.version || (group !== '' && version > 1) || clock.nowNs - this.warnedNs < this.settings.queryNs) return;
    this.warnedNs = clock.nowNs;
    const [theirs, ours] = [version, this.version].map((each) => (this.family === 4 ? `IGMPv${each}` : `MLDv${each - 1}`));
    this.host.warn(`${from} asks in ${theirs}, this router in ${ours}: set timers.queryVersion`);
  }

  /** One of a lower address asks (section 6.6.2): its variables are taken over, and this router waits as long as any such is heard. */
  private yieldTo(from: string, message: QueryMessage): void {
    const { clock } = this.host;
    this.querier = from;
    // What it does not tell is what is configured here (sections 4.1.6 and 4.1.7).
    this.robustness = message.robustness > 0 ? message.robustness : this.settings.robustness;
    this.queryNs = message.intervalS > 0 ? message.intervalS * NS_PER_S : this.settings.queryNs;
    this.queryTimer = cancel(this.queryTimer);
    cancel(this.otherQuerier);
    this.otherQuerier = clock.after(this.robustness * this.queryNs + this.settings.responseNs / 2, () => {
      this.querier = this.address;
      this.robustness = this.settings.robustness;
      this.queryNs = this.settings.queryNs;
      this.generalQuery();
    });
  }
}
