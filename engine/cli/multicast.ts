import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, type MulticastScenario, type MulticastState, type Progress, type Scenario } from '../contract/index.ts';
import { formatSeconds, NS_PER_S } from '../base/index.ts';
import { atomicFile, PcapngWriter } from '../files/index.ts';
import { parseMulticast, refusedYaml } from '../lab/index.ts';
import { MAX_RECORDED_BYTES, MulticastNetwork, networkState } from '../multicast/index.ts';
import { bundledMulticast, multicastOfFile, type MulticastOfFile } from '../host/index.ts';
import { bytesText, plural } from '../session/index.ts';
import { printBundled } from './bundled-list.ts';
import { count, printable } from './format.ts';
import { withFolder } from './folder.ts';
import { printEnd, printJoined, printMessages, printRecords, printTables, type Ran } from './multicast-print.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import { chooseScenario } from './scenario-option.ts';

export interface MulticastOptions {
  readonly at?: number;
  readonly explain?: boolean;
  readonly messages?: boolean;
  readonly output?: string;
  readonly scenario?: string;
}

const LINKTYPE_ETHERNET = 1;
/** The captures begin at a fixed instant, 2026-01-01 in UTC, so that the same network gives the same bytes. */
const EPOCH_NS = 1_767_225_600_000_000_000n;
/** Parts of a run between two looks at Ctrl+C. */
const STEPS = 200;

/** A network runs and its state is printed, or the router of a capture, or the bundled networks are listed. */
export async function multicastCommand(
  name: string | undefined,
  options: MulticastOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (name === undefined) {
    if (Object.keys(options).some((key) => key !== 'json')) throw new UsageError('Name a network or a capture.');
    printBundled(bundledMulticast.list(parseMulticast), output);
    return EXIT.ok;
  }
  if (options.at !== undefined && !(options.at >= 0)) throw new UsageError('--at takes a number of seconds, such as 12.5');
  if (existsSync(name) && !/\.ya?ml$/.test(name)) return capture(name, options, output, signal);
  if (options.scenario !== undefined) throw new UsageError('--scenario is for a capture: a network has its own routers.');
  const parsed = parseMulticast(bundledMulticast.fileOrBundled(name));
  if (!parsed.ok) throw refusedYaml(name, parsed.error, 'ringside schema multicast');
  const network = await withFolder(options.output, () => run(parsed.value, name, options, output, signal));
  const state = networkState(network, 1);
  const { scenario, recorder, routers } = network;
  const ran = { recorder, routers, log: recorder.log };
  if (output.json) {
    printRecords(ran, state, options, output);
    lastRecord({ name: scenario.name, seed: scenario.seed, files: writeCaptures(ran, options.output) }, state, output);
  } else {
    printHead(network, state, output);
    printTables(ran, state, options, output);
    printEnd(state, output);
    printFiles(ran, options.output, output);
  }
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
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled; no file was written.' });
    }
  } finally {
    progress.stop();
  }
  return network;
}

function printHead({ scenario, routers, links, sources, receivers }: MulticastNetwork, state: MulticastState, output: Output): void {
  const title = scenario.title === '' ? scenario.name : scenario.title;
  output.text(`${output.paint.bold(title)}  at ${formatSeconds(state.tNs, 3)} s, seed ${scenario.seed}`);
  const parts = [plural(routers.length, 'router'), plural(links.length, 'link')];
  output.text([...parts, plural(sources.length, 'source'), plural(receivers.length, 'receiver')].join(', '));
}

/** The router of a capture: the multicast port of a scenario, or one that only listens. */
async function capture(file: string, options: MulticastOptions, output: Output, signal: AbortSignal): Promise<number> {
  const scenario = options.scenario === undefined ? undefined : withPort(options.scenario);
  if (scenario === undefined && (options.explain === true || options.output !== undefined)) {
    throw new UsageError(
      'Without a scenario a capture has no routes to choose from. Name one that has a multicast port: --scenario multicast-port',
    );
  }
  const progress = await startProgress(output, file);
  const untilNs = (options.at ?? Infinity) * NS_PER_S;
  const context = {
    signal,
    progress: (done: Progress) => {
      progress.update(done);
    },
  };
  const taken = await withFolder(options.output, () =>
    multicastOfFile(file, scenario, { untilNs, record: options.output !== undefined }, context),
  ).finally(() => {
    progress.stop();
  });
  const { router, packets } = taken;
  const { recorder } = router;
  // What a listener would do is of no interest: it knows no route.
  const log = scenario === undefined ? recorder.log.filter(({ direction }) => direction === 'received') : recorder.log;
  const ran = { recorder, routers: [router.router], log };
  const state = router.state();
  if (output.json) {
    printRecords(ran, state, options, output);
    lastRecord(
      {
        file,
        packets,
        skipped: taken.skipped,
        taken: router.counters,
        notGroups: router.router.notGroups,
        files: writeCaptures(ran, options.output),
      },
      state,
      output,
    );
    return state.conservation.ok ? EXIT.ok : EXIT.failed;
  }
  printTaken(file, taken, output);
  printJoined(state, output);
  if (scenario === undefined) {
    if (options.messages === true) printMessages(ran, output);
    return EXIT.ok;
  }
  printTables(ran, state, options, output);
  printEnd(state, output);
  printFiles(ran, options.output, output);
  return state.conservation.ok ? EXIT.ok : EXIT.failed;
}

function withPort(name: string): Scenario {
  const { value } = chooseScenario({ scenario: name });
  if (value.ports.some(({ kind }) => kind === 'multicast')) return value;
  throw new UsageError(`The scenario ${name} has no port of kind multicast; multicast-port has one.`);
}

function printTaken(file: string, { router: { counters, router }, packets, tNs, skipped }: MulticastOfFile, output: Output): void {
  const { membership, pim, forwarded, refused, malformed } = counters;
  output.text(
    `${printable(file)}: ${plural(packets, 'packet')} up to ${formatSeconds(tNs, 3)} s, ${count(membership)} of IGMP and MLD, ${count(pim)} of PIM, ${count(forwarded + refused)} of groups, ${count(malformed)} bad`,
  );
  const reasons = Object.entries(skipped).map(([reason, n]) => `${reason} ${count(n)}`);
  if (reasons.length > 0) output.text(output.paint.yellow(`◆ skipped: ${reasons.join(', ')}`));
  if (router.notGroups > 0) output.text(`${plural(router.notGroups, 'record')} of IGMP and MLD refused: what they name is no group`);
}

function lastRecord(about: object, { tNs, totals, counters, conservation }: MulticastState, output: Output): void {
  output.record({ ...about, tNs, totals, counters, conservation });
}

function printFiles(ran: Ran, folder: string | undefined, output: Output): void {
  for (const file of writeCaptures(ran, folder)) output.text(`${printable(file)} written`);
  const left = ran.recorder.refused.packets;
  if (left > 0) output.text(`${plural(left, 'later packet')} not in the files: ${bytesText(MAX_RECORDED_BYTES)} are kept`);
}

/** One file for each router, an interface for each of its links. */
function writeCaptures({ recorder, routers }: Ran, folder: string | undefined): string[] {
  if (folder === undefined) return [];
  const { interfaces, packets } = recorder;
  return routers.map((router) => {
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
