import { Random, assert } from '../../base/index.ts';
import type { OffloadOverrides, OffloadReport, Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { OffloadMemory, Reassembler } from '../../stack/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import { withHostPort } from '../host-port.ts';
import { Pipeline } from '../pipeline.ts';
import { DevicePackets, type CarriedPacket } from './device-packets.ts';
import type { PollSink } from './poll-trace.ts';
import { ReceivePath, ReceiveTotals, type OffloadOutput, type ReceiveShared } from './receive.ts';
import { offloadReport } from './report.ts';
import { RoundTrip } from './round-trip.ts';
import { offloadPlan, withLocal, type OffloadPlan } from './settings.ts';
import { TransmitPath } from './transmit.ts';

export interface OffloadOptions {
  readonly overrides?: OffloadOverrides;
  /** Gets every packet as it leaves; packets of one step come in the order of time. */
  readonly onOutput?: (packet: OffloadOutput) => void;
  /** Cut every aggregate again and compare it with the wire (default). */
  readonly roundTrip?: boolean;
}

/** Records of one step: between two steps everything due has happened and output is sorted. */
const STEP = 256;
/** Buffers of the default size at most: 138 MB of memory that is committed as it is touched. */
const MAX_DEFAULT_BUFFERS = 65_536;
const LARGE_BUFFERS = 512;
const SPARE_BUFFERS = 4_096;

interface Batch {
  tNs: number;
  readonly numbers: number[];
  readonly ports: number[];
}

/**
 * The packets of an input through the offloads, in the very polls of the flow switch: a pipeline of the scenario runs on the lab clock and tells
 * which packets are taken together. Real bytes are copied from device buffers to port buffers, or back for packets of this
 * machine. The result is a function of input and scenario; costs are measured elsewhere.
 */
export class OffloadRun implements PollSink {
  readonly scenario: Scenario;
  readonly plan: OffloadPlan;
  readonly memory: OffloadMemory;
  readonly totals = new ReceiveTotals();
  readonly receive = new Map<number, ReceivePath>();
  readonly transmit = new Map<number, TransmitPath>();
  readonly reassembly = new Map<number, Reassembler>();
  readonly carried: DevicePackets;
  readonly roundTrip: RoundTrip | undefined;
  polls = 0;
  /** Packets lost in rings and pools before or after the offloads, as in the run of the scenario. */
  lost = 0;
  packets = 0;
  /** Fragments whose datagram did not come together. */
  fragmentsLost = 0;
  private readonly pipeline: Pipeline;
  private readonly rx = new Map<number, Batch>();
  private readonly tx = new Map<number, Batch>();
  private readonly shared: ReceiveShared;
  private readonly classified: ClassifiedBatch;
  private readonly outputs: OffloadOutput[] = [];
  private readonly onOutput: ((packet: OffloadOutput) => void) | undefined;
  private number = 1;
  private clockNs = 0;
  private finished = false;

  constructor(scenario: Scenario, options: OffloadOptions = {}) {
    const overrides = options.overrides ?? {};
    this.scenario = withHostPort(withLocal(scenario, overrides));
    this.plan = offloadPlan(this.scenario, overrides);
    const { device, ports } = this.plan;
    const inside = this.scenario.device.poolPackets * this.scenario.device.queues;
    this.memory = new OffloadMemory({
      defaultBuffers: Math.min(MAX_DEFAULT_BUFFERS, 2 * inside + SPARE_BUFFERS),
      largeBuffers: LARGE_BUFFERS,
    });
    const deviceSums = ports.some((port) => port.path.rx === 'hardware');
    this.carried = new DevicePackets(this.memory, { deviceSums, wakeAfterNs: device.wakeAfterMs * 1e6 });
    this.roundTrip = options.roundTrip === false ? undefined : new RoundTrip(this.memory);
    this.onOutput = options.onOutput;
    const every = overrides.corruptEvery ?? 0;
    this.shared = {
      memory: this.memory,
      roundTrip: this.roundTrip,
      totals: this.totals,
      output: options.onOutput === undefined ? undefined : (packet) => this.outputs.push(packet),
      corrupt: every === 0 ? undefined : { every, random: new Random(scenario.seed).fork('corrupt') },
    };
    this.pipeline = new Pipeline(this.scenario, { polls: this });
    this.classified = new ClassifiedBatch(new RecordBatch().capacity);
  }

  /** Takes the next records of the input. */
  feed(batch: RecordBatch): void {
    assert(!this.finished, 'a run is fed before it is finished');
    const { classified } = this;
    classifyBatch(batch, classified);
    // Time does not run backwards in the lab.
    for (let i = 0; i < batch.count; i++) this.clockNs = batch.tsNs[i] = Math.max(this.clockNs, batch.tsNs[i]!);
    for (let from = 0; from < batch.count; from += STEP) {
      const to = Math.min(batch.count, from + STEP);
      for (let i = from; i < to; i++) this.carried.load(batch, i, classified.rows, i, this.number + i - from, batch.tsNs[i]!);
      this.pipeline.feed(batch, classified, from, to, this.number);
      this.number += to - from;
      this.packets += to - from;
      this.pipeline.advanceTo(batch.tsNs[to - 1]!);
      this.settle(batch.tsNs[to - 1]!);
    }
  }

  /** The input has ended: all that waits comes out. */
  finish(): OffloadReport {
    if (!this.finished) {
      this.pipeline.finish();
      this.settle(Number.POSITIVE_INFINITY);
      for (const path of this.receive.values()) if (path.release.waiting > 0) path.out('end', this.clockNs);
      for (const reassembler of this.reassembly.values()) reassembler.finish();
      this.settle(Number.POSITIVE_INFINITY);
      this.finished = true;
    }
    return offloadReport(this);
  }

  received(queue: number, tNs: number, number: number, port: number): void {
    this.collect(this.rx, queue, tNs, number, port, (batch) => {
      this.receiveBatch(queue, batch);
    });
  }

  queued(_queue: number, _tNs: number, number: number, port: number): void {
    const packet = this.carried.get(number);
    if (packet !== undefined) packet.port = port;
  }

  sent(queue: number, tNs: number, number: number): void {
    this.collect(this.tx, queue, tNs, number, this.carried.get(number)?.port ?? -1, (batch) => {
      this.sendBatch(queue, batch);
    });
  }

  dropped(number: number): void {
    if (this.carried.drop(number)) this.lost++;
  }

  /** Puts a packet into the queue's batch; the batch before it, of another instant, is complete then. */
  private collect(
    batches: Map<number, Batch>,
    queue: number,
    tNs: number,
    number: number,
    port: number,
    complete: (batch: Batch) => void,
  ): void {
    let batch = batches.get(queue);
    if (batch === undefined) batches.set(queue, (batch = { tNs, numbers: [], ports: [] }));
    if (batch.numbers.length > 0 && (batch.tNs !== tNs || batch.numbers.length >= this.scenario.flowSwitch.batch)) complete(batch);
    batch.tNs = tNs;
    batch.numbers.push(number);
    batch.ports.push(port);
  }

  /** Everything up to `tNs` has happened in the pipeline: batches are complete, and output can be given out in order. */
  private settle(tNs: number): void {
    for (const [queue, batch] of this.rx) this.receiveBatch(queue, batch);
    for (const [queue, batch] of this.tx) this.sendBatch(queue, batch);
    for (const path of this.receive.values()) path.timeout(tNs);
    for (const path of this.transmit.values()) path.pollEnd(tNs);
    if (this.onOutput === undefined || this.outputs.length === 0) return;
    this.outputs.sort((a, b) => a.tNs - b.tNs);
    for (const output of this.outputs) this.onOutput(output);
    this.outputs.length = 0;
  }

  private receiveBatch(queue: number, batch: Batch): void {
    const { numbers, ports, tNs } = batch;
    if (numbers.length === 0) return;
    this.polls++;
    const reassembler = this.reassembler(queue);
    reassembler?.expire(tNs);
    for (const [i, number] of numbers.entries()) {
      let packet = this.carried.take(number);
      if (packet?.fragment === true && reassembler !== undefined) packet = this.reassembled(reassembler, packet);
      if (packet === undefined) continue;
      const path = this.receivePath(queue, ports[i]!);
      path.timeout(tNs);
      path.take(packet, tNs);
    }
    numbers.length = 0;
    ports.length = 0;
    for (let port = 0; port < this.plan.ports.length; port++) this.receive.get(queue * 64 + port)?.pollEnd(tNs);
  }

  private reassembled(reassembler: Reassembler, packet: CarriedPacket): CarriedPacket | undefined {
    const whole = reassembler.take(packet);
    if (whole === undefined) return undefined;
    this.fragmentsLost -= whole.numbers.length;
    return { ...packet, ...whole, fragment: false };
  }

  private sendBatch(queue: number, batch: Batch): void {
    const { numbers, ports, tNs } = batch;
    for (const [i, number] of numbers.entries()) {
      const packet = this.carried.take(number);
      if (packet === undefined) continue;
      const path = this.transmitPath(queue, ports[i]!);
      path.pollEnd(tNs);
      path.take(packet, tNs);
    }
    numbers.length = 0;
    ports.length = 0;
    for (let port = 0; port < this.plan.ports.length; port++) this.transmit.get(queue * 64 + port)?.pollEnd(tNs);
  }

  private receivePath(queue: number, port: number): ReceivePath {
    const key = queue * 64 + port;
    let path = this.receive.get(key);
    if (path === undefined) this.receive.set(key, (path = new ReceivePath(this.plan.ports[port]!, this.shared)));
    return path;
  }

  private transmitPath(queue: number, port: number): TransmitPath {
    const key = queue * 64 + port;
    let path = this.transmit.get(key);
    if (path === undefined) this.transmit.set(key, (path = new TransmitPath(this.plan.ports[port]!, this.plan.device, this.shared)));
    return path;
  }

  private reassembler(queue: number): Reassembler | undefined {
    if (!this.plan.device.reassembly) return undefined;
    let reassembler = this.reassembly.get(queue);
    if (reassembler === undefined) {
      reassembler = new Reassembler(this.memory, this.plan.reassembly, (packet) => {
        this.memory.give(packet.first);
        this.fragmentsLost++;
      });
      this.reassembly.set(queue, reassembler);
    }
    return reassembler;
  }
}
