import type { MeterSpec, NetworkSpec, SocketsSpec } from '../../contract/index.ts';
import { Cells } from './cells.ts';
import { channelTrace, type ChannelTrace } from './conditions.ts';
import { MeterCounters } from './counters.ts';
import { DEFAULT_METER } from './defaults.ts';
import { DrainLaw } from './drain-law.ts';
import type { MeterHooks } from './hooks.ts';
import { ReleaseInterval } from './interval.ts';
import { MeterRings } from './meter-rings.ts';
import { capabilityChanges, type CapabilityChange } from './profiles.ts';
import { RingSizer } from './sizing.ts';
import { SocketTable } from './socket-table.ts';
import { SOCKET_WORDS, S_DROPS, S_RING_HEAD, S_RING_PACKETS, S_RING_TAIL } from './socket-words.ts';

export interface MeterOptions {
  /** Null: no meter, packets go straight to the sockets. */
  readonly meter: MeterSpec | null;
  readonly sockets: SocketsSpec;
  readonly network: NetworkSpec | undefined;
  /** Packets that the first pool can hold. */
  readonly poolPackets: number;
  readonly seed: number;
  readonly hooks: MeterHooks;
}

/** What the parts of a meter share: packets, sockets, rings, the laws that size and drain them, and how a packet leaves. */
export abstract class MeterParts {
  readonly enabled: boolean;
  readonly spec: MeterSpec;
  readonly perSocket: boolean;
  readonly cells: Cells;
  readonly sockets: SocketTable;
  readonly rings: MeterRings;
  readonly sizer: RingSizer;
  readonly law: DrainLaw;
  readonly interval: ReleaseInterval;
  readonly channel: ChannelTrace;
  /** Records of the network in order of time; the first holds from the start. */
  readonly changes: readonly CapabilityChange[];
  readonly counters = new MeterCounters();
  readonly hooks: MeterHooks;
  /** The instant that it is now. */
  readonly now = new Float64Array(1);

  constructor(options: MeterOptions) {
    this.enabled = options.meter?.enable === true;
    this.spec = options.meter ?? DEFAULT_METER;
    this.perSocket = this.spec.grouping === 'socket';
    this.hooks = options.hooks;
    this.cells = new Cells(options.poolPackets + options.sockets.mbufs + 1);
    this.sockets = new SocketTable(options.sockets, this.cells, {
      read: (cell) => {
        this.hooks.read(this, cell);
      },
      drained: (socket) => {
        this.drained(socket);
      },
    });
    this.rings = new MeterRings(this.cells);
    this.changes = capabilityChanges(options.network);
    const { capability } = this.changes[0]!;
    this.sizer = new RingSizer(this.spec, capability);
    this.law = new DrainLaw(this.spec, capability);
    this.interval = new ReleaseInterval(this.spec, capability);
    this.channel = channelTrace(options.network?.conditions, options.seed);
    this.law.setChannel(this.channel.effectiveQuality, this.channel.currentBps);
    this.rings.tokens[0] = this.depthBytes(this.law.maxBps);
  }

  /** The reader of a socket for which data is held has made room. */
  protected abstract drained(socket: number): void;

  /** Packets inside: in rings, in the waiting line, in receive buffers. */
  get inside(): number {
    return this.cells.used;
  }

  /** The socket of a flow; packets without a flow record share the first. */
  socketOf(flow: number): number {
    return flow < 0 ? 0 : flow < this.sockets.limit ? flow : flow % this.sockets.limit;
  }

  /** Bytes that a token bucket can hold: what two intervals bring at this rate, and at least a portion. */
  depthBytes(rateBps: number): number {
    return Math.max(this.spec.portionCapBytes, (rateBps / 8e9) * 2 * this.interval.ns);
  }

  /** Rates anew for rings that hold something: channel or record have changed. */
  adaptRates(): void {
    const { rings } = this;
    for (let ring = 0; ring < rings.count; ring++) if (rings.used[ring]! > 0) rings.rateBps[ring] = this.law.rateFor(rings.bytes[ring]!);
  }

  /** Puts a packet into a ring, behind those of its socket; there is room. */
  link(ring: number, socket: number, cell: number): void {
    const { words } = this.sockets;
    const { cells } = this;
    const w = socket * SOCKET_WORDS;
    this.rings.add(ring, cell, this.now[0]!);
    const tail = words[w + S_RING_TAIL]!;
    cells.next[cell] = 0;
    if (tail === 0) words[w + S_RING_HEAD] = cell + 1;
    else cells.next[tail - 1] = cell + 1;
    words[w + S_RING_TAIL] = cell + 1;
    words[w + S_RING_PACKETS]!++;
  }

  /** Takes the first packet of a socket out of its ring. The oldest of a ring is always the first of its socket. */
  unlinkHead(ring: number, socket: number, cell: number): void {
    const { words } = this.sockets;
    const w = socket * SOCKET_WORDS;
    const next = this.cells.next[cell]!;
    words[w + S_RING_HEAD] = next;
    if (next === 0) words[w + S_RING_TAIL] = 0;
    words[w + S_RING_PACKETS]!--;
    this.rings.remove(ring, cell);
  }

  /** Ends a packet with a drop; `held` says that its buflets are still those of the first pool. */
  drop(cell: number, code: number, held: boolean): void {
    this.sockets.words[this.cells.socket[cell]! * SOCKET_WORDS + S_DROPS]!++;
    this.hooks.dropped(this, cell, code, held);
    this.cells.release(cell);
  }
}
