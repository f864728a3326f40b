import { describe, expect, it } from 'vitest';
import { addressBytes, familyOf } from '../addresses.ts';
import { OwnAddresses } from './own-addresses.ts';

describe('own addresses', () => {
  it('are found in packets of their family alone', () => {
    const own = ['192.0.2.1', '239.255.0.1', 'fe80::1', '2001:db8::1:2:3'];
    const found = new OwnAddresses(own);
    const has = (text: string): boolean => {
      const b = new Uint8Array(40);
      b.set(addressBytes(text), 8);
      return found.has(familyOf(text), b, 8);
    };
    for (const text of own) expect(has(text)).toBe(true);
    for (const text of ['192.0.2.2', '0.0.0.1', 'fe80::2', 'fe80:1::1', '2001:db8::1:2:4', '2001:db8::2:2:3'])
      expect(has(text)).toBe(false);
    expect(new OwnAddresses([]).has(6, new Uint8Array(40), 8)).toBe(false);
  });
});
