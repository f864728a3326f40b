import type { ExplainCard, Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import {
  AGGREGATE_REASONS,
  Aggregator,
  CSUM_ABSENT,
  CSUM_DATA_VALID,
  CSUM_PARTIAL,
  OffloadMemory,
  type OutPacket,
} from '../../stack/index.ts';
import { ClassifiedBatch, classifyRange } from '../../wire/index.ts';
import type { RecordAccess } from '../types.ts';
import { DevicePackets } from './device-packets.ts';
import { numbersText, sentCard } from './explain-sent.ts';
import type { PollMemory } from './poll-memory.ts';
import { offloadPlan, type PortPlan } from './settings.ts';

/** Whether a scenario says anything about the offloads of a port; only then there is something to tell. */
export function tellsOffloads(scenario: Scenario): boolean {
  return scenario.device.offloads !== undefined || scenario.ports.some((port) => port.offloads !== undefined);
}

const SUMMED = {
  hardware: 'taken by the driver',
  copy: 'taken while the packet was copied',
  stack: 'taken by the stack in a pass of its own',
};

/**
 * The card of one packet: into which aggregate it was merged, or of which packet of its stack it was cut, or why neither. The work of its port is done
 * again on the bytes of the polls; `scenario` must have its host port.
 */
export function offloadCard(access: RecordAccess, scenario: Scenario, number: number, memory: PollMemory): ExplainCard | undefined {
  const { device, ports } = offloadPlan(scenario);
  const plan = ports[memory.port];
  if (plan === undefined) return undefined;
  const at = `ports.${String(memory.port)}.offloads`;
  if (plan.spec.lowLatency) {
    const because = 'low-latency class: neither copied nor summed';
    return {
      title: 'Offloads',
      tone: 'neutral',
      lines: [{ label: 'Handed over', value: 'as it came', because, parameter: `${at}.lowLatency` }],
    };
  }
  if (memory.isSent) return sentCard(access, device, plan, memory, number);
  const found = replay(access, plan, memory, number);
  if (found === undefined) return undefined;
  const { out, reason } = found;
  const members = out.members.flatMap((m) => m.numbers);
  const flags = out.checksumFlags;
  const verdict =
    (flags & CSUM_DATA_VALID) !== 0
      ? 'good'
      : (flags & CSUM_ABSENT) !== 0
        ? 'absent'
        : (flags & CSUM_PARTIAL) !== 0
          ? 'bad'
          : 'not checked';
  const lines: ExplainCard['lines'] = [
    { label: 'Checksum', value: verdict, because: `${SUMMED[plan.path.rx]}; ${plan.path.because}`, parameter: 'device.offloads.mode' },
  ];
  const size = `${String(members.length)} packets, ${String(out.lenBytes)} bytes`;
  if (reason < 0) {
    const because = 'the expected sequence number, the same headers, and a good checksum';
    lines.push({ label: 'Merged into', value: `packet ${String(members[0])}: ${size}`, because, parameter: `${at}.aggregateKiB` });
  } else {
    const { name, text } = AGGREGATE_REASONS[reason]!;
    lines.push({ label: 'Not merged', value: name, because: text, parameter: `${at}.aggregateKiB` });
    if (members.length > 1) lines.push({ label: 'Begins an aggregate', value: size });
  }
  if (members.length > 1) lines.push({ label: 'Members', value: numbersText(members) });
  return { title: 'Offloads', tone: verdict === 'bad' ? 'dropped' : 'neutral', lines };
}

function replay(access: RecordAccess, plan: PortPlan, polls: PollMemory, wanted: number): { out: OutPacket; reason: number } | undefined {
  const memory = new OffloadMemory({ defaultBuffers: 8_192, largeBuffers: 64 });
  const device = new DevicePackets(memory, { deviceSums: plan.path.rx === 'hardware', wakeAfterNs: 0 });
  const aggregator = new Aggregator(memory, plan.aggregate);
  const batch = new RecordBatch(1);
  const classified = new ClassifiedBatch(1);
  let found: { out: OutPacket; reason: number } | undefined;
  for (const poll of polls.polls) {
    for (const [i, number] of poll.numbers.entries()) {
      if (poll.ports[i] !== polls.port || access.read(number, batch) === 0) continue;
      classifyRange(batch, 0, 1, classified.rows, 0);
      device.load(batch, 0, classified.rows, 0, number, 0);
      const packet = device.take(number);
      if (packet === undefined || !aggregator.take(packet) || number !== wanted) continue;
      const out = aggregator.pending.find((p) => p.members.some((m) => m.numbers.includes(number)));
      if (out !== undefined) found = { out, reason: aggregator.lastReason };
    }
    aggregator.close();
    if (found !== undefined) return found;
    for (const out of aggregator.pending.splice(0)) {
      for (const member of out.members) memory.give(member.first);
      aggregator.recycle(out);
    }
  }
  return undefined;
}
