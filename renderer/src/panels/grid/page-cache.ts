/**
 * Rows of a long list, fetched in pages when they come into sight. The list draws what is here and a placeholder for what is not; it
 * never waits. What is asked for is decided anew whenever an answer comes, so that a fast scroll asks only for where it has got to.
 */

/** Rows of one request: three screens or so, decoded in a few milliseconds, well under the contract's 500. */
export const PAGE_ROWS = 128;
/** Pages kept: 8,192 rows, about 4 MB of strings. Enough to scroll back and forth over without asking again. */
export const MAX_PAGES = 64;
/** Requests on the way at once: one being decoded and one behind it. More would only queue up in the host ahead of newer wishes. */
export const MAX_IN_FLIGHT = 2;
/** Pages fetched ahead in the direction of the scroll. */
const AHEAD_PAGES = 1;
/** After an error the next try waits this long, so that a broken input does not make a busy loop. */
const RETRY_MS = 1_000;

interface Page<Row> {
  rows: readonly Row[];
  /** Generation the rows were read in; older pages are shown until newer ones are there. */
  generation: number;
}

export interface PageCacheCounters {
  requests: number;
  cancelled: number;
  failed: number;
  evicted: number;
}

export interface PageCacheOptions<Row> {
  /** Asks for `count` rows from the 0-based index `first`; fewer come at the end of the list. */
  readonly fetch: (first: number, count: number, signal: AbortSignal) => Promise<{ readonly total: number; readonly rows: readonly Row[] }>;
  /** Rows came in, or the total or the error changed. */
  readonly onChange: () => void;
}

export class PageCache<Row> {
  readonly counters: PageCacheCounters = { requests: 0, cancelled: 0, failed: 0, evicted: 0 };
  readonly #options: PageCacheOptions<Row>;
  /** In order of use, the oldest first. */
  readonly #pages = new Map<number, Page<Row>>();
  readonly #inFlight = new Map<number, AbortController>();
  #wanted: readonly number[] = [];
  #generation = 0;
  #total: number | null = null;
  #error: string | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #disposed = false;

  constructor(options: PageCacheOptions<Row>) {
    this.#options = options;
  }

  /** Length of the list as of the last answer, null before the first. */
  get total(): number | null {
    return this.#total;
  }
  /** Why the last request failed, null after one that did not. */
  get error(): string | null {
    return this.#error;
  }
  get pages(): number {
    return this.#pages.size;
  }
  get busy(): boolean {
    return this.#inFlight.size > 0;
  }

  /** Row by 0-based index, if it is here. */
  row(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.rows[index % PAGE_ROWS];
  }

  /** Says which rows are in sight, [first, end), and which way the list moves; fetches what is missing. */
  want(first: number, end: number, direction: number): void {
    const wanted: number[] = [];
    const firstPage = Math.floor(Math.max(0, first) / PAGE_ROWS);
    const lastPage = Math.floor(Math.max(0, end - 1) / PAGE_ROWS);
    for (let page = firstPage; page <= lastPage; page++) wanted.push(page);
    for (let i = 1; i <= AHEAD_PAGES; i++) {
      if (direction >= 0) wanted.push(lastPage + i);
      else if (firstPage - i >= 0) wanted.push(firstPage - i);
    }
    this.#wanted = wanted;
    for (const number of wanted) {
      const page = this.#pages.get(number);
      if (page) {
        this.#pages.delete(number);
        this.#pages.set(number, page);
      }
    }
    for (const [number, controller] of this.#inFlight) {
      if (wanted.includes(number)) continue;
      this.counters.cancelled++;
      this.#inFlight.delete(number);
      controller.abort();
    }
    this.#pump();
  }

  /** What the rows say may have changed (verdicts of a new run, more packets): fetch again, show the old until then. */
  refresh(): void {
    this.#generation++;
    this.#pump();
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const controller of this.#inFlight.values()) controller.abort();
    this.#inFlight.clear();
    this.#pages.clear();
  }

  #needs(number: number): boolean {
    if (this.#inFlight.has(number)) return false;
    if (this.#total !== null && number * PAGE_ROWS >= this.#total && this.#total > 0) return false;
    return this.#pages.get(number)?.generation !== this.#generation;
  }

  #pump(): void {
    if (this.#disposed || this.#retry !== null) return;
    for (const number of this.#wanted) {
      if (this.#inFlight.size >= MAX_IN_FLIGHT) return;
      if (this.#needs(number)) void this.#fetch(number);
    }
  }

  async #fetch(number: number): Promise<void> {
    const controller = new AbortController();
    const generation = this.#generation;
    this.#inFlight.set(number, controller);
    this.counters.requests++;
    try {
      const answer = await this.#options.fetch(number * PAGE_ROWS, PAGE_ROWS, controller.signal);
      if (this.#inFlight.get(number) !== controller) return;
      this.#inFlight.delete(number);
      this.#keep(number, { rows: answer.rows, generation });
      this.#total = answer.total;
      this.#error = null;
    } catch (error) {
      if (this.#inFlight.get(number) !== controller) return;
      this.#inFlight.delete(number);
      this.counters.failed++;
      this.#error = error instanceof Error ? error.message : String(error);
      this.#waitAndRetry();
    }
    if (this.#disposed) return;
    this.#options.onChange();
    this.#pump();
  }

  #waitAndRetry(): void {
    if (this.#disposed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#pump();
    }, RETRY_MS);
  }

  #keep(number: number, page: Page<Row>): void {
    this.#pages.delete(number);
    this.#pages.set(number, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) return;
      this.#pages.delete(oldest);
      this.counters.evicted++;
    }
  }
}
