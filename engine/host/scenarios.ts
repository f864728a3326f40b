import { parseScenario, scenarioSha256 } from '../lab/index.ts';
import { bundledScenarios, type BundledTitle } from './bundled.ts';
import { DEFAULT_SCENARIO, type CompiledScenario } from './compiled-scenario.ts';

/** The scenarios that come with the program, the default one first. */
export function listScenarios(): BundledTitle[] {
  const all = bundledScenarios.list(parseScenario);
  return [...all.filter(({ id }) => id === DEFAULT_SCENARIO), ...all.filter(({ id }) => id !== DEFAULT_SCENARIO)];
}

/** Text of a bundled scenario; EngineError `not-found` names those there are. */
export function scenarioText(id: string): string {
  return bundledScenarios.text(id);
}

/** Every bundled scenario with its meaning, for the build to write into dist/scenarios.json. */
export function compileScenarios(): CompiledScenario[] {
  return listScenarios().flatMap(({ id }) => {
    const yaml = scenarioText(id);
    const parsed = parseScenario(yaml);
    return parsed.ok ? [{ id, yaml, value: parsed.value, sha256: scenarioSha256(parsed.value) }] : [];
  });
}
