import { expect, test } from 'vitest';
import { describePanel } from './support/panel.ts';
import { sample } from './support/paths.ts';
import { openPalette } from './support/workbench.ts';

describePanel(
  'translated flows',
  () => [sample('nat64-arriving.pcapng'), '--scenario', 'nat64'],
  (open) => {
    test('sessions of a NAT64 follow the playhead, and a packet stands before and after', async () => {
      const { page, complaints } = await open({ width: 1_600, height: 1_000 });
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
  },
);
