import type { Output } from './output.ts';
import { progressLines, type ProgressReport } from './progress-lines.ts';

/** A task that is done before this shows no bar: it would only flicker. */
const SHOW_AFTER_MS = 300;

/** A bar on a terminal, JSON lines on standard error with `--json`, nothing otherwise. */
export async function startProgress(output: Output, title: string): Promise<ProgressReport> {
  if (output.json) return progressLines(title);
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  return bar(title);
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
