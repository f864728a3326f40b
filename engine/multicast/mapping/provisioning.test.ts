import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPortSchema } from '../../contract/index.ts';
import { putU16, unwrap } from '../../base/index.ts';
import { emitIpv6, emitUdp, parseIpv6 } from '../../wire/index.ts';
import { PortRouter } from '../network/index.ts';
import { groupPacket, RECORD } from '../messages/index.ts';
import { buildOption113 } from './option-113.ts';
import { provisionedIn } from './provisioning.ts';

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

  it('are those of Softwire46-Multicast in a RADIUS Access-Accept (RFC 8658 section 3.3)', () => {
    const packet = radius([tlv(19, 'ff1e::db8:1:0:0', 96), tlv(20, 'ff3e::', 96), tlv(21, '2001:db8:99::', 96)]);
    expect(provisionedIn(packet, 6, 'radius')).toMatchObject({ from: 'RADIUS' });
    expect(unwrap(provisionedIn(packet, 6, 'radius')!.prefixes)).toEqual(GIVEN);
    const bad = radius([[19, 4, 0, 96]]);
    expect(provisionedIn(bad, 6, 'radius')!.prefixes.ok).toBe(false);
  });

  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 90 }), fc.nat(), fc.boolean(), (noise, at, cut) => {
        for (const whole of [dhcp(7, option), radius([tlv(19, 'ff1e::', 96)])]) {
          const b = whole.slice();
          b[at % b.length] = noise[0]!;
          provisionedIn(cut ? b.slice(0, 40 + (at % (b.length - 39))) : b, 6, at % 2 === 0 ? 'dhcpv6' : 'radius');
        }
        const four = noise.slice();
        four[0] = 0x45;
        provisionedIn(four, 4, 'radius');
      }),
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
