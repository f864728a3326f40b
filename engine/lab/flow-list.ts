import { type FLOW_SORT_KEYS, type FlowRow } from '../contract/index.ts';
import {
  CF_FIRST,
  C_CREATED,
  C_DROPS,
  C_FIRST_PACKET,
  C_OUTSIDE,
  E_PACKETS_BACKWARD,
  E_PACKETS_FORWARD,
  E_STATE,
  FLOW_COLD_FLOATS,
  FLOW_COLD_WORDS,
  FLOW_ENTRY_FLOATS,
  FLOW_ENTRY_WORDS,
  FLOW_FIRST_FROM_B,
  FLOW_LOCAL_A,
  FLOW_LOCAL_B,
  FLOW_PORT_MASK,
  F_BYTES_BACKWARD,
  F_BYTES_FORWARD,
  F_LAST,
  tcpStateText,
} from '../stack/index.ts';
import {
  PROTOCOL_NAMES,
  ROW_PORTS,
  ROW_PROTOCOL,
  ROW_WORDS,
  copyFlowKey,
  formatKeyAddress,
  ipProtocolCode,
  type FlowColumns,
} from '../wire/index.ts';

export type FlowSortKey = (typeof FLOW_SORT_KEYS)[number];

/** The flows of one queue; its arrays may be replaced between calls while the queue runs. */
export type FlowSource = FlowColumns;

/**
 * The flows of all queues in first-seen order: a flow's number here is the one the packet list shows, whatever the number of queues or
 * lanes. Numbers are 0-based and never change while a run goes on.
 */
export class FlowList {
  private readonly sources: () => readonly FlowSource[];
  private readonly portIds: readonly string[];
  private current: readonly FlowSource[] = [];
  private floats: readonly Float64Array[] = [];
  private coldFloats: readonly Float64Array[] = [];
  private readonly key = new Int32Array(ROW_WORDS);
  /** Flows merged so far of each source. */
  private taken: number[] = [];
  /** Source of each flow, and its number there. */
  private queueOf = new Uint8Array(1024);
  private numberIn = new Uint32Array(1024);
  private total = 0;

  constructor(sources: () => readonly FlowSource[], portIds: readonly string[]) {
    this.sources = sources;
    this.portIds = portIds;
    this.refresh();
  }

  get count(): number {
    return this.total;
  }

  /** Takes in flows that have come since. New flows always have later first packets than those merged before. */
  refresh(): void {
    this.current = this.sources();
    this.floats = this.current.map((s) => new Float64Array(s.entries.buffer, s.entries.byteOffset, s.count * FLOW_ENTRY_FLOATS));
    this.coldFloats = this.current.map((s) => new Float64Array(s.cold.buffer, s.cold.byteOffset, s.count * FLOW_COLD_FLOATS));
    if (this.taken.length === 0) this.taken = this.current.map(() => 0);
    const merged = this.taken.reduce((sum, n) => sum + n, 0);
    const left = this.current.reduce((sum, s) => sum + s.count, 0) - merged;
    for (let i = 0; i < left; i++) {
      let best = -1;
      let first = 0;
      for (let q = 0; q < this.current.length; q++) {
        const source = this.current[q]!;
        const at = this.taken[q]!;
        if (at >= source.count) continue;
        const number = source.cold[at * FLOW_COLD_WORDS + C_FIRST_PACKET]!;
        if (best < 0 || number < first) {
          best = q;
          first = number;
        }
      }
      this.append(best, this.taken[best]!);
      this.taken[best]!++;
    }
  }

  /** Forgets the order, after a run went back to an earlier instant. */
  reset(): void {
    this.taken = [];
    this.total = 0;
    this.refresh();
  }

  private append(queue: number, number: number): void {
    if (this.total === this.queueOf.length) {
      const queues = new Uint8Array(2 * this.total);
      const numbers = new Uint32Array(2 * this.total);
      queues.set(this.queueOf);
      numbers.set(this.numberIn);
      this.queueOf = queues;
      this.numberIn = numbers;
    }
    this.queueOf[this.total] = queue;
    this.numberIn[this.total++] = number;
  }

  /** Numbers of a source's flows here, in the source's own order. */
  numbersOf(source: number): Uint32Array {
    const numbers = new Uint32Array(this.taken[source] ?? 0);
    for (let id = 0; id < this.total; id++) if (this.queueOf[id] === source) numbers[this.numberIn[id]!] = id;
    return numbers;
  }

  row(id: number): FlowRow | undefined {
    if (id < 0 || id >= this.total) return undefined;
    const queue = this.queueOf[id]!;
    const local = this.numberIn[id]!;
    const source = this.current[queue]!;
    const words = source.entries;
    const floats = this.floats[queue]!;
    const at = local * FLOW_ENTRY_WORDS;
    const f = local * FLOW_ENTRY_FLOATS;
    const cold = local * FLOW_COLD_WORDS;
    copyFlowKey(source, local, this.key);
    const state = words[at + E_STATE]!;
    const firstIsB = (state & FLOW_FIRST_FROM_B) !== 0;
    const head = this.key[ROW_PROTOCOL]!;
    const ports = this.key[ROW_PORTS]!;
    const tcp = (head & 0x100ff) === 6;
    const version = (head >>> 8) & 0xff;
    return {
      id,
      ipVersion: version === 4 ? 4 : version === 6 ? 6 : 0,
      protocol: protocolText(head),
      source: formatKeyAddress(this.key, 0, firstIsB ? 'b' : 'a'),
      sourcePort: firstIsB ? ports & 0xffff : ports >>> 16,
      destination: formatKeyAddress(this.key, 0, firstIsB ? 'a' : 'b'),
      destinationPort: firstIsB ? ports >>> 16 : ports & 0xffff,
      port: source.cold[cold + C_CREATED] === 0 ? '' : (this.portIds[state & FLOW_PORT_MASK] ?? ''),
      packets: words[at + E_PACKETS_FORWARD]! + words[at + E_PACKETS_BACKWARD]!,
      bytes: floats[f + F_BYTES_FORWARD]! + floats[f + F_BYTES_BACKWARD]!,
      packetsForward: words[at + E_PACKETS_FORWARD]!,
      packetsBackward: words[at + E_PACKETS_BACKWARD]!,
      drops: source.cold[cold + C_DROPS]!,
      firstNs: this.coldFloats[queue]![local * FLOW_COLD_FLOATS + CF_FIRST]!,
      lastNs: floats[f + F_LAST]!,
      tcpState: tcp ? tcpStateText(state, firstIsB) : '',
      firstPacket: source.cold[cold + C_FIRST_PACKET]!,
    };
  }

  /** Which directions of a flow this machine sends: bit 0 that of the side seen first, bit 1 the other. */
  sentHere(id: number): number {
    const state = this.current[this.queueOf[id]!]!.entries[this.numberIn[id]! * FLOW_ENTRY_WORDS + E_STATE]!;
    const a = (state & FLOW_LOCAL_A) === 0 ? 0 : 1;
    const b = (state & FLOW_LOCAL_B) === 0 ? 0 : 1;
    return (state & FLOW_FIRST_FROM_B) === 0 ? a | (b << 1) : b | (a << 1);
  }

  /** TCP segments of a flow that were far from the place expected. */
  outsideWindow(id: number): number {
    return this.current[this.queueOf[id]!]!.cold[this.numberIn[id]! * FLOW_COLD_WORDS + C_OUTSIDE]!;
  }

  /** Bytes of a flow from the side seen first. */
  bytesForward(id: number): number {
    return this.floats[this.queueOf[id]!]![this.numberIn[id]! * FLOW_ENTRY_FLOATS + F_BYTES_FORWARD]!;
  }

  /** Rows [first, first + count) of the given order. */
  rows(order: Uint32Array, first: number, count: number): FlowRow[] {
    const out: FlowRow[] = [];
    for (let i = first; i < Math.min(order.length, first + count); i++) {
      const row = this.row(order[i]!);
      if (row !== undefined) out.push(row);
    }
    return out;
  }

  /** Flow numbers sorted by a column; equal values stay in first-seen order. */
  sorted(key: FlowSortKey, descending: boolean): Uint32Array {
    const order = Uint32Array.from({ length: this.total }, (_, i) => i);
    if (key === 'id') return descending ? order.reverse() : order;
    if (key === 'protocol' || key === 'source' || key === 'destination' || key === 'port' || key === 'tcpState') {
      const texts = Array.from(order, (id) => this.row(id)![key]);
      const sign = descending ? -1 : 1;
      return order.sort((a, b) => sign * compareText(texts[a]!, texts[b]!) || a - b);
    }
    const values = Float64Array.from(order, (id) => this.value(id, key));
    return order.sort((a, b) => (descending ? values[b]! - values[a]! : values[a]! - values[b]!) || a - b);
  }

  private value(id: number, key: 'packets' | 'bytes' | 'drops' | 'firstNs' | 'lastNs' | 'duration'): number {
    const queue = this.queueOf[id]!;
    const local = this.numberIn[id]!;
    const at = local * FLOW_ENTRY_WORDS;
    const f = local * FLOW_ENTRY_FLOATS;
    const { entries, cold } = this.current[queue]!;
    const floats = this.floats[queue]!;
    const firstNs = this.coldFloats[queue]![local * FLOW_COLD_FLOATS + CF_FIRST]!;
    switch (key) {
      case 'packets':
        return entries[at + E_PACKETS_FORWARD]! + entries[at + E_PACKETS_BACKWARD]!;
      case 'bytes':
        return floats[f + F_BYTES_FORWARD]! + floats[f + F_BYTES_BACKWARD]!;
      case 'drops':
        return cold[local * FLOW_COLD_WORDS + C_DROPS]!;
      case 'firstNs':
        return firstNs;
      case 'lastNs':
        return floats[f + F_LAST]!;
      case 'duration':
        return floats[f + F_LAST]! - firstNs;
    }
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function protocolText(head: number): string {
  const name = PROTOCOL_NAMES[ipProtocolCode(head & 0xff)] ?? 'Unknown';
  if ((head & 0x10000) !== 0) return `${name} fragments`;
  return name === 'Unknown' ? `IP ${String(head & 0xff)}` : name;
}
