import { u16, u32 } from '../base/index.ts';
import type { FtpAlgSpec } from '../contract/index.ts';
import { parseIpv6 } from '../wire/index.ts';
import { FtpAlg, isFtpControl } from './ftp-alg.ts';
import type { Nat64Mapper } from './nat64-mapper.ts';
import { IPV6_BYTES, PROTOCOL } from './packet-view.ts';
import { PacketSink, SINK_KIND } from './packet-sink.ts';
import { isTranslated, REASON } from './reasons.ts';
import { TCP_STATE } from './tcp-state.ts';

/** Port of FTP data at the server (RFC 959 section 3.2). */
const DATA_PORT = 20;

/** Translation of one packet without the gateway: as PacketTranslator.translate at the present time. */
export type Forward = (side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink) => number;

/**
 * The FTP gateway in a NAT64: control packets from inside go through it before they are translated, those from outside after. Control
 * connections carry a few packets a second, so it allocates.
 */
export class FtpGateway {
  readonly alg: FtpAlg;
  private readonly port: number;
  private readonly mapper: Nat64Mapper;
  private readonly forward: Forward;
  /** Output of one packet from outside. */
  private readonly between = new PacketSink(1 << 17, 64);
  /** IPv6 packet that is being looked at, and when. */
  private packet: Uint8Array = new Uint8Array(0);
  private nowNs = 0;

  constructor(spec: FtpAlgSpec, mapper: Nat64Mapper, forward: Forward) {
    this.port = spec.port;
    this.mapper = mapper;
    this.forward = forward;
    this.alg = new FtpAlg(spec, (client, port, server4) => this.open(client, port, server4));
  }

  /** Whether the packet is one of a control connection. */
  wants(side: 4 | 6, b: Uint8Array, o: number, length: number): boolean {
    return isFtpControl(side, b, o, length, this.port);
  }

  /**
   * Whether the session that ends is a control connection with a transfer under way: it lives on as if it had said something (RFC 6384 section 12). Looks at all sessions, as one of
   * a control connection hardly ever ends so.
   */
  keeps(e: number): boolean {
    const { sessions } = this.mapper;
    if (sessions.peerPort(e) !== this.port || sessions.state(e) !== TCP_STATE.transitory) return false;
    for (let other = 0; other < sessions.used; other++) {
      if (other === e || sessions.binding(other) < 0 || sessions.peer4(other) !== sessions.peer4(e)) continue;
      if (sessions.state(other) !== TCP_STATE.established || sessions.peerPort(other) === this.port) continue;
      if ([0, 1, 2, 3].every((i) => sessions.word6(other, i) === sessions.word6(e, i))) return true;
    }
    return false;
  }

  /** As Forward, with a reason. */
  translate(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number {
    this.nowNs = nowNs;
    return side === 6 ? this.fromClient(b.slice(o, o + length), wireLength, sink) : this.fromServer(b, o, length, wireLength, sink);
  }

  private fromClient(b: Uint8Array, wireLength: number, sink: PacketSink): number {
    const { alg } = this;
    const server4 = this.mapper.peerOf(b, 24);
    if (server4 < 0) return this.forward(6, b, 0, b.length, wireLength, sink);
    this.packet = b;
    const changed = alg.process(b, wireLength, true, server4);
    let code: number = alg.refusal;
    for (const [i, out] of alg.out.entries()) {
      const own = this.forward(6, out, 0, out.length, out === b ? wireLength : out.length, sink);
      if (i === 0 || !isTranslated(own)) code = own;
    }
    if (alg.reply !== null && !push(sink, alg.reply, alg.reply.length, SINK_KIND.error, 6)) return REASON.sinkFull;
    return changed && isTranslated(code) ? REASON.ftpChanged : code;
  }

  private fromServer(b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): number {
    const { alg, between } = this;
    between.clear();
    const code = this.forward(4, b, o, length, wireLength, between);
    let changed = false;
    let refused = false;
    for (let i = 0; i < between.count; i++) {
      const out = between.packet(i);
      if (!isTranslated(code) || between.kind[i] !== SINK_KIND.translated || out[6] !== PROTOCOL.tcp) {
        if (!copyTo(sink, between, i)) return REASON.sinkFull;
        continue;
      }
      changed = alg.process(out, between.wireLength[i]!, false, u32(b, o + 12)) || changed;
      refused = refused || alg.out.length === 0;
      const { reply } = alg;
      for (const packet of alg.out) {
        if (!push(sink, packet, packet === out ? between.wireLength[i]! : packet.length, SINK_KIND.translated, 6)) return REASON.sinkFull;
      }
      if (reply !== null) this.toServer(reply, sink);
    }
    if (refused || (changed && alg.refusal === REASON.ftpClosed)) return alg.refusal;
    return changed ? REASON.ftpChanged : code;
  }

  /** What the gateway says to the server in the name of the client: translated as a packet of that one. */
  private toServer(reply: Uint8Array, sink: PacketSink): void {
    const first = sink.count;
    this.forward(6, reply, 0, reply.length, reply.length, sink);
    for (let i = first; i < sink.count; i++) sink.kind[i] = SINK_KIND.error;
  }

  /** The server will connect to `port` of the client: it gets a binding on the address that the control connection has. */
  private open(client: string, port: number, server4: number): { readonly address4: number; readonly port4: number } | undefined {
    const { mapper, packet } = this;
    const inside = parseIpv6(client);
    if (inside === undefined) return undefined;
    const control = mapper.bindings.find6(PROTOCOL.tcp, packet, 8, u16(packet, IPV6_BYTES));
    const binding = mapper.expectTcp(inside, 0, port, server4, DATA_PORT, this.nowNs);
    if (control < 0 || binding < 0 || mapper.bindings.address4(binding) !== mapper.bindings.address4(control)) return undefined;
    return { address4: mapper.bindings.address4(binding), port4: mapper.bindings.port4(binding) };
  }
}

function copyTo(sink: PacketSink, from: PacketSink, i: number): boolean {
  return push(sink, from.packet(i), from.wireLength[i]!, from.kind[i]!, from.side[i] === 6 ? 6 : 4);
}

function push(sink: PacketSink, packet: Uint8Array, wireLength: number, kind: number, side: 4 | 6): boolean {
  const at = sink.reserve(packet.length);
  if (at < 0) return false;
  sink.bytes.set(packet, at);
  sink.push(packet.length, wireLength, side, kind);
  return true;
}
