import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { ringside } from './support/command.ts';
import { chromiumPath, sample } from './support/paths.ts';
import { mainThreadOf } from './support/tasks.ts';
import { byKeyboard, canvasInk, infoOf, lookAtPages, poll, setSpeed, settled } from './support/tour-steps.ts';
import { Served, launchBrowser, openWindow, type WindowOptions } from './support/window.ts';
import { dropFile, grid, openPalette, rowTexts, status, terminalText } from './support/workbench.ts';

/**
 * The whole program as a person uses it: `ringside serve` as it was built, in a real browser. Every window must end without an error in
 * its console and without a violation of the content security policy.
 */
const executable = chromiumPath();
if (executable === undefined) console.warn('e2e: the tour of the window is skipped, no Chromium was found: apt-get install chromium');

// A test is some dozen waits, each of them long on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const BURST_PACKETS = 6_309;
/** More rows than a browser can lay out one below another: 33.5 million pixels at 20 a row. */
const BIG_PACKETS = 1_700_000;
/** CPU time of one task of the page's main thread, ms: a window that answers late, on a machine of any load. */
const LONG_TASK_MS = 200;

describe.skipIf(executable === undefined)('the window', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    browser = await launchBrowser(executable ?? '');
    folder = mkdtempSync(join(tmpdir(), 'ringside-tour-'));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a window, tours it, and looks at what it complained about. */
  async function tour(url: string, walk: (page: Page) => Promise<void>, options: WindowOptions = {}): Promise<void> {
    const { page, context, complaints } = await openWindow(browser, url, options);
    try {
      await walk(page);
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
    }
  }

  describe('without an input', () => {
    let served: Served;
    beforeAll(async () => {
      served = await Served.start();
    });
    afterAll(() => served.stop());

    test('opens a sample, then a file by dialog, and lists it as recent', () =>
      tour(served.url, async (page) => {
        await page.getByRole('heading', { name: 'See what a network stack does to every packet, and why' }).waitFor();
        const samples = JSON.parse(readFileSync(sample('index.json'), 'utf8')) as unknown[];
        await page
          .locator('section', { hasText: 'Samples' })
          .getByRole('listitem')
          .nth(samples.length - 1)
          .waitFor();
        expect(await page.locator('section', { hasText: 'Samples' }).getByRole('listitem').count()).toBe(samples.length);
        await page.getByRole('button', { name: /A modem that delivers in bursts/ }).click();
        await status(page, `${BURST_PACKETS.toLocaleString('en-US')} packets`);
        await status(page, 'conserved ✓');

        const chooser = page.waitForEvent('filechooser');
        await page.keyboard.press('Control+o');
        await (await chooser).setFiles(sample('mixed-lan.pcapng'));
        await page.getByLabel('Status').getByText('mixed-lan.pcapng').waitFor();
        await status(page, 'conserved ✓');
        await poll(() => page.title()).toContain('mixed-lan.pcapng');
        await page.keyboard.press('Alt+w');
        await page.getByRole('heading', { name: 'Recent files' }).waitFor();
      }));

    test('opens a file that is dropped on it', () =>
      tour(served.url, async (page) => {
        await page.getByRole('heading', { name: 'Samples' }).waitFor();
        await dropFile(page, 'dropped.pcap', readFileSync(sample('microbursts.pcap')));
        await page.getByLabel('Status').getByText('dropped.pcap').waitFor();
        await status(page, 'conserved ✓');
        expect((await rowTexts(page, 'packet-grid'))[0]).toMatch(/^1/);
      }));

    test('says what is wrong with a file, and what to do', () =>
      tour(served.url, async (page) => {
        await page.getByRole('heading', { name: 'Samples' }).waitFor();
        await dropFile(page, 'letter.txt', Buffer.from('Dear reader, this is no capture at all.\n'.repeat(40)));
        const alert = page.getByRole('alert');
        await alert.waitFor();
        const text = await alert.innerText();
        expect(text).toContain('letter.txt');
        expect(text).toMatch(/pcapng/);
        await page.getByRole('button', { name: 'Close this notice' }).click();
        await alert.waitFor({ state: 'detached' });
        await page.getByRole('heading', { name: 'Samples' }).waitFor();
      }));

    test.each(['dark', 'light'] as const)('axe finds nothing serious on the welcome screen, %s', (theme) =>
      tour(
        served.url,
        async (page) => {
          await page.getByRole('heading', { name: 'Samples' }).waitFor();
          expect(await axeFindings(page)).toEqual([]);
        },
        { theme },
      ),
    );

    test('says so when the engine is gone', async () => {
      const own = await Served.start(sample('burst-lte.pcapng'));
      const { page, context } = await openWindow(browser, own.url);
      try {
        await status(page, 'conserved ✓');
        own.command.child.kill('SIGKILL');
        await page.getByRole('heading', { name: 'The connection to the engine is lost' }).waitFor();
        await page.getByText('npm start', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Connect again' }).click();
        await page.getByRole('button', { name: 'Connect again' }).waitFor();
      } finally {
        await context.close();
        await own.stop();
      }
    });
  });

  describe('with a capture', () => {
    let served: Served;
    beforeAll(async () => {
      served = await Served.start(sample('burst-lte.pcapng'), '--scenario', 'wide-open');
    });
    afterAll(() => served.stop());

    /** A window whose run is finished. */
    const workbench = (walk: (page: Page) => Promise<void>, options: WindowOptions = {}): Promise<void> =>
      tour(
        served.url,
        async (page) => {
          await status(page, 'conserved ✓');
          await walk(page);
        },
        options,
      );

    test('lists packets, and shows one in tree and bytes in step both ways', () =>
      workbench(async (page) => {
        const list = grid(page, 'Packets');
        expect(await list.getAttribute('aria-rowcount')).toBe(String(BURST_PACKETS + 1));
        const [first = ''] = await rowTexts(page, 'packet-grid');
        expect(first).toContain('198.51.100.61');
        await page.locator('#packet-grid-row-4').click();
        const tree = page.getByRole('tree', { name: 'Fields of the packet' });
        await tree.getByRole('treeitem', { name: /^\W*Frame: 5:/ }).waitFor();

        // Source address of IPv4: bytes 26 to 29 behind 14 of Ethernet and 12 of the header.
        await tree.getByRole('treeitem', { name: /Source Address: \d/ }).click();
        const bytes = page.getByRole('grid', { name: 'Bytes of the packet' });
        const lit = (): Promise<(string | null)[]> =>
          bytes.locator('.hex .on').evaluateAll((all) => all.map((one) => one.getAttribute('data-at')));
        await poll(lit).toEqual(['26', '27', '28', '29']);
        // Byte 23 is the protocol.
        await bytes.locator('.hex [data-at="23"]').click();
        await poll(() => tree.locator('[aria-selected="true"]').innerText()).toContain('Protocol:');
      }));

    test('plays, pauses, steps and seeks; rings and flows move with it', () =>
      workbench(async (page) => {
        const transport = page.getByRole('group', { name: 'Transport' });
        const clock = (): Promise<string> => transport.locator('.time').innerText();
        const start = await clock();
        // The first packet is at the start of the clock, the second is not.
        await transport.getByRole('button', { name: 'Step forward' }).click();
        await transport.getByRole('button', { name: 'Step forward' }).click();
        await poll(clock).not.toBe(start);
        await transport.getByRole('button', { name: 'Step back' }).click();
        await poll(clock).toBe(start);

        const device = page.getByRole('group', { name: /device RX/i }).first();
        const before = await settled(() => device.innerText());
        const circle = await settled(() => canvasInk(page));
        expect(circle.painted).toBe(true);
        // Slow enough that it still plays when a busy machine presses Pause.
        await setSpeed(page, '×0.5');
        await transport.getByRole('button', { name: 'Play', exact: true }).click();
        await status(page, 'replaying');
        await poll(clock).not.toBe(start);
        await poll(async () => (await canvasInk(page)).sum).not.toBe(circle.sum);
        await transport.getByRole('button', { name: 'Pause', exact: true }).click();
        await status(page, 'paused');
        const held = await clock();
        expect(await clock()).toBe(held);

        const playhead = page.getByRole('slider', { name: 'Playhead', exact: true });
        await playhead.focus();
        await page.keyboard.press('End');
        await poll(() => playhead.getAttribute('aria-valuenow')).toBe('4959791');
        await poll(async () => grid(page, 'Flows').getAttribute('aria-rowcount')).toBe('57');
        await page.keyboard.press('Home');
        await poll(() => playhead.getAttribute('aria-valuenow')).toBe('0');
        await poll(() => device.innerText()).toBe(before);

        const box = (await playhead.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
        await page.mouse.click(box.x + box.width / 2, box.y + box.height / 3);
        await poll(async () => Number(await playhead.getAttribute('aria-valuenow'))).toBeGreaterThan(2_300_000);
        expect(Number(await playhead.getAttribute('aria-valuenow'))).toBeLessThan(2_650_000);
        // The list followed: the selected packet is the last at or before the playhead.
        const time = async (): Promise<number> =>
          Number(await page.locator('#packet-grid [aria-selected="true"] [data-column="time"]').innerText());
        await poll(time).toBeGreaterThan(2);
        expect(await time()).toBeLessThan(2.65);
      }));

    test('replays as fast as it can to the end', () =>
      workbench(async (page) => {
        await openPalette(page, 'as fast as possible');
        await status(page, 'at the end');
        await poll(async () => page.getByRole('group', { name: 'Transport' }).locator('.time').innerText()).toMatch(/^00:04\.9[56]/);
      }));

    test('sorts flows', () =>
      workbench(async (page) => {
        const slider = page.getByRole('slider', { name: 'Playhead', exact: true });
        await slider.focus();
        await page.keyboard.press('End');
        const flows = grid(page, 'Flows');
        await poll(() => flows.getAttribute('aria-rowcount')).toBe('57');
        const sources = async (): Promise<string[]> => flows.locator('[data-column="source"]').allInnerTexts();
        await flows.getByRole('columnheader', { name: 'Source' }).click();
        await poll(() => flows.getByRole('columnheader', { name: 'Source' }).getAttribute('aria-sort')).toBe('ascending');
        await poll(async () => (await sources()).some((text) => text !== '')).toBe(true);
        const up = await sources();
        await flows.getByRole('columnheader', { name: 'Source' }).click();
        await poll(() => flows.getByRole('columnheader', { name: 'Source' }).getAttribute('aria-sort')).toBe('descending');
        await poll(async () => (await sources())[0] !== up[0] && (await sources())[0] !== '').toBe(true);
        // Hidden behind a view that fills the window, and shown again.
        await openPalette(page, 'show rings');
        await openPalette(page, 'maximise');
        await flows.waitFor({ state: 'hidden' });
        await openPalette(page, 'maximise');
        await poll(async () => (await sources()).some((text) => text !== '')).toBe(true);
      }));

    test('shows what a meter in front of the sockets saves, and the bursts of the capture', () =>
      workbench(async (page) => {
        await openPalette(page, 'show bursts');
        const drops = page.locator('.headlines div').filter({ hasText: 'socket drops' }).locator('dd');
        await drops.filter({ hasText: '0 → 0' }).waitFor();
        await page.getByLabel('rcvbuf').fill('8 KiB');
        await page.keyboard.press('Enter');
        await drops.filter({ hasText: /^[1-9][\d,]* → 0$/ }).waitFor();
        const lost = (await drops.innerText()).split(' ')[0] ?? '';
        const sockets = page.locator('#panel-bursts .pad').filter({ has: page.getByRole('table', { name: 'Sockets', exact: true }) });
        expect(await sockets.innerText()).toContain('0 dropped');
        await page.getByRole('switch', { name: 'Meter' }).click();
        await sockets.filter({ hasText: `✕ ${lost} dropped` }).waitFor();

        await page.getByRole('button', { name: 'In the capture' }).click();
        await page.getByText('buffer needed at 20.0 Mb/s').waitFor();
        await page.locator('.answer', { hasText: '331,609 B' }).filter({ hasText: '133 ms to drain' }).waitFor();
      }));

    test('has a shell in which the ringside command knows the session', () =>
      workbench(async (page) => {
        await poll(() => terminalText(page)).toContain('$');
        await page.locator('[data-keys="terminal"]').click();
        await page.keyboard.type(`ringside info ${sample('mixed-lan.pcapng')}\n`);
        await poll(() => terminalText(page)).toContain('packets');
        const { packets } = await infoOf('mixed-lan.pcapng');
        await poll(() => terminalText(page)).toContain(packets.toLocaleString('en-US'));
        await page.keyboard.type('clear; ringside info | grep packets\n');
        await poll(() => terminalText(page)).toContain(BURST_PACKETS.toLocaleString('en-US'));
        // Leaving the shell by key: it gets every other one.
        await page.keyboard.press('F6');
        expect(await page.evaluate(() => document.activeElement?.closest('[data-keys="terminal"]') === null)).toBe(true);
      }));

    test('changes the scenario, shows the drops, and compares with the run before', () =>
      workbench(async (page) => {
        await status(page, 'no drops');
        await page.getByRole('button', { name: /^Scenario/ }).click();
        const choices = page.getByRole('menu', { name: 'Scenario' }).getByRole('menuitemradio');
        await poll(() => choices.count()).toBeGreaterThanOrEqual(6);
        await choices
          .filter({ hasText: /rings too small/i })
          .first()
          .click();
        await status(page, '581 dropped');
        await page.getByRole('button', { name: /^Compare A.B/ }).click();
        const table = page.getByRole('dialog', { name: 'Compare runs' });
        await table.getByText('device_rx_full').waitFor();
        expect(await table.innerText()).toContain('+464');
        await page.keyboard.press('Escape');
        await table.waitFor({ state: 'hidden' });
        // With everything that it can hold, the header fits a smaller window too.
        for (let width = 1_400; width >= 860; width -= 20) {
          await page.setViewportSize({ width, height: 800 });
          const over = await page.locator('header.header').evaluate((header) => header.scrollWidth - header.clientWidth);
          expect(over, `${String(width)} wide`).toBeLessThanOrEqual(0);
        }
      }));

    test('exports the report as HTML, JSON and PDF', () =>
      workbench(async (page) => {
        const save = async (format: string): Promise<string> => {
          const download: Promise<Download> = page.waitForEvent('download', { timeout: 60_000 });
          await page.getByRole('button', { name: 'Export report' }).click();
          await page.getByRole('menuitem', { name: format }).click();
          const path = join(folder, `report.${format.toLowerCase()}`);
          await (await download).saveAs(path);
          return path;
        };
        const html = readFileSync(await save('HTML'), 'utf8');
        expect(html).toMatch(/^<!doctype html>/i);
        expect(html).toContain('burst-lte.pcapng');
        expect(html).toContain('<svg');
        // Self-contained: nothing is loaded from anywhere.
        expect(html).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?https?:/i);
        const json = JSON.parse(readFileSync(await save('JSON'), 'utf8')) as Record<string, unknown>;
        expect(JSON.stringify(json)).toContain(`"packets":${BURST_PACKETS}`);
        const pdf = await save('PDF');
        expect(readFileSync(pdf).subarray(0, 5).toString('latin1')).toBe('%PDF-');
        lookAtPages(pdf, folder);
      }));

    test('switches the theme, and remembers it', () =>
      workbench(async (page) => {
        const shown = (): Promise<string | null> => page.locator('html').getAttribute('data-theme');
        expect(await shown()).toBe('dark');
        await page.getByRole('button', { name: /^More/ }).click();
        await page.getByRole('menuitemradio', { name: 'Light theme' }).click();
        await poll(shown).toBe('light');
        await page.reload();
        await status(page, 'conserved ✓');
        expect(await shown()).toBe('light');
      }));

    test('works by keyboard alone', () => workbench(byKeyboard));
  });

  describe('with a large capture', () => {
    let served: Served;
    beforeAll(async () => {
      const spec = join(folder, 'big.yaml');
      const streams = '[{ kind: imix, flows: 2000, ratePps: 1000000 }]';
      writeFileSync(spec, `name: big\nseed: 3\ndurationS: 100000\npackets: ${BIG_PACKETS}\nsnapLen: 64\nstreams: ${streams}\n`);
      const made = await ringside(['generate', spec, '-o', join(folder, 'big.pcap')]).finished;
      expect(made.stderr).toBe('');
      served = await Served.start(join(folder, 'big.pcap'));
    });
    afterAll(() => served.stop());

    test('scrolls to the last row, answers while it replays, and shows its frame time', () =>
      tour(served.url, async (page) => {
        const list = grid(page, 'Packets');
        await poll(() => list.getAttribute('aria-rowcount'), { timeout: 120_000 }).toBe(String(BIG_PACKETS + 1));
        await list.focus();
        await page.keyboard.press('End');
        await poll(async () => (await rowTexts(page, 'packet-grid')).some((text) => text.startsWith('1,700,000'))).toBe(true);
        await page.keyboard.press('Home');
        await poll(async () => (await rowTexts(page, 'packet-grid')).some((text) => /^1\s/.test(text))).toBe(true);
        // Rows are made for what is in sight, not for what there is.
        expect(await page.locator('#packet-grid [role="row"]').count()).toBeLessThan(120);

        await status(page, 'conserved ✓', 120_000);
        const { longestCpuMs, tasks } = await mainThreadOf(browser, page, async () => {
          await openPalette(page, 'original timing');
          await status(page, 'replaying');
          await poll(() => page.locator('footer .rate').innerText()).toMatch(/^\d+ fps · \d+ ms$/);
          // It answers while it plays: a packet is selected, decoded and shown.
          await page.keyboard.press('Control+g');
          await page.getByLabel(/Packet number/).fill('1500000');
          await page.keyboard.press('Enter');
          await page.getByRole('treeitem', { name: /^\W*Frame: 1500000:/ }).waitFor();
          // And at full speed to the end.
          await openPalette(page, 'as fast as possible');
          await status(page, 'at the end', 120_000);
        });
        expect(tasks).toBeGreaterThan(100);
        expect(longestCpuMs).toBeLessThan(LONG_TASK_MS);
      }));
  });
});
