import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { WAIT_MS, ringside } from './command.ts';
import { programPath, sample } from './paths.ts';
import { status } from './workbench.ts';

/** Looks again until it is so; the limit only ends a test that would hang. */
export const poll: typeof expect.poll = (look, options) => expect.poll(look, { timeout: WAIT_MS, ...options });

/** By keyboard, as everything in the transport bar. */
export async function setSpeed(page: Page, label: string): Promise<void> {
  const trigger = page.getByRole('button', { name: /^Replay speed/ });
  await trigger.focus();
  await page.keyboard.press('Enter');
  const choice = page.getByRole('menu', { name: 'Replay speed' }).getByRole('menuitemradio', { name: label, exact: true });
  await choice.focus();
  await page.keyboard.press('Enter');
  await choice.waitFor({ state: 'hidden' });
}

/** What is read, once it stays the same over some frames: answers of the engine may be under way. */
export async function settled<T>(read: () => Promise<T>): Promise<T> {
  let last = await read();
  for (let same = 0; same < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await read();
    same = JSON.stringify(now) === JSON.stringify(last) ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** F6 through the panes, packets by key, conversation, number, mark; then the list itself. */
export async function byKeyboard(page: Page): Promise<void> {
  const selected = (): Promise<string> => page.locator('#packet-grid [aria-selected="true"] [data-column="number"]').innerText();
  const panes = new Set<string>();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('F6');
    panes.add(await page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-pane]')?.dataset['pane'] ?? ''));
  }
  expect([...panes].toSorted()).toEqual(expect.arrayContaining(['flows', 'header', 'inspector', 'packets', 'rings', 'timeline']));

  await page.keyboard.press('Control+g');
  await page.getByLabel(/Packet number/).waitFor();
  await poll(() => page.evaluate(() => document.activeElement?.id)).toBe('goto-number');
  await page.keyboard.type('100');
  await page.keyboard.press('Enter');
  await poll(selected).toBe('100');
  await page.keyboard.press('F8');
  await poll(selected).toBe('101');
  await page.keyboard.press('F7');
  await poll(selected).toBe('100');
  await page.keyboard.press('Control+.');
  await poll(selected).not.toBe('100');
  await page.keyboard.press('Control+,');
  await poll(selected).toBe('100');
  await page.keyboard.press('Control+m');
  await poll(() => page.locator('#packet-grid [aria-selected="true"]').getAttribute('class')).toContain('marked');

  await page.keyboard.press('Control+1');
  await poll(() => page.evaluate(() => document.activeElement?.id)).toBe('packet-grid');
  await page.keyboard.press('ArrowDown');
  await poll(selected).toBe('101');
  await page.keyboard.press('PageDown');
  await poll(async () => Number(await selected())).toBeGreaterThan(105);
  await page.keyboard.press('End');
  await poll(selected).toBe('6,309');

  // Slow enough that it still plays when a busy machine presses Pause.
  await setSpeed(page, '×0.1');
  // Space belongs to the list's page only where the list does not want it: the transport by its button.
  await page.getByRole('button', { name: 'Play', exact: true }).focus();
  await page.keyboard.press('Space');
  await status(page, 'replaying');
  await page.getByRole('button', { name: 'Pause', exact: true }).focus();
  await page.keyboard.press('Space');
  await status(page, 'paused');

  await page.keyboard.press('F1');
  await page.getByRole('combobox', { name: 'Command' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Command' }).waitFor({ state: 'detached' });
}

/** What the ring circles show: whether anything is painted, and a sum that changes when they do. */
export function canvasInk(page: Page): Promise<{ painted: boolean; sum: number }> {
  return page.locator('[data-pane="rings"] canvas.circle').evaluateAll((all) => {
    let sum = 0;
    let inked = 0;
    for (const canvas of all as HTMLCanvasElement[]) {
      const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] !== 0) inked++;
        sum = (sum * 31 + (data[i] ?? 0) * 7 + (data[i + 1] ?? 0) * 3 + (data[i + 2] ?? 0)) % 1_000_000_007;
      }
    }
    return { painted: inked > 100, sum };
  });
}

export async function infoOf(name: string): Promise<{ packets: number }> {
  const { stdout } = await ringside(['info', '--json', sample(name)]).finished;
  return JSON.parse(stdout) as { packets: number };
}

/** Pages as pictures: there are some, and none is blank. */
export function lookAtPages(pdf: string, folder: string): void {
  const pdftoppm = programPath('pdftoppm');
  if (pdftoppm === undefined) {
    console.warn('e2e: pages of the PDF report were not looked at, pdftoppm is missing: apt-get install poppler-utils');
    return;
  }
  execFileSync(pdftoppm, ['-r', '40', '-png', pdf, join(folder, 'page')]);
  const pages = readdirSync(folder).filter((name) => /^page-\d+\.png$/.test(name));
  expect(pages.length).toBeGreaterThan(0);
  // A blank page of this size is a few hundred bytes of PNG.
  for (const name of pages) expect(statSync(join(folder, name)).size, name).toBeGreaterThan(1_500);
}
