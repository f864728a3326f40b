import { expect, test } from 'vitest';
import { NO_VALUE, formatAxisSeconds, formatOffset, formatSecondsGrouped, formatShare } from './format.ts';

test('times stand in groups of three digits', () => {
  expect(formatSecondsGrouped(12_480_116_000)).toBe('12.480\u202f116');
  expect(formatSecondsGrouped(12_480_116_342, 9)).toBe('12.480\u202f116\u202f342');
});

test('full is said only of what is full, nothing only of nothing', () => {
  expect(formatShare(0, 1_024)).toBe('0 %');
  expect(formatShare(1, 1_024)).toBe('<1 %');
  expect(formatShare(512, 1_024)).toBe('50 %');
  expect(formatShare(1_023, 1_024)).toBe('99 %');
  expect(formatShare(1_024, 1_024)).toBe('100 %');
  expect(formatShare(1, 0)).toBe(NO_VALUE);
});

test('axis labels have the digits their step needs', () => {
  expect(formatAxisSeconds(12e9, 4e9)).toBe('12 s');
  expect(formatAxisSeconds(12.5e9, 5e8)).toBe('12.5 s');
  expect(formatAxisSeconds(12_480_000_000, 20_000_000)).toBe('12.48 s');
  expect(formatAxisSeconds(1_000, 200)).toBe('0.0000010 s');
});

test('offsets', () => {
  expect(formatOffset(0)).toBe('0000');
  expect(formatOffset(0x1_ffff)).toBe('1ffff');
});
