import { Random, assert } from '../../base/index.ts';
import type { Scenario } from '../../contract/index.ts';
import { LaneCore, detachResults, lanesReserve, type LaneSource } from '../lanes/lane-core.ts';
import { ABORT_IRREGULAR, LANE_SLOTS, LaneMemory, laneBuffer, laneRoom } from '../lanes/lane-memory.ts';
import { PcapLaneSource } from '../lanes/lane-sources.ts';
import { mergeResults, type RunResult } from '../run.ts';
import type { Traffic } from './traffic.ts';

const input = { skipped: {}, scenarioSha256: '0' };

/** A pcap file in memory, with nanosecond times. */
export function pcapOf(traffic: Traffic, little = true): Uint8Array {
  const bytes = new Uint8Array(24 + traffic.frames.reduce((sum, f) => sum + 16 + f.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xa1b23c4d, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, 262_144, little);
  view.setUint32(20, 1, little);
  let at = 24;
  traffic.frames.forEach((frame, i) => {
    const t = traffic.tsNs[i]!;
    view.setUint32(at, 1_700_000_000 + Math.floor(t / 1e9), little);
    view.setUint32(at + 4, t % 1e9, little);
    view.setUint32(at + 8, frame.length, little);
    view.setUint32(at + 12, Math.max(frame.length, traffic.lengths[i]!), little);
    bytes.set(frame, at + 16);
    at += 16 + frame.length;
  });
  return bytes;
}

/** Drives lanes in one thread, in an order drawn from a seed, by a kernel if there is one; undefined if they gave up. */
export function driveLanes(
  scenario: Scenario,
  lanes: number,
  open: () => LaneSource,
  seed: number,
  kernel?: WebAssembly.Module,
): RunResult | undefined {
  const room = kernel === undefined ? laneBuffer(LANE_SLOTS) : laneRoom(LANE_SLOTS, lanesReserve(scenario, lanes, 0));
  const memory = new LaneMemory(room, LANE_SLOTS);
  memory.start(PcapLaneSource.firstOffset);
  const cores = Array.from(
    { length: lanes },
    (_, lane) => new LaneCore({ memory, lane, lanes, scenario, source: open(), pipeline: { series: { bins: 32 } }, kernel }),
  );
  const random = new Random(seed);
  const running = new Set(cores);
  for (let steps = 0; running.size > 0; steps++) {
    assert(steps < 1_000_000, 'lanes end');
    const core = [...running][random.int(0, running.size - 1)]!;
    if (core.step() === 'done') running.delete(core);
  }
  if (memory.aborted === ABORT_IRREGULAR) return undefined;
  return mergeResults(
    scenario,
    cores.flatMap((core) => detachResults(core.results()).results),
    input,
  );
}
