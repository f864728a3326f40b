import type { OffloadCosts, OffloadOverrides, Scenario } from '../../contract/index.ts';
import type { RecordBatch } from '../../files/index.ts';
import { Aggregator, OffloadMemory, type ChecksumMode } from '../../stack/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import { withHostPort } from '../host-port.ts';
import { DevicePackets, type CarriedPacket } from './device-packets.ts';
import { offloadPlan } from './settings.ts';

/** Packets of the sample: about a megabyte, so that a round is short and many fit between what others do to the machine. */
export const COST_SAMPLE_PACKETS = 1_024;
const BATCH = 32;
/** Rounds before the first that counts: code is compiled while it runs. */
const WARM_UP = 6;

export interface CostClock {
  /** Milliseconds, as performance.now. */
  readonly nowMs: () => number;
  /** Clock rate of the processor, 0 where it is not known. */
  readonly cpuHz: number;
}

/**
 * Measures what the modes cost on the packets of a batch, which lie in device buffers as they would: the receive path in each mode, then copying
 * alone, copying with the sum in the same pass, and copying and summing in two passes. Rounds of all of them are taken in turn and the fastest
 * counts: others use the machine too. Times are those of this machine and this moment.
 */
export function measureCosts(
  batch: RecordBatch,
  scenario: Scenario,
  overrides: OffloadOverrides,
  clock: CostClock,
  rounds = 40,
): OffloadCosts {
  const memory = new OffloadMemory({ defaultBuffers: 16_384, largeBuffers: 256 });
  const packets = loadSample(memory, batch);
  const bytes = packets.reduce((sum, p) => sum + p.lenBytes, 0);
  const plan = offloadPlan(withHostPort(scenario), overrides).ports[0]!;
  const jobs: { id: string; title: string; group: 'mode' | 'passes'; run: () => void; best: number }[] = [];
  const add = (id: string, title: string, group: 'mode' | 'passes', run: () => void): void => {
    jobs.push({ id, title, group, run, best: Number.POSITIVE_INFINITY });
  };
  for (const [mode, title] of MODES) {
    const aggregator = new Aggregator(memory, { ...plan.aggregate, mode });
    add(mode, title, 'mode', () => {
      receiveAll(aggregator, packets);
    });
  }
  add('copy-only', 'Copy only', 'passes', () => {
    copyAll(memory, packets, false, false);
  });
  add('copy-and-sum', 'Copy and sum in one pass', 'passes', () => {
    copyAll(memory, packets, true, false);
  });
  add('two-passes', 'Copy, then sum', 'passes', () => {
    copyAll(memory, packets, false, true);
  });
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const job of jobs) {
      const started = clock.nowMs();
      job.run();
      const ms = clock.nowMs() - started;
      if (round >= 0 && ms < job.best) job.best = ms;
    }
  }
  const rows = jobs.map(({ id, title, group, best }) => {
    const nsPerByte = bytes === 0 ? 0 : (best * 1e6) / bytes;
    const nsPerPacket = packets.length === 0 ? 0 : (best * 1e6) / packets.length;
    return { id, title, group, nsPerPacket, nsPerByte, cyclesPerByte: (nsPerByte * clock.cpuHz) / 1e9 };
  });
  return { packets: packets.length, bytes, rounds, cpuHz: clock.cpuHz, rows };
}

const MODES: readonly (readonly [ChecksumMode, string])[] = [
  ['stack', 'Stack: copied, then summed by the stack'],
  ['copy', 'Copy: summed while copied'],
  ['hardware', 'Hardware: the card has summed'],
];

function loadSample(memory: OffloadMemory, batch: RecordBatch): CarriedPacket[] {
  const device = new DevicePackets(memory, { deviceSums: true, wakeAfterNs: 0 });
  const classified = new ClassifiedBatch(batch.capacity);
  classifyBatch(batch, classified);
  const packets: CarriedPacket[] = [];
  for (let i = 0; i < Math.min(batch.count, COST_SAMPLE_PACKETS); i++) {
    device.load(batch, i, classified.rows, i, i + 1, 0);
    const packet = device.take(i + 1);
    if (packet !== undefined) packets.push(packet);
  }
  return packets;
}

function receiveAll(aggregator: Aggregator, packets: readonly CarriedPacket[]): void {
  for (let from = 0; from < packets.length; from += BATCH) {
    const to = Math.min(packets.length, from + BATCH);
    for (let i = from; i < to; i++) aggregator.take(packets[i]!);
    aggregator.close();
    for (const out of aggregator.pending) aggregator.recycle(out);
    aggregator.pending.length = 0;
  }
}

/** Copies every packet to buffers of the port; `after` sums what was copied once the batch is copied. */
function copyAll(memory: OffloadMemory, packets: readonly CarriedPacket[], sums: boolean, after: boolean): void {
  const chains: number[] = [];
  for (let from = 0; from < packets.length; from += BATCH) {
    const to = Math.min(packets.length, from + BATCH);
    for (let i = from; i < to; i++) {
      const packet = packets[i]!;
      const first = memory.take(false);
      memory.append(first, packet.first, 0, packet.lenBytes, false, sums);
      chains.push(first);
    }
    if (after) for (let i = from; i < to; i++) memory.sumChain(chains[i - from]!, 0, packets[i]!.lenBytes);
    for (const first of chains) memory.give(first);
    chains.length = 0;
  }
}
