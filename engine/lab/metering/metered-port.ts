import { VERDICTS, type PortSpec, type Scenario } from '../../contract/index.ts';
import {
  DEFAULT_METER,
  DEFAULT_SOCKETS,
  DROP_METER_HEAD,
  DROP_METER_RING_FULL,
  DROP_NOMEM,
  DROP_SOCK_FULL,
  Delays,
  META_WORDS,
  Meter,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_NUMBER,
  SOCKET_WORDS,
  S_FILL,
  restoreMeter,
  saveMeter,
  type MeterHooks,
  type StateReader,
  type StateWriter,
} from '../../stack/index.ts';
import type { PortQueue } from '../port-queue.ts';
import { CLOCK_NOW } from '../services.ts';
import type { SeriesOptions } from '../types.ts';
import type { QueueWorld } from '../world.ts';
import type { WorldTrace } from '../trace.ts';
import { MeterTrace } from './meter-trace.ts';
import { BURST_LASTS, BURST_PEAKS, BURST_SUMS, BurstRecorder } from './recorder.ts';
import { ChannelStages } from './channel-stages.ts';

const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');

const ARRIVED = BURST_SUMS.indexOf('arrivedBytes');
const RELEASED = BURST_SUMS.indexOf('releasedBytes');
const READ = BURST_SUMS.indexOf('readBytes');
const DROPS = BURST_SUMS.indexOf('drops');
const STALLS = BURST_SUMS.indexOf('stalls');
const WAKEUPS = BURST_SUMS.indexOf('wakeups');
const RING_USED = BURST_PEAKS.indexOf('ringUsed');
const RING_BYTES = BURST_PEAKS.indexOf('ringBytes');
const WAITING = BURST_PEAKS.indexOf('waiting');
const POOL_USED = BURST_PEAKS.indexOf('poolUsed');
const RING_SLOTS = BURST_LASTS.indexOf('ringSlots');
const RATE = BURST_LASTS.indexOf('rateBps');
const TOKENS = BURST_LASTS.indexOf('tokensBytes');
const INTERVAL = BURST_LASTS.indexOf('intervalUs');
const QUALITY = BURST_LASTS.indexOf('quality');

/** B-22: stages of a packet on its way to a socket. */
export class SocketStages {
  readonly deviceSwitch = new Delays();
  readonly switchRing = new Delays();
  readonly ringRelease = new Delays();
  readonly releaseRead = new Delays();
  readonly total = new Delays();
  /** Beyond the switch, in pool and ring: what the meter added. Of all packets released. */
  readonly added = new Delays();
}

/** Whether a port feeds sockets, by a meter or without. */
export function isRegulated(port: PortSpec): boolean {
  return port.kind === 'host' && (port.meter !== undefined || port.sockets !== undefined);
}

/**
 * The host port of a queue whose packets go to sockets of legacy applications: device pool, flow switch, meter ring, receive buffer,
 * read. The packets stay in the device pool until the meter gives them to a socket; the port's own RX ring and pool are not used.
 */
export class MeteredPort implements MeterHooks {
  readonly meter: Meter;
  readonly id: string;
  readonly socketId: string;
  readonly stages = new SocketStages();
  /** The same times of the user ports beside it. */
  readonly channels: ChannelStages;
  readonly recorder: BurstRecorder | null;
  /** Bytes of the packets inside. */
  insideBytes = 0;
  private readonly world: QueueWorld;
  private readonly port: PortQueue;
  private trace: MeterTrace | null = null;

  constructor(world: QueueWorld, port: PortQueue, spec: PortSpec, scenario: Scenario, series: SeriesOptions | null) {
    this.world = world;
    this.port = port;
    this.id = `${spec.id}.meter.${String(world.queue)}`;
    this.socketId = `${spec.id}.socket.${String(world.queue)}`;
    this.recorder = series === null ? null : new BurstRecorder(series.durationNs);
    this.traces(world.trace);
    this.meter = new Meter({
      meter: spec.meter ?? { ...DEFAULT_METER, enable: false },
      sockets: spec.sockets ?? DEFAULT_SOCKETS,
      network: scenario.device.network,
      poolPackets: scenario.device.poolPackets,
      seed: (scenario.seed + world.queue) >>> 0,
      hooks: this,
    });
    this.channels = new ChannelStages(world, this.recorder);
    this.law(0);
  }

  /** Takes a packet from the flow switch; returns the buflets of it that stay in the device pool. */
  take(slot: number): number {
    const { world, port, meter, recorder } = this;
    const { meta, arrivalNs } = world.store;
    const w = slot * META_WORDS;
    const lenBytes = meta[w + PKT_LEN]!;
    const flow = meta[w + PKT_FLOW]!;
    const number = meta[w + PKT_NUMBER]!;
    const buflets = meta[w + PKT_BUFLETS]!;
    const tNs = world.clock[CLOCK_NOW]!;
    port.counters.packetsIn++;
    if (flow === -1) return this.toKernel(slot, number, lenBytes);
    meter.now[0] = tNs;
    this.insideBytes += lenBytes;
    const bin = recorder === null ? 0 : recorder.bin(tNs);
    if (recorder !== null) recorder.sum(ARRIVED, bin, lenBytes);
    const kept = meter.take(number, flow, lenBytes, buflets, arrivalNs, slot);
    world.store.release(slot);
    if (recorder !== null) {
      recorder.peak(RING_USED, bin, meter.rings.totalUsed);
      recorder.peak(RING_BYTES, bin, meter.rings.totalBytes);
      recorder.peak(WAITING, bin, meter.rings.totalWaiting);
      recorder.peak(POOL_USED, bin, world.devicePool.used);
    }
    if (kept > 0 && this.trace !== null) this.trace.taken(meter, tNs, number, meter.socketOf(flow));
    return kept;
  }

  /** The first pool had no room for a packet that another port has made. */
  refuse(slot: number): void {
    this.port.counters.packetsIn++;
    this.world.dropAt(this.port, DROP_NOMEM, slot, 'fsw', this.world.devicePool.id);
  }

  /** What has no flow (ARP and the like) is for the kernel itself: no socket, no meter. */
  private toKernel(slot: number, number: number, lenBytes: number): number {
    const { world, port } = this;
    const tNs = world.clock[CLOCK_NOW]!;
    const arrivalNs = world.store.arrivalNs[slot]!;
    port.counters.deliver(tNs - arrivalNs);
    port.counters.bytesOut += lenBytes;
    world.finished++;
    if (world.verdict !== null) world.judge(number, VERDICT_DELIVERED, port.number);
    if (world.trace !== null) world.trace.delivered(port, tNs, number, arrivalNs, tNs);
    world.store.release(slot);
    return 0;
  }

  /** Does what is due now, and says when something is due again. */
  run(): number {
    this.meter.run(this.world.clock[CLOCK_NOW]!);
    return this.meter.nextDueNs;
  }

  /** The input has ended; says when something is due. */
  endOfInput(): number {
    this.meter.endOfInput(this.world.clock[CLOCK_NOW]!);
    return this.meter.nextDueNs;
  }

  /** Buflets of the device pool, and of the user ports' pools. */
  pools(): { device: number; user: number } {
    const { world, port } = this;
    return { device: world.devicePool.packets, user: world.ports.reduce((n, p) => (p === port ? n : n + p.pool.packets), 0) };
  }

  /** Buflets of the device pool that the packets inside hold. */
  heldBuflets(): number {
    const { rings, cells } = this.meter;
    let n = 0;
    for (let r = 0; r < rings.count; r++) {
      for (let c = rings.oldest[r]!; c !== 0; c = cells.newer[c - 1]!) n += cells.buflets[c - 1]!;
      for (let c = rings.waitHead[r]!; c !== 0; c = cells.next[c - 1]!) n += cells.buflets[c - 1]!;
    }
    return n;
  }

  /** For a snapshot, to be restored after the rings of the world. What the series recorder has is not in it: a restored port records from its instant on. */
  traces(trace: WorldTrace | null): void {
    this.trace = trace === null ? null : new MeterTrace(trace, this.id, this.socketId);
  }

  save(w: StateWriter): void {
    w.put(this.insideBytes);
    for (const delays of this.allDelays()) saveDelays(w, delays);
    this.channels.save(w);
    saveMeter(this.meter, w);
  }

  restore(r: StateReader): void {
    this.insideBytes = r.get();
    for (const delays of this.allDelays()) restoreDelays(r, delays);
    this.channels.restore(r);
    restoreMeter(this.meter, r);
  }

  private allDelays(): Delays[] {
    const { deviceSwitch, switchRing, ringRelease, releaseRead, total, added } = this.stages;
    const users = this.channels.ports.flatMap((p) => [p.deviceSwitch, p.channel, p.total]);
    return [deviceSwitch, switchRing, ringRelease, releaseRead, total, added, ...users];
  }

  // MeterHooks.

  released(meter: Meter, cell: number, rule: number): void {
    const { world, recorder } = this;
    const { cells } = meter;
    const tNs = meter.now[0]!;
    this.stages.added.add(tNs - cells.switchedNs[cell]!);
    if (meter.enabled) world.devicePool.give(cells.buflets[cell]!);
    if (recorder !== null) {
      const socket = cells.socket[cell]!;
      const bin = recorder.bin(tNs);
      recorder.sum(RELEASED, bin, cells.lenBytes[cell]!);
      recorder.fill(meter.sockets, socket, bin, meter.sockets.words[socket * SOCKET_WORDS + S_FILL]! + cells.lenBytes[cell]!);
    }
    if (this.trace !== null) this.trace.released(meter, cell, rule);
  }

  read(meter: Meter, cell: number): void {
    const { world, port, recorder, stages } = this;
    const { cells } = meter;
    const tNs = meter.sockets.readNs[0]!;
    const lenBytes = cells.lenBytes[cell]!;
    const arrivalNs = cells.arrivalNs[cell]!;
    const number = cells.number[cell]!;
    stages.deviceSwitch.add(cells.switchedNs[cell]! - arrivalNs);
    stages.switchRing.add(cells.ringNs[cell]! - cells.switchedNs[cell]!);
    stages.ringRelease.add(cells.releasedNs[cell]! - cells.ringNs[cell]!);
    stages.releaseRead.add(tNs - cells.releasedNs[cell]!);
    stages.total.add(tNs - arrivalNs);
    port.counters.deliver(tNs - arrivalNs);
    port.counters.bytesOut += lenBytes;
    this.insideBytes -= lenBytes;
    world.finished++;
    if (tNs > world.endNs) world.endNs = tNs;
    if (world.verdict !== null) world.judge(number, VERDICT_DELIVERED, port.number);
    if (recorder !== null) {
      const socket = cells.socket[cell]!;
      const bin = recorder.bin(tNs);
      recorder.sum(READ, bin, lenBytes);
      recorder.fill(meter.sockets, socket, bin, meter.sockets.words[socket * SOCKET_WORDS + S_FILL]!);
    }
    if (this.trace !== null) this.trace.read(meter, cell);
  }

  dropped(meter: Meter, cell: number, code: number, held: boolean): void {
    const { world, port, recorder } = this;
    const { cells } = meter;
    const lenBytes = cells.lenBytes[cell]!;
    port.counters.dropped++;
    port.counters.bytesDropped += lenBytes;
    this.insideBytes -= lenBytes;
    if (held) world.devicePool.give(cells.buflets[cell]!);
    const atRing = code === DROP_METER_RING_FULL || code === DROP_METER_HEAD;
    const obj = atRing ? this.id : `${this.socketId}.${String(cells.socket[cell]!)}`;
    if (recorder !== null) recorder.sum(DROPS, recorder.bin(meter.now[0]!), 1);
    if (this.trace !== null && (atRing || code === DROP_SOCK_FULL)) this.trace.full(meter, cell, atRing);
    world.drop(code, cells.flow[cell]!, cells.number[cell]!, atRing ? 'meter' : 'socket', obj);
  }

  stalled(meter: Meter, socket: number): void {
    const { recorder } = this;
    if (recorder !== null) recorder.sum(STALLS, recorder.bin(meter.now[0]!), 1);
    if (this.trace !== null) this.trace.stalled(meter, socket);
  }

  ticked(meter: Meter, portions: number): void {
    const { recorder } = this;
    if (recorder !== null) {
      const bin = recorder.bin(meter.now[0]!);
      recorder.sum(WAKEUPS, bin, 1);
      recorder.peak(RING_USED, bin, meter.rings.totalUsed);
      recorder.peak(RING_BYTES, bin, meter.rings.totalBytes);
      recorder.peak(WAITING, bin, meter.rings.totalWaiting);
      recorder.peak(POOL_USED, bin, this.world.devicePool.used);
      this.law(bin);
    }
    if (this.trace !== null) this.trace.ticked(meter, portions);
  }

  private law(bin: number): void {
    const { meter, recorder } = this;
    if (recorder === null) return;
    recorder.last(RING_SLOTS, bin, meter.enabled ? meter.sizer.slots * (meter.perSocket ? meter.sockets.made : 1) : 0);
    recorder.last(RATE, bin, meter.rings.rateBps[0]!);
    recorder.last(TOKENS, bin, meter.rings.tokens[0]!);
    recorder.last(INTERVAL, bin, meter.interval.ns / 1_000);
    recorder.last(QUALITY, bin, meter.channel.effectiveQuality);
  }
}

function saveDelays(w: StateWriter, delays: Delays): void {
  const used: number[] = [];
  for (let b = 0; b < delays.counts.length; b++) if (delays.counts[b] !== 0) used.push(b, delays.counts[b]!);
  w.put(delays.maxNs, delays.sumNs, used.length / 2, ...used);
}

function restoreDelays(r: StateReader, delays: Delays): void {
  [delays.maxNs, delays.sumNs] = [r.get(), r.get()];
  delays.counts.fill(0);
  for (let n = r.get(); n > 0; n--) {
    const bucket = r.get();
    delays.counts[bucket] = r.get();
  }
}
