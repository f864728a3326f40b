export * from './tree.ts';
export * from './registry.ts';
export * from './address.ts';
export * from './checksum.ts';
export * from './reader.ts';
export * from './payload.ts';
