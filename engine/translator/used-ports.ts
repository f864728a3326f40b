const PORTS = 65_536;
const EVEN = 0x55555555;

/** Bindings below which the bits of an address are given up: they take 8 KiB. */
export const MIN_CROWD = 128;

interface Crowd {
  readonly bits: Uint32Array;
  count: number;
}

/**
 * Ports in use or at rest on crowded addresses, a bit for each, so that a free one, or that there is none, is found without asking for every port. An address is
 * in here from the first long search on it until few of its ports are used: at most 64 bytes for each of them.
 */
export class UsedPorts {
  private readonly crowds = new Map<number, Crowd>();

  /** Addresses, those of each protocol for itself. */
  get size(): number {
    return this.crowds.size;
  }

  has(protocol: number, address: number): boolean {
    return this.crowds.size > 0 && this.crowds.has(keyOf(protocol, address));
  }

  /** Begins with an address; `inUse` is asked for each port. Fewer than `MIN_CROWD` ports are not kept. */
  begin(protocol: number, address: number, inUse: (port: number) => boolean): void {
    const bits = new Uint32Array(PORTS / 32);
    let count = 0;
    for (let port = 0; port < PORTS; port++) {
      if (!inUse(port)) continue;
      bits[port >>> 5]! |= 1 << (port & 31);
      count++;
    }
    if (count >= MIN_CROWD) this.crowds.set(keyOf(protocol, address), { bits, count });
  }

  /** The port is used or rests, or does neither any more. */
  set(protocol: number, address: number, port: number, used: boolean): void {
    if (this.crowds.size === 0) return;
    const key = keyOf(protocol, address);
    const crowd = this.crowds.get(key);
    const bit = 1 << (port & 31);
    if (crowd === undefined || ((crowd.bits[port >>> 5]! & bit) !== 0) === used) return;
    crowd.bits[port >>> 5]! ^= bit;
    crowd.count += used ? 1 : -1;
    if (crowd.count < MIN_CROWD) this.crowds.delete(key);
  }

  /**
   * Among the ports `low + ((from + i) % count) * step`, where `step` is 1 or 2, the smallest `i` from `start` on whose port is free; `count` where there is none.
   */
  nextFree(protocol: number, address: number, low: number, step: number, count: number, from: number, start: number): number {
    const bits = this.crowds.get(keyOf(protocol, address))?.bits;
    if (bits === undefined || start >= count) return Math.min(start, count);
    const wanted = step === 1 ? -1 : (low & 1) === 0 ? EVEN : ~EVEN;
    const wrapped = from + start >= count;
    const first = low + (wrapped ? from + start - count : from + start) * step;
    const port = firstFree(bits, first, low + ((wrapped ? from : count) - 1) * step, wanted);
    if (port >= 0) return start + (port - first) / step;
    if (wrapped) return count;
    const before = firstFree(bits, low, low + (from - 1) * step, wanted);
    return before < 0 ? count : count - from + (before - low) / step;
  }
}

/** The first free port of these bits of each word, from `first` to `last`; -1 for none. */
function firstFree(bits: Uint32Array, first: number, last: number, wanted: number): number {
  if (first > last) return -1;
  const end = last >>> 5;
  let mask = wanted & (-1 << (first & 31));
  for (let word = first >>> 5; word <= end; word++, mask = wanted) {
    const free = ~bits[word]! & mask;
    if (free === 0) continue;
    const port = word * 32 + 31 - Math.clz32(free & -free);
    return port <= last ? port : -1;
  }
  return -1;
}

function keyOf(protocol: number, address: number): number {
  return address * 256 + protocol;
}
