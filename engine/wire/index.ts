export * from './tree.ts';
export * from './registry.ts';
