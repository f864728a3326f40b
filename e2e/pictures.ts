/**
 * Takes the pictures of the documentation from the program as it was built: `node scripts/pictures.mjs`. They are 1600 x 1000,
 * from bundled samples, and the same input gives the same picture but for the terminal's prompt.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { Downloads } from './support/downloads.ts';
import { chromiumPath, root, sample } from './support/paths.ts';
import { Served, launchBrowser, openWindow, type Window, type WindowOptions } from './support/window.ts';
import { openPalette, status } from './support/workbench.ts';

const SAMPLE = 'burst-lte.pcapng';
/** Dropped by the channel's ring in the scenario small-rings, in the middle of a burst. */
const BURST_PACKET = 3_743;
const pictures = join(root, 'docs', 'pictures');

async function shoot(page: Page, name: string): Promise<void> {
  // The pointer must not leave a hover behind, and a notice goes by itself.
  await page.mouse.move(800, 3);
  for (const close of await page.getByRole('button', { name: 'Close this notice' }).all()) await close.click();
  await page.waitForFunction(
    () => document.fonts.status === 'loaded' && ![...document.querySelectorAll('.ghost')].some((one) => one.checkVisibility()),
  );
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  process.stdout.write(`${name}.png\n`);
}

/** A window that has a run to show. */
async function workbench(browser: Browser, served: Served, options: WindowOptions = {}): Promise<Window> {
  const window = await openWindow(browser, served.url, options);
  await status(window.page, 'conserved', 60_000);
  return window;
}

/** A packet in the middle of a burst that the rings could not take, and the playhead with it. */
async function moveTo(page: Page, packet: number): Promise<void> {
  await page.keyboard.press('Control+g');
  await page.getByLabel(/Packet number/).fill(String(packet));
  await page.keyboard.press('Enter');
  await page.getByRole('treeitem', { name: new RegExp(`Frame: ${String(packet)}:`) }).waitFor();
  await openPalette(page, 'move the playhead to the selected packet');
  await status(page, 'paused');
  // The table is read again once the playhead rests.
  await page.locator('#flow-grid .layer [data-column="source"]').filter({ hasText: /\d/ }).first().waitFor({ state: 'attached' });
}

async function typed(page: Page, text: string, answer: string): Promise<void> {
  const rows = page.locator('.xterm-rows');
  await rows.getByText('$').first().waitFor();
  await page.locator('[data-keys="terminal"]').click();
  await page.keyboard.type(`${text}\n`);
  await rows.getByText(answer).first().waitFor();
  await page.keyboard.press('F6');
}

/** The meter tried out with small receive buffers on an LTE modem, a tenth of a second around a burst; then the bursts of the capture. */
async function shootBursts(page: Page): Promise<void> {
  await openPalette(page, 'show bursts');
  await openPalette(page, 'maximise');
  await page.getByLabel('network').selectOption('lte');
  await page.getByLabel('rcvbuf').fill('16 KiB');
  await page.keyboard.press('Enter');
  const drops = page.locator('.headlines div').filter({ hasText: 'socket drops' });
  await drops.filter({ hasText: /[1-9][\d,]* → 0/ }).waitFor();
  await page.getByRole('button', { name: '100 ms' }).click();
  await page.locator('.times', { hasText: '3.00 s' }).waitFor();
  await page.locator('.scroll.stale').waitFor({ state: 'detached' });
  await shoot(page, 'bursts-meter');
  await page.getByRole('button', { name: 'In the capture' }).click();
  await page.getByText('passes everything').waitFor();
  await shoot(page, 'bursts');
}

/** A sender that reacts, into the meter and sockets of the scenario that is made for them. */
async function shootSenders(browser: Browser): Promise<void> {
  const served = await Served.start(sample(SAMPLE), '--scenario', 'burst-closed-loop');
  try {
    const { page, context } = await workbench(browser, served);
    await openPalette(page, 'show bursts');
    await openPalette(page, 'maximise');
    await page.getByRole('button', { name: 'Senders' }).click();
    await page.getByRole('table', { name: 'Segments' }).waitFor();
    await page.locator('.scroll.stale').waitFor({ state: 'detached' });
    await shoot(page, 'bursts-senders');
    await context.close();
  } finally {
    await served.stop();
  }
}

/** A panel that brings its own networks, once this part of it says that one has been run. */
async function shootNetwork(page: Page, words: string, name: string, ready: string): Promise<void> {
  await openPalette(page, words);
  await openPalette(page, 'maximise');
  await page.locator(ready).first().waitFor();
  await shoot(page, name);
}

/** Panels whose content does not depend on the input. */
async function shootNetworks(page: Page): Promise<void> {
  await shootNetwork(page, 'show converters', 'converters', 'table[aria-label="Converters"] tbody tr');
  await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'Calls' }).click();
  await page.getByText('Chosen because').first().waitFor();
  await shoot(page, 'converters-calls');
  await openPalette(page, 'maximise');
  await shootNetwork(page, 'show multicast', 'multicast', 'table[aria-label="Entries"] tbody tr');
  await openPalette(page, 'maximise');
}

/** The Offloads view of a capture in a scenario; `end`: from its end, where a packet is opened into its segments. */
async function shootOffload(browser: Browser, capture: string, scenario: string, name: string, end = false): Promise<void> {
  const served = await Served.start(capture, '--scenario', scenario);
  try {
    const { page, context } = await workbench(browser, served);
    await openPalette(page, 'show offloads');
    await openPalette(page, 'maximise');
    await page.getByRole('listbox', { name: 'Segments of the aggregate' }).getByRole('option').first().waitFor({ state: 'attached' });
    await page.locator('.scroll.stale').waitFor({ state: 'detached' });
    if (end) await page.getByRole('table', { name: 'Header bytes before and after' }).scrollIntoViewIfNeeded();
    await shoot(page, name);
    await context.close();
  } finally {
    await served.stop();
  }
}

async function shootOffloads(browser: Browser): Promise<void> {
  const downloads = new Downloads();
  try {
    const capture = downloads.make();
    await shootOffload(browser, capture, 'offload-aggregation', 'offloads');
    await shootOffload(browser, capture, 'offload-segmentation', 'offloads-cut', true);
    await shootOffload(browser, sample('mixed-lan.pcapng'), 'default', 'offloads-why');
  } finally {
    downloads.remove();
  }
}

/** The sessions of a NAT64, and one packet before and after. */
async function shootTranslated(browser: Browser): Promise<void> {
  const served = await Served.start(sample('nat64-arriving.pcapng'), '--scenario', 'nat64');
  try {
    const { page, context } = await workbench(browser, served);
    await moveTo(page, 290);
    await openPalette(page, 'show translated flows');
    await openPalette(page, 'maximise');
    await page.locator('#translated-grid .layer').getByText('ESTABLISHED').first().waitFor();
    await shoot(page, 'translated');
    await page.getByRole('tab', { name: 'Packet pair' }).click();
    await page.getByRole('region', { name: 'Packet before and after' }).getByText('TTL and hop limit').waitFor();
    await shoot(page, 'translated-packet');
    await context.close();
  } finally {
    await served.stop();
  }
}

/** Further down in the Stack panel. */
async function shootStackParts(page: Page): Promise<void> {
  for (const [part, name] of [
    ['Drops and advisory', 'stack-advisory'],
    ['Traffic', 'stack-traffic'],
    ['Memory', 'stack-memory'],
  ] as const) {
    await page.getByRole('button', { name: part, exact: true }).click();
    await page.waitForTimeout(500);
    await shoot(page, name);
  }
}

/** The Stack panel in a scenario that has everything it shows. */
async function shootStack(browser: Browser): Promise<void> {
  const served = await Served.start(sample(SAMPLE), '--scenario', 'stack-instances');
  try {
    for (const theme of ['dark', 'light'] as const) {
      const { page, context } = await workbench(browser, served, { theme });
      await moveTo(page, 4_500);
      await openPalette(page, 'show stack');
      await openPalette(page, 'maximise');
      await page.locator('g.node[data-id="stack api"]').filter({ hasText: 'defunct' }).waitFor();
      await shoot(page, `stack-${theme}`);
      if (theme === 'dark') await shootStackParts(page);
      await context.close();
    }
  } finally {
    await served.stop();
  }
}

async function shootWorkbench(browser: Browser, served: Served): Promise<void> {
  // The shell starts in this folder: a path of this machine has no place in a picture.
  copyFileSync(sample(SAMPLE), join(served.folder, SAMPLE));
  for (const theme of ['dark', 'light'] as const) {
    const { page, context } = await workbench(browser, served, { theme });
    await typed(page, `ringside info ${SAMPLE}`, 'snap length');
    await moveTo(page, BURST_PACKET);
    await shoot(page, `workbench-${theme}`);
    await context.close();
  }
}

/** One panel after the other, each as large as the window. */
async function shootPanels(page: Page): Promise<void> {
  for (const [name, words] of [
    ['rings', 'show rings'],
    ['packets', 'show packets'],
    ['flows', 'show flows'],
    ['report', 'show report'],
  ] as const) {
    await moveTo(page, BURST_PACKET);
    await openPalette(page, words);
    await openPalette(page, 'maximise');
    await shoot(page, name);
    await openPalette(page, 'maximise');
  }
}

async function shootWelcome(browser: Browser): Promise<void> {
  const empty = await Served.start();
  try {
    const { page, context } = await openWindow(browser, empty.url);
    await page.getByRole('heading', { name: 'Samples' }).waitFor();
    await shoot(page, 'welcome');
    await context.close();
  } finally {
    await empty.stop();
  }
}

/** Pictures that belong together; `node scripts/pictures.mjs bursts stack` takes those of two groups. */
const GROUPS: Readonly<Record<string, (browser: Browser, served: Served) => Promise<void>>> = {
  welcome: shootWelcome,
  workbench: shootWorkbench,
  panels: async (browser, served) => shootPanels((await workbench(browser, served)).page),
  bursts: async (browser, served) => {
    const { page } = await workbench(browser, served);
    await moveTo(page, BURST_PACKET);
    await shootBursts(page);
  },
  senders: shootSenders,
  networks: async (browser, served) => shootNetworks((await workbench(browser, served)).page),
  offloads: shootOffloads,
  translated: shootTranslated,
  stack: shootStack,
};

async function main(wanted: readonly string[]): Promise<void> {
  const executable = chromiumPath();
  if (executable === undefined) throw new Error('The pictures need an installed Chromium.');
  const unknown = wanted.filter((name) => !(name in GROUPS));
  if (unknown.length > 0) throw new Error(`No pictures ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}.`);
  mkdirSync(pictures, { recursive: true });
  const browser = await launchBrowser(executable);
  const served = await Served.start(sample(SAMPLE), '--scenario', 'small-rings');
  try {
    for (const [name, shootGroup] of Object.entries(GROUPS)) {
      if (wanted.length === 0 || wanted.includes(name)) await shootGroup(browser, served);
    }
  } finally {
    await browser.close();
    await served.stop();
  }
}

await main(process.argv.slice(2));
