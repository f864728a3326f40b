import { sameBytes } from './bytes.ts';
import type { PacketView } from './packet-view.ts';

/** Addresses of a packet whose first fragment has been translated. */
interface KnownPacket {
  readonly key: Uint8Array;
  readonly sinceNs: number;
  readonly source4: number;
  readonly destination4: number;
  readonly addresses6: Uint8Array;
  /** That its fragments have on the other side, where it is not the one they came with. */
  readonly identification?: number;
}

export interface HeldFragment {
  readonly key: Uint8Array;
  readonly sinceNs: number;
  readonly side: 4 | 6;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** Family, protocol, identification and both addresses: what names the packet a fragment is of. */
export function fragmentKey(view: PacketView): Uint8Array {
  const key = new Uint8Array(40);
  key[0] = view.family;
  key[1] = view.protocol;
  new DataView(key.buffer).setUint32(4, view.identification);
  const at = view.o + (view.family === 6 ? 8 : 12);
  key.set(view.b.subarray(at, at + (view.family === 6 ? 32 : 8)), 8);
  return key;
}

/** A sum of two times may be rounded up. */
const ROUNDING_NS = 1;

/**
 * Fragments in stateful translation (RFC 6146 section 3.4). Only the first one has ports: what it was mapped to is kept for the others, and others
 * that come before it are held. Both lists are bounded by the same limit; the oldest packet is forgotten, no further fragment is
 * held. Fragmented packets are rare, so entries are plain objects.
 */
export class FragmentTable {
  private known: KnownPacket[] = [];
  private held: HeldFragment[] = [];
  private readonly limit: number;
  private readonly lifetimeNs: number;

  constructor(limit: number, lifetimeNs: number) {
    this.limit = limit;
    this.lifetimeNs = lifetimeNs;
  }

  get heldCount(): number {
    return this.held.length;
  }

  /** Before this time `expire` finds nothing. */
  get nextEndNs(): number {
    const oldestNs = Math.min(this.known[0]?.sinceNs ?? Number.POSITIVE_INFINITY, this.held[0]?.sinceNs ?? Number.POSITIVE_INFINITY);
    return oldestNs + this.lifetimeNs - ROUNDING_NS;
  }

  learn(entry: KnownPacket): void {
    this.known = this.known.filter((other) => !sameBytes(other.key, entry.key));
    if (this.known.length >= this.limit) this.known.shift();
    this.known.push(entry);
  }

  find(key: Uint8Array): KnownPacket | undefined {
    return this.known.find((entry) => sameBytes(entry.key, key));
  }

  /** False where as many are held as may be. */
  hold(fragment: HeldFragment): boolean {
    if (this.held.length >= this.limit) return false;
    this.held.push(fragment);
    return true;
  }

  /** Takes out the held fragments of a packet, in the order they came. */
  release(key: Uint8Array): HeldFragment[] {
    const mine = this.held.filter((fragment) => sameBytes(fragment.key, key));
    if (mine.length > 0) this.held = this.held.filter((fragment) => !sameBytes(fragment.key, key));
    return mine;
  }

  /** Forgets what is older than its lifetime; returns how many held fragments were lost. */
  expire(nowNs: number): number {
    // Both lists have the oldest first.
    const oldestNs = Math.min(this.known[0]?.sinceNs ?? nowNs, this.held[0]?.sinceNs ?? nowNs);
    if (nowNs - oldestNs < this.lifetimeNs) return 0;
    const before = this.held.length;
    const alive = ({ sinceNs }: { readonly sinceNs: number }): boolean => nowNs - sinceNs < this.lifetimeNs;
    this.known = this.known.filter(alive);
    this.held = this.held.filter(alive);
    return before - this.held.length;
  }
}
