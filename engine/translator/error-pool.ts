import { u32 } from '../base/index.ts';
import type { PacketView } from './packet-view.ts';
import { mask4, type Prefix4 } from './prefix64.ts';
import { REASON } from './reasons.ts';

/** IPv4 addresses that stand for IPv6 routers, which have none, as sources of ICMP errors (RFC 6791 section 3). */
export class ErrorPool {
  /** The address that the last `choose` gave, and its prefix. */
  address4 = 0;
  index = -1;
  private readonly prefixes: readonly Prefix4[];

  constructor(prefixes: readonly Prefix4[]) {
    this.prefixes = prefixes;
  }

  /** An address for the source of an IPv6 packet; it depends on that source, so that it stays the same. A reason code if there is none. */
  choose({ b, o }: PacketView): number {
    const { prefixes } = this;
    if (prefixes.length === 0) return REASON.noErrorSource;
    let h = 0;
    for (let i = 8; i < 24; i += 4) h = (Math.imul(h ^ u32(b, o + i), 0x9e3779b1) ^ (h >>> 15)) >>> 0;
    this.index = h % prefixes.length;
    const prefix = prefixes[this.index]!;
    this.address4 = (prefix.value + ((h >>> 8) & ~mask4(prefix.length))) >>> 0;
    return 0;
  }
}
