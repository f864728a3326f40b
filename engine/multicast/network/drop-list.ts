import type { MulticastDrop, MulticastDropRow } from '../../contract/index.ts';
import { DROP_TEXTS } from '../forward/index.ts';
import type { Family } from '../addresses.ts';

/** Rows of one router: whoever sends to many groups that nobody joined must not fill the memory. */
const MAX_ROWS = 1_000;

/** Group data that a router did not forward: a row for each family, link, source, group and reason. */
export class DropList {
  /** Packets of rows for which there was no room. */
  unlisted = 0;
  private readonly router: string;
  private readonly byKey = new Map<string, MulticastDropRow>();

  constructor(router: string) {
    this.router = router;
  }

  /** `link` is empty for a packet that came inside a Register message. */
  note(family: Family, link: string, source: string, group: string, reason: MulticastDrop, bytes: number, nowNs: number): void {
    const key = `${family} ${link} ${source} ${group} ${reason}`;
    const row = this.byKey.get(key);
    if (row !== undefined) {
      row.packets++;
      row.bytes += bytes;
      row.lastNs = nowNs;
    } else if (this.byKey.size >= MAX_ROWS) this.unlisted++;
    else {
      const { text, rule } = DROP_TEXTS[reason];
      const counts = { packets: 1, bytes, firstNs: nowNs, lastNs: nowNs };
      this.byKey.set(key, { router: this.router, family: `v${family}`, link, source, group, reason, text, rule, ...counts });
    }
  }

  rows(): MulticastDropRow[] {
    return Array.from(this.byKey.values(), (row) => ({ ...row }));
  }
}
