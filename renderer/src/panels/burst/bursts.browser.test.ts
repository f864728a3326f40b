import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import type { CallRequest } from '../../../../engine/contract/index.ts';
import { doubleBucketBytes } from '../../testing/burst-analysis-double.ts';
import { WORLD } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import BurstHead from './BurstHead.svelte';
import BurstPanel from './BurstPanel.svelte';

async function open(): Promise<Staged> {
  const s = await stage({ body: BurstPanel, head: BurstHead, width: 620, height: 460 });
  s.all('button')
    .find((one) => one.textContent === 'In the capture')
    ?.click();
  await eventually(() => {
    expect(s.root.textContent).toContain('passes everything');
  });
  return s;
}
const field = (s: Staged, name: string): HTMLInputElement => {
  const found = [...page(s).querySelectorAll('label')].find((one) => one.textContent.trim() === name);
  if (!found) throw new Error(`There is no field ${name}.`);
  return found.querySelector('input')!;
};
const page = (s: Staged): HTMLElement => s.find('.page:not([hidden])');
const meter = (s: Staged): HTMLSelectElement => page(s).querySelector('select')!;
const button = (s: Staged, name: string): HTMLButtonElement =>
  [...page(s).querySelectorAll('button')].find((one) => one.textContent === name)!;
const figures = (s: Staged): string[] => s.all('.answer .figure').map((one) => one.textContent);
const asked = (s: Staged): CallRequest<'bursts.analyse'>[] => s.double.callsOf('bursts.analyse') as CallRequest<'bursts.analyse'>[];

test('it begins with a rate of at least twice the mean, and says what that needs', async () => {
  const s = await open();
  // 100 bytes a millisecond are 800 kbit/s; the first rate of the double's curve above twice that is 3 Mbit/s.
  expect(field(s, 'rate').value).toBe('3 Mbit/s');
  expect(figures(s)).toEqual(['100 B', '100 B']);
  expect(s.root.textContent).toContain('✓ green 2,000');
  expect(asked(s)[0]?.settings?.rateBps).toBeNull();
});

test('an answer is no reason to ask again, once there is a rate', async () => {
  const s = await open();
  await eventually(() => {
    expect(asked(s).at(-1)?.settings?.rateBps).toBe(3_000_000);
  });
  const before = asked(s).length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(asked(s)).toHaveLength(before);
});

test('a rate and a burst that are typed in are tested', async () => {
  const s = await open();
  await userEvent.fill(field(s, 'rate'), '400 kbit/s');
  const need = doubleBucketBytes(400_000);
  await eventually(() => {
    expect(figures(s)[1]).toBe(`${need.toLocaleString('en-US')} B`);
    expect(s.root.textContent).toContain('✕ red 2,000');
    expect(asked(s).at(-1)?.settings?.marker).toEqual({ kind: 'single', cirBps: 400_000, cbsBytes: 65_536, ebsBytes: 0 });
  });
  s.all('.link')
    .find((one) => one.textContent === 'use as burst')
    ?.click();
  await eventually(() => {
    expect(field(s, 'burst (CBS)').value).toBe(String(need));
    expect(s.root.textContent).toContain('✓ green 2,000');
  });
});

test('two rates: the peak begins at twice the rate, both smallest buckets are said, and a peak below the rate is refused', async () => {
  const s = await open();
  await userEvent.selectOptions(meter(s), 'two rates (RFC 2698)');
  await eventually(() => {
    expect(field(s, 'peak rate (PIR)').value).toBe('6 Mbit/s');
    expect(asked(s).at(-1)?.settings?.marker).toEqual({ kind: 'two', cirBps: 3e6, cbsBytes: 65_536, pirBps: 6e6, pbsBytes: 65_536 });
    expect(figures(s)).toEqual(['100 B', '100 B', '100 B']);
    expect(s.root.textContent).toContain('color-blind (RFC 2698)');
  });
  s.all('.link')
    .find((one) => one.textContent === 'use as peak burst')
    ?.click();
  await eventually(() => {
    expect(field(s, 'peak burst (PBS)').value).toBe('100');
  });
  const before = asked(s).length;
  await userEvent.fill(field(s, 'peak rate (PIR)'), '1M');
  await eventually(() => {
    expect(s.root.textContent).toContain('the peak rate is at least the committed one');
    expect(field(s, 'peak rate (PIR)').dataset['valid']).toBe('false');
  });
  expect(
    asked(s)
      .slice(before)
      .every(({ settings }) => settings?.marker?.kind === 'two' && settings.marker.pirBps === 6e6),
  ).toBe(true);
});

test('color-aware is asked for and said', async () => {
  const s = await open();
  field(s, 'color-aware').click();
  await eventually(() => {
    expect(asked(s).at(-1)?.settings?.colourAware).toBe(true);
    expect(s.root.textContent).toContain('color-aware (RFC 2697)');
    expect(s.root.textContent).toContain('keeps green packets green');
  });
});

test('settings are taken back one by one, and reset to those it began with', async () => {
  const s = await open();
  const rates = (): unknown => asked(s).at(-1)?.settings?.rateBps;
  await eventually(() => {
    expect(rates()).toBe(3e6);
  });
  await userEvent.fill(field(s, 'rate'), '5M');
  await eventually(() => {
    expect(rates()).toBe(5e6);
  });
  await userEvent.fill(field(s, 'rate'), '7M');
  await eventually(() => {
    expect(rates()).toBe(7e6);
  });
  button(s, 'Undo').click();
  await eventually(() => {
    expect(rates()).toBe(5e6);
  });
  button(s, 'Reset').click();
  await eventually(() => {
    expect(field(s, 'rate').value).toBe('3 Mbit/s');
    expect(rates()).toBe(3e6);
    expect(button(s, 'Reset').disabled).toBe(true);
  });
  button(s, 'Undo').click();
  await eventually(() => {
    expect(rates()).toBe(5e6);
  });
});

test('a figure that is none is said, and nothing is asked', async () => {
  const s = await open();
  const before = asked(s).length;
  await userEvent.fill(field(s, 'rate'), 'fast');
  await eventually(() => {
    expect(s.root.textContent).toContain('such as 10M');
    expect(field(s, 'rate').dataset['valid']).toBe('false');
  });
  expect(asked(s)).toHaveLength(before);
});

test('a packet of a burst is a link to the list and the playhead', async () => {
  const s = await open();
  const table = s.root.querySelector('table[aria-label="Largest bursts"]');
  const links = table?.querySelectorAll<HTMLElement>('.link');
  links?.[1]?.click();
  await eventually(() => {
    expect(s.app.selected).toBe(WORLD.packets);
    expect(s.double.callsOf('transport.seekPacket').at(-1)).toMatchObject({ number: WORLD.packets });
  });
});

test('a scale that is clicked lists its bursts', async () => {
  const s = await open();
  const scales = s.root.querySelector('table[aria-label="Windows and bursts by scale"]');
  scales?.querySelector<HTMLElement>('tbody tr .link')?.click();
  await eventually(() => {
    expect(asked(s).at(-1)?.settings?.listScaleNs).toBe(10_000);
    expect(s.root.querySelectorAll('table[aria-label="Largest bursts"] tbody tr')).toHaveLength(20);
  });
});

test('an error is said and can be copied', async () => {
  const s = await stage({
    body: BurstPanel,
    head: BurstHead,
    before: (double) => {
      double.override('bursts.analyse', () => {
        throw new Error('the file is gone');
      });
    },
  });
  s.all('button')
    .find((one) => one.textContent === 'In the capture')
    ?.click();
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('the file is gone');
    expect(s.find('[role="alert"] button').textContent).toContain('Copy');
  });
});
