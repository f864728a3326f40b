import { putU16, putU32, u16 } from '../base/index.ts';
import { finishSum, pseudoSum6, sum16, updateChecksumSums } from '../wire/index.ts';
import { copyBytes } from './bytes.ts';
import type { Context } from './context.ts';
import { copyExtension, fittingExtension, MIN_QUOTE_BYTES, paddedQuote, quotedBytes } from './icmp-extension.ts';
import { hasLength4, hasLength6, icmp46, ICMP4, isError4, mtu46, pointer46 } from './icmp-types.ts';
import { FRAGMENT_BYTES, IPV6_BYTES, PROTOCOL, type PacketView } from './packet-view.ts';
import { REASON } from './reasons.ts';
import { patchTransport } from './transport.ts';

const ICMP_BYTES = 8;

/** RFC 4443 section 2.4 (c): an ICMPv6 error is never larger than the least MTU of IPv6. What follows its header is quote and extension. */
const MAX_BODY_BYTES = 1_280 - IPV6_BYTES - ICMP_BYTES;

/** IPv6 header of the view, with the fragment header where `fragment`; returns their bytes (RFC 7915 section 4.1). */
function writeHeader(
  context: Context,
  view: PacketView,
  out: Uint8Array,
  at: number,
  transportBytes: number,
  hops: number,
  fragment: boolean,
): number {
  const next = view.protocol === PROTOCOL.icmp ? PROTOCOL.icmpv6 : view.protocol;
  const trafficClass = context.trafficClassCopy ? view.tos : 0;
  putU32(out, at, (0x60000000 | (trafficClass << 20)) >>> 0);
  putU16(out, at + 4, transportBytes + (fragment ? FRAGMENT_BYTES : 0));
  out[at + 6] = fragment ? PROTOCOL.fragment : next;
  out[at + 7] = hops;
  copyBytes(out, at + 8, context.mapper.addresses6, 0, 32);
  if (!fragment) return IPV6_BYTES;
  writeFragmentHeader(out, at + IPV6_BYTES, next, view.fragmentOffset, view.moreFragments, view.identification);
  return IPV6_BYTES + FRAGMENT_BYTES;
}

/** Fragment header (RFC 8200 section 4.5): the identification is the 16 bits of IPv4 with zeros before. */
export function writeFragmentHeader(
  out: Uint8Array,
  at: number,
  next: number,
  offsetBytes: number,
  more: boolean,
  identification: number,
): void {
  out[at] = next;
  out[at + 1] = 0;
  putU16(out, at + 2, offsetBytes | (more ? 1 : 0));
  putU32(out, at + 4, identification);
}

/** Bytes of the IPv6 packet made of the view, ICMP errors apart. */
export function wireBytes46(view: PacketView): number {
  return IPV6_BYTES + (view.fragmented ? FRAGMENT_BYTES : 0) + view.transportBytes;
}

/** Writes the view, an IPv4 packet, as IPv6; as write64. */
export function write46(context: Context, view: PacketView, out: Uint8Array, at: number): number {
  const hops = view.ttl - context.hopCost;
  if (view.protocol === PROTOCOL.icmp && view.icmpError) return writeError46(context, view, out, at, hops);
  const headerBytes = writeHeader(context, view, out, at, view.transportBytes, hops, view.fragmented);
  const t = at + headerBytes;
  copyBytes(out, t, view.b, view.transport, view.capturedBytes);
  const code = patch46(context, view, out, at, t, false);
  context.writtenBytes = headerBytes + view.capturedBytes;
  context.wireBytes = headerBytes + view.transportBytes;
  return code;
}

function patch46(context: Context, view: PacketView, out: Uint8Array, at: number, t: number, quoted: boolean): number {
  if (view.fragmentOffset !== 0) return 0;
  const available = t + view.capturedBytes;
  const { sourcePort, destinationPort } = context.mapper;
  if (view.protocol === PROTOCOL.icmp) {
    patchEcho46(view, out, at, t, available, sourcePort >= 0 ? sourcePort : destinationPort);
    return 0;
  }
  const oldSum = sum16(view.b, view.o + 12, view.o + 20);
  const zero = view.protocol === PROTOCOL.udp && t + 8 <= available && u16(out, t + 6) === 0;
  patchTransport(out, t, available, view.protocol, oldSum, sum16(out, at + 8, at + 40), sourcePort, destinationPort);
  return zero && !quoted ? computeZero(context, view, out, at, t, available) : 0;
}

/** UDP without checksum, which IPv6 does not take (RFC 7915 section 4.5). */
function computeZero(context: Context, view: PacketView, out: Uint8Array, at: number, t: number, available: number): number {
  const policy = context.settings.spec.udpZeroChecksum;
  if (policy === 'forward') return 0;
  if (policy === 'drop') return REASON.udpZeroDropped;
  if (view.moreFragments) return REASON.udpZeroFragment;
  if (view.truncated) return REASON.udpZeroTruncated;
  const length = u16(out, t + 4);
  const sum = sum16(out, t, Math.min(available, t + length), pseudoSum6(out, at + 8, at + 24, PROTOCOL.udp, length));
  const check = finishSum(sum);
  putU16(out, t + 6, check === 0 ? 0xffff : check);
  return 0;
}

function patchEcho46(view: PacketView, out: Uint8Array, at: number, t: number, available: number, identifier: number): void {
  const value = available >= t + 2 ? icmp46(out[t]!, out[t + 1]!) : -1;
  if (value < 0) return;
  let before = u16(out, t);
  let after = value + pseudoSum6(out, at + 8, at + 24, PROTOCOL.icmpv6, view.transportBytes);
  putU16(out, t, value);
  if (identifier >= 0 && available >= t + 6) {
    before += u16(out, t + 4);
    after += identifier;
    putU16(out, t + 4, identifier);
  }
  if (available >= t + 4) putU16(out, t + 2, updateChecksumSums(u16(out, t + 2), before, after));
}

/** ICMP errors (RFC 7915 sections 4.2 and 4.3), cut to the least MTU of IPv6. */
function writeError46(context: Context, view: PacketView, out: Uint8Array, at: number, hops: number): number {
  const { b, transport: from, end, available } = view;
  const { inner, mapper } = context;
  const type = b[from]!;
  const value = icmp46(type, b[from + 1]!);
  if (value < 0) return -value;
  const t = at + IPV6_BYTES;
  const quoted = quotedBytes(b, from, end, available, hasLength4(type) ? b[from + 5]! * 4 : 0);
  const extension = end - from - ICMP_BYTES - quoted;
  const innerCode = inner.parse4(b, from + ICMP_BYTES, Math.min(quoted, available - from - ICMP_BYTES), quoted, true, false);
  if (innerCode !== 0) return REASON.icmpInner;
  // The outer addresses are written before the mapper is asked for the inner ones.
  writeHeader(context, view, out, at, 0, hops, false);
  const mapped = mapper.map46(inner, true, context.nowNs, context.hairpinned);
  if (mapped !== 0) return mapped;
  const parameter = parameter46(context, type, value, b, from);
  if (parameter < 0) return REASON.icmpPointer;
  putU16(out, t, value);
  putU16(out, t + 2, 0);
  putU32(out, t + 4, parameter);
  const innerHeader = IPV6_BYTES + (inner.fragmented ? FRAGMENT_BYTES : 0);
  const whole = innerHeader + Math.max(0, Math.min(from + ICMP_BYTES + quoted, inner.end) - inner.transport);
  // RFC 4884 section 4.6: messages without a length have no extension.
  const kept = hasLength6(value >>> 8) ? keptExtension46(view, extension) : 0;
  const room = MAX_BODY_BYTES - kept;
  const padded = kept > 0 ? Math.min(paddedQuote(whole, 8), room & ~7) : Math.min(whole, room);
  let wrote = t + ICMP_BYTES + writeInner46(context, t + ICMP_BYTES, out);
  if (wrote < t + ICMP_BYTES) return REASON.icmpInner;
  wrote = Math.min(wrote, t + ICMP_BYTES + padded);
  if (kept > 0 && !view.truncated) {
    out.fill(0, wrote, t + ICMP_BYTES + padded);
    wrote = t + ICMP_BYTES + padded;
    copyExtension(out, wrote, b, end - extension, extension, kept);
    wrote += kept;
  }
  if (kept > 0) out[t + 4] = padded >>> 3;
  const bytes = ICMP_BYTES + padded + kept;
  putU16(out, at + 4, bytes);
  const before = sum16(b, from, available) - u16(b, from + 2);
  const after = sum16(out, t, wrote) + pseudoSum6(out, at + 8, at + 24, PROTOCOL.icmpv6, bytes);
  putU16(out, t + 2, updateChecksumSums(u16(b, from + 2), before, after));
  context.writtenBytes = wrote - at;
  context.wireBytes = IPV6_BYTES + bytes;
  return 0;
}

/** Bytes of an extension of `bytes` that stay in an ICMPv6 error beside the least quote; what the capture lacks is cut by length alone. */
function keptExtension46({ b, end, truncated }: PacketView, bytes: number): number {
  const room = MAX_BODY_BYTES - MIN_QUOTE_BYTES;
  return truncated ? Math.min(bytes, room) : fittingExtension(b, end - bytes, bytes, room);
}

/** Bytes 4 to 7 of the ICMPv6 error, or -1 where the pointer has no counterpart. */
function parameter46(context: Context, type: number, value: number, b: Uint8Array, from: number): number {
  const { spec, plateaus } = context.settings;
  if (type === ICMP4.unreachable && value >>> 8 === 2) {
    const total = u16(b, from + ICMP_BYTES + 2);
    return mtu46(u16(b, from + 6), total, spec.mtu4, spec.mtu6, plateaus);
  }
  // Protocol unreachable: the pointer is the place of the next header field.
  if (type === ICMP4.unreachable && value >>> 8 === 4) return 6;
  return type === ICMP4.parameterProblem ? pointer46(b[from + 4]!) : 0;
}

function writeInner46(context: Context, at: number, out: Uint8Array): number {
  const { inner } = context;
  const icmp = inner.protocol === PROTOCOL.icmp;
  if (icmp && inner.fragmentOffset === 0 && inner.capturedBytes >= 1 && isError4(inner.b[inner.transport]!)) return -1;
  if (inner.transportBytes + FRAGMENT_BYTES > 0xffff) return -1;
  const headerBytes = writeHeader(context, inner, out, at, inner.transportBytes, inner.ttl, inner.fragmented);
  const t = at + headerBytes;
  const bytes = Math.max(0, inner.capturedBytes);
  copyBytes(out, t, inner.b, inner.transport, bytes);
  patch46(context, inner, out, at, t, true);
  return headerBytes + bytes;
}
