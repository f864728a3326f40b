import { userEvent } from 'vitest/browser';
import { describe, expect, test } from 'vitest';
import { eventually, stage, type Staged } from '../testing/stage.ts';
import PacketsHead from './PacketsHead.svelte';
import PacketsPanel from './PacketsPanel.svelte';

const ROWS = 5_000_000;
const open = (packets = ROWS): Promise<Staged> => stage({ body: PacketsPanel, head: PacketsHead, packets, width: 1_000 });

/** Rows in sight, from the top down. */
function shown(s: Staged): HTMLElement[] {
  const body = s.find('.body').getBoundingClientRect();
  return s
    .all('[role="row"][id]')
    .map((row) => ({ row, box: row.getBoundingClientRect() }))
    .filter(({ box }) => box.bottom > body.top + 1 && box.top < body.bottom - 1)
    .sort((a, b) => a.box.top - b.box.top)
    .map(({ row }) => row);
}
const numberOf = (row: HTMLElement | undefined): string => row?.querySelector('[data-column="number"]')?.textContent.trim() ?? '';
const focusGrid = (s: Staged): void => {
  s.find('#packet-grid').focus();
};

describe('five million rows', () => {
  test('are counted for screen readers, few are elements', async () => {
    const s = await open();
    await eventually(() => {
      expect(numberOf(shown(s)[0])).toBe('1');
    });
    expect(s.find('#packet-grid').getAttribute('aria-rowcount')).toBe(String(ROWS + 1));
    expect(s.all('[role="row"]').length).toBeLessThan(40);
    for (const element of s.all('*')) expect(element.getBoundingClientRect().height).toBeLessThan(33_000_000);
  });

  test('the end shows the last row whole, at the bottom', async () => {
    const s = await open();
    focusGrid(s);
    await userEvent.keyboard('{End}');
    await eventually(() => {
      const last = shown(s).at(-1);
      expect(numberOf(last)).toBe('5,000,000');
      expect(last?.getAttribute('aria-rowindex')).toBe(String(ROWS + 1));
      const body = s.find('.body').getBoundingClientRect();
      expect(Math.abs((last?.getBoundingClientRect().bottom ?? 0) - body.bottom)).toBeLessThan(1);
    });
    expect(s.app.selected).toBe(ROWS);
  });

  test('rows stand one under the other wherever the list stands', async () => {
    const s = await open();
    for (const number of [1, 77_777, 1_600_000, 3_333_333, 4_999_990]) {
      s.app.select(number);
      await eventually(() => {
        const rows = shown(s);
        expect(rows.length).toBeGreaterThan(15);
        expect(rows.map((row) => numberOf(row))).toContain(number.toLocaleString('en-US'));
        rows.forEach((row, i) => {
          const next = rows[i + 1];
          if (!next) return;
          expect(Math.abs(next.getBoundingClientRect().top - row.getBoundingClientRect().top - 20)).toBeLessThan(0.1);
          expect(Number(next.getAttribute('aria-rowindex'))).toBe(Number(row.getAttribute('aria-rowindex')) + 1);
        });
      });
    }
  });

  test('the wheel moves by pixels in the middle of it', async () => {
    const s = await open();
    s.app.select(2_500_000);
    await eventually(() => {
      expect(shown(s).map(numberOf)).toContain('2,500,000');
    });
    const row = (): HTMLElement => s.find('#packet-grid-row-2499999');
    const before = row().getBoundingClientRect().top;
    s.find('.body').dispatchEvent(new WheelEvent('wheel', { deltaY: 7, bubbles: true, cancelable: true }));
    await eventually(() => {
      expect(row().getBoundingClientRect().top).toBeCloseTo(before - 7, 1);
    });
  });

  test('dragging the thumb to the bottom reaches the end', async () => {
    const s = await open();
    await eventually(() => {
      expect(numberOf(shown(s)[0])).toBe('1');
    });
    const track = s.find('[role="scrollbar"]');
    const box = track.getBoundingClientRect();
    track.setPointerCapture = () => undefined;
    const at = (type: string, y: number): void => {
      track.dispatchEvent(new PointerEvent(type, { clientX: box.left + 4, clientY: y, button: 0, bubbles: true, pointerId: 1 }));
    };
    at('pointerdown', box.top + 5);
    at('pointermove', box.bottom + 200);
    at('pointerup', box.bottom + 200);
    await eventually(() => {
      expect(numberOf(shown(s).at(-1))).toBe('5,000,000');
    });
  });

  test('a long fling asks for few pages', async () => {
    const s = await open();
    await eventually(() => {
      expect(numberOf(shown(s)[0])).toBe('1');
    });
    const before = s.double.callsOf('packets.rows').length;
    for (let i = 0; i < 200; i++) {
      s.find('.body').dispatchEvent(new WheelEvent('wheel', { deltaY: 90_000, bubbles: true, cancelable: true }));
    }
    await eventually(() => {
      expect(numberOf(shown(s)[5])).not.toBe('');
      expect(numberOf(shown(s)[0])).not.toBe('1');
    });
    expect(s.double.callsOf('packets.rows').length - before).toBeLessThan(12);
  });
});

test('the keyboard walks the list and the selection is shared', async () => {
  const s = await open(10_000);
  await eventually(() => {
    expect(numberOf(shown(s)[0])).toBe('1');
  });
  focusGrid(s);
  await userEvent.keyboard('{Home}{ArrowDown}{ArrowDown}');
  expect(s.app.selected).toBe(3);
  await userEvent.keyboard('{PageDown}');
  expect(s.app.selected).toBeGreaterThan(15);
  await userEvent.keyboard('{PageUp}');
  expect(s.app.selected).toBe(3);
  await userEvent.keyboard('{End}');
  expect(s.app.selected).toBe(10_000);
  await eventually(() => {
    expect(s.find('#packet-grid').getAttribute('aria-activedescendant')).toBe('packet-grid-row-9999');
    expect(s.find('#packet-grid-row-9999').getAttribute('aria-selected')).toBe('true');
  });
  await userEvent.keyboard('{Home}{ArrowUp}');
  expect(s.app.selected).toBe(1);
});

test('verdicts have a shape, addresses the colour of their family', async () => {
  const s = await open(1_000);
  s.app.select(100);
  await eventually(() => {
    const dropped = s.find('#packet-grid-row-99 [data-column="verdict"]');
    expect(dropped.textContent.trim()).toBe('✕ ring full');
    expect(s.find('#packet-grid-row-100 [data-column="verdict"]').textContent.trim()).toBe('· host');
    const colour = (index: number): string =>
      getComputedStyle(s.find(`#packet-grid-row-${String(index)} [data-column="source"] span`)).color;
    expect(colour(100)).toBe('rgb(90, 162, 255)');
    expect(colour(101)).toBe('rgb(177, 140, 255)');
  });
});

test('typing starts a search; it selects what it finds, and says when there is no more', async () => {
  const s = await open(100_000);
  focusGrid(s);
  await userEvent.keyboard('L');
  const field = s.find<HTMLInputElement>('.find input');
  expect(document.activeElement).toBe(field);
  expect(field.value).toBe('L');
  await userEvent.fill(field, 'Len=54321');
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(s.app.selected).toBe(54_321);
  });
  await userEvent.keyboard('{Enter}');
  await eventually(() => {
    expect(s.find('.find .says').textContent).toBe('no more below');
  });
  await userEvent.keyboard('{Escape}');
  expect(document.activeElement).toBe(s.find('#packet-grid'));
});

test('a time reference is the zero of the column', async () => {
  const s = await open(1_000);
  s.app.select(11);
  await s.app.toggleTimeReference();
  await eventually(() => {
    expect(s.find('#packet-grid-row-10 [data-column="time"]').textContent.trim()).toBe('*REF*');
    expect(s.find('#packet-grid-row-11 [data-column="time"]').textContent.trim()).toBe('0.001000000');
    expect(s.find('#packet-grid-row-9 [data-column="time"]').textContent.trim()).toBe('-0.001000000');
  });
});

test('a column keeps the width and the place it was given', async () => {
  const s = await open(1_000);
  const titles = (): string[] => s.all('[role="columnheader"]').map((one) => one.textContent.trim());
  expect(titles()).toEqual(['No.', 'Time', 'Source', 'Destination', 'Verdict', 'Protocol', 'Length', 'Info']);
  const verdict = s.all('[role="columnheader"]')[4];
  verdict?.focus();
  const before = verdict?.offsetWidth ?? 0;
  await userEvent.keyboard('{Shift>}{ArrowRight}{/Shift}');
  await eventually(() => {
    expect(s.all('[role="columnheader"]')[4]?.offsetWidth).toBe(before + 8);
  });
  await userEvent.keyboard('{Alt>}{ArrowLeft}{/Alt}');
  await eventually(() => {
    expect(titles()).toEqual(['No.', 'Time', 'Source', 'Verdict', 'Destination', 'Protocol', 'Length', 'Info']);
  });
  expect(localStorage.getItem('ringside.columns.packets')).toContain('"verdict"');
});

test('following stops when the user scrolls', async () => {
  const s = await open(10_000);
  await s.app.play();
  s.double.advance(1_500_000_000, 'playing');
  await eventually(() => {
    expect(shown(s).map(numberOf)).toContain('1,501');
  });
  s.find('.body').dispatchEvent(new WheelEvent('wheel', { deltaY: -4_000, bubbles: true, cancelable: true }));
  await eventually(() => {
    expect(s.find('.follow').getAttribute('aria-pressed')).toBe('false');
  });
  await s.app.pause();
});

test('an error is said and can be copied; the list comes back by itself', async () => {
  let broken = true;
  const s = await stage({
    body: PacketsPanel,
    before: (double) => {
      double.override('packets.rows', () => {
        if (broken) throw new Error('the disk is gone');
        return { total: 2_000, rows: [] };
      });
    },
  });
  await eventually(() => {
    expect(s.find('[role="alert"]').textContent).toContain('the disk is gone');
  });
  broken = false;
  await eventually(() => {
    expect(s.root.querySelector('[role="alert"]')).toBeNull();
  });
});

test('the menu of a row marks it', async () => {
  const s = await open(1_000);
  await eventually(() => {
    expect(numberOf(shown(s)[3])).toBe('4');
  });
  const row = s.find('#packet-grid-row-3 [data-column="source"]');
  const box = row.getBoundingClientRect();
  row.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX: box.left + 4, clientY: box.top + 4 }));
  await eventually(() => {
    expect(s.find('[role="menu"]').textContent).toContain('Copy source');
  });
  const mark = [...document.querySelectorAll<HTMLElement>('[role="menuitem"]')].find((item) => item.textContent.includes('Mark'));
  mark?.click();
  await eventually(() => {
    expect(s.app.marks.has(4)).toBe(true);
    expect(s.find('#packet-grid-row-3').classList.contains('marked')).toBe(true);
  });
});
