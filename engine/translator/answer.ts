import { putU16, putU32, u32 } from '../base/index.ts';
import { checksum, pseudoSum6 } from '../wire/index.ts';
import { copyBytes } from './bytes.ts';
import type { Context } from './context.ts';
import { isError4, isError6 } from './icmp-types.ts';
import { IPV4_BYTES, IPV6_BYTES, PROTOCOL, type PacketView } from './packet-view.ts';
import { SINK_KIND, type PacketSink } from './packet-sink.ts';
import { isIllegalSource4 } from './prefix64.ts';
import { REASON } from './reasons.ts';

/** RFC 1812 section 4.3.2.3: an ICMP error quotes as much as fits in 576 bytes. */
const MAX_ANSWER4_BYTES = 576;
/** RFC 4443 section 2.4 (c). */
const MAX_ANSWER6_BYTES = 1_280;
const ICMP_BYTES = 8;

/**
 * Sends an ICMP error about the view back to its source, on the side it came from: `typeCode` is type and code in one word, `parameter` bytes 4 to
 * 7. Returns `code`, or answerSuppressed where none may be sent (about errors, later fragments, from or to more than one host), answerLimited
 * where as many have been sent as may, or sinkFull.
 */
export function answer(context: Context, view: PacketView, typeCode: number, parameter: number, code: number, sink: PacketSink): number {
  const four = view.family === 4;
  if (!(four ? mayAnswer4(view) : mayAnswer6(view, typeCode >>> 8 === 2))) return REASON.answerSuppressed;
  if (!context.errors.take(context.nowNs)) return REASON.answerLimited;
  return four ? answer4(context, view, typeCode, parameter, code, sink) : answer6(context, view, typeCode, parameter, code, sink);
}

/** RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.7. */
function mayAnswer4(view: PacketView): boolean {
  const { b, o } = view;
  if (view.fragmentOffset !== 0 || isIllegalSource4(u32(b, o + 12)) || b[o + 16]! >= 224) return false;
  return view.protocol !== PROTOCOL.icmp || (view.capturedBytes >= 1 && !isError4(b[view.transport]!));
}

/** RFC 4443 section 2.4 (e); packet too big may answer multicast. */
function mayAnswer6(view: PacketView, tooBig: boolean): boolean {
  const { b, o } = view;
  if (b[o + 8] === 0xff || (b[o + 24] === 0xff && !tooBig)) return false;
  let any = 0;
  for (let i = 8; i < 24; i++) any |= b[o + i]!;
  if (any === 0) return false;
  return view.protocol !== PROTOCOL.icmpv6 || view.fragmentOffset !== 0 || (view.capturedBytes >= 1 && !isError6(b[view.transport]!));
}

function answer4(context: Context, view: PacketView, typeCode: number, parameter: number, code: number, sink: PacketSink): number {
  const { b, o } = view;
  const quoted = Math.min(view.available - o, MAX_ANSWER4_BYTES - IPV4_BYTES - ICMP_BYTES);
  const bytes = IPV4_BYTES + ICMP_BYTES + quoted;
  const at = sink.reserve(bytes);
  if (at < 0) return REASON.sinkFull;
  const out = sink.bytes;
  out[at] = 0x45;
  // RFC 1812 section 4.3.2.5: errors have precedence 6 (internetwork control).
  out[at + 1] = 0xc0;
  putU16(out, at + 2, bytes);
  putU16(out, at + 4, context.takeIdentification());
  putU16(out, at + 6, 0);
  out[at + 8] = context.settings.spec.routeHopLimit;
  out[at + 9] = PROTOCOL.icmp;
  putU16(out, at + 10, 0);
  putU32(out, at + 12, context.settings.own4);
  copyBytes(out, at + 16, b, o + 12, 4);
  putU16(out, at + 10, checksum(out, at, at + IPV4_BYTES));
  const t = at + IPV4_BYTES;
  putU16(out, t, typeCode);
  putU16(out, t + 2, 0);
  putU32(out, t + 4, parameter);
  copyBytes(out, t + ICMP_BYTES, b, o, quoted);
  putU16(out, t + 2, checksum(out, t, at + bytes));
  sink.push(bytes, bytes, 4, SINK_KIND.error);
  return code;
}

function answer6(context: Context, view: PacketView, typeCode: number, parameter: number, code: number, sink: PacketSink): number {
  const { b, o } = view;
  const quoted = Math.min(view.available - o, MAX_ANSWER6_BYTES - IPV6_BYTES - ICMP_BYTES);
  const bytes = IPV6_BYTES + ICMP_BYTES + quoted;
  const at = sink.reserve(bytes);
  if (at < 0) return REASON.sinkFull;
  const out = sink.bytes;
  putU32(out, at, 0x60000000);
  putU16(out, at + 4, ICMP_BYTES + quoted);
  out[at + 6] = PROTOCOL.icmpv6;
  out[at + 7] = context.settings.spec.routeHopLimit;
  copyBytes(out, at + 8, context.settings.own6, 0, 16);
  copyBytes(out, at + 24, b, o + 8, 16);
  const t = at + IPV6_BYTES;
  putU16(out, t, typeCode);
  putU16(out, t + 2, 0);
  putU32(out, t + 4, parameter);
  copyBytes(out, t + ICMP_BYTES, b, o, quoted);
  putU16(out, t + 2, checksum(out, t, at + bytes, pseudoSum6(out, at + 8, at + 24, PROTOCOL.icmpv6, ICMP_BYTES + quoted)));
  sink.push(bytes, bytes, 6, SINK_KIND.error);
  return code;
}
