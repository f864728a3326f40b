import { isAlias, isMap, isScalar, isSeq, parse, type Node } from 'yaml';
import type { ScenarioIssue } from '../../contract/index.ts';
import { err, ok, type Result } from '../../base/index.ts';
import { parseScenario } from './scenario.ts';
import { readYaml, type Path, type YamlText } from './yaml-text.ts';

export type ParameterValue = string | number | boolean;

/** A scalar as YAML that reads back as the same value, also inside `{ }` and `[ ]`. */
function scalarText(value: ParameterValue): string {
  if (typeof value !== 'string') return String(value);
  const plain = /^[A-Za-z][A-Za-z0-9_./-]*$/.test(value) && parse(value) === value;
  return plain ? value : JSON.stringify(value);
}

function refuse(field: string, message: string): { readonly ok: false; readonly error: ScenarioIssue[] } {
  return err([{ line: 1, column: 1, field, message }]);
}

/** `ports.ch3.reader.batch` or `ports.0.reader.batch` as a path into the document; list entries may be named by their id. */
function resolvePath(yaml: YamlText, dotted: string): Result<Path, ScenarioIssue[]> {
  const path: (string | number)[] = [];
  let node: unknown = yaml.document.contents;
  for (const segment of dotted.split('.')) {
    if (segment === '' || segment === '__proto__') return refuse(dotted, `${dotted} is not the path of a parameter`);
    if (isAlias(node)) {
      return refuse(dotted, `${path.join('.')} is an alias (*${node.source}); change the parameter where its anchor stands`);
    }
    if (isSeq(node)) {
      const index = /^\d+$/.test(segment)
        ? Number(segment)
        : node.items.findIndex((item) => isMap(item) && String(item.get('id')) === segment);
      if (index < 0 || index >= node.items.length) return refuse(dotted, `${path.join('.')} has no entry ${segment}`);
      path.push(index);
      node = node.items[index];
    } else {
      path.push(segment);
      node = isMap(node) ? node.get(segment, true) : undefined;
    }
  }
  return ok(path);
}

/**
 * A scenario text with one parameter changed. A value that stands in the text is replaced in place and every other byte stays;
 * one that does not is added to its group, and comments stay. The result passes `check`, or the findings say why not.
 */
export function setParameter(
  text: string,
  dotted: string,
  value: ParameterValue,
  check: (text: string) => Result<unknown, ScenarioIssue[]> = parseScenario,
): Result<string, ScenarioIssue[]> {
  const yaml = readYaml(text);
  if (!yaml.ok) return yaml;
  const path = resolvePath(yaml.value, dotted);
  if (!path.ok) return path;
  const edited = replaceScalar(yaml.value, text, path.value, value) ?? insertValue(yaml.value, text, path.value, value);
  if (edited === undefined) return refuse(dotted, `${dotted} is a group of parameters, not one parameter`);
  const checked = check(edited);
  return checked.ok ? ok(edited) : checked;
}

function replaceScalar(yaml: YamlText, text: string, path: Path, value: ParameterValue): string | undefined {
  const node: unknown = yaml.document.getIn(path, true);
  if (!isScalar(node) || node.range === undefined || node.range === null) return undefined;
  const [start, end] = node.range;
  if (end <= start) return undefined;
  if (node.anchor !== undefined || node.tag !== undefined || node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')
    return undefined;
  return text.slice(0, start) + scalarText(value) + text.slice(end);
}

function insertValue(yaml: YamlText, text: string, path: Path, value: ParameterValue): string | undefined {
  const node: unknown = yaml.document.getIn(path, true);
  if (isMap(node) || isSeq(node)) return undefined;
  if (text.trim() === '') return `${path.map(String).join(': ')}: ${scalarText(value)}\n`;
  for (let i = 1; i < path.length; i++) {
    const parent: unknown = yaml.document.getIn(path.slice(0, i), true);
    if (parent !== undefined && parent !== null && !isMap(parent) && !isSeq(parent) && !isEmptyScalar(parent)) return undefined;
    if (isEmptyScalar(parent)) yaml.document.setIn(path.slice(0, i), yaml.document.createNode({}));
  }
  yaml.document.setIn(path, value);
  return yaml.document.toString({ lineWidth: 0 });
}

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && (node as Node & { value: unknown }).value === null;
}

/** The right-hand side of `--set path=value` in YAML's own words: `2048` is a number, `true` a boolean, anything else text. */
export function parseParameterValue(text: string): ParameterValue {
  if (/^[-+]?(\d[\d_]*)(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return Number(text.replaceAll('_', ''));
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}
