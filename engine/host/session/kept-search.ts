import { EngineError, type CallContext } from '../../contract/index.ts';
import type { TableSearch } from '../../lab/index.ts';
import type { Playhead } from './playhead.ts';

/** Rows between two looks at the clock, and how long a search holds the session's thread before others have a turn. */
const STEP_ROWS = 2_048;
const SLICE_MS = 8;
/** While the playhead moves by itself a list is used again for at least so long, and for so many times what it took to make. */
const KEEP_MS = 400;
const KEEP_TIMES = 4;

interface Running<S> {
  readonly key: string;
  readonly callers: Set<CallContext>;
  readonly search: Promise<S>;
}

interface Kept<S> {
  readonly key: string;
  readonly search: S;
  readonly playhead: Playhead;
  readonly revision: number;
  readonly atMs: number;
  readonly tookMs: number;
}

/**
 * The rows of a long table that a filter finds, for as long as they hold: a list that is scrolled is not searched again. A search goes on in slices while
 * somebody waits for it, and tells how far it is; pages that are asked for meanwhile wait for the same one.
 */
export class KeptSearch<Row, S extends TableSearch<Row>> {
  private kept: Kept<S> | undefined;
  private running: Running<S> | undefined;

  /** Rows [first, first + count) of the search `key`, which `make` begins where it is not kept. `moving`: the playhead moves by itself. */
  async page(
    playhead: Playhead,
    moving: boolean,
    key: string,
    make: () => S,
    { first, count }: { readonly first: number; readonly count: number },
    context: CallContext,
  ): Promise<{ total: number; rows: Row[] }> {
    const search = this.fresh(playhead, moving, key) ?? (await this.find(playhead, key, make, context));
    return { total: search.order.length, rows: search.page(first, count) };
  }

  private fresh(playhead: Playhead, moving: boolean, key: string): S | undefined {
    const { kept } = this;
    if (kept?.key !== key || kept.playhead !== playhead) return undefined;
    const young = moving && performance.now() - kept.atMs < Math.max(KEEP_MS, KEEP_TIMES * kept.tookMs);
    return kept.revision === playhead.revision || young ? kept.search : undefined;
  }

  private async find(playhead: Playhead, key: string, make: () => S, context: CallContext): Promise<S> {
    let { running } = this;
    if (running?.key !== key) {
      const callers = new Set<CallContext>();
      running = { key, callers, search: this.run(playhead, key, make(), callers) };
      this.running = running;
    }
    running.callers.add(context);
    const mine = running;
    try {
      const search = await mine.search;
      if (context.signal.aborted) throw cancelled();
      return search;
    } finally {
      if (this.running === mine) this.running = undefined;
    }
  }

  private async run(playhead: Playhead, key: string, search: S, callers: ReadonlySet<CallContext>): Promise<S> {
    const { revision } = playhead;
    const startMs = performance.now();
    let untilMs = startMs + SLICE_MS;
    while (search.step(STEP_ROWS)) {
      if (performance.now() < untilMs) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      if ([...callers].every(({ signal }) => signal.aborted)) throw cancelled();
      for (const caller of callers) caller.progress({ done: search.done, total: search.total, unit: 'rows', message: 'searching' });
      untilMs = performance.now() + SLICE_MS;
    }
    const atMs = performance.now();
    this.kept = { key, search, playhead, revision, atMs, tookMs: atMs - startMs };
    return search;
  }
}

function cancelled(): EngineError {
  return new EngineError({ code: 'cancelled', message: 'The search was cancelled.' });
}
