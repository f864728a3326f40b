import type { BindingTable } from './bindings.ts';
import { finishHash, HashSlots, mixHash } from './hash-slots.ts';

/** Lifetimes of RFC 6146 section 4. Each session is in the list of one of them. */
export const TIMER = { udp: 0, icmp: 1, established: 2, transitory: 3, incomingSyn: 4 } as const;
const TIMERS = 5;

/**
 * Session tables of all protocols (RFC 6146 section 3.2) in columns. A session belongs to a binding, so its key is (binding, IPv4 peer, peer's
 * port). Every lifetime is one of five, and lab time does not go back: each lifetime has a list with the session heard of longest ago
 * first, and expiry looks at list heads only. 56 bytes an entry with the hash table.
 */
export class SessionTable {
  readonly capacity: number;
  readonly binding: Int32Array;
  readonly peer4: Uint32Array;
  readonly peerPort: Uint16Array;
  readonly state: Uint8Array;
  readonly timer: Uint8Array;
  /** Index in pool6 of the prefix the peer is under for the inside. */
  readonly prefix: Uint8Array;
  /** Last time that counts for the lifetime, lab nanoseconds. */
  readonly sinceNs: Float64Array;
  readonly packets: Uint32Array;
  count = 0;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly nextOfBinding: Int32Array;
  private readonly previousOfBinding: Int32Array;
  private readonly heads = new Int32Array(TIMERS).fill(-1);
  private readonly tails = new Int32Array(TIMERS).fill(-1);
  private readonly index: HashSlots;
  private readonly bindings: BindingTable;
  /** First free entry; the chain of them is in `next`. */
  private free = 0;

  constructor(capacity: number, bindings: BindingTable) {
    this.capacity = capacity;
    this.bindings = bindings;
    this.binding = new Int32Array(capacity).fill(-1);
    this.peer4 = new Uint32Array(capacity);
    this.peerPort = new Uint16Array(capacity);
    this.state = new Uint8Array(capacity);
    this.timer = new Uint8Array(capacity);
    this.prefix = new Uint8Array(capacity);
    this.sinceNs = new Float64Array(capacity);
    this.packets = new Uint32Array(capacity);
    this.next = Int32Array.from({ length: capacity }, (_, i) => (i + 1 < capacity ? i + 1 : -1));
    this.previous = new Int32Array(capacity).fill(-1);
    this.nextOfBinding = new Int32Array(capacity).fill(-1);
    this.previousOfBinding = new Int32Array(capacity).fill(-1);
    this.index = new HashSlots(capacity);
  }

  get bytes(): number {
    return this.capacity * (4 + 4 + 2 + 1 + 1 + 1 + 8 + 4 + 16 + 4) + this.index.slots.length * 4;
  }

  find(binding: number, peer4: number, peerPort: number): number {
    const { slots, mask } = this.index;
    let at = finishHash(mixHash(mixHash(binding, peer4), peerPort)) & mask;
    for (let e = slots[at]!; e >= 0; e = slots[at]!) {
      if (this.binding[e] === binding && this.peer4[e] === peer4 && this.peerPort[e] === peerPort) return e;
      at = (at + 1) & mask;
    }
    return -1;
  }

  /** True if the binding has a session with this peer, on any port (address-dependent filtering). */
  knows(binding: number, peer4: number): boolean {
    for (let e = this.bindings.head[binding]!; e >= 0; e = this.nextOfBinding[e]!) if (this.peer4[e] === peer4) return true;
    return false;
  }

  /** New session, or -1 where the table is full. */
  add(binding: number, peer4: number, peerPort: number, prefix: number, state: number, timer: number, nowNs: number): number {
    const e = this.free;
    if (e < 0) return -1;
    this.free = this.next[e]!;
    this.binding[e] = binding;
    this.peer4[e] = peer4;
    this.peerPort[e] = peerPort;
    this.prefix[e] = prefix;
    this.state[e] = state;
    this.packets[e] = 0;
    this.index.insert(e, finishHash(mixHash(mixHash(binding, peer4), peerPort)));
    const head = this.bindings.head[binding]!;
    this.nextOfBinding[e] = head;
    this.previousOfBinding[e] = -1;
    if (head >= 0) this.previousOfBinding[head] = e;
    this.bindings.head[binding] = e;
    this.bindings.sessions[binding] = this.bindings.sessions[binding]! + 1;
    this.append(e, timer, nowNs);
    this.count++;
    return e;
  }

  remove(e: number): void {
    const binding = this.binding[e]!;
    this.unlink(e);
    this.index.remove(e);
    const before = this.previousOfBinding[e]!;
    const after = this.nextOfBinding[e]!;
    if (before >= 0) this.nextOfBinding[before] = after;
    else this.bindings.head[binding] = after;
    if (after >= 0) this.previousOfBinding[after] = before;
    this.bindings.sessions[binding] = this.bindings.sessions[binding]! - 1;
    this.binding[e] = -1;
    this.next[e] = this.free;
    this.free = e;
    this.count--;
  }

  /** Restarts the lifetime, with another one where `timer` differs. */
  touch(e: number, timer: number, nowNs: number): void {
    this.unlink(e);
    this.append(e, timer, nowNs);
  }

  /** The session heard of longest ago in a lifetime's list, -1 for none. */
  oldest(timer: number): number {
    return this.heads[timer]!;
  }

  private append(e: number, timer: number, nowNs: number): void {
    const tail = this.tails[timer]!;
    this.timer[e] = timer;
    this.sinceNs[e] = nowNs;
    this.previous[e] = tail;
    this.next[e] = -1;
    if (tail >= 0) this.next[tail] = e;
    else this.heads[timer] = e;
    this.tails[timer] = e;
  }

  private unlink(e: number): void {
    const timer = this.timer[e]!;
    const before = this.previous[e]!;
    const after = this.next[e]!;
    if (before >= 0) this.next[before] = after;
    else this.heads[timer] = after;
    if (after >= 0) this.previous[after] = before;
    else this.tails[timer] = before;
  }
}
