import type { ExplainCard, FieldChange } from '../contract/index.ts';
import { fieldChanges } from './field-changes.ts';
import { isTranslated, REASON, reasonOf, ruleOf } from './reasons.ts';
import type { TranslatorSettings } from './settings.ts';

type Line = ExplainCard['lines'][number];

/** What came in and one packet that went out, both from their IP header on. */
export interface ExplainInput {
  readonly code: number;
  readonly side: 4 | 6;
  readonly before: Uint8Array;
  readonly after?: Uint8Array | undefined;
  /** Of the translator: addresses are then given the rule that mapped them. */
  readonly settings?: TranslatorSettings | undefined;
}

/**
 * The verdict on a packet with its rule, and where it was translated each field before and after with the section that made it so.
 * Allocates; for one packet at a time.
 */
export function explainTranslation({ code, side, before, after, settings }: ExplainInput): ExplainCard {
  const reason = reasonOf(code);
  const tone = isTranslated(code) ? 'translated' : reason.verdict === 'held' ? 'held' : reason.verdict === 'passed' ? 'neutral' : 'dropped';
  const lines: Line[] = [{ label: 'Verdict', value: reason.text, because: ruleOf(code, side) }];
  if (isTranslated(code) && after !== undefined) lines.push(...fieldChanges(before, after, settings).filter(worthTelling).map(lineOf));
  const title =
    code === REASON.hairpinned ? 'Turned back inside' : isTranslated(code) ? `IPv${side} to IPv${side === 6 ? 4 : 6}` : 'Not translated';
  return { title: reason.verdict === 'passed' ? 'Left as it was' : title, tone, lines };
}

/** Ports that stayed and the version say nothing that the title does not. */
function worthTelling({ label, changed }: FieldChange): boolean {
  return label !== 'Version' && label !== 'Header checksum' && (changed || !/port|Identifier/.test(label));
}

function lineOf({ label, before, after, changed, because, parameter }: FieldChange): Line {
  const value = !changed
    ? `${before?.text ?? ''}, as it was`
    : before === null
      ? (after?.text ?? '')
      : after === null
        ? `${before.text} is lost`
        : `${before.text} became ${after.text}`;
  return { label, value, because, ...(parameter !== undefined && { parameter }) };
}
