import type { LiveFrame, Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { Pipeline, type FlowList, type Player, type Snapshot, type VerdictSink } from '../../lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/** Snapshots of a run at most: a seek replays one part in as many. */
export const MAX_SNAPSHOTS = 64;
/** Memory of all snapshots. With very many flows they get large; then fewer are kept and seeks take longer. */
export const MAX_SNAPSHOT_BYTES = 128 * 1024 * 1024;
/** Packets between snapshots at least; fewer are replayed in no time. */
const MIN_SNAPSHOT_SPACING = 32_768;

/** States of the pipeline along the input, by which a seek back need not start from nothing. */
class Snapshots {
  private list: Snapshot[] = [];
  private spacing: number;
  private nextAt: number;

  constructor(packets: number) {
    this.spacing = Math.max(MIN_SNAPSHOT_SPACING, Math.ceil(packets / MAX_SNAPSHOTS));
    this.nextAt = this.spacing;
  }

  /** Takes one where the pipeline has come a spacing further than the last. */
  offer(pipeline: Pipeline): void {
    if (pipeline.fed < this.nextAt) return;
    this.list.push(pipeline.snapshot());
    while (this.list.length > MAX_SNAPSHOTS || this.bytes() > MAX_SNAPSHOT_BYTES) {
      this.spacing *= 2;
      this.list = this.list.filter((_, i) => i % 2 === 1);
    }
    this.nextAt = pipeline.fed + this.spacing;
  }

  /** The latest from which going forward reaches a place. */
  before(packet: number, tNs: number): Snapshot | undefined {
    return this.list.findLast((snapshot) => snapshot.tNs <= tNs && snapshot.nextNumber - 1 <= packet);
  }

  private bytes(): number {
    return this.list.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

/** The pipeline at one instant of the input: what the transport moves and the panels show. */
export class Playhead implements Player {
  tNs = 0;
  /** Grows with every change that a panel could show. */
  revision = 1;
  /** Set where the file cannot be read any more: the transport stops there. */
  unreadable = false;
  private readonly input: SessionInput;
  private readonly scenario: Scenario;
  private readonly verdicts: VerdictSink | undefined;
  private readonly drainedNs: () => number;
  private pipeline: Pipeline;
  private readonly snapshots: Snapshots;
  private readonly batch = new RecordBatch();
  private readonly classified = new ClassifiedBatch(this.batch.capacity);
  private batchFirst = 1;

  /**
   * `drainedNs`: when the rings run empty after the last packet, once a run has shown it. `verdicts`: kept by this pipeline itself, for
   * a live capture that no run has gone through yet.
   */
  constructor(input: SessionInput, scenario: Scenario, drainedNs: () => number, verdicts?: VerdictSink) {
    this.input = input;
    this.scenario = scenario;
    this.drainedNs = drainedNs;
    this.verdicts = verdicts;
    this.pipeline = this.newPipeline();
    this.snapshots = new Snapshots(input.packets);
  }

  get packets(): number {
    return this.input.packets;
  }

  get endNs(): number {
    return Math.max(this.input.endNs, this.drainedNs());
  }

  get packet(): number {
    return this.pipeline.fed;
  }

  timeOf(packet: number): number {
    return this.input.timeOf(packet);
  }

  packetAt(tNs: number): number {
    return this.input.packetAt(tNs);
  }

  feed(last: number, limit: number): number {
    const number = this.pipeline.fed + 1;
    const wanted = Math.min(limit, Math.min(last, this.input.packets) - number + 1);
    if (wanted <= 0 || !this.load(number)) return 0;
    const from = number - this.batchFirst;
    const to = Math.min(this.batch.count, from + wanted);
    this.pipeline.feed(this.batch, this.classified, from, to, number);
    this.tNs = Math.max(this.tNs, this.timeOf(this.pipeline.fed));
    this.revision++;
    this.snapshots.offer(this.pipeline);
    return to - from;
  }

  advance(tNs: number): void {
    this.pipeline.advanceTo(tNs);
    this.tNs = Math.max(this.tNs, tNs);
    this.revision++;
  }

  restore(packet: number, tNs: number): void {
    const snapshot = this.snapshots.before(packet, tNs);
    if (snapshot === undefined) this.pipeline = this.newPipeline();
    else this.pipeline.restore(snapshot);
    this.tNs = snapshot?.tNs ?? 0;
    this.unreadable = false;
    this.revision++;
  }

  /** Flows up to the playhead. */
  flows(): FlowList {
    this.pipeline.flows.refresh();
    return this.pipeline.flows;
  }

  frame(): LiveFrame {
    return { ...this.pipeline.frame(), tNs: this.tNs, revision: this.revision };
  }

  private newPipeline(): Pipeline {
    return new Pipeline(this.scenario, this.verdicts === undefined ? {} : { verdicts: this.verdicts });
  }

  /** Makes sure that the batch holds a packet. False where the file cannot be read any more. */
  private load(number: number): boolean {
    if (number >= this.batchFirst && number < this.batchFirst + this.batch.count) return true;
    this.batchFirst = number;
    this.unreadable = this.input.records.read(number, this.batch) === 0;
    if (!this.unreadable) classifyBatch(this.batch, this.classified);
    return !this.unreadable;
  }
}
