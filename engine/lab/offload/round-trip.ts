import { Segmenter, newShape, readShape, type OffloadMemory, type OutPacket, type Shape } from '../../stack/index.ts';
import { differingFields } from './fields.ts';

/** Aggregates cut again by segmentation and compared with the packets on the wire, which are still in the device's buffers. */
export class RoundTrip {
  aggregates = 0;
  segments = 0;
  identical = 0;
  /** Segments that differ, by the first field that does. */
  readonly differs = new Map<string, number>();
  private readonly memory: OffloadMemory;
  private readonly segmenter: Segmenter;
  private readonly shape = newShape();

  constructor(memory: OffloadMemory) {
    this.memory = memory;
    this.segmenter = new Segmenter(memory);
  }

  check(out: OutPacket): void {
    const { memory, segmenter, shape: s } = this;
    shapeOfChain(memory, s, out.first, out.shape.l3);
    const outcome = segmenter.segment(out.first, s, out.segmentBytes, true);
    if (outcome === 'nomem' || outcome === 'declined') return;
    this.aggregates++;
    if (outcome === 'fits') {
      this.count('payload', out.members.length);
      return;
    }
    const cut = segmenter.count;
    for (let i = 0; i < Math.max(cut, out.members.length); i++) {
      this.segments++;
      if (i >= cut || i >= out.members.length) this.count('payload');
      else this.compare(segmenter.heads[i]!, out, i);
    }
    for (let i = 0; i < cut; i++) memory.give(segmenter.heads[i]!);
  }

  private compare(first: number, out: OutPacket, i: number): void {
    const { memory } = this;
    const member = out.members[i]!;
    const segment = memory.read(first);
    const wire = memory.read(member.first, 0, segment.length);
    if (sameBytes(segment, wire)) {
      this.identical++;
      return;
    }
    const { payload } = out.shape;
    const fields = differingFields(wire.subarray(0, payload), segment.subarray(0, payload), out.shape);
    // Checksums differ because something else does.
    const field = fields.find((f) => !f.field.endsWith('checksum'));
    const samePayload = sameBytes(segment.subarray(payload), wire.subarray(payload));
    this.count(samePayload && field !== undefined ? field.field : 'payload');
  }

  private count(name: string, n = 1): void {
    this.differs.set(name, (this.differs.get(name) ?? 0) + n);
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Shape of a packet whose bytes are all in memory. */
export function shapeOfChain(memory: OffloadMemory, s: Shape, first: number, l3: number): void {
  const lenBytes = memory.chainBytes(first);
  readShape(s, memory.bytes, memory.address(first), memory.dataLen[first]!, lenBytes, lenBytes, l3);
}
