import { readFileSync } from 'node:fs';
import { fieldNamesFile } from '../host/plain.ts';

/** A file of the build. */
interface Names {
  readonly names: readonly string[];
  /** Regular expressions of names that have a word of the packet in them. */
  readonly patterns: readonly string[];
  /** Ends of names that begin with one of `names`. */
  readonly ends: readonly string[];
}

let known: Names | undefined;

/** What the build has collected from the dissectors; nothing where it never ran. */
function load(): Names {
  try {
    known ??= JSON.parse(readFileSync(fieldNamesFile, 'utf8')) as Names;
  } catch {
    known = { names: [], patterns: ['.*'], ends: [] };
  }
  return known;
}

/** Names of fields, such as `ip.src`, without those that are made of what a packet holds. */
export function fieldNames(): readonly string[] {
  return load().names.filter((name) => name.includes('.'));
}

/** Whether any dissector makes a field of this name. A word without a dot is a layer: the names of some are made of their numbers. */
export function isFieldName(name: string): boolean {
  const { names, patterns, ends } = load();
  if (!name.includes('.') || names.includes(name) || patterns.some((pattern) => new RegExp(`^${pattern}$`).test(name))) return true;
  return ends.some((end) => name.endsWith(end) && names.includes(name.slice(0, -end.length)));
}
