import { u16, u32 } from '../../base/index.ts';
import { register, registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, bits, columns, expertShort, flag, showData } from './common.ts';
import { hexNumber } from './text.ts';
import { ByteWriter } from './writer.ts';

/** Static payload types of RFC 3551 section 6. */
const PAYLOADS: Readonly<Record<number, string>> = {
  0: 'ITU-T G.711 PCMU',
  3: 'GSM 06.10',
  4: 'ITU-T G.723',
  5: 'DVI4 8000 samples/s',
  6: 'DVI4 16000 samples/s',
  7: 'Experimental linear predictive encoding from Xerox PARC',
  8: 'ITU-T G.711 PCMA',
  9: 'ITU-T G.722',
  10: '16-bit uncompressed audio, stereo',
  11: '16-bit uncompressed audio, monaural',
  12: 'Qualcomm Code Excited Linear Predictive coding',
  13: 'Comfort noise',
  14: 'MPEG-I/II Audio',
  15: 'ITU-T G.728',
  16: 'DVI4 11025 samples/s',
  17: 'DVI4 22050 samples/s',
  18: 'ITU-T G.729',
  25: 'Sun CellB video encoding',
  26: 'JPEG-compressed video',
  28: "'nv' program",
  31: 'ITU-T H.261',
  32: 'MPEG-I/II Video',
  33: 'MPEG-II transport streams',
  34: 'ITU-T H.263',
};

export interface RtpHeader {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** Payload is [start, end); padding stands after it. */
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/** The header of RFC 3550 section 5.1, or undefined where the bytes cannot be RTP. */
export function parseRtp(bytes: Uint8Array, start: number, end: number): RtpHeader | undefined {
  if (end - start < 12 || bytes[start]! >>> 6 !== 2) return undefined;
  const first = bytes[start]!;
  let at = start + 12 + (first & 15) * 4;
  if ((first & 0x10) !== 0) {
    if (at + 4 > end) return undefined;
    at += 4 + u16(bytes, at + 2) * 4;
  }
  if (at > end) return undefined;
  const padding = (first & 0x20) === 0 ? 0 : bytes[end - 1]!;
  if ((first & 0x20) !== 0 && (padding === 0 || padding > end - at)) return undefined;
  return {
    marker: (bytes[start + 1]! & 0x80) !== 0,
    payloadType: bytes[start + 1]! & 0x7f,
    sequence: u16(bytes, start + 2),
    timestamp: u32(bytes, start + 4),
    ssrc: u32(bytes, start + 8),
    payloadStart: at,
    payloadEnd: end - padding,
  };
}

/**
 * Whether payload bytes of a static type have a size that its codec makes: frames of a fixed size or a fixed time.
 * Two bits of version alone are met by a quarter of all random bytes, so types without such a size are not guessed.
 */
function sizeFits(payloadType: number, size: number): boolean {
  switch (payloadType) {
    case 0:
    case 8:
    case 9:
      // 10, 20, 30, 40 or 60 ms of 8 bytes a millisecond.
      return [80, 160, 240, 320, 480].includes(size);
    case 3:
      return size === 33 || size === 66;
    case 4:
      return [4, 20, 24, 44, 48].includes(size);
    case 18:
      return [2, 10, 12, 20, 22, 30, 40].includes(size);
    case 33:
      return size > 0 && size % 188 === 0;
    default:
      return false;
  }
}

/** Strict: see sizeFits; both ports even and unprivileged, and no contributing sources. */
export function isRtp(context: DissectContext, start: number, end: number): boolean {
  const { bytes, sourcePort, destinationPort } = context;
  if (sourcePort < 1024 || destinationPort < 1024 || ((sourcePort | destinationPort) & 1) !== 0) return false;
  if (end - start < 14 || bytes[start] !== 0x80) return false;
  const header = parseRtp(bytes, start, end);
  if (header === undefined || header.ssrc === 0) return false;
  if (header.payloadType === 33 && bytes[header.payloadStart] !== 0x47) return false;
  return sizeFits(header.payloadType, header.payloadEnd - header.payloadStart);
}

export function payloadName(type: number): string {
  return PAYLOADS[type] ?? (type >= 96 ? `DynamicRTP-Type-${type}` : 'Unassigned');
}

export function dissectRtp(context: DissectContext, start: number, end: number): void {
  const header = parseRtp(context.bytes, start, end);
  if (header === undefined) {
    showData(context, start, end);
    return;
  }
  const { tree, bytes } = context;
  columns(
    context,
    'RTP',
    `PT=${payloadName(header.payloadType)}, SSRC=${hexNumber(header.ssrc, 0).toUpperCase().replace('X', 'x')}, Seq=${header.sequence}, Time=${header.timestamp}${header.marker ? ', Mark' : ''}`,
  );
  tree.layer('rtp', 'Real-Time Transport Protocol', start, end - start);
  const c = new Cursor(context, start, end);
  const first = bytes[start]!;
  const second = bytes[start + 1]!;
  bits(c, 'rtp.version', 'Version', first, 0xc0, start, 1, (v) => `RFC 1889 Version (${v})`);
  flag(c, 'rtp.padding', 'Padding', first, 0x20, start, 1);
  flag(c, 'rtp.ext', 'Extension', first, 0x10, start, 1);
  bits(c, 'rtp.cc', 'Contributing source identifiers count', first, 0x0f, start, 1);
  flag(c, 'rtp.marker', 'Marker', second, 0x80, start + 1, 1);
  bits(c, 'rtp.p_type', 'Payload type', second, 0x7f, start + 1, 1, (v) => `${payloadName(v)} (${v})`);
  c.skip(2);
  c.uint(2, 'rtp.seq', 'Sequence number');
  c.uint(4, 'rtp.timestamp', 'Timestamp');
  c.hex(4, 'rtp.ssrc', 'Synchronization Source identifier');
  for (let i = first & 15; i > 0; i--) c.hex(4, 'rtp.csrc.item', 'CSRC item');
  if ((first & 0x10) !== 0) {
    c.hex(2, 'rtp.ext.profile', 'Defined by profile');
    c.data(c.uint(2, 'rtp.ext.len', 'Extension length') * 4, 'rtp.hdr_exts', 'Header extensions');
  }
  c.data(header.payloadEnd - header.payloadStart, 'rtp.payload', 'Payload');
  if (header.payloadEnd < end) {
    c.data(end - header.payloadEnd - 1, 'rtp.padding.data', 'Padding data');
    c.uint(1, 'rtp.padding.count', 'Padding count');
  }
  if (c.short) expertShort(context, 'RTP', end);
  tree.close();
}

/** An RTP packet without padding, extension or contributing sources. */
export function buildRtp(header: Omit<RtpHeader, 'payloadStart' | 'payloadEnd'>, payload: Uint8Array): Uint8Array {
  const w = new ByteWriter();
  w.u8(0x80)
    .u8((header.marker ? 0x80 : 0) | header.payloadType)
    .u16(header.sequence)
    .u32(header.timestamp)
    .u32(header.ssrc)
    .bytes(payload);
  return w.done();
}

export function registerRtp(): void {
  // 5004 is registered for RTP media data, 5005 for its control (IANA service names).
  register('udp.port', [5004], dissectRtp);
  registerHeuristic('udp', isRtp, dissectRtp);
}
