import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../contract/index.ts';
import type { Result } from '../base/index.ts';
import { fileError } from './inputs.ts';
import { convertersFolder, multicastFolder, scenariosFolder, translatorsFolder } from './paths.ts';

const YAML = '.yaml';

/** A bundled file as lists show it. */
export interface BundledTitle {
  readonly id: string;
  readonly title: string;
  readonly description: string;
}

/** YAML files of one kind that come with the program. */
class BundledFolder {
  private readonly folder: string;
  /** What each file is, such as `translator`. */
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

  /** The files that a reader of their kind accepts, with what they say of themselves. */
  list(parse: (text: string) => Result<Omit<BundledTitle, 'id'>, unknown>): BundledTitle[] {
    return this.names().flatMap((id) => {
      const parsed = parse(this.text(id));
      return parsed.ok ? [{ id, title: parsed.value.title, description: parsed.value.description }] : [];
    });
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

export const bundledScenarios = new BundledFolder(scenariosFolder, 'scenario');
export const bundledTranslators = new BundledFolder(translatorsFolder, 'translator');
export const bundledConverters = new BundledFolder(convertersFolder, 'network of terminals');
export const bundledMulticast = new BundledFolder(multicastFolder, 'multicast network');
