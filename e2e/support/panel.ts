import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { chromiumPath } from './paths.ts';
import { Served, launchBrowser, openWindow, type Window, type WindowOptions } from './window.ts';
import { status } from './workbench.ts';

const executable = chromiumPath();
if (executable === undefined) console.warn('e2e: panels are not tested in a window, no Chromium was found: apt-get install chromium');

/** How long a panel of a real run may take on a busy machine. */
const PANEL_MS = 300_000;

/** Opens another window on the same input. */
export type OpenWindow = (options?: WindowOptions) => Promise<Window>;

/**
 * Tests of a panel in a real browser against the real engine: an input that is served, and windows whose run is finished. Skipped where
 * there is no Chromium.
 */
export function describePanel(title: string, serve: () => readonly string[], tests: (open: OpenWindow) => void): void {
  describe.skipIf(executable === undefined)(title, { timeout: PANEL_MS }, () => {
    let browser: Browser | undefined;
    let served: Served | undefined;
    beforeAll(async () => {
      browser = await launchBrowser(executable ?? '');
      served = await Served.start(...serve());
    }, PANEL_MS);
    afterAll(async () => {
      await browser?.close();
      await served?.stop();
    });
    tests(async (options = { width: 1_280, height: 800 }) => {
      if (browser === undefined || served === undefined) throw new Error('a window is opened by a test, not before');
      const window = await openWindow(browser, served.url, options);
      await status(window.page, 'conserved', PANEL_MS);
      return window;
    });
  });
}
