import type { OccupancyColours } from '../../lib/charts/occupancy.ts';

/** The palette of the theme in force. Canvases cannot read custom properties themselves. `lost`: the ring has dropped, and is shown in the colour of drops. */
export function occupancyColours(lost: boolean): OccupancyColours {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    fill: token(lost ? '--drop-fill' : '--accent-fill'),
    track: token('--track'),
    highWater: token('--muted'),
    head: token('--text'),
    tail: token('--muted'),
    drop: token('--drop-fill'),
  };
}
