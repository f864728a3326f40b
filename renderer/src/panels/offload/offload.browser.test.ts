import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import { EngineError } from '../../../../engine/contract/index.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import { offloadReport } from '../../testing/offload-double.ts';
import OffloadPanel from './OffloadPanel.svelte';

async function open(): Promise<Staged> {
  const s = await stage({ body: OffloadPanel, width: 760, height: 720 });
  await eventually(() => {
    expect(s.root.textContent).toContain('Why not aggregated');
  });
  return s;
}
const bars = (s: Staged, label: string): string[] =>
  s.all(`table[aria-label="${label}"] tr`).map((row) => Array.from(row.children, (cell) => cell.textContent.trim()).join('|'));

test('packets in and out, and reasons with counts and shares, most frequent first', async () => {
  const s = await open();
  expect(bars(s, 'Packets in and out')).toEqual(['received, from the device||2,000 packets|', 'to the ports||1,400 packets|70 %']);
  expect(bars(s, 'Why not aggregated').map((row) => row.split('|')[0])).toEqual(['empty', 'batch-end', 'first']);
  expect(bars(s, 'Why not aggregated')[0]).toBe('empty||900|64 %|text of empty');
  expect(s.root.textContent).toContain('50 %');
});

test('sizes, releases and fragments have their own figures, each with what it means', async () => {
  const s = await open();
  expect(bars(s, 'Packets by how many they are made of').map((row) => row.split('|')[0])).toEqual(['of 1', 'of 2', 'of 3–4']);
  expect(bars(s, 'Why batches were released')[1]).toBe('timeout||10 batches|11 %|its first packet had waited for as long as it may');
  expect(s.root.textContent).toContain('5 taken in, 2 datagrams put together');
  expect(bars(s, 'What became of fragments').map((row) => row.split('|')[0])).toEqual(['joined', 'timeout']);
});

test('a run that takes long is cancelled, and asked for again', async () => {
  let asked = 0;
  const s = await stage({
    body: OffloadPanel,
    before: (double) => {
      double.override('offload.run', (_request, { signal }) => {
        if (++asked > 1) return offloadReport();
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new EngineError({ code: 'cancelled', message: 'The run was cancelled.' }));
          });
        });
      });
    },
  });
  const press = (name: string): void =>
    s
      .all('button')
      .find((one) => one.textContent === name)
      ?.click();
  await eventually(() => {
    expect(s.all('button').some((one) => one.textContent === 'Cancel')).toBe(true);
  });
  press('Cancel');
  await eventually(() => {
    expect(s.root.textContent).toContain('The run was stopped.');
  });
  expect(s.all('[role="alert"]')).toHaveLength(0);
  press('Run');
  await eventually(() => {
    expect(s.root.textContent).toContain('Why not aggregated');
  });
  expect(asked).toBe(2);
});

test('an answer is no reason to ask again', async () => {
  const s = await open();
  const asked = s.double.callsOf('offload.run').length;
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(s.double.callsOf('offload.run')).toHaveLength(asked);
});

test('aggregation switched off is asked for, and nothing is merged', async () => {
  const s = await open();
  await userEvent.selectOptions(s.all('select')[1]!, '0');
  await eventually(() => {
    expect(s.double.callsOf('offload.run').at(-1)).toMatchObject({ overrides: { aggregateKiB: 0 } });
    expect(s.root.textContent).toContain('Nothing was merged');
  });
});

test('an MTU that is none is said, and nothing is asked', async () => {
  const s = await open();
  const before = s.double.callsOf('offload.run').length;
  await userEvent.fill(s.all('input.short')[0]!, '12');
  await eventually(() => {
    expect(s.root.textContent).toContain('MTU: 576 to 65535');
  });
  expect(s.double.callsOf('offload.run')).toHaveLength(before);
});

test('an aggregate opens into segments with what was rewritten; a click goes to the packet', async () => {
  const s = await open();
  await eventually(() => {
    expect(s.all('.segment')).toHaveLength(3);
  });
  expect(s.all('.segment')[1]!.textContent).toContain('Sequence number 2448');
  expect(s.all('.segment')[0]!.textContent).toContain('as on the wire');
  expect(s.all('.diff .after').map((one) => one.textContent)).toEqual(['dc', '99']);
  s.all('.segment .link')[2]?.click();
  await eventually(() => {
    expect(s.double.callsOf('transport.seekPacket').at(-1)).toMatchObject({ number: 42 });
  });
});

test('costs are measured when asked for', async () => {
  const s = await open();
  expect(s.double.callsOf('offload.costs')).toHaveLength(0);
  s.all('button')
    .find((one) => one.textContent === 'Measure')
    ?.click();
  await eventually(() => {
    expect(bars(s, 'Cost of copying and summing')).toEqual([
      'Copy and sum in one pass||60.0 ns/packet|0.15 c/B',
      'Copy, then sum||90.0 ns/packet|0.23 c/B',
    ]);
  });
});

test('a failure is told and can be copied', async () => {
  const s = await stage({
    body: OffloadPanel,
    before: (double) => {
      double.override('offload.run', () => {
        throw new EngineError({ code: 'bad-input', message: 'The file has become shorter.' });
      });
    },
  });
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('Offloads: The file has become shorter.');
  });
});
