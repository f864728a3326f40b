import { putU16, putU32, u16 } from '../base/index.ts';
import { checksum, emitIpv6, parseIpv4, parseIpv6, pseudoSum4, pseudoSum6 } from '../wire/index.ts';

/** Packets for tests: IP headers around any transport, with right checksums. */

export interface IpOptions {
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** IPv4: flags and offset word. IPv6: offset and M word of a fragment header, which is there if this is. */
  readonly fragment?: number;
  /** Leave the transport checksum as it is. */
  readonly raw?: boolean;
}

const CHECK_AT: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 };

export function ip4(source: string, destination: string, protocol: number, body: Uint8Array, options: IpOptions = {}): Uint8Array {
  const b = new Uint8Array(20 + body.length);
  b[0] = 0x45;
  b[1] = options.tos ?? 0;
  putU16(b, 2, b.length);
  putU16(b, 4, options.id ?? 0);
  putU16(b, 6, options.fragment ?? 0);
  b[8] = options.ttl ?? 64;
  b[9] = protocol;
  b.set(parseIpv4(source)!, 12);
  b.set(parseIpv4(destination)!, 16);
  b.set(body, 20);
  putU16(b, 10, checksum(b, 0, 20));
  const check = CHECK_AT[protocol];
  if (options.raw === true || check === undefined || ((options.fragment ?? 0) & 0x3fff) !== 0) return b;
  putU16(b, 20 + check, 0);
  const sum = protocol === 1 ? checksum(b, 20, b.length) : checksum(b, 20, b.length, pseudoSum4(b, 12, 16, protocol, body.length));
  putU16(b, 20 + check, sum === 0 && protocol === 17 ? 0xffff : sum);
  return b;
}

export function ip6(source: string, destination: string, next: number, body: Uint8Array, options: IpOptions = {}): Uint8Array {
  const extra = options.fragment === undefined ? 0 : 8;
  const b = new Uint8Array(40 + extra + body.length);
  emitIpv6(b, 0, {
    source: parseIpv6(source)!,
    destination: parseIpv6(destination)!,
    nextHeader: extra === 0 ? next : 44,
    payloadLength: extra + body.length,
    hopLimit: options.ttl ?? 64,
  });
  putU32(b, 0, (0x60000000 | ((options.tos ?? 0) << 20)) >>> 0);
  const t = 40 + extra;
  if (extra !== 0) {
    b[40] = next;
    putU16(b, 42, options.fragment!);
    putU32(b, 44, options.id ?? 0);
  }
  b.set(body, t);
  const check = CHECK_AT[next];
  if (options.raw === true || check === undefined || ((options.fragment ?? 0) & 0xfff9) !== 0) return b;
  putU16(b, t + check, 0);
  const sum = checksum(b, t, b.length, pseudoSum6(b, 8, 24, next, body.length));
  putU16(b, t + check, sum === 0 && next === 17 ? 0xffff : sum);
  return b;
}

export function udp(from: number, to: number, payload: Uint8Array | number = 8): Uint8Array {
  const data = typeof payload === 'number' ? Uint8Array.from({ length: payload }, (_, i) => i * 7) : payload;
  const b = new Uint8Array(8 + data.length);
  putU16(b, 0, from);
  putU16(b, 2, to);
  putU16(b, 4, b.length);
  b.set(data, 8);
  return b;
}

export function tcp(
  from: number,
  to: number,
  flags: number,
  data: Uint8Array = new Uint8Array(0),
  seq = 0,
  ack = 0,
  options: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const b = new Uint8Array(20 + options.length + data.length);
  putU16(b, 0, from);
  putU16(b, 2, to);
  putU32(b, 4, seq);
  putU32(b, 8, ack);
  b[12] = ((20 + options.length) / 4) << 4;
  b[13] = flags;
  putU16(b, 14, 0xffff);
  b.set(options, 20);
  b.set(data, 20 + options.length);
  return b;
}

/** ICMP or ICMPv6: type, code, bytes 4 to 7, and what follows. */
export function icmp(type: number, code: number, word: number, rest: Uint8Array = new Uint8Array(0)): Uint8Array {
  const b = new Uint8Array(8 + rest.length);
  b[0] = type;
  b[1] = code;
  putU32(b, 4, word);
  b.set(rest, 8);
  return b;
}

/** Whether the transport checksum of a whole packet is right. */
export function transportIsValid(b: Uint8Array): boolean {
  const six = b[0]! >>> 4 === 6;
  const protocol = six ? b[6]! : b[9]!;
  const t = six ? 40 : (b[0]! & 15) * 4;
  const length = b.length - t;
  const pseudo = protocol === 1 ? 0 : six ? pseudoSum6(b, 8, 24, protocol, length) : pseudoSum4(b, 12, 16, protocol, length);
  return checksum(b, t, b.length, pseudo) === 0 && (six || checksum(b, 0, t) === 0) && (six ? 40 + u16(b, 4) : u16(b, 2)) === b.length;
}
