export { OffloadRun, type OffloadOptions } from './run.ts';
export type { OffloadOutput } from './receive.ts';
export { openSentPacket, openSuperPacket, type ReadRecord } from './super-packet.ts';
export { measureCosts, COST_SAMPLE_PACKETS, type CostClock } from './costs.ts';
export { offloadPlan } from './settings.ts';
