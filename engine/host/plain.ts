/** The part of the host that a plain run of a file needs, and nothing that loads schemas, YAML or the server. */
export { loadCode } from './cached-code.ts';
export { compiledScenario, type CompiledScenario } from './compiled-scenario.ts';
export { serveLane } from './lane-serve.ts';
export { LaneThread } from './lane-thread.ts';
export type { LaneAnswer, LaneStart } from './lanes.ts';
export { PacketListing } from './listing.ts';
export { MIN_LANE_BYTES, fieldNamesFile, laneWorkerFile, packetsCoreFile, replayCoreFile, translateCoreFile } from './paths.ts';
export { summarizeRun, type SummaryRequest } from './summarize.ts';
