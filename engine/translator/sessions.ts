import type { Nat64Spec } from '../contract/index.ts';
import { alignedBuffer } from '../wire/index.ts';
import { ALIGN_FROM_ENTRIES, type BindingTable } from './bindings.ts';
import { ExpiryWheel } from './expiry.ts';
import { HashSlots, NUMBER_MASK, slotsOf, TAG_MASK, type TableMemory } from './hash-slots.ts';
import { hash4, hash6, likely } from './session-hash.ts';
import {
  ADDRESS4,
  BINDING,
  BINDING_MASK,
  ENDING_FLAGS,
  ESTABLISHED,
  KIND,
  KIND_KEY_MASK,
  NEXT,
  NEXT_OF_BINDING,
  PACKETS,
  PEER4,
  PLAIN_BIT,
  PORTS,
  PREFIX_SHIFT,
  PREVIOUS,
  PREVIOUS_OF_BINDING,
  PROTOCOL_MASK,
  SESSION_WORDS,
  SINCE,
  STATE_SHIFT,
  TIMER_SHIFT,
} from './session-layout.ts';

/** Lifetimes of RFC 6146 section 4. Each session runs out with one of them. */
export const TIMER = { udp: 0, icmp: 1, established: 2, transitory: 3, incomingSyn: 4 } as const;

const NS = 1e9;

/** In the order of TIMER. */
export function lifetimesNs(timers: Nat64Spec['timers']): readonly number[] {
  return [timers.udpS, timers.icmpS, timers.tcpEstablishedS, timers.tcpTransitoryS, timers.tcpIncomingSynS].map((s) => s * NS);
}

/** First state in which both ends have opened (see tcp-state.ts). */
const TCP_OPENED = 3;
const UDP = 17;

/** Words that the tables of `capacity` sessions take of a TableMemory, in three pieces. */
export function sessionTableWords(capacity: number): number {
  return capacity * SESSION_WORDS + 2 * slotsOf(capacity);
}

function ownMemory(words: number): Int32Array {
  return new Int32Array(words > ALIGN_FROM_ENTRIES * SESSION_WORDS ? alignedBuffer(words * 4) : new ArrayBuffer(words * 4), 0, words);
}

/** Entries (see session-layout.ts), and the slots of the hash tables by the inside and by the outside: powers of two of them. */
export interface SessionTables {
  readonly words: Int32Array;
  readonly slots6: Int32Array;
  readonly slots4: Int32Array;
}

/**
 * Session tables of all protocols (RFC 6146 section 3.2). An entry is 64 bytes and holds all that a packet needs, both addresses and ports inside
 * and outside among it, so that translation of a known session reads one slot and one cache line, in either direction.
 * 80 to 96 bytes with both hash tables (81 at a million), and 4 for each one whose end is near.
 *
 *   word 0..3  IPv6 address inside      4  IPv6 port << 16 | peer's port      5  IPv4 peer      6  IPv4 address
 *   7  IPv4 port << 16 | lifetime << 12 | TCP state << 8 | protocol (1, 6, 17)
 *   8  index in pool6 of the prefix the peer is under for the inside << 24 | plain << 23 | binding + 1; 0 for a free entry
 *   9  packets       10..11  float: last time that counts for the lifetime, lab nanoseconds
 *   12, 13  links of the lifetime's wheel; 12 of a free entry is the next free one + 1       14, 15  links of the binding's sessions
 */
export class SessionTable {
  readonly capacity: number;
  count = 0;
  /** Entries that have been used so far: later ones are free. */
  used = 0;
  /** No session ends before this time. */
  nextEndNs = Number.POSITIVE_INFINITY;
  private readonly words: Int32Array;
  private readonly times: Float64Array;
  private readonly by6: HashSlots;
  private readonly by4: HashSlots;
  private readonly bindings: BindingTable;
  private readonly wheels: readonly ExpiryWheel[];
  /** First free entry + 1; the chain of them is in NEXT. */
  private free = 0;

  /** `lifetimes` in the order of TIMER. */
  constructor(capacity: number, bindings: BindingTable, lifetimes: readonly number[], memory?: TableMemory) {
    this.capacity = capacity;
    this.bindings = bindings;
    this.words = (memory ?? ownMemory)(capacity * SESSION_WORDS);
    this.times = new Float64Array(this.words.buffer, this.words.byteOffset, this.words.length / 2);
    this.by6 = new HashSlots(capacity, (e) => this.hash6(e), memory);
    this.by4 = new HashSlots(capacity, (e) => this.hash4(e), memory);
    const layout = { words: this.words, times: this.times, stride: SESSION_WORDS, next: NEXT, previous: PREVIOUS, since: SINCE };
    this.wheels = lifetimes.map((lifetime) => new ExpiryWheel(layout, lifetime));
  }

  /** What a kernel works on. */
  get tables(): SessionTables {
    return { words: this.words, slots6: this.by6.slots, slots4: this.by4.slots };
  }

  get bytes(): number {
    const wheels = this.wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
    return this.words.byteLength + this.by6.slots.byteLength + this.by4.slots.byteLength + wheels;
  }

  /** Slots that a lookup reads at most. For tests. */
  longestSearch(): number {
    return Math.max(this.by6.longestRun(), this.by4.longestRun());
  }

  /** Its binding; -1 where there is no session. */
  binding(e: number): number {
    return e >= 0 && e < this.used ? (this.words[e * SESSION_WORDS + BINDING]! & BINDING_MASK) - 1 : -1;
  }

  /** Index in pool6 of the prefix the peer is under for the inside. */
  prefix(e: number): number {
    return this.words[e * SESSION_WORDS + BINDING]! >>> PREFIX_SHIFT;
  }

  /** Unsigned. */
  peer4(e: number): number {
    return this.words[e * SESSION_WORDS + PEER4]! >>> 0;
  }

  peerPort(e: number): number {
    return this.words[e * SESSION_WORDS + PORTS]! & 0xffff;
  }

  /** Of the host inside. */
  port6(e: number): number {
    return this.words[e * SESSION_WORDS + PORTS]! >>> 16;
  }

  /** Outside, unsigned. */
  address4(e: number): number {
    return this.words[e * SESSION_WORDS + ADDRESS4]! >>> 0;
  }

  port4(e: number): number {
    return this.words[e * SESSION_WORDS + KIND]! >>> 16;
  }

  /** Word `i` of the IPv6 address inside, signed. */
  word6(e: number, i: number): number {
    return this.words[e * SESSION_WORDS + i]!;
  }

  /** No rule but its own concerns packets of this session: the mapper said so when it made it. */
  plain(e: number): boolean {
    return (this.words[e * SESSION_WORDS + BINDING]! & PLAIN_BIT) !== 0;
  }

  setPlain(e: number): void {
    this.words[e * SESSION_WORDS + BINDING]! |= PLAIN_BIT;
  }

  /** One of TCP_STATE. */
  state(e: number): number {
    return (this.words[e * SESSION_WORDS + KIND]! >>> STATE_SHIFT) & 15;
  }

  setState(e: number, state: number): void {
    const at = e * SESSION_WORDS + KIND;
    this.words[at] = (this.words[at]! & ~(15 << STATE_SHIFT)) | (state << STATE_SHIFT);
  }

  timer(e: number): number {
    return (this.words[e * SESSION_WORDS + KIND]! >>> TIMER_SHIFT) & 15;
  }

  packets(e: number): number {
    return this.words[e * SESSION_WORDS + PACKETS]! >>> 0;
  }

  countPacket(e: number): void {
    const at = e * SESSION_WORDS + PACKETS;
    this.words[at] = this.words[at]! + 1;
  }

  /**
   * A packet of the most frequent kind: UDP, or TCP of an established session whose flags change nothing. Counts it and restarts the lifetime, or
   * returns false and has done nothing.
   */
  goesOn(e: number, flags: number, nowNs: number): boolean {
    const { words } = this;
    const at = e * SESSION_WORDS;
    const kind = words[at + KIND]!;
    if ((kind & 0xffff) === ESTABLISHED ? (flags & ENDING_FLAGS) !== 0 : (kind & PROTOCOL_MASK) !== UDP) return false;
    words[at + PACKETS] = words[at + PACKETS]! + 1;
    this.times[at / 2 + SINCE] = nowNs;
    return true;
  }

  /** When it ends if nothing more comes, lab nanoseconds. */
  endNs(e: number): number {
    return this.times[(e * SESSION_WORDS) / 2 + SINCE]! + this.wheels[this.timer(e)]!.lifetimeNs;
  }

  private hash6(e: number): number {
    const { words } = this;
    const at = e * SESSION_WORDS;
    const protocol = words[at + KIND]! & PROTOCOL_MASK;
    return hash6(protocol, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, words[at + PORTS]!, words[at + PEER4]!);
  }

  private hash4(e: number): number {
    const { words } = this;
    const at = e * SESSION_WORDS;
    return hash4(words[at + KIND]! & KIND_KEY_MASK, words[at + ADDRESS4]!, words[at + PEER4]!, words[at + PORTS]! & 0xffff);
  }

  /** By the inside: the words of the IPv6 address signed, `ports` the inside's << 16 | the peer's, `peer4` signed. -1 where there is none. */
  find6(protocol: number, w0: number, w1: number, w2: number, w3: number, ports: number, peer4: number): number {
    const { slots, mask } = this.by6;
    const hash = hash6(protocol, w0, w1, w2, w3, ports, peer4);
    for (let s = hash & mask; ; s = (s + 1) & mask) {
      const slot = slots[s]!;
      if (slot === 0) return -1;
      if (((slot ^ hash) & TAG_MASK) !== 0) continue;
      const e = (slot & NUMBER_MASK) - 1;
      if (this.is6(e, protocol, w0, w1, w2, w3, ports, peer4)) return e;
    }
  }

  /** Entry `e` has what find6 looks for; one that is free may still have it. */
  is6(e: number, protocol: number, w0: number, w1: number, w2: number, w3: number, ports: number, peer4: number): boolean {
    const { words } = this;
    const at = e * SESSION_WORDS;
    if (words[at + PORTS] !== ports || words[at + PEER4] !== peer4 || words[at + 3] !== w3 || words[at + 2] !== w2) return false;
    return words[at + 1] === w1 && words[at] === w0 && (words[at + KIND]! & PROTOCOL_MASK) === protocol;
  }

  /** By the outside: addresses signed or not. -1 where there is none. */
  find4(protocol: number, address4: number, port4: number, peer4: number, peerPort: number): number {
    const { slots, mask } = this.by4;
    const kind = (port4 << 16) | protocol;
    const address = address4 | 0;
    const peer = peer4 | 0;
    const hash = hash4(kind, address, peer, peerPort);
    for (let s = hash & mask; ; s = (s + 1) & mask) {
      const slot = slots[s]!;
      if (slot === 0) return -1;
      if (((slot ^ hash) & TAG_MASK) !== 0) continue;
      const e = (slot & NUMBER_MASK) - 1;
      if (this.is4(e, kind, address, peer, peerPort)) return e;
    }
  }

  /** Entry `e` has what find4 looks for, with port << 16 | protocol in one word and signed addresses; one that is free may still have it. */
  is4(e: number, kind: number, address4: number, peer4: number, peerPort: number): boolean {
    const { words } = this;
    const at = e * SESSION_WORDS;
    if (words[at + PEER4] !== peer4 || words[at + ADDRESS4] !== address4) return false;
    return (words[at + KIND]! & KIND_KEY_MASK) === kind && (words[at + PORTS]! & 0xffff) === peerPort;
  }

  /** What find6 with these words looks for, as a hash for `likely6`. */
  hashFor6(protocol: number, w0: number, w1: number, w2: number, w3: number, ports: number, peer4: number): number {
    return hash6(protocol, w0, w1, w2, w3, ports, peer4);
  }

  /** As hashFor6 for find4 and `likely4`, with signed addresses. */
  hashFor4(protocol: number, address4: number, port4: number, peer4: number, peerPort: number): number {
    return hash4((port4 << 16) | protocol, address4, peer4, peerPort);
  }

  /**
   * Puts in place of the first `count` hashes the entries that find6 will most likely give, without looking at them; 0 where there is none. With
   * `readAhead` over what it said, the cache misses of many packets overlap.
   */
  likely6(hashes: Int32Array, count: number): void {
    likely(this.by6, hashes, count);
  }

  /** As likely6 for find4. */
  likely4(hashes: Int32Array, count: number): void {
    likely(this.by4, hashes, count);
  }

  /** Reads the first `count` of these entries, so that they are near when they are wanted. Returns something that depends on all of them. */
  readAhead(entries: Int32Array, count: number): number {
    const { words } = this;
    let read = 0;
    for (let i = 0; i < count; i++) read ^= words[entries[i]! * SESSION_WORDS + KIND]!;
    return read;
  }

  /** The session of a binding with this peer, -1 for none. */
  find(binding: number, peer4: number, peerPort: number): number {
    const { bindings } = this;
    return this.find4(bindings.protocol(binding), bindings.address4(binding), bindings.port4(binding), peer4, peerPort);
  }

  /** True if the binding has a session with this peer, on any port (address-dependent filtering). */
  knows(binding: number, peer4: number): boolean {
    const peer = peer4 | 0;
    for (let e = this.bindings.head(binding); e >= 0; e = this.words[e * SESSION_WORDS + NEXT_OF_BINDING]!) {
      if (this.words[e * SESSION_WORDS + PEER4] === peer) return true;
    }
    return false;
  }

  /** Sessions of a binding that both ends have opened. */
  countOpened(binding: number): number {
    let count = 0;
    for (let e = this.bindings.head(binding); e >= 0; e = this.words[e * SESSION_WORDS + NEXT_OF_BINDING]!) {
      if (this.state(e) >= TCP_OPENED) count++;
    }
    return count;
  }

  /** New session, or -1 where the table is full. */
  add(binding: number, peer4: number, peerPort: number, prefix: number, state: number, timer: number, nowNs: number): number {
    const { words, bindings } = this;
    const e = this.free > 0 ? this.free - 1 : this.used;
    if (e >= this.capacity) return -1;
    const at = e * SESSION_WORDS;
    if (this.free > 0) this.free = words[at + NEXT]!;
    else this.used++;
    for (let i = 0; i < 4; i++) words[at + i] = bindings.word6(binding, i);
    words[at + PORTS] = (bindings.port6(binding) << 16) | peerPort;
    words[at + PEER4] = peer4;
    words[at + ADDRESS4] = bindings.address4(binding);
    words[at + KIND] = (bindings.port4(binding) << 16) | (timer << TIMER_SHIFT) | (state << STATE_SHIFT) | bindings.protocol(binding);
    words[at + BINDING] = (prefix << PREFIX_SHIFT) | (binding + 1);
    words[at + PACKETS] = 0;
    this.by6.insert(e, this.hash6(e));
    this.by4.insert(e, this.hash4(e));
    this.joinBinding(e, binding);
    this.times[at / 2 + SINCE] = nowNs;
    this.link(e, timer);
    this.count++;
    return e;
  }

  private joinBinding(e: number, binding: number): void {
    const { words, bindings } = this;
    const head = bindings.head(binding);
    words[e * SESSION_WORDS + NEXT_OF_BINDING] = head;
    words[e * SESSION_WORDS + PREVIOUS_OF_BINDING] = -1;
    if (head >= 0) words[head * SESSION_WORDS + PREVIOUS_OF_BINDING] = e;
    bindings.setSessions(binding, 1, e);
  }

  private leaveBinding(e: number, binding: number): void {
    const { words, bindings } = this;
    const before = words[e * SESSION_WORDS + PREVIOUS_OF_BINDING]!;
    const after = words[e * SESSION_WORDS + NEXT_OF_BINDING]!;
    if (before >= 0) words[before * SESSION_WORDS + NEXT_OF_BINDING] = after;
    if (after >= 0) words[after * SESSION_WORDS + PREVIOUS_OF_BINDING] = before;
    bindings.setSessions(binding, -1, before >= 0 ? bindings.head(binding) : after);
  }

  remove(e: number): void {
    const { words } = this;
    this.wheels[this.timer(e)]!.unlink(e);
    this.by6.remove(e);
    this.by4.remove(e);
    this.leaveBinding(e, this.binding(e));
    words[e * SESSION_WORDS + BINDING] = 0;
    words[e * SESSION_WORDS + NEXT] = this.free;
    this.free = e + 1;
    this.count--;
  }

  /** Restarts the lifetime, with another one where `timer` differs. Time is that of all calls: it does not go back. */
  touch(e: number, timer: number, nowNs: number): void {
    this.times[(e * SESSION_WORDS) / 2 + SINCE] = nowNs;
    const before = this.timer(e);
    if (timer === before) return;
    this.wheels[before]!.unlink(e);
    this.words[e * SESSION_WORDS + KIND] = (this.words[e * SESSION_WORDS + KIND]! & ~(15 << TIMER_SHIFT)) | (timer << TIMER_SHIFT);
    this.link(e, timer);
  }

  private link(e: number, timer: number): void {
    const wheel = this.wheels[timer]!;
    wheel.link(e);
    this.nextEndNs = Math.min(this.nextEndNs, wheel.nextNs());
  }

  /**
   * The session that ended first of those with this lifetime that have ended by `nowNs`, -1 for none; of two that ended at once the one with the lower
   * number. The caller removes it or gives it another lifetime, and asks again until there is none for any lifetime; then it
   * calls `rearm`.
   */
  takeEnded(timer: number, nowNs: number): number {
    const wheel = this.wheels[timer]!;
    for (;;) {
      const e = wheel.takeDue(nowNs);
      if (e < 0) return -1;
      // What is linked, or gone, or runs out otherwise has left this wheel since.
      if (this.binding(e) < 0 || this.timer(e) !== timer || wheel.isLinked(e)) continue;
      if (this.endNs(e) <= nowNs) return e;
      wheel.link(e);
    }
  }

  rearm(): void {
    this.nextEndNs = this.wheels.reduce((least, wheel) => Math.min(least, wheel.nextNs()), Number.POSITIVE_INFINITY);
  }
}
