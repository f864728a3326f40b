import { putU32, u32 } from '../../base/index.ts';
import { embed4, halves, REASON, type AddressMapper, type PacketView, type PlainMapper, type Prefix6 } from '../../translator/index.ts';
import { adminScope4, type PrefixSet } from '../mapping/index.ts';

/** The first three words of a prefix, signed. */
function wordsOf({ bytes }: Prefix6): Int32Array {
  return Int32Array.of(u32(bytes, 0), u32(bytes, 4), u32(bytes, 8));
}

/**
 * Addresses of translated group data, for the header translation of RFC 7915 (M-20): the forwarding path has read source and group of a packet
 * as IPv4 numbers, the IPv6 ones follow from the first prefix set.
 */
export class GroupMapper implements AddressMapper, PlainMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  readonly words6 = new Int32Array(8);
  sum6 = 0;
  ports = 0;
  sourcePort = -1;
  destinationPort = -1;
  hairpin = false;
  readonly plain: PlainMapper = this;
  private readonly sets: readonly PrefixSet[];
  private set: PrefixSet;
  private asm: Int32Array;
  private ssm: Int32Array;
  private source: Int32Array;

  /** The first set is written; it may be replaced in the list. */
  constructor(sets: readonly PrefixSet[]) {
    this.sets = sets;
    this.set = sets[0]!;
    [this.asm, this.ssm, this.source] = [wordsOf(this.set.asm), wordsOf(this.set.ssm), wordsOf(this.set.source)];
  }

  private load(set: PrefixSet): void {
    this.set = set;
    [this.asm, this.ssm, this.source] = [wordsOf(set.asm), wordsOf(set.ssm), wordsOf(set.source)];
  }

  map64(_view: PacketView, inner: boolean): number {
    return inner ? REASON.multicast : 0;
  }

  map46(_view: PacketView, inner: boolean): number {
    if (inner) return REASON.multicast;
    this.write6();
    for (let i = 0; i < 8; i++) putU32(this.addresses6, 4 * i, this.words6[i]!);
    return 0;
  }

  plain64(d: DataView, _b: Uint8Array, o: number, _protocol: number, ports: number): boolean {
    let sum = 0;
    for (let at = o + 8; at < o + 40; at += 4) sum += halves(d.getInt32(at));
    this.sum6 = sum;
    this.ports = ports;
    return true;
  }

  plain46(_d: DataView, _b: Uint8Array, _o: number, _protocol: number, ports: number): boolean {
    this.write6();
    const { words6 } = this;
    let sum = 0;
    for (let i = 0; i < 8; i++) sum += halves(words6[i]!);
    this.sum6 = sum;
    this.ports = ports;
    return true;
  }

  /** IPv6 forms of source and group into `words6`. */
  write6(): void {
    const { words6, sets, source4, destination4: group } = this;
    if (sets[0] !== this.set) this.load(sets[0]!);
    const { source, asm, ssm } = this;
    if (this.set.source.length === 96) {
      words6[0] = source[0]!;
      words6[1] = source[1]!;
      words6[2] = source[2]!;
      words6[3] = source4;
    } else {
      embed4(this.set.source, source4, this.addresses6, 0);
      for (let i = 0; i < 4; i++) words6[i] = u32(this.addresses6, 4 * i);
    }
    const first = group >>> 24;
    const prefix = first === 232 ? ssm : asm;
    words6[4] = first === 239 ? (prefix[0]! & ~0xf0000) | (adminScope4(group) << 16) : prefix[0]!;
    words6[5] = prefix[1]!;
    words6[6] = prefix[2]!;
    words6[7] = group;
  }
}
