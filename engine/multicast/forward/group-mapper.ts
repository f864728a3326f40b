import { u32 } from '../../base/index.ts';
import type { PrefixSet } from '../mapping/index.ts';
import { embed4, REASON, type AddressMapper, type PacketView } from '../../translator/index.ts';

/** Scope of groups in 239/8 (RFC 2365). */
function scope239(group: number): number {
  const second = (group >>> 16) & 255;
  return second === 255 ? 3 : second >= 192 && second <= 195 ? 8 : 5;
}

/** Addresses of translated group data, for the header translation of RFC 7915 (M-20). */
export class GroupMapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  sourcePort = -1;
  destinationPort = -1;
  hairpin = false;
  private readonly sets: readonly PrefixSet[];

  /** The first set is written; it may be replaced in the list. */
  constructor(sets: readonly PrefixSet[]) {
    this.sets = sets;
  }

  /** The forwarding path has read these from the packet already. */
  map64(_view: PacketView, inner: boolean): number {
    return inner ? REASON.multicast : 0;
  }

  map46(view: PacketView, inner: boolean): number {
    if (inner) return REASON.multicast;
    this.write6(u32(view.b, view.o + 12), u32(view.b, view.o + 16));
    return 0;
  }

  /** IPv6 forms of source and group into `addresses6`. */
  write6(source: number, group: number): void {
    const out = this.addresses6;
    const set = this.sets[0]!;
    const first = group >>> 24;
    embed4(set.source, source, out, 0);
    embed4(first === 232 ? set.ssm : set.asm, group, out, 16);
    if (first === 239) out[17] = (out[17]! & 0xf0) | scope239(group);
  }
}
