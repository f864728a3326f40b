import { err, ok, u16, u32 } from '../../base/index.ts';
import type { Result } from '../../base/index.ts';
import { register } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, columns, expertShort, flag, showData } from './common.ts';
import { DHCP_MESSAGES, DHCP_OPTIONS, dhcpOptionName } from './dhcp-options.ts';
import { displayText, durationText, formatHardware, formatIpv4, hexNumber } from './text.ts';
import { ByteWriter } from './writer.ts';

/** Fixed part of RFC 2131 section 2, before the cookie. */
const FIXED = 236;
const COOKIE = 0x63825363;

export interface DhcpOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** A DHCPv4 message (RFC 2131 section 2). Addresses are four bytes in network order. */
export interface DhcpMessage {
  /** 1 request, 2 reply. */
  readonly op: number;
  readonly transactionId: number;
  readonly seconds: number;
  readonly broadcast: boolean;
  readonly clientAddress: Uint8Array;
  readonly yourAddress: Uint8Array;
  readonly serverAddress: Uint8Array;
  readonly relayAddress: Uint8Array;
  /** Ethernet address of the client. */
  readonly hardwareAddress: Uint8Array;
  readonly options: readonly DhcpOption[];
}

export type DhcpError = 'short' | 'no cookie' | 'hardware address' | 'option ends early';

/** Parses bytes [start, end) with Ethernet hardware addresses. Options end at code 255 or with the bytes. */
export function parseDhcp(bytes: Uint8Array, start: number, end: number): Result<DhcpMessage, DhcpError> {
  if (end - start < FIXED + 4 || end > bytes.length) return err('short');
  if (u32(bytes, start + FIXED) !== COOKIE) return err('no cookie');
  if (bytes[start + 1] !== 1 || bytes[start + 2] !== 6) return err('hardware address');
  const options: DhcpOption[] = [];
  let at = start + FIXED + 4;
  while (at < end && bytes[at] !== 255) {
    const code = bytes[at]!;
    if (code === 0) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1]! : 256;
    if (at + 2 + length > end) return err('option ends early');
    options.push({ code, data: new Uint8Array(bytes.subarray(at + 2, at + 2 + length)) });
    at += 2 + length;
  }
  const part = (offset: number, length: number): Uint8Array => new Uint8Array(bytes.subarray(start + offset, start + offset + length));
  return ok({
    op: bytes[start]!,
    transactionId: u32(bytes, start + 4),
    seconds: u16(bytes, start + 8),
    broadcast: (u16(bytes, start + 10) & 0x8000) !== 0,
    clientAddress: part(12, 4),
    yourAddress: part(16, 4),
    serverAddress: part(20, 4),
    relayAddress: part(24, 4),
    hardwareAddress: part(28, 6),
    options,
  });
}

/** The message in wire form, padded to the 300 bytes of RFC 1542 section 2.1. */
export function buildDhcp(message: DhcpMessage): Uint8Array {
  const w = new ByteWriter();
  w.u8(message.op).u8(1).u8(6).u8(0).u32(message.transactionId).u16(message.seconds);
  w.u16(message.broadcast ? 0x8000 : 0);
  w.bytes(message.clientAddress).bytes(message.yourAddress).bytes(message.serverAddress).bytes(message.relayAddress);
  w.bytes(message.hardwareAddress)
    .zeros(10 + 64 + 128)
    .u32(COOKIE);
  for (const option of message.options) w.u8(option.code).sized(1, () => w.bytes(option.data.subarray(0, 255)));
  w.u8(255);
  if (w.length < 300) w.zeros(300 - w.length);
  return w.done();
}

/** The value of an option that has its own layout. False where it has none. */
function showSpecial(c: Cursor, code: number): boolean {
  switch (code) {
    case 55:
      while (c.left > 0) c.uint(1, 'dhcp.option.request_list_item', 'Parameter Request List Item', (v) => `(${v}) ${dhcpOptionName(v)}`);
      return true;
    case 61:
      showClientId(c);
      return true;
    case 81:
      if (c.left < 3) return false;
      c.hex(1, 'dhcp.fqdn.flags', 'Flags');
      c.uint(1, 'dhcp.fqdn.rcode1', 'A-RR result');
      c.uint(1, 'dhcp.fqdn.rcode2', 'PTR-RR result');
      text(c, 'dhcp.fqdn.name', 'Client name');
      return true;
    case 82:
      while (c.left >= 2) {
        const sub = c.bytes[c.at]!;
        const title = sub === 1 ? 'Agent Circuit ID' : sub === 2 ? 'Agent Remote ID' : `Suboption ${sub}`;
        c.group('', `Option 82 Suboption: (${sub}) ${title}`, () => {
          c.skip(1);
          const length = c.uint(1, 'dhcp.option.length', 'Length');
          c.data(length, 'dhcp.option.value', title);
        });
        if (c.short) break;
      }
      return true;
    case 121:
    case 249:
      showRoutes(c);
      return true;
    default:
      return false;
  }
}

function showClientId(c: Cursor): void {
  if (c.left === 7 && c.bytes[c.at] === 1) {
    c.uint(1, 'dhcp.hw.type', 'Hardware type', (v) => `Ethernet (0x0${v})`);
    const o = c.skip(6);
    const mac = formatHardware(c.bytes, o, 6);
    c.tree.field('dhcp.hw.mac_addr', 'Client MAC address', mac, o, 6, { raw: mac });
  } else c.data(c.left, 'dhcp.client_id', 'Client Identifier');
}

/** RFC 3442: prefix length, as many bytes of it as matter, router. */
function showRoutes(c: Cursor): void {
  while (c.left > 0) {
    const start = c.at;
    const width = c.bytes[start]!;
    const octets = Math.ceil(width / 8);
    if (width > 32 || c.left < 1 + octets + 4) return;
    const prefix = new Uint8Array(4);
    prefix.set(c.bytes.subarray(start + 1, start + 1 + octets));
    const router = formatIpv4(c.bytes, start + 1 + octets);
    c.tree.field('', 'Route', `${formatIpv4(prefix, 0)}/${width} by ${router}`, start, 5 + octets);
    c.skip(5 + octets);
  }
}

function text(c: Cursor, name: string, label: string): void {
  if (c.left === 0) return;
  let stop = c.end;
  // Some clients end the text with zeros.
  while (stop > c.at && c.bytes[stop - 1] === 0) stop--;
  const shown = displayText(c.bytes, c.at, stop);
  c.tree.field(name, label, shown, c.at, c.left, { raw: shown });
  c.skip(c.left);
}

function showValue(c: Cursor, code: number): void {
  if (showSpecial(c, code)) return;
  const [title, shape, field] = DHCP_OPTIONS[code] ?? ['Value', 'bytes', 'dhcp.option.value'];
  if (shape === 'ipv4s' || shape === 'ipv4') while (c.left >= 4) c.ipv4(field, title);
  else if (code === 53 && c.left === 1) c.named(1, field, 'DHCP', DHCP_MESSAGES);
  else if ((shape === 'u8' || shape === 'flag') && c.left === 1) c.uint(1, field, title);
  else if (shape === 'u16') while (c.left >= 2) c.uint(2, field, title);
  else if (shape === 'u32' && c.left === 4) c.uint(4, field, title);
  else if (shape === 'seconds' && c.left === 4) c.uint(4, field, title, durationText);
  else if (shape === 'text') text(c, field, title);
}

/** Options in the rest of `c`; returns the message type met, 0 if none. */
function showOptions(c: Cursor): number {
  let kind = 0;
  while (c.left > 0 && !c.short) {
    const code = c.bytes[c.at]!;
    if (code === 0) {
      const start = c.at;
      while (c.left > 0 && c.bytes[c.at] === 0) c.at++;
      c.tree.field('dhcp.option.padding', 'Padding', `${c.at - start} bytes`, start, c.at - start);
      continue;
    }
    if (code === 255) {
      c.group('dhcp.option.type', 'Option: (255) End', () => c.skip(1), { raw: 255 });
      if (c.left > 0) c.data(c.left, 'dhcp.option.padding', 'Padding');
      break;
    }
    if (code === 53 && c.left >= 3) kind = c.bytes[c.at + 2]!;
    c.group(
      'dhcp.option.type',
      `Option: (${code}) ${dhcpOptionName(code)}`,
      () => {
        c.skip(1);
        const length = c.uint(1, 'dhcp.option.length', 'Length');
        c.within(length, (value) => {
          showValue(value, code);
          value.data(value.left, 'dhcp.option.value', 'Value');
          if (value.short) c.short = true;
        });
      },
      { raw: code },
    );
  }
  return kind;
}

function showFixed(c: Cursor): void {
  c.named(1, 'dhcp.type', 'Message type', { 1: 'Boot Request', 2: 'Boot Reply' });
  c.named(1, 'dhcp.hw.type', 'Hardware type', { 1: 'Ethernet', 6: 'IEEE 802', 32: 'InfiniBand' });
  const length = c.uint(1, 'dhcp.hw.len', 'Hardware address length');
  c.uint(1, 'dhcp.hops', 'Hops');
  c.hex(4, 'dhcp.id', 'Transaction ID');
  c.uint(2, 'dhcp.secs', 'Seconds elapsed');
  if (c.left >= 2) {
    const word = u16(c.bytes, c.at);
    c.group(
      'dhcp.flags',
      `Bootp flags: ${hexNumber(word, 4)} (${(word & 0x8000) !== 0 ? 'Broadcast' : 'Unicast'})`,
      () => {
        flag(c, 'dhcp.flags.bc', 'Broadcast flag', word, 0x8000, c.at, 2);
        c.skip(2);
      },
      { raw: word },
    );
  }
  c.ipv4('dhcp.ip.client', 'Client IP address');
  c.ipv4('dhcp.ip.your', 'Your (client) IP address');
  c.ipv4('dhcp.ip.server', 'Next server IP address');
  c.ipv4('dhcp.ip.relay', 'Relay agent IP address');
  const o = c.skip(16);
  if (o >= 0) {
    const size = Math.min(16, length);
    const address = formatHardware(c.bytes, o, size);
    c.tree.field(size === 6 ? 'dhcp.hw.mac_addr' : 'dhcp.hw.addr', 'Client hardware address', address, o, size, { raw: address });
    if (size < 16)
      c.tree.field(
        'dhcp.hw.addr_padding',
        'Client hardware address padding',
        formatHardware(c.bytes, o + size, 16 - size),
        o + size,
        16 - size,
      );
  }
  zeroText(c, 64, 'dhcp.server', 'Server host name');
  zeroText(c, 128, 'dhcp.file', 'Boot file name');
}

/** A text field of fixed size that a zero byte ends. */
function zeroText(c: Cursor, size: number, name: string, label: string): void {
  const o = c.skip(size);
  if (o < 0) return;
  const zero = c.bytes.subarray(o, o + size).indexOf(0);
  const shown = displayText(c.bytes, o, zero < 0 ? o + size : o + zero);
  c.tree.field(name, label, shown === '' ? 'not given' : shown, o, size, { raw: shown });
}

export function dissectDhcp(context: DissectContext, start: number, end: number): void {
  const { bytes, tree } = context;
  const op = bytes[start] ?? 0;
  // A message is a request or a reply, and no hardware address has more than 16 bytes.
  if (end - start < 4 || (op !== 1 && op !== 2) || bytes[start + 2]! > 16) {
    showData(context, start, end);
    return;
  }
  const layer = tree.layer('dhcp', 'Bootstrap Protocol', start, end - start);
  const c = new Cursor(context, start, end);
  showFixed(c);
  let kind = 0;
  if (!c.short && c.left >= 4 && u32(bytes, c.at) === COOKIE) {
    c.uint(4, 'dhcp.cookie', 'Magic cookie', () => 'DHCP');
    kind = showOptions(c);
  } else if (!c.short) c.data(c.left, 'dhcp.vendor_specific_options', 'Bootp vendor specific options');
  if (c.short) expertShort(context, 'DHCP', end);
  if (kind !== 0) layer.label = `Dynamic Host Configuration Protocol (${DHCP_MESSAGES[kind] ?? `Unknown (${kind})`})`;
  tree.close();
  const id = end - start >= 8 ? hexNumber(u32(bytes, start + 4), 0) : '0x';
  const name = kind === 0 ? (op === 1 ? 'Boot Request' : 'Boot Reply') : `DHCP ${(DHCP_MESSAGES[kind] ?? 'Unknown').padEnd(8)}`;
  columns(context, kind === 0 ? 'BOOTP' : 'DHCP', `${name} - Transaction ID ${id}`);
}

export function registerDhcp(): void {
  register('udp.port', [67, 68], dissectDhcp);
}
