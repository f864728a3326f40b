import type { MessagePort } from 'node:worker_threads';
import { ABORT_FAILED, ABORT_IRREGULAR, LaneMemory, detachResults } from '../lab/index.ts';
import { laneOf, openLaneSource, type LaneAnswer, type LaneStart } from './lanes.ts';

/** The thread of one lane: waits for it, runs to the end of the input, posts its queues' results, and ends. */
export function serveLane(port: MessagePort): void {
  port.once('message', (start: LaneStart) => {
    try {
      const source = openLaneSource(start.input);
      if (source === undefined) {
        new LaneMemory(start.room, start.slots).abort(ABORT_IRREGULAR);
        return;
      }
      const core = laneOf(start, source);
      core.run();
      source.close();
      const { results, transfer } = detachResults(core.results(), start.flows);
      const answer: LaneAnswer = { results };
      port.postMessage(answer, transfer);
    } catch (error) {
      // The other lanes must not wait for this one; the spawner gets the error itself.
      new LaneMemory(start.room, start.slots).abort(ABORT_FAILED);
      throw error;
    }
  });
}
