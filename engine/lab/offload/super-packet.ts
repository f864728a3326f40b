import type { SuperPacket, SuperPacketRow } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { Aggregator, OffloadMemory, Segmenter, newShape, type AggregateOptions, type OutPacket, type Shape } from '../../stack/index.ts';
import { ClassifiedBatch, classifyRange } from '../../wire/index.ts';
import { DevicePackets } from './device-packets.ts';
import { differingFields } from './fields.ts';
import { sameBytes, shapeOfChain } from './round-trip.ts';

/** Reads one record of the input by its number into the batch's first place; false if it cannot be read. */
export type ReadRecord = (number: number, batch: RecordBatch) => boolean;

/**
 * Opens an aggregate: joins its packets again with the port's rules, cuts the result, and sets every segment's header beside the aggregate's
 * and beside that of the packet on the wire. Undefined if a packet cannot be read any more.
 */
export function openSuperPacket(
  row: SuperPacketRow,
  numbers: readonly number[],
  options: AggregateOptions,
  read: ReadRecord,
): SuperPacket | undefined {
  const memory = new OffloadMemory({ defaultBuffers: 4_096, largeBuffers: 16 });
  const device = new DevicePackets(memory, { deviceSums: true, wakeAfterNs: 0 });
  const aggregator = new Aggregator(memory, options);
  const batch = new RecordBatch(1);
  const classified = new ClassifiedBatch(1);
  for (const number of numbers) {
    if (!read(number, batch)) return undefined;
    classifyRange(batch, 0, 1, classified.rows, 0);
    device.load(batch, 0, classified.rows, 0, number, 0);
    const packet = device.take(number);
    if (packet === undefined || !aggregator.take(packet)) return undefined;
  }
  aggregator.close();
  const out = aggregator.pending[0];
  return out?.members.length === numbers.length ? opened(memory, out, row, numbers) : undefined;
}

function opened(memory: OffloadMemory, out: OutPacket, row: SuperPacketRow, numbers: readonly number[]): SuperPacket {
  const s = newShape();
  shapeOfChain(memory, s, out.first, out.shape.l3);
  const header = memory.read(out.first, 0, s.payload);
  const segmenter = new Segmenter(memory);
  segmenter.segment(out.first, s, out.segmentBytes, true);
  const segments = Array.from(segmenter.heads.subarray(0, segmenter.count), (first, i) => {
    const bytes = memory.read(first);
    const own = bytes.slice(0, s.payload);
    const member = out.members[i];
    const wire = member === undefined ? new Uint8Array(0) : memory.read(member.first, 0, bytes.length);
    const wireHeader = wire.subarray(0, s.payload);
    return {
      number: numbers[i] ?? 0,
      offset: i * out.segmentBytes,
      payloadBytes: bytes.length - s.payload,
      header: own,
      rewritten: differingFields(header, own, s),
      differs: sameBytes(bytes, wire) ? [] : differingFields(wireHeader, own, s),
    };
  });
  return { row, segmentBytes: out.segmentBytes, header, payloadBytes: out.payloadBytes, layers: layersOf(s), segments };
}

function layersOf(s: Shape): SuperPacket['layers'] {
  return [
    { name: 'Link', start: 0, length: s.l3 },
    { name: s.version === 4 ? 'IPv4' : 'IPv6', start: s.l3, length: s.l4 - s.l3 },
    { name: 'TCP', start: s.l4, length: s.payload - s.l4 },
  ];
}
