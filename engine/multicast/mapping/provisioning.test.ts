import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPortSchema } from '../../contract/index.ts';
import { putU16, putU32, unwrap } from '../../base/index.ts';
import { writeRawPcapng } from '../../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../../testing/tshark.ts';
import { emitIpv6, emitTcp, emitUdp, formatIpv6, parseIpv6, sealTcp } from '../../wire/index.ts';
import { PortRouter } from '../network/index.ts';
import { groupPacket, RECORD } from '../messages/index.ts';
import { buildOption113 } from './option-113.ts';
import { provisionedIn } from './provisioning.ts';

if (tsharkVersion === undefined) console.warn(tsharkMissing);

const GIVEN = { asm: 'ff1e::db8:1:0:0/96', ssm: 'ff3e::/96', source: '2001:db8:99::/96' };

/** A UDP datagram in IPv6. */
function udp(sourcePort: number, destinationPort: number, body: Uint8Array): Uint8Array {
  const b = new Uint8Array(48 + body.length);
  const ends = { source: parseIpv6('fe80::1')!, destination: parseIpv6('fe80::2')! };
  emitIpv6(b, 0, { ...ends, nextHeader: 17, payloadLength: 8 + body.length });
  emitUdp(b, 40, { sourcePort, destinationPort, payloadLength: body.length });
  b.set(body, 48);
  return b;
}

/** A DHCPv6 message with another option before option 113. */
function dhcp(type: number, option: Uint8Array): Uint8Array {
  return udp(547, 546, Uint8Array.of(type, 1, 2, 3, 0, 2, 0, 4, 0, 3, 0, 1, ...option));
}

/** A RADIUS Access-Accept with Softwire46-Multicast (241.11) of the given TLVs. */
function radius(tlvs: readonly (readonly number[])[]): Uint8Array {
  const inner = tlvs.flat();
  const body = Uint8Array.of(2, 9, 0, 0, ...new Array<number>(16).fill(7), 1, 4, 65, 66, 241, 3 + inner.length, 11, ...inner);
  putU16(body, 2, body.length);
  return udp(1812, 50_000, body);
}

const tlv = (type: number, address: string, bits: number): number[] => {
  const bytes = parseIpv6(address)!.slice(0, (bits + 7) >> 3);
  return [type, 4 + bytes.length, 0, bits, ...bytes];
};

/** A Diameter AVP with its padding (RFC 6733 section 4.1). */
function avp(code: number, data: readonly number[]): number[] {
  const length = 8 + data.length;
  return [
    0,
    0,
    code >> 8,
    code & 255,
    0x40,
    0,
    length >> 8,
    length & 255,
    ...data,
    ...new Array<number>((4 - (data.length & 3)) & 3).fill(0),
  ];
}

const word = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

/** IP-Address and IP-Prefix-Length. */
const grouped = (code: number, address: string, bits: number): number[] =>
  avp(code, [...avp(518, [0, 2, ...parseIpv6(address)!]), ...avp(632, word(bits))]);

/** ASM-mPrefix64, SSM-mPrefix64 and Delegated-IPv6-Prefix in 64-Multicast-Attributes. */
const ATTRIBUTES = avp(634, [
  ...grouped(635, 'ff1e::db8:1:0:0', 96),
  ...grouped(636, 'ff3e::', 96),
  ...avp(123, [0, 96, ...parseIpv6('2001:db8:99::')!.slice(0, 12)]),
]);

/** An AA-Answer of the NAS application, or with flags 0xc0 the request. */
function answer(avps: readonly number[], flags = 0x40, result = 2001): number[] {
  const session = avp(263, [...new TextEncoder().encode('nas;1;2')]);
  const origin = [...avp(264, [...new TextEncoder().encode('aaa.example')]), ...avp(296, [...new TextEncoder().encode('example')])];
  const body = [...session, ...avp(258, word(1)), ...avp(274, word(3)), ...avp(268, word(result)), ...origin, ...avps];
  return [1, ...word(20 + body.length).slice(1), flags, 0, 1, 9, ...word(1), ...word(7), ...word(8), ...body];
}

/** Messages in a TCP segment in IPv6, from the server. */
function tcp(...messages: readonly (readonly number[])[]): Uint8Array {
  const body = messages.flat();
  const b = new Uint8Array(60 + body.length);
  const ends = { source: parseIpv6('2001:db8::1')!, destination: parseIpv6('2001:db8::2')! };
  emitIpv6(b, 0, { ...ends, nextHeader: 6, payloadLength: 20 + body.length });
  emitTcp(b, 40, { sourcePort: 3868, destinationPort: 50_000, sequence: 1, acknowledgment: 1, flags: 0x18, window: 1_000 });
  b.set(body, 60);
  sealTcp(b, 40, 20 + body.length, 6, 8, 24);
  return b;
}

/** A message in an SCTP chunk, behind one of another payload. */
function sctp(message: readonly number[]): Uint8Array {
  const chunk = (payload: number, data: readonly number[]): number[] => {
    const length = 16 + data.length;
    return [
      0,
      3,
      length >> 8,
      length & 255,
      ...word(1),
      0,
      0,
      0,
      0,
      ...word(payload),
      ...data,
      ...new Array<number>((4 - (length & 3)) & 3).fill(0),
    ];
  };
  const body = [...chunk(0, [1, 2, 3]), ...chunk(46, message)];
  const b = new Uint8Array(52 + body.length);
  const ends = { source: parseIpv6('2001:db8::1')!, destination: parseIpv6('2001:db8::2')! };
  emitIpv6(b, 0, { ...ends, nextHeader: 132, payloadLength: 12 + body.length });
  putU16(b, 40, 3868);
  putU16(b, 42, 50_000);
  putU32(b, 44, 1);
  b.set(body, 52);
  return b;
}

const option = unwrap(buildOption113(GIVEN));

describe('prefixes in messages', () => {
  it('are those of option 113 in a DHCPv6 Reply, and of nothing else', () => {
    expect(unwrap(provisionedIn(dhcp(7, option), 6, 'dhcpv6')!.prefixes)).toEqual(GIVEN);
    expect(provisionedIn(dhcp(3, option), 6, 'dhcpv6')).toBeUndefined();
    expect(provisionedIn(dhcp(7, new Uint8Array(0)), 6, 'dhcpv6')).toBeUndefined();
    expect(provisionedIn(dhcp(7, option), 6, 'radius')).toBeUndefined();
    const broken = option.slice();
    broken[4] = 95;
    expect(provisionedIn(dhcp(7, broken), 6, 'dhcpv6')!.prefixes.ok).toBe(false);
  });

  it('of several options 113 are those of the widest scope, and none where two share a scope (RFC 8115 section 4)', () => {
    const site = unwrap(buildOption113({ asm: 'ff15::db8:1:0:0/96', ssm: 'ff35::/96', source: '2001:db8:98::/96' }));
    const mixed = unwrap(buildOption113({ asm: 'ff18::db8:1:0:0/96', ssm: 'ff3e::/96', source: '' }));
    const given = (...options: Uint8Array[]) => provisionedIn(dhcp(7, Uint8Array.from(options.flatMap((each) => [...each]))), 6, 'dhcpv6')!;
    for (const order of [
      [site, option],
      [option, site],
    ])
      expect(unwrap(given(...order).prefixes)).toEqual(GIVEN);
    for (const order of [
      [option, option],
      [option, mixed],
      [site, mixed, site],
    ])
      expect(given(...order).prefixes).toMatchObject({ ok: false, error: expect.stringContaining('of the same scope') as string });
    const none = unwrap(buildOption113({ asm: '', ssm: '', source: '' }));
    expect(unwrap(given(none).prefixes)).toEqual({ asm: '', ssm: '', source: '' });
  });

  it('are those of Softwire46-Multicast in a RADIUS Access-Accept (RFC 8658 section 3.3)', () => {
    const packet = radius([tlv(19, 'ff1e::db8:1:0:0', 96), tlv(20, 'ff3e::', 96), tlv(21, '2001:db8:99::', 96)]);
    expect(provisionedIn(packet, 6, 'radius')).toMatchObject({ from: 'RADIUS' });
    expect(unwrap(provisionedIn(packet, 6, 'radius')!.prefixes)).toEqual(GIVEN);
    const bad = radius([[19, 4, 0, 96]]);
    expect(provisionedIn(bad, 6, 'radius')!.prefixes.ok).toBe(false);
  });

  it('are those of 64-Multicast-Attributes in a Diameter answer over TCP or SCTP (RFC 7678 section 3.3)', () => {
    for (const packet of [tcp(answer(ATTRIBUTES)), tcp(answer([]), answer(ATTRIBUTES)), sctp(answer(ATTRIBUTES))]) {
      const given = provisionedIn(packet, 6, 'diameter')!;
      expect(given.from).toBe('Diameter');
      expect(unwrap(given.prefixes)).toEqual(GIVEN);
    }
    const some = avp(634, [...avp(900, [1, 2, 3]), ...grouped(636, 'ff3e::', 96)]);
    expect(unwrap(provisionedIn(tcp(answer(some)), 6, 'diameter')!.prefixes)).toEqual({ asm: '', ssm: 'ff3e::/96', source: '' });
  });

  it.each([
    ['a request', tcp(answer(ATTRIBUTES, 0xc0))],
    ['an answer with the error bit', tcp(answer(ATTRIBUTES, 0x60))],
    ['an answer that says no', tcp(answer(ATTRIBUTES, 0x40, 5003))],
    ['an answer without the group', tcp(answer(avp(25, [1])))],
    ['a message that is not whole', tcp(answer(ATTRIBUTES).slice(0, -8))],
    ['another version', tcp([2, ...answer(ATTRIBUTES).slice(1)])],
    ['UDP', udp(3868, 50_000, Uint8Array.from(answer(ATTRIBUTES)))],
  ])('are not those of %s', (_, packet) => {
    expect(provisionedIn(packet, 6, 'diameter')).toBeUndefined();
  });

  it.each([
    ['a length of 129', grouped(635, 'ff1e::', 129), 'the prefix of AVP 635 is no IPv6 prefix'],
    ['an IPv4 address', avp(636, [...avp(518, [0, 1, 192, 0, 2, 1]), ...avp(632, word(24))]), 'the prefix of AVP 636 is no IPv6 prefix'],
    ['no length', avp(635, avp(518, [0, 2, ...parseIpv6('ff1e::')!])), 'the prefix of AVP 635 is no IPv6 prefix'],
    ['too few bytes', avp(123, [0, 96, 0x20]), 'the prefix of AVP 123 is no IPv6 prefix'],
    ['an AVP that is too long', [0, 0, 2, 123, 0x40, 0, 0, 99], 'an AVP does not fit the group 634'],
  ])('are refused where the group has %s', (_, inside, why) => {
    expect(provisionedIn(tcp(answer(avp(634, inside))), 6, 'diameter')!.prefixes).toEqual({ ok: false, error: why });
  });

  it.skipIf(tsharkVersion === undefined)('in Diameter are read by tshark, none malformed, with the codes of the registry', () => {
    const frame = (packet: Uint8Array): Uint8Array => Uint8Array.of(...new Array<number>(12).fill(2), 0x86, 0xdd, ...packet);
    const bytes = frame(tcp(answer(ATTRIBUTES)));
    const [row] = tsharkFields(writeRawPcapng([{ linkType: 1, origLenBytes: bytes.length, bytes }]), {
      fields: ['diameter.cmd.code', 'diameter.avp.code', 'tcp.checksum.status', '_ws.malformed'],
      protocols: ['frame', 'eth', 'ethertype', 'ipv6', 'tcp', 'diameter', 'data'],
    });
    expect(row![0]).toEqual(['265']);
    expect(row![1]).toEqual(expect.arrayContaining(['263', '268', '634']));
    expect(row!.slice(2)).toEqual([['1'], []]);
  });

  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 90 }), fc.nat(), fc.boolean(), (noise, at, cut) => {
        for (const whole of [dhcp(7, option), radius([tlv(19, 'ff1e::', 96)]), tcp(answer(ATTRIBUTES)), sctp(answer(ATTRIBUTES))]) {
          const b = whole.slice();
          b[at % b.length] = noise[0]!;
          const part = cut ? b.slice(0, 40 + (at % (b.length - 39))) : b;
          for (const kind of ['dhcpv6', 'radius', 'diameter'] as const) provisionedIn(part, 6, kind);
        }
        const four = noise.slice();
        four[0] = 0x45;
        for (const kind of ['radius', 'diameter'] as const) provisionedIn(four, 4, kind);
      }),
    );
  });

  it('of any value come back from a Diameter answer as they were written', () => {
    const prefix = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 0, max: 128 }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(635, 636), prefix), { maxLength: 2 }),
        fc.uint8Array({ maxLength: 9 }),
        (list, other) => {
          const inside = list.flatMap(([code, [bytes, bits]]) => avp(code, [...avp(518, [0, 2, ...bytes]), ...avp(632, word(bits))]));
          const packet = tcp(answer([...avp(33, [...other]), ...avp(634, [...avp(77, [...other]), ...inside])]));
          const expected = { asm: '', ssm: '', source: '' };
          for (const [code, [bytes, bits]] of list) expected[code === 635 ? 'asm' : 'ssm'] = `${formatIpv6(bytes, 0)}/${bits}`;
          expect(unwrap(provisionedIn(packet, 6, 'diameter')!.prefixes)).toEqual(expected);
        },
      ),
    );
  });

  it('take the place of the written ones in a port, whose entries are made anew', () => {
    const spec = multicastPortSchema.parse({
      provision: 'dhcpv6',
      routes: [
        { to: '192.0.2.0/24', interface: 'wire', via: '10.0.0.1' },
        { to: '2001:db8::/32', interface: 'wire', via: 'fe80::9', metric: 4 },
      ],
    });
    const port = unwrap(PortRouter.create('m', spec));
    const records = [{ type: RECORD.allow, group: '232.1.2.3', sources: ['192.0.2.33'] }];
    port.take(0, groupPacket({ kind: 'report', version: 3, records }, 4, '10.0.0.7', '224.0.0.22'), 1_000);
    const source6 = (): (string | null)[] => port.state().entries.map(({ key }) => key.source6);
    expect(source6()).toEqual(['2001:db8:64::c000:221']);
    expect(port.take(0, dhcp(7, option), 2_000)).toBe('provision');
    expect(source6()).toEqual(['2001:db8:99::c000:221']);
    expect(port.take(0, dhcp(7, unwrap(buildOption113({ ...GIVEN, asm: '', source: '2001:db8::/33' }))), 3_000)).toBe('provision');
    expect(source6()).toEqual(['2001:db8:99::c000:221']);
    expect(port.log().filter(({ protocol }) => protocol === 'DHCPv6').map(({ kind }) => kind)).toEqual(['prefixes', 'refused']); // prettier-ignore
  });
});
