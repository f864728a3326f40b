import { addressBytes, addressText, compareAddresses, inPrefix, type Family } from '../addresses.ts';

/** A mapping of a group range to a rendezvous point, configured or learned. */
export interface RpMapping {
  readonly prefix: string;
  readonly bits: number;
  readonly rp: string;
  /** Lower is better. */
  readonly priority: number;
}

/**
 * RFC 3956: the rendezvous point inside a group with the flags R, P and T, or undefined. RFC 7371 section 4.2 leaves the first flag open. Bits
 * 16-19 reserved, 20-23 RIID, 24-31 length of the prefix, which follows in 64 bits.
 */
export function embeddedRp(group: string): string | undefined {
  const b = addressBytes(group);
  if (b.length !== 16 || b[0] !== 0xff || (b[1]! & 0x70) !== 0x70) return undefined;
  const riid = b[2]! & 15;
  const length = b[3]!;
  // Section 4: the length is 1 to 64 and the interface id not zero.
  if (length === 0 || length > 64 || riid === 0) return undefined;
  const rp = new Uint8Array(16);
  for (let i = 0; i < 8; i++) {
    const keep = Math.max(0, Math.min(8, length - 8 * i));
    rp[i] = b[4 + i]! & (0xff00 >> keep);
  }
  rp[15] = riid;
  // Nor an address of ::/16, of a link, or of a group.
  if ((rp[0] === 0 && rp[1] === 0) || rp[0] === 0xff || (rp[0] === 0xfe && (rp[1]! & 0xc0) === 0x80)) return undefined;
  return addressText(rp, 0, 6);
}

/** 16-byte addresses are folded to 32 bits by exclusive or (RFC 7761 section 4.7.2). */
function folded(b: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < b.length; i += 4) value ^= (b[i]! << 24) | (b[i + 1]! << 16) | (b[i + 2]! << 8) | b[i + 3]!;
  return value >>> 0;
}

/** Value(G, M, C) of RFC 7761 section 4.7.2: (1103515245 * ((1103515245 * (G & M) + 12345) XOR C) + 12345) mod 2^31. */
export function rpHash(group: string, hashMaskBits: number, rp: string): number {
  const g = addressBytes(group).slice();
  for (let i = 0; i < g.length; i++) g[i] = g[i]! & (0xff00 >> Math.max(0, Math.min(8, hashMaskBits - 8 * i)));
  const inner = (Math.imul(1_103_515_245, folded(g)) + 12_345) ^ folded(addressBytes(rp));
  return (Math.imul(1_103_515_245, inner) + 12_345) & 0x7fffffff;
}

/**
 * RP(G) of RFC 7761 section 4.7.1: embedded, else the longest range, the best priority, the highest hash, the highest address. Undefined where no
 * range holds the group.
 */
export function selectRp(group: string, family: Family, mappings: readonly RpMapping[], hashMaskBits: number): string | undefined {
  if (family === 6) {
    const embedded = embeddedRp(group);
    if (embedded !== undefined) return embedded;
  }
  let best: RpMapping | undefined;
  for (const each of mappings) {
    if (!inPrefix(group, addressBytes(each.prefix), each.bits)) continue;
    if (best === undefined || each.bits > best.bits || (each.bits === best.bits && better(each, best, group, hashMaskBits))) best = each;
  }
  return best?.rp;
}

function better(a: RpMapping, b: RpMapping, group: string, hashMaskBits: number): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  const x = rpHash(group, hashMaskBits, a.rp);
  const y = rpHash(group, hashMaskBits, b.rp);
  return x !== y ? x > y : compareAddresses(a.rp, b.rp) > 0;
}
