import { ok, u32, type Random } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { Nat64Spec } from '../contract/index.ts';
import type { BindingTable } from './bindings.ts';
import { finishHash, HashSlots, mixHash, NUMBER_MASK } from './hash-slots.ts';
import { PROTOCOL } from './packet-view.ts';
import { PortBlockLayout } from './port-block-layout.ts';
import { randomOf, type PortPools } from './port-pools.ts';
import { mask4 } from './prefix64.ts';
import { REASON } from './reasons.ts';
import type { SettingsError } from './settings.ts';

/** In place of a holder. */
const NOBODY = -1;
const RESTS = -2;

/** A block was given to a subscriber or came back. `block` may be read during the call only. */
export type BlockListener = (event: 'allocated' | 'released', block: number, nowNs: number) => void;

/**
 * Ports by the block (RFC 6888 REQ-2, REQ-4 and REQ-14): a subscriber, which is an IPv6 prefix, gets a run of ports of one IPv4 address for all
 * protocols, and one log record tells all of it. Dynamic: the first binding takes a block, more follow on the same address up to a limit, a block goes
 * back with its last binding. Deterministic (RFC 7422): the block of a subscriber follows from its number and needs no log; who has used it up may get some of those
 * that are nobody's by calculation, and these are handled as dynamic ones are.
 */
export class PortBlocks {
  readonly layout: PortBlockLayout;
  readonly size: number;
  readonly deterministic: boolean;
  readonly total: number;
  /** Blocks in use, times no block was left, times a subscriber had as many as it may. */
  used = 0;
  exhausted = 0;
  limited = 0;
  /** Blocks at rest (RFC 6888 REQ-8), and those whose rest ended early because as many rested as may. */
  resting = 0;
  cutShort = 0;
  onBlock: BlockListener | undefined;
  /** The last choice. */
  address4 = 0;
  port4 = 0;

  private readonly maxPerSubscriber: number;
  /** Blocks that are nobody's by calculation and neither in use nor at rest. */
  private vacant: number;
  private readonly masks: readonly number[];
  /** By block: the holder's entry or one of the words above, the holder's next block or the next one at rest, ports in use for TCP, UDP and ICMP. */
  private readonly holder: Int32Array;
  private readonly restEnds: Float64Array;
  private readonly restNs: number;
  private readonly maxResting: number;
  private firstResting = -1;
  private lastResting = -1;
  private readonly next: Int32Array;
  private readonly ports: Uint16Array;
  /** By holder: its prefix, its first block, how many it has. Entries are found by hash and chained through `head` while free. */
  private readonly words: Uint32Array;
  private readonly head: Int32Array;
  private readonly held: Uint32Array;
  private readonly index: HashSlots;
  private free = 0;
  private readonly key = new Uint32Array(4);
  private readonly random: Random | null;

  private constructor(spec: Nat64Spec, layout: PortBlockLayout) {
    const { maxPerSubscriber, mode, overflowBlocks } = spec.portBlocks;
    const { size, total } = layout;
    this.layout = layout;
    this.random = randomOf(spec);
    this.size = size;
    this.deterministic = mode === 'deterministic';
    this.maxPerSubscriber = this.deterministic && overflowBlocks === 0 ? 1 : maxPerSubscriber;
    this.vacant = layout.dynamic;
    this.masks = [0, 1, 2, 3].map((i) => mask4(Math.max(0, Math.min(32, spec.subscriberPrefix - 32 * i))));
    this.total = total;
    this.holder = new Int32Array(total).fill(NOBODY);
    this.restEnds = new Float64Array(total);
    this.restNs = spec.portRest.seconds * 1e9;
    this.maxResting = Math.floor(spec.portRest.maxPorts / size);
    this.next = new Int32Array(total).fill(-1);
    this.ports = new Uint16Array(total * 3);
    this.words = new Uint32Array(total * 4);
    this.head = Int32Array.from({ length: total }, (_, i) => (i + 1 < total ? i + 1 : -1));
    this.held = new Uint32Array(total);
    this.index = new HashSlots(total, (e) => hashOf(this.words, e * 4));
  }

  /** Undefined where blocks are off. Error: the configuration field that cannot be used. */
  static compile(spec: Nat64Spec, pools: PortPools): Result<PortBlocks | undefined, SettingsError> {
    const layout = PortBlockLayout.compile(spec, pools);
    if (!layout.ok) return layout;
    return ok(layout.value === undefined ? undefined : new PortBlocks(spec, layout.value));
  }

  /** Finds an address and a port for the IPv6 source at `o`, in a new block where need be. Returns a reason, 0 for fine. */
  allocate(bindings: BindingTable, protocol: number, b: Uint8Array, o: number, port: number, nowNs: number): number {
    for (let i = 0; i < 4; i++) this.key[i] = (u32(b, o + 4 * i) & this.masks[i]!) >>> 0;
    const h = hashOf(this.key, 0);
    let who = this.find(h);
    for (let block = who < 0 ? -1 : this.head[who]!; block >= 0; block = this.next[block]!) {
      if (this.inBlock(bindings, protocol, block, port)) return 0;
    }
    if (who >= 0 && this.held[who]! >= this.maxPerSubscriber) {
      this.limited++;
      return REASON.portBlocksUsed;
    }
    this.endRests(nowNs);
    const byNumber = this.deterministic && who < 0;
    const block = byNumber ? this.layout.blockOf(b, o) : this.freeBlock(who < 0 ? h % this.total : this.head[who]!, who >= 0);
    if (block < 0) {
      if (byNumber) return REASON.noPortBlock;
      this.exhausted++;
      return this.resting > 0 ? REASON.portsResting : REASON.addressUnreachable;
    }
    if (who < 0) who = this.enter(h);
    this.give(block, who, nowNs);
    if (this.inBlock(bindings, protocol, block, port)) return 0;
    // Static bindings have all of its ports.
    if (this.layout.isDynamic(block)) {
      this.onBlock?.('released', block, nowNs);
      this.take(block);
    }
    return REASON.portBlocksUsed;
  }

  /** A binding with this IPv4 side is gone; its block goes back with the last one, and rests since `endNs`. */
  release(protocol: number, address: number, port: number, endNs: number, nowNs: number): void {
    const block = this.layout.at(address, port);
    if (block < 0 || this.holder[block]! < 0) return;
    const slot = block * 3 + column(protocol);
    if (this.ports[slot]! > 0) this.ports[slot] = this.ports[slot]! - 1;
    if (!this.layout.isDynamic(block) || this.ports[block * 3]! + this.ports[block * 3 + 1]! + this.ports[block * 3 + 2]! > 0) return;
    this.onBlock?.('released', block, nowNs);
    this.take(block);
    this.rest(block, endNs);
  }

  /**
   * A block that is free waits at the end of the line; all wait equally long. Those that became free between two packets may be in
   * another order than they ended, and then wait a little longer.
   */
  private rest(block: number, sinceNs: number): void {
    if (this.restNs === 0 || this.maxResting === 0) return;
    this.endRests(sinceNs);
    if (this.resting >= this.maxResting) {
      this.cutShort++;
      this.endFirstRest();
    }
    this.holder[block] = RESTS;
    this.vacant--;
    this.restEnds[block] = sinceNs + this.restNs;
    this.next[block] = -1;
    if (this.resting++ === 0) this.firstResting = block;
    else this.next[this.lastResting] = block;
    this.lastResting = block;
  }

  private endRests(nowNs: number): void {
    while (this.resting > 0 && this.restEnds[this.firstResting]! <= nowNs) this.endFirstRest();
  }

  private endFirstRest(): void {
    const block = this.firstResting;
    this.firstResting = this.next[block]!;
    this.holder[block] = NOBODY;
    this.resting--;
    this.vacant++;
  }

  private find(h: number): number {
    const { slots, mask } = this.index;
    const { key, words } = this;
    let at = h & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      const e = (slot & NUMBER_MASK) - 1;
      const w = e * 4;
      if (words[w] === key[0] && words[w + 1] === key[1] && words[w + 2] === key[2] && words[w + 3] === key[3]) return e;
      at = (at + 1) & mask;
    }
    return -1;
  }

  /** A holder has a block at least, so there are never more of them than blocks. */
  private enter(h: number): number {
    const e = this.free;
    this.free = this.head[e]!;
    for (let i = 0; i < 4; i++) this.words[e * 4 + i] = this.key[i]!;
    this.head[e] = -1;
    this.held[e] = 0;
    this.index.insert(e, h);
    return e;
  }

  private give(block: number, who: number, nowNs: number): void {
    this.holder[block] = who;
    this.next[block] = this.head[who]!;
    this.head[who] = block;
    this.held[who] = this.held[who]! + 1;
    this.used++;
    if (!this.layout.isDynamic(block)) return;
    this.vacant--;
    this.onBlock?.('allocated', block, nowNs);
  }

  private take(block: number): void {
    const who = this.holder[block]!;
    if (this.head[who] === block) this.head[who] = this.next[block]!;
    else {
      let before = this.head[who]!;
      while (this.next[before] !== block) before = this.next[before]!;
      this.next[before] = this.next[block]!;
    }
    this.holder[block] = NOBODY;
    this.used--;
    this.vacant++;
    this.held[who] = this.held[who]! - 1;
    if (this.held[who] > 0) return;
    this.index.remove(who);
    this.head[who] = this.free;
    this.free = who;
  }

  /**
   * A free block that is nobody's by calculation: on the address of block `near` if one is there, else on the next address that has one, for a subscriber
   * that is `bound` to no address yet (RFC 6888 REQ-2); -1 for none.
   */
  private freeBlock(near: number, bound: boolean): number {
    if (this.vacant === 0) return -1;
    const { perAddress, base } = this.layout.rangeOf(near);
    let start = near - ((near - base) % perAddress);
    let from = near - start;
    for (;;) {
      const { perAddress: blocks, ownPerAddress } = this.layout.rangeOf(start);
      for (let i = ownPerAddress; i < blocks; i++) {
        const block = start + ownPerAddress + ((from + i) % (blocks - ownPerAddress));
        if (this.holder[block] === NOBODY) return block;
      }
      if (bound) return -1;
      start = (start + blocks) % this.total;
      from = 0;
    }
  }

  private inBlock(bindings: BindingTable, protocol: number, block: number, port: number): boolean {
    const slot = block * 3 + column(protocol);
    if (this.ports[slot]! >= this.size) return false;
    const address = this.layout.addressOf(block);
    const low = this.layout.firstPort(block);
    const { size } = this;
    const start = this.random === null ? (port - (low & 1)) % size : this.random.int(0, size - 1);
    // The sender's own parity first (RFC 4787 REQ-4), then any.
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < size; i++) {
        const candidate = low + ((start + i + size) % size);
        if (((candidate ^ port) & 1) !== pass || bindings.find4(protocol, address, candidate) >= 0) continue;
        this.ports[slot] = this.ports[slot]! + 1;
        this.address4 = address;
        this.port4 = candidate;
        return true;
      }
    }
    return false;
  }

  inUse(block: number): boolean {
    return this.holder[block]! >= 0;
  }

  /** Ports in use of a block, by protocol. */
  portsOf(block: number): { readonly tcp: number; readonly udp: number; readonly icmp: number } {
    return { tcp: this.ports[block * 3]!, udp: this.ports[block * 3 + 1]!, icmp: this.ports[block * 3 + 2]! };
  }

  /** Writes the prefix of the subscriber that has the block, which is in use. */
  writeSubscriber(block: number, out: Uint8Array, o: number): void {
    const who = this.holder[block]!;
    for (let i = 0; i < 16; i++) out[o + i] = this.words[who * 4 + (i >>> 2)]! >>> (24 - 8 * (i & 3));
  }
}

/** Hash of the prefix at word `at`. */
function hashOf(words: Uint32Array, at: number): number {
  let h = 0;
  for (let i = 0; i < 4; i++) h = mixHash(h, words[at + i]!);
  return finishHash(h);
}

const column = (protocol: number): number => (protocol === PROTOCOL.tcp ? 0 : protocol === PROTOCOL.udp ? 1 : 2);
