import { EventQueue, NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import {
  SENDERS_BINS,
  type MeterSpec,
  type NetworkSpec,
  type SendersOutcome,
  type SendersSpec,
  type SocketsSpec,
} from '../../contract/index.ts';
import { DROP_REASONS, Delays, Meter, histogramPercentile, type MeterHooks } from '../../stack/index.ts';
import { Receiver } from './receiver.ts';
import { LoopSeries } from './series.ts';
import { Sender } from './sender.ts';
import { Transmissions } from './transmissions.ts';

export interface ClosedLoopOptions extends SendersSpec {
  readonly poolPackets: number;
  readonly meter: MeterSpec | null;
  readonly sockets: SocketsSpec;
  readonly network: NetworkSpec | undefined;
  readonly seed: number;
}

const EV_ARRIVE = 0;
const EV_ACK = 1;
const EV_TIMER = 2;
/** Events at once: every segment in flight, its acknowledgments, and a timer for each flow and change of it. */
const MAX_EVENTS = 1 << 20;
/** Headers of a segment on the wire: Ethernet, IPv4, TCP with time stamps. */
const HEADER_BYTES = 66;

/**
 * TCP senders behind a bottleneck and a modem that delivers in lumps, with the meter and the sockets of the lab at their end (1.7,
 * experiment 7). The receiver takes a segment when it comes into the receive buffer, and acknowledges it at once: no acknowledgment is
 * delayed, each gives a time stamp back (RFC 7323), and none is lost.
 */
class ClosedLoop implements MeterHooks {
  private readonly o: ClosedLoopOptions;
  /** More than the bottleneck can carry for one sender. */
  private readonly segments: number;
  private readonly events = new EventQueue(MAX_EVENTS);
  private readonly meter: Meter;
  private readonly senders: Sender[];
  private readonly receivers: Receiver[];
  private readonly onTheWay = new Transmissions();
  private readonly timers: Float64Array;
  private readonly arrival = new Float64Array(1);
  private readonly losses: Record<string, number> = {};
  private readonly added = new Delays();
  private linkFreeNs = 0;
  private lineFreeNs = 0;
  private poolUsed = 0;
  private nowNs = 0;
  private sent = 0;
  private inPath = 0;
  private taken = 0;
  private spurious = 0;
  private eventsRefused = 0;
  private readonly series: LoopSeries;

  constructor(o: ClosedLoopOptions) {
    this.o = o;
    this.segments = Math.ceil((o.durationS * o.rateBps) / 8 / o.mss) + Math.ceil((o.windowBytes + o.queueBytes) / o.mss);
    this.meter = new Meter({
      meter: o.meter,
      sockets: o.sockets,
      network: o.network,
      poolPackets: o.poolPackets,
      seed: o.seed,
      hooks: this,
    });
    this.timers = new Float64Array(o.flows).fill(Number.POSITIVE_INFINITY);
    this.receivers = Array.from({ length: o.flows }, () => new Receiver());
    this.senders = Array.from({ length: o.flows }, (_, flow) => this.makeSender(flow));
    this.series = new LoopSeries((o.durationS * NS_PER_S) / SENDERS_BINS);
    for (const sender of this.senders) sender.push(0);
  }

  private makeSender(flow: number): Sender {
    return new Sender({
      algorithm: this.o.algorithm,
      mss: this.o.mss,
      minRtoNs: this.o.minRtoMs * NS_PER_MS,
      windowBytes: this.o.windowBytes,
      segments: this.segments,
      send: (segment, again) => {
        this.send(flow, segment, again);
      },
      setTimer: (atNs) => {
        this.timers[flow] = atNs;
        if (Number.isFinite(atNs)) this.schedule(atNs, EV_TIMER, flow);
      },
    });
  }

  /** Runs the next bin; false after the last one. */
  step(): boolean {
    const { series } = this;
    const last = series.bins === SENDERS_BINS - 1;
    const endNs = last ? this.o.durationS * NS_PER_S : (series.bins + 1) * series.binNs;
    for (;;) {
      const next = Math.min(this.events.nextNs, this.meter.nextDueNs);
      if (next > endNs) break;
      this.nowNs = next;
      if (this.meter.nextDueNs <= this.events.nextNs) this.meter.run(next);
      else if (this.events.next()) this.handle(this.events.kind, this.events.a, this.events.b);
    }
    series.add(this.senders, this.inOrder * this.o.mss, this.lost);
    return !last;
  }

  private get inOrder(): number {
    return this.receivers.reduce((n, { expected }) => n + expected, 0);
  }

  private get lost(): number {
    return Object.values(this.losses).reduce((n, l) => n + l, 0);
  }

  private handle(kind: number, flow: number, value: number): void {
    if (kind === EV_ARRIVE) this.arrive(flow, value);
    else if (kind === EV_ACK) this.acknowledge(flow, value);
    else if (this.timers[flow] === this.nowNs) {
      this.timers[flow] = Number.POSITIVE_INFINITY;
      this.senders[flow]!.expired(this.nowNs);
    }
  }

  private acknowledge(flow: number, place: number): void {
    const { segment, stampNs } = this.onTheWay;
    this.senders[flow]!.acknowledged(segment[place]!, stampNs[place]!, this.nowNs);
    this.onTheWay.release(place);
  }

  /** A segment goes through the bottleneck and waits for the modem's next grant. */
  private send(flow: number, segment: number, again: boolean): void {
    const { o } = this;
    const bytes = o.mss + HEADER_BYTES;
    this.sent++;
    if (again && this.receivers[flow]!.has(segment)) this.spurious++;
    const reachNs = this.nowNs + (o.rttMs * NS_PER_MS) / 2;
    const queued = Math.max(0, this.linkFreeNs - reachNs) * (o.rateBps / 8e9);
    if (queued + bytes > o.queueBytes) {
      this.losses['network'] = (this.losses['network'] ?? 0) + 1;
      return;
    }
    this.linkFreeNs = Math.max(reachNs, this.linkFreeNs) + (bytes * 8e9) / o.rateBps;
    const grantNs = o.grantMs * NS_PER_MS;
    const handed = grantNs === 0 ? this.linkFreeNs : Math.ceil(this.linkFreeNs / grantNs) * grantNs;
    this.lineFreeNs = Math.max(handed, this.lineFreeNs) + (bytes * 8e9) / o.lineBps;
    const place = this.onTheWay.take(segment, this.nowNs);
    if (this.schedule(Math.round(this.lineFreeNs), EV_ARRIVE, flow, place)) {
      this.inPath++;
      return;
    }
    this.onTheWay.release(place);
    this.losses['event_queue_full'] = (this.losses['event_queue_full'] ?? 0) + 1;
  }

  /** False, and counted, where as many events wait as the limit allows: a segment, an acknowledgment or a timer is lost then. */
  private schedule(tNs: number, kind: number, flow: number, value = 0): boolean {
    const scheduled = this.events.schedule(tNs, kind, flow, value);
    if (!scheduled) this.eventsRefused++;
    return scheduled;
  }

  private arrive(flow: number, place: number): void {
    this.inPath--;
    if (this.poolUsed >= this.o.poolPackets) {
      this.onTheWay.release(place);
      this.losses['nomem'] = (this.losses['nomem'] ?? 0) + 1;
      return;
    }
    this.arrival[0] = this.nowNs;
    this.meter.now[0] = this.nowNs;
    this.poolUsed += this.meter.take(place, flow, this.o.mss + HEADER_BYTES, 1, this.arrival, 0);
  }

  // MeterHooks.

  released(meter: Meter, cell: number): void {
    if (meter.enabled) this.poolUsed--;
    const flow = meter.cells.flow[cell]!;
    const place = meter.cells.number[cell]!;
    const { segment, stampNs } = this.onTheWay;
    const receiver = this.receivers[flow]!;
    this.added.add(meter.now[0]! - meter.cells.switchedNs[cell]!);
    this.taken++;
    receiver.take(segment[place]!, stampNs[place]!);
    segment[place] = receiver.expected;
    stampNs[place] = receiver.stampNs;
    const backNs = Math.round(meter.now[0]! + (this.o.rttMs * NS_PER_MS) / 2);
    if (!this.schedule(backNs, EV_ACK, flow, place)) this.onTheWay.release(place);
  }

  dropped(meter: Meter, cell: number, code: number, held: boolean): void {
    this.onTheWay.release(meter.cells.number[cell]!);
    if (held) this.poolUsed--;
    const { name } = DROP_REASONS[code]!;
    this.losses[name] = (this.losses[name] ?? 0) + 1;
  }

  read(): void {
    return;
  }

  stalled(): void {
    return;
  }

  ticked(): void {
    return;
  }

  result(): SendersOutcome {
    const { o, senders, lost } = this;
    const rtts = senders.flatMap((s) => s.rttsNs).sort((a, b) => a - b);
    const at = (p: number): number => (rtts[Math.max(0, Math.ceil((p / 100) * rtts.length) - 1)] ?? 0) / NS_PER_MS;
    const added = (p: number): number => histogramPercentile(this.added.counts, p, this.added.maxNs) / NS_PER_MS;
    const sum = (pick: (s: Sender) => number): number => senders.reduce((n, s) => n + pick(s), 0);
    const { rings } = this.meter;
    let held = rings.totalWaiting;
    for (let r = 0; r < rings.count; r++) for (let c = rings.oldest[r]!; c !== 0; c = this.meter.cells.newer[c - 1]!) held++;
    return {
      goodputBps: (this.inOrder * o.mss * 8) / o.durationS,
      sent: this.sent,
      retransmits: sum((s) => s.retransmits),
      spurious: this.spurious,
      fastRetransmits: sum((s) => s.fastRetransmits),
      timeouts: sum((s) => s.timeouts),
      losses: Object.fromEntries(Object.entries(this.losses).sort(([a], [b]) => (a < b ? -1 : 1))),
      rttMs: { base: o.rttMs, p50: at(50), p99: at(99), mean: rtts.reduce((n, r) => n + r, 0) / Math.max(1, rtts.length) / NS_PER_MS },
      meterMs: { p50: added(50), p99: added(99) },
      eventsRefused: this.eventsRefused,
      conserved: this.sent === this.inPath + lost + this.taken + held,
      series: this.series.result(),
    };
  }
}

/** Runs senders against the meter for `durationS` seconds of simulated time. A function of its options alone. */
export function runClosedLoop(options: ClosedLoopOptions): SendersOutcome {
  const loop = new ClosedLoop(options);
  while (loop.step());
  return loop.result();
}

/** The same, giving way between bins: `step` is awaited with the bins that are done, and ends the run by throwing. */
export async function runClosedLoopInSteps(options: ClosedLoopOptions, step: (done: number) => Promise<void>): Promise<SendersOutcome> {
  const loop = new ClosedLoop(options);
  for (let done = 1; loop.step(); done++) await step(done);
  return loop.result();
}
