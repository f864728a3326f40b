import { u32 } from '../../base/index.ts';
import { addressBytes, familyOf, type Family } from '../addresses.ts';

/** The few addresses of a router, looked for in packets without making a text of theirs. */
export class OwnAddresses {
  /** One after another, in words: one each, and four each. */
  private readonly words4: readonly number[];
  private readonly words6: readonly number[];

  constructor(addresses: Iterable<string>) {
    const all = [...addresses];
    this.words4 = all.filter((text) => familyOf(text) === 4).map((text) => u32(addressBytes(text), 0));
    this.words6 = all
      .filter((text) => familyOf(text) === 6)
      .flatMap((text) => {
        const bytes = addressBytes(text);
        return [0, 4, 8, 12].map((at) => u32(bytes, at));
      });
  }

  /** Whether one of them is at `at`. */
  has(family: Family, b: Uint8Array, at: number): boolean {
    return family === 4 ? this.words4.length > 0 && this.words4.includes(u32(b, at)) : this.words6.length > 0 && this.has6(b, at);
  }

  private has6(b: Uint8Array, at: number): boolean {
    const { words6 } = this;
    const last = u32(b, at + 12);
    for (let i = 0; i < words6.length; i += 4) {
      if (words6[i + 3] !== last || words6[i] !== u32(b, at)) continue;
      if (words6[i + 1] === u32(b, at + 4) && words6[i + 2] === u32(b, at + 8)) return true;
    }
    return false;
  }
}
