import {
  Injector,
  PacketPipe,
  checkSilent,
  ethernetLink,
  forwardedFilter,
  listBackends,
  nextHopAddress,
  type EthernetLink,
  type SendEnd,
} from '../capture/index.ts';
import { EngineError, type TranslatorMode } from '../contract/index.ts';
import { LiveRun, type LiveCounts, type LiveRunResult, type LiveSide } from '../lab/index.ts';
import { createTranslator } from '../translator/index.ts';
import { bytes, count, table } from './format.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { reasonLines } from './translate-text.ts';
import { chooseTranslator } from './translator-option.ts';

export interface TranslateLiveOptions {
  readonly mode?: TranslatorMode;
  readonly config?: string;
  readonly live6?: string;
  readonly live4?: string;
  readonly next6?: string;
  readonly next4?: string;
  readonly seconds?: number;
}

/** Options of captures, which have no place here. */
const OF_CAPTURES = ['in6', 'in4', 'out6', 'out4', 'log', 'link', 'explain'] as const;

interface Side {
  readonly family: 4 | 6;
  readonly link: EthernetLink;
  readonly nextHop: Uint8Array;
}

/** Translates between two interfaces until Ctrl+C, the end of the time, or until an interface goes away. */
export async function translateLiveCommand(options: TranslateLiveOptions, output: Output, signal: AbortSignal): Promise<number> {
  checkOptions(options);
  const spec = chooseTranslator(options.config, options.mode);
  const translator = createTranslator(spec);
  if (!translator.ok)
    throw new EngineError({ code: 'bad-input', message: translator.error.message, where: { field: translator.error.field } });
  await checkPrograms();
  const six = await openSide(6, options.live6 ?? '', options.next6 ?? '');
  if (spec.mode !== 'clat') for (const prefix of spec.pool6) await checkSilent(prefix);
  const four = await openSide(4, options.live4 ?? '', options.next4 ?? '');
  const injectors: Injector[] = [];
  const pipes: PacketPipe[] = [];
  try {
    const run = new LiveRun(translator.value, await liveSide(six, injectors), await liveSide(four, injectors));
    const message = await untilEnd([six, four], pipes, run, options.seconds, output, signal);
    for (const pipe of pipes) await pipe.stop();
    const outcome = run.finish();
    const ends: (SendEnd | undefined)[] = [];
    for (const injector of injectors) ends.push(await injector.end());
    const notTaken = ends.map((end) => end?.refused ?? null);
    const result = { mode: spec.mode, ...outcome, notTaken, kernelDrops: pipes.map(({ kernelDrops }) => kernelDrops), ended: message };
    if (output.json) output.record({ summary: result });
    else show(outcome, options, output);
    for (const [i, { link }] of [six, four].entries()) warn(link.device, ends[i], pipes[i]?.kernelDrops ?? null, output);
    if (message !== '') output.message(output.json ? JSON.stringify({ ended: message }) : message);
    return message === '' ? EXIT.ok : EXIT.failed;
  } finally {
    for (const pipe of pipes) await pipe.stop();
    for (const injector of injectors) await injector.end();
  }
}

/** What an interface did not take or give. */
function warn(device: string, end: SendEnd | undefined, kernelDrops: number | null, output: Output): void {
  if (output.json) return;
  if (end !== undefined && end.refused > 0) output.message(`${device} did not take ${count(end.refused)} frames: ${end.why}`);
  if (kernelDrops !== null && kernelDrops > 0)
    output.message(`${device}: the kernel dropped ${count(kernelDrops)} packets that came too fast`);
}

function checkOptions(options: TranslateLiveOptions): void {
  for (const name of ['live6', 'live4', 'next6', 'next4'] as const) {
    if (options[name] === undefined)
      throw new UsageError(`--${name} is missing: live translation wants --live6, --live4, --next6 and --next4`);
  }
  for (const name of OF_CAPTURES) {
    if (name in options) throw new UsageError(`--${name} is for captures: it does not go with --live6 and --live4`);
  }
  if (options.live6 === options.live4) throw new UsageError(`--live4 ${options.live4 ?? ''}: both sides cannot be one interface`);
}

/** tcpdump takes the packets and `cap` sends them. */
async function checkPrograms(): Promise<void> {
  for (const { id, ok, why, fix } of await listBackends()) {
    if (ok || id === 'dumpcap') continue;
    const message = `${id === 'cap' ? 'The module cap sends the packets' : 'tcpdump takes the packets'}: ${why}`;
    throw new EngineError({ code: 'unavailable', message, fix });
  }
}

async function openSide(family: 4 | 6, device: string, next: string): Promise<Side> {
  const link = ethernetLink(device, family, `--live${String(family)}`);
  return { family, link, nextHop: await nextHopAddress(link, next, family, `--next${String(family)}`) };
}

async function liveSide({ link, nextHop }: Side, injectors: Injector[]): Promise<LiveSide> {
  const injector = new Injector(link.device);
  injectors.push(injector);
  try {
    await injector.opened();
  } catch (error) {
    throw new EngineError({
      code: 'permission',
      message: `Cannot send on ${link.device}: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'Run it as root, or give node the capability: see docs/live-capture.md',
    });
  }
  return {
    own: link.own,
    nextHop,
    send: (frame, lengthBytes) => injector.send(frame, lengthBytes),
    flush: () => {
      injector.flush();
    },
  };
}

/** Runs until Ctrl+C, the end of the time, or the end of a pipe; returns why where nobody asked for it. */
function untilEnd(
  sides: readonly Side[],
  pipes: PacketPipe[],
  run: LiveRun,
  seconds: number | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<string> {
  const originS = Math.floor(Date.now() / 1_000);
  return new Promise((resolve) => {
    let told = false;
    const timer = seconds === undefined ? undefined : setTimeout(resolve, seconds * 1_000, '');
    const finish = (message: string): void => {
      clearTimeout(timer);
      resolve(message);
    };
    signal.addEventListener(
      'abort',
      () => {
        finish('');
      },
      { once: true },
    );
    if (signal.aborted) finish('');
    for (const { family, link } of sides) {
      const pipe = new PacketPipe({
        device: link.device,
        filter: forwardedFilter(link, family),
        originS,
        onPackets: (packets) => {
          run.take(family, packets);
        },
        onListening: () => {
          if (told || !pipes.every(({ listening }) => listening)) return;
          told = true;
          output.message(
            output.json ? JSON.stringify({ progress: { title: 'translating' } }) : `Translating between ${names(sides)}. Ctrl+C ends it.`,
          );
        },
        onEnd: (message) => {
          finish(signal.aborted ? '' : message);
        },
      });
      pipes.push(pipe);
    }
  });
}

const names = (sides: readonly Side[]): string => sides.map(({ family, link }) => `${link.device} (IPv${String(family)})`).join(' and ');

function show(result: LiveRunResult, options: TranslateLiveOptions, output: Output): void {
  const { side6, side4, errorsMade, reasons, tables, limits } = result;
  const row = (name: string, device: string, { received, sent, sentBytes, notSent }: LiveCounts): string[] => [
    name,
    `${count(received)} in`,
    `${count(sent)} out`,
    bytes(sentBytes),
    `${count(notSent)} without room`,
    device,
  ];
  const rows = [row('IPv6 side', options.live6 ?? '', side6), row('IPv4 side', options.live4 ?? '', side4)];
  for (const line of table(rows, [1, 2, 3, 4])) output.text(`  ${line}`);
  if (errorsMade > 0) output.text(`  ${count(errorsMade)} of them made by the translator`);
  if (tables !== undefined) {
    output.text(`  ${count(tables.bindings)} bindings and ${count(tables.sessions)} sessions at the end, ${count(tables.expired)} expired`);
  }
  for (const limit of limits) output.text(`  ${count(limit.count)} ${limit.text}`);
  for (const line of reasonLines(reasons, output)) output.text(`  ${line}`);
}
