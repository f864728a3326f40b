import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import { EngineError, type EngineHandlers, type MulticastSeries } from '../../../../engine/contract/index.ts';
import { MulticastLab } from '../../../../engine/lab/multicast/index.ts';
import yaml from '../../../../resources/multicast/shorter-path.yaml?raw';
import { WORLD } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import MulticastHead from './MulticastHead.svelte';
import MulticastPanel from './MulticastPanel.svelte';

/** The panel over an engine whose answers are those of the real network; `series` instead of its own, for runs that take long. */
async function open(series?: (own: () => MulticastSeries) => EngineHandlers['multicast.series'], changedIn = ''): Promise<Staged> {
  const s = await stage({
    body: MulticastPanel,
    head: MulticastHead,
    width: 1_000,
    height: 700,
    before: (double) => {
      let lab = new MulticastLab('shorter-path', yaml);
      double.override('multicast.list', () => ({ networks: [{ id: 'shorter-path', title: 'The shorter of two paths', description: '' }] }));
      double.override('multicast.open', ({ id, yaml: text }) => {
        if (text !== undefined) lab = new MulticastLab(id, text);
        return { ...lab.info(), changedIn };
      });
      double.override('multicast.state', ({ tNs }) => lab.stateAt(tNs));
      double.override('multicast.log', ({ first, count, router, untilNs }) => lab.log(first, count, { router, untilNs }));
      const own = (): MulticastSeries => lab.series();
      double.override('multicast.series', series?.(own) ?? own);
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

test('begins with the router of the capture where the scenario has one', async () => {
  const lab = new MulticastLab('shorter-path', yaml);
  const opened: string[] = [];
  const s = await stage({
    body: MulticastPanel,
    before: (double) => {
      const named = (id: string) => ({ id, title: id, description: '' });
      double.override('multicast.list', () => ({ networks: ['port:mcast', 'shared-link', 'shorter-path'].map(named) }));
      double.override('multicast.open', ({ id }) => {
        opened.push(id);
        return { ...lab.info(), id };
      });
      double.override('multicast.state', ({ tNs }) => lab.stateAt(tNs));
      double.override('multicast.log', ({ first, count, router, untilNs }) => lab.log(first, count, { router, untilNs }));
      double.override('multicast.series', () => lab.series());
    },
  });
  await eventually(() => {
    expect(s.find<HTMLSelectElement>('select').value).toBe('port:mcast');
  });
  expect(opened).toEqual(['port:mcast']);
});

test('the router of the capture stands where the playhead stands, and its slider moves the playhead', async () => {
  const lab = new MulticastLab('shorter-path', yaml);
  // A second of the capture is ten of the network behind the double.
  const scale = 10;
  const durationNs = (WORLD.packets - 1) * WORLD.gapNs;
  const s = await stage({
    body: MulticastPanel,
    width: 1_000,
    height: 700,
    before: (double) => {
      const named = (id: string) => ({ id, title: id, description: '' });
      double.override('multicast.list', () => ({ networks: ['port:mcast', 'shorter-path'].map(named) }));
      double.override('multicast.open', ({ id }) => ({ ...lab.info(), id, ...(id.startsWith('port:') && { durationNs }) }));
      double.override('multicast.state', ({ tNs }) => lab.stateAt(tNs * scale));
      double.override('multicast.log', ({ first, count, untilNs }) => lab.log(first, count, { untilNs: (untilNs ?? 0) * scale }));
      double.override('multicast.series', () => lab.series());
    },
  });
  const legend = (): string => s.root.querySelector('.legend')?.textContent ?? '';
  const entries = (): number => s.all('table[aria-label="Entries"] tbody tr').length;
  await eventually(() => {
    expect(legend()).toContain('0.000000 s');
    expect(s.root.textContent).toContain('Move the playhead');
  });
  await s.app.seek(1.5e9);
  await eventually(() => {
    expect(legend()).toContain('1.500000 s');
    expect(entries()).toBeGreaterThan(0);
  });
  // The tree shrinks again on the way back.
  await s.app.seek(0);
  await eventually(() => {
    expect(entries()).toBe(0);
  });
  const slider = s.find<HTMLInputElement>('input[type="range"]');
  slider.value = String(6e8);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  await eventually(() => {
    expect(s.app.transport?.tNs).toBe(6e8);
    expect(entries()).toBeGreaterThan(0);
  });
  // A network has a time of its own: the playhead stays.
  const networks = s.find<HTMLSelectElement>('select');
  networks.value = 'shorter-path';
  networks.dispatchEvent(new Event('change', { bubbles: true }));
  await eventually(() => {
    expect(legend()).toMatch(/^1[0-9]\.0/);
  });
  await at(s, 6);
  expect(s.app.transport?.tNs).toBe(6e8);
});

test('lists dropped data by family, and the last messages of the router that was clicked', async () => {
  const s = await open();
  button(s, 'Drops').click();
  await at(s, 28);
  await eventually(() => {
    expect(s.find('table[aria-label="Dropped group data"]').textContent).toMatch(/IPv[46].*192\.0\.2\.33/);
  });
  button(s, 'Network').click();
  s.find('.node[aria-label="router r3"]').dispatchEvent(new MouseEvent('click', { bubbles: true }));
  await eventually(() => {
    expect(s.find('table[aria-label="Last messages of r3"]').textContent).toMatch(/PIM (join|prune)/);
  });
});

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

test('a run that takes over a second says how far it is and is stopped; a newer change ends an older run', async () => {
  const ended: number[] = [];
  let asked = 0;
  let slow = false;
  const s = await open((own) => (_request, context) => {
    const number = ++asked;
    if (!slow) return own();
    return new Promise((_resolve, reject) => {
      const ticks = setInterval(() => {
        context.progress({ done: 37, total: 100, unit: 'ns', message: '' });
      }, 50);
      context.signal.addEventListener('abort', () => {
        clearInterval(ticks);
        ended.push(number);
        reject(new EngineError({ code: 'cancelled', message: 'The run was stopped.' }));
      });
    });
  });
  const cut = (): HTMLElement => s.all('button').find((one) => /^(Cut|Mend) the link$/.test(one.textContent.trim()))!;
  s.all('.link')[0]?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  await eventually(() => {
    expect(s.root.textContent).toContain('Cut the link');
  });
  slow = true;
  cut().click();
  await eventually(() => {
    expect(asked).toBe(2);
  });
  expect(s.root.textContent).not.toContain('Stop ·');
  cut().click();
  await eventually(() => {
    expect(ended).toEqual([2]);
    expect(asked).toBe(3);
  });
  await expect.poll(() => s.root.textContent, { timeout: 4_000 }).toContain('Stop · 37 %');
  button(s, 'Stop · 37 %').click();
  await eventually(() => {
    expect(ended).toEqual([2, 3]);
    expect(s.find('[role="status"]').textContent).toContain('Stopped');
    expect(s.all('[role="alert"]')).toHaveLength(0);
  });
  slow = false;
  button(s, 'Go on').click();
  await eventually(() => {
    expect(s.root.textContent).toContain('conserved ✓');
    expect(s.root.textContent).not.toContain('Stopped');
  });
});

test('the drawing is one tab stop: arrow keys move in it, Enter chooses', async () => {
  const s = await open();
  await at(s, 6);
  const stops = (): HTMLElement[] => s.all('.map [tabindex="0"]');
  const all = s.all('.map [data-spot]').length;
  expect(all).toBeGreaterThan(10);
  expect(stops()).toHaveLength(1);
  stops()[0]!.focus();
  const seen = new Set<Element>();
  for (let i = 0; i < all; i++) {
    seen.add(document.activeElement!);
    expect(stops()).toEqual([document.activeElement]);
    await userEvent.keyboard('{ArrowRight}');
  }
  expect(seen.size).toBe(all);
  await userEvent.keyboard('{Home}{ArrowRight}');
  const chosen = document.activeElement!;
  expect(getComputedStyle(chosen.querySelector('.reach, .halo')!).stroke).not.toMatch(/none|rgba\(0, 0, 0, 0\)/);
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(s.all('.map [aria-pressed="true"]').map((one) => one.dataset.spot)).toContain((chosen as HTMLElement).dataset.spot);
  });
  await userEvent.keyboard('{ArrowDown}');
  expect(document.activeElement).not.toBe(chosen);
  await userEvent.keyboard('{Tab}');
  expect(s.find('.map').contains(document.activeElement)).toBe(false);
});

test('what is changed in the scenario alone is shown disabled, with where to change it', async () => {
  const s = await open(undefined, 'Change ports.3.multicast in the scenario and replay.');
  await at(s, 6);
  for (const spot of ['link', 'router']) {
    s.all('.map [data-spot]')
      .find((one) => one.getAttribute('aria-label')?.toLowerCase().startsWith(spot))
      ?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await eventually(() => {
      expect(s.find('[aria-label="Link or node"] h3').textContent).toContain(spot);
    });
    const fields = s.all('.side input, .side button') as (HTMLInputElement | HTMLButtonElement)[];
    expect(fields.length).toBeGreaterThan(2);
    for (const field of fields) {
      expect(field.disabled).toBe(true);
      expect(field.title).toContain('ports.3.multicast in the scenario');
    }
  }
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

test("opens a network text of one's own, and refuses one with what is wrong in it", async () => {
  const s = await open();
  const pick = (text: string): void => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], 'mine.yaml'));
    const input = s.find<HTMLInputElement>('input[type="file"]');
    input.files = transfer.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  };
  pick('name: mine\nrouters:\n  - { id: a, kind: v7 }\n');
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toMatch(/line 3.*routers\.0\.kind/);
    expect(s.find<HTMLSelectElement>('select').value).toBe('shorter-path');
  });
  pick(
    'name: mine\ntitle: Two of mine\ndurationS: 2\nrouters: [{ id: left, kind: dual }, { id: right, kind: dual }]\nlinks: [{ ends: [left, right] }]\n',
  );
  await eventually(() => {
    expect(s.all('[role="alert"]')).toHaveLength(0);
    expect(s.find<HTMLSelectElement>('select').selectedOptions[0]!.textContent).toBe('mine.yaml: Two of mine');
    expect(s.all('.map .node').map((one) => one.getAttribute('aria-label'))).toContain('router left');
  });
});

test('a router that was clicked tells its interfaces, trees and members; the choice of its protocol is that of the family', async () => {
  const s = await open();
  await at(s, 6);
  s.find('.node[aria-label="router r3"]').dispatchEvent(new MouseEvent('click', { bubbles: true }));
  await eventually(() => {
    expect(s.find('table[aria-label="Interfaces of r3"]').textContent).toMatch(/north.*this router/);
    expect(s.find('table[aria-label="Members at r3"]').textContent).toMatch(/MLDv2.*ff3e::e801:203/);
    expect(s.find('table[aria-label="Branches of r3"]').textContent).toMatch(/edge.*a router \(PIM\)/);
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
