import { describe, expect, it } from 'vitest';
import { putU16 } from '../../base/index.ts';
import { checksum } from '../../wire/index.ts';
import {
  buildGroupMessage,
  buildPim,
  parseGroupMessage,
  parsePim,
  type GroupMessage,
  type PimMessage,
  type QueryMessage,
} from './index.ts';

/** Messages byte by byte, written down from the figures of RFC 7761 section 4.9, RFC 5059 section 4, RFC 3376 and RFC 3810 sections 4 and 5. */

const hex = (text: string): Uint8Array => Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const text = (b: Uint8Array): string => [...b].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const G4 = 'e9fc0001';
const S4 = 'c0000221';
const G6 = 'ff0e00000000000000000000000100ff';
const S6 = '20010db8000000000000000000000021';
const U4 = (a: string): string => `0100${a}`;
const U6 = (a: string): string => `0200${a}`;

const group = '233.252.0.1';
const source = '192.0.2.33';
const packet = hex('45000014000000004067 0000'.replace(/\s/g, '') + S4 + G4);

const PIM: readonly (readonly [string, PimMessage, string])[] = [
  [
    'Hello with all options',
    {
      kind: 'hello',
      holdtimeS: 105,
      lanPruneDelay: { propagationMs: 500, overrideMs: 2_500, tracking: true },
      drPriority: 1,
      generationId: 0xdeadbeef,
      addresses: ['10.0.0.2', '10.0.0.3'],
      translationRouter: null,
    },
    `20000000 0001 0002 0069 0002 0004 81f4 09c4 0013 0004 00000001 0014 0004 deadbeef 0018 000c ${U4('0a000002')} ${U4('0a000003')}`,
  ],
  ['Register', { kind: 'register', border: false, nullRegister: false, packet }, `21000000 00000000 ${text(packet)}`],
  ['Null-Register', { kind: 'register', border: false, nullRegister: true, packet }, `21000000 40000000 ${text(packet)}`],
  ['Register-Stop', { kind: 'register-stop', group, source }, `22000000 01000020${G4} ${U4(S4)}`],
  [
    'Join/Prune of (*,G), (S,G,rpt) and (S,G)',
    {
      kind: 'join-prune',
      upstream: '10.0.0.1',
      holdtimeS: 210,
      groups: [
        {
          group,
          maskLength: 32,
          joins: [
            { source: '10.255.0.9', wildcard: true, rpt: true },
            { source, wildcard: false, rpt: false },
          ],
          prunes: [{ source, wildcard: false, rpt: true }],
        },
      ],
    },
    `23000000 ${U4('0a000001')} 00 01 00d2 01000020${G4} 0002 0001 01000720 0aff0009 01000420 ${S4} 01000520 ${S4}`,
  ],
  [
    'Bootstrap',
    {
      kind: 'bootstrap',
      noForward: true,
      fragmentTag: 0x1234,
      hashMaskLength: 30,
      priority: 64,
      bsr: '10.255.0.9',
      groups: [
        {
          group: '224.0.0.0',
          maskLength: 4,
          bidirectional: true,
          count: 2,
          rps: [{ address: '10.255.0.8', holdtimeS: 150, priority: 192 }],
        },
      ],
    },
    `24800000 1234 1e 40 ${U4('0aff0009')} 01008004e0000000 02 01 0000 ${U4('0aff0008')} 0096 c0 00`,
  ],
  [
    'Assert(S,G)',
    { kind: 'assert', group, source, rpt: false, preference: 110, metric: 20 },
    `25000000 01000020${G4} ${U4(S4)} 0000006e 00000014`,
  ],
  [
    'AssertCancel(*,G)',
    { kind: 'assert', group, source: '0.0.0.0', rpt: true, preference: 0x7fffffff, metric: 0xffffffff },
    `25000000 01000020${G4} ${U4('00000000')} ffffffff ffffffff`,
  ],
  [
    'Candidate-RP-Advertisement',
    {
      kind: 'candidate-rp',
      priority: 192,
      holdtimeS: 150,
      rp: '10.255.0.8',
      groups: [{ group: '239.0.0.0', maskLength: 8, bidirectional: false }],
    },
    `28000000 01 c0 0096 ${U4('0aff0008')} 01000008ef000000`,
  ],
];

/** An IPv6 header's addresses in front, where the pseudo header is read. */
function sealed(body: Uint8Array, family: 4 | 6, covers = body.length): Uint8Array {
  const b = new Uint8Array(40 + body.length);
  b.set(body, 40);
  putU16(b, 42, 0);
  const pseudo = family === 4 ? 0 : covers + (covers > 0 ? 103 : 0);
  putU16(b, 42, checksum(b, 40, 40 + covers, pseudo));
  return b;
}
const read = (body: Uint8Array, family: 4 | 6 = 4, covers = body.length) => {
  const b = sealed(body, family, covers);
  return parsePim(b, 40, b.length, family, 8, 24);
};

describe('PIM messages', () => {
  it.each(PIM)('%s', (_name, message, bytes) => {
    expect(text(buildPim(message, 4))).toBe(text(hex(bytes)));
    expect(read(hex(bytes))).toEqual(message);
  });

  it('of IPv6 have its addresses and masks', () => {
    const joins = [{ source: '2001:db8::21', wildcard: false, rpt: false }];
    const message: PimMessage = {
      kind: 'join-prune',
      upstream: 'fe80::1',
      holdtimeS: 0xffff,
      groups: [{ group: 'ff0e::1:ff', maskLength: 128, joins, prunes: [] }],
    };
    const bytes = `23000000 ${U6('fe800000000000000000000000000001')} 00 01 ffff 02000080${G6} 0001 0000 02000480${S6}`;
    expect(text(buildPim(message, 6))).toBe(text(hex(bytes)));
    expect(read(hex(bytes), 6)).toEqual(message);
  });

  const hello = '20000000 0001 0002 0069';
  it.each([
    ['unknown options are passed over', '20000000 fde9 0003 aabbcc 0001 0002 0069 0015 0000', { kind: 'hello', holdtimeS: 105 }],
    ['without a hold time it is 105 s', '20000000 0013 0004 00000007', { kind: 'hello', holdtimeS: 105, drPriority: 7 }],
    ['a hold time of no end', '20000000 0001 0002 ffff', { kind: 'hello', holdtimeS: 0xffff }],
    ['reserved bits of the header', '20ff0000 0001 0002 0069', { kind: 'hello', holdtimeS: 105 }],
    ['secondary addresses of the other family', `${hello} 0018 0018 ${U6(S6)} ${U4(S4)}`, { kind: 'hello', addresses: [source] }],
    ['the border bit and reserved bits of a register', '21000000 bfffffff 45', { kind: 'register', nullRegister: false }],
    [
      'reserved bits of encoded addresses, the Z bit, the S bit',
      `23000000 ${U4('0a000001')} ff 01 00d2 01007f20${G4} 0001 0000 0100f820 ${S4}`,
      { groups: [{ joins: [{ source, wildcard: false, rpt: false }] }] },
    ],
    [
      'join attributes of a source (RFC 5384)',
      `23000000 ${U4('0a000001')} 00 01 00d2 01000020${G4} 0001 0000 01010420 ${S4} 00 01 07 40 02 0102`,
      { groups: [{ joins: [{ source }] }] },
    ],
    [
      'addresses of another family than the neighbour’s are left out (4.9.5)',
      `23000000 ${U4('0a000001')} 00 02 00d2 02000080${G6} 0001 0000 02000480${S6} 01000020${G4} 0002 0000 02000480${S6} 01000420${S4}`,
      { groups: [{ group, joins: [{ source }] }] },
    ],
  ] as const)('%s', (_name, bytes, message) => {
    expect(read(hex(bytes))).toMatchObject(message);
  });

  it.each([
    ['another version', '30000000 0001 0002 0069', 'type'],
    ['an unknown type', '2c000000 0001 0002 0069', 'type'],
    ['an option that ends too soon', '20000000 0001 0002 00', 'short'],
    ['an option of a wrong length', '20000000 0001 0001 69', 'short'],
    ['a source of another mask length (4.9.1)', `23000000 ${U4('0a000001')} 00 01 00d2 01000020${G4} 0001 0000 01000418 ${S4}`, 'short'],
    ['a neighbour of another family', `23000000 ${U6(S6)} 00 00 00d2`, 'short'],
    ['an unknown address family', `22000000 01000020${G4} 0700${S4}`, 'short'],
  ] as const)('%s is refused', (_name, bytes, why) => {
    expect(read(hex(bytes))).toBe(why);
  });

  it('registers have a checksum of eight bytes, or of all (4.9.3)', () => {
    const register = hex(`21000000 00000000 ${text(packet)}`);
    for (const covers of [8, register.length]) expect(read(register, 4, covers)).toMatchObject({ kind: 'register' });
    expect(read(register, 4, 12)).toBe('checksum');
    for (const covers of [8, register.length]) expect(read(register, 6, covers)).toMatchObject({ kind: 'register' });
  });
});

const base: QueryMessage = {
  kind: 'query',
  version: 3,
  group: '',
  sources: [],
  maxResponseMs: 10_000,
  suppress: false,
  robustness: 2,
  intervalS: 125,
};
const sums = (b: Uint8Array): string => `${text(b.slice(0, 2))}0000${text(b.slice(4))}`;

describe('IGMP messages', () => {
  it.each<readonly [string, GroupMessage, string]>([
    ['general query', base, '1164 0000 00000000 02 7d 0000'],
    [
      'query of a group and sources, suppressing',
      { ...base, group, sources: [source], maxResponseMs: 1_000, suppress: true, robustness: 7 },
      `110a 0000 ${G4} 0f 7d 0001 ${S4}`,
    ],
    ['query of version 2', { ...base, version: 2, robustness: 0, intervalS: 0 }, '1164 0000 00000000'],
    ['query of version 1', { ...base, version: 1, robustness: 0, intervalS: 0 }, '1100 0000 00000000'],
    ['report of version 1', { kind: 'report', version: 1, records: [{ type: 2, group, sources: [] }] }, `1200 0000 ${G4}`],
    ['report of version 2', { kind: 'report', version: 2, records: [{ type: 2, group, sources: [] }] }, `1600 0000 ${G4}`],
    ['leave', { kind: 'leave', version: 2, group }, `1700 0000 ${G4}`],
    [
      'report of version 3',
      { kind: 'report', version: 3, records: [{ type: 4, group, sources: [] }, { type: 5, group, sources: [source] }] }, // prettier-ignore
      `2200 0000 0000 0002 04 00 0000 ${G4} 05 00 0001 ${G4} ${S4}`,
    ],
  ])('%s', (_name, message, bytes) => {
    const built = buildGroupMessage(message, 4);
    expect(sums(built)).toBe(text(hex(bytes)));
    expect(checksum(built, 0, built.length)).toBe(0);
    expect(parseGroupMessage(built, 0, built.length, 4)).toEqual(message);
  });

  it.each([
    ['a query of 9 bytes', '1164 0000 00000000 02', 'short'],
    ['a query of 11 bytes', '1164 0000 00000000 02 7d 00', 'short'],
    ['an unknown type', '1900 0000 00000000', 'type'],
    ['a report whose records are not all there', `2200 0000 0000 0002 04 00 0000 ${G4}`, 'short'],
  ] as const)('%s is ignored', (_name, bytes, why) => {
    const b = hex(bytes);
    putU16(b, 2, checksum(b, 0, b.length));
    expect(parseGroupMessage(b, 0, b.length, 4)).toBe(why);
  });

  it.each([
    ['an unknown record, auxiliary data, more bytes behind', `22ff 0000 ffff 0002 09 00 0000 ${G4} 04 01 0000 ${G4} 01020304 55`, [group]],
  ] as const)('%s does not count', (_name, bytes, groups) => {
    const b = hex(bytes);
    putU16(b, 2, checksum(b, 0, b.length));
    const message = parseGroupMessage(b, 0, b.length, 4);
    expect(typeof message === 'string' || message.kind !== 'report' ? [] : message.records.map((each) => each.group)).toEqual(groups);
  });

  /** Tenths of a second, or seconds, as codes (RFC 3376 sections 4.1.1 and 4.1.7): what cannot be told exactly goes down (section 8.8). */
  it.each([
    [127, 0x7f, 127],
    [128, 0x80, 128],
    [131, 0x80, 128],
    [136, 0x81, 136],
    [31_744, 0xff, 31_744],
    [40_000, 0xff, 31_744],
  ] as const)('the code of %i is %i, which means %i', (value, code, means) => {
    const b = buildGroupMessage({ ...base, maxResponseMs: value * 100, intervalS: value }, 4);
    expect([b[1], b[9]]).toEqual([code, code]);
    expect(parseGroupMessage(b, 0, b.length, 4)).toMatchObject({ maxResponseMs: means * 100, intervalS: means });
  });
});

describe('MLD messages', () => {
  it.each<readonly [string, GroupMessage, string]>([
    ['general query', base, `8200 0000 2710 0000 ${'00'.repeat(16)} 02 7d 0000`],
    [
      'query of a group and sources',
      { ...base, group: 'ff0e::1:ff', sources: ['2001:db8::21'], suppress: true },
      `8200 0000 2710 0000 ${G6} 0a 7d 0001 ${S6}`,
    ],
    ['query of version 1', { ...base, version: 2, robustness: 0, intervalS: 0 }, `8200 0000 2710 0000 ${'00'.repeat(16)}`],
    [
      'report of version 1',
      { kind: 'report', version: 2, records: [{ type: 2, group: 'ff0e::1:ff', sources: [] }] },
      `8300 0000 0000 0000 ${G6}`,
    ],
    ['done', { kind: 'leave', version: 2, group: 'ff0e::1:ff' }, `8400 0000 0000 0000 ${G6}`],
    [
      'report of version 2',
      { kind: 'report', version: 3, records: [{ type: 6, group: 'ff0e::1:ff', sources: ['2001:db8::21'] }] },
      `8f00 0000 0000 0001 06 00 0001 ${G6} ${S6}`,
    ],
  ])('%s', (_name, message, bytes) => {
    expect(text(buildGroupMessage(message, 6))).toBe(text(hex(bytes)));
  });

  const parse = (body: Uint8Array) => {
    const b = new Uint8Array(40 + body.length);
    b.set(body, 40);
    putU16(b, 42, checksum(b, 40, b.length, body.length + 58));
    return parseGroupMessage(b, 40, b.length, 6, 8, 24);
  };

  it.each([24, 25, 26, 27, 28, 29])('a query of %i bytes has version 1, none or version 2 (RFC 3810 section 8.1)', (length) => {
    const b = new Uint8Array(length);
    b[0] = 130;
    const message = parse(b);
    const version = typeof message === 'string' || message.kind !== 'query' ? message : message.version;
    expect(version).toBe(length === 24 ? 2 : length < 28 ? 'short' : 3);
  });

  /** Milliseconds as codes of 16 bits (RFC 3810 section 5.1.3). */
  it.each([
    [32_767, 0x7fff, 32_767],
    [32_768, 0x8000, 32_768],
    [32_775, 0x8000, 32_768],
    [8_387_584, 0xffff, 8_387_584],
  ] as const)('the code of %i ms is %i, which means %i', (value, code, means) => {
    const b = buildGroupMessage({ ...base, maxResponseMs: value }, 6);
    expect((b[4]! << 8) | b[5]!).toBe(code);
    expect(parse(b)).toMatchObject({ maxResponseMs: means });
  });
});
