import { expect, test } from 'vitest';
import { FLOW_COLUMNS, endpoint, firstDirection, isSortKey } from './columns.ts';

test('every sortable column is a sort key of the contract', () => {
  for (const column of FLOW_COLUMNS) expect(isSortKey(column.id), column.id).toBe(column.sortable === true);
});

test('an IPv6 address keeps apart from its port', () => {
  expect(endpoint('2001:db8::1', 443, 6)).toBe('[2001:db8::1]:443');
  expect(endpoint('192.0.2.1', 443, 4)).toBe('192.0.2.1:443');
  expect(endpoint('192.0.2.1', 0, 4)).toBe('192.0.2.1');
});

test('figures sort from the largest, names and order from the first', () => {
  expect(['bytes', 'drops', 'duration'].map(firstDirection)).toEqual([true, true, true]);
  expect(['id', 'source', 'tcpState', 'firstNs'].map(firstDirection)).toEqual([false, false, false, false]);
});
