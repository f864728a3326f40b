import type { AppStore } from '../../lib/engine.svelte.ts';

/** What the head and the body of the rings panel share. */
export class RingsState {
  /** Device queue shown, null for all of them. */
  queue = $state<number | null>(null);
}

const states = new WeakMap<AppStore, RingsState>();

export function ringsState(app: AppStore): RingsState {
  let state = states.get(app);
  if (state === undefined) {
    state = new RingsState();
    states.set(app, state);
  }
  return state;
}
