import { err, ok, u16, u24 } from '../../base/index.ts';
import type { Result } from '../../base/index.ts';
import { register } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, columns, expertShort, showData } from './common.ts';
import { dnsNameText } from './dns-data.ts';
import { readDnsName } from './dns-message.ts';
import { displayText, durationText, formatHardware, formatIpv6, hexNumber } from './text.ts';
import { ByteWriter } from './writer.ts';

/** Message types of RFC 8415 section 7.3 and later ones. */
const MESSAGES: Readonly<Record<number, string>> = {
  1: 'Solicit',
  2: 'Advertise',
  3: 'Request',
  4: 'Confirm',
  5: 'Renew',
  6: 'Rebind',
  7: 'Reply',
  8: 'Release',
  9: 'Decline',
  10: 'Reconfigure',
  11: 'Information-request',
  12: 'Relay-forw',
  13: 'Relay-reply',
  14: 'Leasequery',
  15: 'Leasequery-reply',
  16: 'Leasequery-done',
  17: 'Leasequery-data',
  18: 'Reconfigure-request',
  19: 'Reconfigure-reply',
  20: 'DHCPv4-query',
  21: 'DHCPv4-response',
};

const OPTIONS: Readonly<Record<number, string>> = {
  1: 'Client Identifier',
  2: 'Server Identifier',
  3: 'Identity Association for Non-temporary Address',
  4: 'Identity Association for Temporary Address',
  5: 'IA Address',
  6: 'Option Request',
  7: 'Preference',
  8: 'Elapsed time',
  9: 'Relay Message',
  11: 'Authentication',
  12: 'Server unicast',
  13: 'Status code',
  14: 'Rapid Commit',
  15: 'User Class',
  16: 'Vendor Class',
  17: 'Vendor-specific Information',
  18: 'Interface-Id',
  19: 'Reconfigure Message',
  20: 'Reconfigure Accept',
  21: 'SIP Server Domain Name List',
  22: 'SIP Servers IPv6 Address List',
  23: 'DNS recursive name server',
  24: 'Domain Search List',
  25: 'Identity Association for Prefix Delegation',
  26: 'IA Prefix',
  31: 'Simple Network Time Protocol Server',
  32: 'Lifetime',
  37: 'Remote Identifier',
  38: 'Subscriber Identifier',
  39: 'Fully Qualified Domain Name',
  56: 'NTP Server',
  59: 'Boot File URL',
  64: 'Dual-Stack Lite AFTR Name',
  79: 'Client link-layer address',
  82: 'SOL_MAX_RT',
  83: 'INF_MAX_RT',
  87: 'DHCPv4 Message',
  103: 'Captive Portal',
  113: 'IPv6 prefixes for IPv4/IPv6 multicast',
};

const STATUS: Readonly<Record<number, string>> = {
  0: 'Success',
  1: 'UnspecFail',
  2: 'NoAddrAvail',
  3: 'NoBinding',
  4: 'NotOnLink',
  5: 'UseMulticast',
  6: 'NoPrefixAvail',
};

/** Messages and options inside each other: RFC 8415 section 7.6 stops at 8 hops, which leaves three for the options of the message inside. */
const MAX_NESTING = 12;

export interface Dhcpv6Option {
  readonly code: number;
  readonly data: Uint8Array;
}

/** A client or server message (RFC 8415 section 8). Data of nested options stays as bytes; parse it with parseDhcpv6Options. */
export interface Dhcpv6Message {
  readonly type: number;
  /** 24 bits. */
  readonly transactionId: number;
  readonly options: readonly Dhcpv6Option[];
}

export function parseDhcpv6Options(bytes: Uint8Array, start: number, end: number): Result<Dhcpv6Option[], 'option ends early'> {
  const options: Dhcpv6Option[] = [];
  let at = start;
  while (at < end) {
    if (at + 4 > end || at + 4 + u16(bytes, at + 2) > end) return err('option ends early');
    const next = at + 4 + u16(bytes, at + 2);
    options.push({ code: u16(bytes, at), data: new Uint8Array(bytes.subarray(at + 4, next)) });
    at = next;
  }
  return ok(options);
}

export function parseDhcpv6(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<Dhcpv6Message, 'short' | 'relay message' | 'option ends early'> {
  if (end - start < 4 || end > bytes.length) return err('short');
  const type = bytes[start]!;
  if (type === 12 || type === 13) return err('relay message');
  const options = parseDhcpv6Options(bytes, start + 4, end);
  return options.ok ? ok({ type, transactionId: u24(bytes, start + 1), options: options.value }) : options;
}

export function buildDhcpv6(message: Dhcpv6Message): Uint8Array {
  const w = new ByteWriter();
  w.u8(message.type).u24(message.transactionId);
  for (const option of message.options) w.u16(option.code).sized(2, () => w.bytes(option.data));
  return w.done();
}

function showDuid(c: Cursor): void {
  if (c.left < 2) return;
  c.tree.field('dhcpv6.duid.bytes', 'DUID', formatHardware(c.bytes, c.at, c.left).replaceAll(':', ''), c.at, c.left);
  const type = c.named(2, 'dhcpv6.duid.type', 'DUID Type', {
    1: 'link-layer address plus time',
    2: 'assigned by vendor based on Enterprise number',
    3: 'link-layer address',
    4: 'Universally Unique IDentifier (UUID)',
  });
  const hardware = (name: string): void => {
    const o = c.at;
    if (c.left > 0)
      c.tree.field(name, 'Link-layer address', formatHardware(c.bytes, o, c.left), o, c.left, { raw: formatHardware(c.bytes, o, c.left) });
    c.skip(c.left);
  };
  if (type === 1 && c.left >= 6) {
    c.named(2, 'dhcpv6.duidllt.hwtype', 'Hardware type', { 1: 'Ethernet', 6: 'IEEE 802' });
    // Seconds since the year 2000 (RFC 8415 section 11.2).
    c.uint(4, 'dhcpv6.duidllt.time', 'DUID Time', (v) => new Date((v + 946_684_800) * 1000).toISOString().slice(0, 19).replace('T', ' '));
    hardware('dhcpv6.duidllt.link_layer_addr');
  } else if (type === 3 && c.left >= 2) {
    c.named(2, 'dhcpv6.duidll.hwtype', 'Hardware type', { 1: 'Ethernet', 6: 'IEEE 802' });
    hardware('dhcpv6.duidll.link_layer_addr');
  } else if (type === 2 && c.left >= 4) {
    c.uint(4, 'dhcpv6.duiden.enterprise', 'Enterprise ID');
    c.data(c.left, 'dhcpv6.duiden.identifier', 'Identifier');
  } else if (type === 4) c.data(c.left, 'dhcpv6.duiduuid.bytes', 'UUID');
}

function showNames(c: Cursor, name: string, label: string): void {
  while (c.left > 0) {
    const reading = readDnsName(c.bytes, c.at, c.at, c.end);
    if (reading.error !== undefined || reading.end <= c.at) return;
    const text = dnsNameText(reading.name);
    c.tree.field(name, label, text, c.at, reading.end - c.at, { raw: text });
    c.at = reading.end;
  }
}

function showText(c: Cursor, name: string, label: string): void {
  if (c.left === 0) return;
  const text = displayText(c.bytes, c.at, c.end);
  c.tree.field(name, label, text, c.at, c.left, { raw: text });
  c.skip(c.left);
}

/** RFC 8115 section 4: three prefixes, each with its length in bits and as many bytes as that needs. */
function showMulticastPrefixes(c: Cursor): void {
  for (const title of ['ASM mPrefix64', 'SSM mPrefix64', 'uPrefix64']) {
    const length = c.left > 0 ? c.bytes[c.at]! : 255;
    const octets = Math.ceil(length / 8);
    if (length > 128 || c.left < 1 + octets) return;
    const address = new Uint8Array(16);
    address.set(c.bytes.subarray(c.at + 1, c.at + 1 + octets));
    c.tree.field('', title, `${formatIpv6(address, 0)}/${length}`, c.at, 1 + octets);
    c.skip(1 + octets);
  }
}

function showOptionData(c: Cursor, code: number, nesting: number): void {
  switch (code) {
    case 1:
    case 2:
      showDuid(c);
      break;
    case 3:
    case 25:
      c.hex(4, 'dhcpv6.iaid', 'IAID');
      c.uint(4, 'dhcpv6.iaid.t1', 'T1', durationText);
      c.uint(4, 'dhcpv6.iaid.t2', 'T2', durationText);
      showOptions(c, nesting + 1);
      break;
    case 4:
      c.hex(4, 'dhcpv6.iaid', 'IAID');
      showOptions(c, nesting + 1);
      break;
    case 5:
      c.ipv6('dhcpv6.iaaddr.ip', 'IPv6 address');
      c.uint(4, 'dhcpv6.iaaddr.pref_lifetime', 'Preferred lifetime', durationText);
      c.uint(4, 'dhcpv6.iaaddr.valid_lifetime', 'Valid lifetime', durationText);
      showOptions(c, nesting + 1);
      break;
    case 26:
      c.uint(4, 'dhcpv6.iaprefix.pref_lifetime', 'Preferred lifetime', durationText);
      c.uint(4, 'dhcpv6.iaprefix.valid_lifetime', 'Valid lifetime', durationText);
      c.uint(1, 'dhcpv6.iaprefix.pref_len', 'Prefix length');
      c.ipv6('dhcpv6.iaprefix.pref_addr', 'Prefix address');
      showOptions(c, nesting + 1);
      break;
    case 6:
      while (c.left >= 2) c.uint(2, 'dhcpv6.requested_option_code', 'Requested Option code', (v) => `${OPTIONS[v] ?? 'Unknown'} (${v})`);
      break;
    case 7:
      c.uint(1, 'dhcpv6.option_preference', 'Pref-value');
      break;
    case 8:
      c.uint(2, 'dhcpv6.elapsed_time', 'Elapsed time', (v) => `${v * 10}ms`);
      break;
    case 9:
      showMessage(c, nesting + 1);
      break;
    case 12:
      c.ipv6('dhcpv6.unicast', 'IPv6 address');
      break;
    case 13:
      c.named(2, 'dhcpv6.status_code', 'Status Code', STATUS);
      showText(c, 'dhcpv6.status_msg', 'Status Message');
      break;
    default:
      showMoreOptionData(c, code);
  }
}

function showMoreOptionData(c: Cursor, code: number): void {
  switch (code) {
    case 18:
      c.data(c.left, 'dhcpv6.interface_id', 'Interface-ID');
      break;
    case 22:
      while (c.left >= 16) c.ipv6('dhcpv6.sip_server_a', 'SIP server address');
      break;
    case 23:
      while (c.left >= 16) c.ipv6('dhcpv6.dns_server', 'DNS server address');
      break;
    case 24:
      showNames(c, 'dhcpv6.search_list_entry', 'List entry');
      break;
    case 31:
      while (c.left >= 16) c.ipv6('dhcpv6.sntp_server', 'SNTP server address');
      break;
    case 32:
      c.uint(4, 'dhcpv6.lifetime', 'Lifetime', durationText);
      break;
    case 39:
      c.hex(1, 'dhcpv6.client_fqdn_flags', 'Flags');
      showNames(c, 'dhcpv6.client_domain', 'Client Domain Name');
      break;
    case 64:
      showNames(c, 'dhcpv6.aftr_name', 'DS-Lite AFTR Name');
      break;
    case 103:
      showText(c, 'dhcpv6.captive_portal', 'Captive Portal');
      break;
    case 113:
      showMulticastPrefixes(c);
      break;
    default:
      break;
  }
}

function showOptions(c: Cursor, nesting: number): void {
  if (nesting > MAX_NESTING) return;
  while (c.left >= 4 && !c.short) {
    const code = u16(c.bytes, c.at);
    const length = u16(c.bytes, c.at + 2);
    c.group('', OPTIONS[code] ?? `Option ${code}`, () => {
      c.uint(2, 'dhcpv6.option.type', 'Option', (v) => `${OPTIONS[v] ?? 'Unknown'} (${v})`);
      c.uint(2, 'dhcpv6.option.length', 'Length');
      c.within(length, (body) => {
        showOptionData(body, code, nesting);
        body.data(body.left, 'data.data', 'Value');
        if (body.short) c.short = true;
      });
    });
  }
}

/** A message of either form (RFC 8415 sections 8 and 9); returns its words for the info column. */
function showMessage(c: Cursor, nesting: number): string {
  if (c.left < 4 || nesting > MAX_NESTING) return '';
  const type = c.named(1, 'dhcpv6.msgtype', 'Message type', MESSAGES);
  const name = MESSAGES[type] ?? `Unknown (${type})`;
  if (type === 12 || type === 13) {
    c.uint(1, 'dhcpv6.hopcount', 'Hopcount');
    const link = c.ipv6('dhcpv6.linkaddr', 'Link address');
    c.ipv6('dhcpv6.peeraddr', 'Peer address');
    showOptions(c, nesting);
    return `${name} L: ${link}`;
  }
  const id = c.hex(3, 'dhcpv6.xid', 'Transaction ID');
  showOptions(c, nesting);
  return `${name} XID: ${hexNumber(id, 6)}`;
}

export function dissectDhcpv6(context: DissectContext, start: number, end: number): void {
  if (end - start < 4 || MESSAGES[context.bytes[start]!] === undefined) {
    showData(context, start, end);
    return;
  }
  context.tree.layer('dhcpv6', 'DHCPv6', start, end - start);
  const c = new Cursor(context, start, end);
  const info = showMessage(c, 0);
  if (c.left > 0) c.short = true;
  if (c.short) expertShort(context, 'DHCPv6', end);
  context.tree.close();
  columns(context, 'DHCPv6', info);
}

export function registerDhcpv6(): void {
  register('udp.port', [546, 547], dissectDhcpv6);
}
