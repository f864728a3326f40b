import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { axeFindings } from './support/axe.ts';
import { describePanel } from './support/panel.ts';
import { sample } from './support/paths.ts';
import { openPalette } from './support/workbench.ts';

/** Every panel, and what says that it shows a run. */
const PANELS: readonly { readonly id: string; readonly words: string; readonly ready: string }[] = [
  { id: 'packets', words: 'show packets', ready: '#packet-grid [role="row"] [data-column="source"]' },
  { id: 'rings', words: 'show rings', ready: 'canvas.circle' },
  { id: 'bursts', words: 'show bursts', ready: 'table[aria-label="Sockets"]' },
  { id: 'offloads', words: 'show offloads', ready: 'table[aria-label="Why not aggregated"]' },
  { id: 'flows', words: 'show flows', ready: '#flow-grid [role="row"]' },
  { id: 'translated', words: 'show translated flows', ready: 'button' },
  { id: 'converters', words: 'show converters', ready: 'table[aria-label="Converters"] tbody tr' },
  { id: 'multicast', words: 'show multicast', ready: 'table[aria-label="Entries"] tbody tr' },
  { id: 'stack', words: 'show stack', ready: 'g.node' },
  { id: 'terminal', words: 'show terminal', ready: '.xterm-rows' },
  { id: 'inspector', words: 'show packet', ready: '[role="treeitem"]' },
  { id: 'report', words: 'show report', ready: 'h3' },
];

/** Places a key press may stop at in a panel before the walk has gone round it for certain. */
const MOST_STOPS = 40;

describePanel(
  'every panel',
  () => [sample('burst-lte.pcapng'), '--scenario', 'stack-instances'],
  (open) => {
    test.each(['dark', 'light'] as const)(
      'is free of serious findings of axe, shows where the keyboard is, and keeps still where asked to, %s',
      async (theme) => {
        const { page, complaints, context } = await open({ theme, width: 1_280, height: 800 });
        const findings: string[] = [];
        for (const { id, words, ready } of PANELS) {
          await openPalette(page, words);
          await openPalette(page, 'maximise');
          await page.locator(`#panel-${id} ${ready}`).first().waitFor({ state: 'attached' });
          for (const finding of await axeFindings(page, `#panel-${id}`)) findings.push(`${id}: ${finding}`);
          // The terminal takes every key but the one that leaves it.
          if (id !== 'terminal') for (const stop of await unseenStops(page, id)) findings.push(`${id}: no focus to be seen on ${stop}`);
          await openPalette(page, 'maximise');
        }
        await page.emulateMedia({ reducedMotion: 'reduce' });
        expect(await page.evaluate(movingElements)).toEqual([]);
        expect(findings).toEqual([]);
        expect(complaints).toEqual([]);
        await context.close();
      },
    );
  },
);

/** Walks a panel by Tab; the answer is what has the focus without looking different for it. */
async function unseenStops(page: Page, id: string): Promise<string[]> {
  const unseen: string[] = [];
  await page.locator(`#panel-${id}`).evaluate((panel) => {
    (panel.querySelector<HTMLElement>('[data-pane-focus]') ?? panel).focus();
  });
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(lookAtFocus, id);
    if (stop === null) break;
    if (stop !== '') unseen.push(stop);
  }
  return unseen;
}

/** Null outside the panel, empty where the focus is seen, otherwise what has it. */
function lookAtFocus(id: string): string | null {
  const element = document.activeElement;
  if (element === null || element.closest(`#panel-${id}`) === null) return null;
  const marks = (of: Element): string => {
    const parts = [getComputedStyle(of), getComputedStyle(of, '::after')];
    return parts
      .map((one) => [one.outlineStyle, one.outlineWidth, one.boxShadow, one.borderColor, one.stroke, one.strokeWidth].join())
      .join();
  };
  const around = [element, ...element.children, ...(element.parentElement === null ? [] : [element.parentElement])];
  const focused = around.map(marks).join('|');
  if (!(element instanceof HTMLElement || element instanceof SVGElement)) return element.tagName;
  element.blur();
  const calm = around.map(marks).join('|');
  element.focus();
  return focused === calm
    ? `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''} ${element.getAttribute('aria-label') ?? element.textContent.slice(0, 40)}`
    : '';
}

/** What would move by itself, or slowly, although less motion was asked for. */
function movingElements(): string[] {
  return [...document.querySelectorAll('*')]
    .filter((element) => {
      const { transitionDuration, animationDuration, animationName } = getComputedStyle(element);
      const lasts = (text: string): boolean => text.split(',').some((one) => Number.parseFloat(one) > 0);
      return lasts(transitionDuration) || (animationName !== 'none' && lasts(animationDuration));
    })
    .map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}`);
}
