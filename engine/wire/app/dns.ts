import { u16 } from '../../base/index.ts';
import { register } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, bits, columns, expertShort, flag, showData } from './common.ts';
import { dnsDataText, dnsNameText, showDnsData, showOptTtl } from './dns-data.ts';
import { DNS_HEADER_BYTES, readDns } from './dns-message.ts';
import type { DnsMessage, DnsReading, DnsRecord, DnsSpan } from './dns-message.ts';
import { DNS_OPCODES, DNS_RCODES, DNS_TYPE, dnsClassName, dnsTypeName } from './dns-names.ts';
import { durationText, hexNumber } from './text.ts';

/** The three protocols that share the message format and differ in port, title and the meaning of some bits. */
type Flavour = 'dns' | 'mdns' | 'llmnr';
const TITLES = { dns: 'Domain Name System', mdns: 'Multicast Domain Name System', llmnr: 'Link-local Multicast Name Resolution' } as const;
const COLUMN = { dns: 'DNS', mdns: 'MDNS', llmnr: 'LLMNR' } as const;

/** Longest info text: a list row is one line. */
const MAX_INFO = 400;

const isMulticast = (flavour: Flavour): boolean => flavour === 'mdns';

function classText(flavour: Flavour, value: number): string {
  return dnsClassName(isMulticast(flavour) ? value & 0x7fff : value);
}

function showFlags(c: Cursor, flavour: Flavour): void {
  const o = c.at;
  const word = u16(c.bytes, o);
  const response = (word & 0x8000) !== 0;
  const opcode = (word >>> 11) & 15;
  const rcode = word & 15;
  const title = `${DNS_OPCODES[opcode] ?? `Unknown operation (${opcode})`}${response ? ` response, ${DNS_RCODES[rcode] ?? `Unknown error (${rcode})`}` : ''}`;
  c.group(
    'dns.flags',
    `Flags: ${hexNumber(word, 4)} ${title}`,
    () => {
      bits(c, 'dns.flags.response', 'Response', word, 0x8000, o, 2, (v) => (v === 1 ? 'Message is a response' : 'Message is a query'));
      bits(c, 'dns.flags.opcode', 'Opcode', word, 0x7800, o, 2, (v) => `${DNS_OPCODES[v] ?? 'Unknown'} (${v})`);
      if (flavour === 'llmnr') {
        flag(c, 'dns.flags.conflict', 'Conflict', word, 0x0400, o, 2);
        flag(c, 'dns.flags.truncated', 'Truncated', word, 0x0200, o, 2);
        flag(c, 'dns.flags.tentative', 'Tentative', word, 0x0100, o, 2);
      } else {
        if (response) flag(c, 'dns.flags.authoritative', 'Authoritative', word, 0x0400, o, 2);
        flag(c, 'dns.flags.truncated', 'Truncated', word, 0x0200, o, 2);
        flag(c, 'dns.flags.recdesired', 'Recursion desired', word, 0x0100, o, 2);
        if (response) flag(c, 'dns.flags.recavail', 'Recursion available', word, 0x0080, o, 2);
        flag(c, 'dns.flags.z', 'Z', word, 0x0040, o, 2);
        if (response) flag(c, 'dns.flags.authenticated', 'Answer authenticated', word, 0x0020, o, 2);
        flag(c, 'dns.flags.checkdisable', 'Non-authenticated data', word, 0x0010, o, 2);
      }
      if (response) bits(c, 'dns.flags.rcode', 'Reply code', word, 0x000f, o, 2, (v) => `${DNS_RCODES[v] ?? 'Unknown'} (${v})`);
      c.skip(2);
    },
    { raw: word },
  );
}

function showQuestion(c: Cursor, flavour: Flavour, reading: DnsReading, index: number, span: DnsSpan): void {
  const question = reading.message.questions[index]!;
  const text = dnsNameText(question.name);
  const kind = dnsTypeName(question.type);
  const unicast = (question.class & 0x8000) !== 0;
  const mode = isMulticast(flavour) ? `, "${unicast ? 'QU' : 'QM'}" question` : '';
  c.tree.open('', `${text}: type ${kind}, class ${classText(flavour, question.class)}${mode}`, span.offset, span.end - span.offset);
  c.tree.field('dns.qry.name', 'Name', text, span.offset, span.nameEnd - span.offset, { raw: text });
  c.tree.field('dns.qry.type', 'Type', `${kind} (${question.type})`, span.nameEnd, 2, { raw: question.type });
  showClass(c, flavour, 'dns.qry.class', question.class, span.nameEnd + 2);
  if (isMulticast(flavour)) {
    c.tree.field('dns.qry.qu', '"QU" question', unicast ? 'True' : 'False', span.nameEnd + 2, 2, { raw: unicast });
  }
  c.tree.close();
}

function showClass(c: Cursor, flavour: Flavour, name: string, value: number, offset: number): void {
  const low = isMulticast(flavour) ? value & 0x7fff : value;
  c.tree.field(name, 'Class', `${dnsClassName(low)} (${hexNumber(low, 4)})`, offset, 2, { raw: low });
}

function showRecord(c: Cursor, base: number, flavour: Flavour, record: DnsRecord, span: DnsSpan): void {
  const text = dnsNameText(record.name);
  const kind = dnsTypeName(record.type);
  const flush = isMulticast(flavour) && (record.class & 0x8000) !== 0 && record.type !== DNS_TYPE.OPT;
  const value = dnsDataText(record);
  const tail = record.type === DNS_TYPE.OPT ? '' : `, class ${classText(flavour, record.class)}${flush ? ', cache flush' : ''}`;
  c.tree.open('', `${text}: type ${kind}${tail}${value === '' ? '' : `, ${value}`}`, span.offset, span.end - span.offset);
  c.tree.field('dns.resp.name', 'Name', text, span.offset, span.nameEnd - span.offset, { raw: text });
  c.at = span.nameEnd;
  c.uint(2, 'dns.resp.type', 'Type', (type) => `${kind} (${type})`);
  if (record.type === DNS_TYPE.OPT) {
    c.uint(2, 'dns.rr.udp_payload_size', 'UDP payload size');
    showOptTtl(c);
  } else {
    showClass(c, flavour, 'dns.resp.class', record.class, c.at);
    if (isMulticast(flavour)) {
      c.tree.field('dns.resp.cache_flush', 'Cache flush', flush ? 'True' : 'False', c.at, 2, { raw: flush });
    }
    c.skip(2);
    c.uint(4, 'dns.resp.ttl', 'Time to live', durationText);
  }
  const length = c.uint(2, 'dns.resp.len', 'Data length');
  c.within(length, (inner) => showDnsData(inner, base, record.type, record.data));
  c.tree.close();
}

function showSections(c: Cursor, base: number, flavour: Flavour, reading: DnsReading): void {
  const { message, spans } = reading;
  const update = message.opcode === 5;
  const sections: [string, readonly DnsRecord[]][] = [
    [update ? 'Prerequisites' : 'Answers', message.answers],
    [update ? 'Updates' : 'Authoritative nameservers', message.authorities],
    ['Additional records', message.additionals],
  ];
  let next = message.questions.length;
  if (next > 0) {
    c.tree.open('', update ? 'Zone' : 'Queries', spans[0]!.offset, spans[next - 1]!.end - spans[0]!.offset);
    for (let i = 0; i < next; i++) showQuestion(c, flavour, reading, i, spans[i]!);
    c.tree.close();
  }
  for (const [title, records] of sections) {
    if (records.length === 0) continue;
    const first = spans[next]!;
    const last = spans[next + records.length - 1]!;
    c.tree.open('', title, first.offset, last.end - first.offset);
    for (const record of records) showRecord(c, base, flavour, record, spans[next++]!);
    c.tree.close();
  }
}

function infoText(message: DnsMessage, flavour: Flavour): string {
  const parts = [DNS_OPCODES[message.opcode] ?? `Unknown operation (${message.opcode})`];
  if (message.response) parts.push('response');
  parts.push(hexNumber(message.id, 4));
  if (message.response && message.rcode !== 0) parts.push(DNS_RCODES[message.rcode] ?? `Unknown error (${message.rcode})`);
  let text = parts.join(' ');
  const items: string[] = message.questions.map((question) => {
    const mode = isMulticast(flavour) ? `, "${(question.class & 0x8000) !== 0 ? 'QU' : 'QM'}" question` : '';
    return `${dnsTypeName(question.type)} ${dnsNameText(question.name)}${mode}`;
  });
  for (const record of [...message.answers, ...message.authorities, ...message.additionals]) {
    const flush = isMulticast(flavour) && (record.class & 0x8000) !== 0 && record.type !== DNS_TYPE.OPT ? ', cache flush' : '';
    items.push(`${dnsTypeName(record.type)}${flush} ${dnsDataText(record)}`.trimEnd());
    if (text.length + items.length * 8 > MAX_INFO * 4) break;
  }
  text = `${text} ${items.join(' ')}`.trimEnd();
  return text.length > MAX_INFO ? `${text.slice(0, MAX_INFO)}…` : text;
}

/** One message in [start, end); `lengthBytes` is 2 where a length of two bytes stands before it (TCP). */
function dissectMessage(context: DissectContext, start: number, end: number, flavour: Flavour, lengthBytes: 0 | 2): void {
  const base = start + lengthBytes;
  const reading = readDns(context.bytes, base, end);
  if (reading === undefined) {
    showData(context, start, end);
    return;
  }
  const { message } = reading;
  const { tree } = context;
  columns(context, COLUMN[flavour], infoText(message, flavour));
  tree.layer(flavour, `${TITLES[flavour]} (${message.response ? 'response' : 'query'})`, start, end - start);
  const c = new Cursor(context, start, end);
  if (lengthBytes === 2) c.uint(2, 'dns.length', 'Length');
  c.hex(2, 'dns.id', 'Transaction ID');
  showFlags(c, flavour);
  const update = message.opcode === 5;
  c.uint(2, update ? 'dns.count.zones' : 'dns.count.queries', update ? 'Zones' : 'Questions');
  c.uint(2, update ? 'dns.count.prerequisites' : 'dns.count.answers', update ? 'Prerequisites' : 'Answer RRs');
  c.uint(2, update ? 'dns.count.updates' : 'dns.count.auth_rr', update ? 'Updates' : 'Authority RRs');
  c.uint(2, 'dns.count.add_rr', 'Additional RRs');
  showSections(c, base, flavour, reading);
  for (const problem of reading.problems) tree.expert('warn', `${problem.message} (at byte ${problem.offset - base})`);
  if (reading.error !== undefined) {
    if (context.cutBytes > 0 || lengthBytes === 2) expertShort(context, 'DNS', end);
    else tree.expert('error', `Malformed: ${reading.error.message}`);
    const from = Math.min(reading.end, end);
    if (from < end) tree.field('dns.data', 'Data', `${end - from} bytes not understood`, from, end - from);
  } else if (reading.end < end) {
    tree.field('dns.extraneous.data', 'Extraneous Data Bytes', `${end - reading.end} bytes`, reading.end, end - reading.end);
  }
  tree.close();
}

/**
 * True for a header that can be DNS: a known operation and counts that fit the length. Ports say "DNS" too, but other
 * things run on 53 as well.
 */
export function plausibleDns(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < DNS_HEADER_BYTES) return false;
  const opcode = (u16(bytes, start + 2) >>> 11) & 15;
  return DNS_OPCODES[opcode] !== undefined;
}

export function dissectDns(context: DissectContext, start: number, end: number): void {
  dissectUdp(context, start, end, 'dns');
}

function dissectUdp(context: DissectContext, start: number, end: number, flavour: Flavour): void {
  if (plausibleDns(context.bytes, start, end)) dissectMessage(context, start, end, flavour, 0);
  else showData(context, start, end);
}

/**
 * DNS over TCP (RFC 7766): messages with a length in front. The messages that start in this segment are shown; a segment
 * that starts inside a message shows as bytes.
 */
export function dissectDnsTcp(context: DissectContext, start: number, end: number): void {
  let at = start;
  while (at < end) {
    const length = end - at >= 2 ? u16(context.bytes, at) : 0;
    if (length < DNS_HEADER_BYTES || !plausibleDns(context.bytes, at + 2, end)) break;
    const next = Math.min(end, at + 2 + length);
    dissectMessage(context, at, next, 'dns', 2);
    at = next;
  }
  if (at < end) showData(context, at, end);
}

export function registerDns(): void {
  register('udp.port', [53], dissectDns);
  register('tcp.port', [53], dissectDnsTcp);
  register('udp.port', [5353], (context, start, end) => dissectUdp(context, start, end, 'mdns'));
  register('tcp.port', [5353], dissectDnsTcp);
  register('udp.port', [5355], (context, start, end) => dissectUdp(context, start, end, 'llmnr'));
  register('tcp.port', [5355], dissectDnsTcp);
}
