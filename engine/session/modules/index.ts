import type {
  BurstReport,
  BurstSeriesFrame,
  MulticastState,
  OffloadReport,
  ReportModule,
  RunSummary,
  StackArena,
  StackTopology,
  StackTraffic,
} from '../../contract/index.ts';
import { burstsModule } from './bursts.ts';
import { multicastModule } from './multicast.ts';
import { offloadsModule } from './offloads.ts';
import { regulationModule } from './regulation.ts';
import { stackModule } from './stack.ts';
import { translatorsModule, type TranslatorsState } from './translators.ts';

/** What the modules of a run held at its end; null for those that its scenario does not have. */
export interface ModuleStates {
  readonly bursts: BurstReport | null;
  /** Over time; null where no port feeds sockets. */
  readonly regulation: BurstSeriesFrame | null;
  readonly offloads: OffloadReport | null;
  readonly stack: { readonly topology: StackTopology; readonly arena: StackArena; readonly traffic: StackTraffic } | null;
  readonly translators: TranslatorsState | null;
  readonly multicast: MulticastState | null;
}

/** The part of a report that each module of a run has, in the order in which packets meet them. */
export function reportModules(summary: RunSummary, states: ModuleStates): ReportModule[] {
  const { bursts, offloads, stack, translators, multicast } = states;
  return [
    bursts === null || bursts.packets === 0 ? null : burstsModule(bursts),
    regulationModule(summary, states.regulation),
    offloads === null ? null : offloadsModule(offloads),
    stack === null ? null : stackModule(stack.topology, stack.arena, stack.traffic),
    translators === null ? null : translatorsModule(translators),
    multicast === null ? null : multicastModule(multicast),
  ].filter((module) => module !== null);
}
