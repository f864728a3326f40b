import { u16 } from '../../base/index.ts';
import { register, registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, bits, columns, expertShort, flag, showData } from './common.ts';
import { displayText } from './text.ts';

const TYPES: Readonly<Record<number, string>> = {
  200: 'Sender Report',
  201: 'Receiver Report',
  202: 'Source description',
  203: 'Goodbye',
  204: 'Application specific',
  205: 'Generic RTP Feedback',
  206: 'Payload-specific Feedback',
  207: 'Extended report (RFC 3611)',
};
const SDES_ITEMS: Readonly<Record<number, string>> = {
  0: 'END',
  1: 'CNAME (user and domain)',
  2: 'NAME (common name)',
  3: 'EMAIL (e-mail address)',
  4: 'PHONE (phone number)',
  5: 'LOC (geographic location)',
  6: 'TOOL (name/version of source app)',
  7: 'NOTE (note about source)',
  8: 'PRIV (private extensions)',
};

/**
 * True for a compound packet as RFC 3550 appendix A.2 checks it: version 2, a report first, and lengths that end exactly
 * where the datagram does.
 */
export function isRtcpCompound(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 8 || (bytes[start + 1] !== 200 && bytes[start + 1] !== 201) || (bytes[start]! & 0x20) !== 0) return false;
  const reports = bytes[start]! & 0x1f;
  const minimum = (bytes[start + 1] === 200 ? 28 : 8) + reports * 24;
  if ((u16(bytes, start + 2) + 1) * 4 < minimum) return false;
  let at = start;
  while (at + 4 <= end) {
    if (bytes[at]! >>> 6 !== 2 || TYPES[bytes[at + 1]!] === undefined) return false;
    at += (u16(bytes, at + 2) + 1) * 4;
  }
  return at === end;
}

function showReports(c: Cursor, count: number): void {
  for (let i = 0; i < count && c.left >= 24; i++) {
    c.group('', `Source ${i + 1}`, () => {
      c.hex(4, 'rtcp.ssrc.identifier', 'Identifier');
      c.uint(1, 'rtcp.ssrc.fraction', 'Fraction lost', (v) => `${v} / 256`);
      // A signed number of 24 bits (RFC 3550 section 6.4.1).
      c.uint(3, 'rtcp.ssrc.cum_nr', 'Cumulative number of packets lost', (v) => String((v << 8) >> 8));
      c.uint(4, 'rtcp.ssrc.ext_high', 'Extended highest sequence number received');
      c.uint(4, 'rtcp.ssrc.jitter', 'Interarrival jitter');
      c.uint(4, 'rtcp.ssrc.lsr', 'Last SR timestamp');
      c.uint(4, 'rtcp.ssrc.dlsr', 'Delay since last SR timestamp');
    });
  }
}

function showSdes(c: Cursor, count: number): void {
  for (let chunk = 0; chunk < count && c.left >= 4; chunk++) {
    c.group('', `Chunk ${chunk + 1}`, () => {
      const start = c.at;
      c.hex(4, 'rtcp.ssrc.identifier', 'Identifier');
      while (c.left > 0) {
        const type = c.named(1, 'rtcp.sdes.type', 'Type', SDES_ITEMS);
        if (type === 0) break;
        const length = c.uint(1, 'rtcp.sdes.length', 'Length');
        const o = c.skip(length);
        if (o < 0) return;
        const text = displayText(c.bytes, o, o + length);
        c.tree.field('rtcp.sdes.text', 'Text', text, o, length, { raw: text });
      }
      // Chunks end on a 32-bit boundary.
      c.skip(Math.min(c.left, (4 - ((c.at - start) & 3)) & 3));
    });
  }
}

/** Why a source leaves (RFC 3550 section 6.6): a length, a text, and zeros up to a 32-bit boundary. */
function showReason(c: Cursor): void {
  if (c.left === 0) return;
  const length = Math.min(c.uint(1, 'rtcp.sdes.length', 'Length'), c.left);
  const o = c.skip(length);
  const text = displayText(c.bytes, o, o + length);
  c.tree.field('rtcp.sdes.text', 'Text', text, o, length, { raw: text });
  let end = c.at;
  while (end < c.end && c.bytes[end] === 0) end++;
  if (end === c.end) c.skip(c.left);
}

/**
 * Bytes of padding at the end of a packet, its count among them: the last byte says how many, a multiple of four
 * (RFC 3550 section 6.4.1). 0 where that cannot be.
 */
function paddingOf(c: Cursor, first: number): number {
  if ((first & 0x20) === 0 || c.left === 0) return 0;
  const count = c.bytes[c.end - 1]!;
  return count > 0 && count % 4 === 0 && count <= c.left ? count : 0;
}

function showPadded(c: Cursor, type: number, first: number): void {
  const padding = paddingOf(c, first);
  c.within(c.left - padding, (body) => showBody(body, type, first & 0x1f));
  if (padding === 0) return;
  c.data(padding - 1, 'rtcp.padding.data', 'Padding data');
  c.uint(1, 'rtcp.padding.count', 'Padding count');
}

function showBody(c: Cursor, type: number, count: number): void {
  switch (type) {
    case 200:
      c.hex(4, 'rtcp.senderssrc', 'Sender SSRC');
      c.uint(4, 'rtcp.timestamp.ntp.msw', 'Timestamp, MSW');
      c.uint(4, 'rtcp.timestamp.ntp.lsw', 'Timestamp, LSW');
      c.uint(4, 'rtcp.timestamp.rtp', 'RTP timestamp');
      c.uint(4, 'rtcp.sender.packetcount', "Sender's packet count");
      c.uint(4, 'rtcp.sender.octetcount', "Sender's octet count");
      showReports(c, count);
      break;
    case 201:
      c.hex(4, 'rtcp.senderssrc', 'Sender SSRC');
      showReports(c, count);
      break;
    case 202:
      showSdes(c, count);
      break;
    case 203:
      for (let i = 0; i < count && c.left >= 4; i++) c.hex(4, 'rtcp.ssrc.identifier', 'Identifier');
      showReason(c);
      break;
    case 204: {
      c.hex(4, 'rtcp.ssrc.identifier', 'Identifier');
      const o = c.skip(4);
      if (o >= 0) c.tree.field('rtcp.app.name', 'Name (ASCII)', displayText(c.bytes, o, o + 4), o, 4);
      c.data(c.left, 'rtcp.app.data', 'Application specific data');
      break;
    }
    case 205:
    case 206:
      c.hex(4, 'rtcp.senderssrc', 'Sender SSRC');
      c.hex(4, 'rtcp.mediassrc', 'Media source SSRC');
      break;
    default:
      c.hex(4, 'rtcp.senderssrc', 'Sender SSRC');
  }
  c.data(c.left, 'data.data', 'Data');
}

export function dissectRtcp(context: DissectContext, start: number, end: number): void {
  const { bytes, tree } = context;
  if (end - start < 4 || bytes[start]! >>> 6 !== 2 || TYPES[bytes[start + 1]!] === undefined) {
    showData(context, start, end);
    return;
  }
  const words: string[] = [];
  const c = new Cursor(context, start, end);
  while (c.left >= 4 && !c.short && bytes[c.at]! >>> 6 === 2 && TYPES[bytes[c.at + 1]!] !== undefined) {
    const first = bytes[c.at]!;
    const type = bytes[c.at + 1]!;
    const length = (u16(bytes, c.at + 2) + 1) * 4;
    const o = c.at;
    tree.layer('rtcp', `Real-time Transport Control Protocol (${TYPES[type]!})`, o, Math.min(length, c.left));
    bits(c, 'rtcp.version', 'Version', first, 0xc0, o, 1, (v) => `RFC 1889 Version (${v})`);
    flag(c, 'rtcp.padding', 'Padding', first, 0x20, o, 1);
    const counts = type === 202 || type === 203;
    bits(
      c,
      counts ? 'rtcp.sc' : type === 204 ? 'rtcp.app.subtype' : 'rtcp.rc',
      counts ? 'Source count' : type === 204 ? 'Subtype' : 'Reception report count',
      first,
      0x1f,
      o,
      1,
    );
    c.skip(1);
    c.named(1, 'rtcp.pt', 'Packet type', TYPES);
    c.uint(2, 'rtcp.length', 'Length', (v) => `${v} (${(v + 1) * 4} bytes)`);
    c.within(length - 4, (body) => showPadded(body, type, first));
    if (c.short) expertShort(context, 'RTCP', end);
    tree.close();
    words.push(TYPES[type]!);
  }
  columns(context, 'RTCP', words.join('   '));
  showData(context, c.at, end);
}

export function registerRtcp(): void {
  register('udp.port', [5005], dissectRtcp);
  registerHeuristic(
    'udp',
    (context, start, end) => context.sourcePort >= 1024 && context.destinationPort >= 1024 && isRtcpCompound(context.bytes, start, end),
    dissectRtcp,
  );
}
