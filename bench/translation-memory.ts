import { CHUNK_BYTES, openSource, PcapWriter } from '../engine/files/index.ts';
import { translatorSchema, type TranslatorInput, type TranslatorSpec } from '../engine/contract/index.ts';
import { kernelModule, translateKernelFile } from '../engine/host/index.ts';
import { CaptureRun, kernelSize, LINKTYPE_RAW, MergedInput, PlainKernel, SideOutput } from '../engine/lab/index.ts';
import { alignedBuffer } from '../engine/wire/index.ts';
import { createTranslator, type Translator } from '../engine/translator/index.ts';
import { runOnce, spread, type Spread } from './measure.ts';
import { CheckedSink, TranslationFeed } from './translation-feed.ts';

/** Translation in memory: packets of many sessions in random order, made outside of the time that is measured. */
export interface MemoryRate {
  readonly mode: 'siit' | 'nat64';
  /** Bytes of a packet as IPv6. */
  readonly bytes: number;
  readonly sessions: number;
  readonly packets: number;
  /** Million packets for each second of CPU time, and of elapsed time. */
  readonly perCpuSecond: number;
  readonly perSecond: number;
}

const POOL = '198.18.0.0/16';
/** As the command takes at a time. */
const STEP_PACKETS = 8_192;
/** Packets whose translations are checked before the first round. */
const CHECKED_PACKETS = 20_000;

/**
 * One size at a time: a mix would hide what one costs. The work is that of `ringside translate` without the file system: records of pcap are read from memory,
 * translated, counted, and written as records that are thrown away.
 */
export class MemoryRun {
  private readonly feed: TranslationFeed;
  private readonly out = new CheckedSink();
  private readonly run: CaptureRun;
  private readonly mode: MemoryRate['mode'];
  private readonly sessions: number;
  private readonly bytes: number;

  constructor(mode: MemoryRate['mode'], sessions: number, bytes: number) {
    this.mode = mode;
    this.sessions = sessions;
    this.bytes = bytes;
    const spec = specOf(mode, sessions);
    const kernel = kernelOf(spec);
    const translator = made(spec, kernel);
    this.feed = new TranslationFeed(mode, sessions, bytes, translator);
    const source = openSource(this.feed, 'made', { buffer: kernel?.inputs[0]?.chunk ?? new Uint8Array(alignedBuffer(CHUNK_BYTES)) });
    if (!source.ok) throw new Error(source.error.message);
    const input = new MergedInput([{ side: 'both', source: source.value, batch: kernel?.inputs[0]?.batch }]);
    const [out4, out6] = [0, 1].map(
      () => new SideOutput(new PcapWriter(this.out, input.epochNs, { linkType: LINKTYPE_RAW }), LINKTYPE_RAW),
    );
    this.run = new CaptureRun({ spec, translator, input, out4: out4 ?? null, out6: out6 ?? null, kernel });
    this.check();
  }

  /** What leaves is what it should be. */
  private check(): void {
    this.out.checking = true;
    this.run.step(CHECKED_PACKETS);
    this.out.checking = false;
    if (this.out.checked < CHECKED_PACKETS / 2) throw new Error('the benchmark found no translations to check');
  }

  /** Half of the packets go each way. A third as many go before and are not counted: the compiler is still at work. */
  measure(packets: number): MemoryRate {
    this.steps(packets / 3);
    const { feed, run } = this;
    const before = run.packets;
    const made = { cpuUs: feed.cpuUs, wallNs: feed.wallNs };
    const cpu = process.cpuUsage();
    const started = process.hrtime.bigint();
    this.steps(packets);
    const wallNs = Number(process.hrtime.bigint() - started) - (feed.wallNs - made.wallNs);
    const { user, system } = process.cpuUsage(cpu);
    const cpuUs = user + system - (feed.cpuUs - made.cpuUs);
    const done = run.packets - before;
    const { mode, bytes, sessions } = this;
    return { mode, bytes, sessions, packets: done, perCpuSecond: done / cpuUs, perSecond: (done * 1e3) / wallNs };
  }

  private steps(packets: number): void {
    const { run } = this;
    const end = run.packets + packets;
    while (run.packets < end) run.step(STEP_PACKETS);
    const { reasons } = run.result();
    if (reasons.length !== 1 || reasons[0]?.id !== 'translated') throw new Error(`packets were not translated: ${JSON.stringify(reasons)}`);
  }
}

function specOf(mode: MemoryRate['mode'], sessions: number): TranslatorSpec {
  const limit = Math.max(16, sessions);
  const timers = { udpS: 7_200, tcpEstablishedS: 7_200, tcpTransitoryS: 7_200 };
  const nat64 = { pool4: [{ prefix: POOL }], maxSessions: limit, maxBindings: limit, timers };
  const input: TranslatorInput = mode === 'siit' ? { mode } : { mode, nat64 };
  return translatorSchema.parse(input);
}

/** As the command has it: undefined where the build has made none. */
function kernelOf(spec: TranslatorSpec): PlainKernel | undefined {
  const module = kernelModule(translateKernelFile);
  return module && new PlainKernel(module, kernelSize(spec, 1));
}

function made(spec: TranslatorSpec, kernel: PlainKernel | undefined): Translator {
  const translator = createTranslator(spec, kernel?.tables);
  if (!translator.ok) throw new Error(translator.error.message);
  return translator.value;
}

export interface TranslationRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  /** Million packets for each second of CPU time: the median of the rounds. */
  readonly value: number;
  readonly spread: Spread;
}

/** Packets of one round. */
const ROUND_PACKETS = 1_000_000;

/** What `--translate-memory` of the bench is asked: mode, sessions and bytes of a packet. */
export type MemoryCase = readonly [mode: MemoryRate['mode'], sessions: number, bytes: number];

const CASES: readonly MemoryCase[] = (
  [
    ['siit', 10_000],
    ['nat64', 10_000],
    ['nat64', 1_000_000],
  ] as const
).flatMap(([mode, sessions]) => [64, 576, 1_500].map((bytes) => [mode, sessions, bytes] as const));

/** Million packets for each second of CPU time, a round each. */
export function memoryRates([mode, sessions, bytes]: MemoryCase, rounds: number): number[] {
  const run = new MemoryRun(mode, sessions, bytes);
  return Array.from({ length: rounds }, () => run.measure(ROUND_PACKETS).perCpuSecond);
}

/** A case from the command line. */
export function memoryCase(text: string): MemoryCase {
  const found = CASES.find((each) => each.join(',') === text);
  if (found === undefined) throw new Error(`--translate-memory takes one of ${CASES.map((each) => each.join(',')).join(' ')}`);
  return found;
}

/**
 * Stateless and stateful, with sessions that fit the caches and that do not, at the three sizes of the Internet mix. Each in a process of its own: a
 * program translates in one mode, and what the compiler has learnt of another one would cost a third.
 */
export async function* translationRows(rounds: number): AsyncGenerator<TranslationRow> {
  for (const each of CASES) {
    const [mode, sessions, bytes] = each;
    const args = [process.argv[1] ?? '', '--translate-memory', each.join(','), '--rounds', String(rounds)];
    const run = await runOnce({ label: 'translation in memory', program: process.execPath, args });
    if (run.code !== 0) throw new Error(`translation in memory ended with code ${run.code}: ${run.stderr.trim().slice(-400)}`);
    const rates = spread(JSON.parse(run.stdout) as number[]);
    const title = `${mode} in memory, ${bytes} bytes, ${sessions.toLocaleString('en')} sessions (${rates.min.toFixed(2)}-${rates.max.toFixed(2)})`;
    yield { id: `translate-memory-${mode}-${sessions}-${bytes}`, title, atLeast: 2, aim: 4, value: rates.median, spread: rates };
  }
}
