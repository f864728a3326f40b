import { register, registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { columns, showData } from './common.ts';
import { displayText, hexText, latin1, plural } from './text.ts';
import { decimal, headerValue, lineAt, readHead } from './text-lines.ts';
import type { Head, Line } from './text-lines.ts';
import { TLS_PORTS, dissectTls, isSsl2Hello, isTlsRecord } from './tls.ts';

/** Methods that begin a request: RFC 9110, WebDAV, UPnP (SSDP, GENA) and RTSP-free others seen on web ports. */
const METHODS = new Set(
  (
    'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH ' +
    'BPROPFIND BPROPPATCH BCOPY BMOVE BDELETE SUBSCRIBE UNSUBSCRIBE NOTIFY POLL MERGE CHECKOUT CHECKIN VERSION-CONTROL ' +
    'MKACTIVITY M-SEARCH M-POST PURGE LINK UNLINK ACL BIND REBIND UNBIND MKCALENDAR MKREDIRECTREF UPDATEREDIRECTREF ' +
    'ORDERPATCH RPC_CONNECT RPC_IN_DATA RPC_OUT_DATA SSTP_DUPLEX_POST'
  ).split(' '),
);

export type HttpStart =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string; readonly version: string }
  | { readonly kind: 'response'; readonly version: string; readonly code: number; readonly phrase: string };

/** Longest start line that is looked at. */
const MAX_START_LINE = 16_384;

/** Reads a request or status line (RFC 9112 sections 3 and 4), or undefined where this is neither. */
export function parseHttpStart(bytes: Uint8Array, line: Line): HttpStart | undefined {
  const text = latin1(bytes, line.start, Math.min(line.end, line.start + MAX_START_LINE));
  const status = /^(HTTP\/\d\.\d) (\d{3})(?: (.*))?$/.exec(text);
  if (status !== null) return { kind: 'response', version: status[1]!, code: Number(status[2]), phrase: status[3] ?? '' };
  const space = text.indexOf(' ');
  if (space < 1 || !METHODS.has(text.slice(0, space))) return undefined;
  const rest = text.slice(space + 1);
  const last = /^(.*?)\s+(HTTP\/\d\.\d)\s*$/.exec(rest);
  const method = text.slice(0, space);
  if (last !== null) return { kind: 'request', method, uri: last[1]!, version: last[2]! };
  // A start line cut by the segment's end, or HTTP/0.9: the target must still look like one.
  if (!/^[\x21-\x7e]/.test(rest)) return undefined;
  return line.whole && !/^(?:\/|\*|[a-z]+:\/\/)/i.test(rest) ? undefined : { kind: 'request', method, uri: rest.trimEnd(), version: '' };
}

/** Headers with a field of their own in Wireshark; all others show as a line. */
const FIELDS: Readonly<Record<string, string>> = {
  host: 'http.host',
  'user-agent': 'http.user_agent',
  'content-type': 'http.content_type',
  'content-length': 'http.content_length_header',
  'content-encoding': 'http.content_encoding',
  'transfer-encoding': 'http.transfer_encoding',
  connection: 'http.connection',
  cookie: 'http.cookie',
  'set-cookie': 'http.set_cookie',
  server: 'http.server',
  location: 'http.location',
  referer: 'http.referer',
  accept: 'http.accept',
  'accept-language': 'http.accept_language',
  'accept-encoding': 'http.accept_encoding',
  authorization: 'http.authorization',
  'proxy-authorization': 'http.proxy_authorization',
  'proxy-authenticate': 'http.proxy_authenticate',
  'www-authenticate': 'http.www_authenticate',
  'cache-control': 'http.cache_control',
  date: 'http.date',
  'last-modified': 'http.last_modified',
  upgrade: 'http.upgrade',
  'x-forwarded-for': 'http.x_forwarded_for',
  'sec-websocket-key': 'http.sec_websocket_key',
  'sec-websocket-accept': 'http.sec_websocket_accept',
  'sec-websocket-protocol': 'http.sec_websocket_protocol',
  'sec-websocket-version': 'http.sec_websocket_version',
};

function showStart(context: DissectContext, start: HttpStart, line: Line): void {
  const { tree, bytes } = context;
  tree.open('', displayText(bytes, line.start, line.end), line.start, line.next - line.start);
  let at = line.start;
  const part = (name: string, label: string, text: string, raw: string | number): void => {
    tree.field(name, label, text, at, text.length, { raw });
    at = Math.min(line.end, at + text.length + 1);
  };
  if (start.kind === 'request') {
    part('http.request.method', 'Request Method', start.method, start.method);
    part('http.request.uri', 'Request URI', start.uri, start.uri);
    if (start.version !== '') part('http.request.version', 'Request Version', start.version, start.version);
  } else {
    part('http.response.version', 'Response Version', start.version, start.version);
    part('http.response.code', 'Status Code', String(start.code), start.code);
    part('http.response.phrase', 'Response Phrase', start.phrase, start.phrase);
  }
  tree.close();
}

function showHeaders(context: DissectContext, head: Head, isRequest: boolean): void {
  const { tree, bytes } = context;
  for (const header of head.headers) {
    const { line } = header;
    const field = FIELDS[header.name.toLowerCase()] ?? (isRequest ? 'http.request.line' : 'http.response.line');
    const shown = displayText(bytes, header.valueStart, line.end);
    tree.field(field, header.name, shown, line.start, line.next - line.start, { raw: shown });
  }
}

/** Bytes of body that belong to this message, as far as this segment tells; -1 where they go on to the end. */
function bodyLength(head: Head, start: HttpStart): number {
  if (start.kind === 'response' && (start.code < 200 || start.code === 204 || start.code === 304)) return 0;
  if (headerValue(head, 'transfer-encoding')?.toLowerCase().includes('chunked') === true) return -1;
  const length = decimal(headerValue(head, 'content-length'));
  if (length !== undefined) return length;
  return start.kind === 'request' ? 0 : -1;
}

function infoText(start: HttpStart, head: Head): string {
  if (start.kind === 'request') return `${start.method} ${start.uri} ${start.version}`.trimEnd().slice(0, 400);
  const type = headerValue(head, 'content-type')?.split(';')[0];
  return `${start.version} ${start.code} ${start.phrase}`.trimEnd() + (type === undefined ? '' : `  (${type})`);
}

/** One message from `at`; returns where the next may begin. */
function showMessage(context: DissectContext, start: HttpStart, at: number, end: number, title: string): number {
  const { tree, bytes } = context;
  const head = readHead(bytes, at, end);
  const length = bodyLength(head, start);
  const bodyEnd = !head.whole || length < 0 ? end : Math.min(end, head.body + length);
  tree.layer(
    title === 'SSDP' ? 'ssdp' : 'http',
    title === 'SSDP' ? 'Simple Service Discovery Protocol' : 'Hypertext Transfer Protocol',
    at,
    bodyEnd - at,
  );
  showStart(context, start, head.first);
  showHeaders(context, head, start.kind === 'request');
  const size = bodyEnd - head.body;
  if (size > 0) {
    const chunked = headerValue(head, 'transfer-encoding')?.toLowerCase().includes('chunked') === true;
    tree.field(
      'http.file_data',
      chunked ? 'File Data (chunked)' : 'File Data',
      `${plural(size, 'byte')}: ${hexText(bytes, head.body, Math.min(bodyEnd, head.body + 32))}`,
      head.body,
      size,
    );
  }
  if (!head.whole) tree.expert('note', 'The header goes on in a later segment');
  else if (length > size) tree.expert('chat', `The body goes on in later segments: ${size} of ${length} bytes are here`);
  tree.close();
  return bodyEnd;
}

/** Messages that start in this segment; one that starts inside a body shows as bytes. */
function dissectMessages(context: DissectContext, start: number, end: number, title: 'HTTP' | 'SSDP'): void {
  let at = start;
  while (at < end) {
    const line = lineAt(context.bytes, at, end);
    const message = parseHttpStart(context.bytes, line);
    if (message === undefined) break;
    if (at === start) columns(context, title, infoText(message, readHead(context.bytes, at, end)));
    at = showMessage(context, message, at, end, title);
  }
  showData(context, at, end);
}

export function dissectHttp(context: DissectContext, start: number, end: number): void {
  dissectMessages(context, start, end, 'HTTP');
}

/** A whole start line with a version: needed where no port says HTTP. */
export function isHttp(context: DissectContext, start: number, end: number): boolean {
  const first = context.bytes[start];
  // Every method and `HTTP/` begin with a capital letter: most payloads are done here.
  if (first === undefined || first < 0x41 || first > 0x5a) return false;
  const line = lineAt(context.bytes, start, Math.min(end, start + MAX_START_LINE));
  if (!line.whole) return false;
  const message = parseHttpStart(context.bytes, line);
  return message !== undefined && message.version !== '';
}

/** Payload of a web port: TLS is spoken on ports meant for plain HTTP, and the other way round, and both are told by their first bytes. */
function dissectWeb(context: DissectContext, start: number, end: number): void {
  if (isTlsRecord(context.bytes, start, end) || isSsl2Hello(context.bytes, start, end)) dissectTls(context, start, end);
  else dissectHttp(context, start, end);
}

export function registerHttp(): void {
  register('tcp.port', [80, 591, 631, 1080, 2869, 3128, 3132, 5985, 8000, 8008, 8080, 8088, 8888, 11371], dissectWeb);
  register('tcp.port', TLS_PORTS, dissectWeb);
  registerHeuristic('tcp', isHttp, dissectHttp);
  register('udp.port', [1900], (context, start, end) => dissectMessages(context, start, end, 'SSDP'));
}
