import { afterAll, expect, test } from 'vitest';
import { Downloads } from './support/downloads.ts';
import { describePanel } from './support/panel.ts';

const downloads = new Downloads();
afterAll(() => {
  downloads.remove();
});

describePanel(
  'offloads in the whole program',
  () => [downloads.make()],
  (open) => {
    test('shows reasons and an aggregate whose segments lead to their packets', async () => {
      const { page, complaints } = await open({ width: 1_600, height: 1_000 });
      await page.getByRole('button', { name: 'Offloads' }).first().click();
      const reasons = page.getByRole('table', { name: 'Why not aggregated' });
      await reasons.getByText('batch-end').waitFor();
      const segments = page.getByRole('listbox', { name: 'Segments of the aggregate' }).getByRole('option');
      await segments.nth(1).getByRole('button').click();
      const number = await segments.nth(1).getByRole('button').textContent();
      await page.getByRole('treeitem', { name: new RegExp(`Frame: ${String(number)}:`) }).waitFor();
      expect(complaints).toEqual([]);
    });
  },
);
