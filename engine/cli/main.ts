import { CommanderError } from 'commander';
import { programVersion } from './version.ts';
import { EXIT, drain } from './output.ts';
import { createProgram } from './program.ts';

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
  let code: number = EXIT.ok;
  const program = createProgram(programVersion(), controller.signal, (result) => {
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
  await drain();
  return code;
}

/** `ringside packets F | head`: the reader is gone, so nothing is wrong and nobody listens. */
function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
}

/** True in a thread that a command started for itself. */
async function isTask(): Promise<boolean> {
  const { isMainThread } = await import('node:worker_threads');
  if (isMainThread) return false;
  const { runTask } = await import('./generate.ts');
  return runTask();
}

if (!(await isTask())) {
  process.stdout.on('error', onPipeError);
  process.stderr.on('error', onPipeError);
  process.exit(await main(process.argv.slice(2)));
}
