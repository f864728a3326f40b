import { expect, test } from 'vitest';
import { describePanel } from './support/panel.ts';
import { sample } from './support/paths.ts';
import { dropFile, openPalette } from './support/workbench.ts';

const CSV = 'at_ms,quality,current_bps\n0,1,\n1000,0.2,20e6\n3000,0.9,\n';

describePanel(
  'channel conditions from a CSV file',
  () => [sample('burst-lte.pcapng'), '--scenario', 'burst-metered'],
  (open) => {
    test('are chosen by dialog or dropped; a bad file is named with line and field, and what was there stays', async () => {
      const { page, context, complaints } = await open();
      await openPalette(page, 'show bursts');
      await openPalette(page, 'maximise');
      await page.locator('.headlines').waitFor();
      const channel = page.locator('[data-help="trace"] select');
      const choose = async (name: string, text: string): Promise<void> => {
        const chooser = page.waitForEvent('filechooser');
        await page.getByRole('button', { name: 'CSV…' }).click();
        await (await chooser).setFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
      };
      const shown = (): Promise<string> => channel.evaluate((field: HTMLSelectElement) => field.selectedOptions[0]?.textContent ?? '');
      expect(await shown()).toBe('steady');

      await choose('drive.csv', CSV);
      await expect.poll(shown).toBe('drive.csv');
      await page.locator('.scroll.stale').waitFor({ state: 'detached' });

      await choose('bad.csv', 'at_ms,quality\n0,1\n10,loud\n');
      const alert = page.getByRole('alert');
      await alert.waitFor();
      expect(await alert.innerText()).toMatch(/bad\.csv.*quality is not between 0 and 1[^]*bad\.csv, line 3, quality/);
      expect(await shown()).toBe('drive.csv');
      await page.getByRole('button', { name: 'Close this notice' }).click();

      await dropFile(page, 'walk.csv', Buffer.from(CSV.replace('0.2', '0.4')));
      await expect.poll(shown).toBe('walk.csv');
      await page.getByRole('button', { name: 'Undo' }).click();
      await expect.poll(shown).toBe('drive.csv');
      await channel.selectOption('fading');
      await expect.poll(shown).toBe('fading');
      await page.locator('.scroll.stale').waitFor({ state: 'detached' });
      expect(await page.getByRole('alert').count()).toBe(0);
      expect(complaints).toEqual([]);
      await context.close();
    });
  },
);
