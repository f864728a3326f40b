import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, sample } from './support/paths.ts';
import { Served, launchBrowser, openWindow } from './support/window.ts';
import { openPalette, status } from './support/workbench.ts';

const executable = chromiumPath();
if (executable === undefined) console.warn('No Chromium is installed: the translated flows panel is not tested in a window.');

describe.runIf(executable !== undefined)('translated flows', () => {
  let browser: Browser;
  let served: Served;
  beforeAll(async () => {
    browser = await launchBrowser(executable!);
    served = await Served.start(sample('nat64-arriving.pcapng'), '--scenario', 'nat64');
  });
  afterAll(async () => {
    await browser.close();
    await served.stop();
  });

  test('sessions of a NAT64 follow the playhead, and a packet stands before and after', async () => {
    const { page, complaints } = await openWindow(browser, served.url, { width: 1_600, height: 1_000 });
    await status(page, 'conserved', 60_000);
    await page.getByRole('button', { name: 'Translate' }).click();
    await page.getByText('Nothing has come to a translator').waitFor();
    await page.keyboard.press('Control+g');
    await page.getByLabel(/Packet number/).fill('290');
    await page.keyboard.press('Enter');
    await openPalette(page, 'move the playhead to the selected packet');
    await page.locator('#translated-grid .layer').getByText('ESTABLISHED').first().waitFor();
    await page.getByRole('tab', { name: 'Packet pair' }).click();
    const region = page.getByRole('region', { name: 'Packet before and after' });
    await region.getByText('TTL and hop limit').waitFor();
    expect(await region.innerText()).toContain('RFC 7915 section 4.1');
    expect(complaints).toEqual([]);
  });
});
