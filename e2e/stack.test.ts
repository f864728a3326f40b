import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, sample } from './support/paths.ts';
import { Served, launchBrowser, openWindow, type Window } from './support/window.ts';
import { openPalette, status } from './support/workbench.ts';

const executable = chromiumPath();

/** The Stack panel against the real engine: the scenario stack-instances on the sample it was made for. */
describe.skipIf(executable === undefined)(executable === undefined ? 'stack panel (no Chromium here)' : 'stack panel', () => {
  let browser: Browser;
  let served: Served;
  let window: Window;

  beforeAll(async () => {
    browser = await launchBrowser(executable!);
    served = await Served.start(sample('burst-lte.pcapng'), '--scenario', 'stack-instances');
    window = await openWindow(browser, served.url, { width: 1_280, height: 800 });
    await status(window.page, 'conserved', 120_000);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await served.stop();
  });

  test('the playhead moves through the events of the scenario, and the graph follows', { timeout: 120_000 }, async () => {
    const { page } = window;
    await openPalette(page, 'show stack');
    const node = (id: string): ReturnType<typeof page.locator> => page.locator(`g.node[data-id="${id}"]`);
    await node('stack bsd').waitFor({ timeout: 60_000 });
    await page.getByText('tcp port 443 is owned by web').first().waitFor();
    // The last event but one is at 3.5 s; its line is a link to that moment.
    await page.getByRole('button', { name: '3.500' }).first().click();
    await node('stack api').filter({ hasText: 'defunct' }).waitFor({ timeout: 60_000 });
    await node('port ch4').filter({ hasText: 'in' }).waitFor();
    expect(await node('channel ch4').textContent()).toContain('not open');
    const reasons = await page.locator('.legend').textContent();
    expect(reasons).toContain('bad_checksum');
    expect(window.complaints).toEqual([]);
  });
});
