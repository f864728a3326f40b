import { assert } from '../../base/index.ts';
import type { TranslationEvent, TranslatorMode, TranslatorSpec } from '../../contract/index.ts';
import { createTranslator, REASONS, statefulOf, type Stateful, type Translator } from '../../translator/index.ts';
import { FlowPairs } from './flow-pairs.ts';

/** A drop of one packet that is told apart from the counters. */
export type PortEvent = TranslationEvent & { readonly number: number; readonly tNs: number };

/** Events a port keeps for its panel: more than fit on a screen. */
export const MAX_PORT_EVENTS = 256;

/** A translator port of a world, with what its panel shows. */
export interface TranslatorPort {
  /** Place among the ports of the scenario. */
  readonly index: number;
  readonly id: string;
  readonly spec: TranslatorSpec;
  readonly mode: TranslatorMode;
  readonly translator: Translator;
  /** Its tables, null for one without. */
  readonly state: Stateful | null;
  readonly pairs: FlowPairs;
  /** Packets by reason code. */
  readonly counts: Float64Array;
  /** The latest drops that are told one by one, MAX_PORT_EVENTS at most, and how many there were before them. */
  readonly events: PortEvent[];
  eventsGone: number;
}

/** Port `index` of a scenario, whose configuration has been checked with it. */
export function makeTranslatorPort(index: number, id: string, spec: TranslatorSpec): TranslatorPort {
  const made = createTranslator(spec);
  assert(made.ok, 'the configuration of a translator port was checked with the scenario');
  const counts = new Float64Array(REASONS.reduce((most, { code }) => Math.max(most, code), 0) + 1);
  const state = statefulOf(made.value);
  return { index, id, spec, mode: spec.mode, translator: made.value, state, pairs: new FlowPairs(), counts, events: [], eventsGone: 0 };
}

export function tell(port: TranslatorPort, event: PortEvent): void {
  if (port.events.length >= MAX_PORT_EVENTS) {
    port.events.shift();
    port.eventsGone++;
  }
  port.events.push(event);
}
