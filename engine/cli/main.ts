import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import {
  LaneThread,
  MIN_LANE_BYTES,
  laneWorkerFile,
  loadCode,
  packetsCoreFile,
  replayCoreFile,
  translateCoreFile,
  type LaneAnswer,
  type LaneStart,
} from '../host/plain.ts';
import { EXIT, drain } from './output.ts';
import { listArguments, quickArguments, translateArguments, type QuickArguments } from './quick-arguments.ts';
import type * as packetsCore from './packets-core.ts';
import type * as replayCore from './replay-core.ts';
import type * as translateCore from './translate-core.ts';

type PacketsCore = typeof packetsCore;
type ReplayCore = typeof replayCore;
type TranslateCore = typeof translateCore;

/** Exit codes of a shell for a process that ends by these signals would hide that we cleaned up: see EXIT. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs the command line. Resolves with the exit code once all output has been taken. */
async function main(args: readonly string[]): Promise<number> {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // The first asks the command to end; a second does not wait for it.
      if (controller.signal.aborted) process.exit(EXIT.failed);
      controller.abort();
    });
  }
  const code = (await quickly(args, controller.signal)) ?? (await command(args, controller.signal));
  await drain();
  return code;
}

/** What needs little of what commands need: translation, the packet list, and the plain replay for other programs; undefined for anything else. */
async function quickly(args: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  if (args[0] === 'translate') {
    const wanted = translateArguments(args.slice(1));
    return wanted && (loadCode(translateCoreFile).exports as TranslateCore).quickTranslate(wanted, signal);
  }
  if (args[0] === 'packets') {
    const wanted = listArguments(args.slice(1));
    return wanted && (loadCode(packetsCoreFile).exports as PacketsCore).quickPackets(wanted, signal);
  }
  if (args[0] !== 'replay' || !args.includes('--json')) return undefined;
  const wanted = quickArguments(args.slice(1));
  if (wanted === undefined) return undefined;
  const thread = secondLane(wanted);
  const { quickReplay } = loadCode(replayCoreFile).exports as ReplayCore;
  return quickReplay(wanted, thread, signal);
}

/** The thread of a run that will have two lanes: it starts while this one loads its code. */
function secondLane({ file, lanes }: QuickArguments): LaneThread<LaneStart, LaneAnswer> | undefined {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const wanted = lanes ?? (bytes < MIN_LANE_BYTES ? 1 : availableParallelism());
  return wanted < 2 ? undefined : new LaneThread(laneWorkerFile);
}

async function command(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { CommanderError } = await import('commander');
  const { programVersion } = await import('./version.ts');
  const { createProgram } = await import('./program.ts');
  let code: number = EXIT.ok;
  const program = createProgram(programVersion(), signal, (result) => {
    code = result;
  });
  const strict = [program, ...program.commands];
  for (const command of strict) command.exitOverride();
  try {
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are answers; everything else commander throws is wrong usage, and it has said why.
    code = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return code;
}

/** `ringside packets F | head`: the reader is gone, so nothing is wrong and nobody listens. */
function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
}

/** True in a thread that a command started for itself. */
async function isTask(): Promise<boolean> {
  if (isMainThread) return false;
  const { runTask } = await import('./generate.ts');
  return runTask();
}

if (!(await isTask())) {
  process.stdout.on('error', onPipeError);
  process.stderr.on('error', onPipeError);
  process.exit(await main(process.argv.slice(2)));
}
