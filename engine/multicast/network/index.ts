export * from './network.ts';
export * from './check.ts';
export * from './recorder.ts';
export { frameOf } from './frame.ts';
export { networkState, type Observed } from './state.ts';
export * from './port-router.ts';
export * from './port-issues.ts';
