/** Something in the drawing that can be chosen, at its place in px. */
export interface Spot {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** How much more a step to the side weighs than one in the direction of the key. */
const ASIDE = 2;

/**
 * Where an arrow key leads from a spot: left and right to the one before or after it in the list, which therefore reaches all, up and down to the
 * nearest that is higher or lower, Home and End to the first and the last. Undefined for other keys, and where there is nothing further.
 */
export function stepFrom(spots: readonly Spot[], id: string, key: string): string | undefined {
  const at = spots.findIndex((spot) => spot.id === id);
  if (key === 'Home') return spots[0]?.id;
  if (key === 'End') return spots.at(-1)?.id;
  if (key === 'ArrowRight') return spots[at + 1]?.id;
  if (key === 'ArrowLeft') return spots[at - 1]?.id;
  const here = spots[at];
  if (here === undefined || (key !== 'ArrowUp' && key !== 'ArrowDown')) return undefined;
  const sign = key === 'ArrowDown' ? 1 : -1;
  let best: string | undefined;
  let least = Infinity;
  for (const { id: other, x, y } of spots) {
    const along = (y - here.y) * sign;
    const far = along + ASIDE * Math.abs(x - here.x);
    if (along < 1 || far >= least) continue;
    least = far;
    best = other;
  }
  return best;
}
