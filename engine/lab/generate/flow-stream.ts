import { NS_PER_MS, u32, type Random } from '../../base/index.ts';
import { parsePrefix, type Prefix } from './addresses.ts';
import { burstBytes, makePacing, type Pacing } from './pacing.ts';
import type { FlowStreamSpec } from './spec.ts';
import type { PacketStream } from './stream.ts';
import { makeTemplate, patchTemplate, type Template } from './template.ts';

/**
 * Packets by the million: everything about a flow follows from its number, so a flow costs four bytes (its next sequence
 * number) and a packet no allocation.
 */

/** Flows of one burst follow each other in runs of this many packets at most, as segments of one sender do. */
const RUN_PACKETS = 12;
/** Acknowledgments after one burst at most; a longer burst is acknowledged in part. */
const MAX_BURST_ACKS = 4_096;
/** Client ports of a host, when there are more flows than hosts. */
const FIRST_CLIENT_PORT = 16_384;
const CLIENT_PORTS = 40_000;
/** Streams with the same addresses begin at different ports, so that their flows are different ones. */
const CLIENT_PORT_SHIFT = 9_000;

/** A well-mixed 32-bit number from a flow number (the finaliser of MurmurHash3, a bijection). */
function mix(n: number): number {
  let h = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function low32(prefix: Prefix): number {
  return u32(prefix.base, prefix.base.length - 4);
}

interface Family {
  readonly clientBase: number;
  readonly clientHosts: number;
  readonly serverBase: number;
  readonly serverHosts: number;
}

function family(clients: Prefix, servers: Prefix): Family {
  return { clientBase: low32(clients), clientHosts: clients.hosts, serverBase: low32(servers), serverHosts: servers.hosts };
}

/** Sizes by weight as thresholds on a 16-bit number. */
function sizesOf(spec: FlowStreamSpec): { bytes: number[]; below: Uint32Array } {
  const list = spec.kind === 'imix' ? spec.sizes : [{ bytes: spec.kind === 'burst' ? burstBytes(spec) : spec.bytes, weight: 1 }];
  const total = list.reduce((n, s) => n + s.weight, 0) || 1;
  let sum = 0;
  const below = Uint32Array.from(list, (s) => Math.round(((sum += s.weight) / total) * 65_536));
  below[below.length - 1] = 65_536;
  return { bytes: list.map((s) => s.bytes), below };
}

export class FlowStream implements PacketStream {
  nextNs: number;
  readonly iface = 0;
  wireBytes = 0;
  private readonly random: Random;
  private readonly pacing: Pacing;
  private readonly untilNs: number;
  private left: number;
  private readonly flows: number;
  private readonly inTurn: boolean;
  private readonly bursts: boolean;
  private readonly down: boolean;
  private readonly tcpBelow: number;
  private readonly v6Below: number;
  private readonly four: Family;
  private readonly six: Family;
  private readonly ports: Uint16Array;
  /** Templates by size, then family and protocol: `size * 4 + (v6 ? 2 : 0) + (tcp ? 1 : 0)`; acknowledgments after the last size. */
  private readonly templates: readonly Template[];
  private readonly sizeBelow: Uint32Array;
  private readonly ackTemplates: number;
  /** Next sequence number of each flow. */
  private readonly sequences: Uint32Array;
  /** Acknowledgments due after the current burst: flow and number, one for two segments. */
  private readonly ackFlows = new Uint32Array(MAX_BURST_ACKS);
  private readonly ackNumbers = new Uint32Array(MAX_BURST_ACKS);
  private ackCount = 0;
  private ackAt = 0;
  private unacknowledged = 0;
  private lastForward = 0;
  private readonly firstClientPort: number;
  private turn = 0;
  private run = 0;
  private flow = 0;
  private identification = 0;
  private template: Template;

  constructor(spec: FlowStreamSpec, random: Random, untilNs: number, snap: number) {
    this.random = random;
    this.pacing = makePacing(spec, random.fork('pacing'));
    this.untilNs = Math.min(untilNs, (spec.untilMs ?? Infinity) * NS_PER_MS);
    this.left = spec.packets ?? Infinity;
    this.firstClientPort = FIRST_CLIENT_PORT + random.fork('ports').int(0, CLIENT_PORT_SHIFT);
    this.flows = spec.flows;
    this.inTurn = spec.kind === 'constant';
    this.bursts = spec.kind === 'burst';
    this.down = spec.direction === 'down';
    this.tcpBelow = Math.round(spec.tcpShare * 65_536);
    this.v6Below = Math.round(spec.v6Share * 65_536);
    const [c4, s4, c6, s6] = [spec.clients, spec.servers, spec.clients6, spec.servers6].map(parsePrefix) as [
      Prefix,
      Prefix,
      Prefix,
      Prefix,
    ];
    this.four = family(c4, s4);
    this.six = family(c6, s6);
    this.ports = Uint16Array.from(spec.serverPorts);
    const { bytes, below } = sizesOf(spec);
    this.sizeBelow = below;
    this.ackTemplates = bytes.length;
    const seeds = random.fork('templates');
    this.templates = [...bytes, 0].flatMap((size, i) =>
      [0, 1, 2, 3].map((shape) => {
        const v6 = shape >= 2;
        const acknowledgment = i === bytes.length;
        const fromServer = this.down !== acknowledgment;
        const [client, server] = v6 ? [c6, s6] : [c4, s4];
        const [source, destination] = fromServer ? [server.base, client.base] : [client.base, server.base];
        return makeTemplate({ bytes: size, v6, tcp: shape % 2 === 1, vlan: spec.vlan, source, destination, acknowledgment, snap }, seeds);
      }),
    );
    this.sequences = new Uint32Array(this.flows);
    for (let i = 0; i < this.flows; i++) this.sequences[i] = mix(i ^ 0x5bd1e995);
    this.template = this.templates[0]!;
    this.nextNs = 0;
    this.choose();
  }

  emit(b: Uint8Array, o: number): number {
    const t = this.template;
    const flow = this.flow;
    const h = mix(flow);
    const f = t.v6 ? this.six : this.four;
    const client = this.clientOf(flow, f);
    const server = (f.serverBase + (f.serverHosts === 1 ? 0 : 1 + ((h >>> 3) % f.serverHosts))) >>> 0;
    const clientPort = this.firstClientPort + ((Math.floor(flow / f.clientHosts) * 37 + (h & 15)) % CLIENT_PORTS);
    const serverPort = this.ports[(h >>> 8) % this.ports.length]!;
    const reverse = this.pacing.reverse;
    const fromServer = this.down !== reverse;
    const forward = this.sequences[flow]!;
    // The other side's numbers stand still: it has sent its request and only acknowledges.
    const other = h ^ 0x9e3779b9;
    const sequence = reverse ? other >>> 0 : forward;
    const acknowledgment = reverse ? this.ackNumbers[this.ackAt]! : other >>> 0;
    this.identification = (this.identification + 1) & 0xffff;
    if (fromServer) patchTemplate(b, o, t, server, client, serverPort, clientPort, sequence, acknowledgment, this.identification);
    else patchTemplate(b, o, t, client, server, clientPort, serverPort, sequence, acknowledgment, this.identification);
    if (reverse) this.ackAt++;
    else {
      this.sequences[flow] = forward + t.payloadBytes;
      if (this.bursts && t.tcp) this.noteForward(flow);
    }
    this.left--;
    this.pacing.advance();
    if (!this.pacing.reverse && reverse) {
      this.ackAt = 0;
      this.ackCount = 0;
    }
    this.choose();
    return t.bytes.length;
  }

  private clientOf(flow: number, f: Family): number {
    return (f.clientBase + (f.clientHosts === 1 ? 0 : 1 + (flow % f.clientHosts))) >>> 0;
  }

  /** Picks flow and template of the packet at the pacing's time. */
  private choose(): void {
    const { pacing } = this;
    if (this.left <= 0 || pacing.tNs > this.untilNs) {
      this.nextNs = Infinity;
      return;
    }
    this.nextNs = pacing.tNs;
    const r = this.random.u32();
    if (pacing.reverse) this.flow = this.ackFlows[this.ackAt]!;
    else if (this.inTurn) this.flow = this.turn++ % this.flows;
    else if (this.bursts) {
      if (this.run-- <= 0) {
        this.flow = this.random.int(0, this.flows - 1);
        this.run = (r >>> 16) % RUN_PACKETS;
      }
    } else this.flow = Math.floor(this.random.float() * this.flows);
    const h = mix(this.flow ^ 0x2545f491);
    const v6 = (h & 0xffff) < this.v6Below;
    const tcp = h >>> 16 < this.tcpBelow;
    let size = this.ackTemplates;
    if (!pacing.reverse) {
      size = 0;
      while ((r & 0xffff) >= this.sizeBelow[size]!) size++;
    }
    this.template = this.templates[size * 4 + (v6 ? 2 : 0) + (tcp ? 1 : 0)]!;
    this.wireBytes = this.template.wireBytes;
  }

  /** Delayed acknowledgments (RFC 9293 section 3.8.6.3): every second segment of a flow, and the last of a run. */
  private noteForward(flow: number): void {
    if (this.unacknowledged === 1 && this.lastForward !== flow) this.dueAcknowledgment(this.lastForward);
    this.lastForward = flow;
    this.unacknowledged++;
    if (this.unacknowledged === 2) this.dueAcknowledgment(flow);
  }

  private dueAcknowledgment(flow: number): void {
    this.unacknowledged = 0;
    if (this.ackCount === MAX_BURST_ACKS) return;
    this.ackFlows[this.ackCount] = flow;
    this.ackNumbers[this.ackCount] = this.sequences[flow]!;
    this.ackCount++;
    this.pacing.acks = this.ackCount;
  }
}
