import { u16, u32 } from '../../base/index.ts';
import type { Cursor } from './common.ts';
import type { DnsData, DnsRecord } from './dns-message.ts';
import { readDnsName } from './dns-message.ts';
import { dnsLabels } from './dns-build.ts';
import {
  DNS_TYPE,
  DNSSEC_ALGORITHMS,
  DNSSEC_DIGESTS,
  EDNS_OPTIONS,
  SVCB_KEYS,
  TLSA_MATCHINGS,
  TLSA_SELECTORS,
  TLSA_USAGES,
  dnsTypeName,
} from './dns-names.ts';
import { displayText, durationText, hexText, formatIpv4, formatIpv6 } from './text.ts';

/** A name as a person reads it: escapes undone, UTF-8 decoded, the root as `<Root>`. */
export function dnsNameText(name: string): string {
  if (name === '.') return '<Root>';
  if (!name.includes('\\')) return name;
  const labels = dnsLabels(name);
  if (!labels.ok) return name;
  return labels.value.map((label) => displayText(label, 0, label.length)).join('.');
}

/** What the info column says of a record's data, as Wireshark words it. */
export function dnsDataText(record: DnsRecord): string {
  const { data } = record;
  switch (data.kind) {
    case 'address':
      return data.address.length === 4 ? formatIpv4(data.address, 0) : formatIpv6(data.address, 0);
    case 'name':
      return dnsNameText(data.name);
    case 'soa':
      return dnsNameText(data.primary);
    case 'mx':
      return `${data.preference} ${dnsNameText(data.exchange)}`;
    case 'srv':
      return `${data.priority} ${data.weight} ${data.port} ${dnsNameText(data.target)}`;
    case 'naptr':
      return `${data.order} ${data.preference} ${displayText(data.flags, 0, data.flags.length)}`;
    case 'nsec':
      return dnsNameText(data.next);
    case 'svcb':
      return `${data.priority} ${dnsNameText(data.target)}`;
    case 'caa':
      return `${data.flags} ${displayText(data.tag, 0, data.tag.length)} ${displayText(data.value, 0, data.value.length)}`;
    default:
      return '';
  }
}

/** Shows record data field by field. `c` is bounded to the data; `base` is where the message starts, for pointers. */
export function showDnsData(c: Cursor, base: number, type: number, data: DnsData): void {
  switch (data.kind) {
    case 'address':
      if (data.address.length === 4) c.ipv4('dns.a', 'Address');
      else c.ipv6('dns.aaaa', 'AAAA Address');
      break;
    case 'name':
      showTarget(c, base, type);
      break;
    case 'soa':
      showSoa(c, base);
      break;
    case 'mx':
      c.uint(2, 'dns.mx.preference', 'Preference');
      name(c, base, 'dns.mx.mail_exchange', 'Mail Exchange');
      break;
    case 'txt':
      showStrings(c, type);
      break;
    case 'srv':
      c.uint(2, 'dns.srv.priority', 'Priority');
      c.uint(2, 'dns.srv.weight', 'Weight');
      c.uint(2, 'dns.srv.port', 'Port');
      name(c, base, 'dns.srv.target', 'Target');
      break;
    case 'naptr':
      c.uint(2, 'dns.naptr.order', 'Order');
      c.uint(2, 'dns.naptr.preference', 'Preference');
      string(c, 'dns.naptr.flags', 'Flags');
      string(c, 'dns.naptr.service', 'Service');
      string(c, 'dns.naptr.regex', 'Regex');
      name(c, base, 'dns.naptr.replacement', 'Replacement');
      break;
    case 'svcb':
      showServiceBinding(c, base, data.parameters.length);
      break;
    case 'caa':
      showCaa(c);
      break;
    case 'opt':
      for (const option of data.options) showOption(c, option.code, option.data.length);
      break;
    case 'bytes':
      c.data(c.left, 'dns.data', 'Data');
      break;
    default:
      showSecurity(c, base, data.kind);
  }
}

function name(c: Cursor, base: number, field: string, label: string): void {
  const reading = readDnsName(c.bytes, base, c.at, c.end);
  const text = dnsNameText(reading.name);
  c.tree.field(field, label, text, c.at, reading.end - c.at, { raw: text });
  c.at = reading.end;
}

/** A string with its length in front; the field covers the text. */
function string(c: Cursor, field: string, label: string): void {
  const length = c.bytes[c.at]!;
  c.tree.field(`${field}_length`, `${label} Length`, String(length), c.at, 1, { raw: length });
  const text = displayText(c.bytes, c.at + 1, c.at + 1 + length);
  c.tree.field(field, label, text, c.at + 1, length, { raw: text });
  c.at += 1 + length;
}

const TARGETS: Readonly<Record<number, readonly [string, string]>> = {
  [DNS_TYPE.NS]: ['dns.ns', 'Name Server'],
  [DNS_TYPE.CNAME]: ['dns.cname', 'CNAME'],
  [DNS_TYPE.PTR]: ['dns.ptr.domain_name', 'Domain Name'],
  [DNS_TYPE.DNAME]: ['dns.dname', 'Dname'],
};

function showTarget(c: Cursor, base: number, type: number): void {
  const [field, label] = TARGETS[type] ?? ['dns.cname', 'CNAME'];
  name(c, base, field, label);
}

function showSoa(c: Cursor, base: number): void {
  name(c, base, 'dns.soa.mname', 'Primary name server');
  name(c, base, 'dns.soa.rname', "Responsible authority's mailbox");
  c.uint(4, 'dns.soa.serial_number', 'Serial Number');
  c.uint(4, 'dns.soa.refresh_interval', 'Refresh Interval', durationText);
  c.uint(4, 'dns.soa.retry_interval', 'Retry Interval', durationText);
  c.uint(4, 'dns.soa.expire_limit', 'Expire limit', durationText);
  c.uint(4, 'dns.soa.minimum_ttl', 'Minimum TTL', durationText);
}

function showStrings(c: Cursor, type: number): void {
  const [field, label] = type === DNS_TYPE.SPF ? ['dns.spf', 'SPF'] : ['dns.txt', 'TXT'];
  while (c.left > 0) {
    const length = c.bytes[c.at]!;
    c.tree.field(`${field}.length`, `${label} Length`, String(length), c.at, 1, { raw: length });
    const text = displayText(c.bytes, c.at + 1, c.at + 1 + length);
    c.tree.field(field, label, text, c.at + 1, length, { raw: text });
    c.at += 1 + length;
  }
}

function showCaa(c: Cursor): void {
  c.hex(1, 'dns.caa.flags', 'CAA Flags');
  const length = c.uint(1, 'dns.caa.tag_length', 'Tag length');
  const tag = displayText(c.bytes, c.at, c.at + length);
  c.tree.field('dns.caa.tag', 'Tag', tag, c.at, length, { raw: tag });
  c.at += length;
  const value = displayText(c.bytes, c.at, c.end);
  c.tree.field('dns.caa.value', 'Value', value, c.at, c.left, { raw: value });
  c.at = c.end;
}

function showServiceBinding(c: Cursor, base: number, count: number): void {
  c.uint(2, 'dns.svcb.svcpriority', 'SvcPriority');
  name(c, base, 'dns.svcb.targetname', 'TargetName');
  for (let i = 0; i < count; i++) {
    const key = u16(c.bytes, c.at);
    const length = u16(c.bytes, c.at + 2);
    const title = SVCB_KEYS[key] ?? `key${key}`;
    c.group('dns.svcb.svcparam', `SvcParam: ${title}`, () => {
      c.uint(2, 'dns.svcb.svcparam.key', 'SvcParamKey', () => `${title} (${key})`);
      c.uint(2, 'dns.svcb.svcparam.value.length', 'SvcParamValue length');
      c.within(length, (inner) => showServiceParameter(inner, key));
    });
  }
}

function showServiceParameter(c: Cursor, key: number): void {
  if (key === 0) while (c.left >= 2) c.named(2, 'dns.svcb.svcparam.mandatory.key', 'Mandatory key', SVCB_KEYS);
  else if (key === 1) {
    while (c.left > 0) {
      const length = c.uint(1, 'dns.svcb.svcparam.alpn.length', 'ALPN length');
      const o = c.skip(length);
      if (o < 0) break;
      const text = displayText(c.bytes, o, o + length);
      c.tree.field('dns.svcb.svcparam.alpn', 'ALPN', text, o, length, { raw: text });
    }
  } else if (key === 3 && c.left === 2) c.uint(2, 'dns.svcb.svcparam.port', 'Port');
  else if (key === 4) while (c.left >= 4) c.ipv4('dns.svcb.svcparam.ipv4hint.ip', 'IP');
  else if (key === 6) while (c.left >= 16) c.ipv6('dns.svcb.svcparam.ipv6hint.ip', 'IP');
  else if (key === 5) c.data(c.left, 'dns.svcb.svcparam.echconfig', 'ECHConfig');
  c.data(c.left, 'dns.svcb.svcparam.value', 'SvcParamValue');
}

function showOption(c: Cursor, code: number, length: number): void {
  c.group('dns.opt', `Option: ${EDNS_OPTIONS[code] ?? `Unknown (${code})`}`, () => {
    c.named(2, 'dns.opt.code', 'Option Code', EDNS_OPTIONS);
    c.uint(2, 'dns.opt.len', 'Option Length');
    const start = c.at;
    c.tree.field('dns.opt.data', 'Option Data', hexText(c.bytes, start, start + length), start, length);
    c.within(length, (inner) => showOptionData(inner, code));
  });
}

function showOptionData(c: Cursor, code: number): void {
  if (code === 8 && c.left >= 4) {
    const family = c.named(2, 'dns.opt.client.family', 'Family', { 1: 'IPv4', 2: 'IPv6' });
    c.uint(1, 'dns.opt.client.netmask', 'Source Netmask');
    c.uint(1, 'dns.opt.client.scope', 'Scope Netmask');
    const size = family === 1 ? 4 : family === 2 ? 16 : 0;
    if (size > 0 && c.left <= size) {
      const address = new Uint8Array(16);
      address.set(c.bytes.subarray(c.at, c.end));
      const text = size === 4 ? formatIpv4(address, 0) : formatIpv6(address, 0);
      c.tree.field(size === 4 ? 'dns.opt.client.addr4' : 'dns.opt.client.addr6', 'Client Subnet', text, c.at, c.left, { raw: text });
    }
  } else if (code === 10 && c.left >= 8) {
    c.data(8, 'dns.opt.cookie.client', 'Client Cookie');
    c.data(c.left, 'dns.opt.cookie.server', 'Server Cookie');
  } else if (code === 15 && c.left >= 2) {
    c.uint(2, 'dns.opt.ext_error.info_code', 'Info Code');
    const text = displayText(c.bytes, c.at, c.end);
    c.tree.field('dns.opt.ext_error.extra_text', 'Extra Text', text, c.at, c.left, { raw: text });
  } else if (code === 12) c.data(c.left, 'dns.opt.padding', 'Padding');
}

function instant(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().replace('.000Z', ' UTC').replace('T', ' ')} (${seconds})`;
}

function showTypes(c: Cursor): void {
  while (c.left >= 2) {
    const window = c.bytes[c.at]!;
    const length = c.bytes[c.at + 1]!;
    const start = c.at + 2;
    for (let i = 0; i < Math.min(length, c.end - start) * 8; i++) {
      if ((c.bytes[start + (i >>> 3)]! & (0x80 >> (i & 7))) === 0) continue;
      const type = window * 256 + i;
      c.tree.field('dns.resp.type', 'RR type in bit map', `${dnsTypeName(type)} (${type})`, start + (i >>> 3), 1, { raw: type });
    }
    c.at = Math.min(c.end, start + length);
  }
}

type SecurityKind = 'ds' | 'rrsig' | 'nsec' | 'nsec3' | 'dnskey' | 'tlsa';

function showSecurity(c: Cursor, base: number, kind: SecurityKind): void {
  switch (kind) {
    case 'ds':
      c.hex(2, 'dns.ds.key_id', 'Key id');
      c.named(1, 'dns.ds.algorithm', 'Algorithm', DNSSEC_ALGORITHMS);
      c.named(1, 'dns.ds.digest_type', 'Digest Type', DNSSEC_DIGESTS);
      c.data(c.left, 'dns.ds.digest', 'Digest');
      break;
    case 'rrsig':
      c.uint(2, 'dns.rrsig.type_covered', 'Type Covered', (type) => `${dnsTypeName(type)} (${type})`);
      c.named(1, 'dns.rrsig.algorithm', 'Algorithm', DNSSEC_ALGORITHMS);
      c.uint(1, 'dns.rrsig.labels', 'Labels');
      c.uint(4, 'dns.rrsig.original_ttl', 'Original TTL', durationText);
      c.uint(4, 'dns.rrsig.signature_expiration', 'Signature Expiration', instant);
      c.uint(4, 'dns.rrsig.signature_inception', 'Signature Inception', instant);
      c.uint(2, 'dns.rrsig.key_tag', 'Key Tag');
      name(c, base, 'dns.rrsig.signers_name', "Signer's name");
      c.data(c.left, 'dns.rrsig.signature', 'Signature');
      break;
    case 'nsec':
      name(c, base, 'dns.nsec.next_domain_name', 'Next Domain Name');
      showTypes(c);
      break;
    case 'nsec3': {
      c.named(1, 'dns.nsec3.algo', 'Hash algorithm', { 1: 'SHA-1' });
      c.hex(1, 'dns.nsec3.flags', 'NSEC3 flags');
      c.uint(2, 'dns.nsec3.iterations', 'NSEC3 iterations');
      c.data(c.uint(1, 'dns.nsec3.salt_length', 'Salt length'), 'dns.nsec3.salt_value', 'Salt value');
      c.data(c.uint(1, 'dns.nsec3.hash_length', 'Hash length'), 'dns.nsec3.hash_value', 'Next hashed owner');
      showTypes(c);
      break;
    }
    case 'dnskey':
      c.hex(2, 'dns.dnskey.flags', 'Flags');
      c.uint(1, 'dns.dnskey.protocol', 'Protocol');
      c.named(1, 'dns.dnskey.algorithm', 'Algorithm', DNSSEC_ALGORITHMS);
      c.data(c.left, 'dns.dnskey.public_key', 'Public Key');
      break;
    case 'tlsa':
      c.named(1, 'dns.tlsa.certificate_usage', 'Certificate Usage', TLSA_USAGES);
      c.named(1, 'dns.tlsa.selector', 'Selector', TLSA_SELECTORS);
      c.named(1, 'dns.tlsa.matching_type', 'Matching Type', TLSA_MATCHINGS);
      c.data(c.left, 'dns.tlsa.certificate_association_data', 'Certificate Association Data');
      break;
  }
}

/** OPT's TTL field: extended RCODE, version and flags (RFC 6891 section 6.1.3). */
export function showOptTtl(c: Cursor): void {
  const ttl = u32(c.bytes, c.at);
  c.hex(1, 'dns.resp.ext_rcode', 'Higher bits in extended RCODE');
  c.uint(1, 'dns.resp.edns0_version', 'EDNS0 version');
  const o = c.at;
  c.group('dns.resp.z', `Z: 0x${(ttl & 0xffff).toString(16).padStart(4, '0')}`, () => {
    c.tree.field(
      'dns.resp.z.do',
      'DO bit',
      (ttl & 0x8000) !== 0 ? 'Accepts DNSSEC security RRs' : 'Cannot handle DNSSEC security RRs',
      o,
      2,
      {
        raw: (ttl & 0x8000) !== 0,
      },
    );
    c.tree.field('dns.resp.z.reserved', 'Reserved', String(ttl & 0x7fff), o, 2, { raw: ttl & 0x7fff });
    c.skip(2);
  });
}
