import { formatIpv6 } from '../wire/index.ts';
import { u16, u32 } from '../base/index.ts';
import type { FtpAlgSpec } from '../contract/index.ts';
import { sameBytes } from './bytes.ts';
import { FtpControl, type OpenFtpData } from './ftp-control.ts';
import { EditedStream } from './edited-stream.ts';
import { REASON } from './reasons.ts';
import { replyTcp, resetTcp, rewriteTcp, TcpSegment } from './tcp-segment.ts';
import { negotiationBytes, refusalOf, unfinishedAt, withoutCommands, withoutNegotiations } from './ftp-telnet.ts';

/** A control connection, from the first packet seen of it. */
interface Connection {
  readonly control: FtpControl;
  client: EditedStream | null;
  server: EditedStream | null;
  /** Largest segments the two ends take, as they said in their SYN. */
  clientMss: number;
  serverMss: number;
}

/** What a peer takes that told nothing (RFC 9293 section 3.7.1). */
const DEFAULT_MSS = 536;
const LF = 10;
/** A line longer than this is handed on as it comes: no command or reply that matters is (RFC 959 gives no limit). */
const MAX_LINE_BYTES = 512;
/** Stands for a command that has left in pieces, as none does that matters. */
const SOME_LINE = new Uint8Array(0);
const LETTERS = new TextDecoder('latin1');

/**
 * FTP application layer gateway (RFC 6384) on the IPv6 packets of control connections: those from the client before they are translated, those from
 * the server after. Each packet is changed on its own (section 5, second way): lines are put together across segments, sequence and
 * acknowledgement numbers and SACK blocks follow the changed lengths, and repeated segments leave as they did the first time.
 */
export class FtpAlg {
  /** Lines changed, segments refused because one before them is missing, connections forgotten for room. */
  linesChanged = 0;
  outOfOrder = 0;
  forgotten = 0;
  /** Connections ended because the server refused a NOOP of the gateway. */
  closed = 0;
  /** Why the last packet was not handed on, where it was not. */
  refusal: number = REASON.ftpOutOfOrder;
  /** Telnet option negotiations taken out. */
  negotiationsRefused = 0;
  /** IPv6 packets that leave for the one given to `process`. */
  readonly out: Uint8Array[] = [];
  /** IPv6 packet that goes back to the sender of that one: what the gateway itself says. */
  reply: Uint8Array | null = null;
  private readonly spec: FtpAlgSpec;
  private readonly open: OpenFtpData;
  private readonly connections = new Map<string, Connection>();
  private readonly segment = new TcpSegment();

  constructor(spec: FtpAlgSpec, open: OpenFtpData) {
    this.spec = spec;
    this.open = open;
  }

  /**
   * Takes the IPv6 packet `b`, which is TCP to (`fromClient`) or from the control port, with the IPv4 address of the server. The packets that leave in its
   * place are in `out`, an answer to its sender in `reply`; true if something is changed.
   */
  process(b: Uint8Array, wireLength: number, fromClient: boolean, server4: number): boolean {
    this.out.length = 0;
    this.reply = null;
    const { segment } = this;
    if (!segment.parse(b, wireLength)) {
      this.out.push(b);
      return false;
    }
    const connection = this.find(b, segment, fromClient, server4);
    this.refusal = connection.control.broken ? REASON.ftpClosed : REASON.ftpOutOfOrder;
    if (connection.control.broken) return false;
    const changed = this.pass(connection, b, fromClient);
    if (changed === undefined) {
      this.outOfOrder++;
      return false;
    }
    return changed;
  }

  private find(b: Uint8Array, segment: TcpSegment, fromClient: boolean, server4: number): Connection {
    const client = `${formatIpv6(b, fromClient ? 8 : 24)} ${u16(b, segment.at + (fromClient ? 0 : 2))}`;
    const key = `${client} ${formatIpv6(b, fromClient ? 24 : 8)}`;
    let connection = this.connections.get(key);
    const opens = fromClient && segment.syn && connection?.client?.origin !== (segment.sequence + 1) >>> 0;
    if (connection === undefined || opens) {
      const control = new FtpControl(formatIpv6(b, fromClient ? 8 : 24), server4, this.open, this.spec.noop);
      connection = { control, client: null, server: null, clientMss: DEFAULT_MSS, serverMss: DEFAULT_MSS };
      if (this.connections.size >= this.spec.maxConnections && !this.connections.has(key)) {
        const oldest = this.connections.keys().next();
        if (oldest.done !== true) this.connections.delete(oldest.value);
        this.forgotten++;
      }
    }
    // The one heard of longest ago comes first.
    this.connections.delete(key);
    this.connections.set(key, connection);
    return connection;
  }

  /** True if the packet leaves changed, undefined if it cannot be handed on. */
  private pass(connection: Connection, b: Uint8Array, fromClient: boolean): boolean | undefined {
    const { segment } = this;
    if (segment.syn) {
      if (fromClient) connection.clientMss = segment.mss(b) ?? DEFAULT_MSS;
      else connection.serverMss = segment.mss(b) ?? DEFAULT_MSS;
    }
    const first = (segment.sequence + (segment.syn ? 1 : 0)) >>> 0;
    let own = fromClient ? connection.client : connection.server;
    if (own === null || (segment.syn && own.origin !== first)) {
      own = new EditedStream(first);
      if (fromClient) connection.client = own;
      else connection.server = own;
    }
    const other = fromClient ? connection.server : connection.client;
    own.window = segment.window(b);
    own.timestamp = segment.timestamp(b) ?? own.timestamp;
    if (segment.ack && other !== null) other.acknowledged = Math.max(other.acknowledged, other.positionOf(segment.acknowledged));
    const position = own.positionOf(first);
    const data = b.subarray(segment.data, segment.end);
    const known = own.next + own.pending.length;
    // A lost segment before this one may be changed yet; the sender sends both again. A bare acknowledgement is no loss to anyone.
    if (position > known && (data.length > 0 || segment.fin)) return undefined;
    const before = own.toOut(position > known ? position : Math.min(position, own.next));
    const atEnd = position >= own.next;
    const said = other?.prefix.length ?? 0;
    let payload = this.payload(connection, own, other, position, data, fromClient);
    if (connection.control.broken) return this.close(own, other, b, before);
    // What the gateway said before stands before an empty segment too; a last one takes it along once more.
    const behind = atEnd && payload.length === 0 && !segment.syn ? own.prefix.length : 0;
    if (behind > 0 && segment.fin) payload = own.prefix;
    // Bytes of which nothing is left are acknowledged by nobody else, once all before them is.
    const taken = data.length > 0 && payload.length === 0 && own.toIn(own.acknowledged) >= position + data.length;
    if (other !== null && (other.prefix.length > said || taken)) this.answer(b, own, other);
    const ack = segment.ack && other !== null ? other.sequenceOf(other.toIn(other.positionOf(segment.acknowledged))) : segment.acknowledged;
    // The SYN stands before the first byte, and bytes that wait have not been sent.
    const sequence = segment.syn ? segment.sequence : own.sequenceOf(before + (segment.fin ? 0 : behind));
    const same = sequence === segment.sequence && ack === segment.acknowledged && sameBytes(payload, data);
    if (same && (other === null || !other.changesLength)) {
      this.out.push(b);
      return false;
    }
    const most = Math.max(fromClient ? connection.serverMss : connection.clientMss, data.length, 1);
    const sack = (edge: number): number => (other === null ? edge : other.sequenceOf(other.toIn(other.positionOf(edge))));
    for (let done = 0; done === 0 || done < payload.length; done += most) {
      const part = payload.subarray(done, done + most);
      const last = done + most >= payload.length;
      this.out.push(rewriteTcp(b, segment, part, (sequence + done) >>> 0, ack, last, sack));
    }
    return true;
  }

  /** Resets the connection on both sides of the server's segment `b` (RFC 6384 section 12). */
  private close(own: EditedStream, other: EditedStream | null, b: Uint8Array, position: number): boolean {
    const { segment } = this;
    this.closed++;
    this.refusal = REASON.ftpClosed;
    const acknowledged = other === null ? segment.acknowledged : other.sequenceOf(other.toIn(other.positionOf(segment.acknowledged)));
    this.out.push(resetTcp(b, segment, own.sequenceOf(position), acknowledged));
    this.reply = replyTcp(b, segment, {
      payload: b.subarray(0, 0),
      sequence: segment.acknowledged,
      acknowledged: (segment.sequence + segment.end - segment.data) >>> 0,
      window: 0,
      timestamp: other?.timestamp,
      reset: true,
    });
    return true;
  }

  /** Says to the sender of `b`, in the name of the other end, what stands before that one's next byte, and what of its own bytes has been taken. */
  private answer(b: Uint8Array, own: EditedStream, other: EditedStream): void {
    this.reply = replyTcp(b, this.segment, {
      payload: other.prefix,
      sequence: other.sequenceOf(other.toOut(other.next)),
      acknowledged: own.sequenceOf(own.toIn(own.acknowledged)),
      window: other.window,
      timestamp: other.timestamp,
    });
  }

  /**
   * What leaves for the data at `position`: repeated bytes as before, and complete new lines, changed where they must be. Option negotiations are taken
   * out; their refusals stand before the next byte of `other` (RFC 6384 section 5).
   */
  private payload(
    connection: Connection,
    own: EditedStream,
    other: EditedStream | null,
    position: number,
    data: Uint8Array,
    fromClient: boolean,
  ): Uint8Array {
    const { segment } = this;
    const old = Math.max(0, Math.min(own.next - position, data.length));
    const parts = old > 0 ? [own.again(position, data.subarray(0, old))] : [];
    own.push(data.subarray(Math.max(0, own.next + own.pending.length - position)));
    for (;;) {
      const { control } = connection;
      // Nobody could be answered before the other end has been heard.
      const strips = other !== null && !control.transparent;
      const length = this.ready(control, own, fromClient, segment.fin, strips);
      if (length === 0) break;
      const came = own.pending.slice(0, length);
      const bytes = strips ? withoutNegotiations(came, (at) => { this.refuse(other, came, at); }) : came; // prettier-ignore
      const ends = bytes[bytes.length - 1] === LF;
      const started = own.inLine;
      // The dialogue hears of every command when its line ends, and of every reply when it starts; only a whole line can be changed.
      const heard = bytes.length > 0 && (fromClient ? ends : !started);
      const changed = heard ? this.line(control, started ? SOME_LINE : bytes, fromClient) : undefined;
      const out = ends && !started ? changed : undefined;
      if (out !== undefined) this.linesChanged++;
      own.inLine = bytes.length > 0 ? !ends : started;
      parts.push(own.handOn(length, out ?? (bytes === came ? undefined : bytes)));
    }
    return concat(parts);
  }

  private refuse(other: EditedStream, b: Uint8Array, at: number): void {
    this.negotiationsRefused++;
    const refusal = refusalOf(b, at);
    if (refusal.length > 0) other.say(refusal);
  }

  /** Pending bytes that may be handed on now: a negotiation, one line, or the beginning of one that does not matter; 0 to wait. */
  private ready(control: FtpControl, own: EditedStream, fromClient: boolean, ends: boolean, strips: boolean): number {
    const { pending } = own;
    if (strips && !ends) {
      const negotiation = negotiationBytes(pending, 0);
      if (negotiation > 0) return negotiation;
    }
    const end = pending.indexOf(LF);
    if (end >= 0) return end + 1;
    if (ends || pending.length > MAX_LINE_BYTES) return pending.length;
    const whole = strips ? unfinishedAt(pending) : pending.length;
    if (own.inLine) return whole;
    const read = strips ? withoutNegotiations(pending.subarray(0, whole), () => undefined) : pending;
    return control.mayChange(LETTERS.decode(read), fromClient) ? 0 : whole;
  }

  private line(control: FtpControl, bytes: Uint8Array, fromClient: boolean): Uint8Array | undefined {
    const text = withoutCommands(LETTERS.decode(bytes)).replace(/\r?\n$/, '');
    const changed = fromClient ? control.command(text) : control.reply(text);
    return changed === undefined ? undefined : Uint8Array.from(changed, (letter) => letter.charCodeAt(0));
  }
}

/** True if the packet at `o` is TCP with this port as destination (`to`) or source; a quick look, without extension headers. */
export function isFtpControl(side: 4 | 6, b: Uint8Array, o: number, length: number, port: number): boolean {
  if (side === 6) return length >= 60 && b[o + 6] === 6 && u16(b, o + 42) === port;
  const t = o + (b[o]! & 15) * 4;
  return length >= t - o + 20 && b[o + 9] === 6 && (u16(b, o + 6) & 0x1fff) === 0 && u16(b, t) === port && u32(b, o + 12) !== 0;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
