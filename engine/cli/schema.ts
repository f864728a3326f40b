import { z } from 'zod';
import { captureInfoSchema, runSummarySchema } from '../contract/index.ts';
import { convertersJsonSchema, generatorJsonSchema, multicastJsonSchema, scenarioJsonSchema, translatorJsonSchema } from '../lab/index.ts';
import { listScenarios, scenarioText } from '../host/index.ts';
import { printBundled } from './bundled-list.ts';
import { EXIT, type Output } from './output.ts';

export const SCHEMAS = ['scenario', 'generator', 'translator', 'converters', 'multicast', 'summary', 'info'] as const;
export type SchemaName = (typeof SCHEMAS)[number];

function schemaOf(name: SchemaName): unknown {
  switch (name) {
    case 'scenario':
      return scenarioJsonSchema();
    case 'generator':
      return generatorJsonSchema();
    case 'translator':
      return translatorJsonSchema();
    case 'converters':
      return convertersJsonSchema();
    case 'multicast':
      return multicastJsonSchema();
    case 'summary':
      return { ...z.toJSONSchema(runSummarySchema), title: 'ringside replay --json' };
    case 'info':
      return { ...z.toJSONSchema(captureInfoSchema), title: 'ringside info --json' };
  }
}

export function schemaCommand(name: SchemaName, output: Output): number {
  const schema = schemaOf(name);
  if (output.json) output.record(schema);
  else output.text(JSON.stringify(schema, null, 2));
  return EXIT.ok;
}

/** The bundled scenarios, or the text of one. */
export function scenariosCommand(id: string | undefined, output: Output): number {
  if (id !== undefined) {
    const yaml = scenarioText(id);
    if (output.json) output.record({ id, yaml });
    else output.text(yaml.trimEnd());
    return EXIT.ok;
  }
  printBundled(listScenarios(), output);
  return EXIT.ok;
}
