export * from './graph.ts';
export * from './shortest-paths.ts';
export * from './random-network.ts';
export * from './routing.ts';
