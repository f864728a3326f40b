import { EngineError, type TranslatorMode, type TranslatorSpec } from '../contract/index.ts';
import { bundledTranslators } from '../host/index.ts';
import { parseTranslator, refusedYaml } from '../lab/index.ts';

/** The configuration that `--config` and `--mode` say: a file where one exists, a bundled name otherwise; the defaults without. */
export function chooseTranslator(config: string | undefined, mode?: TranslatorMode): TranslatorSpec {
  const parsed = parseTranslator(config === undefined ? '{}' : bundledTranslators.fileOrBundled(config), mode);
  if (parsed.ok) return parsed.value;
  if (config !== undefined) throw refusedYaml(config, parsed.error, 'ringside schema translator');
  throw new EngineError({
    code: 'bad-input',
    message: parsed.error.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('\n  '),
    where: { field: parsed.error[0]?.field ?? '' },
    fix: 'Say it in a file: --config FILE',
  });
}
