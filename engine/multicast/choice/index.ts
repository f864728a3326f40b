export * from './decide.ts';
export * from './entry.ts';
export * from './coupling.ts';
