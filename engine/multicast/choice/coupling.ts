import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import type { MulticastChoice, MulticastDecision, MulticastSwitch } from '../../contract/index.ts';
import type { Family } from '../addresses.ts';
import { cancel, isRunning, type EventClock } from '../clock.ts';
import { Candidates, type CandidateHost, type Looked } from './candidates.ts';
import { stays, type ChoiceResult } from './decide.ts';
import { EntryIndex } from './entry-index.ts';
import { keyInfo, pathInfo, type Entry, type EntryKey } from './entry.ts';

/** What the coupling needs of its router. */
export interface CouplingHost extends CandidateHost {
  readonly router: string;
  readonly clock: EventClock;
  readonly maxEntries: number;
  /** How long an entry without receivers is kept. */
  readonly holdNs: number;
  /** Forwarding of the entry's group must be computed again. */
  install(entry: Entry): void;
  /** Decisions are made into records only where somebody keeps them. */
  wantsDecisions(): boolean;
  decided(decision: MulticastDecision): void;
  switched(change: MulticastSwitch): void;
}

const other = (family: Family): Family => (family === 4 ? 6 : 4);

/**
 * Couples PIM of both families in a translation router (M-07 to M-18): one entry for each translated key, the choice of the path, the change of it
 * with both paths joined for a while. Joins and lists stay PIM's; this says in which family the upstream join goes.
 */
export class Coupling {
  /** `otherPrefix`: joins under one set of prefixes for what has an entry under another. */
  readonly counters = { refused: 0, otherPrefix: 0, decisions: 0, switches: 0 };
  private readonly host: CouplingHost;
  private readonly all = new EntryIndex();
  private readonly candidates: Candidates;

  constructor(host: CouplingHost) {
    this.host = host;
    this.candidates = new Candidates(host);
  }

  get size(): number {
    return this.all.size;
  }

  entries(): IterableIterator<Entry> {
    return this.all.values();
  }

  find(family: Family, source: string, group: string): Entry | undefined {
    return this.all.find(family, source, group);
  }

  /** The entry that data of this source and group belongs to: its own, or that of any source. */
  entryOf(family: Family, source: string, group: string): Entry | undefined {
    return this.find(family, source, group) ?? this.find(family, '', group);
  }

  /** Forgets everything, for a router that fails. */
  clear(): void {
    for (const entry of this.all.values()) {
      cancel(entry.hold);
      cancel(entry.removal);
      cancel(entry.switching?.timer);
    }
    this.all.clear();
  }

  /** True where data of a family is taken for the entry now. */
  includes(entry: Entry, family: Family): boolean {
    return entry.choice === 'both' || entry.choice === `v${family}` || entry.switching?.from === family;
  }

  /** Asked by PIM of a family: whether to join upstream. */
  joinDesired(family: Family, source: string, group: string, own: boolean): boolean {
    let entry = this.find(family, source, group);
    if (entry === undefined && !own) return false;
    const key = entry ?? this.candidates.mapped(family, source, group);
    if (key === undefined) return own;
    const wanted = own || this.candidates.wants(key, other(family));
    if (!wanted) {
      if (entry !== undefined) this.idle(entry);
      return false;
    }
    entry ??= this.create(family, key);
    if (entry === undefined) return false;
    if (entry.removal !== undefined) this.wake(entry);
    return this.includes(entry, family);
  }

  /** Interfaces of a family behind which somebody wants the entry. */
  wantedBy(entry: EntryKey, family: Family): number {
    return this.candidates.wantedBy(entry, family);
  }

  /** Whether the other family has receivers of a tree. */
  wantedElsewhere(family: Family, source: string, group: string): boolean {
    const key = this.find(family, source, group) ?? this.candidates.mapped(family, source, group);
    return key !== undefined && this.candidates.wants(key, other(family));
  }

  /** Told by PIM: lists or upstream state of a tree may have changed. True where it belongs to an entry. */
  changed(family: Family, source: string, group: string): boolean {
    const entry = this.find(family, source, group);
    if (entry === undefined) return false;
    if (this.host.spec.both && entry.removal === undefined && entry.choice !== 'both') this.reconsider(entry, 'receivers of both families');
    const facing = this.candidates.facing(entry);
    if (facing !== entry.facing) {
      entry.facing = facing;
      if (entry.removal === undefined && this.host.spec.loopGuard) this.reconsider(entry, 'loop guard');
    }
    this.sync(entry);
    return true;
  }

  /** Brings both families' upstream states in line with the choice. */
  private sync(entry: Entry): void {
    const wanted = entry.removal === undefined;
    for (const family of [4, 6] as const) {
      const should = wanted && this.includes(entry, family);
      const tree = this.candidates.treeOf(entry, family);
      const pim = this.host.pim(family);
      if (tree === undefined ? should : tree.joined !== should) {
        pim.refresh(tree ?? (family === 4 ? pim.need(entry.source4, entry.group4) : pim.need(entry.source6, entry.group6)));
      }
    }
    this.host.install(entry);
  }

  // Entries.

  private create(family: Family, key: EntryKey): Entry | undefined {
    const { clock } = this.host;
    if (this.all.size >= this.host.maxEntries) {
      this.counters.refused++;
      return undefined;
    }
    // One entry for each key (M-08): the set of prefixes that was joined first is the one that is served.
    if (this.find(4, key.source4, key.group4) !== undefined) {
      this.counters.otherPrefix++;
      return undefined;
    }
    const simultaneous = this.candidates.wantedBy(key, 4) !== 0 && this.candidates.wantedBy(key, 6) !== 0;
    const first = simultaneous ? 0 : family;
    const looked = this.candidates.look(key, first);
    const entry: Entry = {
      source4: key.source4,
      source6: key.source6,
      group4: key.group4,
      group6: key.group6,
      first,
      createdNs: clock.nowNs,
      choice: looked.result.choice,
      lastChangeNs: clock.nowNs,
      result: looked.result,
      path4: looked.path4,
      path6: looked.path6,
      reason: looked.result.sentence,
      switching: undefined,
      lastSwitch: undefined,
      leftFamily: 0,
      hold: undefined,
      removal: undefined,
      lastPacketNs: -1,
      facing: 0,
    };
    entry.facing = this.candidates.facing(entry);
    this.all.add(entry);
    this.decided(entry, looked, 'none', 'first join');
    return entry;
  }

  private idle(entry: Entry): void {
    if (isRunning(entry.removal)) return;
    entry.hold = cancel(entry.hold);
    this.endSwitch(entry);
    entry.removal = this.host.clock.after(this.host.holdNs, () => {
      this.all.remove(entry);
      this.host.install(entry);
    });
  }

  /** A first join again, before the entry went: the path is chosen anew. */
  private wake(entry: Entry): void {
    entry.removal = cancel(entry.removal);
    this.apply(entry, this.candidates.look(entry, entry.first), 'first join', false);
  }

  // Choices.

  private decision(key: EntryKey, { result, path4, path6 }: Looked, previous: MulticastChoice, trigger: string): MulticastDecision {
    const { host } = this;
    return {
      tNs: host.clock.nowNs,
      router: host.router,
      key: keyInfo(key),
      choice: result.choice,
      previous,
      rule: result.rule,
      sentence: result.sentence,
      trigger,
      path4: pathInfo(4, path4, result.cost4, host.bias(4), result.translate4),
      path6: pathInfo(6, path6, result.cost6, host.bias(6), result.translate6),
    };
  }

  private decided(entry: Entry, looked: Looked, previous: MulticastChoice, trigger: string): void {
    this.counters.decisions++;
    if (this.host.wantsDecisions()) this.host.decided(this.decision(entry, looked, previous, trigger));
  }

  /** Routes or costs have changed: every entry is looked at again (M-09, M-25). */
  reconsiderAll(trigger: string): void {
    for (const entry of [...this.all.values()]) {
      if (entry.removal === undefined) this.reconsider(entry, trigger);
      this.sync(entry);
    }
  }

  private reconsider(entry: Entry, trigger: string): void {
    const looked = this.candidates.look(entry, entry.first);
    const { result } = looked;
    if (result.choice === entry.choice) {
      entry.hold = cancel(entry.hold);
      this.update(entry, looked, result.sentence);
      return;
    }
    const lost = entry.choice === 'none' || !Number.isFinite(this.costOf(entry.choice, result));
    const forced = result.rule === 'fixed' || result.rule === 'lower-preference' || result.rule === 'both-equal';
    if (lost || forced) {
      this.apply(entry, looked, trigger, !lost);
      return;
    }
    const gain = this.costOf(entry.choice, result) - this.costOf(result.choice, result);
    const { spec, clock } = this.host;
    if (gain >= spec.switchGain && (spec.holdDownS === 0 || trigger === 'hold-down')) {
      this.apply(entry, looked, trigger, true);
      return;
    }
    this.update(entry, looked, stays(entry.choice, gain, result, spec));
    if (gain < spec.switchGain) entry.hold = cancel(entry.hold);
    else if (!isRunning(entry.hold)) {
      entry.hold = clock.after(spec.holdDownS * NS_PER_S, () => {
        entry.hold = undefined;
        this.reconsider(entry, 'hold-down');
        this.sync(entry);
      });
    }
  }

  private costOf(choice: MulticastChoice, { cost4, cost6 }: ChoiceResult): number {
    return choice === 'v4' ? cost4 : choice === 'v6' ? cost6 : choice === 'both' ? Math.max(cost4, cost6) : Infinity;
  }

  /** New figures: what a person sees is up to date. */
  private update(entry: Entry, looked: Looked, reason: string): void {
    entry.reason = reason;
    entry.path4 = looked.path4;
    entry.path6 = looked.path6;
    entry.result = looked.result;
  }

  private apply(entry: Entry, looked: Looked, trigger: string, oldWorks: boolean): void {
    const { spec, clock } = this.host;
    const previous = entry.choice;
    const next = looked.result.choice;
    this.update(entry, looked, looked.result.sentence);
    entry.hold = cancel(entry.hold);
    this.endSwitch(entry);
    this.decided(entry, looked, previous, trigger);
    if (previous === next) return;
    entry.choice = next;
    entry.lastChangeNs = clock.nowNs;
    if ((previous !== 'v4' && previous !== 'v6') || next === 'none') return;
    const from: Family = previous === 'v4' ? 4 : 6;
    this.begin(entry, from, previous, next);
    if (!spec.makeBeforeBreak || !oldWorks || next === 'both') return;
    const untilNs = clock.nowNs + spec.overlapMs * NS_PER_MS;
    const timer = clock.at(untilNs, () => {
      this.endSwitch(entry);
      this.sync(entry);
    });
    entry.switching = { from, untilNs, timer };
  }

  // Changes of path.

  private begin(entry: Entry, from: Family, previous: MulticastChoice, next: MulticastChoice): void {
    this.counters.switches++;
    entry.leftFamily = from;
    entry.lastSwitch = {
      router: this.host.router,
      key: keyInfo(entry),
      from: previous,
      to: next,
      decidedNs: this.host.clock.nowNs,
      joinSentNs: this.host.clock.nowNs,
      firstPacketNs: null,
      pruneSentNs: this.host.spec.makeBeforeBreak ? null : this.host.clock.nowNs,
      gapNs: null,
      duplicates: 0,
    };
    this.host.switched(entry.lastSwitch);
  }

  private endSwitch(entry: Entry): void {
    if (entry.switching === undefined) return;
    cancel(entry.switching.timer);
    entry.switching = undefined;
    if (entry.lastSwitch?.pruneSentNs === null) entry.lastSwitch.pruneSentNs = this.host.clock.nowNs;
  }

  /** Data of an entry was taken: the first packet of the new path ends the change (M-19). */
  taken(entry: Entry, family: Family): void {
    const { nowNs } = this.host.clock;
    const change = entry.lastSwitch;
    if (change !== undefined && family !== entry.leftFamily && change.firstPacketNs === null) {
      change.firstPacketNs = nowNs;
      change.gapNs = entry.lastPacketNs < 0 ? null : nowNs - entry.lastPacketNs;
      if (entry.switching !== undefined) {
        this.endSwitch(entry);
        this.sync(entry);
      } else change.pruneSentNs ??= change.decidedNs;
    }
    entry.lastPacketNs = nowNs;
  }

  /** Data of the family that is not chosen was dropped. */
  droppedOther(entry: Entry, family: Family): void {
    if (entry.lastSwitch !== undefined && family === entry.leftFamily && entry.lastSwitch.firstPacketNs !== null)
      entry.lastSwitch.duplicates++;
  }
}
