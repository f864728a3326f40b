import {
  RELEASE_BYPASS,
  RELEASE_FLUSH,
  SF_BLOCKED_SINCE,
  SOCKET_BLOCKED,
  SOCKET_FLOATS,
  SOCKET_WORDS,
  S_FILL,
  S_FLAGS,
  S_GIVEN,
  S_STALLS,
  type Meter,
} from '../../stack/index.ts';
import type { TraceRecord } from '../../contract/index.ts';
import type { WorldTrace } from '../trace.ts';

const RULES = { [RELEASE_FLUSH]: 'max added delay', [RELEASE_BYPASS]: 'no meter' } as Readonly<Record<number, string>>;

/** The steps of a packet between flow switch and application, and the meter's own, as trace records (W-02). */
export class MeterTrace {
  private readonly trace: WorldTrace;
  private readonly id: string;
  private readonly socketId: string;

  constructor(trace: WorldTrace, id: string, socketId: string) {
    this.trace = trace;
    this.id = id;
    this.socketId = socketId;
  }

  /** The packet was taken into the ring, or waits in the pool. */
  taken(meter: Meter, tNs: number, number: number, socket: number): void {
    if (!this.trace.wants(number)) return;
    const ring = meter.perSocket ? socket : 0;
    const waits = meter.rings.waiting[ring]! > 0;
    this.trace.emit(number, tNs, 'meter', this.id, waits ? 'wait' : 'enqueue', {
      ...ringFields(meter, socket),
      rateBps: Math.round(meter.rings.rateBps[ring]!),
      releaseNs: Number.isFinite(meter.scheduler.nextReleaseNs) ? meter.scheduler.nextReleaseNs : -1,
      stalled: (meter.sockets.words[socket * SOCKET_WORDS + S_FLAGS]! & SOCKET_BLOCKED) !== 0,
    });
  }

  /** The packet is dropped now, for want of room in the ring or in the receive buffer: how full it was. */
  full(meter: Meter, cell: number, atRing: boolean): void {
    const { cells, sockets } = meter;
    const number = cells.number[cell]!;
    if (!this.trace.wants(number)) return;
    const socket = cells.socket[cell]!;
    if (atRing) {
      this.trace.emit(number, meter.now[0]!, 'meter', this.id, 'full', { ...ringFields(meter, socket), overflow: meter.spec.overflow });
      return;
    }
    const fillBytes = sockets.words[socket * SOCKET_WORDS + S_FILL]!;
    const fields = { fillBytes, rcvbufBytes: sockets.rcvbufBytes, lenBytes: cells.lenBytes[cell]! };
    this.trace.emit(number, meter.now[0]!, 'socket', `${this.socketId}.${String(socket)}`, 'full', fields);
  }

  /** The packet goes to its socket now; it is not yet in the receive buffer. */
  released(meter: Meter, cell: number, rule: number): void {
    const { cells, sockets, rings, law } = meter;
    const number = cells.number[cell]!;
    if (!this.trace.wants(number)) return;
    const tNs = meter.now[0]!;
    const socket = cells.socket[cell]!;
    const ring = meter.perSocket ? socket : 0;
    const w = socket * SOCKET_WORDS;
    const fill = sockets.words[w + S_FILL]!;
    if (rule !== RELEASE_BYPASS) {
      this.trace.emit(number, tNs, 'meter', this.id, 'release', {
        socket,
        rule: RULES[rule] ?? 'portion',
        waitedNs: tNs - cells.ringNs[cell]!,
        poolWaitNs: cells.ringNs[cell]! - cells.switchedNs[cell]!,
        portionBytes: sockets.words[w + S_GIVEN]!,
        portionCapBytes: meter.spec.portionCapBytes,
        socketFreeBytes: sockets.rcvbufBytes - fill,
        tokensBytes: Math.round(rings.tokens[ring]!),
        rateBps: Math.round(rings.rateBps[ring]!),
        targetNs: Math.round(law.targetNs),
        quality: law.quality,
        stalledSinceNs: stalledSince(meter, socket, cells.ringNs[cell]!),
        intervalNs: meter.interval.ns,
      });
    }
    this.trace.emit(number, tNs, 'socket', `${this.socketId}.${String(socket)}`, 'append', {
      fillBytes: fill + cells.lenBytes[cell]!,
      rcvbufBytes: sockets.rcvbufBytes,
    });
  }

  read(meter: Meter, cell: number): void {
    const { cells, sockets } = meter;
    const number = cells.number[cell]!;
    if (!this.trace.wants(number)) return;
    const tNs = sockets.readNs[0]!;
    this.trace.emit(number, tNs, 'socket', `${this.socketId}.${String(cells.socket[cell]!)}`, 'read', {
      delayNs: tNs - cells.arrivalNs[cell]!,
      readNs: tNs - cells.releasedNs[cell]!,
    });
  }

  stalled(meter: Meter, socket: number): void {
    if (!this.trace.wants(0)) return;
    const fillBytes = meter.sockets.words[socket * SOCKET_WORDS + S_FILL]!;
    this.trace.emit(0, meter.now[0]!, 'meter', this.id, 'stall', { socket, fillBytes, rcvbufBytes: meter.sockets.rcvbufBytes });
  }

  ticked(meter: Meter, portions: number): void {
    if (!this.trace.wants(0)) return;
    const { rings } = meter;
    this.trace.emit(0, meter.now[0]!, 'meter', this.id, 'tick', {
      portions,
      used: rings.totalUsed,
      slots: meter.sizer.slots,
      rateBps: Math.round(rings.rateBps[0]!),
      tokensBytes: Math.round(rings.tokens[0]!),
      quality: meter.channel.effectiveQuality,
    });
  }
}

/** How full the ring of a socket is, and where its size came from. */
function ringFields({ perSocket, rings, sizer }: Meter, socket: number): TraceRecord['fields'] {
  const ring = perSocket ? socket : 0;
  const { drivenBy, rule, rat } = sizer.records.at(-1)!;
  const [used, ringBytes, waiting] = [rings.used[ring]!, rings.bytes[ring]!, rings.waiting[ring]!];
  return { socket, used, slots: sizer.slots, ringBytes, waiting, drivenBy, sizeRule: rule, network: rat };
}

/** Since when a full receive buffer has held a packet that came into the ring at `ringNs`, ns; -1 if that did not happen. */
function stalledSince({ sockets }: Meter, socket: number, ringNs: number): number {
  const sinceNs = sockets.floats[socket * SOCKET_FLOATS + SF_BLOCKED_SINCE]!;
  return sockets.words[socket * SOCKET_WORDS + S_STALLS]! > 0 && sinceNs >= ringNs ? sinceNs : -1;
}
