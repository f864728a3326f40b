export { networkProfiles } from './profiles.ts';
export { isRegulated } from './metered-port.ts';
export { burstSeries } from './burst-series.ts';
export { mergeStages, socketRows, sortSockets, stageHistogram, stageStats, type QueueRegulation, type StageDelays } from './regulation.ts';
export { burstState } from './state.ts';
