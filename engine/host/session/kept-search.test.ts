import { describe, expect, it } from 'vitest';
import type { CallContext, Progress } from '../../contract/index.ts';
import { TableSearch } from '../../lab/index.ts';
import { KeptSearch } from './kept-search.ts';
import type { Playhead } from './playhead.ts';

const ROWS = 200_000;

/** Rows that are their own numbers; looking at one takes as long as a row of a real table. */
class Numbers extends TableSearch<number> {
  looked = 0;
  constructor(filter: string) {
    super(ROWS, filter);
  }
  row(number: number): number {
    return number;
  }
  protected has(number: number): boolean {
    this.looked++;
    let text = '';
    for (let i = 0; i < 8; i++) text = `${number} ${text.length}`;
    return text.startsWith(this.wanted);
  }
  protected sorted(found: Uint32Array): Uint32Array {
    return found;
  }
}

interface Caller extends CallContext {
  readonly told: Progress[];
  readonly stop: () => void;
}

function caller(): Caller {
  const controller = new AbortController();
  const told: Progress[] = [];
  return {
    signal: controller.signal,
    told,
    progress: (progress) => void told.push(progress),
    stop: () => {
      controller.abort();
    },
  };
}

const playhead = { revision: 1 } as unknown as Playhead;

describe('a search that is kept', () => {
  it('goes on in slices, is shared by all pages, and is not made again', async () => {
    const kept = new KeptSearch<number, Numbers>();
    const made: Numbers[] = [];
    const make = (): Numbers => {
      const search = new Numbers('17');
      made.push(search);
      return search;
    };
    const one = caller();
    const [first, second] = await Promise.all([
      kept.page(playhead, false, 'a', make, { first: 0, count: 3 }, one),
      kept.page(playhead, false, 'a', make, { first: 3, count: 3 }, caller()),
    ]);
    expect(first.rows).toEqual([17, 170, 171]);
    expect(second.rows).toEqual([172, 173, 174]);
    expect(first.total).toBe(11_111);
    expect(one.told.length).toBeGreaterThan(0);
    expect(one.told.every(({ done, total }) => done <= total && total === ROWS)).toBe(true);
    expect(await kept.page(playhead, false, 'a', make, { first: 11_110, count: 9 }, caller())).toMatchObject({ rows: [179_999] });
    expect(made.map(({ looked }) => looked)).toEqual([ROWS]);
    await kept.page({ ...playhead, revision: 2 } as Playhead, false, 'a', make, { first: 0, count: 1 }, caller());
    expect(made).toHaveLength(2);
  });

  it('stops when nobody waits for it any more, and not before', async () => {
    const kept = new KeptSearch<number, Numbers>();
    const search = new Numbers('1');
    const [one, two] = [caller(), caller()];
    const pages = [one, two].map((each) => kept.page(playhead, false, 'a', () => search, { first: 0, count: 1 }, each));
    const outcomes = Promise.allSettled(pages);
    one.stop();
    await new Promise((resolve) => setImmediate(resolve));
    two.stop();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(search.looked).toBeLessThan(ROWS);
    // One who came alone and stays gets the rows.
    expect((await kept.page(playhead, false, 'a', () => new Numbers('1'), { first: 0, count: 1 }, caller())).rows).toEqual([1]);
  });
});
