import { EngineError, type AddressMapping } from '../contract/index.ts';
import { compileSettings, mapAddress } from '../translator/index.ts';
import { bundledTranslators } from '../host/index.ts';
import { table } from './format.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { chooseTranslator } from './translator-option.ts';

/** How a configuration maps an address: each rule that fits, the one that is used first. Exit code 1 where none is used. */
export function mapCommand(address: string, config: string | undefined, output: Output): number {
  const settings = compileSettings(chooseTranslator(config));
  if (!settings.ok) {
    throw new EngineError({ code: 'bad-input', message: settings.error.message, where: { field: settings.error.field } });
  }
  const mapped = mapAddress(settings.value, address);
  if (!mapped.ok) throw new UsageError(mapped.error);
  if (output.json) output.record({ address, mappings: mapped.value });
  else if (mapped.value.length === 0) output.text(`${address}: no rule of this configuration maps it`);
  else for (const each of mapped.value) print(each, output);
  return mapped.value.some(({ used }) => used) ? EXIT.ok : EXIT.failed;
}

function print({ from, to, rule, field, rfc, used, parts, note }: AddressMapping, output: Output): void {
  const { paint } = output;
  const mark = used ? paint.green('●') : paint.dim('○');
  output.text(`${mark} ${from} → ${paint.bold(to === '' ? '?' : to)}`);
  output.text(`  ${rule}  ${paint.dim(`${field} · ${rfc}`)}`);
  if (note !== '') output.text(`  ${paint.yellow(note)}`);
  const rows = parts.map((each) => [`bits ${each.from} to ${each.to - 1}`, each.name, each.value]);
  for (const line of table(rows)) output.text(`    ${line}`);
}

/** The bundled configurations, or the text of one. */
export function translatorsCommand(name: string | undefined, output: Output): number {
  if (name !== undefined) {
    const yaml = bundledTranslators.text(name);
    if (output.json) output.record({ name, yaml });
    else output.text(yaml.trimEnd());
    return EXIT.ok;
  }
  const all = bundledTranslators.names().map((each) => {
    const first = bundledTranslators.text(each).split('\n')[0] ?? '';
    return { name: each, title: first.replace(/^# ?/, '') };
  });
  if (output.json) for (const each of all) output.record(each);
  else for (const line of table(all.map((each) => [output.paint.bold(each.name), each.title]))) output.text(line);
  return EXIT.ok;
}
