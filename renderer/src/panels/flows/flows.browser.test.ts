import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import type { FlowRow } from '../../../../engine/contract/index.ts';
import { FLOWS } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import FlowsHead from './FlowsHead.svelte';
import FlowsPanel from './FlowsPanel.svelte';

const open = (): Promise<Staged> => stage({ body: FlowsPanel, head: FlowsHead, width: 1_200 });
const column = (s: Staged, id: string): string[] =>
  s
    .all('[role="row"][id]')
    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    .map((row) => row.querySelector(`[data-column="${id}"]`)?.textContent.trim() ?? '');

test('flows show both ends, state, and who took them', async () => {
  const s = await open();
  await eventually(() => {
    expect(column(s, 'source').sort()).toEqual(['192.0.2.1:49822', '[2001:db8::1]:5000']);
    expect(column(s, 'tcpState').sort()).toEqual(['', 'ESTABLISHED']);
    expect(column(s, 'port').sort()).toEqual(['ch3', 'host']);
  });
});

test('a click on a title sorts, a second turns it round, and the engine does the sorting', async () => {
  const s = await open();
  const title = (text: string): HTMLElement => {
    const found = s.all('[role="columnheader"]').find((one) => one.textContent.trim().startsWith(text));
    if (!found) throw new Error(`There is no column ${text}.`);
    return found;
  };
  title('Drops').click();
  await eventually(() => {
    expect(column(s, 'drops')).toEqual(['✕ 20', '0']);
    expect(title('Drops').getAttribute('aria-sort')).toBe('descending');
  });
  title('Drops').click();
  await eventually(() => {
    expect(column(s, 'drops')).toEqual(['0', '✕ 20']);
    expect(title('Drops').getAttribute('aria-sort')).toBe('ascending');
  });
  expect(s.double.callsOf('flows.list').at(-1)).toMatchObject({ sort: 'drops', descending: false });
});

test('Enter and a double click select the first packet of a flow', async () => {
  const s = await open();
  await eventually(() => {
    expect(column(s, 'id')).toHaveLength(2);
  });
  s.find('#flow-grid').focus();
  await userEvent.keyboard('{ArrowDown}{ArrowDown}{Enter}');
  const shown = s.find('[role="row"][aria-selected="true"] [data-column="id"]').textContent.trim();
  expect(s.app.selected).toBe(FLOWS.find((flow) => String(flow.id) === shown)?.firstPacket);
});

test('the selection stays with its flow when the order changes under it', async () => {
  let swapped = false;
  const s = await stage({
    body: FlowsPanel,
    width: 1_200,
    before: (double) => {
      double.override('flows.list', () => {
        const rows: FlowRow[] = swapped ? FLOWS.toReversed() : [...FLOWS];
        return { total: rows.length, rows };
      });
    },
  });
  await eventually(() => {
    expect(column(s, 'id')).toEqual(['0', '1']);
  });
  s.find('#flow-grid').focus();
  await userEvent.keyboard('{ArrowDown}');
  swapped = true;
  await s.app.startRun();
  await eventually(() => {
    expect(column(s, 'id')).toEqual(['1', '0']);
    expect(s.find('[role="row"][aria-selected="true"] [data-column="id"]').textContent.trim()).toBe('0');
  });
});
