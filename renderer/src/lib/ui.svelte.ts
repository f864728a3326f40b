import type { TimeRange } from './timeline.ts';
import { getContext, setContext } from 'svelte';

/** Which of the shell's own surfaces are open. */
export class UiState {
  palette = $state(false);
  help = $state(false);
  compare = $state(false);
  scenario = $state(false);
  goto = $state(false);
  /** Text of the scenario editor that was changed and neither used nor discarded when it was closed. */
  scenarioDraft: { readonly session: string; readonly base: string; readonly text: string } | null = null;
  /** Part of the input that the timeline shows; null for the whole. */
  timelineRange = $state.raw<TimeRange | null>(null);
  /** Files are being dragged over the window. */
  dropping = $state(false);
  /** Grows when a command asks for the capture menu, which lives in the header. */
  captureRequest = $state(0);
  exportRequest = $state(0);
}

const UI = Symbol('ringside ui');

export function provideUi(ui: UiState): UiState {
  return setContext(UI, ui);
}

export function useUi(): UiState {
  return getContext<UiState>(UI);
}
