import type { BundledTitle } from '../host/index.ts';
import { table } from './format.ts';
import type { Output } from './output.ts';

/** The bundled files of one kind, a line each. */
export function printBundled(all: readonly BundledTitle[], output: Output): void {
  if (output.json) for (const each of all) output.record(each);
  else for (const line of table(all.map(({ id, title }) => [output.paint.bold(id), title]))) output.text(line);
}
