export * from './errors.ts';
export * from './packet.ts';
