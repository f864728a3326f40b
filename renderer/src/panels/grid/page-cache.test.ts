import { afterEach, describe, expect, test, vi } from 'vitest';
import type { PacketRow } from '../../../../engine/contract/index.ts';
import { MAX_IN_FLIGHT, MAX_PAGES, PAGE_ROWS, PageCache } from './page-cache.ts';

interface Asked {
  first: number;
  count: number;
  signal: AbortSignal;
  answer: (total?: number) => void;
  fail: (message: string) => void;
}

function rowAt(number: number, verdictText = ''): PacketRow {
  return {
    number,
    tNs: number * 1_000,
    source: '192.0.2.1',
    destination: '198.51.100.1',
    protocol: 'UDP',
    length: 60,
    capturedLength: 60,
    info: '',
    ipVersion: 4,
    flow: 0,
    verdict: 'delivered',
    verdictText,
  };
}

function setup(total = 5_000_000) {
  const asked: Asked[] = [];
  let changes = 0;
  let mark = '';
  const fetch = (first: number, count: number, signal: AbortSignal): Promise<{ total: number; rows: PacketRow[] }> =>
    new Promise((resolve, reject) => {
      asked.push({
        first,
        count,
        signal,
        answer: (now = total) => {
          const last = Math.min(now, first + count);
          const rows: PacketRow[] = [];
          for (let n = first + 1; n <= last; n++) rows.push(rowAt(n, mark));
          resolve({ total: now, rows });
        },
        fail: (message) => reject(new Error(message)),
      });
      signal.addEventListener('abort', () => reject(new Error('cancelled')));
    });
  const cache = new PageCache<PacketRow>({ fetch, onChange: () => changes++ });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { cache, asked, settle, changes: () => changes, setMark: (text: string) => (mark = text) };
}

afterEach(() => vi.useRealTimers());

describe('rows come in pages', () => {
  test('and are found by index', async () => {
    const t = setup();
    t.cache.want(0, 40, 1);
    expect(t.cache.row(0)).toBeUndefined();
    expect(t.asked.map((a) => [a.first, a.count])).toEqual([
      [0, PAGE_ROWS],
      [PAGE_ROWS, PAGE_ROWS],
    ]);
    t.asked[0]?.answer();
    await t.settle();
    expect(t.cache.row(0)?.number).toBe(1);
    expect(t.cache.row(PAGE_ROWS - 1)?.number).toBe(PAGE_ROWS);
    expect(t.cache.row(PAGE_ROWS)).toBeUndefined();
    expect(t.cache.total).toBe(5_000_000);
    expect(t.changes()).toBe(1);
  });

  test('the last page is short and nothing is asked beyond it', async () => {
    const t = setup(130);
    t.cache.want(100, 130, 1);
    t.asked[0]?.answer();
    t.asked[1]?.answer();
    await t.settle();
    expect(t.cache.row(129)?.number).toBe(130);
    expect(t.cache.row(130)).toBeUndefined();
    expect(t.asked).toHaveLength(2);
  });
});

test('a fast scroll asks only for where it stands, and cancels what it left behind', async () => {
  const t = setup();
  t.cache.want(0, 40, 1);
  expect(t.asked).toHaveLength(MAX_IN_FLIGHT);
  for (let i = 1; i <= 100; i++) t.cache.want(i * 40_000, i * 40_000 + 40, 1);
  await t.settle();
  expect(t.asked[0]?.signal.aborted).toBe(true);
  const live = t.asked.filter((a) => !a.signal.aborted);
  expect(live.length).toBeLessThanOrEqual(MAX_IN_FLIGHT);
  live[0]?.answer();
  await t.settle();
  expect(t.cache.row(4_000_000)?.number).toBe(4_000_001);
  expect(t.cache.error).toBeNull();
});

test('what is kept is bounded, the least used goes first', async () => {
  const t = setup();
  for (let page = 0; page < MAX_PAGES + 10; page++) {
    t.cache.want(page * PAGE_ROWS, page * PAGE_ROWS + 1, 1);
    for (const asked of t.asked) asked.answer();
    await t.settle();
  }
  expect(t.cache.pages).toBe(MAX_PAGES);
  expect(t.cache.counters.evicted).toBeGreaterThan(0);
  expect(t.cache.row(0)).toBeUndefined();
  expect(t.cache.row((MAX_PAGES + 9) * PAGE_ROWS)).toBeDefined();
});

test('after a refresh the old rows stay until the new ones are there', async () => {
  const t = setup(100);
  t.cache.want(0, 40, 1);
  t.asked[0]?.answer();
  await t.settle();
  t.setMark('ring full');
  t.cache.refresh();
  expect(t.cache.row(0)?.verdictText).toBe('');
  t.asked.at(-1)?.answer();
  await t.settle();
  expect(t.cache.row(0)?.verdictText).toBe('ring full');
});

test('a failure is kept, said, and tried again later, not at once', async () => {
  vi.useFakeTimers();
  const t = setup();
  t.cache.want(0, 40, 1);
  const before = t.asked.length;
  t.asked[0]?.fail('the file is gone');
  await t.settle();
  expect(t.cache.error).toBe('the file is gone');
  expect(t.asked).toHaveLength(before);
  vi.advanceTimersByTime(1_100);
  expect(t.asked.length).toBeGreaterThan(before);
  t.asked.at(-1)?.answer();
  await t.settle();
  expect(t.cache.error).toBeNull();
  expect(t.cache.row(0)?.number).toBe(1);
});

test('a disposed cache cancels and says nothing more', async () => {
  const t = setup();
  t.cache.want(0, 40, 1);
  t.cache.dispose();
  await t.settle();
  expect(t.asked.every((a) => a.signal.aborted)).toBe(true);
  expect(t.changes()).toBe(0);
});
