import { NS_PER_S } from '../base/index.ts';
import type { FlowTable } from '../wire/index.ts';
import {
  C_WHEEL_NEXT,
  E_STATE,
  FLOW_ACTIVE,
  FLOW_COLD_WORDS,
  FLOW_ENTRY_FLOATS,
  FLOW_ENTRY_WORDS,
  FLOW_IN_WHEEL,
  F_LAST,
} from './flow-entry.ts';

/** Seconds the wheel spans. A flow that is due later is looked at again on the way, which costs one visit in two minutes. */
const WHEEL_SECONDS = 128;

/**
 * The worker that expires silent flows once a second. Each entry waits in the bucket of the second in which it would expire if
 * no more came; when that second comes it goes, or moves on to its new second. Seconds without entries are skipped, so a gap
 * of years in a capture costs nothing.
 */
export class LingerWheel {
  /** When the worker has work next; Infinity while no entry waits. */
  nextTickNs = Number.POSITIVE_INFINITY;
  private readonly table: FlowTable;
  private readonly lingerNs: number;
  /** First flow of a bucket, number + 1; 0 for none. */
  private readonly heads = new Int32Array(WHEEL_SECONDS);
  private second = 0;

  constructor(table: FlowTable, lingerNs: number) {
    this.table = table;
    this.lingerNs = lingerNs;
  }

  /** Puts an entry into the wheel that was made at `nowNs`, unless it waits there still. */
  add(id: number, nowNs: number): void {
    const at = id * FLOW_ENTRY_WORDS;
    const state = this.table.entries[at + E_STATE]!;
    if ((state & FLOW_IN_WHEEL) !== 0) return;
    this.table.entries[at + E_STATE] = state | FLOW_IN_WHEEL;
    const now = Math.floor(nowNs / NS_PER_S);
    if (this.nextTickNs === Number.POSITIVE_INFINITY || now > this.second) this.second = now;
    this.place(id, this.dueSecond(id));
  }

  private dueSecond(id: number): number {
    const last = this.table.floats[id * FLOW_ENTRY_FLOATS + F_LAST]!;
    return Math.floor((last + this.lingerNs) / NS_PER_S) + 1;
  }

  private place(id: number, due: number): void {
    const second = Math.max(this.second + 1, Math.min(due, this.second + WHEEL_SECONDS - 1));
    const bucket = second % WHEEL_SECONDS;
    this.table.cold[id * FLOW_COLD_WORDS + C_WHEEL_NEXT] = this.heads[bucket]!;
    this.heads[bucket] = id + 1;
    const tickNs = second * NS_PER_S;
    if (tickNs < this.nextTickNs) this.nextTickNs = tickNs;
  }

  private schedule(): void {
    this.nextTickNs = Number.POSITIVE_INFINITY;
    for (let s = 1; s < WHEEL_SECONDS; s++) {
      if (this.heads[(this.second + s) % WHEEL_SECONDS] !== 0) {
        this.nextTickNs = (this.second + s) * NS_PER_S;
        return;
      }
    }
  }

  /** Works through the bucket of `tNs`, which must be `nextTickNs`. Returns how many entries went. */
  tick(tNs: number): number {
    const entries = this.table.entries;
    this.second = Math.round(tNs / NS_PER_S);
    const bucket = this.second % WHEEL_SECONDS;
    let next = this.heads[bucket]!;
    this.heads[bucket] = 0;
    let gone = 0;
    while (next !== 0) {
      const id = next - 1;
      const at = id * FLOW_ENTRY_WORDS;
      next = this.table.cold[id * FLOW_COLD_WORDS + C_WHEEL_NEXT]!;
      const due = this.dueSecond(id);
      if (due > this.second) this.place(id, due);
      else {
        entries[at + E_STATE] = entries[at + E_STATE]! & ~(FLOW_ACTIVE | FLOW_IN_WHEEL);
        gone++;
      }
    }
    this.schedule();
    return gone;
  }

  /** Builds the wheel anew from the entries, for a restored snapshot at `nowNs`. */
  rebuild(nowNs: number): void {
    this.heads.fill(0);
    this.nextTickNs = Number.POSITIVE_INFINITY;
    this.second = Math.floor(nowNs / NS_PER_S);
    for (let id = 0; id < this.table.count; id++) {
      const state = this.table.entries[id * FLOW_ENTRY_WORDS + E_STATE]!;
      if ((state & FLOW_ACTIVE) === 0) continue;
      this.place(id, this.dueSecond(id));
    }
    this.schedule();
  }
}
