import { describe, expect, test } from 'vitest';
import type { ConditionsSpec } from '../../contract/index.ts';
import { regulatedScenario } from './regulated.ts';

const PATH = 'device.network.conditions';
const ROWS = `name: a
device:
  network:
    profile: lte
    conditions: { trace: rows, rows: [{ atMs: 0, quality: 0.5 }] }
ports: [{ id: host, kind: host, meter: {}, sockets: {} }] # sockets
`;
const CSV = 'at_ms,quality\n0,1\n500,0.25\n';

function conditions(text: string, ...overrides: readonly { readonly path: string; readonly value: string }[]): ConditionsSpec | undefined {
  const tried = regulatedScenario(text, overrides);
  if (!tried.ok) throw new Error(tried.error[0]!.message);
  expect(tried.value.yaml).toContain('# sockets');
  return tried.value.scenario.device.network?.conditions;
}

describe('channel conditions that are tried', () => {
  test('a generated channel takes the place of rows', () => {
    expect(conditions(ROWS, { path: `${PATH}.trace`, value: 'fading' })).toMatchObject({ trace: 'fading', rows: [], csv: '' });
  });

  test('a CSV text takes the place of rows, and of whatever the channel was', () => {
    const csv = [
      { path: `${PATH}.trace`, value: 'rows' },
      { path: `${PATH}.csv`, value: CSV },
    ];
    expect(conditions(ROWS, ...csv)).toMatchObject({ trace: 'rows', rows: [], csv: CSV });
    const steady = ROWS.replace('{ trace: rows, rows: [{ atMs: 0, quality: 0.5 }] }', '{ trace: steady }');
    expect(conditions(steady, ...csv)).toMatchObject({ trace: 'rows', csv: CSV });
    const none = 'name: a\nports: [{ id: host, kind: host, meter: {}, sockets: {} }] # sockets\n';
    expect(conditions(none, ...csv)).toMatchObject({ trace: 'rows', csv: CSV });
  });

  test('other parameters leave the rows alone', () => {
    expect(conditions(ROWS, { path: 'device.network.profile', value: 'nr' })).toMatchObject({ trace: 'rows', rows: [{ quality: 0.5 }] });
  });
});
