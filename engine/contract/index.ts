export * from './errors.ts';
export * from './packet.ts';
export * from './scenario.ts';
export * from './run.ts';
export * from './session.ts';
export * from './calls.ts';
export * from './messages.ts';
