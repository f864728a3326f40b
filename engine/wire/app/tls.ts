import { u16, u24 } from '../../base/index.ts';
import { registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, columns, expertShort, showData } from './common.ts';
import { hexNumber } from './text.ts';
import { showExtensions } from './tls-extensions.ts';
import type { HelloFacts } from './tls-extensions.ts';
import { TLS_ALERTS, TLS_CONTENT_TYPES, TLS_HANDSHAKES, tlsCipherName, tlsProtocolName, tlsVersionName } from './tls-names.ts';

const RECORD_HEADER = 5;
/** RFC 5246 section 6.2.3: 2^14 bytes of plaintext and up to 2048 more when encrypted. */
const MAX_RECORD = 16_384 + 2_048;
/** RFC 8446 section 4.1.3: this random value in a ServerHello makes it a HelloRetryRequest; its first four bytes. */
const RETRY_RANDOM = 0xcf21ad74;

interface Flow {
  readonly context: DissectContext;
  /** Words for the info column. */
  readonly info: string[];
  version: number;
  /** A change cipher spec was seen in this segment: what follows is encrypted. */
  encrypted: boolean;
}

/** True where a record can begin: a content type, version 3.x and a length within bounds. */
export function isTlsRecord(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < RECORD_HEADER) return false;
  const type = bytes[start]!;
  const length = u16(bytes, start + 3);
  return type >= 20 && type <= 24 && bytes[start + 1] === 3 && bytes[start + 2]! <= 4 && length > 0 && length <= MAX_RECORD;
}

const versionText = (value: number): string => `${tlsVersionName(value)} (${hexNumber(value, 4)})`;

function showHello(c: Cursor, flow: Flow, isClient: boolean): void {
  const version = c.uint(2, 'tls.handshake.version', 'Version', versionText);
  const retry = !isClient && c.left >= 4 && ((u16(c.bytes, c.at) << 16) | u16(c.bytes, c.at + 2)) >>> 0 === RETRY_RANDOM;
  c.data(32, 'tls.handshake.random', 'Random');
  // Drafts of TLS 1.3 up to 21 left session id and compression out of the ServerHello.
  const isDraft = !isClient && version >>> 8 === 0x7f;
  if (!isDraft) c.data(c.uint(1, 'tls.handshake.session_id_length', 'Session ID Length'), 'tls.handshake.session_id', 'Session ID');
  const cipherText = (suite: number): string => `${tlsCipherName(suite)} (${hexNumber(suite, 4)})`;
  if (isClient) {
    const length = c.uint(2, 'tls.handshake.cipher_suites_length', 'Cipher Suites Length');
    c.group('tls.handshake.ciphersuites', `Cipher Suites (${length >>> 1} suites)`, () => {
      c.within(length, (inner) => {
        while (inner.left >= 2) inner.uint(2, 'tls.handshake.ciphersuite', 'Cipher Suite', cipherText);
      });
    });
    c.within(c.uint(1, 'tls.handshake.comp_methods_length', 'Compression Methods Length'), (inner) => {
      while (inner.left > 0) inner.named(1, 'tls.handshake.comp_method', 'Compression Method', { 0: 'null', 1: 'DEFLATE' });
    });
  } else {
    c.uint(2, 'tls.handshake.ciphersuite', 'Cipher Suite', cipherText);
    if (!isDraft) c.named(1, 'tls.handshake.comp_method', 'Compression Method', { 0: 'null', 1: 'DEFLATE' });
  }
  const facts: HelloFacts = { serverName: '', alpn: '', selectedVersion: 0 };
  if (!c.short && c.left >= 2) showExtensions(c, isClient, facts);
  if (!isClient) flow.version = facts.selectedVersion === 0 ? version : facts.selectedVersion;
  if (isClient) flow.info.push(facts.serverName === '' ? 'Client Hello' : `Client Hello (SNI=${facts.serverName})`);
  else flow.info.push(retry ? 'Hello Retry Request' : 'Server Hello');
}

/** The list of RFC 5246 section 7.4.2; in TLS 1.3 a context stands before it, which the lengths tell apart. */
function showCertificates(c: Cursor): void {
  const whole = c.left;
  const plain = whole >= 3 && u24(c.bytes, c.at) === whole - 3;
  if (!plain) return;
  const length = c.uint(3, 'tls.handshake.certificates_length', 'Certificates Length');
  c.group('tls.handshake.certificates', `Certificates (${length} bytes)`, () => {
    c.within(length, (inner) => {
      while (inner.left >= 3) {
        const size = inner.uint(3, 'tls.handshake.certificate_length', 'Certificate Length');
        if (inner.data(size, 'tls.handshake.certificate', 'Certificate') < 0) return;
      }
    });
  });
}

/** Messages that may be longer than the record they begin in: hellos with large keys, and what holds certificates. */
const LONG_MESSAGES = new Set([1, 2, 11, 13, 22, 25]);
/** Longest of those believed; beyond it the length is more likely a part of something encrypted. */
const MAX_LONG_MESSAGE = 65_535;

/**
 * Whether a handshake record holds messages in the clear. Nothing in it says that it is encrypted: it shows in types or
 * lengths that make no sense. After a change cipher spec only hellos still come in the clear (RFC 8446 appendix D.4 sends
 * one before the second ClientHello).
 */
function isClear(c: Cursor, flow: Flow, complete: boolean): boolean {
  for (let at = c.at; at < c.end;) {
    const type = c.bytes[at]!;
    const left = c.end - at;
    if (TLS_HANDSHAKES[type] === undefined || (flow.encrypted && type !== 1 && type !== 2)) return false;
    // A record cut inside a message header says no more; one that began well is believed.
    if (left < 4) return !complete && at > c.at;
    const length = u24(c.bytes, at + 1);
    const rest = left - 4 - length;
    // Ciphers with a nonce in the record begin with zeros, which read as empty Hello Requests: those come alone.
    if (type === 0 && (length !== 0 || left !== 4)) return false;
    if (rest < 0) return length <= MAX_LONG_MESSAGE && (!complete || LONG_MESSAGES.has(type));
    at += 4 + length;
  }
  return true;
}

function showHandshake(c: Cursor, flow: Flow, complete: boolean): void {
  if (!isClear(c, flow, complete)) {
    flow.info.push('Encrypted Handshake Message');
    c.group('tls.handshake', 'Handshake Protocol: Encrypted Handshake Message', () => c.skip(c.left));
    return;
  }
  while (c.left >= 4 && !c.short) {
    const type = c.bytes[c.at]!;
    const length = u24(c.bytes, c.at + 1);
    const known = TLS_HANDSHAKES[type]!;
    c.group('tls.handshake', `Handshake Protocol: ${known}`, () => {
      c.named(1, 'tls.handshake.type', 'Handshake Type', TLS_HANDSHAKES);
      c.uint(3, 'tls.handshake.length', 'Length');
      c.within(length, (body) => {
        if (type === 1 || type === 2) showHello(body, flow, type === 1);
        else {
          flow.info.push(known);
          if (type === 11) showCertificates(body);
        }
        if (body.short) c.short = true;
      });
    });
  }
}

function showAlert(c: Cursor, flow: Flow): void {
  const level = c.bytes[c.at]!;
  if (c.left !== 2 || flow.encrypted || (level !== 1 && level !== 2)) {
    flow.info.push('Encrypted Alert');
    c.group('tls.alert_message', 'Alert Message: Encrypted Alert', () => c.skip(c.left));
    return;
  }
  const reason = TLS_ALERTS[c.bytes[c.at + 1]!] ?? 'Unknown';
  flow.info.push(`Alert (Level: ${level === 1 ? 'Warning' : 'Fatal'}, Description: ${reason})`);
  c.group('tls.alert_message', 'Alert Message', () => {
    c.named(1, 'tls.alert_message.level', 'Level', { 1: 'Warning', 2: 'Fatal' });
    c.named(1, 'tls.alert_message.desc', 'Description', TLS_ALERTS);
  });
}

function showRecord(c: Cursor, flow: Flow): void {
  const type = c.bytes[c.at]!;
  const version = u16(c.bytes, c.at + 1);
  const length = u16(c.bytes, c.at + 3);
  if (flow.version === 0) flow.version = version;
  const title = `${tlsProtocolName(version)} Record Layer: ${TLS_CONTENT_TYPES[type] ?? 'Unknown'} Protocol`;
  const complete = c.left >= RECORD_HEADER + length;
  c.group('tls.record', title, () => {
    c.named(1, 'tls.record.content_type', 'Content Type', TLS_CONTENT_TYPES);
    c.uint(2, 'tls.record.version', 'Version', versionText);
    c.uint(2, 'tls.record.length', 'Length');
    c.within(length, (body) => {
      if (type === 22) showHandshake(body, flow, complete);
      else if (type === 21) showAlert(body, flow);
      else if (type === 20) {
        flow.info.push('Change Cipher Spec');
        flow.encrypted = true;
        body.data(body.left, 'tls.change_cipher_spec', 'Change Cipher Spec Message');
      } else if (type === 23) {
        flow.info.push('Application Data');
        body.data(body.left, 'tls.app_data', 'Encrypted Application Data');
      } else {
        flow.info.push(flow.encrypted ? 'Encrypted Heartbeat' : 'Heartbeat');
        body.data(body.left, 'tls.heartbeat_message', 'Heartbeat Message');
      }
    });
    if (!complete) c.tree.expert('note', 'The record goes on in a later segment');
  });
}

/** SSLv2 ClientHello (RFC 5246 appendix E.2), as old clients open with. */
export function isSsl2Hello(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 11) return false;
  const length = u16(bytes, start) & 0x7fff;
  const version = u16(bytes, start + 3);
  const specs = u16(bytes, start + 5);
  const session = u16(bytes, start + 7);
  const challenge = u16(bytes, start + 9);
  return (
    (bytes[start]! & 0x80) !== 0 &&
    bytes[start + 2] === 1 &&
    (version === 2 || (version >= 0x0300 && version <= 0x0304)) &&
    specs > 0 &&
    specs % 3 === 0 &&
    challenge >= 16 &&
    challenge <= 32 &&
    length === 9 + specs + session + challenge
  );
}

function showSsl2Hello(context: DissectContext, start: number, end: number): void {
  const c = new Cursor(context, start, end);
  columns(context, 'SSLv2', 'Client Hello');
  c.tree.layer('tls', 'Transport Layer Security', start, end - start);
  c.group('tls.record', 'SSLv2 Record Layer: Client Hello', () => {
    c.uint(2, 'tls.record.length', 'Length', (value) => String(value & 0x7fff));
    c.named(1, 'tls.handshake.type', 'Handshake Message Type', TLS_HANDSHAKES);
    c.uint(2, 'tls.handshake.version', 'Version', versionText);
    const specs = c.uint(2, 'tls.handshake.cipher_spec_len', 'Cipher Spec Length');
    const session = c.uint(2, 'tls.handshake.session_id_length', 'Session ID Length');
    const challenge = c.uint(2, 'tls.handshake.challenge_length', 'Challenge Length');
    c.within(specs, (inner) => {
      while (inner.left >= 3) inner.hex(3, 'tls.handshake.cipherspec', 'Cipher Spec');
    });
    c.data(session, 'tls.handshake.session_id', 'Session ID');
    c.data(challenge, 'tls.handshake.challenge', 'Challenge');
  });
  if (c.short) expertShort(context, 'TLS', end);
  c.tree.close();
}

/**
 * TLS records that start in this segment. A segment that starts inside a record shows as bytes: without the segments
 * before it nothing about it is known.
 */
export function dissectTls(context: DissectContext, start: number, end: number): void {
  const { bytes, tree } = context;
  if (!isTlsRecord(bytes, start, end)) {
    if (isSsl2Hello(bytes, start, end)) showSsl2Hello(context, start, end);
    else showData(context, start, end);
    return;
  }
  const flow: Flow = { context, info: [], version: 0, encrypted: false };
  tree.layer('tls', 'Transport Layer Security', start, end - start);
  const c = new Cursor(context, start, end);
  while (isTlsRecord(bytes, c.at, c.end)) showRecord(c, flow);
  const after = c.at;
  if (after < end) tree.field('tls.segment.data', 'TLS segment data', `${end - after} bytes`, after, end - after);
  if (context.wireEnd > end && c.short) expertShort(context, 'TLS', end);
  tree.close();
  columns(context, tlsProtocolName(flow.version), flow.info.join(', '));
}

/** Records on a port that nothing is registered for. */
function looksLikeTls(context: DissectContext, start: number, end: number): boolean {
  const { bytes } = context;
  if (isSsl2Hello(bytes, start, end)) return true;
  if (end - start < RECORD_HEADER + 4 || !isTlsRecord(bytes, start, end)) return false;
  const next = start + RECORD_HEADER + u16(bytes, start + 3);
  // One record that ends here, one that goes on in the next segment, or one with another behind it.
  return next >= end || isTlsRecord(bytes, next, end);
}

/** Ports of TLS from its first byte: HTTPS, SMTPS, NNTPS, LDAPS, DNS over TLS, FTPS, IMAPS, POP3S, MQTT, SIPS, 8443. */
export const TLS_PORTS = [443, 465, 563, 614, 636, 853, 989, 990, 992, 993, 994, 995, 4433, 4443, 5061, 5349, 8443, 8883, 9443] as const;

export function registerTls(): void {
  registerHeuristic('tcp', looksLikeTls, dissectTls);
}
