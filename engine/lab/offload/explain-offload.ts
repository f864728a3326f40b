import type { ExplainCard, Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import {
  AGGREGATE_REASONS,
  CSUM_ABSENT,
  CSUM_DATA_VALID,
  CSUM_PARTIAL,
  OffloadMemory,
  Reassembler,
  reasonCode,
} from '../../stack/index.ts';
import { ClassifiedBatch, classifyRange } from '../../wire/index.ts';
import type { RecordAccess } from '../types.ts';
import { DevicePackets } from './device-packets.ts';
import { numbersText, sentCard } from './explain-sent.ts';
import { OFFLOAD_HISTORY, type PollMemory } from './poll-memory.ts';
import { ReceivePath, ReceiveTotals } from './receive.ts';
import { offloadPlan, type OffloadPlan } from './settings.ts';

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
  const offloads = offloadPlan(scenario);
  const { device, ports } = offloads;
  const plan = ports[memory.port];
  if (plan === undefined) return undefined;
  const at = `ports.${String(memory.port)}.offloads`;
  if (plan.spec.lowLatency) {
    const because = `low-latency class: neither copied nor summed, ${memory.isSent ? 'and past the class queues' : 'and its interrupt is not moderated'}`;
    return {
      title: 'Offloads',
      tone: 'neutral',
      lines: [{ label: 'Handed over', value: 'as it came', because, parameter: `${at}.lowLatency` }],
    };
  }
  if (memory.isSent) return sentCard(access, device, plan, memory, number);
  const found = new Replay(access, offloads, memory, number).run();
  if (found === undefined) return undefined;
  const { members, lenBytes, flags, reason } = found;
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
  const size = `${String(members.length)} packets, ${String(lenBytes)} bytes`;
  if (reason < 0) {
    const because = 'the expected sequence number, the same headers, and a good checksum';
    lines.push({ label: 'Merged into', value: `packet ${String(members[0])}: ${size}`, because, parameter: `${at}.aggregateKiB` });
  } else {
    const { name, text } = AGGREGATE_REASONS[reason]!;
    lines.push({ label: 'Not merged', value: name, because: text, parameter: `${at}.aggregateKiB` });
    if (members.length > 1) lines.push({ label: 'Begins an aggregate', value: size });
  }
  if (members.length > 1) lines.push({ label: 'Members', value: numbersText(members) });
  if (!found.sure) {
    const because = `the port had no pause in the ${String(OFFLOAD_HISTORY)} packets before: the report, which has seen all, may set the borders of this batch elsewhere`;
    lines.push({ label: 'Batch', value: 'began before what was looked at', because, parameter: `${at}.releaseTimeoutUs` });
  }
  return { title: 'Offloads', tone: verdict === 'bad' ? 'dropped' : 'neutral', lines };
}

interface Found {
  readonly members: readonly number[];
  readonly lenBytes: number;
  readonly flags: number;
  /** Place in AGGREGATE_REASONS, negative if the packet was merged. */
  reason: number;
  /** The port was silent for as long as a batch may wait, so it is known where batches begin. */
  sure: boolean;
}

/** Does the work of the port again on the packets of the polls, until the packet is given out. */
class Replay {
  private readonly memory = new OffloadMemory({ defaultBuffers: 8_192, largeBuffers: 256 });
  private readonly device: DevicePackets;
  private readonly path: ReceivePath;
  private readonly reassembler: Reassembler | undefined;
  private readonly batch = new RecordBatch(1);
  private readonly classified = new ClassifiedBatch(1);
  private readonly access: RecordAccess;
  private readonly polls: PollMemory;
  private readonly wanted: number;
  private readonly wakeAfterNs: number;
  private found: Found | undefined;
  private reason = -1;
  /** The packet is a fragment, and the rest of its datagram has not come. */
  private waits = false;

  constructor(access: RecordAccess, plan: OffloadPlan, polls: PollMemory, wanted: number) {
    const { memory } = this;
    const port = plan.ports[polls.port]!;
    this.access = access;
    this.polls = polls;
    this.wanted = wanted;
    this.wakeAfterNs = plan.device.wakeAfterMs * 1e6;
    this.device = new DevicePackets(memory, { deviceSums: port.path.rx === 'hardware', wakeAfterNs: this.wakeAfterNs });
    this.path = new ReceivePath(port, { memory, roundTrip: undefined, output: undefined, corrupt: undefined, totals: new ReceiveTotals() });
    this.path.watch = (out) => {
      const members = out.members.flatMap((m) => m.numbers);
      if (members.includes(wanted)) this.found = { members, lenBytes: out.lenBytes, flags: out.checksumFlags, reason: 0, sure: true };
    };
    const done = ({ first }: { readonly first: number }): void => {
      memory.give(first);
    };
    this.reassembler = plan.device.reassembly ? new Reassembler(memory, plan.reassembly, done) : undefined;
  }

  run(): Found | undefined {
    const { polls, path } = this;
    const { timeoutNs } = path.plan.release;
    let sure = timeoutNs === 0 || polls.hasAll;
    let lastNs = Number.POSITIVE_INFINITY;
    for (const poll of polls.polls) {
      for (const [i, number] of poll.numbers.entries()) {
        if (this.found !== undefined) break;
        // Fragments go to no port before they are whole, but their port is that of the datagram.
        if (poll.ports[i] !== polls.port) continue;
        sure ||= poll.tNs - lastNs >= timeoutNs;
        lastNs = poll.tNs;
        this.take(number, poll.tNs);
      }
      path.pollEnd(poll.tNs);
    }
    if (this.found === undefined) path.out('end', lastNs);
    if (this.found !== undefined) return Object.assign(this.found, { reason: this.reason, sure });
    return this.waits ? { members: [this.wanted], lenBytes: 0, flags: 0, reason: reasonCode('fragment'), sure: true } : undefined;
  }

  private take(number: number, tNs: number): void {
    const { batch, classified, device, path, reassembler } = this;
    if (this.wakeAfterNs > 0) device.after(number > 1 && this.access.read(number - 1, batch) > 0 ? batch.tsNs[0]! : 0);
    if (this.access.read(number, batch) === 0) return;
    classifyRange(batch, 0, 1, classified.rows, 0);
    device.load(batch, 0, classified.rows, 0, number, batch.tsNs[0]!);
    let packet = device.take(number);
    if (packet?.fragment === true && reassembler !== undefined) {
      const whole = reassembler.take(packet);
      packet = whole && { ...packet, ...whole, fragment: false };
      this.waits ||= number === this.wanted;
    }
    if (packet === undefined) return;
    path.timeout(tNs);
    path.take(packet, tNs);
    if (packet.numbers.includes(this.wanted)) this.reason = path.aggregator.lastReason;
  }
}
