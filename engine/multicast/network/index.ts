export * from './network.ts';
export * from './check.ts';
export * from './recorder.ts';
export { frameOf } from './frame.ts';
export { networkState } from './state.ts';
