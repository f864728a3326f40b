import { interruptModeration } from './interrupt-moderation.ts';
import type { Experiment } from './types.ts';

export * from './types.ts';
export * from './statistics.ts';
export * from './render.ts';

/** All experiments, in the order in which they are listed. */
export const EXPERIMENTS: readonly Experiment[] = [interruptModeration];
