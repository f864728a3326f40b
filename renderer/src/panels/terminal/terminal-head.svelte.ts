import type { AppStore } from '../../lib/engine.svelte.ts';

/** What the terminal's head shows. Apart from the shell itself, so that the head does not load the terminal emulator. */
export class TerminalHeadState {
  name = $state('');
  ended = $state(false);
}

const states = new WeakMap<AppStore, TerminalHeadState>();

export function terminalHead(app: AppStore): TerminalHeadState {
  let state = states.get(app);
  if (state === undefined) {
    state = new TerminalHeadState();
    states.set(app, state);
  }
  return state;
}
