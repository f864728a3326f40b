import { expect, test } from 'vitest';
import { blockBar, bytesText, count, durationText, instantText, memoryText, percent, rateText } from './index.ts';

test('figures read as people write them', () => {
  expect([0, 999, 1_024, 1_536, 422_000, 5e9].map(bytesText)).toEqual(['0 B', '999 B', '1.02 kB', '1.54 kB', '422 kB', '5.00 GB']);
  expect([0, 999, 1_024, 1_536, 422_000, 5 * 2 ** 30].map(memoryText)).toEqual([
    '0 B',
    '999 B',
    '1.00 KiB',
    '1.50 KiB',
    '412 KiB',
    '5.00 GiB',
  ]);
  expect([0, 999, 1_000, 9_560_000, 38e6, 1e10, 999.6e3].map(rateText)).toEqual([
    '0.00 b/s',
    '999 b/s',
    '1.00 kb/s',
    '9.56 Mb/s',
    '38.0 Mb/s',
    '10.0 Gb/s',
    '1.00 Mb/s',
  ]);
  expect([0, 850, 1_000, 3_100_000, 999_600_000, 12_500_000_000, 3_600e9].map(durationText)).toEqual([
    '0 ns',
    '850 ns',
    '1 µs',
    '3.1 ms',
    '1 s',
    '12.5 s',
    '3600 s',
  ]);
  expect([percent(0, 5), percent(1, 1), percent(1, 100_000), percent(37, 10_000), percent(1, 3), percent(1, 0)]).toEqual([
    '0 %',
    '100 %',
    '< 0.01 %',
    '0.37 %',
    '33.3 %',
    '0 %',
  ]);
  expect([count(1_234_567), instantText(12_480_310_117)]).toEqual(['1,234,567', '12.480 s']);
});

test('bars are exactly as wide as asked, and anything above nothing shows', () => {
  for (const share of [-1, 0, 1e-9, 0.1, 0.5, 0.99, 1, 7]) expect(blockBar(share, 16)).toHaveLength(16);
  expect(blockBar(0, 4)).toBe('░░░░');
  expect(blockBar(1e-9, 4)).toBe('▏░░░');
  expect(blockBar(1, 4)).toBe('████');
  expect(blockBar(0.5, 4)).toBe('██░░');
});
