import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describePanel } from './support/panel.ts';
import { sample } from './support/paths.ts';
import { openPalette } from './support/workbench.ts';

/** The panels that bring networks of their own, against the real engine. */
describePanel(
  'network panels',
  () => [sample('microbursts.pcap')],
  (open) => {
    /** Figure under a word of the panel's headline. */
    const figure = async (page: Page, word: string): Promise<number> => {
      const text = await page.locator('.stats div').filter({ hasText: word }).locator('.figure').first().textContent();
      return Number(text?.replaceAll(/[^\d.]/g, ''));
    };

    test('Converters: a call goes through a terminal, and through the gateway once that is chosen', async () => {
      const { page, complaints } = await open();
      await openPalette(page, 'show converters');
      await page.getByRole('table', { name: 'Converters' }).locator('tbody tr').first().waitFor();
      expect(await figure(page, 'by terminals')).toBeGreaterThan(0);
      expect(await figure(page, 'by the gateway')).toBe(0);
      expect(await figure(page, 'delay p50')).toBeGreaterThan(0);
      await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'Calls' }).click();
      await page.getByText('Chosen because its score of').first().waitFor();
      await page.getByLabel('converted by').selectOption('gateway');
      await page.locator('.stats div').filter({ hasText: 'by the gateway' }).filter({ hasText: /[1-9]/ }).waitFor();
      expect(await figure(page, 'by terminals')).toBe(0);
      expect(complaints).toEqual([]);
    });

    test('Multicast: the choice follows the instant, and packets go on arriving', async () => {
      const { page, complaints } = await open();
      await openPalette(page, 'show multicast');
      const rows = page.getByRole('grid', { name: 'Entries' }).locator('tbody tr');
      await rows.first().waitFor();
      const slider = page.getByRole('slider', { name: 'Instant shown' }).last();
      await slider.fill(String(6e9));
      await rows.filter({ hasText: 'r3' }).filter({ hasText: '■ IPv4' }).waitFor();
      const early = await figure(page, 'delivered');
      expect(early).toBeGreaterThan(100);
      // The scenario gives the IPv4 path a bias at 10 s.
      await slider.fill(String(15e9));
      await rows.filter({ hasText: 'r3' }).filter({ hasText: '◆ IPv6' }).waitFor();
      expect(await figure(page, 'delivered')).toBeGreaterThan(early);
      expect(complaints).toEqual([]);
    });
  },
);
