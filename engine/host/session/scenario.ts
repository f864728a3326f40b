import type { EngineError, Scenario, ScenarioIssue } from '../../contract/index.ts';
import { parseScenario, refusedBriefly, scenarioSha256 } from '../../lab/index.ts';

/** A session's scenario: the text that people edit, and what it means. */
export interface SessionScenario {
  readonly id: string;
  readonly yaml: string;
  readonly value: Scenario;
  readonly sha256: string;
}

/** Reads a scenario's text; EngineError `bad-input` names the field and the line. */
export function readScenario(id: string, yaml: string): SessionScenario {
  const parsed = parseScenario(yaml);
  if (!parsed.ok) throw badScenario(id, parsed.error);
  return { id, yaml, value: parsed.value, sha256: scenarioSha256(parsed.value) };
}

export function badScenario(id: string, issues: readonly ScenarioIssue[]): EngineError {
  return refusedBriefly(id, issues, 'ringside schema scenario');
}
