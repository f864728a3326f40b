import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../contract/index.ts';
import { parseScenario, scenarioSha256 } from '../lab/index.ts';
import { DEFAULT_SCENARIO, type CompiledScenario } from './compiled-scenario.ts';
import { scenariosFolder } from './paths.ts';

export interface BundledScenario {
  readonly id: string;
  readonly title: string;
  readonly description: string;
}

/** The scenarios that come with the program, the default one first. */
export function listScenarios(folder: string = scenariosFolder): BundledScenario[] {
  const ids = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length));
  ids.sort((a, b) => Number(b === DEFAULT_SCENARIO) - Number(a === DEFAULT_SCENARIO) || (a < b ? -1 : 1));
  return ids.flatMap((id) => {
    const parsed = parseScenario(scenarioText(id, folder));
    return parsed.ok ? [{ id, title: parsed.value.title, description: parsed.value.description }] : [];
  });
}

/** Text of a bundled scenario; EngineError `not-found` names those there are. */
export function scenarioText(id: string, folder: string = scenariosFolder): string {
  try {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(id)) throw new Error('not a name');
    return readFileSync(join(folder, `${id}.yaml`), 'utf8');
  } catch {
    const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    throw new EngineError({
      code: 'not-found',
      message: `There is no bundled scenario ${id}.`,
      fix: `Scenarios here: ${names.map((name) => name.slice(0, -'.yaml'.length)).join(', ')}`,
    });
  }
}

/** Every bundled scenario with its meaning, for the build to write into dist/scenarios.json. */
export function compileScenarios(folder: string = scenariosFolder): CompiledScenario[] {
  return listScenarios(folder).flatMap(({ id }) => {
    const yaml = scenarioText(id, folder);
    const parsed = parseScenario(yaml);
    return parsed.ok ? [{ id, yaml, value: parsed.value, sha256: scenarioSha256(parsed.value) }] : [];
  });
}
