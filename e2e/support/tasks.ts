import type { Browser, Page } from 'playwright-core';

/** What the main thread of a window did while something went on. */
export interface MainThread {
  readonly tasks: number;
  /**
   * CPU time of its longest task, ms. A task during which the thread waited for a core is not longer for that, so the figure holds on a
   * busy machine too; a window that freezes is one task that computes.
   */
  readonly longestCpuMs: number;
  /** CPU time of all tasks, ms. */
  readonly cpuMs: number;
}

/** Of the browser's trace: durations are microseconds, `tdur` by the thread's own clock. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Traces the tasks of the window's main thread while `walk` goes on. One trace at a time in a browser. */
export async function mainThreadOf(browser: Browser, page: Page, walk: () => Promise<void>): Promise<MainThread> {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  let trace: Buffer;
  try {
    await walk();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: readonly TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const cpuUs = traceEvents
    .filter(({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && mains.has(`${pid} ${tid}`))
    .map(({ tdur }) => tdur ?? 0);
  return {
    tasks: cpuUs.length,
    longestCpuMs: cpuUs.reduce((most, us) => Math.max(most, us), 0) / 1_000,
    cpuMs: cpuUs.reduce((sum, us) => sum + us, 0) / 1_000,
  };
}
