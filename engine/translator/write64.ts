import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { checksum, pseudoSum6, sum16, updateChecksumSums } from '../wire/index.ts';
import { copyBytes } from './bytes.ts';
import type { Context } from './context.ts';
import { appendRouter, MAX_QUOTE4_BYTES, paddedQuote, quotedBytes, routerBytes } from './icmp-extension.ts';
import { hasLength4, hasLength6, icmp64, ICMP6, isError6, mtu64, pointer64 } from './icmp-types.ts';
import { IPV4_BYTES, PROTOCOL, type PacketView } from './packet-view.ts';
import { REASON } from './reasons.ts';
import { patchTransport } from './transport.ts';

/** RFC 7915 section 5.1: up to this many bytes DF is clear, so that routers may cut the packet; above it is set. */
export const DF_CLEAR_UP_TO_BYTES = 1_260;

/** What every IPv4 host can put together (RFC 791 section 3.2). */
const LEAST_REASSEMBLY4_BYTES = 576;

/** ICMP header with its four bytes of parameters. */
const ICMP_BYTES = 8;

/** True if the IPv4 packet made of the view has DF set. */
export function hasDf64(context: Context, view: PacketView): boolean {
  if (view.hasFragmentHeader) return false;
  const rule = context.settings.spec.df;
  return rule === 'by-size' ? IPV4_BYTES + view.transportBytes > DF_CLEAR_UP_TO_BYTES : rule === 'always';
}

/** IPv4 header of the view for `transportBytes` of payload (RFC 7915 section 5.1 and 5.1.1); addresses come from the mapper. */
function writeHeader(
  context: Context,
  view: PacketView,
  out: Uint8Array,
  at: number,
  transportBytes: number,
  ttl: number,
  df: boolean,
  id: number,
): void {
  out[at] = 0x45;
  out[at + 1] = context.tosCopy ? view.tos : context.tosValue;
  putU16(out, at + 2, IPV4_BYTES + transportBytes);
  putU16(out, at + 4, id);
  putU16(out, at + 6, (df ? 0x4000 : 0) | (view.moreFragments ? 0x2000 : 0) | (view.fragmentOffset >>> 3));
  out[at + 8] = ttl;
  out[at + 9] = view.protocol === PROTOCOL.icmpv6 ? PROTOCOL.icmp : view.protocol;
  putU16(out, at + 10, 0);
  putU32(out, at + 12, context.mapper.source4);
  putU32(out, at + 16, context.mapper.destination4);
  putU16(out, at + 10, checksum(out, at, at + IPV4_BYTES));
}

/**
 * Writes the view, an IPv6 packet, as IPv4 to `out` at `at`; the mapper has its addresses. Returns a reason, 0 for fine, and leaves
 * the lengths in the context.
 */
export function write64(context: Context, view: PacketView, out: Uint8Array, at: number): number {
  const { b } = view;
  const ttl = view.ttl - context.hopCost;
  if (view.protocol === PROTOCOL.icmpv6 && view.icmpError) return writeError64(context, view, out, at, ttl);
  const df = hasDf64(context, view);
  const id = view.hasFragmentHeader ? view.identification & 0xffff : context.takeIdentification();
  writeHeader(context, view, out, at, view.transportBytes, ttl, df, id);
  const t = at + IPV4_BYTES;
  copyBytes(out, t, b, view.transport, view.capturedBytes);
  patch64(context, view, out, at, t);
  context.writtenBytes = IPV4_BYTES + view.capturedBytes;
  context.wireBytes = IPV4_BYTES + view.transportBytes;
  return 0;
}

/** Transport of a packet whose IPv4 header is at `at` and whose transport has been copied to `t`. */
function patch64(context: Context, view: PacketView, out: Uint8Array, at: number, t: number): void {
  if (view.fragmentOffset !== 0) return;
  const available = t + view.capturedBytes;
  const { sourcePort, destinationPort } = context.mapper;
  if (view.protocol === PROTOCOL.icmpv6) {
    patchEcho64(view, out, t, available, sourcePort >= 0 ? sourcePort : destinationPort);
    return;
  }
  const oldSum = sum16(view.b, view.o + 8, view.o + 40);
  patchTransport(out, t, available, view.protocol, oldSum, sum16(out, at + 12, at + 20), sourcePort, destinationPort);
}

/** Echo: the type changes, the pseudo header leaves the checksum (RFC 7915 section 5.2), and in stateful translation the identifier changes. */
function patchEcho64(view: PacketView, out: Uint8Array, t: number, available: number, identifier: number): void {
  const value = available >= t + 2 ? icmp64(out[t]!, out[t + 1]!) : -1;
  if (value < 0) return;
  let before = u16(out, t) + pseudoSum6(view.b, view.o + 8, view.o + 24, PROTOCOL.icmpv6, view.transportBytes);
  let after = value;
  putU16(out, t, value);
  if (identifier >= 0 && available >= t + 6) {
    before += u16(out, t + 4);
    after += identifier;
    putU16(out, t + 4, identifier);
  }
  if (available < t + 4) return;
  const changed = updateChecksumSums(u16(out, t + 2), before, after);
  // An echo reply of nothing but zeros: its checksum is all ones, which a difference cannot tell from zero (RFC 1624 section 3).
  const zeros = changed === 0 && value === 0 && !view.truncated && sum16(out, t + 4, available) === 0;
  putU16(out, t + 2, zeros ? 0xffff : changed);
}

/** ICMPv6 errors (RFC 7915 sections 5.2 and 5.3): type, code and parameter, the quoted packet, the extension after it. */
function writeError64(context: Context, view: PacketView, out: Uint8Array, at: number, ttl: number): number {
  const { b, transport: from, end, available } = view;
  const { inner, mapper } = context;
  const type = b[from]!;
  const value = icmp64(type, b[from + 1]!);
  if (value < 0) return -value;
  const { source4, destination4 } = mapper;
  const router = mapper.poolSource === true && context.settings.spec.errorPoolExtension;
  const t = at + IPV4_BYTES;
  const quoted = quotedBytes(b, from, end, available, hasLength6(type) ? b[from + 4]! * 8 : 0);
  const extension = end - from - ICMP_BYTES - quoted;
  const innerCode = inner.parse6(b, from + ICMP_BYTES, Math.min(quoted, available - from - ICMP_BYTES), quoted, true);
  if (innerCode !== 0) return REASON.icmpInner;
  const mapped = mapper.map64(inner, true, context.nowNs);
  if (mapped !== 0) return mapped;
  const parameter = parameter64(context, type, b[from + 1]!, u32(b, from + 4), inner.hasFragmentHeader);
  if (parameter < 0) return REASON.icmpPointer;
  putU16(out, t, value);
  putU16(out, t + 2, 0);
  putU32(out, t + 4, parameter);
  let wrote = t + ICMP_BYTES;
  const innerBytes = writeInner64(context, wrote, out);
  if (innerBytes < 0) return REASON.icmpInner;
  wrote += innerBytes;
  // What the quote has behind its header, whether all of it was captured or not.
  let whole = IPV4_BYTES + Math.max(0, Math.min(from + ICMP_BYTES + quoted, inner.end) - inner.transport);
  if (extension > 0) {
    const padded = hasLength4(value >>> 8) ? Math.min(paddedQuote(whole, 4), MAX_QUOTE4_BYTES) : whole;
    if (!view.truncated) {
      wrote = Math.min(wrote, t + ICMP_BYTES + padded);
      out.fill(0, wrote, t + ICMP_BYTES + padded);
      wrote = t + ICMP_BYTES + padded;
      copyBytes(out, wrote, b, end - extension, extension);
      wrote += extension;
    }
    if (hasLength4(value >>> 8)) out[t + 5] = padded >>> 2;
    whole = padded + extension;
  }
  if (router) {
    const told = addRouter(view, out, t, value >>> 8, whole, extension);
    if (told !== whole) wrote = t + ICMP_BYTES + told;
    whole = told;
  }
  const before =
    pseudoSum6(b, view.o + 8, view.o + 24, PROTOCOL.icmpv6, view.transportBytes) + sum16(b, from, available) - u16(b, from + 2);
  putU16(out, t + 2, updateChecksumSums(u16(b, from + 2), before, sum16(out, t, wrote)));
  mapper.source4 = source4;
  mapper.destination4 = destination4;
  const bytes = ICMP_BYTES + whole;
  if (IPV4_BYTES + bytes > 0xffff) return REASON.tooLong;
  const df = context.settings.spec.df === 'by-size' ? IPV4_BYTES + bytes > DF_CLEAR_UP_TO_BYTES : context.settings.spec.df === 'always';
  writeHeader(
    context,
    view,
    out,
    at,
    bytes,
    ttl,
    df && !view.hasFragmentHeader,
    view.hasFragmentHeader ? view.identification & 0xffff : context.takeIdentification(),
  );
  context.writtenBytes = wrote - at;
  context.wireBytes = IPV4_BYTES + bytes;
  return 0;
}

/**
 * Tells the IPv6 address of the router behind the quote (RFC 6791 section 4), which has `whole` bytes with the `extension` that is there. Returns the bytes
 * of both then, `whole` where nothing was added: the type has no extensions, there is no room, or the capture does not hold it all. The quote is
 * cut to what the message may have (RFC 4884 section 7).
 */
function addRouter(view: PacketView, out: Uint8Array, t: number, type: number, whole: number, extension: number): number {
  const added = routerBytes(extension);
  const room = LEAST_REASSEMBLY4_BYTES - IPV4_BYTES - ICMP_BYTES - extension - added;
  const quote = extension > 0 ? whole - extension : Math.min(paddedQuote(whole, 4), room);
  if (view.truncated || !hasLength4(type) || quote > room || extension % 4 !== 0) return whole;
  const body = t + ICMP_BYTES;
  if (extension === 0 && whole < quote) out.fill(0, body + whole, body + quote);
  appendRouter(out, body + quote + extension, extension, view.b, view.o + 8);
  out[t + 5] = quote >>> 2;
  return quote + extension + added;
}

/** Bytes 4 to 7 of the ICMP error, or -1 where the pointer has no counterpart. */
function parameter64(context: Context, type: number, code: number, parameter: number, innerFragment: boolean): number {
  const { mtu4, mtu6 } = context.settings.spec;
  if (type === ICMP6.tooBig) return mtu64(parameter, innerFragment, mtu4, mtu6);
  if (type !== ICMP6.parameterProblem || code !== 0) return 0;
  const pointer = pointer64(parameter);
  return pointer < 0 ? -1 : (pointer << 24) >>> 0;
}

/** The quoted packet (in `context.inner`, mapped) at `at`; returns the bytes written or -1. Its hop limit stays, it has been spent already. */
function writeInner64(context: Context, at: number, out: Uint8Array): number {
  const { inner } = context;
  const icmp = inner.protocol === PROTOCOL.icmpv6;
  if (icmp && inner.fragmentOffset === 0 && inner.capturedBytes >= 1 && isError6(inner.b[inner.transport]!)) return -1;
  if (inner.transportBytes < 0 || IPV4_BYTES + inner.transportBytes > 0xffff) return -1;
  const id = inner.hasFragmentHeader ? inner.identification & 0xffff : 0;
  writeHeader(context, inner, out, at, inner.transportBytes, inner.ttl, hasDf64(context, inner), id);
  const t = at + IPV4_BYTES;
  const bytes = Math.max(0, inner.capturedBytes);
  copyBytes(out, t, inner.b, inner.transport, bytes);
  patch64(context, inner, out, at, t);
  return IPV4_BYTES + bytes;
}
