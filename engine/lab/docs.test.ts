import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import {
  DROP_NONE,
  DROP_REASONS,
  DSCP_TABLE,
  FAULT_SITES,
  FAULT_TEXTS,
  SERVICE_CLASSES,
  TRAFFIC_CLASS_ORDER,
  trafficPlaceOf,
} from '../stack/index.ts';
import { generatorJsonSchema, parseGenerator } from './generate/index.ts';
import { parseScenario, scenarioJsonSchema } from './scenario/index.ts';

/**
 * Tables in docs/scenarios.md and docs/generator.md are made from the schemas, the drop reasons and the bundled files. The tests fail where a
 * page differs; `npx vitest run engine/lab/docs.test.ts -u` writes the tables again.
 */

const root = resolve(import.meta.dirname, '../..');

/** The part of JSON Schema that our schemas use. */
interface Node {
  readonly type?: string;
  readonly const?: string | number | boolean;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly required?: readonly string[];
}

/** Largest number that a whole number may be; as a limit it says nothing. */
const SAFE = Number.MAX_SAFE_INTEGER;

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

function range({ minimum, maximum }: Node): string {
  const from = minimum === undefined || minimum === -SAFE ? '' : minimum.toLocaleString('en-US');
  const to = maximum === undefined || maximum === SAFE ? '' : maximum.toLocaleString('en-US');
  if (from !== '' && to !== '') return ` ${from} to ${to}`;
  return from === '' ? (to === '' ? '' : ` up to ${to}`) : ` from ${from}`;
}

function kind(node: Node): string {
  if (node.const !== undefined) return code(String(node.const));
  if (node.enum !== undefined) return node.enum.map((value) => code(String(value))).join(', ');
  if (node.anyOf !== undefined) return node.anyOf.map(kind).join(' or ');
  if (node.type === 'array') return `list of ${node.items === undefined ? 'values' : kind(node.items)}`;
  if (node.type === 'object') {
    return Object.keys(node.properties ?? {})
      .map(code)
      .join(', ');
  }
  if (node.type === 'integer') return `whole number${range(node)}`;
  if (node.type === 'number') return `number${range(node)}`;
  if (node.format !== undefined) return 'date and time';
  return node.type === 'boolean' ? '`true`, `false`' : 'text';
}

function standard(node: Node, required: boolean): string {
  if (required) return 'required';
  if (node.default === undefined) return '';
  if (Array.isArray(node.default) && node.default.length === 0) return 'none';
  if (node.default === '') return '';
  return code(typeof node.default === 'number' ? String(node.default) : JSON.stringify(node.default).replaceAll('"', ''));
}

type Row = readonly string[];

/** One row a field; objects and lists of objects are opened, with their path. `skip` are fields that another table holds. */
function rows(node: Node, path: string, skip: readonly string[]): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, field]): Row[] => {
    const at = path === '' ? name : `${path}.${name}`;
    if (skip.includes(at)) return [];
    if (field.type === 'object') return rows(field, at, skip);
    const required = node.required?.includes(name) === true && field.default === undefined;
    return [[code(at), kind(field), standard(field, required), field.description ?? '']];
  });
}

const HEAD = ['field', 'value', 'default', 'meaning'];

function table(head: Row, body: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

function property(node: Node, ...names: readonly string[]): Node {
  const found = names.reduce<Node | undefined>((at, name) => (name === '[]' ? at?.items : at?.properties?.[name]), node);
  if (found === undefined) throw new Error(`The schema has no ${names.join('.')}.`);
  return found;
}

/** Replaces what stands between `<!-- table: NAME -->` and `<!-- end -->`. Every table has its place, and every place its table. */
async function withTables(page: string, tables: Readonly<Record<string, string>>): Promise<string> {
  const path = join(root, 'docs', page);
  const used = new Set<string>();
  const text = readFileSync(path, 'utf8').replace(
    /(<!-- table: (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (_all, open: string, name: string, close: string) => {
      used.add(name);
      const made = tables[name];
      if (made === undefined) throw new Error(`${page} asks for a table ${name} that nobody makes.`);
      return `${open}\n${made}\n\n${close}`;
    },
  );
  expect([...used].sort()).toEqual(Object.keys(tables).sort());
  return format(text, { ...(await resolveConfig(path)), parser: 'markdown' });
}

function bundledScenarios(): Row[] {
  const folder = join(root, 'resources/scenarios');
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const parsed = parseScenario(readFileSync(join(folder, file), 'utf8'));
      if (!parsed.ok) throw new Error(`${file} is no scenario.`);
      const { name, title, description } = parsed.value;
      return [code(name), title, description];
    });
}

function bundledSpecs(): Row[] {
  const folder = join(root, 'resources/generators');
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const parsed = parseGenerator(readFileSync(join(folder, file), 'utf8'));
      if (!parsed.ok) throw new Error(`${file} is no generator spec.`);
      return [code(file), parsed.value.title, [...new Set(parsed.value.streams.map((stream) => stream.kind))].map(code).join(', ')];
    });
}

describe('pages made from the source', () => {
  it('docs/scenarios.md holds every parameter, bundled scenario and drop reason', async () => {
    const schema = scenarioJsonSchema() as Node;
    const port = property(schema, 'ports', '[]');
    const page = await withTables('scenarios.md', {
      top: table(HEAD, rows(schema, '', ['device', 'flowSwitch', 'ports', 'stack'])),
      device: table(HEAD, rows(property(schema, 'device'), 'device', ['device.network', 'device.offloads'])),
      deviceOffloads: table(HEAD, rows(property(schema, 'device', 'offloads'), '', [])),
      network: table(HEAD, rows(property(schema, 'device', 'network'), '', [])),
      flowSwitch: table(HEAD, rows(property(schema, 'flowSwitch'), 'flowSwitch', [])),
      port: table(HEAD, rows(port, '', ['reader', 'meter', 'sockets', 'translator', 'offloads'])),
      selector: table(HEAD, rows(property(port, 'select', '[]'), '', [])),
      translator: table(HEAD, rows(property(port, 'translator'), 'translator', [])),
      portOffloads: table(HEAD, rows(property(port, 'offloads'), '', [])),
      reader: table(HEAD, rows(property(port, 'reader'), 'reader', [])),
      meter: table(HEAD, rows(property(port, 'meter'), '', [])),
      sockets: table(HEAD, rows(property(port, 'sockets'), '', [])),
      bundled: table(['scenario', 'title', 'what it is for'], bundledScenarios()),
      drops: table(
        ['reason', 'what happened', 'give it more room with'],
        DROP_REASONS.filter(({ code: number }) => number !== DROP_NONE).map(({ name, text, parameter }) => [
          code(name),
          text,
          code(parameter),
        ]),
      ),
    });
    await expect(page).toMatchFileSnapshot(join(root, 'docs/scenarios.md'));
  });

  it('docs/stack-model.md holds every field of the stack section, every event, fault and service class', async () => {
    const stack = property(scenarioJsonSchema(), 'stack');
    const list = (name: string): string => table(HEAD, rows(property(stack, name, '[]'), '', []));
    const events = property(stack, 'events', '[]').oneOf ?? [];
    expect(events.length).toBeGreaterThan(0);
    const page = await withTables('stack-model.md', {
      instances: list('instances'),
      bindings: list('bindings'),
      flows: list('flows'),
      faults: list('faults'),
      aqm: table(HEAD, rows(property(stack, 'aqm'), '', [])),
      memory: table(HEAD, rows(property(stack, 'memory'), '', [])),
      events: table(
        ['do', 'fields'],
        events.map((each) => [
          kind(property(each, 'do')),
          Object.keys(each.properties ?? {})
            .filter((name) => name !== 'do')
            .map(code)
            .join(', '),
        ]),
      ),
      sites: table(
        ['site', 'what happens'],
        FAULT_SITES.map((site) => [code(site), FAULT_TEXTS[site]]),
      ),
      classes: table(
        ['DSCP', 'name', 'service class', 'traffic class', 'source'],
        DSCP_TABLE.map((row) => [
          String(row.dscp),
          row.name,
          row.serviceClass,
          TRAFFIC_CLASS_ORDER[trafficPlaceOf(SERVICE_CLASSES.indexOf(row.serviceClass))]!,
          row.source,
        ]),
      ),
    });
    await expect(page).toMatchFileSnapshot(join(root, 'docs/stack-model.md'));
  });

  it('docs/generator.md holds every field of every kind of stream', async () => {
    const schema = generatorJsonSchema() as Node;
    const kinds = property(schema, 'streams', '[]').oneOf ?? [];
    expect(kinds.length).toBeGreaterThan(0);
    const shared = ['id', 'startMs', 'untilMs', 'vlan'];
    const first = kinds[0]!;
    const flows = Object.keys(property({ properties: { first } }, 'first').properties ?? {});
    const common = flows.filter((name) => kinds.filter((each) => each.properties?.['clients'] !== undefined && each.properties['flows'] !== undefined).every((each) => each.properties?.[name] !== undefined)); // prettier-ignore
    const flowFields = common.filter((name) => name !== 'kind' && !shared.includes(name));
    const part = (names: readonly string[]): Node => ({
      properties: Object.fromEntries(names.map((name) => [name, property(first, name)])),
    });
    const streams = kinds.map((each) => {
      const hidden = each.properties?.['flows'] === undefined ? ['kind', ...shared] : ['kind', ...shared, ...flowFields];
      const kindNode = property(each, 'kind');
      return `### ${kind(kindNode)}\n\n${sentence(kindNode.description ?? '')}\n\n${table(HEAD, rows(each, '', hidden))}`;
    });
    const page = await withTables('generator.md', {
      top: table(HEAD, rows(schema, '', ['streams'])),
      shared: table(HEAD, rows(part(shared), '', [])),
      flows: table(HEAD, rows(part(flowFields), '', [])),
      streams: streams.join('\n\n'),
      bundled: table(['file', 'title', 'streams'], bundledSpecs()),
    });
    await expect(page).toMatchFileSnapshot(join(root, 'docs/generator.md'));
  });
});
