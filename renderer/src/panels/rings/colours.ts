import type { OccupancyColours } from '../../lib/charts/occupancy.ts';
import { theme } from '../../lib/theme.svelte.ts';

interface Palette {
  readonly theme: string;
  readonly usual: OccupancyColours;
  readonly lost: OccupancyColours;
}

let palette: Palette | null = null;

/** Canvases cannot read custom properties themselves; computed style is dear, so it is read once for each theme. */
function read(name: string): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (property: string): string => style.getPropertyValue(property).trim();
  const colours = (fill: string): OccupancyColours => ({
    fill: token(fill),
    track: token('--track'),
    highWater: token('--muted'),
    head: token('--text'),
    tail: token('--muted'),
    drop: token('--drop-fill'),
  });
  return { theme: name, usual: colours('--accent-fill'), lost: colours('--drop-fill') };
}

/** The palette of the theme in force; an effect that calls this runs again when the theme changes. `lost`: the ring has dropped, and has the colour of drops. */
export function occupancyColours(lost: boolean): OccupancyColours {
  const name = theme.resolved;
  if (palette?.theme !== name) palette = read(name);
  return lost ? palette.lost : palette.usual;
}
