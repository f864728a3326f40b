import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import { NAT64_PORT, TRANSLATED_FLOWS, TRANSLATION_PAIR } from '../../testing/translated-double.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import TranslatedPanel from './TranslatedPanel.svelte';

const open = (): Promise<Staged> => stage({ body: TranslatedPanel, width: 1_200 });
const cells = (s: Staged, id: string): string[] =>
  s.all(`[role="row"][id] [data-column="${id}"]`).map((cell) => cell.textContent.replaceAll('\u00a0', ' ').trim());
const tab = async (s: Staged, name: string): Promise<void> => {
  const found = s.all('[role="tab"]').find((one) => one.textContent === name);
  if (!found) throw new Error(`There is no tab ${name}.`);
  await userEvent.click(found);
};

test('a conversation shows both sides, its state and what was refused', async () => {
  const s = await open();
  await eventually(() => {
    expect(cells(s, 'six')).toContain('[2001:db8:1::7]:49152 → [64:ff9b::c633:6409]:443');
    expect(cells(s, 'four')).toContain('203.0.113.7:49152 → 198.51.100.9:443');
    expect(cells(s, 'state')).toContain('ESTABLISHED');
    expect(cells(s, 'refused')).toContain('⊘ 2');
  });
  expect(s.find('.sums').textContent).toContain('1 of 64 sessions');
});

test('the filter is the engine’s work, and Enter selects the first packet', async () => {
  const s = await open();
  const field = s.find<HTMLInputElement>('input[type="search"]');
  await userEvent.fill(field, '198.51.100.10');
  await eventually(() => {
    expect(cells(s, 'four')).toEqual(['198.51.100.10:53 → 203.0.113.7:9999']);
  });
  expect(s.double.callsOf('translator.sessions').at(-1)).toMatchObject({ filter: '198.51.100.10' });
  s.find('#translated-grid').focus();
  await userEvent.keyboard('{ArrowDown}{Enter}');
  expect(s.app.selected).toBe(9);
});

test('the selected packet stands side by side, changed fields with their rule', async () => {
  const s = await open();
  s.app.select(TRANSLATION_PAIR.number);
  await tab(s, 'Packet pair');
  await eventually(() => {
    const rows = s.all('tbody tr').map((row) => row.textContent);
    expect(rows.some((text) => text.includes('Source') && text.includes('2001:db8:1::7') && text.includes('203.0.113.7') && text.includes('RFC 6146'))).toBe(true); // prettier-ignore
  });
  expect(s.all('.dump').length).toBe(2);
  // 16 bytes of the source before, 4 after.
  expect(s.all('.dump .changed')).toHaveLength(20);
  s.app.select(7);
  await eventually(() => {
    expect(s.root.textContent).toContain('came to no translator');
  });
});

test('an address typed in is mapped, bit by bit', async () => {
  const s = await open();
  await tab(s, 'Address');
  await userEvent.fill(s.find<HTMLInputElement>('#map-address'), '192.0.2.33');
  await eventually(() => {
    expect(s.root.textContent).toContain('64:ff9b::c000:221');
    expect(s.root.textContent).toContain('96 to 127');
  });
  await userEvent.fill(s.find<HTMLInputElement>('#map-address'), '192.0.2.34');
  await eventually(() => {
    expect(s.root.textContent).toContain('No rule');
  });
});

test('of two translator ports the first one answers until the other is chosen', async () => {
  const s = await stage({
    body: TranslatedPanel,
    width: 520,
    before: (double) => {
      double.override('translator.ports', () => ({ ports: ['edge', 'relay'].map((id) => ({ ...NAT64_PORT, id })) }));
    },
  });
  await tab(s, 'Address');
  const select = s.find<HTMLSelectElement>('select[aria-label="Translator port"]');
  expect(select.value).toBe('edge');
  const field = s.find<HTMLInputElement>('#map-address');
  await userEvent.fill(field, '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff');
  expect(field.scrollWidth).toBeLessThanOrEqual(field.clientWidth);
  await userEvent.selectOptions(select, 'relay');
  await eventually(() => {
    expect(s.double.callsOf('translator.map').at(-1)).toMatchObject({ port: 'relay' });
  });
  expect(select.value).toBe('relay');
});

test('no tab is cut in a narrow panel: the filter gives way', async () => {
  for (const width of [480, 360]) {
    const s = await stage({ body: TranslatedPanel, width });
    await eventually(() => {
      expect(s.all('[role="tab"]')).toHaveLength(6);
    });
    const right = s.root.getBoundingClientRect().right;
    for (const one of [...s.all('[role="tab"]'), s.find('input[type="search"]')]) {
      expect(one.getBoundingClientRect().right).toBeLessThanOrEqual(right);
    }
    const { scrollWidth, clientWidth } = s.find('[role="tablist"]');
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
  }
});

test('reasons, bindings and pools have their tables, and arrows move between the tabs', async () => {
  const s = await open();
  await tab(s, 'Reasons');
  await eventually(() => {
    expect(s.root.textContent).toContain('no binding for this IPv4 address and port');
    expect(s.find('[aria-label="Drops told one by one"]').textContent).toContain('198.51.100.10:53');
    expect(s.find('[aria-label="Limits that were hit"]').textContent).toContain('held fragments given up');
  });
  await tab(s, 'Pools');
  await eventually(() => {
    expect(s.root.textContent).toContain('64,512');
    expect(s.find('table.blocks').textContent).toContain('203.0.113.7:49152–49663');
    expect(s.find('table.blocks').textContent).toContain('2001:db8:1::/64');
  });
  await tab(s, 'Bindings');
  await eventually(() => {
    expect(cells(s, 'inside')).toEqual(['[2001:db8:1::7]:49152']);
  });
  await userEvent.keyboard('{ArrowRight}');
  expect(s.find('[role="tab"][aria-selected="true"]').textContent).toBe('Packet pair');
});

test('a long search says how far it is, and emptying the filter stops it', async () => {
  let aborted = false;
  const s = await stage({
    body: TranslatedPanel,
    width: 1_200,
    before: (double) => {
      double.override('translator.sessions', async ({ filter }, context) => {
        if (filter === '') return { tNs: 0, total: 2, rows: [...TRANSLATED_FLOWS] };
        context.progress({ done: 200_000, total: 1_000_000, unit: 'rows', message: 'searching' });
        await new Promise<void>((resolve) => {
          context.signal.addEventListener('abort', () => {
            aborted = true;
            resolve();
          });
        });
        return { tNs: 0, total: 0, rows: [] };
      });
    },
  });
  await userEvent.fill(s.find<HTMLInputElement>('input[type="search"]'), 'x');
  await eventually(() => {
    expect(s.find('.note').textContent).toContain('200,000 of 1,000,000 sessions');
  });
  await userEvent.click(s.find('.note button'));
  await eventually(() => {
    expect(aborted).toBe(true);
    expect(cells(s, 'six')).toHaveLength(2);
    expect(s.root.querySelector('.note')).toBeNull();
  });
});

test('without a translator port it says what to do', async () => {
  const s = await stage({
    body: TranslatedPanel,
    before: (double) => {
      double.override('translator.ports', () => ({ ports: [] }));
    },
  });
  await eventually(() => {
    expect(s.root.textContent).toContain('no translator port');
  });
  await userEvent.click(s.find('button.btn'));
  await eventually(() => {
    expect(s.double.callsOf('scenario.use').at(-1)).toMatchObject({ id: 'nat64' });
  });
});

test('during a long seek the figures are read on, and once more when it has arrived', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.find('.sums').textContent).toContain('1 of 64 sessions');
  });
  let arrive = (): void => undefined;
  const { transport } = s.app;
  if (transport === null) throw new Error('A capture is open.');
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  s.double.override('transport.seek', async ({ tNs }) => {
    // The engine tells of the order at once, and answers when it is carried out.
    s.double.emit('transport', { session: s.app.sessionId ?? '', transport: { ...transport, state: 'paused', tNs } });
    await arrived;
    return { ...transport, state: 'paused', tNs };
  });
  const reads = (): number => s.double.callsOf('translator.ports').length;
  const before = reads();
  const sought = s.app.seek(1_000);
  await eventually(() => {
    expect(s.app.seeking).toBe(true);
    expect(reads()).toBeGreaterThan(before + 1);
  });
  arrive();
  await sought;
  expect(s.app.seeking).toBe(false);
  const then = reads();
  await eventually(() => {
    expect(reads()).toBe(then + 1);
  });
});
