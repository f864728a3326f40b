export { Replayer, type LoopRange, type ReplayCounters, type ReplayState, type ReplayerOptions } from './replayer.ts';
export type { Player } from './player.ts';
export { TimingError, type TimingErrorFigures } from './timing-error.ts';
export { burstEnd, burstGapNs, burstStart } from './bursts.ts';
