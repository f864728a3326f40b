import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from '../contract/index.ts';
import { compiledScenariosFile, scenariosFolder } from './paths.ts';

export const DEFAULT_SCENARIO = 'default';

/** A bundled scenario as the build has read it: complete, so that a run needs neither the YAML reader nor the schema. */
export interface CompiledScenario {
  readonly id: string;
  /** The text it was made from. */
  readonly yaml: string;
  readonly value: Scenario;
  readonly sha256: string;
}

/** A scenario as the build has read it; undefined if there is none, or its text has changed since. */
export function compiledScenario(
  id: string,
  file: string = compiledScenariosFile,
  folder: string = scenariosFolder,
): CompiledScenario | undefined {
  try {
    const all = JSON.parse(readFileSync(file, 'utf8')) as readonly CompiledScenario[];
    const found = all.find((each) => each.id === id);
    return found?.yaml === readFileSync(join(folder, `${id}.yaml`), 'utf8') ? found : undefined;
  } catch {
    // Never built, or not readable: the text itself is read then, and says what is wrong.
    return undefined;
  }
}
