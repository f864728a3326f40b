import { formatSeconds } from '../base/index.ts';
import type { MulticastDecision, MulticastLogRow, MulticastMembership, MulticastPath, MulticastState } from '../contract/index.ts';
import { logLine, type Recorder } from '../multicast/index.ts';
import { plural } from '../session/index.ts';
import { count, printable, table } from './format.ts';
import type { Output } from './output.ts';

/** What a run of routers left behind: of a network, or of the router of a capture. */
export interface Ran {
  readonly recorder: Recorder;
  readonly log: readonly MulticastLogRow[];
  readonly routers: readonly { readonly id: string; readonly interfaces: readonly { readonly recorded: number }[] }[];
}

export interface Wanted {
  readonly explain?: boolean;
  readonly messages?: boolean;
}

/** Rows printed for reading; `--json` prints all. */
const SHOWN_ROWS = 60;

/** One line for each thing; the last one is the caller's. */
export function printRecords({ recorder, log }: Ran, state: MulticastState, wanted: Wanted, output: Output): void {
  for (const entry of state.entries) output.record({ entry });
  for (const receiver of state.receivers) output.record({ receiver });
  for (const link of state.links) output.record({ link });
  for (const membership of state.memberships) output.record({ membership });
  for (const branch of state.branches) output.record({ branch });
  for (const change of state.switches) output.record({ switch: change });
  for (const drop of state.drops) output.record({ drop });
  if (wanted.explain === true) for (const decision of recorder.decisions) output.record({ decision });
  if (wanted.messages === true) for (const message of log) output.record({ message });
}

/** Entries, receivers, drops, and what was asked for besides. */
export function printTables(ran: Ran, state: MulticastState, wanted: Wanted, output: Output): void {
  const { recorder } = ran;
  printEntries(state, output);
  printReceivers(state, output);
  printDrops(state, output);
  if (wanted.explain === true) {
    for (const decision of recorder.decisions) printDecision(decision, output);
    if (recorder.refused.decisions > 0) output.text(`${count(recorder.refused.decisions)} later choices were only counted`);
  }
  printSwitches(state, output);
  if (recorder.refused.switches > 0) output.text(`${count(recorder.refused.switches)} later changes of path were only counted`);
  if (wanted.messages === true) printMessages(ran, output);
}

export function printMessages({ recorder, log }: Ran, output: Output): void {
  output.text('');
  for (const row of log) output.text(printable(logLine(row)));
  if (recorder.refused.log > 0) output.text(`${count(recorder.refused.log)} more rows were left out`);
}

/** Totals, limits, and whether every packet is accounted for. */
export function printEnd(state: MulticastState, output: Output): void {
  const { paint } = output;
  const { totals } = state;
  output.text('');
  output.text(
    `${plural(totals.delivered, 'packet')} delivered, ${count(totals.duplicatesDelivered)} twice; ${count(totals.duplicatesDropped)} of the other family dropped (${plural(totals.bytesSaved, 'byte')}); ${plural(totals.joins, 'join')}, ${plural(totals.prunes, 'prune')} sent`,
  );
  printLimits(state, output);
  output.text(state.conservation.ok ? paint.green('✓ packets conserved') : paint.red(`✕ ${state.conservation.message}`));
}

/** Who has joined: hosts by IGMP and MLD, and other routers by PIM. */
export function printJoined({ memberships, branches }: MulticastState, output: Output): void {
  const routers = branches.filter(({ routers: joined }) => joined);
  if (memberships.length === 0 && routers.length === 0) {
    output.text('nobody has joined a group at the end');
    return;
  }
  if (memberships.length > 0) {
    for (const line of table([['link', 'group', 'mode', 'sources', 'members', 'querier'], ...memberships.map(memberRow)]))
      output.text(line);
  }
  for (const { key, link } of routers) output.text(`joined by a router on ${link}: ${key}`);
}

function memberRow({ link, group, mode, sources, protocol, querier }: MulticastMembership): string[] {
  const listed = sources.length > 0 ? sources.join(', ') : mode === 'exclude' ? 'any source' : '';
  return [
    link,
    group,
    mode,
    mode === 'exclude' && sources.length > 0 ? `any but ${listed}` : listed,
    protocol,
    querier === '' ? 'no querier' : querier,
  ];
}

/** What was told to sources, remembered of unknown ones, and refused because a limit was reached (M-21, M-24). */
function printLimits({ counters }: MulticastState, output: Output): void {
  const all = Object.values(counters);
  const tooBig = all.reduce((sum, each) => sum + each.tooBigSent, 0);
  const unknown = all.reduce((sum, each) => sum + each.unknownSources, 0);
  if (tooBig > 0) output.text(`${count(tooBig)} Packet Too Big sent to sources`);
  if (unknown > 0) output.text(`${plural(unknown, 'source')} that nobody has joined ${unknown === 1 ? 'is' : 'are'} remembered`);
  const refused = new Map<string, number>();
  for (const each of all) for (const [name, n] of Object.entries(each.refused)) refused.set(name, (refused.get(name) ?? 0) + n);
  if (refused.size > 0) output.text(`refused at a limit: ${[...refused].map(([name, n]) => `${name} ${count(n)}`).join(', ')}`);
}

function costText(path: MulticastPath): string {
  return path.cost === null ? (path.refused === '' ? '–' : 'refused') : String(path.cost);
}

function printEntries({ entries }: MulticastState, output: Output): void {
  if (entries.length === 0) return;
  output.text('');
  const head = ['router', 'entry', 'choice', 'v4', 'v6', 'in', 'out v4', 'out v6', 'packets', 'dropped'];
  const rows = entries
    .slice(0, SHOWN_ROWS)
    .map((e) => [
      e.router,
      e.key.text,
      e.choice,
      costText(e.path4),
      costText(e.path6),
      [e.incoming4, e.incoming6].filter((link) => link !== '').join('+') || '–',
      e.outgoing4.join('+') || '–',
      e.outgoing6.join('+') || '–',
      count(e.counters.packets),
      count(e.counters.otherFamilyDrops),
    ]);
  for (const line of table([head, ...rows], [3, 4, 8, 9])) output.text(line);
  if (entries.length > SHOWN_ROWS) output.text(`… and ${count(entries.length - SHOWN_ROWS)} more (--json prints all)`);
  for (const { router, key, reason } of entries.slice(0, SHOWN_ROWS)) output.text(`${output.paint.bold(router)} ${key.text}: ${reason}`);
}

/** Group data that was not forwarded, the most first. */
function printDrops({ drops, dropsUnlisted }: MulticastState, output: Output): void {
  if (drops.length === 0) return;
  output.text('');
  const head = ['not forwarded by', 'family', 'from', 'source, group', 'packets', 'why'];
  const sorted = drops.toSorted((a, b) => b.packets - a.packets);
  const rows = sorted
    .slice(0, SHOWN_ROWS)
    .map((d) => [d.router, d.family, d.link || 'register', `${d.source}, ${d.group}`, count(d.packets), `${d.text} (${d.rule})`]);
  for (const line of table([head, ...rows], [4])) output.text(line);
  const more = drops.length - rows.length;
  if (more > 0) output.text(`… and ${count(more)} more (--json prints all)`);
  if (dropsUnlisted > 0) output.text(`${count(dropsUnlisted)} packets of further streams were only counted`);
}

function printReceivers({ receivers }: MulticastState, output: Output): void {
  if (receivers.length === 0) return;
  output.text('');
  const head = ['receiver', 'family', 'group', 'received', 'twice', 'missing', 'first after', 'longest gap', 'delay'];
  const ms = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`;
  const rows = receivers.map((r) => [
    r.id,
    r.family,
    r.group,
    count(r.received),
    count(r.duplicates),
    count(r.missing),
    r.firstPacketNs === null || r.joinNs === null ? '–' : ms(r.firstPacketNs - r.joinNs),
    r.received < 2 ? '–' : ms(r.longestGapNs),
    r.received === 0 ? '–' : ms(r.meanDelayNs),
  ]);
  for (const line of table([head, ...rows], [3, 4, 5, 6, 7, 8])) output.text(line);
}

function printDecision(
  { tNs, router, key, choice, previous, rule, sentence, trigger, path4, path6 }: MulticastDecision,
  output: Output,
): void {
  const { paint } = output;
  output.text('');
  const change = previous === 'none' || previous === choice ? '' : ` (${previous} before)`;
  output.text(`${paint.bold(`■ ${formatSeconds(tNs, 6)} ${router} ${key.text}`)}  ${trigger}${change}`);
  for (const path of [path4, path6]) output.text(`  ${pathLine(path)}`);
  output.text(`  rule ${rule}: ${paint.bold(sentence)}`);
}

function pathLine(path: MulticastPath): string {
  if (path.metric === null) return `${path.family}  no route`;
  const parts = [`metric ${path.metric}`];
  if (path.bias !== 0) parts.push(`bias ${path.bias}`);
  if (path.translateCost !== 0) parts.push(`translation ${path.translateCost}`);
  const cost = path.cost === null ? `refused: ${path.refused}` : `cost ${path.cost}`;
  return `${path.family}  ${cost} (${parts.join(', ')}, preference ${path.preference}, ${plural(path.hops, 'hop')}, ${path.delayMs} ms)  ${path.nodes.join(' - ')}${path.link === '' ? '' : ` over ${path.link}`}`;
}

function printSwitches({ switches }: MulticastState, output: Output): void {
  if (switches.length === 0) return;
  output.text('');
  const at = (tNs: number | null): string => (tNs === null ? '–' : formatSeconds(tNs, 6));
  const head = ['change of path', 'entry', 'from', 'to', 'decided', 'first packet', 'prune', 'gap', 'duplicates'];
  const rows = switches.map((s) => [
    s.router,
    s.key.text,
    s.from,
    s.to,
    at(s.decidedNs),
    at(s.firstPacketNs),
    at(s.pruneSentNs),
    s.gapNs === null ? '–' : `${(s.gapNs / 1e6).toFixed(3)} ms`,
    count(s.duplicates),
  ]);
  for (const line of table([head, ...rows], [4, 5, 6, 7, 8])) output.text(line);
}
