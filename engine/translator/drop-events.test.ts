import { describe, expect, it } from 'vitest';
import { putU16 } from '../base/index.ts';
import { checksum, emitIpv6, parseIpv4, parseIpv6 } from '../wire/index.ts';
import { JsonBindingLog } from './binding-log.ts';
import { eventOf, isEvent } from './drop-events.ts';
import { REASON } from './reasons.ts';
import { newSink, siit } from './test-support.ts';

/** UDP without checksum from port 53 to 4000. */
function udp4(flags: number): Uint8Array {
  const b = new Uint8Array(36);
  b.set([0x45, 0, 0, 36, 0, 1, flags, 0, 64, 17]);
  b.set(parseIpv4('198.51.100.1')!, 12);
  b.set(parseIpv4('192.0.2.1')!, 16);
  putU16(b, 10, checksum(b, 0, 20));
  putU16(b, 20, 53);
  putU16(b, 22, 4_000);
  putU16(b, 24, 16);
  return b;
}

/** A hop-by-hop header, then a fragment header, then `header`. */
function fragment6(header: number): Uint8Array {
  const b = new Uint8Array(40 + 8 + 8 + 16);
  const payloadLength = b.length - 40;
  emitIpv6(b, 0, { source: parseIpv6('2001:db8:1::1')!, destination: parseIpv6('64:ff9b::c633:6401')!, nextHeader: 0, payloadLength, hopLimit: 64 }); // prettier-ignore
  b.set([44, 0, 1, 4, 0, 0, 0, 0, header, 0, 0, 1, 0, 0, 0, 1], 40);
  return b;
}

describe('drops that are told', () => {
  const t = siit({ maps: [{ v4: '192.0.2.1', v6: '2001:db8:1::1' }], udpZeroChecksum: 'drop' });
  const give = (side: 4 | 6, b: Uint8Array): number => t.translate(side, b, 0, b.length, b.length, newSink());

  it('UDP without checksum: addresses and ports (RFC 7915 section 4.5)', () => {
    const ends = { source: '198.51.100.1', destination: '192.0.2.1', protocol: 17, sourcePort: 53, destinationPort: 4_000 };
    for (const flags of [0, 0x20]) {
      const b = udp4(flags);
      const code = give(4, b);
      expect(isEvent(code)).toBe(true);
      expect(eventOf(code, 4, b, 0, b.length)).toEqual({ event: 'udpZeroDropped', rfc: 'RFC 7915 section 4.5', side: 4, ...ends });
    }
  });

  it.each([51, 60])('header %i behind the fragment header (RFC 7915 section 5.1.1)', (header) => {
    const b = fragment6(header);
    const code = give(6, b);
    expect(code).toBe(REASON.fragmentBeforeExtension);
    const ends = { source: '2001:db8:1::1', destination: '64:ff9b::c633:6401', protocol: header };
    expect(eventOf(code, 6, b, 0, b.length)).toEqual({ event: 'fragmentBeforeExtension', rfc: 'RFC 7915 section 5.1.1', side: 6, ...ends });
    // Bytes that end early never throw.
    for (let to = 0; to < b.length; to++) expect(eventOf(code, 6, b, 0, to).rfc).toBe('RFC 7915 section 5.1.1');
  });

  it('other drops are not, and a line of the log has time and packet', () => {
    expect([REASON.translated, REASON.noSource4, REASON.ttlExpired].map(isEvent)).toEqual([false, false, false]);
    let text = '';
    const log = new JsonBindingLog((bytes, length) => (text += new TextDecoder().decode(bytes.subarray(0, length))), 0n);
    log.drop(eventOf(REASON.udpZeroDropped, 4, udp4(0), 0, 36), 7, 2e6);
    expect(JSON.parse(text)).toMatchObject({ event: 'udpZeroDropped', tNs: 2e6, epochMs: 2, packet: 7, sourcePort: 53 });
    expect(log.records).toBe(1);
  });
});
