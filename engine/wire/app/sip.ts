import { register, registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { columns, showData } from './common.ts';
import { dissectSdp, isSdp } from './sdp.ts';
import { displayText, hexText, latin1 } from './text.ts';
import { decimal, headerValue, lineAt, readHead } from './text-lines.ts';
import type { Head, Header, Line } from './text-lines.ts';

export type SipStart =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'status'; readonly code: number; readonly phrase: string };

/** Request or status line (RFC 3261 section 7), or undefined. */
export function parseSipStart(bytes: Uint8Array, line: Line): SipStart | undefined {
  const text = latin1(bytes, line.start, Math.min(line.end, line.start + 4_096));
  const status = /^SIP\/2\.0 (\d{3})(?: (.*))?$/.exec(text);
  if (status !== null) return { kind: 'status', code: Number(status[1]), phrase: (status[2] ?? '').trimEnd() };
  const request = /^([A-Z]{2,20}) (\S+) SIP\/2\.0$/.exec(text);
  return request === null ? undefined : { kind: 'request', method: request[1]!, uri: request[2]! };
}

/** Full names of headers that have a one-letter form (RFC 3261 section 20 and others). */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
};

/** Headers with a field of their own, in the spelling of the field. */
const NAMES = new Map(
  (
    'Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID Call-Info ' +
    'Contact Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date Error-Info Event Expires From ' +
    'In-Reply-To Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Asserted-Identity P-Preferred-Identity Path Priority Privacy ' +
    'Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Refer-To Referred-By Reply-To Require Retry-After Route RSeq ' +
    'Server Service-Route Session-Expires Subject Subscription-State Supported Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate'
  )
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
);

function fullName(header: Header): string | undefined {
  return NAMES.get((COMPACT[header.name.toLowerCase()] ?? header.name).toLowerCase());
}

/** The address inside `"Name" <sip:user@host;x>;tag=y` or the bare form. */
function addressOf(value: string): string {
  const bracket = /<([^>]*)>/.exec(value);
  return bracket === null ? value.split(';')[0]!.trim() : bracket[1]!;
}

/** Adds a part of a header's value, where it is found in it. */
function part(context: DissectContext, header: Header, name: string, label: string, text: string, raw: string | number = text): void {
  const at = header.value.indexOf(text);
  if (text === '' || at < 0) return;
  context.tree.field(name, label, text, header.valueStart + at, text.length, { raw });
}

function showDetails(context: DissectContext, header: Header, name: string): void {
  const { value } = header;
  switch (name) {
    case 'From':
    case 'To': {
      const prefix = name.toLowerCase();
      part(context, header, `sip.${prefix}.addr`, `SIP ${prefix} address`, addressOf(value));
      part(context, header, `sip.${prefix}.tag`, `SIP ${prefix} tag`, /;\s*tag=([^;\s]+)/.exec(value)?.[1] ?? '');
      break;
    }
    case 'Contact':
      part(context, header, 'sip.contact.uri', 'Contact URI', addressOf(value));
      break;
    case 'CSeq': {
      const both = /^(\d{1,10})\s+([A-Z]+)$/.exec(value);
      if (both !== null) {
        part(context, header, 'sip.CSeq.seq', 'Sequence Number', both[1]!, Number(both[1]));
        part(context, header, 'sip.CSeq.method', 'Method', both[2]!);
      }
      break;
    }
    case 'Via': {
      const via = /^SIP\s*\/\s*2\.0\s*\/\s*(\S+)\s+([^;\s]+)/.exec(value);
      if (via !== null) {
        part(context, header, 'sip.Via.transport', 'Transport', via[1]!);
        const host = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(via[2]!);
        if (host !== null) {
          part(context, header, 'sip.Via.sent-by.address', 'Sent-by Address', host[1]!);
          if (host[2] !== undefined) part(context, header, 'sip.Via.sent-by.port', 'Sent-by port', host[2], Number(host[2]));
        }
      }
      part(context, header, 'sip.Via.branch', 'Branch', /;\s*branch=([^;\s]+)/.exec(value)?.[1] ?? '');
      break;
    }
    default:
      break;
  }
}

function showHeader(context: DissectContext, header: Header): void {
  const { tree, bytes } = context;
  const name = fullName(header);
  const { line } = header;
  const shown = displayText(bytes, header.valueStart, line.end);
  const node = tree.open(name === undefined ? '' : `sip.${name}`, header.name, line.start, line.next - line.start, { raw: shown });
  node.value = shown;
  if (name !== undefined) showDetails(context, header, name);
  tree.close();
}

function showStart(context: DissectContext, start: SipStart, line: Line): void {
  const { tree, bytes } = context;
  const text = displayText(bytes, line.start, line.end);
  const isRequest = start.kind === 'request';
  const node = tree.open(
    isRequest ? 'sip.Request-Line' : 'sip.Status-Line',
    isRequest ? 'Request-Line' : 'Status-Line',
    line.start,
    line.next - line.start,
    { raw: text },
  );
  node.value = text;
  if (start.kind === 'request') {
    tree.field('sip.Method', 'Method', start.method, line.start, start.method.length, { raw: start.method });
    tree.field('sip.r-uri', 'Request-URI', start.uri, line.start + start.method.length + 1, start.uri.length, { raw: start.uri });
  } else tree.field('sip.Status-Code', 'Status-Code', String(start.code), line.start + 8, 3, { raw: start.code });
  tree.close();
}

function infoText(start: SipStart, head: Head): string {
  if (start.kind === 'request') return `Request: ${start.method} ${start.uri}`;
  const method = headerValue(head, 'cseq')?.split(/\s+/)[1];
  return `Status: ${start.code} ${start.phrase}${method === undefined ? '' : ` (${method})`}`;
}

/** One message; a second one in the same segment follows by its Content-Length. */
function showMessage(context: DissectContext, start: SipStart, at: number, end: number, first: boolean): number {
  const { tree, bytes } = context;
  const head = readHead(bytes, at, end);
  const length = decimal(headerValue(head, 'content-length', 'l'));
  const bodyEnd = head.whole && length !== undefined ? Math.min(end, head.body + length) : end;
  const sdp =
    isSdp(bytes, head.body, bodyEnd) && (headerValue(head, 'content-type', 'c') ?? '').toLowerCase().startsWith('application/sdp');
  if (first) columns(context, sdp ? 'SIP/SDP' : 'SIP', infoText(start, head).slice(0, 400));
  tree.layer('sip', `Session Initiation Protocol (${start.kind === 'request' ? start.method : start.code})`, at, bodyEnd - at);
  showStart(context, start, head.first);
  tree.open('sip.msg_hdr', 'Message Header', head.first.next, head.body - head.first.next);
  for (const header of head.headers) showHeader(context, header);
  tree.close();
  if (!head.whole) tree.expert('note', 'The header ends early');
  if (bodyEnd > head.body && !sdp) {
    tree.field(
      'sip.msg_body',
      'Message Body',
      hexText(bytes, head.body, Math.min(bodyEnd, head.body + 64)),
      head.body,
      bodyEnd - head.body,
    );
  }
  tree.close();
  if (sdp) dissectSdp(context, head.body, bodyEnd);
  return bodyEnd;
}

export function dissectSip(context: DissectContext, start: number, end: number): void {
  let at = start;
  while (at < end) {
    const message = parseSipStart(context.bytes, lineAt(context.bytes, at, end));
    if (message === undefined) break;
    at = showMessage(context, message, at, end, at === start);
  }
  showData(context, at, end);
}

/** A start line that names SIP/2.0. */
export function isSip(context: DissectContext, start: number, end: number): boolean {
  const first = context.bytes[start];
  if (first === undefined || first < 0x41 || first > 0x5a) return false;
  const line = lineAt(context.bytes, start, Math.min(end, start + 4_096));
  return line.whole && parseSipStart(context.bytes, line) !== undefined;
}

export function registerSip(): void {
  register('udp.port', [5060], dissectSip);
  register('tcp.port', [5060], dissectSip);
  registerHeuristic('udp', isSip, dissectSip);
  registerHeuristic('tcp', isSip, dissectSip);
}

/** A SIP message as bytes: start line, headers in order, body with its Content-Length. */
export function buildSip(startLine: string, headers: readonly (readonly [string, string])[], body = ''): Uint8Array {
  const encoder = new TextEncoder();
  const size = encoder.encode(body).length;
  const lines = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`), `Content-Length: ${size}`];
  return encoder.encode(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
