import type { LiveFrame, Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { Pipeline, type FlowList, type Player, type VerdictSink } from '../../lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';
import type { IndexedRecords } from './records.ts';
import type { Snapshots } from './snapshots.ts';

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
  private current: Pipeline;
  private readonly snapshots: Snapshots;
  /** A chunk of its own: ports look at the bytes of a batch long after it was read. */
  private readonly records: IndexedRecords;
  private readonly batch = new RecordBatch();
  private readonly classified = new ClassifiedBatch(this.batch.capacity);
  private batchFirst = 1;

  /**
   * `snapshots` are of this input and scenario. `drainedNs`: when the rings run empty after the last packet, once a run has shown it.
   * `verdicts`: kept by this pipeline itself, for a live capture that no run has gone through yet.
   */
  constructor(input: SessionInput, scenario: Scenario, snapshots: Snapshots, drainedNs: () => number, verdicts?: VerdictSink) {
    this.input = input;
    this.records = input.records.apart();
    this.scenario = scenario;
    this.drainedNs = drainedNs;
    this.verdicts = verdicts;
    this.current = this.newPipeline();
    this.snapshots = snapshots;
    if (input.growing) snapshots.claim(this.current);
  }

  /** The pipeline as it stands; nothing of it may be kept or changed. */
  get pipeline(): Pipeline {
    return this.current;
  }

  get packets(): number {
    return this.input.packets;
  }

  get endNs(): number {
    return Math.max(this.input.endNs, this.drainedNs());
  }

  get packet(): number {
    return this.current.fed;
  }

  timeOf(packet: number): number {
    return this.input.timeOf(packet);
  }

  packetAt(tNs: number): number {
    return this.input.packetAt(tNs);
  }

  feed(last: number, limit: number): number {
    const number = this.current.fed + 1;
    const wanted = Math.min(limit, Math.min(last, this.input.packets) - number + 1);
    if (wanted <= 0 || !this.load(number)) return 0;
    const from = number - this.batchFirst;
    const to = Math.min(this.batch.count, from + wanted);
    this.current.feed(this.batch, this.classified, from, to, number);
    this.tNs = Math.max(this.tNs, this.timeOf(this.current.fed));
    this.revision++;
    this.snapshots.offer(this.current);
    return to - from;
  }

  advance(tNs: number): void {
    this.current.advanceTo(tNs);
    this.tNs = Math.max(this.tNs, tNs);
    this.revision++;
  }

  leads(packet: number, tNs: number): boolean {
    const snapshot = this.snapshots.before(packet, tNs);
    return snapshot !== undefined && snapshot.nextNumber - 1 - this.current.fed >= this.snapshots.leastSpacing;
  }

  restore(packet: number, tNs: number): void {
    const snapshot = this.snapshots.before(packet, tNs);
    if (snapshot === undefined) this.current = this.newPipeline();
    else {
      // Where only the pipeline that took a snapshot can go back to it, that one is the playhead's from here on.
      if (snapshot.own !== undefined) this.current = this.snapshots.takeOwner();
      this.current.restore(snapshot);
    }
    this.tNs = snapshot?.tNs ?? 0;
    this.unreadable = false;
    this.revision++;
  }

  /** Flows up to the playhead. */
  flows(): FlowList {
    this.current.flows.refresh();
    return this.current.flows;
  }

  frame(): LiveFrame {
    return { ...this.current.frame(), tNs: this.tNs, revision: this.revision };
  }

  private newPipeline(): Pipeline {
    return new Pipeline(this.scenario, this.verdicts === undefined ? {} : { verdicts: this.verdicts });
  }

  /** Makes sure that the batch holds a packet. False where the file cannot be read any more. */
  private load(number: number): boolean {
    if (number >= this.batchFirst && number < this.batchFirst + this.batch.count) return true;
    this.batchFirst = number;
    this.unreadable = this.records.read(number, this.batch) === 0;
    if (!this.unreadable) classifyBatch(this.batch, this.classified);
    return !this.unreadable;
  }
}
