import { expect, test } from 'vitest';
import { convertersSchema } from '../../../../engine/contract/index.ts';
import { startConverters } from '../../../../engine/translator/index.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import ConvertersHead from './ConvertersHead.svelte';
import ConvertersPanel from './ConvertersPanel.svelte';

const SPEC = convertersSchema.parse({
  name: 'test',
  durationS: 8,
  terminals: [
    { id: 'alice', family: 'v4' },
    { id: 'bob', family: 'v6' },
    { id: 'nine', family: 'dual', converter: {} },
    { id: 'ten', family: 'dual', converter: { chargePercent: 10 } },
  ],
  calls: [{ atS: 1, from: 'alice', to: 'bob', holdS: 6 }],
  events: [{ atS: 4, kind: 'leave', terminal: 'nine' }],
});

/** The panel over an engine whose answers are those of the real simulation. */
async function open(): Promise<Staged> {
  return stage({
    body: ConvertersPanel,
    head: ConvertersHead,
    width: 900,
    height: 620,
    before: (double) => {
      let run = startConverters(SPEC);
      let last = run.result();
      double.override('converters.list', () => ({ scenarios: [{ id: 'two-phones', title: 'Two phones', description: 'Alice and Bob.' }] }));
      double.override('converters.text', () => ({ yaml: 'name: test' }));
      double.override('converters.run', ({ set, calls }) => {
        asked.push(calls ?? 'scenario');
        const gateway = set.some(({ value }) => value === 'gateway');
        run = startConverters({ ...SPEC, switch: { ...SPEC.switch, converters: gateway ? 'gateway' : 'terminals' } });
        while (run.advance(10_000));
        last = run.result();
        return { ...last, messages: [] };
      });
      double.override('converters.packet', ({ call, direction, tNs }) => ({ pair: run.packetAt(call, direction, tNs) }));
      double.override('converters.messages', ({ call, first, count }) => {
        const rows = last.messages.filter((message) => message.session === call);
        return { total: rows.length, rows: rows.slice(first, first + count) };
      });
    },
  });
}

/** Requests of `converters.run` that the double saw. */
const asked: string[] = [];

const button = (s: Staged, name: string): HTMLElement => {
  const found = s.all('button').find((one) => one.textContent.trim() === name);
  if (found === undefined) throw new Error(`There is no button ${name}.`);
  return found;
};

test('shows the network at an instant, and the converter that has the call then', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.root.textContent).toContain('conserved ✓');
  });
  const slider = s.find<HTMLInputElement>('input[type="range"]');
  const lines = (): string[] => s.all('polyline').map((line) => line.getAttribute('points') ?? '');
  const at = async (seconds: number): Promise<string> => {
    slider.value = String(seconds * 1e9);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise(requestAnimationFrame);
    return lines().join(';');
  };
  expect(await at(0.5)).toBe('');
  const before = await at(3);
  const after = await at(6);
  expect(before.split(' ')).toHaveLength(3);
  expect(after).not.toBe(before);
});

test('says why a converter was chosen, and marks what the switch changed', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.root.textContent).toContain('conserved ✓');
  });
  button(s, 'Calls').click();
  await eventually(() => {
    expect(s.root.textContent).toContain('Chosen because its score of');
    expect(s.all('.changed').map((line) => line.textContent.trim())).toContainEqual(expect.stringMatching(/^⇄ c=IN IP6 2001:db8::/));
  });
  expect(s.root.textContent).toContain('drain: nine → ten');
  expect(s.root.textContent).toMatch(
    /Reports \(RTCP\): alice 2, 2 came, .*; bob 1, 1 came, round trip 42\.\d ms, 0\.0 % of its media lost/,
  );
  // A media packet before and after its converter, and the change of converter on a line of time.
  await eventually(() => {
    expect(s.root.textContent).toMatch(/Packet \d+ at (nine|ten)/);
    expect(s.root.textContent).toContain('RFC 7915 section 4.1');
  });
  expect(s.find('.timeline svg').getAttribute('aria-label')).toMatch(/^Gap of [\d.]+ ms to the callee/);
});

test('a changed parameter runs the network again; Reset takes it back', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.root.textContent).toContain('conserved ✓');
  });
  const figure = (): string | undefined =>
    s
      .all('.stats > div')
      .find((one) => one.textContent.includes('by terminals'))
      ?.querySelector('.figure')
      ?.textContent.trim();
  expect(figure()).toBe('1');
  const select = s.all('select').find((one) => one.textContent.includes('gateway')) as HTMLSelectElement;
  select.value = 'gateway';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await eventually(() => {
    expect(figure()).toBe('0');
  });
  button(s, 'Reset').click();
  await eventually(() => {
    expect(figure()).toBe('1');
  });
});

test('a failure is told, and the network is not tried again by itself', async () => {
  const s = await stage({
    body: ConvertersPanel,
    before: (double) => {
      double.override('converters.list', () => ({ scenarios: [{ id: 'two-phones', title: 'Two phones', description: '' }] }));
      double.override('converters.text', () => ({ yaml: '' }));
      double.override('converters.run', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error('no such terminal');
      });
    },
  });
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('no such terminal');
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(s.double.callsOf('converters.run')).toHaveLength(1);
});

test('the conversations of the open capture can be the calls', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.root.textContent).toContain('conserved ✓');
  });
  const calls = s.all('select').find((one) => one.textContent.includes('of this capture')) as HTMLSelectElement;
  asked.length = 0;
  calls.value = 'capture';
  calls.dispatchEvent(new Event('change', { bubbles: true }));
  await eventually(() => {
    expect(asked).toEqual(['capture']);
  });
});
