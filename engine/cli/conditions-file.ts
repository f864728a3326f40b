import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { conditionsFile } from '../lab/index.ts';
import { readConditionsFile } from '../host/index.ts';

/** A scenario text with the CSV file of channel conditions that it names put inline; `scenario` is the name it was read by. */
export function withConditionsFile(yaml: string, scenario: string): string {
  const named = existsSync(scenario) ? conditionsFile(yaml) : undefined;
  if (named === undefined) return yaml;
  const file = isAbsolute(named.name) ? named.name : join(dirname(scenario), named.name);
  return named.inline(readConditionsFile(file).csv);
}
