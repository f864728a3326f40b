export * from './types.ts';
export * from './scenario/index.ts';
export * from './generate/index.ts';
export * from './multicast/index.ts';
export * from './translate/index.ts';
export * from './converters/index.ts';
export { defaultHostPort, withHostPort } from './host-port.ts';
export { Pipeline, groupRows } from './pipeline.ts';
export { runToEnd, mergeResults, type RunResult } from './run.ts';
export { mergeSeries, mergeSummary, resampleSeries } from './merge.ts';
export { FlowList, type FlowSortKey, type FlowSource } from './flow-list.ts';
export { objectTable, objectIndex, type ObjectTable } from './objects.ts';
export { MAX_SERIES_BINS } from './series.ts';
export { MAX_FLOW_RECORDS, portNumbers } from './world.ts';
export * from './replay/index.ts';
export * from './lanes/lane-core.ts';
export * from './lanes/lane-memory.ts';
export * from './lanes/lane-sources.ts';
export { ringSlots } from './ring-slots.ts';
export { explainPacket, type Explanation } from './explain.ts';
export * from './metering/index.ts';
export * from './closed-loop/index.ts';
export { TraceWriter, MAX_TRACE_RECORDS, type TraceWriterOptions } from './trace-writer.ts';
export * from './offload/index.ts';
export {
  flowTuple,
  stackArena,
  advisoryEntries,
  stackModels,
  stackStatistics,
  stackTraffic,
  stackTopology,
  type AdvisoryChange,
  type StackModel,
} from './stack-model/index.ts';
