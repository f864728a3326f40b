import { u32 } from '../base/index.ts';
import { finishHash, HashSlots, mixHash } from './hash-slots.ts';

/**
 * Binding information bases of all protocols (RFC 6146 section 3.1) in columns: (protocol, IPv6 address, port) and (protocol,
 * IPv4 address, port), found by either. A port is an identifier for ICMP. 63 bytes an entry with both hash tables.
 *
 *   words6[4i..4i+3]  IPv6 address        port6[i]      port4[i]       address4[i]
 *   protocol[i]       1, 6, 17            fixed[i]      static         sessions[i]    head[i] first session, -1 none
 */
export class BindingTable {
  readonly capacity: number;
  readonly words6: Uint32Array;
  readonly port6: Uint16Array;
  readonly port4: Uint16Array;
  readonly address4: Uint32Array;
  readonly protocol: Uint8Array;
  readonly fixed: Uint8Array;
  readonly sessions: Uint32Array;
  readonly head: Int32Array;
  count = 0;
  private readonly by6: HashSlots;
  private readonly by4: HashSlots;
  private readonly free: Int32Array;
  private freeCount: number;
  private readonly words = new Uint32Array(4);

  constructor(capacity: number) {
    this.capacity = capacity;
    this.words6 = new Uint32Array(capacity * 4);
    this.port6 = new Uint16Array(capacity);
    this.port4 = new Uint16Array(capacity);
    this.address4 = new Uint32Array(capacity);
    this.protocol = new Uint8Array(capacity);
    this.fixed = new Uint8Array(capacity);
    this.sessions = new Uint32Array(capacity);
    this.head = new Int32Array(capacity).fill(-1);
    this.by6 = new HashSlots(capacity);
    this.by4 = new HashSlots(capacity);
    this.free = Int32Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
    this.freeCount = capacity;
  }

  get bytes(): number {
    return this.capacity * (16 + 2 + 2 + 4 + 1 + 1 + 4 + 4 + 4 + 8) + (this.by6.slots.length + this.by4.slots.length) * 4;
  }

  private hash6(protocol: number, port: number): number {
    let h = mixHash(protocol, port);
    for (let i = 0; i < 4; i++) h = mixHash(h, this.words[i]!);
    return finishHash(h);
  }

  find6(protocol: number, b: Uint8Array, o: number, port: number): number {
    for (let i = 0; i < 4; i++) this.words[i] = u32(b, o + 4 * i);
    const { slots, mask } = this.by6;
    const { words, words6 } = this;
    let at = this.hash6(protocol, port) & mask;
    for (let e = slots[at]!; e >= 0; e = slots[at]!) {
      const w = e * 4;
      if (
        this.port6[e] === port &&
        this.protocol[e] === protocol &&
        words6[w] === words[0] &&
        words6[w + 1] === words[1] &&
        words6[w + 2] === words[2] &&
        words6[w + 3] === words[3]
      )
        return e;
      at = (at + 1) & mask;
    }
    return -1;
  }

  find4(protocol: number, address: number, port: number): number {
    const { slots, mask } = this.by4;
    let at = finishHash(mixHash(mixHash(protocol, port), address)) & mask;
    for (let e = slots[at]!; e >= 0; e = slots[at]!) {
      if (this.port4[e] === port && this.address4[e] === address && this.protocol[e] === protocol) return e;
      at = (at + 1) & mask;
    }
    return -1;
  }

  /** New binding, or -1 where the table is full. The caller has made sure that neither side is in use. */
  add(protocol: number, b: Uint8Array, o: number, port6: number, address4: number, port4: number, fixed: boolean): number {
    if (this.freeCount === 0) return -1;
    const e = this.free[--this.freeCount]!;
    for (let i = 0; i < 4; i++) {
      this.words[i] = u32(b, o + 4 * i);
      this.words6[e * 4 + i] = this.words[i]!;
    }
    this.port6[e] = port6;
    this.port4[e] = port4;
    this.address4[e] = address4;
    this.protocol[e] = protocol;
    this.fixed[e] = fixed ? 1 : 0;
    this.sessions[e] = 0;
    this.head[e] = -1;
    this.by6.insert(e, this.hash6(protocol, port6));
    this.by4.insert(e, finishHash(mixHash(mixHash(protocol, port4), address4)));
    this.count++;
    return e;
  }

  remove(e: number): void {
    this.by6.remove(e);
    this.by4.remove(e);
    this.protocol[e] = 0;
    this.free[this.freeCount++] = e;
    this.count--;
  }

  /** Writes the IPv6 address of binding `e`. */
  write6(e: number, out: Uint8Array, o: number): void {
    for (let i = 0; i < 4; i++) {
      const word = this.words6[e * 4 + i]!;
      out[o + 4 * i] = word >>> 24;
      out[o + 4 * i + 1] = word >>> 16;
      out[o + 4 * i + 2] = word >>> 8;
      out[o + 4 * i + 3] = word;
    }
  }
}
