import { z } from 'zod';
import { translatorSchema, type ScenarioIssue, type TranslatorMode, type TranslatorSpec } from '../../contract/index.ts';
import { ok, type Result } from '../../base/index.ts';
import { createTranslator } from '../../translator/index.ts';
import { parseYaml, type Finding } from '../scenario/yaml-text.ts';

/** What the schema cannot say: addresses and prefixes that are none, or that do not fit together. */
export function checkTranslator(spec: TranslatorSpec): Finding[] {
  const made = createTranslator(spec);
  if (made.ok) return [];
  const path = made.error.field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return [{ path, message: made.error.message }];
}

/** A translator configuration in YAML or JSON, or every finding with line, column and field. `mode` goes before the one in the text. */
export function parseTranslator(text: string, mode?: TranslatorMode): Result<TranslatorSpec, ScenarioIssue[]> {
  const chosen = (spec: TranslatorSpec): TranslatorSpec => (mode === undefined ? spec : { ...spec, mode });
  const parsed = parseYaml(text, translatorSchema, (spec) => checkTranslator(chosen(spec)));
  return parsed.ok ? ok(chosen(parsed.value.value)) : parsed;
}

/** The schema as JSON Schema (draft 2020-12) for editors. */
export function translatorJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(translatorSchema, { io: 'input' }), title: 'Ringside translator' };
}
