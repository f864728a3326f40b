import { userEvent } from 'vitest/browser';
import { expect, test } from 'vitest';
import type { PacketDetail } from '../../../../engine/contract/index.ts';
import { packetDetail } from '../../testing/world.ts';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import InspectorHead from './InspectorHead.svelte';
import InspectorPanel from './InspectorPanel.svelte';

async function open(number = 1, change: (detail: PacketDetail) => PacketDetail = (detail) => detail, width = 620): Promise<Staged> {
  const s = await stage({
    body: InspectorPanel,
    head: InspectorHead,
    width,
    height: 700,
    before: (double) => {
      double.override('packets.detail', (request) => change(packetDetail(request.number, true)));
    },
  });
  s.app.select(number);
  await eventually(() => {
    expect(s.all('[role="treeitem"]').length).toBeGreaterThan(1);
  });
  return s;
}
const marked = (s: Staged): number[] => s.all('.hex .on').map((byte) => Number(byte.dataset['at']));
const item = (s: Staged, name: string): HTMLElement => {
  const found = s.all('[role="treeitem"]').find((one) => one.querySelector('.name')?.textContent === name);
  if (!found) throw new Error(`There is no field ${name}.`);
  return found;
};

test('a field marks its bytes', async () => {
  const s = await open();
  item(s, 'ip.src').click();
  await eventually(() => {
    expect(marked(s)).toEqual([26, 27, 28, 29]);
    expect(item(s, 'ip.src').getAttribute('aria-selected')).toBe('true');
  });
  expect(s.find('.footer').textContent).toContain('bytes 26–29');
});

test('a byte selects its innermost field and opens the tree down to it', async () => {
  const s = await open();
  s.find('[role="tree"]').focus();
  await userEvent.keyboard('{Home}{ArrowDown}{ArrowLeft}');
  await eventually(() => {
    expect(s.all('[role="treeitem"]').length).toBe(2);
  });
  s.find('#byte-22').click();
  await eventually(() => {
    expect(item(s, 'ip.ttl').getAttribute('aria-selected')).toBe('true');
    expect(marked(s)).toEqual([22]);
  });
});

test('the tree is walked by keyboard', async () => {
  const s = await open();
  s.find('[role="tree"]').focus();
  const selected = (): string => s.find('[role="treeitem"][aria-selected="true"] .name').textContent;
  await userEvent.keyboard('{ArrowDown}');
  await eventually(() => {
    expect(selected()).toBe('frame');
  });
  expect(item(s, 'frame').getAttribute('aria-expanded')).toBe('false');
  await userEvent.keyboard('{ArrowRight}{ArrowDown}');
  await eventually(() => {
    expect(selected()).toBe('frame.len');
  });
  await userEvent.keyboard('{ArrowLeft}');
  await eventually(() => {
    expect(selected()).toBe('frame');
  });
  await userEvent.keyboard('{End}');
  await eventually(() => {
    expect(selected()).toBe('ip.src');
  });
});

test('what was opened stays open, and the selected field stays selected, in the next packet', async () => {
  const s = await open();
  s.find('[role="tree"]').focus();
  await userEvent.keyboard('{ArrowDown}{ArrowRight}');
  item(s, 'ip.ttl').click();
  s.app.select(3);
  await eventually(() => {
    expect(s.find('.number').textContent).toBe('3');
    expect(item(s, 'frame').getAttribute('aria-expanded')).toBe('true');
    expect(item(s, 'ip.ttl').getAttribute('aria-selected')).toBe('true');
    expect(marked(s)).toEqual([22]);
  });
});

test('the caret walks the bytes and the tree follows', async () => {
  const s = await open();
  s.find('[aria-label="Bytes of the packet"]').focus();
  s.find('#byte-22').click();
  await userEvent.keyboard('{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}');
  await eventually(() => {
    expect(item(s, 'ip.src').getAttribute('aria-selected')).toBe('true');
    expect(s.find('[aria-label="Bytes of the packet"]').getAttribute('aria-activedescendant')).toBe('byte-26');
  });
});

test('sixteen bytes a line where they fit, eight where not', async () => {
  const perLine = (s: Staged): number => s.all('.line')[0]?.querySelectorAll('.hex span').length ?? 0;
  const wide = await open(1, undefined, 700);
  await eventually(() => {
    expect(perLine(wide)).toBe(16);
  });
  document.querySelector('section')?.remove();
  const narrow = await open(1, undefined, 360);
  await eventually(() => {
    expect(perLine(narrow)).toBe(8);
  });
});

test('a card says why, and its parameter opens for change', async () => {
  const s = await open(100);
  await eventually(() => {
    expect(s.find('.card h4').textContent).toBe('Dropped: ring full');
  });
  expect(s.find('.because').textContent).toBe('S-04');
  s.find<HTMLButtonElement>('.parameter').click();
  expect(s.app.parameterRequest?.path).toBe('device.rxRingSlots');
});

test('bytes after are shown with what changed', async () => {
  const s = await open(1, (detail) => ({ ...detail, after: Uint8Array.from(detail.bytes, (byte, at) => (at === 22 ? 63 : byte)) }));
  await eventually(() => {
    expect(s.find('.after').textContent).toBe('after');
    expect(s.all('.hex .changed').map((byte) => byte.textContent)).toEqual(['3f']);
  });
});

test('a packet of 256 KiB has few elements', async () => {
  const s = await open(1, (detail) => ({ ...detail, bytes: new Uint8Array(262_144).fill(7) }));
  await eventually(() => {
    expect(s.all('.line').length).toBeGreaterThan(5);
  });
  expect(s.all('.line').length).toBeLessThan(60);
  const scroller = s.find('[aria-label="Bytes of the packet"]');
  scroller.scrollTop = scroller.scrollHeight;
  await eventually(() => {
    expect(s.all('.offset').at(-1)?.textContent).toBe('3fff0');
  });
});

test('only the newest of many requests counts', async () => {
  const s = await open();
  for (let number = 2; number <= 40; number++) s.app.select(number);
  await eventually(() => {
    expect(s.find('.number').textContent).toBe('40');
  });
});

test('an error says what happened', async () => {
  const s = await stage({
    body: InspectorPanel,
    before: (double) => {
      double.override('packets.detail', () => {
        throw new Error('the file was cut');
      });
    },
  });
  s.app.select(5);
  await eventually(() => {
    expect(s.root.textContent).toContain('the file was cut');
  });
});
