import { assert } from '../../base/index.ts';
import { translatorSchema } from '../../contract/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { AccessNat } from './access-nat.ts';
import { PacketSink } from '../packet-sink.ts';
import { REASON, REASONS, isTranslated } from '../reasons.ts';
import { compileSettings } from '../settings.ts';
import { PacketTranslator } from '../translator.ts';
import { BindingMapper, PrefixMapper, withinRate, type RelayEntry } from './relay-mapper.ts';

/** Ports for RTP: even ones from here (RFC 3550 section 11); 8,000 of them, more than any terminal converts. */
const FIRST_PORT = 16_384;
const PORTS = 8_000;
/** Bytes of a session's state in tables of flat rows: two addresses, ports, the session, and the rate cap; without ports where none are mapped. */
const BINDING_BYTES = 48;
const PREFIX_BYTES = 40;
/** One packet in, at most two out: a fragment pair. */
const SINK_BYTES = 8_192;
const SINK_PACKETS = 4;

export type RelayStyle = 'binding' | 'prefix';

/**
 * The data plane of one converter: relays packets of reserved sessions between their two legs and refuses everything else (T-11 to
 * T-15). Header translation is the translator's; this says who may use it.
 */
export class Relay {
  readonly style: RelayStyle;
  /** Packets by reason id, those relayed left out. */
  readonly refused = new Map<string, number>();
  relayed = 0;
  /** Most sessions at once. */
  peak = 0;
  /** Bits per second of one direction of all reserved sessions. */
  reservedBps = 0;
  readonly sink = new PacketSink(SINK_BYTES, SINK_PACKETS);
  private readonly ratePps: number;
  private readonly binding: BindingMapper;
  private readonly prefix: PrefixMapper;
  private readonly nat: AccessNat | null;
  /** A packet behind the NAT. */
  private readonly behind: Uint8Array;
  private readonly entries = new Map<number, RelayEntry>();
  private translator: PacketTranslator | undefined;
  private nextPort = 0;

  constructor(style: RelayStyle, ratePps: number, own4: number, own6: Uint8Array, prefix: Uint8Array, nat: AccessNat | null = null) {
    this.style = style;
    this.nat = nat;
    this.behind = new Uint8Array(nat === null ? 0 : SINK_BYTES);
    this.ratePps = ratePps;
    this.binding = new BindingMapper(own4, own6);
    this.prefix = new PrefixMapper(prefix);
  }

  get sessions(): number {
    return this.entries.size;
  }

  /** Ports in use at the busiest moment: RTP and RTCP of each session, in each family. */
  get portsPeak(): number {
    return this.style === 'binding' ? 4 * this.peak : 0;
  }

  /** Bytes of state at the busiest moment. */
  get stateBytes(): number {
    return this.peak * (this.style === 'binding' ? BINDING_BYTES : PREFIX_BYTES);
  }

  /** Reserves a session (T-08). The parties are told with `connect`; until then nothing passes. Undefined: no port is free. */
  reserve(session: number, standIn4: number, rateBps = 0): RelayEntry | undefined {
    assert(!this.entries.has(session), 'a session is reserved once at a converter');
    const port = this.style === 'binding' ? this.freePort() : 0;
    if (port < 0) return undefined;
    const port4 = this.nat?.map(port) ?? port;
    if (port4 < 0) return undefined;
    const entry: RelayEntry = {
      session,
      port,
      port4,
      peer4: -1,
      peerPort4: 0,
      peer6: new Uint8Array(16),
      peerPort6: 0,
      standIn4,
      rateBps,
      windowNs: 0,
      windowPackets: 0,
    };
    this.entries.set(session, entry);
    this.reservedBps += rateBps;
    this.peak = Math.max(this.peak, this.entries.size);
    if (this.style === 'binding') this.binding.byPort.set(port, entry);
    return entry;
  }

  /** Tells who the parties of a reserved session are; false where there is no such reservation. */
  connect(session: number, peer4: number, peerPort4: number, peer6: Uint8Array, peerPort6: number): boolean {
    const entry = this.entries.get(session);
    if (entry === undefined) return false;
    this.forgetPeer4(entry);
    Object.assign(entry, { peer4, peerPort4, peer6, peerPort6 });
    this.nat?.open(entry.port, peer4);
    if (this.style === 'prefix') {
      this.prefix.byStandIn.set(entry.standIn4, entry);
      this.prefix.byPeer4.set(peer4, entry);
    }
    return true;
  }

  release(session: number): boolean {
    const entry = this.entries.get(session);
    if (entry === undefined) return false;
    this.entries.delete(session);
    this.reservedBps -= entry.rateBps;
    this.binding.byPort.delete(entry.port);
    this.nat?.unmap(entry.port);
    this.prefix.byStandIn.delete(entry.standIn4);
    this.forgetPeer4(entry);
    return true;
  }

  /** The party may have its next call here before the last one is let go. */
  private forgetPeer4(entry: RelayEntry): void {
    if (this.prefix.byPeer4.get(entry.peer4) === entry) this.prefix.byPeer4.delete(entry.peer4);
  }

  has(session: number): boolean {
    return this.entries.has(session);
  }

  /** The converter went, or changed its address: nothing is reserved any more. */
  clear(own4 = this.binding.own4, own6 = this.binding.own6): void {
    for (const session of [...this.entries.keys()]) this.release(session);
    this.binding.own4 = own4;
    this.binding.own6 = own6;
    this.translator = undefined;
  }

  /** Relays one packet that starts with its IP header; what comes out is in `sink`. Returns a reason code. */
  process(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, nowNs: number): number {
    this.sink.clear();
    if (this.nat === null || side === 6) return this.relay(side, bytes, offset, length, nowNs);
    // The packet belongs to who sent it: the NAT changes a copy.
    const { behind } = this;
    if (length > behind.length) return this.refuseAtNat();
    behind.set(bytes.subarray(offset, offset + length));
    return this.nat.inward(behind, length) ? this.relay(4, behind, 0, length, nowNs) : this.refuseAtNat();
  }

  private refuseAtNat(): number {
    this.count('nat');
    return REASON.filtered;
  }

  private relay(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, nowNs: number): number {
    this.translator ??= this.makeTranslator();
    let code = this.translator.translate(side, bytes, offset, length, length, this.sink, nowNs);
    const entry = this.style === 'binding' ? this.binding.entry : this.prefix.entry;
    if (isTranslated(code) && entry !== undefined && !withinRate(entry, this.ratePps, nowNs)) {
      this.sink.clear();
      this.count('rateCap');
      code = REASON.filtered;
    } else if (isTranslated(code)) {
      this.relayed++;
      this.throughNat();
    } else this.count(REASONS.find((reason) => reason.code === code)?.id ?? String(code));
    return code;
  }

  /** What leaves by IPv4 passes the NAT. */
  private throughNat(): void {
    const { nat, sink } = this;
    if (nat === null) return;
    for (let i = 0; i < sink.count; i++) if (sink.side[i] === 4) nat.outward(sink.bytes, sink.offset[i]!);
  }

  private count(reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  private freePort(): number {
    for (let i = 0; i < PORTS; i++) {
      const port = FIRST_PORT + 2 * ((this.nextPort + i) % PORTS);
      if (this.binding.byPort.has(port)) continue;
      this.nextPort = (this.nextPort + i + 1) % PORTS;
      return port;
    }
    return -1;
  }

  private makeTranslator(): PacketTranslator {
    const { own4, own6 } = this.binding;
    const spec = translatorSchema.parse({ pool6: [], own4: formatIpv4U32(own4), own6: formatIpv6(own6, 0), wellKnownPrivate: 'allow' });
    const settings = compileSettings(spec);
    assert(settings.ok, 'own addresses of a terminal are addresses');
    return new PacketTranslator(settings.value, this.style === 'binding' ? this.binding : this.prefix);
  }
}
