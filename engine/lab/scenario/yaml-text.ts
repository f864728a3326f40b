import { LineCounter, type Pair, isAlias, isMap, isPair, isScalar, isSeq, parseDocument, visit, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import type { ScenarioIssue } from '../../contract/index.ts';
import { err, ok, type Result } from '../../base/index.ts';
import { describeIssue, type PlainIssue } from './issues.ts';

/**
 * YAML text against a zod schema, with a line, a column and a field for every finding. Scenarios and generator specs share
 * it. Nothing that a text can hold throws: sizes, nesting and aliases are bounded before any of it becomes an object.
 */

/** Longest text read. The largest honest scenario is some tens of kilobytes; the contract refuses more than this as well. */
export const MAX_YAML_CHARS = 1_000_000;
/** Deepest nesting. The schemas need 6; the parser's recursion would end in a stack overflow at some thousands. */
export const MAX_YAML_DEPTH = 32;
/** Most uses of aliases: enough to share a reader between all ports, too few for an exponential expansion to hurt. */
export const MAX_YAML_ALIASES = 64;
/** Findings reported at once. A person fixes the first few and looks again. */
export const MAX_ISSUES = 100;

export interface YamlText {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly value: unknown;
}

export type Path = readonly (string | number)[];

function issueAt(lines: LineCounter, offset: number, field: string, message: string): ScenarioIssue {
  const position = lines.linePos(Math.max(0, offset));
  return { line: Math.max(1, position.line), column: Math.max(1, position.col), field, message };
}

/** Depth by a scan of the text, before the recursive parser sees it: open brackets, and the nesting of indentation and dashes. */
function nestsTooDeep(text: string): number {
  let brackets = 0;
  let lineStart = 0;
  const indents: number[] = [];
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '[' || c === '{') brackets++;
    else if (c === ']' || c === '}') brackets = Math.max(0, brackets - 1);
    else if (c === '\n' || c === undefined) {
      const line = text.slice(lineStart, Math.min(i, lineStart + 4_000));
      const lead = /^[ ]*(?:[-?][ ]+)*/.exec(line)?.[0] ?? '';
      const dashes = lead.replaceAll(' ', '').length;
      if (line.trim() !== '') {
        while (indents.length > 0 && indents.at(-1)! >= lead.length) indents.pop();
        indents.push(lead.length);
        if (dashes > MAX_YAML_DEPTH || indents.length > MAX_YAML_DEPTH * 2) return lineStart;
      }
      lineStart = i + 1;
    }
    if (brackets > MAX_YAML_DEPTH) return i;
  }
  return -1;
}

/** Offset of a key that is no plain name, such as a list: JSON has no such thing, and no field is called that. */
function oddKey(document: Document): number {
  let offset = -1;
  visit(document, {
    Pair(_key, pair) {
      if (isScalar(pair.key) || pair.key === null) return undefined;
      offset = startOf(pair.key) ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function countAliases(document: Document): { count: number; offset: number } {
  let count = 0;
  let offset = 0;
  visit(document, {
    Alias(_key, node) {
      count++;
      if (count === MAX_YAML_ALIASES + 1) offset = node.range?.[0] ?? 0;
    },
  });
  return { count, offset };
}

/** Syntax only: the document with positions, and its plain value. */
export function readYaml(text: string): Result<YamlText, ScenarioIssue[]> {
  const lines = new LineCounter();
  const refuse = (offset: number, message: string): Result<YamlText, ScenarioIssue[]> => {
    lines.addNewLine(0);
    for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
    return err([issueAt(lines, offset, '', message)]);
  };
  if (text.length > MAX_YAML_CHARS) {
    return refuse(0, `the text has ${String(text.length)} characters; ${String(MAX_YAML_CHARS)} are read at most`);
  }
  const deep = nestsTooDeep(text);
  if (deep >= 0) return refuse(deep, `nested deeper than ${String(MAX_YAML_DEPTH)} levels`);
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, logLevel: 'error', uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    return err(problems.slice(0, MAX_ISSUES).map((p) => issueAt(lines, p.pos[0], '', p.message.split('\n')[0] ?? p.message)));
  }
  const odd = oddKey(document);
  if (odd >= 0) return err([issueAt(lines, odd, '', 'the name of a field must be plain text')]);
  const aliases = countAliases(document);
  if (aliases.count > MAX_YAML_ALIASES) {
    return err([issueAt(lines, aliases.offset, '', `more than ${String(MAX_YAML_ALIASES)} aliases`)]);
  }
  try {
    return ok({ document, lines, value: document.toJS({ maxAliasCount: MAX_YAML_ALIASES }) as unknown });
  } catch (cause) {
    // The alias check of the YAML library counts what the aliases expand to, and an alias may name no anchor; both throw.
    return err([issueAt(lines, 0, '', cause instanceof Error ? cause.message : 'the aliases of this text cannot be followed')]);
  }
}

function keyMatches(pair: Pair, segment: string | number): boolean {
  const key = isScalar(pair.key) ? pair.key.value : pair.key;
  return String(key) === String(segment);
}

/** Source offset of the innermost thing on the path that stands in the text. */
export function offsetOf(yaml: YamlText, path: Path): number {
  let node: unknown = yaml.document.contents;
  let offset = startOf(node) ?? 0;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(yaml.document);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isPair(item) && keyMatches(item, segment));
      if (pair === undefined) return offset;
      offset = startOf(pair.value) ?? startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(segment)];
      if (item === undefined) return offset;
      offset = startOf(item) ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}

/** Source offset of a key itself, for findings about keys nobody knows. */
export function offsetOfKey(yaml: YamlText, path: Path, key: string): number {
  let node: unknown = yaml.document.getIn(path, true);
  if (isAlias(node)) node = node.resolve(yaml.document);
  if (!isMap(node)) return offsetOf(yaml, path);
  const pair = node.items.find((item) => isPair(item) && keyMatches(item, key));
  return startOf(pair?.key) ?? offsetOf(yaml, path);
}

function startOf(node: unknown): number | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range?.[0];
}

/** A finding of a check beyond the schema: where, and what. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
}

export function locate(yaml: YamlText, finding: Finding | PlainIssue): ScenarioIssue {
  const key = 'key' in finding ? finding.key : undefined;
  const offset = key === undefined ? offsetOf(yaml, finding.path) : offsetOfKey(yaml, finding.path, key);
  const field = (key === undefined ? finding.path : [...finding.path, key]).join('.');
  return issueAt(yaml.lines, offset, field, finding.message);
}

function sorted(issues: ScenarioIssue[]): ScenarioIssue[] {
  return issues.sort((a, b) => a.line - b.line || a.column - b.column).slice(0, MAX_ISSUES);
}

/** A text as a value of the schema, or everything that is wrong with it. `check` looks at a value that the schema accepts. */
export function parseYaml<S extends z.ZodType>(
  text: string,
  schema: S,
  check: (value: z.output<S>) => Finding[],
): Result<{ value: z.output<S>; yaml: YamlText }, ScenarioIssue[]> {
  const yaml = readYaml(text);
  if (!yaml.ok) return yaml;
  const input = yaml.value.value ?? {};
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const plain = parsed.error.issues.flatMap((issue) => describeIssue(issue, input, schema));
    return err(sorted(plain.map((issue) => locate(yaml.value, issue))));
  }
  const findings = check(parsed.data);
  if (findings.length > 0) return err(sorted(findings.map((finding) => locate(yaml.value, finding))));
  return ok({ value: parsed.data, yaml: yaml.value });
}
