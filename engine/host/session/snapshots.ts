import { INDEX_BYTES_PER_PACKET } from '../../files/index.ts';
import { assertDefined } from '../../base/index.ts';
import type { Pipeline, Snapshot } from '../../lab/index.ts';

/** Snapshots of a run at most: a seek or an explanation replays one part in as many. */
export const MAX_SNAPSHOTS = 64;
/**
 * Memory of all snapshots: a part of what the index of the same input takes, and not less than the least. With very many flows
 * snapshots get large; then fewer are kept and seeks take longer.
 */
export const SNAPSHOTS_PER_INDEX = 1 / 6;
export const LEAST_SNAPSHOT_BYTES = 16 * 1024 * 1024;
/** Bytes that the snapshots of an input may take together. */
export function snapshotBudgetBytes(packets: number): number {
  return Math.max(LEAST_SNAPSHOT_BYTES, Math.floor(packets * INDEX_BYTES_PER_PACKET * SNAPSHOTS_PER_INDEX));
}

/** Packets between snapshots at least; fewer are replayed in no time. */
const MIN_SPACING = 32_768;
/** The same for pipelines that look at packet bytes, where a packet takes ten times as long. */
const MIN_OWN_SPACING = 4_096;

/**
 * States of a scenario's pipeline along the input, so that a seek or an explanation need not start from nothing. Whoever runs a
 * pipeline over the input offers it after each piece; one is kept for each stretch of `spacing` packets.
 */
export class Snapshots {
  /** Fewer packets than this are not worth a snapshot. */
  readonly leastSpacing: number;
  /** The pipeline whose snapshots these are, where no other can go back to them; none before one is chosen. */
  private owner: Pipeline | undefined;
  private start: Snapshot | undefined;
  private lentOut = false;
  private readonly kept = new Map<number, Snapshot>();
  private spacing: number;
  private bytes = 0;
  private readonly packets: number;

  /** `own`: of a scenario whose pipelines go back to snapshots of their own only. */
  constructor(packets: number, own = false) {
    this.packets = packets;
    this.leastSpacing = own ? MIN_OWN_SPACING : MIN_SPACING;
    this.spacing = Math.max(this.leastSpacing, Math.ceil(packets / MAX_SNAPSHOTS));
  }

  get list(): Snapshot[] {
    return this.start === undefined ? [...this.kept.values()] : [this.start, ...this.kept.values()];
  }

  /** False where snapshots are a pipeline's own, and one has been chosen already. A pipeline that has run nothing becomes that one. */
  claim(pipeline: Pipeline): boolean {
    if (!pipeline.snapshotsAreOwn) return true;
    if (this.owner !== undefined || pipeline.fed > 0) return false;
    this.owner = pipeline;
    this.start = pipeline.snapshot();
    return true;
  }

  /** The pipeline that can go back to these snapshots; whoever ran it before leaves it alone from now on. */
  takeOwner(): Pipeline {
    this.lentOut = true;
    return assertDefined(this.owner, 'snapshots of its own were taken by a pipeline');
  }

  /** The pipeline of these snapshots is somebody else's now. */
  get taken(): boolean {
    return this.lentOut;
  }

  offer(pipeline: Pipeline): void {
    if (pipeline.snapshotsAreOwn && pipeline !== this.owner) return;
    const stretch = Math.floor(pipeline.fed / this.spacing);
    if (stretch === 0 || this.kept.has(stretch)) return;
    const snapshot = pipeline.snapshot();
    this.kept.set(stretch, snapshot);
    this.bytes += snapshot.byteLength;
    // A live capture grows beyond what it had at the start.
    const budgetBytes = snapshotBudgetBytes(Math.max(this.packets, pipeline.fed));
    while (this.kept.size > MAX_SNAPSHOTS || this.bytes > budgetBytes) this.thin();
  }

  /** The latest from which going forward reaches a place. */
  before(packet: number, tNs: number): Snapshot | undefined {
    let best = this.start;
    for (const snapshot of this.kept.values()) {
      const reaches = snapshot.tNs <= tNs && snapshot.nextNumber - 1 <= packet;
      if (reaches && (best === undefined || snapshot.nextNumber > best.nextNumber)) best = snapshot;
    }
    return best;
  }

  /** Stretches twice as long: of two neighbours the first goes. */
  private thin(): void {
    this.spacing *= 2;
    const all = [...this.kept];
    this.kept.clear();
    this.bytes = 0;
    for (const [, snapshot] of all) {
      const stretch = Math.floor((snapshot.nextNumber - 1) / this.spacing);
      if (stretch === 0 || this.kept.has(stretch)) continue;
      this.kept.set(stretch, snapshot);
      this.bytes += snapshot.byteLength;
    }
  }
}
