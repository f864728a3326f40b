import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../../contract/index.ts';
import { needsPacketBytes } from '../../lab/index.ts';
import type { SessionInput } from './input.ts';
import { Playhead } from './playhead.ts';
import type { Snapshots } from './snapshots.ts';

/** Work between two pauses, and the pauses: at most half of the thread's time, and none of it in one piece. */
const SLICE_MS = 4;
const PAUSE_MS = 4;
/** Inputs below this are replayed from the start in less time than a person notices; so are such whose packet bytes are looked at. */
const MIN_PACKETS = 200_000;
const MIN_READ_PACKETS = 8_192;
const PIECE_PACKETS = 2_048;
const READ_PIECE_PACKETS = 64;

/** Runs over the whole input once, in the background, so that there are snapshots everywhere before somebody seeks. */
export async function survey(input: SessionInput, scenario: Scenario, snapshots: Snapshots, signal: AbortSignal): Promise<void> {
  const reads = needsPacketBytes(scenario);
  if (input.packets < (reads ? MIN_READ_PACKETS : MIN_PACKETS)) return;
  const scout = new Playhead(input, scenario, snapshots, () => 0);
  if (!snapshots.claim(scout.pipeline)) return;
  const piece = reads ? READ_PIECE_PACKETS : PIECE_PACKETS;
  let until = performance.now() + SLICE_MS;
  while (!signal.aborted && !snapshots.taken && scout.feed(input.packets, piece) > 0) {
    if (performance.now() < until) continue;
    await sleep(PAUSE_MS);
    until = performance.now() + SLICE_MS;
  }
}
