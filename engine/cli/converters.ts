import { join } from 'node:path';
import type { CallContext, ConverterDecision, ConvertersResult, ConvertersSpec, Progress } from '../contract/index.ts';
import { formatSeconds } from '../base/index.ts';
import { PcapngWriter, atomicFile } from '../files/index.ts';
import { parseConverters, parseParameterValue, refusedYaml, setParameter } from '../lab/index.ts';
import { EPOCH_S, type Family, type Node, type PacketRecorder } from '../translator/index.ts';
import { bundledConverters, conversationsOfFile, runConvertersInSlices } from '../host/index.ts';
import { printBundled } from './bundled-list.ts';
import { count, table } from './format.ts';
import { withFolder } from './folder.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { startProgress } from './progress.ts';

export interface ConvertersOptions {
  readonly seed?: number;
  readonly set?: readonly string[];
  readonly explain?: boolean;
  readonly messages?: boolean;
  readonly output?: string;
  readonly capture?: string;
}

const LINKTYPE_RAW = 101;
/** Where a capture's conversations run when no network is named: it has converters for dozens of them. */
const NETWORK_FOR_CAPTURES = 'office';
/** The captures begin at a fixed instant, so that the same scenario gives the same bytes. */
const EPOCH_NS = BigInt(EPOCH_S) * 1_000_000_000n;
/** Captures written at once at most: one for each converter and switch that took part. */
const MAX_FILES = 512;
/** Sessions printed for reading; `--json` prints all. */
const SHOWN_SESSIONS = 40;

/** Runs a scenario of terminals as converters, or lists the bundled ones. */
export async function convertersCommand(
  name: string | undefined,
  options: ConvertersOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (name === undefined && options.capture === undefined) {
    printBundled(bundledConverters.list(parseConverters), output);
    return EXIT.ok;
  }
  const network = name ?? NETWORK_FOR_CAPTURES;
  let text = bundledConverters.fileOrBundled(network);
  for (const setting of options.set ?? []) {
    const at = setting.indexOf('=');
    const edited = setParameter(text, setting.slice(0, at), parseParameterValue(setting.slice(at + 1)), parseConverters);
    if (!edited.ok) throw new UsageError(edited.error.map(({ field, message }) => `--set ${field}: ${message}`).join('\n  '));
    text = edited.value;
  }
  const parsed = parseConverters(text);
  if (!parsed.ok) throw refusedYaml(network, parsed.error, 'ringside schema converters');
  const spec = options.seed === undefined ? parsed.value : { ...parsed.value, seed: options.seed };
  const captures = options.output === undefined ? null : new Captures(options.output);
  const progress = await startProgress(output, spec.name);
  const context = {
    signal,
    progress: (report: Progress) => {
      progress.update(report);
    },
  };
  const result = await withFolder(options.output, () => runNetwork(spec, options.capture, captures, context)).finally(() => {
    progress.stop();
  });
  if (output.json) printJson(result, options, output);
  else print(spec, result, options, captures, output);
  return result.totals.conserved ? EXIT.ok : EXIT.failed;
}

/** Runs a network; its captures are complete afterwards, or there are none. */
async function runNetwork(
  spec: ConvertersSpec,
  capture: string | undefined,
  captures: Captures | null,
  context: Pick<CallContext, 'signal' | 'progress'>,
): Promise<ConvertersResult> {
  try {
    const captured = capture === undefined ? {} : await conversationsOfFile(capture, context);
    const run = await runConvertersInSlices(spec, { ...captured, ...(captures !== null && { recorder: captures.record }) }, context);
    const result = run.result();
    captures?.finish();
    return result;
  } catch (error) {
    captures?.abort();
    throw error;
  }
}

/** One pcapng for each converter and switch, an interface for each family. Files appear when all are complete. */
class Captures {
  private readonly folder: string;
  private readonly writers = new Map<string, PcapngWriter>();
  /** Nodes whose packets were left out because there were too many files. */
  leftOut = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  readonly record: PacketRecorder = (node: Node, family: Family, tNs, b, offset, length) => {
    this.writerOf(node)?.packet(tNs, b, offset, length, length, family === 4 ? 0 : 1);
  };

  get files(): string[] {
    return [...this.writers.keys()].map((id) => join(this.folder, `${id}.pcapng`));
  }

  private writerOf(node: Node): PcapngWriter | undefined {
    const known = this.writers.get(node.id);
    if (known !== undefined) return known;
    if (this.writers.size >= MAX_FILES) {
      this.leftOut++;
      return undefined;
    }
    const sink = atomicFile(join(this.folder, `${node.id}.pcapng`));
    if (!sink.ok) throw sink.error;
    const interfaces = ['IPv4', 'IPv6'].map((name) => ({ linkType: LINKTYPE_RAW, name }));
    const writer = new PcapngWriter(sink.value, EPOCH_NS, interfaces, { section: { application: 'ringside converters' } });
    this.writers.set(node.id, writer);
    return writer;
  }

  finish(): void {
    for (const writer of this.writers.values()) {
      const done = writer.finish();
      if (!done.ok) throw done.error;
    }
  }

  abort(): void {
    for (const writer of this.writers.values()) writer.abort();
  }
}

function printJson(result: ConvertersResult, options: ConvertersOptions, output: Output): void {
  for (const session of result.sessions) output.record({ session });
  if (options.explain === true) for (const decision of result.decisions) output.record({ decision });
  if (options.messages === true) for (const message of result.messages) output.record({ message });
  for (const divert of result.diverts) output.record({ divert });
  for (const node of result.nodes) if (node.capable) output.record({ node });
  output.record({ name: result.name, seed: result.seed, endNs: result.endNs, leftOut: result.leftOut, totals: result.totals });
}

function print(
  spec: ConvertersSpec,
  result: ConvertersResult,
  options: ConvertersOptions,
  captures: Captures | null,
  output: Output,
): void {
  const { totals } = result;
  output.text(output.paint.bold(spec.title === '' ? spec.name : spec.title));
  output.text(
    `${count(totals.calls)} calls: ${count(totals.direct)} direct, ${count(totals.byTerminal)} by a terminal, ${count(totals.byGateway)} by the gateway, ${count(totals.calls - totals.connected)} not set up`,
  );
  output.text('');
  printSessions(result, output);
  if (result.diverts.length > 0) {
    output.text('');
    printDiverts(result, output);
  }
  output.text('');
  printConverters(result, output);
  if (options.explain === true) for (const decision of result.decisions) printDecision(decision, output);
  if (options.messages === true) printMessages(result, output);
  output.text('');
  const { setUpMs, delayMs, gapMs } = totals;
  output.text(`set-up p50 ${setUpMs.p50.toFixed(1)} ms, p95 ${setUpMs.p95.toFixed(1)} ms; delay p50 ${delayMs.p50.toFixed(1)} ms, p95 ${delayMs.p95.toFixed(1)} ms; gap max ${gapMs.max.toFixed(1)} ms; Gini ${totals.gini.toFixed(2)}`); // prettier-ignore
  output.text(`media: ${count(totals.mediaSent)} sent, ${count(totals.mediaReceived)} received, lost: ${reasons(totals.mediaLost) || 'none'}; ${totals.conserved ? 'conserved ✓' : 'NOT CONSERVED'}`); // prettier-ignore
  if (totals.reportsSent > 0) output.text(reportsLine(totals));
  for (const [why, n] of Object.entries(totals.failed)) output.text(`failed: ${count(n)} because ${why}`);
  for (const [what, n] of Object.entries(result.leftOut)) output.text(`left out: ${count(n)} ${what}`);
  for (const file of captures?.files ?? []) output.text(`${file} written`);
  if (captures !== null && captures.leftOut > 0)
    output.text(`${count(captures.leftOut)} packets left out: more than ${count(MAX_FILES)} files`);
}

const reasons = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([why, n]) => `${count(n)} ${why}`)
    .join(', ');

const reportsLine = ({ reportsSent, reportsReceived, reportsLost }: ConvertersResult['totals']): string =>
  `RTCP: ${count(reportsSent)} reports sent, ${count(reportsReceived)} received, lost: ${reasons(reportsLost) || 'none'}`;

function printSessions({ sessions }: ConvertersResult, output: Output): void {
  const shown = sessions.slice(0, SHOWN_SESSIONS);
  const head = ['call', 'at s', 'from', 'to', 'path', 'converter', 'set-up ms', 'delay ms', 'sent', 'lost', 'state'];
  const rows = shown.map((s) => [
    String(s.id),
    formatSeconds(s.placedNs, 3),
    ...(s.conversation === '' ? [s.from, s.to] : s.conversation.split(' → ')),
    s.path,
    s.converter,
    s.answeredNs < 0 ? '–' : s.setUpMs.toFixed(1),
    s.forward.received === 0 ? '–' : s.forward.delayMs.mean.toFixed(1),
    count(s.forward.sent + s.backward.sent),
    count(s.forward.lost + s.backward.lost),
    s.state === 'failed' ? `failed: ${s.why}` : s.state,
  ]);
  for (const line of table([head, ...rows], [0, 1, 6, 7, 8, 9])) output.text(line);
  if (sessions.length > shown.length) output.text(`… and ${count(sessions.length - shown.length)} more calls (--json prints all)`);
}

function printDiverts({ diverts }: ConvertersResult, output: Output): void {
  const rows = diverts
    .slice(0, SHOWN_SESSIONS)
    .map((d) => [
      formatSeconds(d.tNs, 3),
      String(d.session),
      d.cause,
      `${d.from} → ${d.to}`,
      d.doneNs < 0 ? 'never' : d.gapMs.toFixed(1),
      count(d.lost),
    ]);
  for (const line of table([['at s', 'call', 'cause', 'diverted', 'gap ms', 'lost'], ...rows], [0, 1, 4, 5])) output.text(line);
  if (diverts.length > SHOWN_SESSIONS) output.text(`… and ${count(diverts.length - SHOWN_SESSIONS)} more (--json prints all)`);
}

function printConverters({ nodes }: ConvertersResult, output: Output): void {
  const rows = nodes
    .filter((node) => node.capable && (node.sessions > 0 || Object.keys(node.refusals).length > 0))
    .map((n) => [
      n.id,
      `${count(n.peak)}/${count(n.capacity)}`,
      count(n.sessions),
      count(n.relayed),
      reasons(n.refusals),
      reasons(n.refused),
    ]);
  const head = ['converter', 'peak', 'sessions', 'relayed', 'refused to reserve', 'refused to relay'];
  if (rows.length === 0) output.text('No converter was asked.');
  else for (const line of table([head, ...rows], [1, 2, 3])) output.text(line);
}

function printDecision(decision: ConverterDecision, output: Output): void {
  output.text('');
  output.text(`${formatSeconds(decision.tNs, 3)} s, call ${String(decision.session)}, ${decision.cause}: ${decision.sentence}`);
  const rows = decision.candidates.map((c) => [
    `  ${c.id}`,
    c.score.toFixed(3),
    ...[c.terms.free, c.terms.rtt, c.terms.loss, c.terms.ownCall, c.terms.battery, c.terms.hysteresis].map((x) => x.toFixed(3)),
    c.outcome,
    c.why,
  ]);
  if (rows.length === 0) return;
  const head = ['  candidate', 'score', 'free', 'rtt', 'loss', 'own call', 'battery', 'hysteresis', 'outcome', 'why'];
  for (const line of table([head, ...rows], [1, 2, 3, 4, 5, 6, 7])) output.text(line);
}

function printMessages({ messages }: ConvertersResult, output: Output): void {
  output.text('');
  const rows = messages.map((m) => [formatSeconds(m.tNs, 6), `${m.from} → ${m.to}`, m.name, m.text]);
  for (const line of table(rows, [0])) output.text(line);
}
