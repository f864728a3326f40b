import { Delays, type StateReader, type StateWriter } from '../../stack/index.ts';
import type { QueueWorld } from '../world.ts';
import { CLOCK_NOW } from '../services.ts';
import { BURST_PEAKS, type BurstRecorder } from './recorder.ts';

const USER_POOL = BURST_PEAKS.indexOf('userPoolUsed');

/** Stages of a user port. */
export class PortStages {
  readonly deviceSwitch = new Delays();
  readonly channel = new Delays();
  readonly total = new Delays();
}

/** B-22 for the user ports beside a host port with sockets, so that both can be set side by side. */
export class ChannelStages {
  /** By place of the port; those of the host port stay empty. */
  readonly ports: readonly PortStages[];
  private readonly world: QueueWorld;
  private readonly recorder: BurstRecorder | null;
  private readonly switchedNs: Float64Array;

  constructor(world: QueueWorld, recorder: BurstRecorder | null) {
    this.world = world;
    this.recorder = recorder;
    this.ports = world.ports.map(() => new PortStages());
    this.switchedNs = new Float64Array(world.store.capacity);
  }

  /** A packet has come into the RX ring of a user port now. */
  switched(slot: number): void {
    const { world, recorder } = this;
    const tNs = world.clock[CLOCK_NOW]!;
    this.switchedNs[slot] = tNs;
    if (recorder === null) return;
    let used = 0;
    for (let p = 0; p < world.ports.length; p++) if (p !== world.hostIndex) used += world.ports[p]!.pool.used;
    recorder.peak(USER_POOL, recorder.bin(tNs), used);
  }

  /** Its application has read it at `tNs`. */
  read(port: number, slot: number, tNs: number): void {
    const stages = this.ports[port]!;
    const switchedNs = this.switchedNs[slot]!;
    const arrivalNs = this.world.store.arrivalNs[slot]!;
    stages.deviceSwitch.add(switchedNs - arrivalNs);
    stages.channel.add(tNs - switchedNs);
    stages.total.add(tNs - arrivalNs);
  }

  /** Times of the packets that are in the rings. */
  save(w: StateWriter): void {
    for (const { rx } of this.world.ports) for (let i = 0; i < rx.used; i++) w.put(this.switchedNs[rx.peek(i)]!);
  }

  restore(r: StateReader): void {
    for (const { rx } of this.world.ports) for (let i = 0; i < rx.used; i++) this.switchedNs[rx.peek(i)] = r.get();
  }

  /** A read is over: pools are smaller. */
  drained(): void {
    const { world, recorder } = this;
    if (recorder === null) return;
    let used = 0;
    for (let p = 0; p < world.ports.length; p++) if (p !== world.hostIndex) used += world.ports[p]!.pool.used;
    recorder.peak(USER_POOL, recorder.bin(world.clock[CLOCK_NOW]!), used);
  }
}
