import { isMap, isPair, isScalar, type Pair } from 'yaml';
import { readYaml } from './yaml-text.ts';

/** A CSV file of channel conditions that a scenario text names (B-03). */
export interface ConditionsFile {
  /** As the text has it. */
  readonly name: string;
  /** The text with the rows of the file in place of its name. Every other byte stays, so that findings keep their lines. */
  inline(csv: string): string;
}

/** The CSV file that a scenario names as plain text; undefined where it names none, or gives csv beside it. */
export function conditionsFile(text: string): ConditionsFile | undefined {
  const yaml = readYaml(text);
  if (!yaml.ok) return undefined;
  const conditions: unknown = yaml.value.document.getIn(['device', 'network', 'conditions'], true);
  if (!isMap(conditions) || conditions.has('csv')) return undefined;
  const pair: Pair | undefined = conditions.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === 'csvFile');
  if (!isScalar(pair?.key) || !isScalar(pair.value)) return undefined;
  const { value: name, range, type } = pair.value;
  const plain = pair.value.anchor === undefined && pair.value.tag === undefined && type?.startsWith('BLOCK') !== true;
  const start = pair.key.range?.[0];
  const end = range?.[1];
  if (!plain || typeof name !== 'string' || name === '' || start === undefined || end === undefined) return undefined;
  // A JSON string is a YAML string on one line.
  return { name, inline: (csv) => `${text.slice(0, start)}csv: ${JSON.stringify(csv)}${text.slice(end)}` };
}
