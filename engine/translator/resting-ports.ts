import { addToHash, endHash, finishHash, HashSlots, mixHash, NUMBER_MASK, TAG_MASK } from './hash-slots.ts';
import { mask4 } from './prefix64.ts';

/** Words of an entry: IPv4 address, protocol << 16 | port, hash of the subscriber. */
const WORDS = 3;
/** No subscriber has this number: theirs have 32 bits. */
const NOBODY = 2 ** 32;

/**
 * External ports that are free again and rest (RFC 6888 REQ-8): what a peer still sends to the old mapping must not reach another subscriber. All rest
 * equally long and go nearly in the order they came; where as many rest as may, the first one ends early. A port that its own subscriber has
 * taken again may be in here twice. Memory comes with the first port: 40 to 56 bytes for each that may rest, and
 * a number for each address and subscriber that has some.
 */
export class RestingPorts {
  count = 0;
  /** Ports that ended early because as many rested as may. */
  cutShort = 0;
  /** Hears of each port whose rest ended, after it did. */
  onEnd: ((protocol: number, address: number, port: number) => void) | undefined;
  private readonly capacity: number;
  private readonly restNs: number;
  private readonly masks: readonly number[];
  private head = 0;
  private words = new Int32Array(0);
  private ends = new Float64Array(0);
  private index = new HashSlots(0, () => 0);
  /** Ports on each address, and of each subscriber on each address, by hash. */
  private readonly counts = new Map<number, number>();

  constructor(maxPorts: number, restNs: number, prefixBits: number) {
    this.capacity = restNs > 0 ? maxPorts : 0;
    this.restNs = restNs;
    this.masks = [0, 1, 2, 3].map((i) => mask4(Math.max(0, Math.min(32, prefixBits - 32 * i))));
  }

  /** Number of the subscriber whose IPv6 address has these words. Two of them have the same one once in four thousand million times. */
  subscriber(word: (i: number) => number): number {
    let h = 0;
    for (let i = 0; i < 4; i++) h = mixHash(h, word(i) & this.masks[i]!);
    return finishHash(h) | 0;
  }

  /** The port is free since then. */
  add(protocol: number, address: number, port: number, subscriber: number, sinceNs: number): void {
    if (this.capacity === 0) return;
    if (this.ends.length === 0) this.allocate();
    this.expire(sinceNs);
    if (this.count >= this.capacity) {
      this.cutShort++;
      this.removeFirst();
    }
    const e = (this.head + this.count++) % this.capacity;
    this.words[e * WORDS] = address;
    this.words[e * WORDS + 1] = (protocol << 16) | port;
    this.words[e * WORDS + 2] = subscriber;
    this.ends[e] = sinceNs + this.restNs;
    this.index.insert(e, this.hash(e));
    this.counted(e, 1);
  }

  /** Ports of the protocol on the address. */
  countOn(protocol: number, address: number): number {
    return this.counts.get(addressKey(protocol, address)) ?? 0;
  }

  /** False where no port of the subscriber rests on the address. */
  mayHaveOf(protocol: number, address: number, subscriber: number): boolean {
    return this.counts.has(subscriberKey(protocol, address, subscriber));
  }

  private counted(e: number, change: 1 | -1): void {
    const w = e * WORDS;
    const protocol = this.words[w + 1]! >>> 16;
    const address = this.words[w]! >>> 0;
    for (const key of [addressKey(protocol, address), subscriberKey(protocol, address, this.words[w + 2]!)]) {
      const count = (this.counts.get(key) ?? 0) + change;
      if (count === 0) this.counts.delete(key);
      else this.counts.set(key, count);
    }
  }

  /** True where the port rests, whose ever it was. */
  holds(protocol: number, address: number, port: number): boolean {
    return this.restsFor(protocol, address, port, NOBODY, Number.NEGATIVE_INFINITY);
  }

  /** True where the port rests and was that of another subscriber. */
  restsFor(protocol: number, address: number, port: number, subscriber: number, nowNs: number): boolean {
    if (this.count === 0) return false;
    const { words } = this;
    const { slots, mask } = this.index;
    const kind = (protocol << 16) | port;
    const hash = hashOf(address | 0, kind);
    for (let at = hash & mask, slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      at = (at + 1) & mask;
      if (((slot ^ hash) & TAG_MASK) !== 0) continue;
      const e = (slot & NUMBER_MASK) - 1;
      const w = e * WORDS;
      if (words[w] !== (address | 0) || words[w + 1] !== kind || words[w + 2] === subscriber) continue;
      if (this.ends[e]! > nowNs) return true;
    }
    return false;
  }

  /** Forgets those whose time is over, up to the first one whose time is not. */
  expire(nowNs: number): void {
    while (this.count > 0 && this.ends[this.head]! <= nowNs) this.removeFirst();
  }

  private removeFirst(): void {
    const first = this.head;
    this.index.remove(first);
    this.counted(first, -1);
    this.head = (first + 1) % this.capacity;
    this.count--;
    const kind = this.words[first * WORDS + 1]!;
    this.onEnd?.(kind >>> 16, this.words[first * WORDS]! >>> 0, kind & 0xffff);
  }

  private allocate(): void {
    this.words = new Int32Array(this.capacity * WORDS);
    this.ends = new Float64Array(this.capacity);
    this.index = new HashSlots(this.capacity, (e) => this.hash(e));
  }

  private hash(e: number): number {
    return hashOf(this.words[e * WORDS]!, this.words[e * WORDS + 1]!);
  }
}

function hashOf(address: number, kind: number): number {
  return endHash(addToHash(addToHash(0, address), kind));
}

function addressKey(protocol: number, address: number): number {
  return address * 256 + protocol;
}

/** Not the key of an address. */
function subscriberKey(protocol: number, address: number, subscriber: number): number {
  return -1 - finishHash(mixHash(mixHash(mixHash(0, address), protocol), subscriber));
}
