import type { DeviceOffloads, ExplainCard } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { AGGREGATE_REASONS, OffloadMemory } from '../../stack/index.ts';
import { ClassifiedBatch, classifyRange } from '../../wire/index.ts';
import type { RecordAccess } from '../types.ts';
import { DevicePackets } from './device-packets.ts';
import { differingFields } from './fields.ts';
import type { PollMemory } from './poll-memory.ts';
import { ReceiveTotals } from './receive.ts';
import type { PortPlan } from './settings.ts';
import { TransmitPath, type HandedOver } from './transmit.ts';

type Line = ExplainCard['lines'][number];

const FILLED = {
  hardware: 'filled by the driver',
  copy: 'filled while the packet was copied',
  stack: 'filled by the stack in a pass of its own',
};
const CUT_BY = { hardware: 'the driver', switch: 'the switch, while it copies', stack: 'the stack, before it hands over' };

/** One packet among those that its stack handed over. */
interface Found {
  readonly members: readonly number[];
  readonly lenBytes: number;
  /** Segments it was cut into, and the place of the packet's own among them. */
  readonly segments: number;
  readonly place: number;
  readonly segmentBytes: number;
  readonly filled: boolean;
  readonly version: number;
  readonly rewritten: ReturnType<typeof differingFields>;
  /** Why it was joined to none before it. */
  reason: number;
}

/** `3, 4, 5`, the middle of a long list left out. */
export function numbersText(numbers: readonly number[]): string {
  return numbers.length > 12 ? `${numbers.slice(0, 11).join(', ')} ... ${String(numbers.at(-1))}` : numbers.join(', ');
}

/** The card of one packet of this machine: of which packet of its stack it was cut, by whom, with what rewritten, and who filled its checksum. */
export function sentCard(
  access: RecordAccess,
  device: DeviceOffloads,
  plan: PortPlan,
  memory: PollMemory,
  number: number,
): ExplainCard | undefined {
  const found = replaySent(access, device, plan, memory, number);
  if (found === undefined) return undefined;
  const at = `ports.${String(memory.port)}.offloads`;
  const { members, segments, place } = found;
  const checksum = found.filled ? FILLED[plan.path.tx] : 'as the stack wrote it';
  const lines: Line[] = [{ label: 'Checksum', value: checksum, because: plan.path.because, parameter: 'device.offloads.mode' }];
  if (segments === 0) {
    const { name, text } = AGGREGATE_REASONS[Math.max(0, found.reason)]!;
    const limit = plan.path.cut4 === 'stack' && plan.path.cut6 === 'stack' ? `${at}.capabilities` : 'device.offloads.gsoKiB';
    lines.push({ label: 'Handed over', value: 'by itself, not cut' });
    lines.push({ label: 'Not joined', value: name, because: text, parameter: limit });
    return { title: 'Offloads', tone: 'neutral', lines };
  }
  const size = `${String(found.lenBytes)} bytes`;
  if (members.length > 1) {
    const because = 'the next sequence number, the same headers, and no longer silence between them than the parameter says';
    const value = `one packet of ${size}, with ${String(members.length)} of the capture`;
    lines.push({ label: 'Handed over', value, because, parameter: 'device.offloads.gsoJoinUs' });
  } else {
    lines.push({ label: 'Handed over', value: `a packet of ${size}`, because: 'the capture has it as its stack made it' });
  }
  const cut = found.version === 4 ? plan.path.cut4 : plan.path.cut6;
  const able =
    cut === 'hardware' ? 'the driver can (tso)' : cut === 'switch' ? 'the port offers it, the driver cannot' : 'the port does not offer it';
  lines.push({ label: 'Cut by', value: CUT_BY[cut], because: able, parameter: `${at}.capabilities` });
  const into = `${String(segments)} segments of ${String(found.segmentBytes)} bytes of payload at most`;
  lines.push({ label: 'Cut into', value: into, because: 'the MTU of the link', parameter: 'device.offloads.mtuBytes' });
  if (members.length > 1) {
    lines.push(
      { label: 'Segment', value: `${String(place + 1)} of ${String(segments)}` },
      { label: 'Members', value: numbersText(members) },
    );
  }
  for (const { label, before, after } of found.rewritten) {
    lines.push({ label: `${label} rewritten`, value: `${before} became ${after}`, because: 'V-08' });
  }
  return { title: 'Offloads', tone: 'neutral', lines };
}

/** Does the work of the port again on what was sent around the packet. */
function replaySent(access: RecordAccess, device: DeviceOffloads, plan: PortPlan, polls: PollMemory, wanted: number): Found | undefined {
  const memory = new OffloadMemory({ defaultBuffers: 8_192, largeBuffers: 64 });
  const packets = new DevicePackets(memory, { deviceSums: false, wakeAfterNs: 0 });
  const shared = { memory, roundTrip: undefined, output: undefined, corrupt: undefined, totals: new ReceiveTotals() };
  const path = new TransmitPath(plan, device, shared);
  const batch = new RecordBatch(1);
  const classified = new ClassifiedBatch(1);
  let found: Found | undefined;
  let reason = 0;
  path.watch = (packet) => {
    found ??= foundIn(memory, packet, wanted);
  };
  let before = -1;
  for (const { tNs, number, port } of polls.sends) {
    if (found !== undefined) break;
    if (before >= 0 && before !== tNs) path.pollEnd(before);
    before = tNs;
    if (port !== polls.port || access.read(number, batch) === 0) continue;
    classifyRange(batch, 0, 1, classified.rows, 0);
    packets.load(batch, 0, classified.rows, 0, number, tNs);
    const packet = packets.take(number);
    if (packet === undefined) continue;
    path.pollEnd(tNs);
    path.take(packet, tNs);
    if (number === wanted) reason = path.lastReason;
  }
  if (found === undefined) path.flush(before);
  return found === undefined ? undefined : { ...found, reason };
}

function foundIn(memory: OffloadMemory, { out, shape, segmentBytes, segments, filled }: HandedOver, wanted: number): Found | undefined {
  const members = out.members.flatMap(({ numbers }) => numbers);
  const place = members.indexOf(wanted);
  if (place < 0) return undefined;
  const own = segments[place];
  const header = memory.read(out.first, 0, shape.payload);
  const rewritten = own === undefined ? [] : differingFields(header, memory.read(own, 0, shape.payload), shape);
  const lenBytes = memory.chainBytes(out.first);
  return { members, lenBytes, segments: segments.length, place, segmentBytes, filled, version: shape.version, rewritten, reason: -1 };
}
