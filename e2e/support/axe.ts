import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from './paths.ts';

/**
 * Serious and critical findings of axe below a selector, as lines that say where. The policy of the page forbids inline scripts, so axe
 * comes from outside it.
 */
export async function axeFindings(page: Page, below = 'html'): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  }
  return page.evaluate(async (selector) => {
    interface Found {
      readonly id: string;
      readonly impact?: string | null;
      readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
    }
    const { axe } = window as unknown as { axe: { run(context: string, options: object): Promise<{ violations: readonly Found[] }> } };
    const { violations } = await axe.run(selector, { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`));
  }, below);
}
