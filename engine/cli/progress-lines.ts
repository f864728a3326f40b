import type { Progress } from '../contract/index.ts';

/** JSON progress lines a second when piped: enough for a program, few enough for a log. */
const LINES_PER_SECOND = 2;

export interface ProgressReport {
  update(progress: Progress): void;
  stop(): void;
}

/** JSON lines on standard error. */
export function progressLines(title: string): ProgressReport {
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
