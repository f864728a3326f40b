import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  EngineError,
  type MulticastDecision,
  type MulticastMembership,
  type MulticastPath,
  type MulticastScenario,
  type MulticastState,
} from '../contract/index.ts';
import { formatSeconds, NS_PER_S } from '../base/index.ts';
import { atomicFile, openCapture, PcapngWriter, RecordBatch } from '../files/index.ts';
import { MulticastWatch, parseMulticast, refusedYaml } from '../lab/index.ts';
import { logLine, MulticastNetwork, networkState } from '../multicast/index.ts';
import { bundledMulticast } from '../host/index.ts';
import { printBundled } from './bundled-list.ts';
import { count, printable, table } from './format.ts';
import { makeFolder } from './folder.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { startProgress } from './progress.ts';

export interface MulticastOptions {
  readonly at?: number;
  readonly explain?: boolean;
  readonly messages?: boolean;
  readonly output?: string;
}

const LINKTYPE_ETHERNET = 1;
/** The captures begin at a fixed instant, 2026-01-01 in UTC, so that the same network gives the same bytes. */
const EPOCH_NS = 1_767_225_600_000_000_000n;
/** Parts of a run between two looks at Ctrl+C. */
const STEPS = 200;
/** Entries printed for reading; `--json` prints all. */
const SHOWN_ENTRIES = 60;

/** A network runs and its state is printed, a capture is watched, or the bundled networks are listed. */
export async function multicastCommand(
  name: string | undefined,
  options: MulticastOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (name === undefined) {
    printBundled(bundledMulticast.list(parseMulticast), output);
    return EXIT.ok;
  }
  if (options.at !== undefined && !(options.at >= 0)) throw new UsageError('--at takes a number of seconds, such as 12.5');
  if (existsSync(name) && !/\.ya?ml$/.test(name)) return watch(name, options, output, signal);
  const parsed = parseMulticast(bundledMulticast.fileOrBundled(name));
  if (!parsed.ok) throw refusedYaml(name, parsed.error, 'ringside schema multicast');
  const network = await run(parsed.value, name, options, output, signal);
  const state = networkState(network, 1);
  const files = options.output === undefined ? [] : writeCaptures(network, options.output);
  if (output.json) printJson(network, state, options, output);
  else print(parsed.value, network, state, options, output);
  if (!output.json) for (const file of files) output.text(`${printable(file)} written`);
  return state.conservation.ok ? EXIT.ok : EXIT.failed;
}

async function run(
  scenario: MulticastScenario,
  name: string,
  options: MulticastOptions,
  output: Output,
  signal: AbortSignal,
): Promise<MulticastNetwork> {
  const made = MulticastNetwork.create(scenario, { record: options.output !== undefined });
  if (!made.ok) {
    const first = made.error[0];
    throw new EngineError({ code: 'bad-input', message: `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`, where: { file: name } });
  }
  const network = made.value;
  const endNs = Math.min(network.durationNs, (options.at ?? Infinity) * NS_PER_S);
  const progress = await startProgress(output, scenario.name);
  try {
    for (let step = 1; step <= STEPS; step++) {
      const tNs = Math.round((endNs * step) / STEPS);
      if (!network.runUntil(tNs))
        throw new EngineError({ code: 'limit', message: 'The run has more events than a network should: data goes round in a circle.' });
      progress.update({ done: tNs, total: endNs, unit: 'ns', message: `${formatSeconds(tNs, 0)} s` });
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was stopped; no file was written.' });
    }
  } finally {
    progress.stop();
  }
  return network;
}

/** One file for each router, an interface for each of its links. */
function writeCaptures(network: MulticastNetwork, folder: string): string[] {
  makeFolder(folder);
  const { interfaces, packets } = network.recorder;
  return network.routers.map((router) => {
    const path = join(folder, `${router.id}.pcapng`);
    const sink = atomicFile(path);
    if (!sink.ok) throw sink.error;
    const own = router.interfaces.map(({ recorded }) => recorded);
    const described = own.map((recorded) => ({ linkType: LINKTYPE_ETHERNET, name: interfaces[recorded]!.split(' ')[1]! }));
    const writer = new PcapngWriter(sink.value, EPOCH_NS, described, { section: { application: 'ringside multicast' } });
    for (const { tNs, iface, frame } of packets) {
      const at = own.indexOf(iface);
      if (at >= 0) writer.packet(tNs, frame, 0, frame.length, frame.length, at);
    }
    const done = writer.finish();
    if (!done.ok) throw done.error;
    return path;
  });
}

function printJson(network: MulticastNetwork, state: MulticastState, options: MulticastOptions, output: Output): void {
  for (const entry of state.entries) output.record({ entry });
  for (const receiver of state.receivers) output.record({ receiver });
  for (const link of state.links) output.record({ link });
  for (const change of state.switches) output.record({ switch: change });
  if (options.explain === true) for (const decision of network.recorder.decisions) output.record({ decision });
  if (options.messages === true) for (const message of network.recorder.log) output.record({ message });
  const { tNs, totals, counters, conservation } = state;
  output.record({ name: network.scenario.name, seed: network.scenario.seed, tNs, totals, counters, conservation });
}

function print(
  scenario: MulticastScenario,
  network: MulticastNetwork,
  state: MulticastState,
  options: MulticastOptions,
  output: Output,
): void {
  const { paint } = output;
  output.text(
    `${paint.bold(scenario.title === '' ? scenario.name : scenario.title)}  at ${formatSeconds(state.tNs, 3)} s, seed ${scenario.seed}`,
  );
  output.text(
    `${count(network.routers.length)} routers, ${count(network.links.length)} links, ${count(network.sources.length)} sources, ${count(network.receivers.length)} receivers`,
  );
  printEntries(state, output);
  printReceivers(state, output);
  printDrops(state, output);
  if (options.explain === true) for (const decision of network.recorder.decisions) printDecision(decision, output);
  printSwitches(state, output);
  const { switches } = network.recorder.refused;
  if (switches > 0) output.text(`${count(switches)} later changes of path were only counted`);
  if (options.messages === true) {
    output.text('');
    for (const row of network.recorder.log) output.text(logLine(row));
    if (network.recorder.refused.log > 0) output.text(`${count(network.recorder.refused.log)} more rows were left out`);
  }
  const { totals } = state;
  output.text('');
  output.text(
    `${count(totals.delivered)} packets delivered, ${count(totals.duplicatesDelivered)} twice; ${count(totals.duplicatesDropped)} of the other family dropped (${count(totals.bytesSaved)} bytes); ${count(totals.joins)} joins, ${count(totals.prunes)} prunes sent`,
  );
  printLimits(state, output);
  output.text(state.conservation.ok ? paint.green('✓ packets conserved') : paint.red(`✕ ${state.conservation.message}`));
}

/** What was told to sources, remembered of unknown ones, and refused because a limit was reached (M-21, M-24). */
function printLimits({ counters }: MulticastState, output: Output): void {
  const all = Object.values(counters);
  const tooBig = all.reduce((sum, each) => sum + each.tooBigSent, 0);
  const unknown = all.reduce((sum, each) => sum + each.unknownSources, 0);
  if (tooBig > 0) output.text(`${count(tooBig)} Packet Too Big sent to sources`);
  if (unknown > 0) output.text(`${count(unknown)} sources that nobody has joined are remembered`);
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
    .slice(0, SHOWN_ENTRIES)
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
  if (entries.length > SHOWN_ENTRIES) output.text(`… and ${count(entries.length - SHOWN_ENTRIES)} more entries (--json prints all)`);
  for (const { router, key, reason } of entries.slice(0, SHOWN_ENTRIES)) output.text(`${output.paint.bold(router)} ${key.text}: ${reason}`);
}

/** Group data that was not forwarded, the most first. */
function printDrops({ drops, dropsUnlisted }: MulticastState, output: Output): void {
  if (drops.length === 0) return;
  output.text('');
  const head = ['not forwarded by', 'family', 'from', 'source, group', 'packets', 'why'];
  const sorted = drops.toSorted((a, b) => b.packets - a.packets);
  const rows = sorted
    .slice(0, SHOWN_ENTRIES)
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
  return `${path.family}  ${cost} (${parts.join(', ')}, preference ${path.preference}, ${path.hops} hops, ${path.delayMs} ms)  ${path.nodes.join(' - ')}${path.link === '' ? '' : ` over ${path.link}`}`;
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

/** Runs a capture past the membership machines and says who has joined what at its end. */
async function watch(file: string, options: MulticastOptions, output: Output, signal: AbortSignal): Promise<number> {
  const opened = await openCapture(file);
  if (!opened.ok) throw opened.error;
  const watcher = new MulticastWatch();
  const { source } = opened.value;
  try {
    const batch = new RecordBatch();
    const untilNs = (options.at ?? Infinity) * NS_PER_S;
    while (!signal.aborted && source.nextBatch(batch)) {
      for (let i = 0; i < batch.count; i++) {
        if (batch.tsNs[i]! > untilNs) continue;
        const start = batch.offset[i]!;
        watcher.feed(batch.tsNs[i]!, batch.linkType[i]!, batch.bytes, start, start + batch.capLen[i]!);
      }
    }
  } finally {
    opened.value.close();
  }
  const membership = watcher.membership();
  if (output.json) {
    if (options.messages === true) for (const message of watcher.messages) output.record({ message });
    for (const each of membership) output.record({ membership: each });
    for (const [key, { upstream, from }] of watcher.joins) output.record({ join: { key, upstream, from } });
    output.record({ file, counters: watcher.counters });
    return EXIT.ok;
  }
  printWatch(file, watcher, membership, options, output);
  return EXIT.ok;
}

function printWatch(
  file: string,
  watcher: MulticastWatch,
  membership: readonly MulticastMembership[],
  options: MulticastOptions,
  output: Output,
): void {
  const { packets, membership: messages, pim, data, bad } = watcher.counters;
  output.text(
    `${printable(file)}: ${count(packets)} packets, ${count(messages)} of IGMP and MLD, ${count(pim)} of PIM, ${count(data)} of groups, ${count(bad)} bad`,
  );
  if (options.messages === true)
    for (const m of watcher.messages) output.text(`${formatSeconds(m.tNs, 6)}  ${m.from}  ${m.kind}  ${printable(m.text)}`);
  if (membership.length === 0) output.text('nobody has joined a group at the end');
  else {
    const rows = membership.map((m) => [
      m.family,
      m.group,
      m.mode,
      m.sources.length === 0 ? (m.mode === 'exclude' ? 'any source' : '') : m.sources.join(', '),
      `version ${m.family === 'v4' ? m.compatibility : Math.max(1, m.compatibility - 1)}`,
      m.querier === '' ? 'no querier' : `querier ${m.querier}`,
    ]);
    for (const line of table([['family', 'group', 'mode', 'sources', 'members', 'querier'], ...rows])) output.text(line);
  }
  for (const [key, { upstream, from }] of watcher.joins) output.text(`PIM join ${key} from ${from} to ${upstream}`);
}
