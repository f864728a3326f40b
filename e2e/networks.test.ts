import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, sample } from './support/paths.ts';
import { Served, launchBrowser, openWindow, type Window } from './support/window.ts';
import { openPalette, status } from './support/workbench.ts';

const executable = chromiumPath();

/** The panels that bring networks of their own, against the real engine. */
describe.skipIf(executable === undefined)(executable === undefined ? 'network panels (no Chromium here)' : 'network panels', () => {
  let browser: Browser;
  let served: Served;
  let window: Window;

  beforeAll(async () => {
    browser = await launchBrowser(executable!);
    served = await Served.start(sample('microbursts.pcap'));
    window = await openWindow(browser, served.url, { width: 1_280, height: 800 });
    await status(window.page, 'conserved', 120_000);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await served.stop();
  });

  /** Figure under a word of the panel's headline. */
  const figure = async (word: string): Promise<number> => {
    const text = await window.page.locator('.stats div, .figures div').filter({ hasText: word }).locator('.figure').first().textContent();
    return Number(text?.replaceAll(/[^\d.]/g, ''));
  };

  test('Converters: a call goes through a terminal, and through the gateway once that is chosen', { timeout: 120_000 }, async () => {
    const { page, complaints } = window;
    await openPalette(page, 'show converters');
    await page.getByRole('table', { name: 'Converters' }).locator('tbody tr').first().waitFor();
    expect(await figure('by terminals')).toBeGreaterThan(0);
    expect(await figure('by the gateway')).toBe(0);
    expect(await figure('delay p50')).toBeGreaterThan(0);
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'Calls' }).click();
    await page.getByText('Chosen because its score of').first().waitFor();
    await page.getByLabel('converted by').selectOption('gateway');
    await page.locator('.stats div, .figures div').filter({ hasText: 'by the gateway' }).filter({ hasText: /[1-9]/ }).waitFor();
    expect(await figure('by terminals')).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('Multicast: the choice follows the instant, and packets go on arriving', { timeout: 120_000 }, async () => {
    const { page, complaints } = window;
    await openPalette(page, 'show multicast');
    const rows = page.getByRole('grid', { name: 'Entries' }).locator('tbody tr');
    await rows.first().waitFor();
    const slider = page.getByRole('slider', { name: 'Instant shown' }).last();
    await slider.fill(String(6e9));
    await rows.filter({ hasText: 'r3' }).filter({ hasText: '■ IPv4' }).waitFor();
    const early = await figure('delivered');
    expect(early).toBeGreaterThan(100);
    // The scenario gives the IPv4 path a bias at 10 s.
    await slider.fill(String(15e9));
    await rows.filter({ hasText: 'r3' }).filter({ hasText: '◆ IPv6' }).waitFor();
    expect(await figure('delivered')).toBeGreaterThan(early);
    expect(complaints).toEqual([]);
  });
});
