import { multicastPortSchema } from '../../contract/index.ts';
import { assert } from '../../base/index.ts';
import type { RecordBatch } from '../../files/index.ts';
import { PortRouter } from '../../multicast/index.ts';
import { networkHeader } from '../../wire/index.ts';

/**
 * A multicast router on the link of a capture that has no scenario: it knows no route and says nothing, so that what it holds at the end is the
 * membership, and the joins of other routers, that a router on this link would have.
 */
export class CaptureListener {
  readonly router: PortRouter;
  /** Packets given to it, those without an IP header too. */
  packets = 0;

  constructor() {
    const made = PortRouter.create('capture', multicastPortSchema.parse({ kind: 'dual' }));
    assert(made.ok, 'the defaults of a multicast port are good');
    this.router = made.value;
  }

  /** Record `row` of a batch. A time before the latest one counts as that one. */
  feed(batch: RecordBatch, row: number): void {
    const { router } = this;
    this.packets++;
    const start = batch.offset[row]!;
    const end = start + batch.capLen[row]!;
    const at = networkHeader(batch.bytes, start, end, batch.linkType[row]!);
    if (at < 0) return;
    router.take(batch.iface[row]!, batch.bytes.subarray(at, end), Math.max(batch.tsNs[row]!, router.clock.nowNs));
    router.emptied();
  }
}
