import { putU16, u16 } from '../base/index.ts';
import { checksum } from '../wire/index.ts';
import { answer } from './answer.ts';
import { copyBytes } from './bytes.ts';
import { Context } from './context.ts';
import { icmp46, icmp64, isError4, isError6 } from './icmp-types.ts';
import { answerDrop } from './drop-answer.ts';
import type { AddressMapper } from './mapper.ts';
import { FRAGMENT_BYTES, IPV4_BYTES, IPV6_BYTES, PacketView, PROTOCOL } from './packet-view.ts';
import { GROWTH_BYTES, SINK_KIND, type PacketSink } from './packet-sink.ts';
import { PlainPath, type PlainRules } from './plain-path.ts';
import type { PlainWork } from './plain-work.ts';
import { isIllegalSource6 } from './prefix64.ts';
import { REASON, REASONS } from './reasons.ts';
import type { TranslatorSettings } from './settings.ts';
import { wireBytes46, write46, writeFragmentHeader } from './write46.ts';
import { hasDf64, write64 } from './write64.ts';

/** A whole IPv6 packet: 65,535 bytes of payload behind the longest headers written here. */
const SCRATCH_BYTES = 65_535 + GROWTH_BYTES;

/**
 * IP/ICMP translation (RFC 7915) over a mapper that knows the addresses. One packet at a time, any number of output packets (fragments,
 * or one ICMP error in the other direction) into a sink; nothing is allocated per packet. Never throws on packet bytes.
 */
export class PacketTranslator {
  readonly settings: TranslatorSettings;
  readonly context: Context;
  /** Packets by reason code. */
  readonly counts = new Float64Array(REASONS.reduce((most, reason) => Math.max(most, reason.code), 0) + 1);
  private readonly plain: PlainPath | null;
  private readonly view = new PacketView();
  private readonly second = new PacketView();
  private readonly scratch = new Uint8Array(SCRATCH_BYTES);
  private readonly pieces = new Uint8Array(SCRATCH_BYTES);

  constructor(settings: TranslatorSettings, mapper: AddressMapper) {
    this.settings = settings;
    this.context = new Context(settings, mapper);
    this.plain = mapper.plain ? new PlainPath(this.context, mapper.plain) : null;
  }

  /** For a kernel; null where more than a prefix decides. */
  get plainWork(): PlainWork | null {
    const rules = this.plain?.rules ?? null;
    return rules === null ? null : new PacketWork(this, rules);
  }

  /**
   * Translates the packet at `offset`, which came in on `side` (4 or 6), starts with its IP header, has `length` bytes there and had
   * `wireLength` on the wire. Output goes to `sink`. `nowNs` is the lab clock; stateless translation does not look at it. Returns a reason code.
   */
  translate(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink, nowNs = 0): number {
    this.context.nowNs = nowNs;
    this.context.hopCost = 1;
    this.context.hairpinned = false;
    const present = Math.max(0, Math.min(length, bytes.length - offset));
    if (this.plain !== null) {
      const plain =
        side === 6
          ? this.plain.from6(bytes, offset, present, wireLength, sink)
          : this.plain.from4(bytes, offset, present, wireLength, sink);
      if (plain === REASON.translated) {
        this.counts[plain] = this.counts[plain]! + 1;
        return plain;
      }
    }
    const code =
      side === 6 ? this.from6(bytes, offset, present, wireLength, sink) : this.from4(this.view, bytes, offset, present, wireLength, sink);
    this.counts[code] = this.counts[code]! + 1;
    // A packet that was hairpinned and then dropped is in the other view; it gets no error.
    if (code > REASON.hairpinned && !this.context.hairpinned) answerDrop(this.context, this.view, code, sink);
    return code;
  }

  /**
   * Tells which packets come next: those whose IP headers begin at offsets[from..to) of `bytes`, LOOK_AHEAD at most. Large tables are then read for
   * all of them at once, which costs one wait instead of one for each. Changes no result.
   */
  lookAhead(bytes: Uint8Array, offsets: Uint32Array, from: number, to: number): void {
    this.plain?.lookAhead(bytes, offsets, from, to);
  }

  private from6(b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): number {
    const { context, view } = this;
    let code = view.parse6(b, o, length, wireLength, false);
    if (code === REASON.routingHeader) return answer(context, view, 0x0400, view.pointer, REASON.routingHeader, sink);
    if (code === 0) code = checkTransport(view, context.anyProtocol);
    if (code === 0 && isIllegalSource6(b, o + 8)) code = REASON.illegalSource;
    if (code === 0) code = context.mapper.map64(view, false, context.nowNs);
    if (code === REASON.addressUnreachable || code === REASON.portsResting) return answer(context, view, 0x0103, 0, code, sink);
    if (code === REASON.mapSpoofed) return answer(context, view, 0x0105, 0, code, sink);
    if (code !== 0) return code;
    if (view.ttl <= 1) return answer(context, view, 0x0300, 0, REASON.hopLimitExpired, sink);
    const wire = IPV4_BYTES + view.transportBytes;
    if (wire > 0xffff) return REASON.tooLong;
    const { mtu4 } = this.settings.spec;
    const hairpin = context.mapper.hairpin;
    if (hairpin) return this.turnBack(wireLength, sink);
    if (wire > mtu4 && !view.icmpError) {
      if (hasDf64(context, view)) return this.tooBig4(sink);
      code = write64(context, view, this.pieces, 0);
      return code === 0 ? this.cut4(mtu4, sink) : code;
    }
    const at = sink.reserve(view.capturedBytes + GROWTH_BYTES);
    if (at < 0) return REASON.sinkFull;
    code = write64(context, view, sink.bytes, at);
    if (code !== 0) return code;
    if (context.mapper.hairpin) return this.turnBackWritten(sink, at);
    if (context.wireBytes > mtu4) {
      if ((sink.bytes[at + 6]! & 0x40) !== 0) return this.tooBig4(sink);
      copyBytes(this.pieces, 0, sink.bytes, at, context.writtenBytes);
      return this.cut4(mtu4, sink);
    }
    sink.push(context.writtenBytes, context.wireBytes, 4, SINK_KIND.translated);
    return view.truncated ? REASON.translatedTruncated : REASON.translated;
  }

  /** Both addresses are on the IPv6 side: to IPv4 and back at once, as one hop (RFC 7757 section 4.2.2, RFC 6146 section 3.8). */
  private turnBack(_wireLength: number, sink: PacketSink): number {
    const code = write64(this.context, this.view, this.scratch, 0);
    return code === 0 ? this.again(this.scratch, 0, sink) : code;
  }

  /** As turnBack, when only the quoted packet told that it must be: what was written is moved away. */
  private turnBackWritten(sink: PacketSink, at: number): number {
    copyBytes(this.scratch, 0, sink.bytes, at, this.context.writtenBytes);
    return this.again(this.scratch, 0, sink);
  }

  private again(b: Uint8Array, o: number, sink: PacketSink): number {
    const { context } = this;
    context.hopCost = 0;
    context.hairpinned = true;
    const first = sink.count;
    const code = this.from4(this.second, b, o, context.writtenBytes, context.wireBytes, sink);
    if (code > REASON.translatedTruncated) return code;
    for (let i = first; i < sink.count; i++) sink.kind[i] = SINK_KIND.hairpin;
    return REASON.hairpinned;
  }

  private from4(view: PacketView, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): number {
    const { context } = this;
    const { spec } = this.settings;
    let code = view.parse4(b, o, length, wireLength, false, spec.badHeaderChecksum === 'drop');
    if (code === 0) code = checkTransport(view, context.anyProtocol);
    if (code === 0) code = context.mapper.map46(view, false, context.nowNs, context.hairpinned);
    if (code !== 0) return code === REASON.portUnreachable ? answer(context, view, 0x0303, 0, code, sink) : code;
    if (view.pointer !== 0) return answer(context, view, 0x0305, 0, REASON.sourceRoute, sink);
    if (view.ttl <= context.hopCost) return answer(context, view, 0x0b00, 0, REASON.ttlExpired, sink);
    const wire = wireBytes46(view);
    if (!view.icmpError) {
      if (wire - IPV6_BYTES > 0xffff) return REASON.tooLong;
      const limit = Math.min(spec.mtu6, spec.lowestIpv6Mtu);
      // Section 4.1 counts the options, which the IPv6 packet does not have.
      if (view.dontFragment && Math.max(wire, view.end - view.o + IPV6_BYTES - IPV4_BYTES) > spec.mtu6) {
        return answer(context, view, 0x0304, spec.mtu6 - (wire - view.transportBytes - IPV4_BYTES), REASON.fragmentationNeeded, sink);
      }
      if (!view.dontFragment && wire > limit) return this.cut6(view, limit, sink);
    }
    const at = sink.reserve(view.capturedBytes + GROWTH_BYTES);
    if (at < 0) return REASON.sinkFull;
    code = write46(context, view, sink.bytes, at);
    if (code !== 0) return code;
    sink.push(context.writtenBytes, context.wireBytes, 6, SINK_KIND.translated);
    return view.truncated ? REASON.translatedTruncated : REASON.translated;
  }

  /** RFC 7915 section 4: DF is clear and the IPv6 packet would not surely get through, so it leaves as fragments of at most `limit` bytes. */
  private cut6(view: PacketView, limit: number, sink: PacketSink): number {
    const { context, pieces } = this;
    const code = write46(context, view, pieces, 0);
    if (code !== 0) return code;
    const headerBytes = context.wireBytes - view.transportBytes;
    const next = view.protocol === PROTOCOL.icmp ? PROTOCOL.icmpv6 : view.protocol;
    const step = (limit - IPV6_BYTES - FRAGMENT_BYTES) & ~7;
    const first = sink.count;
    const firstUsed = sink.used;
    for (let done = 0; done < view.transportBytes; done += step) {
      const bytes = Math.min(step, view.transportBytes - done);
      const present = Math.max(0, Math.min(bytes, view.capturedBytes - done));
      const at = sink.reserve(IPV6_BYTES + FRAGMENT_BYTES + present);
      if (at < 0) return rollBack(sink, first, firstUsed);
      copyBytes(sink.bytes, at, pieces, 0, IPV6_BYTES);
      putU16(sink.bytes, at + 4, FRAGMENT_BYTES + bytes);
      sink.bytes[at + 6] = PROTOCOL.fragment;
      const more = view.moreFragments || done + bytes < view.transportBytes;
      writeFragmentHeader(sink.bytes, at + IPV6_BYTES, next, view.fragmentOffset + done, more, view.identification);
      copyBytes(sink.bytes, at + IPV6_BYTES + FRAGMENT_BYTES, pieces, headerBytes + done, present);
      sink.push(IPV6_BYTES + FRAGMENT_BYTES + present, IPV6_BYTES + FRAGMENT_BYTES + bytes, 6, SINK_KIND.translated);
    }
    return REASON.translatedFragmented;
  }

  private tooBig4(sink: PacketSink): number {
    return answer(this.context, this.view, 0x0200, Math.max(1_280, this.settings.spec.mtu4 + 20), REASON.packetTooBig, sink);
  }

  /** What was written to `pieces` is larger than the IPv4 next hop takes and has DF clear: cut like any router does (RFC 791 section 3.2). */
  private cut4(limit: number, sink: PacketSink): number {
    const { pieces, view } = this;
    const transportBytes = this.context.wireBytes - IPV4_BYTES;
    const capturedBytes = this.context.writtenBytes - IPV4_BYTES;
    const step = (limit - IPV4_BYTES) & ~7;
    const first = sink.count;
    const firstUsed = sink.used;
    for (let done = 0; done < transportBytes; done += step) {
      const bytes = Math.min(step, transportBytes - done);
      const present = Math.max(0, Math.min(bytes, capturedBytes - done));
      const at = sink.reserve(IPV4_BYTES + present);
      if (at < 0) return rollBack(sink, first, firstUsed);
      const out = sink.bytes;
      copyBytes(out, at, pieces, 0, IPV4_BYTES);
      putU16(out, at + 2, IPV4_BYTES + bytes);
      const more = view.moreFragments || done + bytes < transportBytes;
      putU16(out, at + 6, (more ? 0x2000 : 0) | ((view.fragmentOffset + done) >>> 3));
      putU16(out, at + 10, 0);
      putU16(out, at + 10, checksum(out, at, at + IPV4_BYTES));
      copyBytes(out, at + IPV4_BYTES, pieces, IPV4_BYTES + done, present);
      sink.push(IPV4_BYTES + present, IPV4_BYTES + bytes, 4, SINK_KIND.translated);
    }
    return REASON.translatedFragmented;
  }
}

class PacketWork implements PlainWork {
  readonly rules: PlainRules;
  readonly gatewayPort = -1;
  readonly looksAhead = false;
  private readonly translator: PacketTranslator;

  constructor(translator: PacketTranslator, rules: PlainRules) {
    this.translator = translator;
    this.rules = rules;
  }

  get identification(): number {
    const { context, settings } = this.translator;
    return settings.spec.identification === 'zero' ? -1 : context.nextIdentification;
  }

  set identification(next: number) {
    if (next >= 0) this.translator.context.nextIdentification = next;
  }

  untilNs(): number {
    return Number.POSITIVE_INFINITY;
  }

  took(packets: number): void {
    const { counts } = this.translator;
    counts[REASON.translated] = counts[REASON.translated]! + packets;
  }
}

/** A packet of which not all fragments fit leaves none. */
function rollBack(sink: PacketSink, count: number, used: number): number {
  sink.count = count;
  sink.used = used;
  return REASON.sinkFull;
}

/** ICMP types that go no further, and packets that end inside their transport header. Sets `icmpError`. */
function checkTransport(view: PacketView, anyProtocol: boolean): number {
  const icmp = view.family === 6 ? PROTOCOL.icmpv6 : PROTOCOL.icmp;
  if (view.protocol !== icmp) {
    // RFC 7915 section 4.2: IGMP goes no further than its link, whoever it is sent to.
    if (view.protocol === PROTOCOL.igmp && view.family === 4) return REASON.icmpSingleHop;
    // The ICMP of the other family is a protocol as any (RFC 7915 section 4.1); it has no ports that a table could know it by.
    if (!anyProtocol && view.protocol === (view.family === 6 ? PROTOCOL.icmp : PROTOCOL.icmpv6)) return REASON.icmpUnknown;
    return leastBytes(view);
  }
  if (view.fragmented) return REASON.fragmentedIcmp;
  if (view.transportBytes < 8) return REASON.icmpTooShort;
  if (view.capturedBytes < 8) return REASON.tooShort;
  const typeCode = u16(view.b, view.transport);
  const value = view.family === 6 ? icmp64(typeCode >>> 8, typeCode & 255) : icmp46(typeCode >>> 8, typeCode & 255);
  if (value < 0) return -value;
  view.icmpError = view.family === 6 ? isError6(typeCode >>> 8) : isError4(typeCode >>> 8);
  return 0;
}

/** A whole packet holds at least its transport's header; of a fragment the rest may follow (RFC 1858 is the filter's business). */
function leastBytes(view: PacketView): number {
  if (view.fragmented) return 0;
  const least = view.protocol === PROTOCOL.tcp ? 20 : view.protocol === PROTOCOL.udp ? 8 : 0;
  return view.transportBytes < least ? REASON.transportTooShort : 0;
}
