import {
  FlowTable,
  META_FIRST_FRAGMENT,
  META_FRAGMENT,
  META_FROM_B,
  META_HAS_PORTS,
  META_TCP,
  ROW_A,
  ROW_B,
  ROW_WORDS,
  type FlowRoom,
} from '../wire/index.ts';
import {
  CF_FIRST,
  C_CREATED,
  C_DROPS,
  C_FIRST_PACKET,
  C_SELECTOR,
  E_PACKETS_FORWARD,
  E_STATE,
  FLOW_ACTIVE,
  FLOW_BY_RULE,
  FLOW_COLD_FLOATS,
  FLOW_COLD_WORDS,
  FLOW_ENTRY_FLOATS,
  FLOW_ENTRY_WORDS,
  FLOW_FIRST_FROM_B,
  FLOW_LOCAL_A,
  FLOW_LOCAL_B,
  FLOW_PORT_MASK,
  FLOW_SEEN,
  FLOW_SEQ_A,
  FLOW_SEQ_B,
  FLOW_TCP_A_SHIFT,
  FLOW_TCP_B_SHIFT,
  F_BYTES_FORWARD,
  F_LAST,
} from './flow-entry.ts';
import type { Ladder } from './ladder.ts';
import { LingerWheel } from './linger.ts';
import type { CompiledSelector, Prefix } from './selector.ts';
import { PKT_ACK, PKT_META, PKT_SEQ } from './packet-store.ts';
import { trackTcp } from './tcp-track.ts';

/**
 * The flow switch of one queue. A flow is numbered when its first packet arrives and keeps its record to the end of the run,
 * for the flow table on screen; the switch's own entry (FLOW_ACTIVE) is made when the first packet is switched and goes when the
 * flow has been silent for the linger time. The limit counts active entries.
 */
export interface FlowSwitchSpec {
  /** Selectors of the ports in the order they are asked. The switch speaks of ports by their place in this list. */
  readonly ports: readonly (readonly CompiledSelector[])[];
  /** Port number of each place, for rules that name ports by number. */
  readonly numbers: readonly number[];
  /** Place of the host port. */
  readonly hostPort: number;
  readonly local: readonly Prefix[];
  /** Entries at a time in this queue: the scenario's limit divided by the queues. */
  readonly maxActive: number;
  readonly lingerNs: number;
  /** Flow records of this queue in all. */
  readonly maxRecords: number;
  readonly expected?: number;
  /** See FlowTable. */
  readonly aligned?: boolean;
  readonly room?: FlowRoom | undefined;
  /** Where the clock is to be; see FlowSwitch.clock. */
  readonly clock?: Float64Array;
  readonly ladder: Ladder;
}

/** How the last lookup went. */
export const LOOKUP_HIT = 0;
export const LOOKUP_CREATED = 1;
export const LOOKUP_NO_ENTRY = 2;
export const LOOKUP_FRAGMENT = 3;

/** Datagrams whose later fragments follow the first one's port: a direct-mapped memory, the newest wins. */
const FRAGMENT_SLOTS = 256;

/** Instants in a switch's clock. */
const CLOCK_PLACES = 4;

const META_FROM_B_BIT = 31 - Math.clz32(META_FROM_B);
const FIRST_FROM_B_BIT = 31 - Math.clz32(FLOW_FIRST_FROM_B);

const NO_SELECTORS: readonly CompiledSelector[] = [];

export class FlowSwitch {
  readonly table: FlowTable;
  readonly wheel: LingerWheel;
  /** Entries now. */
  active = 0;
  created = 0;
  expired = 0;
  /** Packets switched without an entry, because the limit was reached. */
  withoutEntry = 0;
  lastLookup = LOOKUP_HIT;
  /** Selector that chose the port in the last creation, + 1. */
  lastSelector = 0;
  /**
   * The instant that it is now, in place 0. In an array, because a float64 handed from function to function costs an allocation
   * each time. The other places belong to whoever drives the switch.
   */
  readonly clock: Float64Array;
  readonly fragments = new Int32Array(FRAGMENT_SLOTS * 3);
  /** Ports, by place, that have no open channel: 1 for closed. They are passed over, so that their traffic goes to the host. */
  readonly closed: Uint8Array;
  private readonly key = new Int32Array(ROW_WORDS);
  private readonly spec: FlowSwitchSpec;
  private readonly haveLocal: boolean;

  constructor(spec: FlowSwitchSpec) {
    this.spec = spec;
    this.clock = spec.clock ?? new Float64Array(CLOCK_PLACES);
    this.haveLocal = spec.local.length > 0;
    this.closed = new Uint8Array(spec.ports.length);
    this.table = new FlowTable({
      entryWords: FLOW_ENTRY_WORDS,
      coldWords: FLOW_COLD_WORDS,
      limit: spec.maxRecords,
      aligned: spec.aligned ?? false,
      ...(spec.room === undefined ? {} : { room: spec.room }),
      ...(spec.expected === undefined ? {} : { expected: spec.expected }),
    });
    this.wheel = new LingerWheel(this.table, spec.lingerNs);
  }

  /** Counts a packet of a flow as it arrives; the first packet of a flow also says who began. */
  arrived(id: number, meta: number, number: number, lenBytes: number): void {
    const entries = this.table.entries;
    const floats = this.table.floats;
    const at = id * FLOW_ENTRY_WORDS;
    const f = id * FLOW_ENTRY_FLOATS;
    let state = entries[at + E_STATE]!;
    if ((state & FLOW_SEEN) === 0) state = this.begin(id, (meta & META_FROM_B) !== 0, number);
    floats[f + F_LAST] = this.clock[0]!;
    // The direction bits of packet and flow: equal means from the side that was seen first.
    const other = ((meta >>> META_FROM_B_BIT) ^ (state >>> FIRST_FROM_B_BIT)) & 1;
    entries[at + E_PACKETS_FORWARD + other]!++;
    floats[f + F_BYTES_FORWARD + other]! += lenBytes;
  }

  private begin(id: number, fromB: boolean, number: number): number {
    let state = FLOW_SEEN | (fromB ? FLOW_FIRST_FROM_B : 0);
    if (this.haveLocal) {
      this.table.copyKey(id, this.key);
      const version = (this.key[1]! >>> 8) & 0xff;
      for (const prefix of this.spec.local) {
        if (prefix.has(this.key, ROW_A, version)) state |= FLOW_LOCAL_A;
        if (prefix.has(this.key, ROW_B, version)) state |= FLOW_LOCAL_B;
      }
    }
    this.table.entries[id * FLOW_ENTRY_WORDS + E_STATE] = state;
    this.table.cold[id * FLOW_COLD_WORDS + C_FIRST_PACKET] = number;
    this.table.coldFloats[id * FLOW_COLD_FLOATS + CF_FIRST] = this.clock[0]!;
    return state;
  }

  dropped(id: number): void {
    this.table.cold[id * FLOW_COLD_WORDS + C_DROPS]!++;
  }

  /** Whether the packet was sent by this machine. */
  sentHere(id: number, meta: number): boolean {
    if (!this.haveLocal) return false;
    const state = this.table.entries[id * FLOW_ENTRY_WORDS + E_STATE]!;
    return (state & ((meta & META_FROM_B) !== 0 ? FLOW_LOCAL_B : FLOW_LOCAL_A)) !== 0;
  }

  /** Whether the packet is for this machine. */
  isForHere(id: number, meta: number): boolean {
    if (!this.haveLocal) return false;
    const state = this.table.entries[id * FLOW_ENTRY_WORDS + E_STATE]!;
    return (state & ((meta & META_FROM_B) !== 0 ? FLOW_LOCAL_A : FLOW_LOCAL_B)) !== 0;
  }

  /** Port that a packet will be switched to as things are now, asked before its time: changes nothing. `words` holds its key at `at`. */
  portAhead(id: number, words: Int32Array, at: number, meta: number, ackOrPorts: number): number {
    const state = id < 0 ? 0 : this.table.entries[id * FLOW_ENTRY_WORDS + E_STATE]!;
    if ((state & FLOW_ACTIVE) !== 0) return state & FLOW_PORT_MASK;
    return this.choose(words, at, meta, ackOrPorts, false);
  }

  /**
   * Port for a packet of a flow that is switched now. Makes the entry if there is none and there is room, and takes the segment
   * into the flow track. The packet's metadata stand in `packet` from word `w` on, in the layout of the packet store.
   */
  lookup(id: number, packet: Int32Array, w: number, sent: boolean): number {
    const meta = packet[w + PKT_META]!;
    const state = this.table.entries[id * FLOW_ENTRY_WORDS + E_STATE]!;
    let port = state & FLOW_PORT_MASK;
    this.lastLookup = LOOKUP_HIT;
    if ((state & FLOW_ACTIVE) === 0) port = this.create(id, meta, packet[w + PKT_ACK]!, sent);
    if ((meta & META_TCP) !== 0 && this.lastLookup !== LOOKUP_NO_ENTRY) trackTcp(this.table, id, packet, w);
    if ((meta & META_FRAGMENT) !== 0) port = this.fragmentPort(id, meta, packet[w + PKT_SEQ]!, packet[w + PKT_ACK]!, port);
    return port;
  }

  private create(id: number, meta: number, ackOrPorts: number, sent: boolean): number {
    const entries = this.table.entries;
    const at = id * FLOW_ENTRY_WORDS;
    this.table.copyKey(id, this.key);
    const port = this.choose(this.key, 0, meta, ackOrPorts, sent);
    if (this.active >= this.spec.maxActive) {
      this.withoutEntry++;
      this.lastLookup = LOOKUP_NO_ENTRY;
      return port;
    }
    const clear = FLOW_PORT_MASK | (15 << FLOW_TCP_A_SHIFT) | (15 << FLOW_TCP_B_SHIFT) | FLOW_SEQ_A | FLOW_SEQ_B | FLOW_BY_RULE;
    const byRule = this.lastSelector < 0 ? FLOW_BY_RULE : 0;
    entries[at + E_STATE] = (entries[at + E_STATE]! & ~clear) | port | FLOW_ACTIVE | byRule;
    this.table.cold[id * FLOW_COLD_WORDS + C_SELECTOR] = this.lastSelector;
    this.table.cold[id * FLOW_COLD_WORDS + C_CREATED]!++;
    this.active++;
    this.created++;
    this.wheel.add(id, this.clock[0]!);
    this.lastLookup = LOOKUP_CREATED;
    return port;
  }

  /**
   * Port for a new flow with its key at `at`: rules that stacks installed, down the mask ladder; then the scenario's
   * selectors, port by port; then the host. Leaves the selector's place (1-based over the port's own list) in `lastSelector`, 0 for
   * the host by default, -1 - mask for a rule.
   */
  choose(words: Int32Array, at: number, meta: number, ackOrPorts: number, sent: boolean): number {
    const fromB = (meta & META_FROM_B) !== 0;
    const rule = this.spec.ladder.find(words, at, sent ? fromB : !fromB);
    const place = rule < 0 ? -1 : this.spec.numbers.indexOf(rule);
    if (place >= 0) {
      this.lastSelector = -1 - this.spec.ladder.lastMask;
      return place;
    }
    const carried = (meta & META_FIRST_FRAGMENT) !== 0 && (meta & META_HAS_PORTS) !== 0 ? ackOrPorts : 0;
    for (let place = 0; place < this.spec.ports.length; place++) {
      const selectors = this.closed[place] === 1 ? NO_SELECTORS : this.spec.ports[place]!;
      for (let s = 0; s < selectors.length; s++) {
        if (selectors[s]!.matches(words, at, fromB, carried)) {
          this.lastSelector = s + 1;
          return place;
        }
      }
    }
    this.lastSelector = 0;
    return this.spec.hostPort;
  }

  /** Chooses the ports of all entries again, after rules or open channels have changed. Returns how many flows moved. */
  rechoose(): number {
    const { entries, count } = this.table;
    let moved = 0;
    for (let id = 0; id < count; id++) {
      const at = id * FLOW_ENTRY_WORDS + E_STATE;
      const state = entries[at]!;
      if ((state & FLOW_ACTIVE) === 0) continue;
      const meta = (state & FLOW_FIRST_FROM_B) === 0 ? 0 : META_FROM_B;
      this.table.copyKey(id, this.key);
      const port = this.choose(this.key, 0, meta, 0, this.sentHere(id, meta));
      if (port !== (state & FLOW_PORT_MASK)) moved++;
      entries[at] = (state & ~(FLOW_PORT_MASK | FLOW_BY_RULE)) | port | (this.lastSelector < 0 ? FLOW_BY_RULE : 0);
      this.table.cold[id * FLOW_COLD_WORDS + C_SELECTOR] = this.lastSelector;
    }
    this.fragments.fill(0);
    return moved;
  }

  /**
   * Later fragments have no ports, so they follow the first of their datagram. A fragment that comes before it, or whose place
   * in the memory was taken, goes where its addresses alone lead.
   */
  private fragmentPort(id: number, meta: number, identification: number, ports: number, flowPort: number): number {
    const memory = this.fragments;
    const slot = 3 * ((Math.imul(id, 31) ^ identification ^ (identification >>> 8)) & (FRAGMENT_SLOTS - 1));
    if ((meta & META_FIRST_FRAGMENT) !== 0) {
      this.table.copyKey(id, this.key);
      const port = this.choose(this.key, 0, meta, ports, false);
      memory[slot] = id + 1;
      memory[slot + 1] = identification;
      memory[slot + 2] = port;
      return port;
    }
    if (memory[slot] !== id + 1 || memory[slot + 1] !== identification) return flowPort;
    this.lastLookup = LOOKUP_FRAGMENT;
    return memory[slot + 2]!;
  }

  /** Forgets the entries that have been silent for the linger time; called at `wheel.nextTickNs`. */
  tick(tNs: number): number {
    const gone = this.wheel.tick(tNs);
    this.active -= gone;
    this.expired += gone;
    return gone;
  }
}
