import { NS_PER_MS } from '../../base/index.ts';
import type { Capability, MeterSpec, RingSizeRecord } from '../../contract/index.ts';

/** Records of ring sizes kept; older ones in the middle give way, the first stays. */
const MAX_SIZE_RECORDS = 64;

interface Wanted {
  readonly burstBytes: number;
  readonly holdBytes: number;
  readonly slots: number;
  readonly drivenBy: RingSizeRecord['drivenBy'];
  readonly rule: string;
}

const grouped = (value: number): string => value.toLocaleString('en-US');

/** B-12: slots that a capability record asks for. */
export function wantedSlots(capability: Capability, spec: MeterSpec): Wanted {
  const burstBytes = capability.burstBytesMax;
  const holdBytes = Math.round((capability.peakBps / 8) * (spec.holdTimeMs / 1_000));
  if (spec.fixedSlots !== undefined) {
    return { burstBytes, holdBytes, slots: spec.fixedSlots, drivenBy: 'fixedSlots', rule: `fixed at ${String(spec.fixedSlots)} slots` };
  }
  const raw = (burstBytes + holdBytes) / spec.slotBytes;
  let power = 1;
  while (power < raw) power *= 2;
  const max = Math.max(spec.minSlots, spec.maxSlots);
  const slots = Math.min(max, Math.max(spec.minSlots, power));
  const larger = burstBytes >= holdBytes ? 'burstBytesMax' : 'peakBps';
  const drivenBy = slots === power ? larger : slots === max ? 'maxSlots' : 'minSlots';
  const limit = slots === power ? '' : `, limited by ${drivenBy} to ${String(slots)}`;
  const rule =
    `(${grouped(burstBytes)} bytes of one burst + ${grouped(holdBytes)} bytes of ${String(spec.holdTimeMs)} ms at peak rate) / ` +
    `${grouped(spec.slotBytes)} bytes a slot = ${raw.toFixed(1)}, next power of two ${grouped(power)}${limit}`;
  return { burstBytes, holdBytes, slots, drivenBy, rule };
}

/** The size of the meter ring over time: it grows at once, and shrinks after the hold-down when what is inside fits. */
export class RingSizer {
  slots: number;
  capability: Capability;
  readonly records: RingSizeRecord[] = [];
  /** When a smaller size may come into force; Infinity while none is wanted. */
  shrinkNs = Number.POSITIVE_INFINITY;
  private readonly spec: MeterSpec;
  private wanted: Wanted;

  constructor(spec: MeterSpec, capability: Capability) {
    this.spec = spec;
    this.capability = capability;
    this.wanted = wantedSlots(capability, spec);
    this.slots = this.wanted.slots;
    this.note(0, 'start');
  }

  /** An interface advisory: grow at once, or begin the hold-down. */
  change(tNs: number, capability: Capability): void {
    this.capability = capability;
    this.wanted = wantedSlots(capability, this.spec);
    this.shrinkNs = Number.POSITIVE_INFINITY;
    if (this.wanted.slots > this.slots) {
      this.slots = this.wanted.slots;
      this.note(tNs, 'grow');
    } else if (this.wanted.slots < this.slots) {
      this.shrinkNs = tNs + Math.round(this.spec.shrinkHoldDownMs * NS_PER_MS);
      this.note(tNs, 'shrink-wanted');
    }
  }

  /** To be asked at or after `shrinkNs`: shrinks if the occupancy fits, otherwise it is asked again. */
  tryShrink(tNs: number, used: number): boolean {
    if (tNs < this.shrinkNs || used > this.wanted.slots) return false;
    this.slots = this.wanted.slots;
    this.shrinkNs = Number.POSITIVE_INFINITY;
    this.note(tNs, 'shrink');
    return true;
  }

  private note(tNs: number, event: RingSizeRecord['event']): void {
    const { burstBytes, holdBytes, slots, drivenBy, rule } = this.wanted;
    const { capability } = this;
    const rat = capability.rat;
    if (this.records.length === MAX_SIZE_RECORDS) this.records.splice(1, 1);
    this.records.push({ tNs, event, rat, capability, burstBytes, holdBytes, wantedSlots: slots, slots: this.slots, drivenBy, rule });
  }

  /** State for a snapshot: the records follow from the scenario, all but the instants of shrinking. */
  restore(state: { slots: number; shrinkNs: number; capability: Capability; records: readonly RingSizeRecord[] }): void {
    this.slots = state.slots;
    this.shrinkNs = state.shrinkNs;
    this.capability = state.capability;
    this.wanted = wantedSlots(state.capability, this.spec);
    this.records.splice(0, this.records.length, ...state.records);
  }
}
