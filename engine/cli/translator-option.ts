import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, type TranslatorMode, type TranslatorSpec } from '../contract/index.ts';
import { fileError, translatorsFolder } from '../host/index.ts';
import { parseTranslator } from '../lab/index.ts';

const YAML = '.yaml';

/** Names of the bundled translator configurations. */
export function bundledTranslators(): string[] {
  return readdirSync(translatorsFolder)
    .filter((name) => name.endsWith(YAML))
    .map((name) => name.slice(0, -YAML.length))
    .sort();
}

export function translatorText(name: string): string {
  if (!bundledTranslators().includes(name)) {
    throw new EngineError({
      code: 'not-found',
      message: `There is no file ${name}, and no bundled translator of that name.`,
      fix: `Translators here: ${bundledTranslators().join(', ')}`,
    });
  }
  return readFileSync(join(translatorsFolder, `${name}${YAML}`), 'utf8');
}

/** The configuration that `--config` and `--mode` say: a file where one exists, a bundled name otherwise; the defaults without. */
export function chooseTranslator(config: string | undefined, mode?: TranslatorMode): TranslatorSpec {
  const parsed = parseTranslator(config === undefined ? '{}' : read(config), mode);
  if (parsed.ok) return parsed.value;
  const lines = parsed.error.map(({ line, field, message }) => {
    const at = field === '' ? '' : `${field}: `;
    return config === undefined ? `${at}${message}` : `line ${line}, ${at}${message}`;
  });
  const first = parsed.error[0];
  throw new EngineError({
    code: 'bad-input',
    message: lines.join('\n  '),
    where: { ...(config !== undefined && { file: config, line: first?.line ?? 1 }), field: first?.field ?? '' },
    fix: config === undefined ? 'Say it in a file: --config FILE' : 'ringside schema translator',
  });
}

function read(config: string): string {
  if (!existsSync(config)) {
    if (/[./\\]/.test(config)) throw new EngineError({ code: 'not-found', message: 'There is no such file.', where: { file: config } });
    return translatorText(config);
  }
  try {
    return readFileSync(config, 'utf8');
  } catch (error) {
    throw fileError(error, config);
  }
}
