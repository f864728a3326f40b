export * from './types.ts';
export * from './scenario/index.ts';
export { Pipeline, groupRows } from './pipeline.ts';
export { runToEnd, mergeResults, type RunResult } from './run.ts';
export { mergeSeries, mergeSummary, resampleSeries } from './merge.ts';
export { FlowList, type FlowSortKey, type FlowSource } from './flow-list.ts';
export { objectTable, objectIndex, type ObjectTable } from './objects.ts';
export { MAX_SERIES_BINS } from './series.ts';
export { MAX_FLOW_RECORDS, portNumbers } from './world.ts';
