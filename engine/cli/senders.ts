import { setImmediate } from 'node:timers/promises';
import {
  EngineError,
  SENDERS_BINS,
  lostAtHost,
  sendersSchema,
  type SenderAlgorithm,
  type SendersInput,
  type SendersOutcome,
  type SendersSpec,
} from '../contract/index.ts';
import { closedLoopOptions, describeIssue, refusedYaml, regulatedScenario, runClosedLoopInSteps } from '../lab/index.ts';
import { rateText } from './burst-text.ts';
import { bytes, count, duration, table } from './format.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import { chooseScenario, type ScenarioOptions } from './scenario-option.ts';

export interface SendersOptions extends ScenarioOptions {
  readonly algorithm?: SenderAlgorithm;
  readonly flows?: number;
  readonly seconds?: number;
  /** Bits per second. */
  readonly rate?: number;
  readonly line?: number;
  /** Bytes. */
  readonly queue?: number;
  readonly mss?: number;
  readonly window?: number;
  /** Nanoseconds. */
  readonly rtt?: number;
  readonly grant?: number;
  readonly minRto?: number;
}

/** The host that senders send to where no scenario is named. */
const HOST = 'burst-closed-loop';

/** TCP senders that react to the meter and to drops, with the meter off and on: what they get through, and how long it takes. */
export async function sendersCommand(options: SendersOptions, output: Output, signal: AbortSignal): Promise<number> {
  const senders = senderSpec(options);
  const chosen = chooseScenario({ scenario: HOST, ...options });
  const regulated = regulatedScenario(chosen.yaml, []);
  if (!regulated.ok) throw refusedYaml(chosen.id, regulated.error, 'ringside schema scenario');
  const { scenario, adopted } = regulated.value;
  const progress = await startProgress(output, 'senders');
  const run = (enable: boolean, before: number): Promise<SendersOutcome> =>
    runClosedLoopInSteps(closedLoopOptions(scenario, senders, enable), async (done) => {
      progress.update({ done: before + done, total: 2 * SENDERS_BINS, unit: 'steps', message: enable ? 'meter on' : 'meter off' });
      await setImmediate();
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    });
  try {
    const off = await run(false, 0);
    const on = await run(true, SENDERS_BINS);
    progress.stop();
    if (output.json) output.record({ scenario: chosen.id, seed: scenario.seed, adopted, senders, off: plain(off), on: plain(on) });
    else show({ id: chosen.id, seed: scenario.seed, adopted }, senders, off, on, output);
    return off.conserved && on.conserved ? EXIT.ok : EXIT.failed;
  } finally {
    progress.stop();
  }
}

function senderSpec({ algorithm, flows, seconds, rate, line, queue, mss, window, rtt, grant, minRto }: SendersOptions): SendersSpec {
  const ms = (ns: number | undefined): number | undefined => (ns === undefined ? undefined : ns / 1e6);
  const given: SendersInput = {
    algorithm,
    flows,
    durationS: seconds,
    rateBps: rate,
    lineBps: line,
    queueBytes: queue,
    mss,
    windowBytes: window,
    rttMs: ms(rtt),
    grantMs: ms(grant),
    minRtoMs: ms(minRto),
  };
  const read = sendersSchema.safeParse(given);
  if (read.success) return read.data;
  const said = read.error.issues.flatMap((issue) => describeIssue(issue, given, sendersSchema));
  throw new UsageError(said.map(({ path, message }) => `${OPTION_OF[String(path[0])] ?? ''} ${message}`.trim()).join('; '));
}

/** The option that gives a field; the schema speaks of milliseconds and seconds. */
const OPTION_OF: Readonly<Record<string, string>> = {
  flows: '--flows',
  durationS: '--seconds',
  rateBps: '--rate',
  lineBps: '--line',
  queueBytes: '--queue',
  mss: '--mss',
  windowBytes: '--window',
  rttMs: '--rtt, in ms,',
  grantMs: '--grant, in ms,',
  minRtoMs: '--min-rto, in ms,',
};

/** For JSON: the series as plain lists. */
function plain({ series, ...rest }: SendersOutcome): object {
  const { binNs, ...lists } = series;
  return { ...rest, series: { binNs, ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, Array.from(list)])) } };
}

interface Host {
  readonly id: string;
  readonly seed: number;
  readonly adopted: boolean;
}

function show({ id, seed, adopted }: Host, senders: SendersSpec, off: SendersOutcome, on: SendersOutcome, output: Output): void {
  const { algorithm, flows, durationS, rateBps, rttMs, queueBytes, grantMs, windowBytes } = senders;
  const one = flows === 1;
  const lumps = grantMs === 0 ? 'handed over at once' : `handed over every ${duration(grantMs * 1e6)}`;
  output.text(
    `${output.paint.bold(`${count(flows)} ${algorithm} sender${one ? '' : 's'}`)} for ${durationS} s: ${rateText(rateBps)}, ${duration(rttMs * 1e6)}, queue ${bytes(queueBytes)}, ${lumps}, window ${bytes(windowBytes)}`,
  );
  output.text(`scenario ${id}, seed ${seed}${adopted ? '; its host port got a meter and sockets with defaults' : ''}`);
  output.text('');
  for (const line of table(rowsOf(off, on), [1, 2])) output.text(`  ${line}`);
}

const ms = (value: number): string => duration(Math.round(value * 1e6));

/** Off beside on, the names of the columns first. */
function rowsOf(off: SendersOutcome, on: SendersOutcome): string[][] {
  const row = (name: string, say: (outcome: SendersOutcome) => string): string[] => [name, say(off), say(on)];
  const places = [...new Set([...Object.keys(off.losses), ...Object.keys(on.losses)])].filter((place) => place !== 'network').sort();
  return [
    ['', 'meter off', 'meter on'],
    row('goodput', (o) => rateText(o.goodputBps)),
    row('round trip p50', (o) => ms(o.rttMs.p50)),
    row('round trip p99', (o) => ms(o.rttMs.p99)),
    row('of it in pool and ring p50', (o) => ms(o.meterMs.p50)),
    row('of it in pool and ring p99', (o) => ms(o.meterMs.p99)),
    row('segments sent', (o) => count(o.sent)),
    row('lost in the network', (o) => count(o.losses['network'] ?? 0)),
    row('lost at this host', (o) => count(lostAtHost(o))),
    ...places.map((place) => row(`  ${place}`, (o) => count(o.losses[place] ?? 0))),
    row('sent again', (o) => count(o.retransmits)),
    row('  of it for nothing', (o) => count(o.spurious)),
    row('fast retransmits', (o) => count(o.fastRetransmits)),
    row('timeouts', (o) => count(o.timeouts)),
  ];
}
