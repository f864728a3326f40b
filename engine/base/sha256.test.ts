import { expect, test } from 'vitest';
import fc from 'fast-check';
import { hex, sha256Hex } from './index.ts';

async function platformDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

test('SHA-256 equals the platform implementation, at every length around a block', async () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);
    expect(sha256Hex(bytes)).toBe(await platformDigest(bytes));
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
      expect(sha256Hex(text)).toBe(await platformDigest(new Uint8Array(new TextEncoder().encode(text))));
    }),
  );
});
