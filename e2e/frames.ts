/** Frame times and replay errors of the window in a real browser: `node dist/bench.js --frames FILE`. */
import type { Page } from 'playwright-core';
import { chromiumPath } from './support/paths.ts';
import { mainThreadOf } from './support/tasks.ts';
import { Served, launchBrowser, openWindow } from './support/window.ts';
import { openPalette, status } from './support/workbench.ts';

/** Times between the frames of a window that draws, ms. At 60 frames a second a frame lasts 16.7. */
export interface FrameTimes {
  readonly frames: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  /** Frames that came later than two of the display's. */
  readonly late: number;
}

export interface FrameFigures {
  readonly packets: number;
  readonly rounds: number;
  /** From the start to the end as fast as it goes, in every round. */
  readonly fullSpeed: FrameTimes & { readonly longestTaskCpuMs: number; readonly tasks: number };
  /** At the original timing, for some seconds, and how late packets came, as the status bar says it. */
  readonly originalTiming: FrameTimes & { readonly longestTaskCpuMs: number; readonly replayError: string };
}

const LATE_MS = 34;
const ORIGINAL_S = 10;
const OPEN_MS = 600_000;

/** Replays a file in a window at full speed `rounds` times, then at its own timing. */
export async function frameFigures(file: string, rounds: number): Promise<FrameFigures> {
  const executable = chromiumPath();
  if (executable === undefined) throw new Error('No Chromium was found: apt-get install chromium');
  const browser = await launchBrowser(executable);
  const served = await Served.start(file);
  try {
    const { page } = await openWindow(browser, served.url, { width: 1_920, height: 1_080 });
    await status(page, 'conserved ✓', OPEN_MS);
    await openPalette(page, 'go to the start');
    const gaps: number[] = [];
    const fast = await mainThreadOf(browser, page, async () => {
      for (let round = 0; round < rounds; round++) gaps.push(...(await framesOf(page, () => toTheEnd(page))));
    });
    const slowGaps: number[] = [];
    await openPalette(page, 'go to the start');
    const slow = await mainThreadOf(browser, page, async () => {
      slowGaps.push(...(await framesOf(page, () => atItsTiming(page))));
    });
    const text = await page.getByLabel('Status', { exact: true }).innerText();
    return {
      packets: Number(/([\d,]+) packets/.exec(text)?.[1]?.replaceAll(',', '')),
      rounds,
      fullSpeed: { ...timesOf(gaps), longestTaskCpuMs: fast.longestCpuMs, tasks: fast.tasks },
      originalTiming: {
        ...timesOf(slowGaps),
        longestTaskCpuMs: slow.longestCpuMs,
        replayError: /replay error (p50 .*? · p99 \S+ \S+)/.exec(text)?.[1] ?? 'none measured',
      },
    };
  } finally {
    await browser.close();
    await served.stop();
  }
}

async function toTheEnd(page: Page): Promise<void> {
  await openPalette(page, 'as fast as possible');
  await status(page, 'replaying');
  await status(page, 'at the end', OPEN_MS);
}

async function atItsTiming(page: Page): Promise<void> {
  await openPalette(page, 'original timing');
  await status(page, 'replaying');
  // A short capture ends before.
  await Promise.race([page.waitForTimeout(ORIGINAL_S * 1_000), status(page, 'at the end', OPEN_MS)]);
}

/** Gaps between the page's frames while `walk` goes on, ms. */
async function framesOf(page: Page, walk: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const seen = window as unknown as { frameGapsMs: number[]; frameHandle: number };
    seen.frameGapsMs = [];
    let last = 0;
    const tick = (nowMs: number): void => {
      if (last > 0) seen.frameGapsMs.push(nowMs - last);
      last = nowMs;
      seen.frameHandle = requestAnimationFrame(tick);
    };
    seen.frameHandle = requestAnimationFrame(tick);
  });
  await walk();
  return page.evaluate(() => {
    const seen = window as unknown as { frameGapsMs: number[]; frameHandle: number };
    cancelAnimationFrame(seen.frameHandle);
    return seen.frameGapsMs;
  });
}

function timesOf(gapsMs: readonly number[]): FrameTimes {
  const sorted = gapsMs.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return {
    frames: sorted.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    longestMs: at(1),
    late: sorted.filter((gap) => gap > LATE_MS).length,
  };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
