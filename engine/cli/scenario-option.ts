import type { Scenario } from '../contract/index.ts';
import { parseParameterValue, parseScenario, refusedYaml, setParameter } from '../lab/index.ts';
import { withConditionsFile } from './conditions-file.ts';
import { UsageError } from './output.ts';
import { DEFAULT_SCENARIO, bundledScenarios } from '../host/index.ts';

export interface ScenarioOptions {
  readonly scenario?: string;
  readonly set?: readonly string[];
  readonly seed?: number;
}

export interface ChosenScenario {
  readonly id: string;
  readonly yaml: string;
  readonly value: Scenario;
}

/** The scenario that `--scenario`, `--set` and `--seed` say: a file where one exists, a bundled name otherwise. A CSV file that it names is put inline. */
export function chooseScenario(options: ScenarioOptions, fallback?: Pick<ChosenScenario, 'id' | 'yaml'>): ChosenScenario {
  const id = options.scenario ?? fallback?.id ?? DEFAULT_SCENARIO;
  let yaml =
    options.scenario === undefined && fallback !== undefined ? fallback.yaml : withConditionsFile(bundledScenarios.fileOrBundled(id), id);
  for (const setting of options.set ?? []) {
    const at = setting.indexOf('=');
    yaml = changed(yaml, `--set ${setting}`, setting.slice(0, at), parseParameterValue(setting.slice(at + 1)));
  }
  if (options.seed !== undefined) yaml = changed(yaml, `--seed ${options.seed}`, 'seed', options.seed);
  const parsed = parseScenario(yaml);
  if (!parsed.ok) throw refusedYaml(id, parsed.error, 'ringside schema scenario');
  return { id, yaml, value: parsed.value };
}

/** A text that is no scenario is left for the reading of it to say so; one that only the option spoils is wrong usage. */
function changed(yaml: string, option: string, path: string, value: string | number | boolean): string {
  if (!parseScenario(yaml).ok) return yaml;
  const edited = setParameter(yaml, path, value);
  if (!edited.ok)
    throw new UsageError(
      `${option}: ${edited.error.map(({ field, message }) => (field === '' ? message : `${field} ${message}`)).join('; ')}`,
    );
  return edited.value;
}
