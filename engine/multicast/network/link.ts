import { NS_PER_MS, NS_PER_S, type Random } from '../../base/index.ts';
import type { MulticastLinkSpec } from '../../contract/index.ts';
import type { Family } from '../addresses.ts';
import type { Arrival, EventClock } from '../clock.ts';
import type { ForwardSink } from '../forward/index.ts';

/** What hangs on a link. */
export interface LinkNode {
  readonly id: string;
  readonly up: boolean;
  /** A host's own address. */
  owns?(address: string): boolean;
  speaks(family: Family): boolean;
  receive(iface: number, packet: Uint8Array, family: Family): void;
}

export interface LinkEnd {
  readonly node: LinkNode;
  /** Number of the interface at the node. */
  readonly iface: number;
  readonly mac: Uint8Array;
}

/** A sender's queue holds what the link sends in this time; more is dropped and counted. */
const MAX_BACKLOG_NS = NS_PER_S / 5;

export interface LinkCounters {
  packets4: number;
  packets6: number;
  bytes4: number;
  bytes6: number;
  control: number;
  /** Copies: one for each other end that speaks the family. */
  sent: number;
  taken: number;
  lost: number;
  inFlight: number;
}

/** A link of a network: takes an IP packet from one end and brings it to one other end, or to all of them, after its delay. */
export class Link implements Arrival {
  readonly id: string;
  readonly index: number;
  readonly spec: MulticastLinkSpec;
  readonly v4: boolean;
  readonly v6: boolean;
  readonly ends: LinkEnd[] = [];
  readonly counters: LinkCounters = { packets4: 0, packets6: 0, bytes4: 0, bytes6: 0, control: 0, sent: 0, taken: 0, lost: 0, inFlight: 0 };
  up = true;
  delayMs: number;
  private readonly rateBps: number;
  private readonly lossPercent: number;
  private readonly clock: EventClock;
  private readonly random: Random;
  /** When the last packet of each end has left. */
  private readonly freeNs: number[] = [];

  constructor(id: string, index: number, spec: MulticastLinkSpec, clock: EventClock, random: Random) {
    this.id = id;
    this.index = index;
    this.spec = spec;
    this.v4 = spec.families !== 'v6';
    this.v6 = spec.families !== 'v4';
    this.delayMs = spec.delayMs;
    this.rateBps = spec.rateBps;
    this.lossPercent = spec.lossPercent;
    this.clock = clock;
    this.random = random;
  }

  carries(family: Family): boolean {
    return family === 4 ? this.v4 : this.v6;
  }

  /** Sends a copy of group data, packet `p` of a sink that is written again afterwards, to all other ends. */
  sendCopy(from: LinkEnd, sink: ForwardSink, p: number, family: Family): void {
    this.send(from, sink.share(p), family, false);
  }

  /** Sends to one end, or to all the others. `sent` is told when the packet leaves. */
  send(from: LinkEnd, packet: Uint8Array, family: Family, control: boolean, to?: LinkEnd): void {
    const { counters, clock } = this;
    if (!this.carries(family)) return;
    if (family === 4) {
      counters.packets4++;
      counters.bytes4 += packet.length;
    } else {
      counters.packets6++;
      counters.bytes6 += packet.length;
    }
    if (control) counters.control++;
    const { ends } = this;
    const sender = ends[0] === from ? 0 : ends[1] === from ? 1 : ends.indexOf(from);
    const startNs = Math.max(clock.nowNs, this.freeNs[sender] ?? 0);
    const full = startNs - clock.nowNs > MAX_BACKLOG_NS;
    const leavesNs = startNs + Math.round((packet.length * 8 * NS_PER_S) / this.rateBps);
    if (!full) this.freeNs[sender] = leavesNs;
    const arrivesNs = leavesNs + Math.round(this.delayMs * NS_PER_MS);
    for (let i = 0; i < ends.length; i++) {
      const end = ends[i]!;
      if (end === from || (to !== undefined && end !== to) || !end.node.speaks(family)) continue;
      counters.sent++;
      const unlucky = this.lossPercent > 0 && this.random.float() * 100 < this.lossPercent;
      if (this.up && !full && !unlucky && clock.bring(arrivesNs, this, packet, tagOf(i, family))) counters.inFlight++;
      else counters.lost++;
    }
  }

  /** A packet has come to one end. */
  arrive(packet: Uint8Array, tag: number): void {
    const { counters } = this;
    const { node, iface } = this.ends[tag >>> 1]!;
    counters.inFlight--;
    if (!this.up || !node.up) {
      counters.lost++;
      return;
    }
    counters.taken++;
    node.receive(iface, packet, (tag & 1) === 1 ? 6 : 4);
  }
}

/** Number of an end, and a family. */
const tagOf = (end: number, family: Family): number => end * 2 + (family === 6 ? 1 : 0);
