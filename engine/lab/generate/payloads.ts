import { putU16, putU24, putU32, type Random } from '../../base/index.ts';

/** Application payloads: small, well-formed, and made of nothing but documentation names and addresses. */

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function randomBytes(length: number, random: Random): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i += 4) {
    const r = random.u32();
    out[i] = r;
    out[i + 1] = r >>> 8;
    out[i + 2] = r >>> 16;
    out[i + 3] = r >>> 24;
  }
  return out;
}

function be16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

/** A length field of 1, 2 or 3 bytes before the content. */
function sized(bytes: 1 | 2 | 3, content: Uint8Array): Uint8Array {
  const head = new Uint8Array(bytes);
  if (bytes === 1) head[0] = content.length;
  else if (bytes === 2) putU16(head, 0, content.length);
  else putU24(head, 0, content.length);
  return concat(head, content);
}

// DNS (RFC 1035)

export const DNS_TYPE = { a: 1, ptr: 12, txt: 16, aaaa: 28, srv: 33 } as const;

export function dnsName(name: string): Uint8Array {
  return concat(...name.split('.').map((label) => sized(1, ascii(label))), [0]);
}

export interface DnsAnswer {
  readonly type: number;
  readonly ttl: number;
  readonly data: Uint8Array;
}

/** A query, or a response to it whose answers all belong to the name asked for. Flags are the whole second word. */
export function dnsMessage(id: number, flags: number, name: string, type: number, answers: readonly DnsAnswer[] = []): Uint8Array {
  const head = new Uint8Array(12);
  putU16(head, 0, id);
  putU16(head, 2, flags);
  putU16(head, 4, 1);
  putU16(head, 6, answers.length);
  const records = answers.map((a) => {
    const fixed = new Uint8Array(10);
    putU16(fixed, 0, a.type);
    putU16(fixed, 2, 1);
    putU32(fixed, 4, a.ttl);
    putU16(fixed, 8, a.data.length);
    return concat([0xc0, 12], fixed, a.data);
  });
  return concat(head, dnsName(name), be16(type), be16(1), ...records);
}

// TLS 1.3 as it looks on the wire (RFC 8446); what follows the hellos is encrypted, so it is random bytes in records.

export function tlsRecord(type: number, content: Uint8Array, version = 0x0303): Uint8Array {
  return concat([type], be16(version), sized(2, content));
}

function tlsExtension(type: number, content: Uint8Array): Uint8Array {
  return concat(be16(type), sized(2, content));
}

export function clientHello(serverName: string, random: Random): Uint8Array {
  const suites = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f].flatMap(be16);
  const alpn = concat(sized(1, ascii('h2')), sized(1, ascii('http/1.1')));
  const extensions = concat(
    tlsExtension(0, sized(2, concat([0], sized(2, ascii(serverName))))),
    tlsExtension(10, sized(2, Uint8Array.from([0x001d, 0x0017].flatMap(be16)))),
    tlsExtension(13, sized(2, Uint8Array.from([0x0403, 0x0804, 0x0401].flatMap(be16)))),
    tlsExtension(16, sized(2, alpn)),
    tlsExtension(43, sized(1, Uint8Array.from([0x0304, 0x0303].flatMap(be16)))),
    tlsExtension(45, sized(1, Uint8Array.of(1))),
    tlsExtension(51, sized(2, concat(be16(0x001d), sized(2, randomBytes(32, random))))),
  );
  const body = concat(
    be16(0x0303),
    randomBytes(32, random),
    sized(1, randomBytes(32, random)),
    sized(2, Uint8Array.from(suites)),
    [1, 0],
    sized(2, extensions),
  );
  return tlsRecord(22, concat([1], sized(3, body)), 0x0301);
}

export function serverHello(random: Random): Uint8Array {
  const extensions = concat(
    tlsExtension(43, Uint8Array.from(be16(0x0304))),
    tlsExtension(51, concat(be16(0x001d), sized(2, randomBytes(32, random)))),
  );
  const body = concat(be16(0x0303), randomBytes(32, random), sized(1, randomBytes(32, random)), be16(0x1301), [0], sized(2, extensions));
  return tlsRecord(22, concat([2], sized(3, body)));
}

export const CHANGE_CIPHER_SPEC = tlsRecord(20, Uint8Array.of(1));

/** Encrypted application data in records of 16 KiB at most. */
export function applicationData(bytes: number, random: Random): Uint8Array {
  const records: Uint8Array[] = [];
  for (let left = bytes; left > 0; left -= 16_384) records.push(tlsRecord(23, randomBytes(Math.max(17, Math.min(left, 16_384)), random)));
  return concat(...records);
}

// HTTP/1.1 (RFC 9112)

export function httpRequest(host: string, path: string): Uint8Array {
  return ascii(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ringside-generator\r\nAccept: */*\r\n\r\n`);
}

export function httpResponse(bodyBytes: number): Uint8Array {
  const line = 'The quick brown fox jumps over the lazy dog. 0123456789\n';
  const body = line.repeat(Math.ceil(bodyBytes / line.length)).slice(0, bodyBytes);
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${String(bodyBytes)}\r\nServer: example\r\n\r\n`;
  return ascii(head + body);
}

// DHCPv4 (RFC 2131)

export interface DhcpMessage {
  readonly type: number;
  readonly transaction: number;
  readonly mac: Uint8Array;
  readonly yours: Uint8Array;
  readonly server: Uint8Array;
}

export const DHCP = { discover: 1, offer: 2, request: 3, ack: 5 } as const;

export function dhcpMessage(m: DhcpMessage): Uint8Array {
  const reply = m.type === DHCP.offer || m.type === DHCP.ack;
  const head = new Uint8Array(240);
  head.set([reply ? 2 : 1, 1, 6, 0]);
  putU32(head, 4, m.transaction);
  if (reply) head.set(m.yours, 16);
  head.set(m.mac, 28);
  putU32(head, 236, 0x63825363);
  const option = (code: number, value: Uint8Array | readonly number[]) => concat([code, value.length], value);
  const options = [option(53, [m.type])];
  if (reply) {
    options.push(
      option(54, m.server),
      option(51, [0, 0, 0x0e, 0x10]),
      option(1, [255, 255, 255, 0]),
      option(3, m.server),
      option(6, m.server),
    );
  } else {
    options.push(option(61, concat([1], m.mac)), option(12, ascii('lab-host')), option(55, [1, 3, 6, 15, 26, 28]));
    if (m.type === DHCP.request) options.push(option(50, m.yours), option(54, m.server));
  }
  return concat(head, ...options, [255]);
}

/** NTPv4 (RFC 5905 section 7.3). Times are seconds since 1900 from `epochS`, seconds since 1970. */
export function ntpMessage(mode: 3 | 4, epochS: number, fraction: number): Uint8Array {
  const b = new Uint8Array(48);
  b[0] = (4 << 3) | mode;
  b[1] = mode === 4 ? 2 : 0;
  b[2] = 6;
  b[3] = 0xe9;
  const seconds = epochS + 2_208_988_800;
  const at = mode === 4 ? [16, 32, 40] : [40];
  for (const offset of at) {
    putU32(b, offset, seconds);
    putU32(b, offset + 4, fraction);
  }
  if (mode === 4) b.set([192, 0, 2, 123], 12);
  return b;
}
