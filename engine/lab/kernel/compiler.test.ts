import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compileKernel } from '../../../scripts/lib/kernel-compiler.mjs';

const folder = mkdtempSync(join(tmpdir(), 'ringside-test-kernel-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Exports = Record<string, (...args: number[]) => number>;

async function run(source: string, host: Record<string, (...args: number[]) => number> = {}): Promise<Exports> {
  const file = join(folder, 'a-kernel.ts');
  writeFileSync(file, source);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(await compileKernel(file)), { host: { memory, ...host } });
  return instance.exports as unknown as Exports;
}

test('integers wrap, floats do not, and both have their operators', async () => {
  const { mix, ratio, either } = await run(`
    const SHIFT = 1 << 3;
    export function mix(a: i32, b: i32): i32 { return ((a * b) >>> SHIFT) ^ (a - -b) ^ ~b; }
    export function ratio(a: f64, b: f64): f64 { return (a - 1) / b; }
    export function either(a: i32, b: f64): i32 { return (a > 3 && b < 0.5) || !(a !== 2) ? 7 : -7; }
  `);
  for (const [a, b] of [
    [0, 0],
    [123456789, -987654321],
    [-1, 2 ** 31 - 1],
  ] as const) {
    expect(mix!(a, b)).toBe((Math.imul(a, b) >>> 8) ^ ((a + b) | 0) ^ ~b);
    expect(ratio!(a, b)).toBe((a - 1) / b);
  }
  expect([either!(4, 0.1), either!(4, 0.9), either!(2, 9), either!(1, 0)]).toEqual([7, -7, 7, -7]);
});

test('loops, branches, memory, functions written out where they are called, and calls to the host', async () => {
  const seen: number[] = [];
  const { sum, copy } = await run(
    `
    import { load32, store32, select } from './intrinsics.ts';
    declare function tell(n: i32): i32;
    function once(n: i32): i32 { let total = 0; for (let i = 0; i < n; i++) { if (i === 3) continue; if (i > 6) break; total += i; } return total; }
    function twice(n: i32): i32 { return n + n; }
    export function sum(n: i32): i32 { let k = n; let rest = 0; while (k > 100) { k -= 100; rest++; } tell(k); return once(k) + twice(rest); }
    export function copy(from: i32, to: i32): i32 { store32(to, 4, load32(from + 4)); return select(from < to, load32(to, 4), -1); }
  `,
    { tell: (n) => seen.push(n) },
  );
  expect(sum!(205)).toBe(0 + 1 + 2 + 4 + 4);
  expect(sum!(50)).toBe(1 + 2 + 4 + 5 + 6);
  expect(seen).toEqual([5, 50]);
  expect([copy!(0, 8), copy!(8, 0)]).toEqual([0, -1]);
});

test('whatever is not of the language is an error with its place', async () => {
  for (const [source, message] of [
    ['export function f(a: string): void {}', /a-kernel\.ts:1: .*i32 and f64/],
    ['\nexport function f(a: i32): f64 { return a; }', /:2: i32 where f64/],
    ['export function f(a: i32): i32 { return a / 2; }', /no \/ for i32/],
    ['export function f(a: i32): i32 { return g(a); }', /no function g/],
    ['export function f(a: i32): void { throw a; }', /ThrowStatement/],
    ['let x = 1;', /not for kernels/],
  ] as const) {
    await expect(run(source), source).rejects.toThrow(message);
  }
});
