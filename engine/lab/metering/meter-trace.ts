import { RELEASE_BYPASS, RELEASE_FLUSH, SOCKET_WORDS, S_FILL, S_GIVEN, type Meter } from '../../stack/index.ts';
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
    const size = meter.sizer.records.at(-1)!;
    const waits = meter.rings.waiting[ring]! > 0;
    this.trace.emit(number, tNs, 'meter', this.id, waits ? 'wait' : 'enqueue', {
      socket,
      used: meter.rings.used[ring]!,
      slots: meter.sizer.slots,
      ringBytes: meter.rings.bytes[ring]!,
      waiting: meter.rings.waiting[ring]!,
      drivenBy: size.drivenBy,
      sizeRule: size.rule,
      network: size.rat,
      rateBps: Math.round(meter.rings.rateBps[ring]!),
      releaseNs: Number.isFinite(meter.nextReleaseNs) ? meter.nextReleaseNs : -1,
    });
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
