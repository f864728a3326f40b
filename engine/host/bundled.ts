import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, type ScenarioIssue } from '../contract/index.ts';
import { fileError } from './inputs.ts';

const YAML = '.yaml';

/** YAML files of one kind that come with the program. */
export class BundledFolder {
  private readonly folder: string;
  /** What the files are, such as `converters scenario`. */
  private readonly what: string;

  constructor(folder: string, what: string) {
    this.folder = folder;
    this.what = what;
  }

  names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(YAML))
      .map((name) => name.slice(0, -YAML.length))
      .sort();
  }

  /** Text of a bundled file; EngineError `not-found` names those there are. */
  text(name: string): string {
    const names = this.names();
    if (names.includes(name)) return readFileSync(join(this.folder, `${name}${YAML}`), 'utf8');
    throw new EngineError({ code: 'not-found', message: `There is no bundled ${this.what} ${name}.`, fix: `Bundled: ${names.join(', ')}` });
  }

  /** Text of a file where one of that name exists, and of a bundled one otherwise. */
  fileOrBundled(name: string): string {
    if (!existsSync(name)) {
      if (/[./\\]/.test(name)) throw new EngineError({ code: 'not-found', message: 'There is no such file.', where: { file: name } });
      return this.text(name);
    }
    try {
      return readFileSync(name, 'utf8');
    } catch (error) {
      throw fileError(error, name);
    }
  }
}

/** The error for a YAML file that says what cannot be: every finding with its line. */
export function refusedYaml(file: string, issues: readonly ScenarioIssue[], fix: string): EngineError {
  const lines = issues.map(({ line, field, message }) => `line ${String(line)}${field === '' ? '' : `, ${field}`}: ${message}`);
  return new EngineError({
    code: 'bad-input',
    message: lines.join('\n  '),
    where: { file, line: issues[0]?.line ?? 1, field: issues[0]?.field ?? '' },
    fix,
  });
}
