import { putU16, u16 } from '../base/index.ts';
import { buildDns, DNS_TYPE, parseDns, type DnsMessage } from '../wire/index.ts';
import type { Dns64 } from './dns64.ts';
import { decideAaaa, decideOwn, type Dns64Decision } from './dns64-decision.ts';
import { EditedStream } from './edited-stream.ts';
import type { PacketSink } from './packet-sink.ts';
import { SINK_KIND } from './packet-sink.ts';
import type { PacketView } from './packet-view.ts';
import { REASON } from './reasons.ts';
import { rewriteTcp, TcpSegment } from './tcp-segment.ts';

const DNS_PORT = 53;
/** Connections remembered; the one that began first goes, and what waits of it leaves before. */
export const MAX_DNS_CONNECTIONS = 1_024;
/** Segments of a connection that wait for one before them; one more, and the rest of the connection leaves as it comes. */
export const MAX_EARLY_SEGMENTS = 32;
/** Bytes of a stream that may wait: two of the longest messages with their lengths (RFC 7766 section 8). */
const MAX_PENDING_BYTES = 2 * (2 + 0xffff);
/** What a peer takes that told nothing (RFC 9293 section 3.7.1). */
const DEFAULT_MSS = 536;

const EMPTY = new Uint8Array(0);

/** What a DNS64 has heard so far, names in lower case. */
export interface DnsKnowledge {
  readonly a: (name: string) => DnsMessage | undefined;
  readonly reverse: (name: string) => DnsMessage | undefined;
  readonly heard: (message: DnsMessage, sink: PacketSink) => void;
}

/** A segment of the server that came before one that goes before it. */
interface Early {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** A connection whose beginning was seen. */
interface Connection {
  readonly side: 4 | 6;
  /** What the server says; what the client says passes as it is. */
  readonly server: EditedStream;
  /** First number of the client, and the largest segment it takes. */
  readonly clientOrigin: number;
  readonly clientMss: number;
  early: Early[];
  /** The last segment of the server that was taken: the pattern of one that leaves later. */
  last: Uint8Array;
  /** Since when bytes wait for something that may not come; Infinity where none do. */
  sinceNs: number;
  /** The rest passes as it comes: something went missing. */
  transparent: boolean;
  busy: boolean;
}

/**
 * DNS64 for DNS over TCP (RFC 7766): messages with their length before them, over any number of segments. Answers that become others change the stream of
 * the server; sequence and acknowledgement numbers and SACK edges follow on both sides, and a repeated segment leaves as it did the first time. An
 * answer that waits for an A answer keeps back what comes behind it. A connection whose beginning was not seen passes as it is.
 */
export class DnsStreams {
  /** Connections that were forgotten for room, and those that pass as they come since something went missing or waited too long. */
  forgotten = 0;
  givenUp = 0;
  /** Answers that waited for an A answer which did not come in time. */
  late = 0;
  private readonly rules: Dns64;
  private readonly holdNs: number;
  private readonly known: DnsKnowledge;
  private readonly connections = new Map<string, Connection>();
  private readonly segment = new TcpSegment();
  private nowNs = 0;
  /** Nothing has waited too long before this time. */
  private nextEndNs = Number.POSITIVE_INFINITY;
  /** What the packet in hand has become so far. */
  private reason: number = REASON.dnsPassed;

  /** `holdNs`: how long an answer waits for another one, and a segment for the one before it. */
  constructor(rules: Dns64, holdNs: number, known: DnsKnowledge) {
    this.rules = rules;
    this.holdNs = holdNs;
    this.known = known;
  }

  /** Connections of which something waits. */
  get waiting(): number {
    let count = 0;
    for (const { sinceNs } of this.connections.values()) if (sinceNs !== Number.POSITIVE_INFINITY) count++;
    return count;
  }

  /** Whether the TCP packet in the view is DNS. */
  wants({ b, transport: t, fragmented, capturedBytes }: PacketView): boolean {
    return !fragmented && capturedBytes >= 20 && (u16(b, t) === DNS_PORT || u16(b, t + 2) === DNS_PORT);
  }

  /** Takes the IP packet `b`, for which `wants` said yes. Returns a reason. */
  translate(side: 4 | 6, b: Uint8Array, wireLength: number, sink: PacketSink, nowNs: number): number {
    this.nowNs = nowNs;
    const { segment } = this;
    if (!segment.parse(b, wireLength)) return push(sink, b, wireLength, side) ? REASON.notDns : REASON.sinkFull;
    this.reason = segment.end > segment.data ? REASON.dnsPassed : REASON.notDns;
    const fromServer = u16(b, segment.at) === DNS_PORT && u16(b, segment.at + 2) !== DNS_PORT;
    const key = this.keyOf(b, fromServer);
    if (segment.syn) return this.opening(key, side, b, fromServer, sink);
    const connection = this.connections.get(key);
    if (connection === undefined) return push(sink, b, wireLength, side) ? REASON.notDns : REASON.sinkFull;
    if (!fromServer) return this.fromClient(connection, b, sink);
    const code = this.fromServer(connection, b, sink);
    if (segment.rst) this.connections.delete(key);
    return code;
  }

  private keyOf(b: Uint8Array, fromServer: boolean): string {
    const { segment } = this;
    const [at, bytes] = segment.family === 6 ? [8, 16] : [12, 4];
    const source = b.subarray(at, at + bytes).join('.');
    const destination = b.subarray(at + bytes, at + 2 * bytes).join('.');
    return fromServer ? `${destination} ${u16(b, segment.at + 2)} ${source}` : `${source} ${u16(b, segment.at)} ${destination}`;
  }

  /** A SYN passes as it is; that of the server tells where its stream begins, that of the client what the client takes. */
  private opening(key: string, side: 4 | 6, b: Uint8Array, fromServer: boolean, sink: PacketSink): number {
    const { segment } = this;
    const before = this.connections.get(key);
    const { sequence } = segment;
    // Said again, it begins nothing. Until the server has spoken its stream has no beginning.
    const known = fromServer
      ? before?.transparent === false && before.server.origin === (sequence + 1) >>> 0
      : before?.clientOrigin === sequence;
    if (!known) {
      this.connections.delete(key);
      this.connections.set(key, {
        side,
        server: new EditedStream((sequence + 1) >>> 0),
        clientOrigin: fromServer ? (before?.clientOrigin ?? -1) : sequence,
        clientMss: fromServer ? (before?.clientMss ?? DEFAULT_MSS) : (segment.mss(b) ?? DEFAULT_MSS),
        early: [],
        last: EMPTY,
        sinceNs: Number.POSITIVE_INFINITY,
        transparent: !fromServer,
        busy: false,
      });
      if (this.connections.size > MAX_DNS_CONNECTIONS) this.forgetFirst(sink);
    }
    return push(sink, b, b.length, side) ? REASON.notDns : REASON.sinkFull;
  }

  private forgetFirst(sink: PacketSink): void {
    const [first] = this.connections;
    if (first === undefined) return;
    this.giveUp(first[1], sink);
    this.connections.delete(first[0]);
    this.forgotten++;
  }

  /** The client acknowledges what left: to the server it acknowledges what came. */
  private fromClient({ server, side }: Connection, b: Uint8Array, sink: PacketSink): number {
    const { segment } = this;
    const back = (edge: number): number => server.sequenceOf(server.toIn(server.positionOf(edge)));
    const acknowledged = segment.ack ? back(segment.acknowledged) : segment.acknowledged;
    const out = server.changesLength
      ? rewriteTcp(b, segment, b.subarray(segment.data, segment.end), segment.sequence, acknowledged, true, back)
      : b;
    const code = segment.end > segment.data ? REASON.dnsPassed : REASON.notDns;
    return push(sink, out, out.length, side) ? code : REASON.sinkFull;
  }

  private fromServer(connection: Connection, b: Uint8Array, sink: PacketSink): number {
    const { server } = connection;
    const { sequence } = this.segment;
    const position = server.positionOf(sequence);
    const gap = position > server.next + server.pending.length && !connection.transparent;
    if (gap && this.segment.end > this.segment.data) return this.early(connection, position, b, sink);
    if (!this.take(connection, b, position, sink)) return REASON.sinkFull;
    this.fillGap(connection, sink);
    return this.reason;
  }

  /** What came before its turn and is not out of turn any more. */
  private fillGap(connection: Connection, sink: PacketSink): void {
    for (;;) {
      const reach = connection.server.next + connection.server.pending.length;
      const at = connection.early.findIndex(({ position }) => position <= reach);
      if (at < 0) return;
      const [{ bytes, position }] = connection.early.splice(at, 1) as [Early];
      if (this.segment.parse(bytes, bytes.length)) this.take(connection, bytes, position, sink);
    }
  }

  private early(connection: Connection, position: number, b: Uint8Array, sink: PacketSink): number {
    connection.early.push({ position, bytes: b });
    if (connection.sinceNs === Number.POSITIVE_INFINITY) this.waits(connection);
    if (connection.early.length > MAX_EARLY_SEGMENTS) this.giveUp(connection, sink);
    return connection.transparent ? REASON.dnsPassed : REASON.dnsSegmentHeld;
  }

  /** Takes the server's segment at `position`, and hands on what may leave; false where the output is full. */
  private take(connection: Connection, b: Uint8Array, position: number, sink: PacketSink): boolean {
    const { segment } = this;
    const { server } = connection;
    const data = b.subarray(segment.data, segment.end);
    if (connection.transparent) return this.emit(connection, b, data, position, sink);
    const old = Math.max(0, Math.min(server.next - position, data.length));
    const again = old > 0 ? server.again(position, data.subarray(0, old)) : EMPTY;
    const first = Math.min(position, server.next);
    server.push(data.subarray(Math.max(0, server.next + server.pending.length - position)));
    connection.last = b;
    const out = this.drain(connection, segment.fin || segment.rst, sink);
    if (out.length === 0 && again.length === 0 && server.pending.length > 0 && data.length > 0) {
      this.reason = REASON.dnsHeld;
    }
    if (!segment.parse(b, b.length)) return false;
    return this.emit(connection, b, joined(again, out), first, sink, server.toOut(first));
  }

  /** What may leave of what is pending, oldest first; everything where it `ends`. */
  private drain(connection: Connection, ends: boolean, sink: PacketSink): Uint8Array {
    const { server } = connection;
    connection.busy = true;
    this.learn(server.pending, sink);
    connection.busy = false;
    const parts: Uint8Array[] = [];
    for (;;) {
      const { pending } = server;
      const length = pending.length < 2 ? Number.POSITIVE_INFINITY : 2 + u16(pending, 0);
      if (length > pending.length) break;
      const decision = this.decide(pending.subarray(2, length));
      if (decision?.waits === true) {
        if (!ends && pending.length <= MAX_PENDING_BYTES) break;
        this.late++;
      }
      parts.push(server.handOn(length, this.replacement(decision)));
    }
    if (ends && server.pending.length > 0) parts.push(server.handOn(server.pending.length));
    const waits = server.pending.length > 0 || connection.early.length > 0;
    if (!waits) connection.sinceNs = Number.POSITIVE_INFINITY;
    else if (parts.length > 0 || connection.sinceNs === Number.POSITIVE_INFINITY) this.waits(connection);
    return parts.reduce(joined, EMPTY);
  }

  private waits(connection: Connection): void {
    connection.sinceNs = this.nowNs;
    this.nextEndNs = Math.min(this.nextEndNs, this.nowNs + this.holdNs);
  }

  /** Answers among the whole messages of the bytes. */
  private learn(bytes: Uint8Array, sink: PacketSink): void {
    for (let at = 0; at + 2 <= bytes.length && at + 2 + u16(bytes, at) <= bytes.length; at += 2 + u16(bytes, at)) {
      const message = parseDns(bytes, at + 2, at + 2 + u16(bytes, at));
      if (message.ok && message.value.response) this.known.heard(message.value, sink);
    }
  }

  private decide(bytes: Uint8Array): Dns64Decision | undefined {
    const parsed = parseDns(bytes, 0, bytes.length);
    if (!parsed.ok || !parsed.value.response) return undefined;
    const message = parsed.value;
    const { name = '', type } = message.questions[0] ?? {};
    const own = decideOwn(this.rules, message, this.known.reverse);
    if (own !== undefined || type !== DNS_TYPE.AAAA) return own;
    return decideAaaa(this.rules, message, this.known.a(name.toLowerCase()));
  }

  /** The message that leaves, its length before it; undefined where it stays, as one too long for its length field does. */
  private replacement(decision: Dns64Decision | undefined): Uint8Array | undefined {
    if (decision?.waits !== false) return undefined;
    const built = buildDns(decision.message);
    if (!built.ok || built.value.length > 0xffff) return undefined;
    this.reason = decision.reason;
    const out = new Uint8Array(2 + built.value.length);
    putU16(out, 0, built.value.length);
    out.set(built.value, 2);
    return out;
  }

  /** Sends `payload` in the pattern of the server's segment `b`, which has been parsed, in as many segments as it takes. */
  private emit(connection: Connection, b: Uint8Array, payload: Uint8Array, position: number, sink: PacketSink, out?: number): boolean {
    const { segment } = this;
    const { server, side } = connection;
    const first = server.sequenceOf(out ?? server.toOut(position));
    const data = b.subarray(segment.data, segment.end);
    if (first === segment.sequence && payload.length === data.length && !server.changesLength) return push(sink, b, b.length, side);
    const most = Math.max(connection.clientMss, data.length, 1);
    const same = (edge: number): number => edge;
    for (let done = 0; done === 0 || done < payload.length; done += most) {
      const part = payload.subarray(done, done + most);
      const last = done + most >= payload.length;
      const packet = rewriteTcp(b, segment, part, (first + done) >>> 0, segment.acknowledged, last, same);
      if (!push(sink, packet, packet.length, side)) return false;
    }
    return true;
  }

  /** An A answer has come: answers that waited for it leave. */
  goOn(sink: PacketSink): void {
    for (const connection of this.connections.values()) {
      if (connection.sinceNs !== Number.POSITIVE_INFINITY && !connection.busy && connection.server.pending.length > 0) {
        this.leave(connection, false, sink);
      }
    }
  }

  /** Sends what may leave of what is pending in the pattern of the last segment. */
  private leave(connection: Connection, all: boolean, sink: PacketSink): void {
    const { server, last } = connection;
    const first = server.toOut(server.next);
    const { reason } = this;
    const payload = this.drain(connection, all, sink);
    this.reason = reason;
    if (payload.length === 0 || !this.segment.parse(last, last.length)) return;
    this.emit(connection, last, payload, server.next, sink, first);
  }

  /** The rest of the connection leaves as it comes, what waits first. */
  private giveUp(connection: Connection, sink: PacketSink): void {
    if (connection.transparent) return;
    if (connection.server.pending.length > 0) this.leave(connection, true, sink);
    connection.transparent = true;
    connection.sinceNs = Number.POSITIVE_INFINITY;
    this.givenUp++;
    for (const { bytes, position } of connection.early) {
      if (this.segment.parse(bytes, bytes.length)) this.take(connection, bytes, position, sink);
    }
    connection.early = [];
  }

  /** What waits too long leaves as it came. */
  expire(nowNs: number, sink: PacketSink): void {
    this.nowNs = nowNs;
    if (nowNs < this.nextEndNs) return;
    this.nextEndNs = Number.POSITIVE_INFINITY;
    for (const connection of this.connections.values()) {
      if (connection.sinceNs + this.holdNs > nowNs) this.nextEndNs = Math.min(this.nextEndNs, connection.sinceNs + this.holdNs);
      else if (connection.early.length > 0) this.giveUp(connection, sink);
      else this.leave(connection, true, sink);
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function push(sink: PacketSink, packet: Uint8Array, wireLength: number, side: 4 | 6): boolean {
  const at = sink.reserve(packet.length);
  if (at < 0) return false;
  sink.bytes.set(packet, at);
  sink.push(packet.length, wireLength, side, SINK_KIND.translated);
  return true;
}
