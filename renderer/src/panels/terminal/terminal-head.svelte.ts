import { sharedState } from '../../lib/shared-state.svelte.ts';

/** What the terminal's head shows. Apart from the shell itself, so that the head does not load the terminal emulator. */
export class TerminalHeadState {
  name = $state('');
  ended = $state(false);
}

export const terminalHead = sharedState(() => new TerminalHeadState());
