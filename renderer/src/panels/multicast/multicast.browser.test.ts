import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import { MulticastLab } from '../../../../engine/lab/multicast/index.ts';
import yaml from '../../../../resources/multicast/shorter-path.yaml?raw';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import MulticastHead from './MulticastHead.svelte';
import MulticastPanel from './MulticastPanel.svelte';

/** The panel over an engine whose answers are those of the real network. */
async function open(): Promise<Staged> {
  const s = await stage({
    body: MulticastPanel,
    head: MulticastHead,
    width: 1_000,
    height: 700,
    before: (double) => {
      const lab = new MulticastLab('shorter-path', yaml);
      double.override('multicast.list', () => ({ networks: [{ id: 'shorter-path', title: 'The shorter of two paths', description: '' }] }));
      double.override('multicast.open', () => lab.info());
      double.override('multicast.state', ({ tNs }) => lab.stateAt(tNs));
      double.override('multicast.log', ({ first, count, router, untilNs }) => lab.log(first, count, { router, untilNs }));
      double.override('multicast.series', () => lab.series());
      double.override('multicast.set', ({ atNs, change }) => lab.set(atNs, change));
      double.override('multicast.reset', () => lab.reset());
      double.override('multicast.map', ({ address }) => lab.map(address));
    },
  });
  await eventually(() => {
    expect(s.root.textContent).toContain('conserved ✓');
  });
  return s;
}

async function at(s: Staged, seconds: number): Promise<void> {
  const slider = s.find<HTMLInputElement>('input[type="range"]');
  slider.value = String(seconds * 1e9);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  await eventually(() => {
    expect(s.root.querySelector('.legend')?.textContent).toContain(`${String(seconds)}.000000 s`);
  });
}
const sentence = (s: Staged): string => s.root.querySelector('.sentence')?.textContent ?? '';
const button = (s: Staged, name: string): HTMLElement => s.all('button').find((one) => one.textContent.trim() === name)!;

test('draws both paths, the winner bold, and says why; the choice flips with the bias', async () => {
  const s = await open();
  await at(s, 6);
  await eventually(() => {
    expect(sentence(s)).toMatch(/v4/);
    expect(s.all('.link.winner').map((one) => one.getAttribute('aria-label')?.split(',')[1]?.trim())).toContain('v4');
  });
  const before = sentence(s);
  await at(s, 15);
  await eventually(() => {
    expect(sentence(s)).not.toBe(before);
    expect(s.all('.link.winner').map((one) => one.getAttribute('aria-label')?.split(',')[1]?.trim())).toContain('v6');
  });
  const branches = s.all('.link.branch').map((one) => one.getAttribute('aria-label')?.split(', cost')[0]);
  expect(branches).toEqual(expect.arrayContaining(['Link settop-r3, v4', 'Link edge, v6', 'Link laptop-r3, v6']));
});

test('a cost is changed at a link that was clicked, the choice follows, and the change is taken back', async () => {
  const s = await open();
  await at(s, 6);
  const link = s.all('.link').find((one) => one.getAttribute('aria-label')?.startsWith('Link north, v4'));
  link?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  await eventually(() => {
    expect(s.root.textContent).toContain('link north');
  });
  const cost = s.all('input[type="number"]').find((one) => one.closest('label')?.textContent.includes('cost')) as HTMLInputElement;
  await userEvent.fill(cost, '9');
  cost.dispatchEvent(new Event('change', { bubbles: true }));
  await at(s, 8);
  await eventually(() => {
    expect(s.all('.link.winner').map((one) => one.getAttribute('aria-label')?.split(',')[1]?.trim())).toContain('v6');
  });
  button(s, 'Reset').click();
  await eventually(() => {
    expect(s.all('.link.winner').map((one) => one.getAttribute('aria-label')?.split(',')[1]?.trim())).not.toContain('v6');
  });
});

test('shows joins with their fields in the other family, and maps addresses', async () => {
  const s = await open();
  button(s, 'Joins').click();
  await eventually(() => {
    expect(s.all('.tone-translated').map((one) => one.textContent)).toContainEqual(expect.stringContaining('ff3e::'));
  });
  button(s, 'Mapper').click();
  await eventually(() => {
    expect(s.root.textContent).toContain('232.1.2.3 ⇄');
    expect(s.all('.part').length).toBeGreaterThan(1);
  });
});

test('another session has no network yet: it gets the one shown', async () => {
  const s = await open();
  expect(await s.app.open('recent-1', 'yesterday.pcap')).toBe(true);
  await eventually(() => {
    const sessions = (s.double.callsOf('multicast.open') as { session: string }[]).map(({ session }) => session);
    expect(new Set(sessions).size).toBe(2);
    expect(sessions.at(-1)).toBe(s.app.sessionId);
    expect(s.root.textContent).toContain('conserved ✓');
  });
});

test('a failure is told, and the network is not tried again by itself', async () => {
  const s = await stage({
    body: MulticastPanel,
    before: (double) => {
      double.override('multicast.list', () => ({ networks: [{ id: 'shorter-path', title: 'The shorter of two paths', description: '' }] }));
      double.override('multicast.open', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error('no such router');
      });
    },
  });
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('no such router');
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(s.double.callsOf('multicast.open')).toHaveLength(1);
});
