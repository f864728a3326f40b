import { u32 } from '../../base/index.ts';
import { extract4 } from '../../translator/index.ts';
import type { PrefixSet } from '../mapping/index.ts';

/** Reads the IPv4 forms of source and group of an IPv6 packet (M-07); the fields hold what the last call found. */
export class EmbeddedKey {
  source4 = 0;
  group4 = 0;
  private readonly sets: readonly PrefixSet[];

  constructor(sets: readonly PrefixSet[]) {
    this.sets = sets;
  }

  /** False for ordinary IPv6. */
  read(b: Uint8Array, o: number): boolean {
    const { sets } = this;
    for (let i = 0; i < sets.length; i++) {
      const { asm, ssm, source } = sets[i]!;
      let group = extract4(ssm, b, o + 24);
      if (group < 0) group = extract4(asm, b, o + 24);
      if (group < 0) group = scoped(asm.bytes, b, o + 24);
      if (group >>> 28 !== 14) continue;
      const from = extract4(source, b, o + 8);
      if (from < 0) continue;
      this.source4 = from;
      this.group4 = group;
      return true;
    }
    return false;
  }
}

/** Groups of 239/8 have the prefix with the scope of their range. */
function scoped(prefix: Uint8Array, b: Uint8Array, o: number): number {
  if (b[o + 12] !== 239 || b[o] !== 0xff || b[o + 1]! >>> 4 !== prefix[1]! >>> 4) return -1;
  for (let i = 2; i < 12; i++) if (b[o + i] !== prefix[i]) return -1;
  return u32(b, o + 12);
}
