import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import type { StackTopology } from '../../../../engine/contract/index.ts';
import type { EngineDouble } from '../../testing/double.ts';
import { PLAIN_ARENA, PLAIN_TOPOLOGY } from '../../testing/stack-double.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import StackPanel from './StackPanel.svelte';

const MODELLED: StackTopology = {
  ...PLAIN_TOPOLOGY,
  modelled: true,
  ports: PLAIN_TOPOLOGY.ports.map((p) => (p.id === 'ch3' ? { ...p, open: false, binding: 'process 9', dropped: 12 } : p)),
  instances: [
    {
      ...PLAIN_TOPOLOGY.instances[0]!,
      id: 'web',
      pid: 9,
      executable: '/bin/web',
      state: 'defunct',
      endOfFile: true,
      redirectedBytes: 16_384,
    },
    { ...PLAIN_TOPOLOGY.instances[1]! },
  ],
  rules: [{ name: 'https', instance: 'bsd', text: '', installed: false, reason: 'tcp port 443 is owned by web' }],
  events: [{ atNs: 500e6, what: 'defunct web', outcome: 'done', text: '3 packets purged' }],
};

function modelled(double: EngineDouble): void {
  double.override('stack.topology', () => MODELLED);
  double.override('stack.arena', () => ({
    ...PLAIN_ARENA,
    regions: [
      ...PLAIN_ARENA.regions,
      { kind: 'ring', owner: 'ch3 (web)', bytes: 48, segments: 1, mapped: 0, wired: 0, redirected: 1, backed: false },
    ],
    caches: [{ name: 'ch3.pool.0', objects: 100, inUse: 4, depotFull: 1, depotEmpty: 2, slabs: 13, slabsActive: 3, allocations: 200, hits: 150, swaps: 4, exchanges: 6, slabTakes: 50, failures: 0, pruned: 1, rounds: 16, cpus: [{ loaded: 8, previous: 0 }, { loaded: 3, previous: 16 }] }], // prettier-ignore
  }));
  double.override('stack.advisories', () => ({
    modelled: true,
    entries: 256,
    used: 1,
    full: 0,
    suspensions: 2,
    resumptions: 1,
    changesLost: 0,
    flows: [{ flow: 3, tuple: 'tcp 192.0.2.1:443 192.0.2.2:5000', now: { suspended: true, ceCount: 0, packetCount: 7 }, spans: [{ fromNs: 100e6, toNs: 900e6 }] }], // prettier-ignore
  }));
}

async function open(before?: (double: EngineDouble) => void): Promise<Staged> {
  const s = await stage({ body: StackPanel, width: 900, height: 700, ...(before && { before }) });
  await eventually(() => {
    expect(s.all('g.node').length).toBeGreaterThan(4);
  });
  return s;
}

test('the graph has device, flow switch, ports, channels and stacks with their counts, and arrow keys walk it', async () => {
  const s = await open();
  const titles = s.all('g.node .title').map((t) => t.textContent);
  expect(titles).toEqual(expect.arrayContaining(['device', 'flow switch', '2 ch3', '1 host', 'channel', 'ch3', 'bsd']));
  expect(s.find('g.node[data-id="port ch3"]').textContent).toContain('990 in');
  s.find<HTMLElement>('g.node[data-id="fsw"]').focus();
  await userEvent.keyboard('{ArrowRight}');
  expect(document.activeElement?.getAttribute('data-id')).toMatch(/^port /);
  expect(s.find('.detail').textContent).toContain('RX ring 0 of 1,024');
  await userEvent.keyboard('{ArrowLeft}{ArrowLeft}');
  expect(document.activeElement?.getAttribute('data-id')).toBe('device');
  expect(s.root.textContent).toContain('has no stack section');
});

test('drops stand over time; a click and Enter move the playhead there', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.find('.legend').textContent).toContain('device_rx_full');
  });
  const chart = s.find('.chart').getBoundingClientRect();
  s.find('.chart').dispatchEvent(new MouseEvent('click', { clientX: chart.left + chart.width / 2, clientY: chart.top + 5, bubbles: true }));
  await eventually(() => {
    expect(s.double.callsOf('transport.seek')).toHaveLength(1);
  });
  s.find('.chart').focus();
  await userEvent.keyboard('{ArrowRight}{Enter}');
  await eventually(() => {
    expect(s.double.callsOf('transport.seek')).toHaveLength(2);
  });
});

test('a defunct stack, a refused listener, a suspended flow, redirected memory and caches are told in words and shapes', async () => {
  const s = await open(modelled);
  const text = s.root.textContent.replaceAll(/\s+/g, ' ');
  expect(text).toContain('◆ defunct, end of file');
  expect(text).toContain('refused: tcp port 443 is owned by web');
  expect(text).toContain('done: 3 packets purged');
  expect(text).toContain('256 entries · 2 suspended, 1 resumed');
  expect(s.all('.flow .span')).toHaveLength(1);
  expect(s.all('.regions .seg.redirected')).toHaveLength(1);
  expect(text).toContain('4 of 100');
  expect(text).toContain('75 %');
  expect(s.find('g.node[data-id="port ch3"] desc').textContent).toContain('No channel is open: its traffic goes to the host.');
});

test('without a session it says what to do, and an error says what happened and can be tried again', async () => {
  let broken = true;
  const s = await stage({
    body: StackPanel,
    before: (double) => {
      double.override('stack.topology', () => {
        if (broken) throw new Error('the arena is away');
        return PLAIN_TOPOLOGY;
      });
    },
  });
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('Reading the stack: the arena is away');
  });
  broken = false;
  s.all('button')
    .find((one) => one.textContent === 'Try again')
    ?.click();
  await eventually(() => {
    expect(s.all('g.node').length).toBeGreaterThan(4);
  });
  await s.app.close();
  await eventually(() => {
    expect(s.root.textContent).toContain('Open a capture to see the flow switch');
  });
});

test('protocols of each stack, routes with how many there are, and links with their drops', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.root.querySelector('table[aria-label="Protocols by stack"]')).not.toBeNull();
  });
  const text = (label: string): string => s.root.querySelector(`table[aria-label="${label}"]`)?.textContent ?? '';
  expect(text('Protocols by stack')).toContain('1 opening, 1 established');
  expect(text('Flow routes')).toContain('198.51.100.2');
  expect(s.root.textContent).toContain('1 of 40, those with the most bytes');
  expect(s.root.querySelector('table[aria-label="Logical links"] td.tone-drop')?.textContent).toBe('20');
});
