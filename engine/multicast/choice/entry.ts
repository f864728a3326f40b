import { NS_PER_MS } from '../../base/index.ts';
import type { MulticastChoice, MulticastKeyInfo, MulticastPath, MulticastSwitch } from '../../contract/index.ts';
import type { Family } from '../addresses.ts';
import type { Timer } from '../clock.ts';
import type { Candidate, ChoiceResult } from './decide.ts';

/** A candidate path with its way through the network, for a person. */
export interface CandidatePath extends Candidate {
  readonly iface: number;
  readonly link: string;
  readonly neighbour: string;
  readonly nodes: readonly string[];
  readonly links: readonly string[];
}

/** One translated entry of a router (M-08): a key of both families, the choice, and a change under way. */
export interface Entry {
  /** Empty for any source. */
  readonly source4: string;
  readonly source6: string;
  readonly group4: string;
  readonly group6: string;
  readonly first: Family | 0;
  readonly createdNs: number;
  choice: MulticastChoice;
  lastChangeNs: number;
  result: ChoiceResult;
  path4: CandidatePath;
  path6: CandidatePath;
  /** Why the choice is as it is, in words. */
  reason: string;
  /** Both paths are joined: the old family, and when that ends at the latest. */
  switching: { readonly from: Family; readonly untilNs: number; readonly timer: Timer } | undefined;
  lastSwitch: MulticastSwitch | undefined;
  /** Family whose path was left by the last change. */
  leftFamily: Family | 0;
  /** A better path waits for the hold-down to end. */
  hold: Timer | undefined;
  /** Nobody is left downstream: goes after the hold time (M-11). */
  removal: Timer | undefined;
  lastPacketNs: number;
  /** Families (as bits 1 and 2) in which a join came over the interface of the path: the loop guard must look when this changes (M-17). */
  facing: number;
}

/** Source and group of an entry in both families. */
export type EntryKey = Pick<Entry, 'source4' | 'source6' | 'group4' | 'group6'>;

export function keyInfo(entry: EntryKey): MulticastKeyInfo {
  const { source4, source6, group4, group6 } = entry;
  const none = (text: string): string | null => (text === '' ? null : text);
  return {
    text: `(${source4 === '' ? '*' : source4}, ${group4})`,
    source4: none(source4),
    group4: none(group4),
    source6: none(source6),
    group6: none(group6),
  };
}

/** A path as the contract shows it. */
export function pathInfo(family: Family, path: CandidatePath, cost: number, bias: number, translateCost: number): MulticastPath {
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return {
    family: `v${family}`,
    metric: finite(path.metric),
    preference: path.preference,
    hops: finite(path.hops) ?? 0,
    delayMs: Math.round((finite(path.delayMs) ?? 0) * NS_PER_MS) / NS_PER_MS,
    cost: finite(cost),
    bias,
    translateCost,
    link: path.link,
    neighbour: path.neighbour,
    neighbourAddress: path.neighbourAddress,
    nodes: path.nodes as string[],
    links: path.links as string[],
    refused: path.refused,
  };
}
