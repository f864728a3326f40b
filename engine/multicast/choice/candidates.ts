import type { Family } from '../addresses.ts';
import type { PrefixTable } from '../mapping/index.ts';
import type { PathChoiceSpec } from '../../contract/index.ts';
import { hasBit, type PimRouter, type Tree } from '../pim/index.ts';
import { decide, type ChoiceInput, type ChoiceResult } from './decide.ts';
import type { CandidatePath, Entry, EntryKey } from './entry.ts';

/** What is asked of a router to find and compare the two paths of a key. */
export interface CandidateHost {
  readonly routerId: number;
  readonly prefixes: PrefixTable;
  readonly spec: PathChoiceSpec;
  bias(family: Family): number;
  pim(family: Family): PimRouter;
  /** Routing table of a family for a source, or for the rendezvous point of a group. */
  path(family: Family, source: string, group: string): CandidatePath;
}

/** Both paths of a key, and the choice between them. */
export interface Looked {
  readonly result: ChoiceResult;
  readonly path4: CandidatePath;
  readonly path6: CandidatePath;
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function sameInput(a: ChoiceInput, b: ChoiceInput): boolean {
  return (
    a.v4 === b.v4 &&
    a.v6 === b.v6 &&
    a.wants4 === b.wants4 &&
    a.wants6 === b.wants6 &&
    a.first === b.first &&
    a.bias4 === b.bias4 &&
    a.bias6 === b.bias6 &&
    a.to === b.to &&
    a.disjoint === b.disjoint
  );
}

/** Finds the paths of a key in both families, what forbids them, who wants it, and asks for the choice (M-07, M-12, M-17). */
export class Candidates {
  private readonly host: CandidateHost;
  private last: { readonly input: ChoiceInput; readonly result: ChoiceResult } | undefined;

  constructor(host: CandidateHost) {
    this.host = host;
  }

  /** Key of both families, or undefined for what has no form in the other one (M-07). */
  mapped(family: Family, source: string, group: string): EntryKey | undefined {
    const { prefixes } = this.host;
    const otherGroup = family === 4 ? prefixes.groupText6(group) : prefixes.groupText4(group);
    const otherSource = source === '' ? '' : family === 4 ? prefixes.sourceText6(source) : prefixes.sourceText4(source);
    if (otherGroup === undefined || otherSource === undefined) return undefined;
    return family === 4
      ? { source4: source, group4: group, source6: otherSource, group6: otherGroup }
      : { source4: otherSource, group4: otherGroup, source6: source, group6: group };
  }

  /** PIM's tree of a key in a family. */
  treeOf(entry: EntryKey, family: Family): Tree | undefined {
    const pim = this.host.pim(family);
    return family === 4 ? pim.find(entry.source4, entry.group4) : pim.find(entry.source6, entry.group6);
  }

  /** Interfaces of a family behind which somebody wants the entry. */
  wantedBy(entry: EntryKey, family: Family): number {
    const tree = this.treeOf(entry, family);
    const { olists } = this.host.pim(family);
    if (tree !== undefined) return tree.source === '' ? olists.immediate(tree) : olists.inherited(tree);
    const [source, group] = family === 4 ? [entry.source4, entry.group4] : [entry.source6, entry.group6];
    return source === '' ? 0 : olists.inheritedRpt(source, group);
  }

  /** Whether a family has receivers of the tree of a key. */
  wants(key: EntryKey, family: Family): boolean {
    const tree = this.treeOf(key, family);
    return tree !== undefined && this.host.pim(family).olists.wants(tree);
  }

  /** Families, as bits 1 and 2, in which a join came over the interface of the path. */
  facing(entry: Entry): number {
    let mask = 0;
    for (const family of [4, 6] as const) {
      const { iface } = family === 4 ? entry.path4 : entry.path6;
      const tree = iface < 0 ? undefined : this.treeOf(entry, family);
      if (tree !== undefined && hasBit(tree.joins, iface)) mask |= family === 4 ? 1 : 2;
    }
    return mask;
  }

  /** Both paths as they are now, and which one is chosen. `first`: family of the first join. */
  look(key: EntryKey, first: Family | 0): Looked {
    const { host } = this;
    const path4 = this.guarded(4, key, host.path(4, key.source4, key.group4));
    const path6 = this.guarded(6, key, host.path(6, key.source6, key.group6));
    const wants4 = this.wantedBy(key, 4);
    const wants6 = this.wantedBy(key, 6);
    const result = this.decided({
      v4: path4,
      v6: path6,
      wants4: bits(wants4),
      wants6: bits(wants6),
      first,
      spec: host.spec,
      bias4: host.bias(4),
      bias6: host.bias(6),
      to: key.source4 === '' ? 'rendezvous point' : 'source',
      disjoint: (wants4 & wants6) === 0,
    });
    return { result, path4, path6 };
  }

  /** Entries that share their paths share the answer and its sentence: the last one is kept. */
  private decided(input: ChoiceInput): ChoiceResult {
    const { last } = this;
    if (last !== undefined && sameInput(last.input, input)) return last.result;
    const result = decide(input);
    this.last = { input, result };
    return result;
  }

  /** M-17: no Join out of the interface and the family it came from; of two translation routers that face each other the higher id gives way. */
  private guarded(family: Family, key: EntryKey, path: CandidatePath): CandidatePath {
    const { host } = this;
    if (path.iface < 0 || !Number.isFinite(path.metric)) return path;
    if (family === 4 && this.underFurtherSet(key) && this.wantedBy(key, 6) !== 0)
      return {
        ...path,
        refused: 'copies of IPv4 data leave under the first set of prefixes, and receivers of IPv6 have joined under another',
      };
    if (!host.spec.loopGuard) return path;
    const tree = this.treeOf(key, family);
    if (tree === undefined || !hasBit(tree.joins, path.iface)) return path;
    const peer = host.pim(family).neighbours[path.iface]!.translationRouterOf(path.neighbourAddress);
    if (peer >= 0 && host.routerId < peer) return path;
    const refused =
      peer < 0
        ? `the join came from there (${path.link}), so data would turn in a circle`
        : `translation router ${path.neighbour} has chosen this router, and has the lower id`;
    return { ...path, refused };
  }

  /** The IPv6 form of a key is not the one that this router writes. */
  private underFurtherSet({ source4, source6, group4, group6 }: EntryKey): boolean {
    const { prefixes } = this.host;
    return prefixes.groupText6(group4) !== group6 || (source4 !== '' && prefixes.sourceText6(source4) !== source6);
  }
}
