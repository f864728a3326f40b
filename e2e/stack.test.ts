import { expect, test } from 'vitest';
import { describePanel } from './support/panel.ts';
import { sample } from './support/paths.ts';
import { openPalette } from './support/workbench.ts';

/** The Stack panel against the real engine: the scenario stack-instances on the sample it was made for. */
describePanel(
  'stack panel',
  () => [sample('burst-lte.pcapng'), '--scenario', 'stack-instances'],
  (open) => {
    test('the playhead moves through the events of the scenario, and the graph follows', async () => {
      const { page, complaints } = await open();
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
      expect(complaints).toEqual([]);
    });
  },
);
