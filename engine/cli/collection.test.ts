import { expect, test } from 'vitest';
import { offerCollection } from './collection.ts';

test('after it a collection can be asked for, and what nobody holds goes', () => {
  offerCollection();
  const held = { bytes: new Uint8Array(32 << 20) as Uint8Array | undefined };
  const full = process.memoryUsage().arrayBuffers;
  held.bytes = undefined;
  void globalThis.gc!();
  expect(full - process.memoryUsage().arrayBuffers).toBeGreaterThan(16 << 20);
});
