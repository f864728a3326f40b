import { ADDRESS_BYTES, compareAddresses, type Family } from '../addresses.ts';
import type { PimGroupSet, PimSource } from '../messages/index.ts';
import { MAX_GROUPS_A_MESSAGE } from './settings.ts';

/** Joins and prunes of one group for one neighbour. */
export interface WaitingSet {
  readonly group: string;
  readonly joins: readonly PimSource[];
  readonly prunes: readonly PimSource[];
}

/** Sources in one message, of all groups together, where it is not one group with more that belong together. */
const MAX_SOURCES_A_MESSAGE = 50;
/** Bytes of a PIM message: what Ethernet takes in IPv4, and every link in IPv6. */
const MAX_MESSAGE_BYTES: Readonly<Record<Family, number>> = { 4: 1_480, 6: 1_240 };

const isOfRpt = ({ wildcard, rpt }: PimSource): boolean => rpt && !wildcard;

/** Encoded group or source, with the two counts of a group set in a group's case (RFC 7761 sections 4.9.1 and 4.9.5). */
const sourceBytes = (family: Family): number => 4 + ADDRESS_BYTES[family];
const groupBytes = (family: Family): number => 8 + ADDRESS_BYTES[family];
/** PIM header, upstream neighbour, number of groups, hold time. */
const headBytes = (family: Family): number => 10 + ADDRESS_BYTES[family];

/** Sources of one group that one message has room for. */
export function sourcesInOneMessage(family: Family): number {
  return Math.floor((MAX_MESSAGE_BYTES[family] - headBytes(family) - groupBytes(family)) / sourceBytes(family));
}

/**
 * Group sets as messages (RFC 7761 sections 4.9.5.1 and 4.9.5.2). What a Join(*,G) or Prune(*,G) says already is left away. A set that is too
 * large goes in parts, but the prunes that belong to a Join(*,G) stay with it: where there are too many, those of the lowest addresses.
 * `leftOut` is how many there was no room for.
 */
export function joinPruneMessages(waiting: Iterable<WaitingSet>, family: Family): { messages: PimGroupSet[][]; leftOut: number } {
  const messages: PimGroupSet[][] = [];
  let leftOut = 0;
  let sets: PimGroupSet[] = [];
  let sources = 0;
  let bytes = 0;
  const send = (): void => {
    if (sets.length > 0) messages.push(sets);
    sets = [];
    sources = 0;
    bytes = headBytes(family);
  };
  send();
  for (const each of waiting) {
    const cut = parts(withoutWords(each), family);
    leftOut += cut.leftOut;
    for (const { joins, prunes } of cut.parts) {
      const count = joins.length + prunes.length;
      const size = groupBytes(family) + count * sourceBytes(family);
      const full =
        sets.length === MAX_GROUPS_A_MESSAGE || sources + count > MAX_SOURCES_A_MESSAGE || bytes + size > MAX_MESSAGE_BYTES[family];
      if (full) send();
      sets.push({ group: each.group, maskLength: ADDRESS_BYTES[family] * 8, joins, prunes });
      sources += count;
      bytes += size;
    }
  }
  send();
  return { messages, leftOut };
}

type Lists = Pick<WaitingSet, 'joins' | 'prunes'>;

/** Without what is not to be said beside a Join(*,G) or a Prune(*,G): it says that itself. */
function withoutWords({ joins, prunes }: Lists): Lists {
  if (prunes.some(({ wildcard }) => wildcard))
    return { joins: joins.filter((each) => !isOfRpt(each)), prunes: prunes.filter((each) => !isOfRpt(each)) };
  return joins.some(({ wildcard }) => wildcard) ? { joins: joins.filter((each) => !isOfRpt(each)), prunes } : { joins, prunes };
}

function parts({ joins, prunes }: Lists, family: Family): { parts: Lists[]; leftOut: number } {
  const room = sourcesInOneMessage(family);
  if (joins.length + prunes.length <= room) return { parts: [{ joins, prunes }], leftOut: 0 };
  const star = joins.filter(({ wildcard }) => wildcard);
  if (star.length === 0) return { parts: chunks({ joins, prunes }), leftOut: 0 };
  const pruned = prunes.filter(isOfRpt).sort((a, b) => compareAddresses(a.source, b.source));
  const kept = pruned.slice(0, room - 1);
  const rest = { joins: joins.filter(({ wildcard }) => !wildcard), prunes: prunes.filter((each) => !isOfRpt(each)) };
  return { parts: [{ joins: star, prunes: kept }, ...chunks(rest)], leftOut: pruned.length - kept.length };
}

function chunks({ joins, prunes }: Lists): Lists[] {
  const list: Lists[] = [];
  for (let at = 0; at < joins.length + prunes.length; at += MAX_SOURCES_A_MESSAGE) {
    const end = at + MAX_SOURCES_A_MESSAGE;
    list.push({ joins: joins.slice(at, end), prunes: prunes.slice(Math.max(0, at - joins.length), Math.max(0, end - joins.length)) });
  }
  return list;
}
