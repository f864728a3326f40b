import type { Progress } from '../contract/index.ts';
import type { Output } from './output.ts';

/** JSON progress lines a second when piped: enough for a program, few enough for a log. */
const LINES_PER_SECOND = 2;
/** A task that is done before this shows no bar: it would only flicker. */
const SHOW_AFTER_MS = 300;

export interface ProgressReport {
  update(progress: Progress): void;
  stop(): void;
}

/** A bar on a terminal, JSON lines on standard error with `--json`, nothing otherwise. */
export async function startProgress(output: Output, title: string): Promise<ProgressReport> {
  if (output.json) return lines(title);
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  return bar(title);
}

function lines(title: string): ProgressReport {
  let last = Date.now();
  return {
    update({ done, total, unit, message }) {
      const now = Date.now();
      if (now - last < 1_000 / LINES_PER_SECOND) return;
      last = now;
      process.stderr.write(`${JSON.stringify({ progress: { title, done, total, unit, message } })}\n`);
    },
    stop: () => undefined,
  };
}

async function bar(title: string): Promise<ProgressReport> {
  const { default: cliProgress } = await import('cli-progress');
  const shown = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage}% {message}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 28,
      // Ctrl+C is ours: see main.ts.
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  );
  const since = Date.now();
  let started = false;
  return {
    update({ done, total, message }) {
      if (total <= 0) return;
      if (!started) {
        if (Date.now() - since < SHOW_AFTER_MS) return;
        shown.start(total, done, { message });
        started = true;
      } else {
        shown.setTotal(total);
        shown.update(done, { message });
      }
    },
    stop() {
      if (started) shown.stop();
    },
  };
}
