import axe from 'axe-core';
import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import { EngineError, type CallRequest } from '../../../../engine/contract/index.ts';
import { CONDITIONS_CSV, CONDITIONS_HANDLE } from '../../testing/burst-double.ts';
import type { EngineDouble } from '../../testing/double.ts';
import { METERED_RULE, lostPackets, meteredRun, meteredState } from '../../testing/metered-double.ts';
import { WORLD } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import BurstHead from './BurstHead.svelte';
import BurstPanel from './BurstPanel.svelte';

const world =
  (adopted: boolean) =>
  (double: EngineDouble): void => {
    double.override('burst.run', (request) => meteredRun(request, adopted));
    double.override('burst.state', () => (adopted ? null : meteredState(0)));
  };

async function open(adopted = true, width = 700): Promise<Staged> {
  const s = await stage({ body: BurstPanel, head: BurstHead, width, height: 560, before: world(adopted) });
  await eventually(() => {
    expect(s.root.textContent).toContain('socket drops');
  });
  return s;
}
const headline = (s: Staged, label: string): string =>
  s
    .all('.headlines div')
    .find((one) => one.querySelector('dt')?.textContent === label)
    ?.querySelector('dd')
    ?.textContent.replaceAll(/\s+/g, ' ')
    .trim() ?? '';
const field = (s: Staged, name: string): HTMLInputElement => {
  const found = s.all('.strip label').find((one) => one.firstChild?.textContent?.trim() === name);
  if (!found) throw new Error(`There is no field ${name}.`);
  return found.querySelector('input')!;
};
const select = (s: Staged, name: string): HTMLSelectElement => {
  const found = s.all('.strip label').find((one) => one.firstChild?.textContent?.trim() === name);
  return found!.querySelector('select')!;
};
const button = (s: Staged, name: string): HTMLButtonElement => s.all('button').find((one) => one.textContent === name) as HTMLButtonElement;
const runs = (s: Staged): CallRequest<'burst.run'>[] => s.double.callsOf('burst.run') as CallRequest<'burst.run'>[];
const socketText = (s: Staged): string => s.root.querySelector('table[aria-label="Sockets"]')?.textContent ?? '';

test('off stands beside on, and switching the meter changes what the sockets lost', async () => {
  const s = await open();
  const lost = String(lostPackets(131_072));
  expect(headline(s, 'socket drops')).toBe(`${lost} → 0`);
  expect(socketText(s)).not.toContain('✕');
  s.find('[role="switch"]').click();
  await eventually(() => {
    expect(s.find('[role="switch"]').getAttribute('aria-checked')).toBe('false');
    expect(socketText(s)).toContain(`✕ ${lost}`);
    expect(s.root.textContent).toContain('The meter is off');
  });
  // Both runs are there: nothing is asked again.
  expect(runs(s)).toHaveLength(1);
});

test('a scenario without sockets is said, and one with them is a click away', async () => {
  const s = await open();
  expect(s.find('.banner').textContent).toContain('has no sockets and no meter');
  s.find('.banner button').click();
  await eventually(() => {
    expect(s.double.callsOf('scenario.use').at(-1)).toMatchObject({ yaml: expect.stringContaining('# metered') });
  });
});

test('a parameter is tried out at once and kept only when asked', async () => {
  const s = await open();
  const box = field(s, 'rcvbuf');
  expect(box.value).toBe('128 KiB');
  await userEvent.fill(box, '64 KiB');
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(runs(s).at(-1)?.overrides).toEqual([{ path: 'ports.host.sockets.rcvbufBytes', value: 65_536 }]);
    expect(headline(s, 'socket drops')).toBe(`${lostPackets(65_536).toLocaleString('en-US')} → 0`);
  });
  expect(s.double.callsOf('scenario.use')).toHaveLength(0);
  s.all('button').find((one) => one.textContent === 'Keep')?.click(); // prettier-ignore
  await eventually(() => {
    expect(s.double.callsOf('scenario.use').at(-1)).toMatchObject({ yaml: expect.stringContaining('rcvbufBytes: 65536') });
    expect(button(s, 'Reset').disabled).toBe(true);
    expect(button(s, 'Undo').disabled).toBe(true);
  });
});

test('what seldom changes is chosen by name, with its choices or within its limits', async () => {
  const s = await open();
  const paths = (): string[] => (runs(s).at(-1)?.overrides ?? []).map(({ path, value }) => `${path}=${String(value)}`);
  const value = (key: string): HTMLInputElement => s.find(`.other [aria-label="${key}"]`);
  await userEvent.selectOptions(value('drain'), 'static');
  await userEvent.selectOptions(select(s, 'other'), 'maxAddedDelayMs');
  expect(value('maxAddedDelayMs').value).toBe('100');
  await userEvent.fill(value('maxAddedDelayMs'), '70000');
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(value('maxAddedDelayMs').dataset['valid']).toBe('false');
    expect(paths()).toEqual(['ports.host.meter.drain=static']);
  });
  await userEvent.fill(value('maxAddedDelayMs'), '12.5');
  await userEvent.keyboard('{Enter}');
  await userEvent.selectOptions(select(s, 'other'), 'earlyWake');
  await userEvent.selectOptions(value('earlyWake'), 'yes');
  await userEvent.selectOptions(select(s, 'other'), 'lowatBytes');
  await userEvent.fill(value('lowatBytes'), '4096');
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(paths()).toEqual([
      'ports.host.meter.drain=static',
      'ports.host.meter.maxAddedDelayMs=12.5',
      'ports.host.meter.earlyWake=true',
      'ports.host.sockets.lowatBytes=4096',
    ]);
  });
  await userEvent.selectOptions(select(s, 'other'), 'drain');
  expect(value('drain').value).toBe('static');
});

test('every parameter can be tried, and taken back one by one or all at once', async () => {
  const s = await open();
  const paths = (): string[] => (runs(s).at(-1)?.overrides ?? []).map(({ path, value }) => `${path}=${String(value)}`);
  await userEvent.fill(field(s, 'rate'), '80 Mb/s');
  await userEvent.keyboard('{Enter}');
  await userEvent.fill(field(s, 'reader'), '50M');
  await userEvent.keyboard('{Enter}');
  await userEvent.selectOptions(select(s, 'ring'), '256 slots');
  await userEvent.selectOptions(select(s, 'channel'), 'fading');
  const all = [
    'ports.host.meter.rateMaxBps=80000000',
    'ports.host.sockets.readerBps=50000000',
    'ports.host.meter.fixedSlots=256',
    'device.network.conditions.trace=fading',
  ];
  await eventually(() => {
    expect(paths()).toEqual(all);
  });
  button(s, 'Undo').click();
  await eventually(() => {
    expect(paths()).toEqual(all.slice(0, 3));
  });
  await userEvent.selectOptions(select(s, 'ring'), 'auto');
  await eventually(() => {
    expect(paths()).toEqual(all.slice(0, 2));
  });
  button(s, 'Reset').click();
  await eventually(() => {
    expect(paths()).toEqual([]);
  });
  button(s, 'Undo').click();
  await eventually(() => {
    expect(paths()).toEqual(all.slice(0, 2));
  });
});

test('channel conditions come from a CSV file; a bad one leaves what was there', async () => {
  const s = await open();
  const csvOf = (): unknown =>
    runs(s)
      .at(-1)
      ?.overrides.find(({ path }) => path === 'device.network.conditions.csv')?.value;
  const shown = (): string => select(s, 'channel').selectedOptions[0]?.textContent ?? '';
  s.double.override('input.pick', ({ kind }) => ({ handle: CONDITIONS_HANDLE, name: `${kind ?? ''}.csv`, folder: '~', bytes: 30 }));
  button(s, 'CSV…').click();
  await eventually(() => {
    expect(csvOf()).toBe(CONDITIONS_CSV);
    expect(shown()).toBe('drive.csv');
  });
  expect(s.double.callsOf('input.pick')).toEqual([{ kind: 'conditions' }]);

  const where = { file: 'bad.csv', line: 3, field: 'quality' };
  s.double.override('burst.conditions', () => {
    throw new EngineError({ code: 'bad-input', message: 'line 3: quality is not between 0 and 1', where });
  });
  button(s, 'CSV…').click();
  await eventually(() => {
    expect(s.app.notices.list.map((notice) => notice.where)).toEqual(['bad.csv, line 3, quality']);
  });
  expect(shown()).toBe('drive.csv');

  await userEvent.selectOptions(select(s, 'channel'), 'fading');
  await eventually(() => {
    expect(csvOf()).toBeUndefined();
    expect(shown()).toBe('fading');
  });
  button(s, 'Undo').click();
  await eventually(() => {
    expect(csvOf()).toBe(CONDITIONS_CSV);
    expect(shown()).toBe('drive.csv');
  });
});

test('the line under the strip says what a field is for', async () => {
  const s = await open();
  field(s, 'rcvbuf').focus();
  await eventually(() => {
    expect(s.find('.help').textContent).toContain('Receive buffer of each socket');
  });
});

test('a figure that is none is marked and not run', async () => {
  const s = await open();
  await userEvent.fill(field(s, 'interval'), 'often');
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(field(s, 'interval').dataset['valid']).toBe('false');
  });
  expect(runs(s)).toHaveLength(1);
});

test('the ring says its size and the capability that drove it, and where head and tail are', async () => {
  const s = await open(false);
  await eventually(() => {
    const gauge = s.find('.gauge').textContent.replaceAll(/\s+/g, ' ');
    expect(gauge).toContain('512 slots of 2 KiB');
    expect(gauge).toContain('driven by the peak rate of the network LTE');
    expect(gauge).toContain(METERED_RULE);
    expect(gauge).toContain('host.meter.0: head 17 · tail 145 of 512');
    expect(s.find('.circle[role="meter"]').getAttribute('aria-valuenow')).toBe('128');
  });
  expect(s.all('.banner')).toHaveLength(0);
});

test('delays stand in two columns by stage, off beside on', async () => {
  const s = await open();
  const table = (name: string): string => s.root.querySelector(`table[aria-label="${name}: device to read"]`)?.textContent ?? '';
  expect(table('legacy sockets')).toContain('p99400 µs2.00 ms');
  expect(table('user stacks')).toContain('p99120 µs120 µs');
  expect(s.root.textContent).toContain('in the meter ring');
  expect(s.root.textContent).toContain('in the channel');
});

test('a click in the strip moves playhead and list; the keyboard does too', async () => {
  const s = await open();
  const strip = s.find('.strip[role="slider"]');
  const box = strip.getBoundingClientRect();
  strip.dispatchEvent(new MouseEvent('click', { clientX: box.left + box.width / 2, clientY: box.top + 20, bubbles: true }));
  await eventually(() => {
    expect(Math.abs(s.app.selected - WORLD.packets / 2)).toBeLessThan(20);
  });
  strip.focus();
  await userEvent.keyboard('{PageDown}{Enter}');
  await eventually(() => {
    expect(s.double.callsOf('transport.seek')).toHaveLength(2);
  });
});

test('a stretch at the playhead is looked at more closely', async () => {
  const s = await open();
  s.all('.zooms .chip').find((one) => one.textContent === '100 ms')?.click(); // prettier-ignore
  await eventually(() => {
    expect(runs(s).at(-1)).toMatchObject({ fromNs: 0, toNs: 1e8 });
  });
  await s.app.jumpTo(1e9);
  await eventually(() => {
    expect(runs(s).at(-1)).toMatchObject({ fromNs: 9.75e8, toNs: 1.075e9 });
  });
});

test('what cannot be run is said', async () => {
  const s = await stage({
    body: BurstPanel,
    before: (double) => {
      double.override('burst.run', () => {
        throw new EngineError({ code: 'bad-input', message: 'slots: too many', fix: 'Use fewer.' });
      });
    },
  });
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('slots: too many. Use fewer.');
  });
});

test('a large input is run when asked', async () => {
  const s = await stage({ body: BurstPanel, packets: 1_000_000, before: world(true) });
  await eventually(() => {
    expect(s.root.textContent).toContain('1,000,000 packets run twice here');
  });
  expect(runs(s)).toHaveLength(0);
  s.find('.btn-primary').click();
  await eventually(() => {
    expect(runs(s).map(({ packets }) => packets)).toEqual([4_096, undefined]);
    expect(s.root.textContent).toContain('socket drops');
    expect(s.all('.part')).toHaveLength(0);
  });
});

test('the first packets of a long input are shown until all have been run; a change ends the run going on', async () => {
  const ended: number[] = [];
  let release = (): void => undefined;
  const s = await stage({
    body: BurstPanel,
    packets: 100_000,
    before: (double) => {
      double.override('burst.run', async (request, { signal }) => {
        if (request.packets === undefined && request.overrides.length === 0) {
          await new Promise<void>((resolve, reject) => {
            release = resolve;
            signal.addEventListener('abort', () => {
              ended.push(request.overrides.length);
              reject(new EngineError({ code: 'cancelled', message: 'The run was cancelled.' }));
            });
          });
        }
        return meteredRun(request);
      });
    },
  });
  await eventually(() => {
    expect(s.find('.part').textContent).toContain('first 4,096 of 100,000 packets');
    expect(s.root.textContent).toContain('socket drops');
  });
  button(s, 'Cancel').click();
  await eventually(() => {
    expect(ended).toEqual([0]);
    expect(s.find('.part').textContent).toContain('Run all');
  });
  button(s, 'Run all').click();
  await eventually(() => {
    expect(s.find('.part').textContent.replaceAll(/\s+/g, ' ')).toContain('the whole input is being run');
    expect(runs(s).filter(({ packets }) => packets === undefined)).toHaveLength(2);
  });
  await userEvent.fill(field(s, 'rcvbuf'), '64 KiB');
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(ended).toEqual([0, 0]);
    expect(headline(s, 'socket drops')).toBe(`${lostPackets(65_536).toLocaleString('en-US')} → 0`);
    expect(s.all('.part')).toHaveLength(0);
  });
  release();
});

test('nothing is cut off or overlaps in a narrow panel', async () => {
  const s = await open(true, 420);
  expect(s.find('.page:not([hidden]) .scroll').scrollWidth).toBeLessThanOrEqual(s.find('.page:not([hidden]) .scroll').clientWidth);
});

test.each(['Meter', 'In the capture'])('axe finds nothing serious: %s', async (view) => {
  const s = await open(true, 620);
  s.all('button').find((one) => one.textContent === view)?.click(); // prettier-ignore
  await eventually(() => {
    expect(s.root.textContent).toContain(view === 'Meter' ? 'Drain law' : 'passes everything');
  });
  const { violations } = await axe.run(s.root, { resultTypes: ['violations'] });
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
});
