import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildSdp, rewriteSdp, rewriteSip, sipMessage, type MediaTarget } from './sdp.ts';

const six: MediaTarget = { family: 6, address: '2001:db8::9', port: 16_384 };

describe('rewriting of session descriptions (T-09)', () => {
  it('points connection, media, RTCP and host candidates at the converter, and leaves the rest', () => {
    const offer = [
      'v=0',
      'o=alice 1 1 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 49170 RTP/AVP 0 8',
      'a=rtcp:49171 IN IP4 192.0.2.1',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret',
      'a=candidate:1 1 UDP 2130706431 192.0.2.1 49170 typ host',
      'a=candidate:1 2 UDP 2130706430 192.0.2.1 49171 typ host',
      'a=candidate:2 1 UDP 1694498815 203.0.113.5 60000 typ srflx raddr 192.0.2.1 rport 49170',
      'm=video 0 RTP/AVP 31',
      '',
    ].join('\r\n');
    expect(rewriteSdp(offer, six).split('\r\n')).toEqual([
      'v=0',
      'o=alice 1 1 IN IP6 2001:db8::9',
      's=-',
      'c=IN IP6 2001:db8::9',
      't=0 0',
      'm=audio 16384 RTP/AVP 0 8',
      'a=rtcp:16385 IN IP6 2001:db8::9',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret',
      'a=candidate:1 1 UDP 2130706431 2001:db8::9 16384 typ host',
      'a=candidate:1 2 UDP 2130706430 2001:db8::9 16385 typ host',
      'm=video 0 RTP/AVP 31',
      '',
    ]);
  });

  it('is the same as building it for the converter, there and back', () => {
    const four: MediaTarget = { family: 4, address: '192.0.2.1', port: 40_000 };
    expect(rewriteSdp(buildSdp(four, 5, 1), six)).toBe(buildSdp(six, 5, 1));
    expect(rewriteSdp(rewriteSdp(buildSdp(four, 5, 1), six), four)).toBe(buildSdp(four, 5, 1));
  });

  it('never throws, and never changes a line that names no address or port', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const plain = lines.filter((line) => !/^(c=IN |o=|m=|a=rtcp:|a=candidate:)/.test(line) && !/[\r\n]/.test(line));
        expect(rewriteSdp(plain.join('\r\n'), six)).toBe(plain.join('\r\n'));
      }),
    );
  });
});

it('converts the first media over UDP; more media, other transports and other candidates are refused', () => {
  const offer = [
    'm=message 9 TCP/MSRP *',
    'a=candidate:1 1 TCP 1 192.0.2.1 9 typ host tcptype passive',
    'm=audio 49171/2 RTP/SAVPF 0',
    'a=candidate:1 1 udp 9 192.0.2.1 49171 typ host',
    'a=candidate:2 1 udp 8 10.0.0.1 49171 typ host',
    'm=video 51372 RTP/AVP 31',
    'c=IN IP4 192.0.2.1',
    'a=rtcp:51373',
    'a=candidate:1 1 udp 9 192.0.2.1 51372 typ host',
  ].join('\r\n');
  expect(rewriteSdp(offer, six).split('\r\n')).toEqual([
    'm=message 0 TCP/MSRP *',
    'm=audio 16384 RTP/SAVPF 0',
    'a=candidate:1 1 udp 9 2001:db8::9 16384 typ host',
    'm=video 0 RTP/AVP 31',
    'c=IN IP6 2001:db8::9',
  ]);
});

const alice = { address: '192.0.2.1', family: 4 } as const;
const sw = { address: '2001:db8::5', family: 6 } as const;
const parties = { method: 'INVITE', status: 0, reason: '', callId: 'c1', from: 'alice', to: 'bob', tags: ['f', ''], sequence: 1 } as const;

it('rewrites Via, Contact and the length of a SIP message, and no later Via', () => {
  const body = buildSdp({ family: 4, address: '192.0.2.1', port: 40_000 }, 5, 1);
  const message = new TextDecoder()
    .decode(sipMessage({ ...parties, via: alice, contact: alice, body }))
    .replace('Max-Forwards', 'Via: SIP/2.0/UDP 192.0.2.200\r\nMax-Forwards');
  const after = rewriteSip(message, sw, sw, six);
  const [head, rest] = after.split('\r\n\r\n') as [string, string];
  expect(head).toContain('Via: SIP/2.0/UDP [2001:db8::5]:5060;branch=z9hG4bKc1.1');
  expect(head).toContain('Via: SIP/2.0/UDP 192.0.2.200');
  expect(head).toContain('Contact: <sip:alice@[2001:db8::5]:5060>');
  expect(head).toContain(`Content-Length: ${String(new TextEncoder().encode(rest).length)}`);
  expect(rest).toBe(buildSdp(six, 5, 1));
  const back = rewriteSip(after, alice, alice, { family: 4, address: '192.0.2.1', port: 40_000 });
  expect(back).toBe(message);
});

it('rewrites headers in their short form', () => {
  const after = rewriteSip('BYE sip:b@x SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1:5060\r\nm: <sip:a@192.0.2.1>\r\nl: 7\r\n\r\n', sw, sw, null);
  expect(after.split('\r\n').slice(1, 4)).toEqual(['v: SIP/2.0/UDP [2001:db8::5]:5060', 'm: <sip:a@[2001:db8::5]>', 'l: 0']);
});
