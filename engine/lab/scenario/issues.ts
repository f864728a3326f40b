import { z } from 'zod';
import { nearest } from './nearest.ts';

/** A finding of the schema in words a person can act on. `key` is set where the finding is about a key, not a value. */
export interface PlainIssue {
  readonly path: readonly (string | number)[];
  readonly key?: string;
  readonly message: string;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

const jsonSchemas = new WeakMap<z.ZodType, JsonSchema>();

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  let known = jsonSchemas.get(schema);
  if (known === undefined) {
    known = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
    jsonSchemas.set(schema, known);
  }
  return known;
}

/** The alternatives of a schema that fit the value so far: those whose constant fields (such as `kind`) say the same. */
function alternatives(schema: JsonSchema, value: unknown): JsonSchema[] {
  const options = schema.oneOf ?? schema.anyOf;
  if (options === undefined) return [schema];
  const record = isRecord(value) ? value : {};
  return options.filter((option) =>
    Object.entries(option.properties ?? {}).every(([key, field]) => field.const === undefined || field.const === record[key]),
  );
}

/** Names that may stand at a path. */
function keysAt(schema: z.ZodType, path: readonly (string | number)[], input: unknown): string[] {
  let nodes = alternatives(jsonSchemaOf(schema), input);
  let value = input;
  for (const segment of path) {
    value = childOf(value, segment);
    nodes = nodes.flatMap((node) => {
      const child = typeof segment === 'number' ? node.items : node.properties?.[segment];
      return child === undefined ? [] : alternatives(child, value);
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function childOf(value: unknown, segment: string | number): unknown {
  return isRecord(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

function valueAt(input: unknown, path: readonly (string | number)[]): unknown {
  let value = input;
  for (const segment of path) value = childOf(value, segment);
  return value;
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'a group of named fields',
  array: 'a list',
  record: 'a group of named fields',
};

/** A value as a person would name it, cut where it is long. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a group of fields';
  if (typeof value === 'string') return `the text "${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : typeof value;
}

function sizeMessage(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, value: unknown): string {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const atMost = issue.code === 'too_small' ? 'at least' : 'at most';
  const bound = Number(limit).toLocaleString('en-US', { maximumFractionDigits: 9 });
  const exactly = issue.inclusive === false ? (issue.code === 'too_small' ? 'more than' : 'less than') : atMost;
  if (issue.origin === 'array') {
    return `may have ${exactly} ${bound} entries and has ${String(Array.isArray(value) ? value.length : 0)}`;
  }
  if (issue.origin === 'string') return `may have ${exactly} ${bound} characters`;
  return `must be ${exactly} ${bound}, not ${shown(value)}`;
}

function choices(values: readonly unknown[], value: unknown): string {
  const words = values.map(String);
  const near = typeof value === 'string' ? nearest(value, words) : undefined;
  const list = words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
  return `must be ${list}, not ${shown(value)}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function unionMessage(issue: z.core.$ZodIssueInvalidUnion, value: unknown): string {
  const { options } = issue as { options?: readonly unknown[] };
  if (options !== undefined) return choices(options, value);
  const branches = issue.errors.map((errors) => errors.map((e) => describeOne(e, value)).join(' and '));
  const values = issue.errors.flatMap((errors) => errors.flatMap((e) => (e.code === 'invalid_value' ? e.values : [])));
  const near = typeof value === 'string' ? nearest(value, values.map(String)) : undefined;
  if (near !== undefined) return `${shown(value)} is not known here; did you mean ${near}?`;
  return branches.join(', or ');
}

function describeOne(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = KIND_WORDS[issue.expected] ?? issue.expected;
      return value === undefined ? `is missing: ${expected} must stand here` : `must be ${expected}, not ${shown(value)}`;
    }
    case 'too_small':
    case 'too_big':
      return sizeMessage(issue, value);
    case 'invalid_value':
      return choices(issue.values, value);
    case 'invalid_union':
      return unionMessage(issue, value);
    case 'invalid_format':
      return `${shown(value)} must be ${issue.message}`;
    default:
      return issue.message;
  }
}

/** One zod issue as findings: one for each unknown key, one for anything else. */
export function describeIssue(issue: z.core.$ZodIssue, input: unknown, schema: z.ZodType): PlainIssue[] {
  const path = issue.path.map((p) => (typeof p === 'symbol' ? String(p) : p));
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path, input);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
      return { path, key, message: `unknown field ${key}; ${hint}` };
    });
  }
  return [{ path, message: describeOne(issue, valueAt(input, path)) }];
}
