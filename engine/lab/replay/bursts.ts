import type { Player } from './player.ts';

/**
 * A burst is a run of packets in which no gap is longer than a threshold. By default that is twice the mean gap, gaps over a
 * second left out of the mean, so that one long silence does not make everything one burst. Evenly spaced traffic then falls
 * into short runs by chance, which is right: it has no bursts.
 */

/** Gaps looked at for the threshold; spread evenly over the input. */
const SAMPLE_GAPS = 65_536;
const PAUSE_NS = 1_000_000_000;
const MIN_THRESHOLD_NS = 1_000;

/** Threshold in ns for an input. */
export function burstGapNs(player: Player): number {
  const gaps = player.packets - 1;
  if (gaps < 1) return PAUSE_NS;
  const step = Math.max(1, Math.floor(gaps / SAMPLE_GAPS));
  let sum = 0;
  let count = 0;
  for (let n = 1; n <= gaps; n += step) {
    const gap = player.timeOf(n + 1) - player.timeOf(n);
    if (gap > PAUSE_NS) continue;
    sum += gap;
    count++;
  }
  if (count === 0) return PAUSE_NS;
  return Math.min(PAUSE_NS, Math.max(MIN_THRESHOLD_NS, Math.floor((2 * sum) / count)));
}

/** Last packet of the burst that `packet` belongs to. */
export function burstEnd(player: Player, packet: number, gapNs: number): number {
  let n = packet;
  while (n < player.packets && player.timeOf(n + 1) - player.timeOf(n) <= gapNs) n++;
  return n;
}

/** First packet of the burst that `packet` belongs to. */
export function burstStart(player: Player, packet: number, gapNs: number): number {
  let n = packet;
  while (n > 1 && player.timeOf(n) - player.timeOf(n - 1) <= gapNs) n--;
  return n;
}
