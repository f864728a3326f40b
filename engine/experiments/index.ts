import { BURST_EXPERIMENTS } from './bursts/index.ts';
import { converterChurn } from './converters/churn.ts';
import { gatewayOrTerminals } from './converters/gateway-or-terminals.ts';
import { ownCallPriority } from './converters/own-call.ts';
import { converterScale } from './converters/scale.ts';
import { selectionRules } from './converters/selection-rules.ts';
import { staleRegistry } from './converters/stale-registry.ts';
import { conversionStyles } from './converters/styles.ts';
import { interruptModeration } from './interrupt-moderation.ts';
import { offloadAggregation } from './offloads/aggregation.ts';
import { offloadCopySum } from './offloads/copy-sum.ts';
import { offloadCorrectness } from './offloads/correctness.ts';
import { offloadDriver } from './offloads/driver.ts';
import { offloadSegmentation } from './offloads/segmentation.ts';
import { STACK_EXPERIMENTS } from './stack/index.ts';
import { multicastBiasSweep } from './multicast/bias-sweep.ts';
import { multicastChains } from './multicast/chains.ts';
import { multicastEncapsulate } from './multicast/encapsulate.ts';
import { multicastFlap } from './multicast/flap.ts';
import { multicastMixedReceivers } from './multicast/mixed-receivers.ts';
import { multicastRouteChange } from './multicast/route-change.ts';
import { multicastScale } from './multicast/scale.ts';
import { multicastShorterPath } from './multicast/shorter-path.ts';
import type { Experiment } from './types.ts';

export * from './types.ts';
export * from './statistics.ts';
export * from './render.ts';

/** All experiments, in the order in which they are listed. */
export const EXPERIMENTS: readonly Experiment[] = [
  interruptModeration,
  ...BURST_EXPERIMENTS,
  gatewayOrTerminals,
  selectionRules,
  converterChurn,
  ownCallPriority,
  staleRegistry,
  conversionStyles,
  converterScale,
  offloadCopySum,
  offloadSegmentation,
  offloadAggregation,
  offloadDriver,
  offloadCorrectness,
  ...STACK_EXPERIMENTS,
  multicastShorterPath,
  multicastBiasSweep,
  multicastRouteChange,
  multicastFlap,
  multicastMixedReceivers,
  multicastEncapsulate,
  multicastChains,
  multicastScale,
];
