import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it, test } from 'vitest';
import { runConverters } from '../../translator/index.ts';
import { parseConverters } from './config.ts';

const folder = resolve(import.meta.dirname, '../../../resources/converters');

test.each(readdirSync(folder))('bundled scenario %s is good and runs', (file) => {
  const parsed = parseConverters(readFileSync(join(folder, file), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  expect(`${parsed.value.name}.yaml`).toBe(file);
  expect(parsed.value.title).not.toBe('');
  const result = runConverters({ ...parsed.value, durationS: Math.min(parsed.value.durationS, 20) });
  expect(result.totals.connected).toBeGreaterThan(0);
  expect(result.totals.conserved).toBe(true);
});

it('names line and field of what cannot be', () => {
  const parsed = parseConverters(`name: x
terminals:
  - { id: alice, family: v4, converter: {} }
  - { id: bob, family: v6, count: 2 }
  - { id: bob-2, family: dual }
  - { id: gateway, family: dual }
calls:
  - { atS: 1, from: alize, to: bob-1 }
  - { atS: 1, from: bob-1, to: bob-1 }
events:
  - { atS: 1, kind: leave, terminal: bob-1 }
  - { atS: 1, kind: lose-family, terminal: bob-1 }
`);
  expect(parsed.ok ? [] : parsed.error.map(({ line, field, message }) => `${String(line)} ${field}: ${message}`)).toEqual([
    '3 terminals.0.converter: a terminal that has only IPv4 cannot convert; make its family dual, or leave the converter out',
    '5 terminals.2.id: the name bob-2 is taken already; give the group another one',
    '6 terminals.3.id: the name gateway is taken already; give the group another one',
    '8 calls.0.from: there is no terminal alize; did you mean alice?',
    '9 calls.1.to: nobody calls themselves',
    '11 events.0.kind: bob-1 is no converter; leave says nothing to it',
    '12 events.1.family: say which family: v4 or v6',
  ]);
});
