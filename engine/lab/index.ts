export * from './types.ts';
export * from './scenario/index.ts';
