import type { Locator, Page } from 'playwright-core';
import { WAIT_MS } from './command.ts';

/** Waits until the status bar says something. */
export async function status(page: Page, text: string, timeoutMs = WAIT_MS): Promise<void> {
  await page.getByLabel('Status', { exact: true }).filter({ hasText: text }).waitFor({ timeout: timeoutMs });
}

export const grid = (page: Page, name: string): Locator => page.getByRole('grid', { name, exact: true });

/** Text of the rows in sight, in the order of the list: cells apart by tabs. */
export async function rowTexts(page: Page, gridId: string): Promise<string[]> {
  const rows = await page.locator(`#${gridId} .layer [role="row"]`).evaluateAll((all) =>
    all.map((row) => ({
      at: Number(row.getAttribute('aria-rowindex')),
      text: [...row.querySelectorAll('[role="gridcell"]')].map((cell) => cell.textContent.trim()).join('\t'),
    })),
  );
  return rows.toSorted((a, b) => a.at - b.at).map((row) => row.text);
}

/** Runs the command of the palette that these words find first. */
export async function openPalette(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  const field = page.getByRole('combobox', { name: 'Command' });
  await field.fill(words);
  await page.keyboard.press('Enter');
  await field.waitFor({ state: 'detached' });
}

/** Drops a file on the middle of the window, as a file manager does. */
export async function dropFile(page: Page, name: string, bytes: Buffer): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ name: fileName, base64 }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], fileName));
      return data;
    },
    { name, base64: bytes.toString('base64') },
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  await page.getByText('Drop to open the capture').waitFor();
  await page.dispatchEvent('body', 'dragover', { dataTransfer: transfer });
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

/** Everything on the terminal's screen. Without WebGL it is drawn with elements; the space it pads with is a hard one. */
export async function terminalText(page: Page): Promise<string> {
  return (await page.locator('.xterm-rows').innerText()).replaceAll('\u00a0', ' ');
}
