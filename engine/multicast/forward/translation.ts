import { unwrap } from '../../base/index.ts';
import { translatorSchema } from '../../contract/index.ts';
import { compileSettings, GROWTH_BYTES, isTranslated, PacketTranslator, REASON } from '../../translator/index.ts';
import type { Family } from '../addresses.ts';
import { copyBytes } from './bytes.ts';
import type { ForwardCounts } from './counts.ts';
import type { GroupMapper } from './group-mapper.ts';
import type { MtuGroup } from './mtu-groups.ts';
import type { ForwardSink } from './sink.ts';

/** Copies in the other family by the header translation of RFC 7915 (M-20). */
export class Translation {
  private readonly counts: ForwardCounts;
  private readonly groups: readonly (MtuGroup & { readonly translator: PacketTranslator })[];

  constructor(counts: ForwardCounts, mtus: readonly MtuGroup[], mapper: GroupMapper) {
    this.counts = counts;
    this.groups = mtus.map(({ mtu, mask }) => ({ mtu, mask, translator: makeTranslator(mtu, mapper) }));
  }

  /**
   * Translates the packet at `o`, whose source and group the mapper has. `lowered` is where the sink has the same packet with its hops lowered
   * already, or -1: the translator reads it from there, so that it copies within one array, which allocates nothing.
   */
  translate(side: Family, b: Uint8Array, o: number, length: number, lowered: number, mask: number, sink: ForwardSink): void {
    const { bytes } = sink.packets;
    const hops = side === 4 ? 8 : 7;
    // The checksum of the header has been looked at, so nobody minds that it is another while the hops are as they came.
    if (lowered >= 0) bytes[lowered + hops] = bytes[lowered + hops]! + 1;
    for (let i = 0; i < this.groups.length; i++) {
      const { mask: same, translator } = this.groups[i]!;
      if ((mask & same) === 0) continue;
      const at = lowered >= 0 ? lowered : stage(b, o, length, sink);
      if (at >= 0) this.translateTo(translator, side, bytes, at, length, mask & same, sink);
      else this.translateTo(translator, side, b, o, length, mask & same, sink);
    }
    if (lowered >= 0) bytes[lowered + hops] = bytes[lowered + hops]! - 1;
  }

  private translateTo(
    translator: PacketTranslator,
    side: Family,
    b: Uint8Array,
    o: number,
    length: number,
    mask: number,
    sink: ForwardSink,
  ): void {
    const { counts } = this;
    const { packets } = sink;
    const first = packets.count;
    const code = translator.translate(side, b, o, length, length, packets);
    if (!isTranslated(code)) {
      this.refused(code);
      return;
    }
    counts.translated++;
    if (packets.count - first > 1) counts.fragments += packets.count - first;
    if (!sink.send(first, mask)) counts.drop('sink_full');
  }

  private refused(code: number): void {
    const { counts } = this;
    if (code === REASON.sinkFull) counts.drop('sink_full');
    else if (code === REASON.packetTooBig || code === REASON.answerSuppressed) counts.drop('too_big');
    else if (code === REASON.hopLimitExpired) counts.drop('ttl_expired');
    else if (code === REASON.udpZeroDropped || code === REASON.udpZeroFragment) counts.drop('udp_zero_checksum');
    else counts.drop('unmapped');
  }
}

function makeTranslator(mtu: number, mapper: GroupMapper): PacketTranslator {
  const size = Math.max(1_280, mtu);
  // The header checksum has been looked at here already.
  const spec = translatorSchema.parse({ mtu4: mtu, mtu6: size, lowestIpv6Mtu: size, badHeaderChecksum: 'forward' });
  return new PacketTranslator(unwrap(compileSettings(spec)), mapper);
}

/** Puts the packet into the free part of the sink, behind what its translation takes at most. Its place, or -1 where there is no room. */
function stage(b: Uint8Array, o: number, length: number, sink: ForwardSink): number {
  const { bytes, used } = sink.packets;
  const at = used + length + GROWTH_BYTES;
  if (at + length > bytes.length) return -1;
  copyBytes(bytes, at, b, o, length);
  return at;
}
