import { expect, test } from 'vitest';
import { parseRateBps, parseSizeBytes, parseTimeNs } from './quantity.ts';

test.each([
  ['9600', 9_600],
  ['10M', 10_000_000],
  ['1.5 Gbit/s', 1_500_000_000],
  ['1,5g', 1_500_000_000],
  ['100kbps', 100_000],
  ['25 Gb/s', 25e9],
  ['1e9', 1e9],
  ['0.3k', 300],
])('%s is a rate', (text, bps) => {
  expect(parseRateBps(text)).toBe(bps);
});

test.each([
  ['1500', 1_500],
  ['64KiB', 65_536],
  ['64k', 64_000],
  ['64 kB', 64_000],
  ['1.5 MiB', 1_572_864],
  ['0', 0],
  ['1Gi', 2 ** 30],
])('%s is a size', (text, bytes) => {
  expect(parseSizeBytes(text)).toBe(bytes);
});

test.each([
  ['250', 250_000],
  ['250us', 250_000],
  ['250 µs', 250_000],
  ['1ms', 1e6],
  ['0.5 s', 5e8],
  ['100ns', 100],
])('%s is a time', (text, ns) => {
  expect(parseTimeNs(text)).toBe(ns);
});

test.each(['', 'ten', '10X', '-1', '1..2', '0', '1.5', '10 M x', '10MB/s'])('%j is no rate', (text) => {
  expect(parseRateBps(text)).toBeUndefined();
});

test.each(['', 'k', '1.5', '-5', '10 bits'])('%j is no size', (text) => {
  expect(parseSizeBytes(text)).toBeUndefined();
});

test.each(['', '0', 'ms', '1 h', '0.5ns'])('%j is no time', (text) => {
  expect(parseTimeNs(text)).toBeUndefined();
});
