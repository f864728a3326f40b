import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import type { RunSummary } from '../../../../engine/contract/index.ts';
import type { EngineDouble } from '../../testing/double.ts';
import { summaryFor, WORLD } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import RingsHead from './RingsHead.svelte';
import RingsPanel from './RingsPanel.svelte';

const SLOTS = 1_024;
const POOL_AT = 2;

/** Two queues of one device ring and a pool: queue 1 is at 75 % at the playhead and dropped 37 in the middle of the run. */
function twoQueues(double: EngineDouble): void {
  const small = summaryFor(WORLD.slots, '');
  const ring = (queue: number): RunSummary['rings'][number] => ({
    id: `device.rx.${String(queue)}`,
    port: 'device',
    kind: 'rx',
    queue,
    slots: SLOTS,
    used: 0,
    head: 0,
    tail: 0,
    highWater: queue === 0 ? 256 : SLOTS,
    enqueued: 1_000,
    dequeued: 1_000,
    drops: queue === 0 ? 0 : 37,
  });
  const summary: RunSummary = { ...small, rings: [ring(0), ring(1)] };
  double.override('run.start', () => summary);
  double.override('run.summary', () => ({ current: summary, previous: null }));
  double.override('frame', () => {
    const objects = new Uint32Array(15);
    objects.set([102, 10, 112, 256, 0], 0);
    objects.set([768, 900, 644, SLOTS, 12], 5);
    objects.set([2_048, 0, 0, 3_000, 0], 5 * POOL_AT);
    return { tNs: 0, packets: 0, bytes: 0, drops: 12, flows: 2, held: 870, objects, revision: 7 };
  });
  double.override('series', ({ fromNs, toNs, bins }) => {
    const max = new Uint32Array(3 * bins);
    const drops = new Uint32Array(3 * bins);
    max.fill(100, 0, bins);
    max.fill(SLOTS, bins, 2 * bins);
    drops[bins + Math.floor(bins / 2)] = 37;
    const objects = ['device.rx.0', 'device.rx.1', 'device.pool.0'];
    return { startNs: fromNs, binNs: (toNs - fromNs) / bins, bins, objects, capacity: Uint32Array.from([SLOTS, SLOTS, 4_096]), max, last: max, drops }; // prettier-ignore
  });
}

async function open(): Promise<Staged> {
  const s = await stage({ body: RingsPanel, head: RingsHead, width: 560, height: 400, before: twoQueues });
  await eventually(() => {
    expect(s.find('.now').textContent).toBe('75 %');
  });
  return s;
}

/** Red, green, blue, alpha of a CSS pixel of a canvas. */
function pixel(canvas: HTMLCanvasElement, x: number, y: number): number[] {
  const ratio = canvas.width / canvas.getBoundingClientRect().width;
  return [...(canvas.getContext('2d')?.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data ?? [])];
}
const isRed = (colour: number[]): boolean => (colour[0] ?? 0) > 200 && (colour[1] ?? 0) < 150;

test('a row shows its fullest queue, the run beneath, and the drops', async () => {
  const s = await open();
  const text = s.all('.row').map((row) => row.textContent.replaceAll(/\s+/g, ' ').trim());
  expect(text[0]).toContain('device RX');
  expect(text[0]).toContain('2 × 1,024 slots');
  expect(text[0]).toContain('✕ 12');
  expect(text[0]).toContain('max 100 %');
  expect(text[0]).toContain('of 37');
});

test('the circle is filled as far as the ring is', async () => {
  const s = await open();
  s.all('.chip')[2]?.click();
  await eventually(() => {
    expect(s.find('.slots').textContent).toBe('1,024 slots');
    const canvas = s.find<HTMLCanvasElement>('canvas.circle');
    const { width } = canvas.getBoundingClientRect();
    const middle = width / 2;
    const radius = width / 2 - 6;
    const at = (slot: number): number[] => {
      const angle = (slot / SLOTS) * 2 * Math.PI - Math.PI / 2;
      return pixel(canvas, middle + Math.cos(angle) * radius, middle + Math.sin(angle) * radius);
    };
    // Queue 1 owns the slots 900 to 643, round the end: half a slot's way on either side of both ends.
    expect(isRed(at(950))).toBe(true);
    expect(isRed(at(300))).toBe(true);
    expect(isRed(at(600))).toBe(true);
    expect(isRed(at(700))).toBe(false);
    expect(isRed(at(850))).toBe(false);
  });
});

test('the history reaches as high as the fill and marks the drops', async () => {
  const s = await open();
  await eventually(() => {
    const canvas = s.all('.history canvas')[0];
    if (!(canvas instanceof HTMLCanvasElement)) throw new Error('no history');
    const { width, height } = canvas.getBoundingClientRect();
    expect(pixel(canvas, width / 4, height - 6)[3]).toBeGreaterThan(20);
    expect(isRed(pixel(canvas, width / 2 + 1, 1))).toBe(true);
    expect(isRed(pixel(canvas, width / 4, 0))).toBe(false);
  });
});

test('queues can be chosen and opened', async () => {
  const s = await open();
  s.find('.label').click();
  await eventually(() => {
    expect(s.all('.row.sub').map((row) => row.querySelector('.name')?.textContent)).toEqual(['queue 0', 'queue 1']);
    expect(s.all('.row.sub .now').map((now) => now.textContent)).toEqual(['10 %', '75 %']);
  });
  const first = s.all('.chip')[1];
  first?.click();
  await eventually(() => {
    expect(first?.getAttribute('aria-pressed')).toBe('true');
    expect(s.find('.now').textContent).toBe('10 %');
    expect(s.all('.row.sub')).toHaveLength(0);
  });
});

test('hover says when and how full; a click moves playhead and list there', async () => {
  const s = await open();
  const box = s.find('.history').getBoundingClientRect();
  const at = { clientX: box.left + box.width / 2, clientY: box.top + 10, bubbles: true };
  s.find('.row').dispatchEvent(new PointerEvent('pointerenter', at));
  s.find('.history').dispatchEvent(new PointerEvent('pointermove', at));
  await eventually(() => {
    const tip = s.find('[role="tooltip"]').textContent;
    expect(tip).toContain('1,024 of 1,024 slots');
    expect(tip).toContain('✕ 37 dropped');
    expect(tip).toContain('head 900 · tail 644');
  });
  s.find('.history').dispatchEvent(new MouseEvent('click', at));
  await eventually(() => {
    expect(s.double.callsOf('transport.seek')).toHaveLength(1);
    expect(Math.abs(s.app.selected - WORLD.packets / 2)).toBeLessThan(20);
  });
});

test('the moment is chosen by keyboard', async () => {
  const s = await open();
  s.find('[role="slider"]').focus();
  await userEvent.keyboard('{End}{Enter}');
  await eventually(() => {
    expect(s.app.selected).toBe(WORLD.packets);
  });
});

test('pools are bars', async () => {
  const s = await open();
  const meter = s.find('[role="meter"]');
  expect(meter.getAttribute('aria-valuenow')).toBe('50');
  expect(meter.textContent).toContain('4,096 × 2 KiB');
});

test('without a run it says what to do', async () => {
  const s = await stage({ body: RingsPanel });
  await s.app.close();
  await eventually(() => {
    expect(s.root.textContent).toContain('once the input has been replayed');
  });
});

test('the slots of a ring: packets and buflets, by keyboard, and the packet is selected in the list', async () => {
  const slot = (i: number): object => ({
    slot: 100 + i,
    state: i === 0 ? 'taken' : 'waiting',
    packet: 2 + i,
    lenBytes: 3_000,
    arrivalNs: 1e6,
    ageNs: 2_500,
    flow: 0,
    tuple: 'tcp 192.0.2.1:443 198.51.100.7:50000',
    metadata: { index: 7, offsetBytes: 20_000, segment: 1 },
    buflets: [
      { offset: 0, lenBytes: 2_048, limitBytes: 2_048 },
      { offset: 2_048, lenBytes: 952, limitBytes: 2_048 },
    ],
  });
  const s = await stage({
    body: RingsPanel,
    head: RingsHead,
    width: 560,
    height: 400,
    before: (double) => {
      twoQueues(double);
      double.override('rings.slots', ({ ring }) => ({
        tNs: 0,
        ring,
        slots: SLOTS,
        used: ring === 'device.rx.1' ? 3 : 0,
        head: 100,
        tail: 103,
        rows: ring === 'device.rx.1' ? ([slot(0), slot(1), slot(2)] as never) : [],
      }));
    },
  });
  await eventually(() => {
    expect(s.find('.now').textContent).toBe('75 %');
  });
  [...s.all('.chip')].find((chip) => chip.textContent === 'slots')!.click();
  // The fullest ring is shown first.
  await eventually(() => {
    expect(s.find('section.slots select').textContent).toContain('device.rx.1');
    expect(s.all('section.slots .list tbody tr')).toHaveLength(3);
  });
  expect(s.find('section.slots .figures').textContent).toContain('3 of 1,024 slots');
  expect(s.all('section.slots .packet tbody tr')).toHaveLength(2);
  expect(s.find('section.slots .packet').textContent).toContain('952');
  s.find('section.slots .list').focus();
  await userEvent.keyboard('{ArrowDown}{Enter}');
  expect(s.app.selected).toBe(3);
  expect(s.find('section.slots .packet h3').textContent).toContain('Packet 3');
  await userEvent.selectOptions(s.find('section.slots select'), 'device.rx.0');
  await eventually(() => {
    expect(s.find('section.slots').textContent).toContain('The ring is empty at the playhead.');
  });
  [...s.all('.chip')].find((chip) => chip.textContent === 'slots')!.click();
  await eventually(() => {
    expect(s.all('section.slots')).toHaveLength(0);
  });
});
