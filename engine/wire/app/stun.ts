import { u16, u32 } from '../../base/index.ts';
import { register, registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, bits, columns, expertShort, showData } from './common.ts';
import { displayText, formatIpv4, formatIpv6, hexNumber } from './text.ts';

const COOKIE = 0x2112a442;
const METHODS: Readonly<Record<number, string>> = {
  1: 'Binding',
  2: 'SharedSecret',
  3: 'Allocate',
  4: 'Refresh',
  6: 'Send',
  7: 'Data',
  8: 'CreatePermission',
  9: 'Channel-Bind',
  10: 'Connect',
  11: 'ConnectionBind',
  12: 'ConnectionAttempt',
};
const CLASSES = ['Request', 'Indication', 'Success Response', 'Error Response'] as const;
const ATTRIBUTES: Readonly<Record<number, string>> = {
  0x0001: 'MAPPED-ADDRESS',
  0x0003: 'CHANGE-REQUEST',
  0x0006: 'USERNAME',
  0x0008: 'MESSAGE-INTEGRITY',
  0x0009: 'ERROR-CODE',
  0x000a: 'UNKNOWN-ATTRIBUTES',
  0x000c: 'CHANNEL-NUMBER',
  0x000d: 'LIFETIME',
  0x0012: 'XOR-PEER-ADDRESS',
  0x0013: 'DATA',
  0x0014: 'REALM',
  0x0015: 'NONCE',
  0x0016: 'XOR-RELAYED-ADDRESS',
  0x0017: 'REQUESTED-ADDRESS-FAMILY',
  0x0018: 'EVEN-PORT',
  0x0019: 'REQUESTED-TRANSPORT',
  0x001a: 'DONT-FRAGMENT',
  0x001c: 'MESSAGE-INTEGRITY-SHA256',
  0x0020: 'XOR-MAPPED-ADDRESS',
  0x0022: 'RESERVATION-TOKEN',
  0x0024: 'PRIORITY',
  0x0025: 'USE-CANDIDATE',
  0x8022: 'SOFTWARE',
  0x8023: 'ALTERNATE-SERVER',
  0x8028: 'FINGERPRINT',
  0x8029: 'ICE-CONTROLLED',
  0x802a: 'ICE-CONTROLLING',
  0x802b: 'RESPONSE-ORIGIN',
  0x802c: 'OTHER-ADDRESS',
};
const TEXTS: Readonly<Record<number, readonly [string, string]>> = {
  0x0006: ['stun.att.username', 'Username'],
  0x0014: ['stun.att.realm', 'Realm'],
  0x0015: ['stun.att.nonce', 'Nonce'],
  0x8022: ['stun.att.software', 'Software'],
};
const PLAIN_ADDRESSES = new Set([0x0001, 0x8023, 0x802b, 0x802c]);
const XOR_ADDRESSES = new Set([0x0012, 0x0016, 0x0020]);

/** RFC 8489 section 5: the two class bits stand inside the method's bits. */
function methodOf(type: number): number {
  return (type & 0x0f) | ((type >>> 1) & 0x70) | ((type >>> 2) & 0xf80);
}

/** A message with the cookie of RFC 8489 section 5 whose length is exactly what is there. */
export function isStun(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 20 &&
    bytes[start]! < 0x40 &&
    u32(bytes, start + 4) === COOKIE &&
    (u16(bytes, start + 2) & 3) === 0 &&
    u16(bytes, start + 2) === end - start - 20 &&
    METHODS[methodOf(u16(bytes, start))] !== undefined
  );
}

function showAddress(c: Cursor, header: number, isXor: boolean): void {
  c.hex(1, 'stun.att.reserved', 'Reserved');
  const family = c.named(1, 'stun.att.family', 'Protocol Family', { 1: 'IPv4', 2: 'IPv6' });
  if (c.left < 2) return;
  const suffix = isXor ? '-xord' : '';
  c.uint(2, `stun.att.port${suffix}`, isXor ? 'Port (XOR-d)' : 'Port');
  const size = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (size === 0 || c.left < size) return;
  const o = c.at;
  const plain = new Uint8Array(size);
  // RFC 8489 section 14.2: the key is the cookie and the transaction id, which follow each other in the header.
  for (let i = 0; i < size; i++) plain[i] = c.bytes[o + i]! ^ c.bytes[header + 4 + i]!;
  const field = size === 4 ? 'stun.att.ipv4' : 'stun.att.ipv6';
  const format = size === 4 ? formatIpv4 : formatIpv6;
  const wire = format(c.bytes, o);
  c.tree.field(`${field}${suffix}`, isXor ? 'IP (XOR-d)' : 'IP', wire, o, size, { raw: wire });
  if (isXor) {
    const port = u16(c.bytes, o - 2) ^ (COOKIE >>> 16);
    c.tree.field('stun.att.port', 'Port', String(port), o - 2, 2, { raw: port, generated: true });
    const text = format(plain, 0);
    c.tree.field(field, 'IP', text, o, size, { raw: text, generated: true });
  }
  c.skip(size);
}

function showAttribute(c: Cursor, header: number): void {
  const type = u16(c.bytes, c.at);
  const length = u16(c.bytes, c.at + 2);
  c.group('stun.attribute', ATTRIBUTES[type] ?? `Unknown (${hexNumber(type, 4)})`, () => {
    c.named(2, 'stun.att.type', 'Attribute Type', ATTRIBUTES);
    c.uint(2, 'stun.att.length', 'Attribute Length');
    c.within(length, (body) => {
      const text = TEXTS[type];
      if (text !== undefined && body.left > 0) {
        const shown = displayText(body.bytes, body.at, body.end);
        body.tree.field(text[0], text[1], shown, body.at, body.left, { raw: shown });
      } else if (PLAIN_ADDRESSES.has(type)) showAddress(body, header, false);
      else if (XOR_ADDRESSES.has(type)) showAddress(body, header, true);
      else if (type === 0x0024 && body.left === 4) body.uint(4, 'stun.att.priority', 'Priority');
      else if (type === 0x000d && body.left === 4) body.uint(4, 'stun.att.lifetime', 'Lifetime');
      else if (type === 0x8028 && body.left === 4) body.hex(4, 'stun.att.crc32', 'CRC-32');
      else if (type === 0x0009 && body.left >= 4) {
        body.skip(2);
        body.uint(1, 'stun.att.error.class', 'Error Class');
        body.uint(1, 'stun.att.error', 'Error Code');
        const shown = displayText(body.bytes, body.at, body.end);
        body.tree.field('stun.att.error.reason', 'Error Reason Phrase', shown, body.at, body.left, { raw: shown });
      } else body.data(body.left, 'stun.value', 'Value');
    });
    const padding = Math.min(c.left, (4 - (length & 3)) & 3);
    c.data(padding, 'stun.att.padding', 'Padding');
  });
}

export function dissectStun(context: DissectContext, start: number, end: number): void {
  const { bytes, tree } = context;
  if (!isStun(bytes, start, end)) {
    showData(context, start, end);
    return;
  }
  const type = u16(bytes, start);
  const kind = ((type >>> 7) & 2) | ((type >>> 4) & 1);
  const method = methodOf(type);
  const title = `${METHODS[method] ?? `Unknown (${hexNumber(method, 3)})`} ${CLASSES[kind]!}`;
  tree.layer('stun', 'Session Traversal Utilities for NAT', start, end - start);
  const c = new Cursor(context, start, end);
  c.group(
    'stun.type',
    `Message Type: ${hexNumber(type, 4)} (${title})`,
    () => {
      bits(c, 'stun.type.class', 'Message Class', type, 0x0110, start, 2, () => `${CLASSES[kind]!} (${kind})`);
      bits(c, 'stun.type.method', 'Message Method', type, 0x3eef, start, 2, () => `${METHODS[method] ?? 'Unknown'} (${method})`);
      c.skip(2);
    },
    { raw: type },
  );
  c.uint(2, 'stun.length', 'Message Length');
  c.hex(4, 'stun.cookie', 'Message Cookie');
  c.data(12, 'stun.id', 'Message Transaction ID');
  if (c.left > 0) {
    c.group('stun.attributes', 'Attributes', () => {
      while (c.left >= 4 && !c.short) showAttribute(c, start);
    });
  }
  if (c.short) expertShort(context, 'STUN', end);
  tree.close();
  columns(context, 'STUN', title);
}

export function registerStun(): void {
  register('udp.port', [3478, 19302], dissectStun);
  registerHeuristic('udp', (context, start, end) => isStun(context.bytes, start, end), dissectStun);
  registerHeuristic('tcp', (context, start, end) => isStun(context.bytes, start, end), dissectStun);
}
