export * from './conditions.ts';
export * from './drain-law.ts';
export * from './interval.ts';
export * from './profiles.ts';
export * from './sizing.ts';
