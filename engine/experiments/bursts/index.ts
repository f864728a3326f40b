import type { Experiment } from '../types.ts';
import { ablation } from './ablation.ts';
import { tcpClosedLoop } from './closed-loop.ts';
import { drainRate } from './drain-rate.ts';
import { releaseInterval } from './interval.ts';
import { isolation } from './isolation.ts';
import { meteredOrNot } from './metered-or-not.ts';
import { portionSize } from './portion.ts';
import { ringSizing } from './ring-sizing.ts';
import { scale } from './scale.ts';

/** The experiments on burst regulation, stack 1.7, in their order. */
export const BURST_EXPERIMENTS: readonly Experiment[] = [
  meteredOrNot,
  ringSizing,
  releaseInterval,
  portionSize,
  drainRate,
  isolation,
  tcpClosedLoop,
  scale,
  ablation,
];
