import axe from 'axe-core';
import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import { EngineError, type CallRequest } from '../../../../engine/contract/index.ts';
import { meteredRun } from '../../testing/metered-double.ts';
import { LOST_AT_HOST, sendersRun } from '../../testing/senders-double.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import BurstHead from './BurstHead.svelte';
import BurstPanel from './BurstPanel.svelte';

async function open(): Promise<Staged> {
  const s = await stage({
    body: BurstPanel,
    head: BurstHead,
    width: 900,
    height: 700,
    before: (double) => {
      double.override('burst.run', (request) => meteredRun(request, true));
      double.override('burst.senders', sendersRun);
    },
  });
  button(s, 'Senders').click();
  await eventually(() => {
    expect(s.root.querySelector('table[aria-label="Segments"]')).not.toBeNull();
  });
  return s;
}
const page = (s: Staged): HTMLElement => s.find('.page:not([hidden])');
const button = (s: Staged, name: string): HTMLButtonElement => {
  const found = s.all('button').filter((one) => one.textContent === name && one.checkVisibility());
  return found[0] as HTMLButtonElement;
};
const headline = (s: Staged, label: string): string =>
  [...page(s).querySelectorAll('.headlines div')]
    .find((one) => one.querySelector('dt')?.textContent === label)
    ?.querySelector('dd')
    ?.textContent.replaceAll(/\s+/g, ' ')
    .trim() ?? '';
const field = (s: Staged, key: string): HTMLInputElement => page(s).querySelector<HTMLInputElement>(`[data-help="${key}"] input`)!;
const asked = (s: Staged): CallRequest<'burst.senders'>[] => s.double.callsOf('burst.senders') as CallRequest<'burst.senders'>[];
async function type(s: Staged, key: string, text: string): Promise<void> {
  await userEvent.fill(field(s, key), text);
  await userEvent.keyboard('{Enter}');
}

test('goodput, round trips and losses stand off and on; a change of path or senders runs them again', async () => {
  const s = await open();
  expect(headline(s, 'goodput')).toBe('24.0 Mb/s → 72.0 Mb/s');
  expect(headline(s, 'lost at this host')).toBe(`${String(LOST_AT_HOST)} → 0`);
  await type(s, 'flows', '3');
  await type(s, 'rateBps', '200M');
  await type(s, 'rttMs', '15');
  await eventually(() => {
    expect(headline(s, 'goodput')).toBe('60.0 Mb/s → 180 Mb/s');
    expect(headline(s, 'round trip p50')).toBe('15.0 ms → 15.0 ms');
    expect(headline(s, 'lost at this host')).toBe(`${String(3 * LOST_AT_HOST)} → 0`);
  });
  expect(asked(s).at(-1)?.senders).toMatchObject({ flows: 3, rateBps: 200e6, rttMs: 15, algorithm: 'cubic' });
  button(s, 'Undo').click();
  await eventually(() => {
    expect(asked(s).at(-1)?.senders).toMatchObject({ flows: 3, rateBps: 200e6, rttMs: 40 });
  });
  button(s, 'Reset').click();
  await eventually(() => {
    expect(headline(s, 'goodput')).toBe('24.0 Mb/s → 72.0 Mb/s');
  });
});

test('a figure that is none is marked and not run', async () => {
  const s = await open();
  const before = asked(s).length;
  await type(s, 'windowBytes', 'wide');
  await eventually(() => {
    expect(field(s, 'windowBytes').dataset['valid']).toBe('false');
    expect(page(s).textContent).toContain('✕ a figure such as');
  });
  await type(s, 'durationS', '600');
  await type(s, 'rateBps', '10G');
  await eventually(() => {
    expect(page(s).textContent).toContain('more than 2,000,000 segments');
  });
  expect(
    asked(s)
      .slice(before)
      .every(({ senders }) => senders.rateBps === 80e6),
  ).toBe(true);
});

test('what is tried in the view Meter goes with them, and a refusal is told', async () => {
  const s = await open();
  button(s, 'Meter').click();
  await eventually(() => {
    expect(field(s, 'rcvbufBytes').checkVisibility()).toBe(true);
  });
  await type(s, 'rcvbufBytes', '32 KiB');
  button(s, 'Senders').click();
  await eventually(() => {
    expect(asked(s).at(-1)?.overrides).toEqual([{ path: 'ports.host.sockets.rcvbufBytes', value: 32_768 }]);
    expect(page(s).textContent).toContain('1 parameter tried');
  });
  s.double.override('burst.senders', () => {
    throw new EngineError({ code: 'bad-input', message: 'This host has no such port.' });
  });
  await type(s, 'flows', '2');
  await eventually(() => {
    expect(page(s).textContent).toContain('This host has no such port.');
  });
});

test('has no accessibility violations', async () => {
  const s = await open();
  const { violations } = await axe.run(page(s), { runOnly: ['wcag2a', 'wcag2aa'] });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
});
