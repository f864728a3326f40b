import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { ascii, bytesOf, findings, payloadTree, values } from './app-testing.ts';
import { buildDhcp, parseDhcp } from './dhcp.ts';
import { buildDhcpv6, parseDhcpv6, parseDhcpv6Options } from './dhcpv6.ts';
import { registerApplicationProtocols } from './index.ts';
import { buildNtp, ntpTimeText } from './ntp.ts';
import { quicLongHeader } from './quic.ts';
import { buildRtp, parseRtp } from './rtp.ts';
import { isRtcpCompound } from './rtcp.ts';
import { buildSip } from './sip.ts';
import {
  alpnExtension,
  buildTlsHello,
  buildTlsRecord,
  listExtension,
  parseTlsHello,
  serverNameExtension,
  supportedVersionsExtension,
} from './tls-hello.ts';
import type { ClientHello } from './tls-hello.ts';

beforeAll(registerApplicationProtocols);

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const u16 = fc.integer({ min: 0, max: 65_535 });

const HELLO: ClientHello = {
  kind: 'client',
  version: 0x0303,
  random: new Uint8Array(32).fill(7),
  sessionId: new Uint8Array(32).fill(9),
  cipherSuites: [0x1a1a, 0x1301, 0xc02f],
  compressions: Uint8Array.of(0),
  extensions: [
    serverNameExtension('example.org'),
    alpnExtension(['h2', 'http/1.1']),
    supportedVersionsExtension([0x0304, 0x0303]),
    listExtension(10, [29, 23]),
  ],
};

describe('tls', () => {
  it('shows a ClientHello', () => {
    const tree = payloadTree('tcp', buildTlsRecord(22, 0x0301, buildTlsHello(HELLO)), 40_000, 443);
    expect(tree.info).toBe('Client Hello (SNI=example.org)');
    expect(tree.protocol).toBe('TLSv1');
    expect(values(tree.root, 'tls.handshake.extensions_server_name')).toEqual(['example.org']);
    expect(values(tree.root, 'tls.handshake.ciphersuite')).toEqual([0x1a1a, 0x1301, 0xc02f]);
    expect(values(tree.root, 'tls.handshake.extensions_alpn_str')).toEqual(['h2', 'http/1.1']);
    expect(values(tree.root, 'tls.handshake.extensions.supported_version')).toEqual([0x0304, 0x0303]);
    expect(values(tree.root, 'tls.handshake.extensions_supported_group')).toEqual([29, 23]);
  });

  it('tells encrypted messages from clear ones', () => {
    const nonce = buildTlsRecord(22, 0x0303, bytesOf('0000000000000000 a1b2c3d4e5f60718293a4b5c6d7e8f90'));
    const tree = payloadTree('tcp', nonce, 443, 40_000);
    expect(tree.info).toBe('Encrypted Handshake Message');
    expect(values(tree.root, 'tls.handshake.type')).toEqual([]);
    expect(payloadTree('tcp', bytesOf('15 0303 0002 0228'), 443, 40_000).info).toBe('Alert (Level: Fatal, Description: Handshake Failure)');
    expect(payloadTree('tcp', bytesOf('14 0303 0001 01 17 0303 0003 aabbcc'), 443, 40_000).info).toBe(
      'Change Cipher Spec, Application Data',
    );
  });

  it('shows the part of a record that this segment has, and a middle segment as bytes', () => {
    const record = buildTlsRecord(22, 0x0301, buildTlsHello(HELLO));
    const tree = payloadTree('tcp', record.subarray(0, 100), 40_000, 443);
    expect(values(tree.root, 'tls.handshake.type')).toEqual([1]);
    expect(findings(tree.root).join()).toContain('later segment');
    expect(payloadTree('tcp', record.subarray(40), 40_000, 443).layers).toEqual(['data']);
  });

  it('parses the hellos it builds', () => {
    const extension = fc.record({ type: u16, data: fc.uint8Array({ maxLength: 30 }) });
    const common = {
      version: u16,
      random: bytes(32),
      sessionId: fc.uint8Array({ maxLength: 32 }),
      extensions: fc.array(extension, { maxLength: 5 }),
    };
    const client = fc.record({
      kind: fc.constant('client' as const),
      ...common,
      cipherSuites: fc.array(u16, { maxLength: 20 }),
      compressions: fc.uint8Array({ maxLength: 3 }),
    });
    const server = fc.record({
      kind: fc.constant('server' as const),
      ...common,
      cipherSuite: u16,
      compression: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.oneof(client, server), (hello) => {
        const built = buildTlsHello(hello);
        expect(unwrap(parseTlsHello(built, 0, built.length))).toEqual(hello);
      }),
    );
    expect(parseTlsHello(bytesOf('0b000000'), 0, 4)).toEqual({ ok: false, error: 'not a hello' });
    expect(parseTlsHello(bytesOf('01000009'), 0, 4)).toEqual({ ok: false, error: 'lengths disagree' });
  });
});

describe('quic', () => {
  const initial = quicLongHeader(0, bytesOf('0102030405060708'), bytesOf('0a0b'), new Uint8Array(60).fill(0xee));

  it('shows long headers on any port, and coalesced packets', () => {
    const tree = payloadTree('udp', initial, 40_000, 40_001);
    expect(tree.info).toBe('Initial, DCID=0102030405060708, SCID=0a0b');
    expect(values(tree.root, 'quic.version')).toEqual([1]);
    expect(values(tree.root, 'quic.length')).toEqual([60]);
    const two = new Uint8Array([...initial, ...quicLongHeader(2, bytesOf('01'), bytesOf('02'), new Uint8Array(30))]);
    expect(payloadTree('udp', two, 40_000, 443).info).toBe('Initial, DCID=0102030405060708, SCID=0a0b | Handshake, DCID=01, SCID=02');
  });

  it('shows version negotiation and, on its port, short headers', () => {
    const negotiation = bytesOf('ca 00000000 01 11 01 22 00000001 6b3343cf');
    expect(values(payloadTree('udp', negotiation, 443, 9).root, 'quic.supported_version')).toEqual([1, 0x6b3343cf]);
    const short = new Uint8Array(40).fill(0x41);
    expect(payloadTree('udp', short, 443, 40_000).info).toBe('Protected Payload');
    expect(payloadTree('udp', short, 40_002, 40_000).layers).toEqual(['data']);
  });
});

describe('http', () => {
  it('shows requests and responses', () => {
    const request = payloadTree('tcp', ascii('GET /a?b HTTP/1.1\r\nHost: example.org\r\nUser-Agent: x\r\n\r\n'), 40_000, 80);
    expect(request.info).toBe('GET /a?b HTTP/1.1');
    expect(values(request.root, 'http.request.uri')).toEqual(['/a?b']);
    expect(values(request.root, 'http.host')).toEqual(['example.org']);
    const response = payloadTree(
      'tcp',
      ascii('HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello'),
      80,
      40_000,
    );
    expect(response.info).toBe('HTTP/1.1 404 Not Found  (text/html)');
    expect(values(response.root, 'http.response.code')).toEqual([404]);
  });

  it('reads pipelined messages and leaves what is not HTTP as bytes', () => {
    const two = ascii('GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n');
    expect(values(payloadTree('tcp', two, 40_000, 8080).root, 'http.request.uri')).toEqual(['/1', '/2']);
    expect(payloadTree('tcp', ascii('GETAWAY /1 HTTP/1.1\r\n\r\n'), 40_000, 80).layers).toEqual(['data']);
    expect(payloadTree('tcp', ascii('GET about it'), 40_000, 40_001).layers).toEqual(['data']);
  });
});

describe('sip and sdp', () => {
  const sdp =
    'v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n';
  const invite = buildSip(
    'INVITE sip:bob@example.org SIP/2.0',
    [
      ['Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1'],
      ['f', '"Alice" <sip:alice@example.org>;tag=77'],
      ['To', '<sip:bob@example.org>'],
      ['Call-ID', 'abc@192.0.2.1'],
      ['CSeq', '314 INVITE'],
      ['Content-Type', 'application/sdp'],
    ],
    sdp,
  );

  it('shows a request with its session description', () => {
    const tree = payloadTree('udp', invite, 5060, 5060);
    expect(tree.info).toBe('Request: INVITE sip:bob@example.org');
    expect(tree.protocol).toBe('SIP/SDP');
    expect(values(tree.root, 'sip.from.tag')).toEqual(['77']);
    expect(values(tree.root, 'sip.CSeq.seq')).toEqual([314]);
    expect(values(tree.root, 'sip.Via.branch')).toEqual(['z9hG4bK1']);
    expect(values(tree.root, 'sdp.media.port')).toEqual([49_170]);
    expect(values(tree.root, 'sdp.media.format')).toEqual(['0', '8']);
    expect(values(tree.root, 'sdp.connection_info.address')).toEqual(['192.0.2.1']);
  });

  it('shows a status and finds SIP on other ports', () => {
    const status = buildSip('SIP/2.0 200 OK', [['CSeq', '1 REGISTER']]);
    expect(payloadTree('udp', status, 40_000, 40_001).info).toBe('Status: 200 OK (REGISTER)');
    expect(payloadTree('udp', ascii('HELLO sip:x SIP/3.0\r\n\r\n'), 40_000, 40_001).layers).toEqual(['data']);
  });
});

describe('ntp', () => {
  it('shows a client request', () => {
    const tree = payloadTree('udp', buildNtp(3, 0, 3_913_056_000, 0x8000_0000), 40_000, 123);
    expect(tree.info).toBe('NTP Version 4, client');
    expect(values(tree.root, 'ntp.flags')).toEqual([0x23]);
    expect(values(tree.root, 'ntp.xmt')).toEqual(['2024-01-01 00:00:00.500000000 UTC']);
  });

  it('takes small times to be after 2036', () => {
    const reserved = payloadTree('udp', buildNtp(4, 17, 1, 1), 123, 123);
    expect(JSON.stringify(reserved.root)).toContain('reserved (17)');
    expect(ntpTimeText(0, 0)).toBe('NULL');
    expect(ntpTimeText(0, 1).startsWith('2036-02-07 06:28:16')).toBe(true);
  });
});

describe('rtp and rtcp', () => {
  const header = { marker: true, payloadType: 0, sequence: 9, timestamp: 160, ssrc: 0xdecafbad };

  it('shows why a source leaves, and the padding behind it (RFC 3550 sections 6.4.1 and 6.6)', () => {
    const report = '80c90001 11223344 ';
    const tree = payloadTree('udp', bytesOf(`${report}a1cb0005 11223344 05 6279 65 2e2e 0000 0000000000000008`), 5005, 5005);
    expect(values(tree.root, 'rtcp.sdes.text')).toEqual(['bye..']);
    expect(values(tree.root, 'rtcp.padding.count')).toEqual([8]);
    expect(values(tree.root, 'data.data')).toEqual([]);
    const wrong = payloadTree('udp', bytesOf(`${report}a1cb0002 11223344 00000007`), 5005, 5005);
    expect(values(wrong.root, 'rtcp.padding.count')).toEqual([]);
  });

  it('parses what it builds and finds it between even ports only', () => {
    const built = buildRtp(header, new Uint8Array(160));
    expect(parseRtp(built, 0, built.length)).toMatchObject({ ...header, payloadStart: 12, payloadEnd: 172 });
    const tree = payloadTree('udp', built, 40_000, 40_002);
    expect(tree.info).toBe('PT=ITU-T G.711 PCMU, SSRC=0xDECAFBAD, Seq=9, Time=160, Mark');
    expect(payloadTree('udp', built, 40_001, 40_002).layers).toEqual(['data']);
    expect(payloadTree('udp', buildRtp(header, new Uint8Array(161)), 40_000, 40_002).layers).toEqual(['data']);
  });

  it('wants a compound packet to end where the datagram does', () => {
    const report = bytesOf('80c90001 11223344 81ca0003 11223344 0103 616263 000000');
    expect(isRtcpCompound(report, 0, report.length)).toBe(true);
    const tree = payloadTree('udp', report, 40_001, 40_003);
    expect(tree.info).toBe('Receiver Report   Source description');
    expect(values(tree.root, 'rtcp.sdes.text')).toEqual(['abc']);
    expect(isRtcpCompound(report, 0, report.length - 1)).toBe(false);
  });
});

describe('stun', () => {
  it('undoes the XOR of an address (RFC 5769 section 2.2)', () => {
    const message = bytesOf('0101 000c 2112a442 b7e7a701bc34d686fa87dfae 0020 0008 0001 a147 e112a643');
    const tree = payloadTree('udp', message, 3478, 40_000);
    expect(tree.info).toBe('Binding Success Response');
    expect(values(tree.root, 'stun.att.ipv4')).toEqual(['192.0.2.1']);
    expect(values(tree.root, 'stun.att.port')).toEqual([32_853]);
  });
});

describe('dhcp', () => {
  const four = bytes(4);
  it('parses what it builds', () => {
    const option = fc.record({ code: fc.integer({ min: 1, max: 254 }), data: fc.uint8Array({ maxLength: 60 }) });
    const message = fc.record({
      op: fc.constantFrom(1, 2),
      transactionId: fc.integer({ min: 0, max: 0xffff_ffff }),
      seconds: u16,
      broadcast: fc.boolean(),
      clientAddress: four,
      yourAddress: four,
      serverAddress: four,
      relayAddress: four,
      hardwareAddress: bytes(6),
      options: fc.array(option, { maxLength: 8 }),
    });
    fc.assert(
      fc.property(message, (m) => {
        const built = buildDhcp(m);
        expect(unwrap(parseDhcp(built, 0, built.length))).toEqual(m);
      }),
    );
  });

  it('shows message type, client, request list and classless routes', () => {
    const zero = new Uint8Array(4);
    const built = buildDhcp({
      op: 1,
      transactionId: 0x1234,
      seconds: 0,
      broadcast: true,
      clientAddress: zero,
      yourAddress: zero,
      serverAddress: zero,
      relayAddress: zero,
      hardwareAddress: bytesOf('020000000001'),
      options: [
        { code: 53, data: Uint8Array.of(1) },
        { code: 55, data: Uint8Array.of(1, 3, 108) },
        { code: 121, data: bytesOf('18c00002 c0000201 00 c00002fe') },
      ],
    });
    const tree = payloadTree('udp', built, 68, 67);
    expect(tree.info).toBe('DHCP Discover - Transaction ID 0x1234');
    expect(values(tree.root, 'dhcp.option.request_list_item')).toEqual([1, 3, 108]);
    expect(JSON.stringify(tree.root)).toContain('192.0.2.0/24 by 192.0.2.1');
    expect(JSON.stringify(tree.root)).toContain('0.0.0.0/0 by 192.0.2.254');
  });
});

describe('dhcpv6', () => {
  const ia = bytesOf('00000001 00000e10 00001c20 0005 0018 20010db8000000000000000000000001 00000e10 00001c20');
  const message = { type: 7, transactionId: 0xabcdef, options: [{ code: 3, data: ia }] };

  it('parses what it builds', () => {
    const built = buildDhcpv6(message);
    expect(unwrap(parseDhcpv6(built, 0, built.length))).toEqual(message);
    expect(unwrap(parseDhcpv6Options(ia, 12, ia.length))[0]).toMatchObject({ code: 5 });
    expect(parseDhcpv6(built, 0, built.length - 1)).toEqual({ ok: false, error: 'option ends early' });
  });

  it('shows nested options, relayed messages and multicast prefixes', () => {
    const tree = payloadTree('udp', buildDhcpv6(message), 547, 546);
    expect(tree.info).toBe('Reply XID: 0xabcdef');
    expect(values(tree.root, 'dhcpv6.iaaddr.ip')).toEqual(['2001:db8::1']);
    const inner = buildDhcpv6({
      type: 1,
      transactionId: 1,
      options: [{ code: 113, data: bytesOf('60 ff3e00000000000000000000 60 ff3e00000000000000000000 60 20010db80000000000000000') }],
    });
    const relay = new Uint8Array([12, 0, ...new Uint8Array(32), 0, 9, 0, inner.length, ...inner]);
    const relayed = payloadTree('udp', relay, 547, 547);
    expect(values(relayed.root, 'dhcpv6.msgtype')).toEqual([12, 1]);
    expect(JSON.stringify(relayed.root)).toContain('2001:db8::/96');
  });

  it('reads a message behind as many relays as may be (RFC 8415 section 7.6: 8 hops), its addresses too', () => {
    let inner = buildDhcpv6(message);
    for (let hop = 0; hop <= 8; hop++) {
      inner = new Uint8Array([12, hop, ...new Uint8Array(32), 0, 9, inner.length >>> 8, inner.length & 255, ...inner]);
    }
    const relayed = payloadTree('udp', inner, 547, 547);
    expect(values(relayed.root, 'dhcpv6.msgtype')).toEqual([...new Array<number>(9).fill(12), 7]);
    expect(values(relayed.root, 'dhcpv6.iaaddr.ip')).toEqual(['2001:db8::1']);
  });
});

describe('any bytes', () => {
  const seeds: readonly (readonly ['udp' | 'tcp', number, Uint8Array])[] = [
    ['tcp', 443, buildTlsRecord(22, 0x0301, buildTlsHello(HELLO))],
    ['udp', 443, quicLongHeader(0, bytesOf('01020304'), bytesOf('05'), new Uint8Array(30))],
    ['udp', 5060, buildSip('INVITE sip:b@c SIP/2.0', [['Via', 'SIP/2.0/UDP h;branch=1']], 'v=0\r\nm=audio 1 RTP/AVP 0\r\n')],
    ['tcp', 80, ascii('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')],
    ['udp', 123, buildNtp(3, 0, 1, 1)],
    ['udp', 5004, buildRtp({ marker: false, payloadType: 96, sequence: 1, timestamp: 1, ssrc: 1 }, new Uint8Array(20))],
    ['udp', 5005, bytesOf('80c90001 11223344 81ca0003 11223344 0103 616263 000000')],
    ['udp', 3478, bytesOf('0101 000c 2112a442 b7e7a701bc34d686fa87dfae 0020 0008 0001 a147 e112a643')],
    ['udp', 547, buildDhcpv6({ type: 1, transactionId: 1, options: [{ code: 1, data: bytesOf('00010001 00000000 020000000001') }] })],
    ['udp', 53, bytesOf('1234 8180 0001 0001 0000 0000 0161 00 0001 0001 c00c 0005 0001 0000003c 0002 c00c')],
    ['udp', 67, new Uint8Array(300).fill(1)],
    ['udp', 1900, ascii('M-SEARCH * HTTP/1.1\r\nST: x\r\n\r\n')],
  ];

  it('never throws, never leaves the bytes it was given', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(change, { maxLength: 8 }), fc.nat(), ([over, port, seed], changes, cut) => {
        const data = seed.slice(0, seed.length - (cut % 3 === 0 ? cut % seed.length : 0));
        for (const [at, value] of changes) if (data.length > 0) data[at % data.length] = value;
        const tree = payloadTree(over, data, 40_000, port);
        const check = (nodes: typeof tree.root): void => {
          for (const node of nodes) {
            expect(node.offset).toBeGreaterThanOrEqual(0);
            expect(node.offset + node.length).toBeLessThanOrEqual(data.length);
            check(node.children ?? []);
          }
        };
        check(tree.root);
      }),
      { numRuns: 3_000 },
    );
  });
});
