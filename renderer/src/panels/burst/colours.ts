import { theme } from '../../lib/theme.svelte.ts';

export interface BurstColours {
  readonly arrived: string;
  readonly on: string;
  readonly off: string;
  readonly drop: string;
  readonly user: string;
  readonly track: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
}

let palette: { readonly theme: string; readonly colours: BurstColours } | null = null;

/** Colours of the theme in force; an effect that calls this runs again when the theme changes. */
export function burstColours(): BurstColours {
  const name = theme.resolved;
  if (palette?.theme !== name) {
    const style = getComputedStyle(document.documentElement);
    const token = (property: string): string => style.getPropertyValue(property).trim();
    const colours = {
      arrived: token('--accent-fill'),
      on: token('--held-fill'),
      off: token('--off-fill'),
      drop: token('--drop-fill'),
      user: token('--good-fill'),
      track: token('--track'),
      line: token('--line'),
      text: token('--text'),
      muted: token('--muted'),
    };
    palette = { theme: name, colours };
  }
  return palette.colours;
}
