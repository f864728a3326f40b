import { extname, resolve } from 'node:path';
import { EngineError, type ExplainCard, type TranslatorMode, type TranslatorSpec } from '../contract/index.ts';
import {
  CHUNK_BYTES,
  PcapWriter,
  PcapngWriter,
  atomicFile,
  openCapture,
  type CaptureFile,
  type CaptureWriter,
  type PacketSource,
} from '../files/index.ts';
import {
  CaptureRun,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  MergedInput,
  PlainKernel,
  kernelSize,
  SideOutput,
  type CaptureRunResult,
  type InputSide,
  type OutputLink,
  type TranslatedPacket,
} from '../lab/index.ts';
import {
  compileSettings,
  createTranslator,
  eventOf,
  explainTranslation,
  isEvent,
  IpfixBindingLog,
  JsonBindingLog,
  layoutRecord,
  reasonOf,
  ruleOf,
  SINK_KIND,
  statefulOf,
  type BindingLog,
  type Stateful,
  type TranslatorSettings,
} from '../translator/index.ts';
import { kernelModule, translateKernelFile } from '../host/index.ts';
import { alignedBuffer } from '../wire/index.ts';
import { count, duration, printable, table } from './format.ts';
import { EXIT, UsageError, writable, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import { reasonLines } from './translate-text.ts';
import { chooseTranslator } from './translator-option.ts';

export interface TranslateOptions {
  readonly mode?: TranslatorMode;
  readonly config?: string;
  readonly in6?: string;
  readonly in4?: string;
  readonly out6?: string;
  readonly out4?: string;
  readonly link?: 'raw' | 'ethernet';
  /** Where bindings made and gone, and drops that are told, are logged: .jsonl; bindings alone: .ipfix. */
  readonly log?: string;
  /** True for every packet, or the number of one. */
  readonly explain?: string | true;
}

/** Packets between two looks at Ctrl+C and the progress bar: some milliseconds. */
const STEP_PACKETS = 8_192;
/** The same where every packet prints something. */
const PRINTING_STEP_PACKETS = 256;

/** Runs captures of one or both sides through a translator and writes what leaves. Outputs appear when all of them are complete. */
export async function translateCommand(options: TranslateOptions, output: Output, signal: AbortSignal): Promise<number> {
  const explain = explainNumber(options.explain);
  if (options.in6 === undefined && options.in4 === undefined) throw new UsageError('name a capture: --in6 FILE, --in4 FILE or both');
  for (const [name, path] of [
    ['--out6', options.out6],
    ['--out4', options.out4],
  ] as const)
    checkOutput(name, path, options);
  const spec = chooseTranslator(options.config, options.mode);
  checkLog(options, spec);
  const kernel = plainKernel(spec, options);
  const inputs = await openInputs(options, signal, kernel);
  const outputs = new Outputs();
  const progress = await startProgress(output, 'translating');
  try {
    const merged = new MergedInput(inputs.map(({ side, file }, i) => ({ side, source: file.source, batch: kernel?.inputs[i]?.batch })));
    const side = (which: 4 | 6, path: string | undefined): SideOutput | null =>
      path === undefined ? null : outputs.add(path, merged.epochNs, outputLink(which, inputs, options.link));
    const translator = createTranslator(spec, kernel?.tables);
    if (!translator.ok)
      throw new EngineError({ code: 'bad-input', message: translator.error.message, where: { field: translator.error.field } });
    const log = options.log === undefined ? null : outputs.addLog(options.log, merged.epochNs);
    const state = statefulOf(translator.value);
    if (log !== null && state !== null) logTo(log, state, spec);
    const events = log instanceof JsonBindingLog ? log : null;
    const printing = output.json || explain !== undefined;
    const compiled = compileSettings(spec);
    const settings = compiled.ok ? compiled.value : undefined;
    const print = (packet: TranslatedPacket): void => {
      const wanted = explain === undefined || explain === 0 || explain === packet.number;
      if (!wanted) return;
      const card = explain === undefined ? undefined : cardOf(packet, settings);
      if (output.json) output.record(recordOf(packet, fileOf(inputs, packet), card));
      else if (card !== undefined) printCard(packet, card, output);
    };
    const onPacket = (packet: TranslatedPacket): void => {
      const { code, number, side: came, bytes, from, to, tNs } = packet;
      if (events !== null && isEvent(code)) events.drop(eventOf(code, came, bytes, from, to), number, tNs);
      if (printing) print(packet);
    };
    const run = new CaptureRun({
      spec,
      translator: translator.value,
      input: merged,
      kernel,
      out6: side(6, options.out6),
      out4: side(4, options.out4),
      onPacket: printing || events !== null ? onPacket : undefined,
    });
    while (run.step(printing ? PRINTING_STEP_PACKETS : STEP_PACKETS)) {
      const { bytesRead, bytesTotal } = merged.progress();
      progress.update({ done: bytesRead, total: bytesTotal, unit: 'bytes', message: `${count(run.packets)} packets` });
      await writable();
      await new Promise<void>((done) => setImmediate(done));
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The translation was cancelled; no file was written.' });
    }
    log?.finish();
    outputs.finish();
    progress.stop();
    const result = run.result();
    if (explain !== undefined && explain > result.packets) {
      throw new UsageError(`--explain ${explain}: the captures have ${count(result.packets)} packets`);
    }
    show(result, skippedIn(inputs), spec, options, output);
    return EXIT.ok;
  } finally {
    progress.stop();
    outputs.abort();
    for (const { file } of inputs) file.close();
  }
}

/** Port blocks are logged in place of the bindings inside them (RFC 6888 REQ-14); of blocks by calculation the configuration is enough (RFC 7422). */
function logTo(log: BindingLog, state: Stateful, { nat64 }: TranslatorSpec): void {
  const { blocks, bindings } = state;
  state.onAlarm((alarm, nowNs) => {
    log.alarm(alarm, nowNs);
  });
  if (blocks !== undefined) {
    if (blocks.deterministic && log instanceof JsonBindingLog) log.configuration(layoutRecord(nat64));
    blocks.onBlock = (event, block, nowNs) => {
      log.block(event, blocks, block, nowNs);
    };
    return;
  }
  state.onBinding((event, binding, nowNs) => {
    log.log(event, bindings, binding, nowNs);
  });
}

/** Number of the packet to explain, 0 for all of them. */
function explainNumber(explain: string | true | undefined): number | undefined {
  if (explain === undefined || explain === true) return explain === true ? 0 : undefined;
  if (!/^[1-9]\d{0,9}$/.test(explain)) throw new UsageError('--explain: the number of a packet, from 1 on');
  return Number(explain);
}

function checkOutput(name: string, path: string | undefined, { in4, in6, out4, out6 }: TranslateOptions): void {
  if (path === undefined) return;
  if (!['.pcap', '.cap', '.pcapng'].includes(extname(path).toLowerCase()))
    throw new UsageError(`${name} ${path}: a capture is .pcap or .pcapng`);
  const same = (other: string | undefined): boolean => other !== undefined && resolve(other) === resolve(path);
  if (same(in4) || same(in6)) throw new UsageError(`${name} ${path}: this is an input`);
  if (name === '--out4' && same(out6) && out4 !== undefined) throw new UsageError(`${name} ${path}: both sides cannot go to one file`);
}

function checkLog({ log }: TranslateOptions, spec: TranslatorSpec): void {
  if (log === undefined) return;
  if (!['.jsonl', '.ipfix'].includes(extname(log).toLowerCase())) throw new UsageError(`--log ${log}: a log is .jsonl or .ipfix`);
  if (extname(log).toLowerCase() === '.ipfix' && spec.mode !== 'nat64') {
    throw new UsageError(
      `--log ${log}: IPFIX holds the bindings of nat64 alone; this is ${spec.mode}. A .jsonl log holds those of a MAP-T edge, and drops.`,
    );
  }
}

interface OpenInput {
  readonly side: InputSide;
  readonly path: string;
  readonly file: CaptureFile;
}

interface SkippedInput {
  readonly file: string;
  readonly skipped: PacketSource['skipped'];
}

/** The kernel of plain translation; undefined where it has nothing to do or cannot be had. */
function plainKernel(spec: TranslatorSpec, options: TranslateOptions): PlainKernel | undefined {
  if (spec.mode !== 'siit' && spec.mode !== 'nat64') return undefined;
  const module = kernelModule(translateKernelFile);
  try {
    return module && new PlainKernel(module, kernelSize(spec, wantedInputs(options).length));
  } catch {
    // No shared memory: the translator does it all.
    return undefined;
  }
}

/** The captures that are read; one that has both sides is read once. */
function wantedInputs({ in6, in4 }: TranslateOptions): readonly (readonly [InputSide, string])[] {
  if (in6 !== undefined && in4 !== undefined && resolve(in6) === resolve(in4)) return [['both', in6]];
  const six = in6 === undefined ? [] : ([[6, in6]] as const);
  const four = in4 === undefined ? [] : ([[4, in4]] as const);
  return [...six, ...four];
}

async function openInputs(options: TranslateOptions, signal: AbortSignal, kernel: PlainKernel | undefined): Promise<OpenInput[]> {
  const open: OpenInput[] = [];
  for (const [i, [side, path]] of wantedInputs(options).entries()) {
    // On a page: see Window.
    const opened = await openCapture(path, { signal, buffer: kernel?.inputs[i]?.chunk ?? new Uint8Array(alignedBuffer(CHUNK_BYTES)) });
    if (!opened.ok) {
      for (const { file } of open) file.close();
      throw opened.error;
    }
    open.push({ side, path, file: opened.value });
  }
  return open;
}

/** Ethernet where the same side came in as Ethernet (the other side where this one did not come in), else raw IP. */
function outputLink(side: 4 | 6, inputs: readonly OpenInput[], wanted: TranslateOptions['link']): OutputLink {
  if (wanted !== undefined) return wanted === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
  const same = inputs.find((input) => input.side === side || input.side === 'both') ?? inputs[0];
  return same?.file.source.interfaces[0]?.linkType === LINKTYPE_ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
}

/** The files to write: all of them appear, or none. */
class Outputs {
  private writers: Pick<CaptureWriter, 'finish' | 'abort'>[] = [];

  add(path: string, epochNs: bigint, link: OutputLink): SideOutput {
    const sink = atomicFile(path, { sync: false });
    if (!sink.ok) throw sink.error;
    const iface = { linkType: link };
    const writer =
      extname(path).toLowerCase() === '.pcapng'
        ? new PcapngWriter(sink.value, epochNs, [iface], { section: { application: 'ringside translate' } })
        : new PcapWriter(sink.value, epochNs, iface);
    this.writers.push(writer);
    return new SideOutput(writer, link);
  }

  addLog(path: string, epochNs: bigint): BindingLog {
    const sink = atomicFile(path);
    if (!sink.ok) throw sink.error;
    this.writers.push(sink.value);
    const write = (bytes: Uint8Array, length: number): void => {
      sink.value.write(bytes, 0, length);
    };
    return extname(path).toLowerCase() === '.ipfix' ? new IpfixBindingLog(write, epochNs) : new JsonBindingLog(write, epochNs);
  }

  finish(): void {
    for (let writer = this.writers.shift(); writer !== undefined; writer = this.writers.shift()) {
      const done = writer.finish();
      if (!done.ok) throw done.error;
    }
  }

  abort(): void {
    for (const writer of this.writers.splice(0)) writer.abort();
  }
}

function fileOf(inputs: readonly OpenInput[], { input }: TranslatedPacket): string {
  return inputs.find(({ file }) => file.source === input.source)?.path ?? '';
}

function recordOf(packet: TranslatedPacket, file: string, card: ExplainCard | undefined): Record<string, unknown> {
  const { sink, code, number, inputNumber, side, tNs } = packet;
  const { id, verdict, text } = reasonOf(code);
  const out = Array.from({ length: sink.count }, (_, i) => ({
    side: sink.side[i],
    bytes: sink.wireLength[i],
    ...(sink.kind[i] !== SINK_KIND.translated && { kind: sink.kind[i] === SINK_KIND.error ? 'answer' : 'hairpin' }),
  }));
  return {
    number,
    file,
    packet: inputNumber,
    side,
    tNs,
    verdict,
    reason: id,
    rfc: ruleOf(code, side),
    text,
    out,
    ...(card !== undefined && { card }),
  };
}

function cardOf({ code, side, bytes, from, to, sink }: TranslatedPacket, settings: TranslatorSettings | undefined): ExplainCard {
  return explainTranslation({ code, side, before: bytes.slice(from, to), after: sink.count > 0 ? sink.packet(0) : undefined, settings });
}

function printCard(packet: TranslatedPacket, card: ExplainCard, output: Output): void {
  const { paint } = output;
  const colour = card.tone === 'dropped' ? paint.red : card.tone === 'held' ? paint.yellow : paint.green;
  const where = `packet ${packet.number} at ${duration(packet.tNs)}, number ${packet.inputNumber} of the IPv${packet.side} side`;
  output.text(`${colour('■')} ${paint.bold(printable(card.title))}  ${paint.dim(where)}`);
  const rows = card.lines.map(({ label, value, because, parameter }) => [
    label,
    value,
    [because, parameter].filter((text) => text !== undefined).join(' · '),
  ]);
  for (const line of table(rows)) output.text(`  ${printable(line)}`);
  output.text('');
}

/** What could not be read, by reason, of each input that has such. */
function skippedIn(inputs: readonly OpenInput[]): SkippedInput[] {
  return inputs
    .map(({ path, file }) => ({ file: path, skipped: { ...file.source.skipped } }))
    .filter(({ skipped }) => Object.keys(skipped).length > 0);
}

function show(
  result: CaptureRunResult,
  skipped: readonly SkippedInput[],
  spec: TranslatorSpec,
  options: TranslateOptions,
  output: Output,
): void {
  const outputs = { ...(options.out6 !== undefined && { out6: options.out6 }), ...(options.out4 !== undefined && { out4: options.out4 }) };
  if (output.json) {
    output.record({ summary: { mode: spec.mode, ...result, skipped, files: outputs } });
    return;
  }
  const { paint } = output;
  const { packets, in6, in4, out6, out4, otherFamily, notIp, errorsMade, endNs, reasons, tables, limits } = result;
  output.text(`${paint.bold(spec.mode)}  ${count(packets)} packets in ${duration(endNs)} of the lab clock`);
  const rows = [
    ['IPv6 side', `${count(in6)} in`, `${count(out6)} out`, printable(options.out6 ?? '')],
    ['IPv4 side', `${count(in4)} in`, `${count(out4)} out`, printable(options.out4 ?? '')],
  ];
  for (const line of table(rows, [1, 2])) output.text(`  ${line}`);
  for (const { file, skipped: reasons } of skipped) {
    const each = Object.entries(reasons).map(([reason, n]) => `${reason} ${count(n)}`);
    output.text(`  ${paint.yellow(`◆ skipped in ${printable(file)}: ${each.join(', ')}`)}`);
  }
  if (errorsMade > 0) output.text(`  ${count(errorsMade)} of them made by the translator`);
  if (notIp > 0) output.text(`  ${count(notIp)} not IP`);
  if (otherFamily > 0) output.text(`  ${count(otherFamily)} of the other IP version than their side`);
  if (tables !== undefined) {
    output.text(`  ${count(tables.bindings)} bindings and ${count(tables.sessions)} sessions at the end, ${count(tables.expired)} expired`);
  }
  for (const limit of limits) output.text(`  ${count(limit.count)} ${limit.text}`);
  for (const line of reasonLines(reasons, output)) output.text(`  ${line}`);
}
