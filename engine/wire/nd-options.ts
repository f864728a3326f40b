import { formatIpv6 } from './address.ts';
import { dissectIpv6 } from './ipv6.ts';
import { passOn } from './payload.ts';
import { type FieldReader, flagBit, showNumber } from './reader.ts';
import type { DissectContext } from './registry.ts';

const NAMES: Readonly<Record<number, string>> = {
  1: 'Source link-layer address',
  2: 'Target link-layer address',
  3: 'Prefix information',
  4: 'Redirected header',
  5: 'MTU',
  6: 'NBMA Shortcut Limit',
  7: 'Advertisement Interval',
  8: 'Home Agent Information',
  9: 'Source Address List',
  10: 'Target Address List',
  11: 'CGA',
  12: 'RSA Signature',
  13: 'Timestamp',
  14: 'Nonce',
  15: 'Trust Anchor',
  16: 'Certificate',
  17: 'IP Address/Prefix',
  18: 'New Router Prefix Information',
  19: 'Link-Layer Address',
  24: 'Route Information',
  25: 'Recursive DNS Server',
  26: 'RA Flags Extension',
  27: 'Handover Key Request',
  28: 'Handover Key Reply',
  31: 'DNS Search List',
  32: 'Proxy Signature',
  33: 'Address Registration',
  34: '6LoWPAN Context',
  35: 'Authoritative Border Router',
  36: '6CIO',
  37: 'Captive Portal',
  38: 'PREF64',
};

const PREFERENCE: Readonly<Record<number, string>> = { 0: 'Medium', 1: 'High', 2: 'Reserved', 3: 'Low' };
/** RFC 8781 section 4: prefix lengths by code, and the lifetime in units of 8 seconds. */
const PREF64_LENGTHS: readonly number[] = [96, 64, 56, 48, 40, 32];

function prefixInformation(r: FieldReader): string {
  const length = r.u8('icmpv6.opt.prefix.length', 'Prefix Length');
  const at = r.pos;
  const flags = r.u8('icmpv6.opt.prefix.flag', 'Flag', 'hex');
  flagBit(r.tree, 'icmpv6.opt.prefix.flag.l', 'On-link flag (L)', flags, 0x80, at, 1);
  flagBit(r.tree, 'icmpv6.opt.prefix.flag.a', 'Autonomous address-configuration flag (A)', flags, 0x40, at, 1);
  flagBit(r.tree, 'icmpv6.opt.prefix.flag.r', 'Router address flag (R)', flags, 0x20, at, 1);
  r.u32('icmpv6.opt.prefix.valid_lifetime', 'Valid Lifetime');
  r.u32('icmpv6.opt.prefix.preferred_lifetime', 'Preferred Lifetime');
  r.u32('icmpv6.opt.reserved', 'Reserved', 'hex');
  return `${r.ipv6('icmpv6.opt.prefix', 'Prefix')}/${length}`;
}

function routeInformation(r: FieldReader): string {
  const length = r.u8('icmpv6.opt.prefix.length', 'Prefix Length');
  r.u8('icmpv6.opt.route_info.flag', 'Flag', (v) => `Route Preference ${showNumber((v >> 3) & 3, PREFERENCE, 2)}`);
  r.u32('icmpv6.opt.route_lifetime', 'Route Lifetime');
  return `${partialPrefix(r, r.left)}/${length}`;
}

/** A prefix of which only the first `length` bytes are sent. */
function partialPrefix(r: FieldReader, length: number): string {
  const whole = new Uint8Array(16);
  const used = Math.min(16, length);
  whole.set(r.bytes.subarray(r.pos, r.pos + used));
  const text = formatIpv6(whole, 0);
  r.tree.field('icmpv6.opt.prefix', 'Prefix', text, r.pos, used, { raw: text });
  r.skip(used);
  return text;
}

function pref64(r: FieldReader): string {
  const at = r.pos;
  const word = r.peek16();
  r.skip(2);
  if (r.short) return '';
  const code = word & 7;
  const length = PREF64_LENGTHS[code];
  r.tree.field('icmpv6.opt.pref64.scaled_lifetime', 'Scaled Lifetime', `${word >> 3} (${(word >> 3) * 8} seconds)`, at, 2, {
    raw: word >> 3,
  });
  r.tree.field(
    'icmpv6.opt.pref64.plc',
    'PLC',
    length === undefined ? `Unknown (${code})` : `${length} bits prefix length (${code})`,
    at,
    2,
    {
      raw: code,
    },
  );
  return `${partialPrefix(r, Math.min(12, r.left))}/${length ?? '?'}`;
}

/** Names in the search list, each a run of labels ended by an empty one (RFC 8106 section 5.2, no compression). */
function searchList(r: FieldReader): string {
  r.u16('icmpv6.opt.reserved', 'Reserved', 'hex');
  r.u32('icmpv6.opt.dnssl.lifetime', 'Lifetime');
  const names: string[] = [];
  while (r.more && r.peek8() !== 0) {
    const at = r.pos;
    const labels: string[] = [];
    while (r.more && r.peek8() !== 0) {
      const length = r.peek8();
      if (length > 63 || length + 1 > r.left) return names.join(' ');
      labels.push(String.fromCharCode(...r.bytes.subarray(r.pos + 1, r.pos + 1 + length)));
      r.skip(1 + length);
    }
    r.skip(1);
    const name = labels.join('.');
    r.tree.field('icmpv6.opt.dnssl', 'Domain Names', name, at, r.pos - at, { raw: name });
    names.push(name);
  }
  return names.join(' ');
}

function body(context: DissectContext, type: number, r: FieldReader): string {
  switch (type) {
    case 1:
    case 2:
      if (r.left === 6) return r.mac('icmpv6.opt.linkaddr', 'Link-layer address');
      r.hexBytes('icmpv6.opt.linkaddr', 'Link-layer address', r.left);
      return '';
    case 3:
      return prefixInformation(r);
    case 4:
      r.skip(6);
      if (!r.short && r.more) {
        const at = r.pos;
        r.tree.quote(() => passOn(context, dissectIpv6, at, r.end, r.end));
      }
      return '';
    case 5:
      r.u16('icmpv6.opt.reserved', 'Reserved', 'hex');
      return String(r.u32('icmpv6.opt.mtu', 'MTU'));
    case 7:
      r.u16('icmpv6.opt.reserved', 'Reserved', 'hex');
      r.u32('icmpv6.opt.advertisement_interval', 'Advertisement Interval');
      return '';
    case 13:
      r.skip(6);
      r.u64('icmpv6.opt.timestamp', 'Timestamp');
      return '';
    case 14:
      r.hexBytes('icmpv6.opt.nonce', 'Nonce', r.left);
      return '';
    case 24:
      return routeInformation(r);
    case 25: {
      r.u16('icmpv6.opt.reserved', 'Reserved', 'hex');
      r.u32('icmpv6.opt.rdnss.lifetime', 'Lifetime');
      const servers: string[] = [];
      while (r.left >= 16) servers.push(r.ipv6('icmpv6.opt.rdnss', 'Recursive DNS Servers'));
      return servers.join(' ');
    }
    case 31:
      return searchList(r);
    case 37:
      return r.textBytes('icmpv6.opt.captive_portal', 'Captive Portal', r.left);
    case 38:
      return pref64(r);
    default:
      r.hexBytes('icmpv6.opt.data', 'Data', r.left);
      return '';
  }
}

/** Neighbour discovery options (RFC 4861 section 4.6): type, length in 8-byte units, value. */
export function dissectNdOptions(context: DissectContext, r: FieldReader): void {
  const { tree } = context;
  if (tree.columnsOnly) return;
  while (r.more) {
    const type = r.peek8();
    const lengthBytes = r.peek8(1) * 8;
    const name = NAMES[type] ?? 'Unknown';
    const node = tree.open('icmpv6.opt', 'ICMPv6 Option', r.pos, Math.min(Math.max(lengthBytes, 2), r.left));
    const option = r.sub(Math.max(2, lengthBytes));
    option.u8('icmpv6.opt.type', 'Type', (v) => `${name} (${v})`);
    option.u8('icmpv6.opt.length', 'Length', (v) => `${v} (${v * 8} bytes)`);
    if (lengthBytes === 0) {
      tree.expert('warn', 'Invalid option length (zero)');
      tree.close();
      return;
    }
    const text = body(context, type, option);
    node.value = text === '' ? name : `${name} (${text})`;
    if (option.short || option.cut) tree.expert('warn', 'Option goes past its end');
    tree.close();
  }
}
