/**
 * Takes the pictures of the documentation from the program as it was built: `node scripts/pictures.mjs`. They are 1600 x 1000,
 * from bundled samples, and the same input gives the same picture but for the terminal's prompt.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath, root, sample } from './support/paths.ts';
import { Served, launchBrowser, openWindow, type Window, type WindowOptions } from './support/window.ts';

const folder = join(root, 'docs', 'pictures');

async function shoot(page: Page, name: string): Promise<void> {
  // The pointer must not leave a hover behind, and a notice goes by itself.
  await page.mouse.move(800, 3);
  for (const close of await page.getByRole('button', { name: 'Close this notice' }).all()) await close.click();
  await page.waitForFunction(() => document.fonts.status === 'loaded');
  await page.screenshot({ path: join(folder, `${name}.png`) });
  process.stdout.write(`${name}.png\n`);
}

/** A window that has a run to show. */
async function workbench(browser: Browser, served: Served, options: WindowOptions = {}): Promise<Window> {
  const window = await openWindow(browser, served.url, options);
  await window.page.getByLabel('Status').getByText('conserved').waitFor({ timeout: 60_000 });
  return window;
}

const menu = async (page: Page, button: string, item: RegExp): Promise<void> => {
  await page.getByRole('button', { name: button }).click();
  await page
    .getByRole('menuitemradio', { name: item })
    .or(page.getByRole('menuitem', { name: item }))
    .first()
    .click();
};

async function palette(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  await page.getByRole('combobox', { name: 'Command' }).fill(words);
  await page.keyboard.press('Enter');
}

/** Puts the playhead at a share of the timeline. */
async function seek(page: Page, share: number): Promise<void> {
  const box = await page.getByRole('slider', { name: 'Playhead', exact: true }).boundingBox();
  if (box !== null) await page.mouse.click(box.x + box.width * share, box.y + box.height * 0.4);
}

async function typed(page: Page, text: string, answer: string): Promise<void> {
  await page.locator('.xterm-rows').getByText('$').first().waitFor();
  await page.locator('[data-keys="terminal"]').click();
  await page.keyboard.type(`${text}\n`);
  await page.locator('.xterm-rows').getByText(answer).first().waitFor();
}

async function main(): Promise<void> {
  const executable = chromiumPath();
  if (executable === undefined) throw new Error('The pictures need an installed Chromium.');
  mkdirSync(folder, { recursive: true });
  const browser = await launchBrowser(executable);
  const empty = await Served.start();
  const served = await Served.start(sample('burst-lte.pcapng'), '--scenario', 'small-rings');
  try {
    const welcome = await openWindow(browser, empty.url);
    await welcome.page.getByRole('heading', { name: 'Samples' }).waitFor();
    await shoot(welcome.page, 'welcome');

    for (const theme of ['dark', 'light'] as const) {
      const { page, context } = await workbench(browser, served, { theme });
      await typed(page, 'ringside info', 'duration');
      await seek(page, 0.46);
      await page.getByRole('tree', { name: 'Fields of the packet' }).waitFor();
      await shoot(page, `workbench-${theme}`);
      await context.close();
    }

    const { page } = await workbench(browser, served);
    for (const [name, words] of [
      ['rings', 'show rings'],
      ['packets', 'show packets'],
      ['flows', 'show flows'],
      ['report', 'show report'],
    ] as const) {
      await seek(page, 0.62);
      await palette(page, words);
      await palette(page, 'maximise');
      await shoot(page, name);
      await palette(page, 'maximise');
    }
  } finally {
    await browser.close();
    await served.stop();
    await empty.stop();
  }
}

void menu;
await main();
