import { sharedState } from '../../lib/shared-state.svelte.ts';

/** What the head and the body of the rings panel share. */
export class RingsState {
  /** Device queue shown, null for all of them. */
  queue = $state<number | null>(null);
  /** The slots of one ring are shown below the rings. */
  slots = $state(false);
}

export const ringsState = sharedState(() => new RingsState());
