import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPrefixesSchema } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { PrefixTable } from './index.ts';

const table = (change: object = {}): PrefixTable => unwrap(PrefixTable.create(multicastPrefixesSchema.parse(change)));

describe('groups and sources (M-01 to M-03)', () => {
  it('have the forms of the examples', () => {
    const t = table({ asm: 'ff0e::db8:0:0/96', source: '2001:db8::/96' });
    expect(t.groupText6('233.252.0.1')).toBe('ff0e::db8:e9fc:1');
    expect(t.sourceText6('192.0.2.33')).toBe('2001:db8::c000:221');
    expect(t.groupText6('232.1.2.3')).toBe('ff3e::e801:203');
  });

  it('come back from IPv6 as they were, unless they are refused', () => {
    const t = table({ refuse: ['225.0.0.0/8'] });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x0fffffff }), (low) => {
        const group = (0xe0000000 + low) >>> 0;
        const text = [24, 16, 8, 0].map((shift) => (group >>> shift) & 255).join('.');
        const six = t.groupText6(text);
        const refused = group >>> 8 === 0xe00000 || group >>> 24 === 225;
        expect(six === undefined, text).toBe(refused);
        if (six !== undefined) expect(t.groupText4(six)).toBe(text);
      }),
    );
  });
});

describe('groups of the older proposal (M-04)', () => {
  const OLD: readonly (readonly [string, string | undefined])[] = [
    ['ff1e:8000::e9fc:1', '233.252.0.1'],
    ['ff3e:0:8000::e801:203', '232.1.2.3'],
    ['ff1e:8000::e801:203', undefined],
    ['ff3e:0:8000::e9fc:1', undefined],
    ['ff1e:7fff::e9fc:1', undefined],
    ['ff1e:8000::c000:221', undefined],
    ['ff1e:8000::e000:1', undefined],
  ];

  it.each(OLD)('%s is %s where the option asks for them, and nothing otherwise', (six, four) => {
    expect(table({ olderDraft: true }).groupText4(six)).toBe(four);
    expect(table().groupText4(six)).toBeUndefined();
  });
});
