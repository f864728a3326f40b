import type { FlowRow } from '../../contract/index.ts';
import type { FlowSortKey } from '../../lab/index.ts';
import type { Playhead } from './playhead.ts';

/** A sorted flow list is used again for this long while the playhead moves by itself; one that rests has a list of its own place. */
const FLOW_ORDER_MS = 400;

interface KeptOrder {
  readonly key: string;
  readonly atMs: number;
  readonly order: Uint32Array;
  readonly playhead: Playhead;
  readonly revision: number;
}

/** The flows at the playhead in an order, which is kept: a list that is scrolled is not sorted again. */
export class FlowOrder {
  private kept: KeptOrder | undefined;

  /** Rows [first, first + count). `moving`: the playhead moves by itself. */
  rows(
    playhead: Playhead,
    moving: boolean,
    list: { readonly sort: FlowSortKey; readonly descending: boolean; readonly first: number; readonly count: number },
  ): { total: number; rows: FlowRow[] } {
    const flows = playhead.flows();
    const key = `${list.sort} ${list.descending}`;
    const now = performance.now();
    const { revision } = playhead;
    const known = this.kept?.key === key && this.kept.playhead === playhead ? this.kept : undefined;
    const fresh =
      known !== undefined &&
      known.order.length <= flows.count &&
      (known.revision === revision || (moving && now - known.atMs < FLOW_ORDER_MS));
    const order = fresh ? known.order : flows.sorted(list.sort, list.descending);
    if (!fresh) this.kept = { key, atMs: now, order, playhead, revision };
    return { total: order.length, rows: flows.rows(order, list.first, list.count) };
  }
}
