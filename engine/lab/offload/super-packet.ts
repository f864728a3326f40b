import type { DeviceOffloads, SuperPacket, SuperPacketRow } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { Aggregator, OffloadMemory, Segmenter, newShape, type AggregateOptions, type OutPacket, type Shape } from '../../stack/index.ts';
import { ClassifiedBatch, classifyRange } from '../../wire/index.ts';
import { DevicePackets, type CarriedPacket } from './device-packets.ts';
import { differingFields } from './fields.ts';
import { ReceiveTotals } from './receive.ts';
import { sameBytes, shapeOfChain } from './round-trip.ts';
import type { PortPlan } from './settings.ts';
import { TransmitPath, type HandedOver } from './transmit.ts';

/** What a port does to the packets of this machine. */
export interface SendingPort {
  readonly plan: PortPlan;
  readonly device: DeviceOffloads;
}

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
  for (const packet of loaded(device, numbers, read)) if (packet === undefined || !aggregator.take(packet)) return undefined;
  aggregator.close();
  const out = aggregator.pending[0];
  return out?.members.length === numbers.length ? opened(memory, out, row, numbers) : undefined;
}

/** The packets in device buffers, one after the other; undefined for one that cannot be read any more. */
function* loaded(device: DevicePackets, numbers: readonly number[], read: ReadRecord): Generator<CarriedPacket | undefined> {
  const batch = new RecordBatch(1);
  const classified = new ClassifiedBatch(1);
  for (const number of numbers) {
    if (read(number, batch)) {
      classifyRange(batch, 0, 1, classified.rows, 0);
      device.load(batch, 0, classified.rows, 0, number, 0);
    }
    yield device.take(number);
  }
}

function opened(memory: OffloadMemory, out: OutPacket, row: SuperPacketRow, numbers: readonly number[]): SuperPacket {
  const shape = newShape();
  shapeOfChain(memory, shape, out.first, out.shape.l3);
  const segmenter = new Segmenter(memory);
  segmenter.segment(out.first, shape, out.segmentBytes, true);
  const segments = segmenter.heads.subarray(0, segmenter.count);
  return inSegments(memory, { out, shape, segmentBytes: out.segmentBytes, segments, filled: true }, row, numbers);
}

/** Opens a packet that a stack of this machine has handed over: the port does its work again on the packets of the input that it is made of. */
export function openSentPacket(
  row: SuperPacketRow,
  numbers: readonly number[],
  { plan, device }: SendingPort,
  read: ReadRecord,
): SuperPacket | undefined {
  const memory = new OffloadMemory({ defaultBuffers: 4_096, largeBuffers: 16 });
  const packets = new DevicePackets(memory, { deviceSums: false, wakeAfterNs: 0 });
  const totals = new ReceiveTotals();
  const path = new TransmitPath(plan, device, { memory, roundTrip: undefined, output: undefined, corrupt: undefined, totals });
  let found: SuperPacket | undefined;
  path.watch = (packet) => {
    if (packet.segments.length > 0 && packet.out.members.length === numbers.length) found = inSegments(memory, packet, row, numbers);
  };
  for (const packet of loaded(packets, numbers, read)) {
    if (packet === undefined) return undefined;
    path.take(packet, 0);
  }
  path.flush(0);
  return found;
}

/** A large packet beside its segments: what was rewritten in each, and where the packets of the input are different. */
function inSegments(memory: OffloadMemory, packet: HandedOver, row: SuperPacketRow, numbers: readonly number[]): SuperPacket {
  const { out, shape: s, segmentBytes } = packet;
  const header = memory.read(out.first, 0, s.payload);
  const segments = Array.from(packet.segments, (first, i) => {
    const bytes = memory.read(first);
    const own = bytes.slice(0, s.payload);
    const member = out.members.length === packet.segments.length ? out.members[i] : undefined;
    const wire = member === undefined ? bytes : memory.read(member.first, 0, bytes.length);
    return {
      number: member === undefined ? numbers[0]! : numbers[i]!,
      onWire: member !== undefined,
      offset: i * segmentBytes,
      payloadBytes: bytes.length - s.payload,
      header: own,
      rewritten: differingFields(header, own, s),
      differs: sameBytes(bytes, wire) ? [] : differingFields(wire.subarray(0, s.payload), own, s),
    };
  });
  return { row, segmentBytes, header, payloadBytes: s.end - s.payload, layers: layersOf(s), segments };
}

function layersOf(s: Shape): SuperPacket['layers'] {
  return [
    { name: 'Link', start: 0, length: s.l3 },
    { name: s.version === 4 ? 'IPv4' : 'IPv6', start: s.l3, length: s.l4 - s.l3 },
    { name: s.kind === 'udp' ? 'UDP' : 'TCP', start: s.l4, length: s.payload - s.l4 },
  ];
}
