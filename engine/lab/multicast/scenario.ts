import { z } from 'zod';
import { multicastScenarioSchema, type MulticastScenario, type ScenarioIssue } from '../../contract/index.ts';
import { ok, type Result } from '../../base/index.ts';
import { checkNetwork } from '../../multicast/index.ts';
import { parseYaml } from '../scenario/yaml-text.ts';

/** A network text with its defaults, or every finding with line, column and field. Never throws on any text. */
export function parseMulticast(yaml: string): Result<MulticastScenario, ScenarioIssue[]> {
  const parsed = parseYaml(yaml, multicastScenarioSchema, (scenario) => checkNetwork(scenario));
  return parsed.ok ? ok(parsed.value.value) : parsed;
}

/** The schema as JSON Schema (draft 2020-12) for editors. */
export function multicastJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(multicastScenarioSchema, { io: 'input' }), title: 'Ringside multicast network' };
}
