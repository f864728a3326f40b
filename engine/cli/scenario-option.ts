import { existsSync, readFileSync } from 'node:fs';
import { EngineError, type Scenario, type ScenarioIssue } from '../contract/index.ts';
import { parseParameterValue, parseScenario, setParameter } from '../lab/index.ts';
import { UsageError } from './output.ts';
import { DEFAULT_SCENARIO, fileError, scenarioText } from '../host/index.ts';

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

/** The scenario that `--scenario`, `--set` and `--seed` say: a file where one exists, a bundled name otherwise. */
export function chooseScenario(options: ScenarioOptions, fallback?: Pick<ChosenScenario, 'id' | 'yaml'>): ChosenScenario {
  const id = options.scenario ?? fallback?.id ?? DEFAULT_SCENARIO;
  let yaml = options.scenario === undefined && fallback !== undefined ? fallback.yaml : read(id);
  for (const setting of options.set ?? []) {
    const at = setting.indexOf('=');
    yaml = changed(yaml, `--set ${setting}`, setting.slice(0, at), parseParameterValue(setting.slice(at + 1)));
  }
  if (options.seed !== undefined) yaml = changed(yaml, `--seed ${options.seed}`, 'seed', options.seed);
  const parsed = parseScenario(yaml);
  if (!parsed.ok) throw refused(id, parsed.error);
  return { id, yaml, value: parsed.value };
}

function read(id: string): string {
  if (!existsSync(id)) {
    if (/[./\\]/.test(id)) throw new EngineError({ code: 'not-found', message: `There is no file ${id}.` });
    return scenarioText(id);
  }
  try {
    return readFileSync(id, 'utf8');
  } catch (error) {
    throw fileError(error, id);
  }
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

function refused(file: string, issues: readonly ScenarioIssue[]): EngineError {
  const lines = issues.map(({ line, field, message }) => `line ${line}${field === '' ? '' : `, ${field}`}: ${message}`);
  return new EngineError({
    code: 'bad-input',
    message: lines.join('\n  '),
    where: { file, line: issues[0]?.line ?? 1, field: issues[0]?.field ?? '' },
    fix: 'ringside schema scenario',
  });
}
