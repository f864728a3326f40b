import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../../contract/index.ts';
import type { SessionInput } from './input.ts';
import { Playhead } from './playhead.ts';
import type { Snapshots } from './snapshots.ts';

/** Work between two pauses, and the pauses: at most half of the thread's time, and none of it in one piece. */
const SLICE_MS = 4;
const PAUSE_MS = 4;
/** Inputs below this are replayed from the start in less time than a person notices. */
const MIN_PACKETS = 200_000;
const PIECE_PACKETS = 2_048;

/** Runs over the whole input once, in the background, so that there are snapshots everywhere before somebody seeks. */
export async function survey(input: SessionInput, scenario: Scenario, snapshots: Snapshots, signal: AbortSignal): Promise<void> {
  if (input.packets < MIN_PACKETS) return;
  const scout = new Playhead(input, scenario, snapshots, () => 0);
  let until = performance.now() + SLICE_MS;
  while (!signal.aborted && scout.feed(input.packets, PIECE_PACKETS) > 0) {
    if (performance.now() < until) continue;
    await sleep(PAUSE_MS);
    until = performance.now() + SLICE_MS;
  }
}
