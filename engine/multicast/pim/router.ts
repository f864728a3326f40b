import type { Random } from '../../base/index.ts';
import { addressBytes, ALL_PIM_ROUTERS, inPrefix, isMulticast, isSsm, scopeOf, type Family } from '../addresses.ts';
import { cancel, isRunning, type EventClock } from '../clock.ts';
import { JoinRate } from '../join-rate.ts';
import type { PimHello, PimMessage } from '../messages/index.ts';
import { Asserts } from './asserts.ts';
import { Bootstrap } from './bootstrap.ts';
import { dataVerdict, type DataVerdict } from './data-verdict.ts';
import { receiveJoinPrune, receiverChanged } from './downstream.ts';
import type { PimHost, PimRoute } from './host.ts';
import { JoinPruneQueue } from './join-prune-queue.ts';
import { Neighbours } from './neighbours.ts';
import { Olists } from './olists.ts';
import { Registering } from './registering.ts';
import { embeddedRp, selectRp, type RpMapping } from './rendezvous.ts';
import type { PimSettings } from './settings.ts';
import { SourceTrees } from './source-trees.ts';
import { Tree, type GroupTrees } from './tree.ts';
import { UnknownSources } from './unknown-sources.ts';
import { Upstream } from './upstream.ts';
import { Warnings } from './warnings.ts';

/** Messages to one router; all others go to all PIM routers of a link (RFC 7761 section 4.9). What came otherwise is discarded. */
const UNICAST_KINDS: ReadonlySet<PimMessage['kind']> = new Set(['register', 'register-stop', 'candidate-rp']);

export interface PimInterface {
  readonly address: string;
  readonly drPriority: number;
  readonly silent?: boolean;
}

export interface PimOptions {
  readonly host: PimHost;
  readonly settings: PimSettings;
  readonly interfaces: readonly PimInterface[];
  readonly rps: readonly RpMapping[];
  /** Announced in Hellos by translation routers, null for others (M-17). */
  readonly translationRouter: number | null;
  readonly spt: boolean;
  readonly maxUnknownSources: number;
  /** Trees at once: more is refused and counted (M-24). */
  readonly maxTrees: number;
  /** PIM neighbours of an interface. */
  readonly maxNeighbours: number;
  /** Joins that make new state an interface takes in a second. */
  readonly joinsPerSecond: number;
  /** Takes joins and prunes of unknown neighbours and to any neighbour: for a router that stands beside a captured link. */
  readonly trusting?: boolean;
  /** Takes asserts of unknown neighbours. */
  readonly trustsAsserts?: boolean;
  /** Group ranges this router is a candidate rendezvous point for, learned by bootstrap messages. */
  readonly candidate: {
    readonly address: string;
    readonly priority: number;
    readonly ranges: readonly { prefix: string; bits: number }[];
  } | null;
}

/**
 * PIM sparse mode of one family on one router (RFC 7761): neighbours, trees with their state machines, data-driven events. What it needs of the
 * world comes through the host, so that a translation router can couple two of these.
 */
export class PimRouter {
  readonly family: Family;
  readonly host: PimHost;
  readonly settings: PimSettings;
  readonly clock: EventClock;
  readonly random: Random;
  readonly neighbours: Neighbours[];
  readonly groups = new Map<string, GroupTrees>();
  readonly queue: JoinPruneQueue;
  readonly olists: Olists;
  readonly upstream: Upstream;
  readonly asserts: Asserts;
  readonly registering: Registering;
  readonly bootstrap: Bootstrap;
  /** Sources that nobody has joined: state that data alone makes (M-24). */
  readonly unknown: UnknownSources;
  readonly warnings: Warnings;
  /** `refused...`: what the limits of M-24 did not let in. */
  readonly counters = { joins: 0, prunes: 0, ignored: 0, trees: 0, refusedTrees: 0, refusedJoins: 0 };
  running = false;
  private readonly options: PimOptions;
  private readonly rpOf = new Map<string, string>();
  private readonly rates: readonly JoinRate[];
  private lastSource = '';

  constructor(options: PimOptions) {
    const { host, settings, interfaces } = options;
    this.options = options;
    this.host = host;
    this.family = host.family;
    this.settings = settings;
    this.clock = host.clock;
    this.random = host.random;
    this.warnings = new Warnings(host);
    this.neighbours = interfaces.map((each, iface) => this.neighboursOf(each, iface));
    this.rates = interfaces.map(() => new JoinRate(options.joinsPerSecond));
    this.unknown = new UnknownSources(this, options.maxUnknownSources);
    this.queue = new JoinPruneQueue(this);
    this.olists = new Olists(this);
    this.upstream = new Upstream(this);
    this.asserts = new Asserts(this);
    this.registering = new Registering(this);
    this.bootstrap = new Bootstrap(this, options.candidate);
  }

  get sptWanted(): boolean {
    return this.options.spt;
  }

  get trusting(): boolean {
    return this.options.trusting === true;
  }

  private neighboursOf({ address, drPriority, silent = false }: PimInterface, iface: number): Neighbours {
    const { host, settings, translationRouter, maxNeighbours } = this.options;
    const ends = { family: host.family, address, drPriority, translationRouter, silent, most: maxNeighbours };
    return new Neighbours(ends, host.clock, host.random, settings, {
      sendHello: (hello: PimHello) => {
        host.send(iface, hello);
      },
      appeared: (from) => {
        host.note({ kind: 'neighbour', iface, source: from, group: '', text: `PIM neighbour ${from} is there` });
        this.bootstrap.neighbourAppeared(iface, from);
        this.refreshAll();
      },
      vanished: (from) => {
        host.note({ kind: 'neighbour', iface, source: from, group: '', text: `PIM neighbour ${from} is gone` });
        this.asserts.winnerLost(iface, from);
        this.refreshAll();
      },
      restarted: (from) => {
        host.note({ kind: 'neighbour', iface, source: from, group: '', text: `PIM neighbour ${from} started anew` });
        this.asserts.winnerLost(iface, from);
        this.upstream.neighbourRestarted(iface, from);
        this.bootstrap.neighbourAppeared(iface, from);
      },
      drChanged: () => {
        this.registering.drChanged(iface);
        this.refreshAll();
      },
      conflict: (address, before, now) => {
        this.warnings.tell('secondary-address', iface, now, `${now} tells ${address}, which ${before} told before`);
      },
    });
  }

  start(): void {
    this.running = true;
    for (const each of this.neighbours) each.start();
    this.bootstrap.start();
  }

  /** The router fails: everything is forgotten. */
  stop(): void {
    this.running = false;
    for (const each of this.neighbours) each.stop();
    this.bootstrap.stop();
    this.queue.clear();
    for (const tree of this.trees()) this.clear(tree);
    this.unknown.clear();
    this.groups.clear();
    this.rpOf.clear();
  }

  *trees(): Generator<Tree> {
    for (const { star, sources } of this.groups.values()) {
      if (star !== undefined) yield star;
      yield* sources.values();
    }
  }

  private clear(tree: Tree): void {
    cancel(tree.joinTimer);
    cancel(tree.keepalive);
    cancel(tree.override);
    cancel(tree.register?.timer);
    for (const each of [...tree.down, ...(tree.rptDown ?? [])]) {
      cancel(each.expiry);
      cancel(each.pending);
    }
    for (const each of tree.asserts ?? []) cancel(each.timer);
  }

  // Trees.

  find(source: string, group: string): Tree | undefined {
    const trees = this.groups.get(group);
    return source === '' ? trees?.star : trees?.sources.get(source);
  }

  /** The tree for what a packet or a message asks for, undefined where the router has too many (M-24). */
  admit(source: string, group: string): Tree | undefined {
    const tree = this.find(source, group);
    if (tree !== undefined) return tree;
    if (this.counters.trees < this.options.maxTrees) return this.need(source, group);
    this.counters.refusedTrees++;
    return undefined;
  }

  /** False where an interface brings more new joins in a second than it may (M-24). */
  mayJoin(iface: number): boolean {
    if (this.rates[iface]!.take(this.clock.nowNs)) return true;
    this.counters.refusedJoins++;
    return false;
  }

  need(source: string, group: string): Tree {
    let trees = this.groups.get(group);
    if (trees === undefined) this.groups.set(group, (trees = { group, star: undefined, sources: new SourceTrees() }));
    let tree = source === '' ? trees.star : trees.sources.get(source);
    if (tree !== undefined) return tree;
    // Many groups have the same source: they share its text.
    if (source !== this.lastSource) this.lastSource = source;
    tree = new Tree(group, this.lastSource);
    this.counters.trees++;
    if (source === '') trees.star = tree;
    else trees.sources.set(tree);
    return tree;
  }

  /** Re-evaluates a tree; a change of (*,G) concerns every source of the group. */
  refresh(tree: Tree): void {
    this.refreshOne(tree);
    if (tree.source === '') for (const each of this.groups.get(tree.group)?.sources.values() ?? []) this.refreshOne(each);
    this.drop(tree);
  }

  private refreshOne(tree: Tree): void {
    this.registering.check(tree);
    this.upstream.refresh(tree);
    if (tree.asserts !== undefined && tree.asserts.length > 0) this.asserts.check(tree);
    if (tree.unknown) this.unknown.look(tree);
    this.host.changed(tree.source, tree.group);
  }

  refreshGroup(group: string): void {
    const trees = this.groups.get(group);
    if (trees === undefined) return;
    if (trees.star !== undefined) this.refresh(trees.star);
    for (const tree of trees.sources.values()) this.refresh(tree);
  }

  /** Routes, neighbours, designated routers or rendezvous points have changed. */
  refreshAll(): void {
    for (const group of [...this.groups.keys()]) this.refreshGroup(group);
  }

  /** Removes a tree in which nothing is left. */
  private drop(tree: Tree): void {
    const used =
      tree.down.length > 0 ||
      (tree.rptDown?.length ?? 0) > 0 ||
      (tree.asserts?.length ?? 0) > 0 ||
      tree.joined ||
      tree.rptPruned ||
      tree.register !== undefined ||
      isRunning(tree.keepalive) ||
      isRunning(tree.override) ||
      this.refused(tree) ||
      (tree.source === '' ? this.olists.includeAny(tree.group) : this.olists.includeSource(tree.source, tree.group)) !== 0;
    if (used) return;
    const trees = this.groups.get(tree.group);
    if (trees === undefined) return;
    if (tree.source === '' ? trees.star !== tree : trees.sources.get(tree.source) !== tree) return;
    this.clear(tree);
    this.unknown.forget(tree);
    this.counters.trees--;
    if (tree.source === '') trees.star = undefined;
    else trees.sources.delete(tree.source);
    if (trees.star === undefined && trees.sources.size === 0) {
      this.groups.delete(tree.group);
      this.rpOf.delete(tree.group);
    }
  }

  /** Local receivers of the shared tree have named the source as one they do not want: it may have to be pruned from there. */
  private refused({ source, group }: Tree): boolean {
    return source !== '' && this.find('', group) !== undefined && this.host.excludes(source, group) !== 0;
  }

  // Rendezvous points and routes.

  rp(group: string): string {
    if (isSsm(group)) return '';
    const known = this.rpOf.get(group);
    if (known !== undefined) return known;
    // Groups of the link itself have none (RFC 5771 section 4).
    const mappings = scopeOf(group) <= 2 ? [] : [...this.options.rps, ...this.bootstrap.mappings];
    const rp = this.refuses(group) ? '' : (selectRp(group, this.family, mappings, this.bootstrap.rpSet.hashMaskBits) ?? '');
    if (this.groups.has(group)) this.rpOf.set(group, rp);
    return rp;
  }

  /** The group has this router's address inside, but the router is not told to be a rendezvous point of it (RFC 3956 section 10). */
  refuses(group: string): boolean {
    const embedded = this.family === 6 ? embeddedRp(group) : undefined;
    if (embedded === undefined || !this.host.isOwn(embedded)) return false;
    const told = [...this.options.rps.filter(({ rp }) => this.host.isOwn(rp)), ...(this.options.candidate?.ranges ?? [])];
    return !told.some(({ prefix, bits }) => inPrefix(group, addressBytes(prefix), bits));
  }

  rpsChanged(): void {
    const before = new Map(this.rpOf);
    this.rpOf.clear();
    for (const [group, rp] of before) if (this.rp(group) !== rp) this.registering.rpChanged(group);
    this.refreshAll();
  }

  /** Route of a tree: to the source, or to the rendezvous point. Undefined where there is none, or where the root is this router. */
  routeOf(tree: Tree): PimRoute | undefined {
    const target = tree.source === '' ? this.rp(tree.group) : tree.source;
    return target === '' || this.host.isOwn(target) ? undefined : this.host.rpf(target);
  }

  /** Interface on which data of a tree must come, -1 for none. */
  incoming(tree: Tree): number {
    return this.routeOf(tree)?.iface ?? -1;
  }

  // Events from outside.

  receive(message: PimMessage, iface: number, from: string, destination: string): void {
    const toAll = destination === ALL_PIM_ROUTERS[this.family];
    if (toAll ? UNICAST_KINDS.has(message.kind) : !UNICAST_KINDS.has(message.kind) || isMulticast(destination)) {
      this.counters.ignored++;
      this.warnings.tell('destination', iface, from, `a PIM ${message.kind} of ${from} to ${destination} was discarded`);
      return;
    }
    switch (message.kind) {
      case 'hello':
        this.neighbours[iface]!.hear(from, message);
        return;
      case 'join-prune':
        // Of unknown neighbours nothing is taken (RFC 7761 section 4.5).
        if (this.trusting || this.neighbours[iface]!.has(from)) receiveJoinPrune(this, message, iface);
        else this.counters.ignored++;
        return;
      case 'assert':
        if (this.options.trustsAsserts === true || this.neighbours[iface]!.has(from)) this.asserts.receive(message, iface, from);
        else this.counters.ignored++;
        return;
      case 'register':
        this.registering.register(message, from, destination);
        return;
      case 'register-stop':
        this.registering.stopped(message);
        return;
      case 'bootstrap':
        if (this.trusting || this.neighbours[iface]!.has(from)) this.bootstrap.receive(message, iface, from);
        else this.counters.ignored++;
        return;
      case 'candidate-rp':
        this.bootstrap.candidateHeard(message);
    }
  }

  /** Local membership of a group on any interface has changed. */
  membershipChanged(group: string, sources: readonly string[]): void {
    receiverChanged(this, group, sources);
  }

  /** Data came in. */
  data(source: string, group: string, iface: number, packet: Uint8Array): DataVerdict {
    return dataVerdict(this, source, group, iface, packet);
  }

  keepAlive(tree: Tree, ns = this.settings.keepaliveNs): void {
    tree.keepaliveUntilNs = this.clock.nowNs + ns;
    const running = isRunning(tree.keepalive);
    if (running && tree.keepalive!.atNs <= tree.keepaliveUntilNs) return;
    cancel(tree.keepalive);
    this.watchKeepAlive(tree);
    if (!running) this.refresh(tree);
  }

  private watchKeepAlive(tree: Tree): void {
    tree.keepalive = this.clock.at(tree.keepaliveUntilNs, () => {
      if (tree.keepaliveUntilNs > this.clock.nowNs) {
        this.watchKeepAlive(tree);
        return;
      }
      tree.spt = false;
      this.registering.idle(tree);
      this.refresh(tree);
    });
  }
}
