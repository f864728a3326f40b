import { putU32, u32 } from '../base/index.ts';
import { alignedBuffer } from '../wire/index.ts';
import { addToHash, endHash, HashSlots, NUMBER_MASK, TAG_MASK } from './hash-slots.ts';
import type { RestingPorts } from './resting-ports.ts';
import { SubscriberCounts } from './subscriber-counts.ts';
import { UsedPorts } from './used-ports.ts';

/** Words of an entry: half a cache line. */
const WORDS = 8;
const PORTS = 4;
const ADDRESS4 = 5;
const KIND = 6;
const HEAD = 7;

const FIXED_BIT = 0x80;
const PROTOCOL_MASK = 0x7f;
/** The number of sessions stands above protocol and flag. */
const SESSIONS_SHIFT = 8;

/** Ports tried on an address before its ports are kept as bits. */
const LONG_SEARCH = 256;

/** Above this many entries a table is worth memory of its own that begins on a cache line. */
export const ALIGN_FROM_ENTRIES = 65_536;

/**
 * Binding information bases of all protocols (RFC 6146 section 3.1): (protocol, IPv6 address, port) and (protocol, IPv4 address,
 * port), found by either. A port is an identifier for ICMP. An entry is 32 bytes, 48 to 64 with both hash tables (49 at a million):
 *
 *   word 0..3  IPv6 address       4  IPv6 port << 16 | IPv4 port       5  IPv4 address
 *   6  sessions << 8 | static << 7 | protocol (1, 6, 17; 0 for a free entry)
 *   7  first session, -1 for none; of a free entry the next free one
 */
export class BindingTable {
  readonly capacity: number;
  count = 0;
  /** Entries that have been used so far: later ones are free. */
  used = 0;
  private readonly words: Int32Array;
  private readonly by6: HashSlots;
  private readonly by4: HashSlots;
  private free = -1;
  private readonly usedPorts = new UsedPorts();
  /** Bindings of each host, from the first time that somebody asks. */
  private hosts: SubscriberCounts | undefined;
  private resting: RestingPorts | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
    const bytes = capacity * WORDS * 4;
    this.words = new Int32Array(capacity > ALIGN_FROM_ENTRIES ? alignedBuffer(bytes) : new ArrayBuffer(bytes), 0, capacity * WORDS);
    this.by6 = new HashSlots(capacity, (e) => this.hash6(e));
    this.by4 = new HashSlots(capacity, (e) => hash4(this.protocol(e), this.words[e * WORDS + ADDRESS4]!, this.port4(e)));
  }

  get bytes(): number {
    return this.words.byteLength + this.by6.slots.byteLength + this.by4.slots.byteLength;
  }

  /** Slots that a lookup reads at most. For tests. */
  longestSearch(): number {
    return Math.max(this.by6.longestRun(), this.by4.longestRun());
  }

  /** Word `i` of the IPv6 address, signed. */
  word6(e: number, i: number): number {
    return this.words[e * WORDS + i]!;
  }

  port6(e: number): number {
    return this.words[e * WORDS + PORTS]! >>> 16;
  }

  port4(e: number): number {
    return this.words[e * WORDS + PORTS]! & 0xffff;
  }

  address4(e: number): number {
    return this.words[e * WORDS + ADDRESS4]! >>> 0;
  }

  /** 1, 6 or 17; 0 where there is no binding. */
  protocol(e: number): number {
    return this.words[e * WORDS + KIND]! & PROTOCOL_MASK;
  }

  /** A static one: it stays without sessions. */
  fixed(e: number): boolean {
    return (this.words[e * WORDS + KIND]! & FIXED_BIT) !== 0;
  }

  sessions(e: number): number {
    return this.words[e * WORDS + KIND]! >>> SESSIONS_SHIFT;
  }

  /** First of its sessions, -1 for none. */
  head(e: number): number {
    return this.words[e * WORDS + HEAD]!;
  }

  /** A session came (`change` 1) or went (-1), and `head` is the first one now. */
  setSessions(e: number, change: 1 | -1, head: number): void {
    const at = e * WORDS;
    this.words[at + KIND] = this.words[at + KIND]! + (change << SESSIONS_SHIFT);
    this.words[at + HEAD] = head;
  }

  setHead(e: number, head: number): void {
    this.words[e * WORDS + HEAD] = head;
  }

  private hash6(e: number): number {
    const at = e * WORDS;
    const { words } = this;
    return hash6(this.protocol(e), words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, this.port6(e));
  }

  find6(protocol: number, b: Uint8Array, o: number, port: number): number {
    const { words } = this;
    const { slots, mask } = this.by6;
    const w0 = u32(b, o) | 0;
    const w1 = u32(b, o + 4) | 0;
    const w2 = u32(b, o + 8) | 0;
    const w3 = u32(b, o + 12) | 0;
    const hash = hash6(protocol, w0, w1, w2, w3, port);
    for (let s = hash & mask; ; s = (s + 1) & mask) {
      const slot = slots[s]!;
      if (slot === 0) return -1;
      if (((slot ^ hash) & TAG_MASK) !== 0) continue;
      const e = (slot & NUMBER_MASK) - 1;
      const at = e * WORDS;
      if (words[at] !== w0 || words[at + 1] !== w1 || words[at + 2] !== w2 || words[at + 3] !== w3) continue;
      if (words[at + PORTS]! >>> 16 === port && (words[at + KIND]! & PROTOCOL_MASK) === protocol) return e;
    }
  }

  find4(protocol: number, address: number, port: number): number {
    const { words } = this;
    const { slots, mask } = this.by4;
    const v4 = address | 0;
    const hash = hash4(protocol, v4, port);
    for (let s = hash & mask; ; s = (s + 1) & mask) {
      const slot = slots[s]!;
      if (slot === 0) return -1;
      if (((slot ^ hash) & TAG_MASK) !== 0) continue;
      const e = (slot & NUMBER_MASK) - 1;
      const at = e * WORDS;
      if (words[at + ADDRESS4] !== v4) continue;
      if ((words[at + PORTS]! & 0xffff) === port && (words[at + KIND]! & PROTOCOL_MASK) === protocol) return e;
    }
  }

  /** True if the host at `o` has a binding. The first question counts the bindings of all hosts, 20 to 50 bytes for each host from then on. */
  holdsHost(b: Uint8Array, o: number): boolean {
    if (this.hosts === undefined) {
      this.hosts = new SubscriberCounts(this.capacity, 128);
      for (let e = 0; e < this.used; e++) if (this.protocol(e) !== 0) this.hosts.add((i) => this.word6(e, i));
    }
    return this.hosts.of((i) => u32(b, o + 4 * i)) > 0;
  }

  /**
   * Among the ports `low + ((from + i) % count) * step` of an address, where `step` is 1 or 2, a number `i` from `start` on before which all are used or at rest;
   * `count` where no port is left. A search that comes far makes the address one whose ports are kept as bits.
   */
  nextPort(protocol: number, address: number, low: number, step: number, count: number, from: number, start: number): number {
    const { usedPorts, resting } = this;
    if (!usedPorts.has(protocol, address)) {
      if (start < LONG_SEARCH) return start;
      const taken = (port: number): boolean => this.find4(protocol, address, port) >= 0 || resting?.holds(protocol, address, port) === true;
      usedPorts.begin(protocol, address, taken);
    }
    return usedPorts.nextFree(protocol, address, low, step, count, from, start);
  }

  /** True where nextPort passes by the ports at rest of the address, those of the same subscriber among them. */
  passesResting(protocol: number, address: number): boolean {
    return this.usedPorts.has(protocol, address) && (this.resting?.countOn(protocol, address) ?? 0) > 0;
  }

  /** Ports of ended bindings rest there before they are free. */
  rest(resting: RestingPorts): void {
    this.resting = resting;
    resting.onEnd = (protocol, address, port) => {
      this.freed(protocol, address, port);
    };
  }

  /** No binding has the port, or its rest is over: it is free where neither holds it. */
  private freed(protocol: number, address: number, port: number): void {
    if (!this.usedPorts.has(protocol, address)) return;
    if (this.find4(protocol, address, port) >= 0 || this.resting?.holds(protocol, address, port) === true) return;
    this.usedPorts.set(protocol, address, port, false);
  }

  /** New binding, or -1 where the table is full. The caller has made sure that neither side is in use. */
  add(protocol: number, b: Uint8Array, o: number, port6: number, address4: number, port4: number, fixed: boolean): number {
    const { words } = this;
    const e = this.free >= 0 ? this.free : this.used;
    if (e >= this.capacity) return -1;
    const at = e * WORDS;
    if (this.free >= 0) this.free = words[at + HEAD]!;
    else this.used++;
    for (let i = 0; i < 4; i++) words[at + i] = u32(b, o + 4 * i);
    words[at + PORTS] = (port6 << 16) | port4;
    words[at + ADDRESS4] = address4;
    words[at + KIND] = protocol | (fixed ? FIXED_BIT : 0);
    words[at + HEAD] = -1;
    this.by6.insert(e, this.hash6(e));
    this.by4.insert(e, hash4(protocol, address4 | 0, port4));
    this.usedPorts.set(protocol, address4, port4, true);
    this.hosts?.add((i) => words[at + i]!);
    this.count++;
    return e;
  }

  remove(e: number): void {
    this.by6.remove(e);
    this.by4.remove(e);
    this.freed(this.protocol(e), this.address4(e), this.port4(e));
    this.hosts?.remove((i) => this.word6(e, i));
    this.words[e * WORDS + KIND] = 0;
    this.words[e * WORDS + HEAD] = this.free;
    this.free = e;
    this.count--;
  }

  /** Writes the IPv6 address of binding `e`. */
  write6(e: number, out: Uint8Array, o: number): void {
    const at = e * WORDS;
    for (let i = 0; i < 4; i++) putU32(out, o + 4 * i, this.words[at + i]!);
  }
}

/** Words signed. */
function hash6(protocol: number, w0: number, w1: number, w2: number, w3: number, port: number): number {
  return endHash(addToHash(addToHash(addToHash(addToHash(addToHash(protocol, w0), w1), w2), w3), port));
}

function hash4(protocol: number, address: number, port: number): number {
  return endHash(addToHash(addToHash(protocol, address), port));
}
