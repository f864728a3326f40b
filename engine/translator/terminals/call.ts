import type { ConverterDivert, ConverterLeg, ConverterSession } from '../../contract/index.ts';
import { NS_PER_MS } from '../../base/index.ts';
import { formatIpv4U32 } from '../../wire/index.ts';
import { CallReports } from './call-reports.ts';
import type { MediaStream } from './media.ts';
import type { Family, Node } from './node.ts';
import type { Ranked } from './selection.ts';

export type DivertCause = ConverterDivert['cause'];

/** A change of converter that is under way. */
export interface Divert {
  readonly cause: DivertCause;
  readonly tNs: number;
  readonly from: Node;
  readonly to: Node;
  readonly lostBefore: number;
  /** When both parties had been told; -1 until then. */
  toldNs: number;
  /** By direction: last packet before the first one that came the new way, and that one; -1 until it came. */
  readonly lastNs: [number, number];
  readonly firstNs: [number, number];
}

/** One call, from the moment it is placed. */
export class Call {
  readonly id: number;
  readonly from: Node;
  readonly to: Node;
  readonly holdNs: number;
  readonly placedNs: number;
  readonly sw: Node;
  /** Caller to callee, and back. */
  readonly streams: readonly [MediaStream, MediaStream];
  /** Of the caller, and of the callee. */
  readonly reports: readonly [CallReports, CallReports];
  /** Both ends as the capture has them; empty for a call of the scenario. */
  readonly conversation: string;
  state: ConverterSession['state'] = 'ringing';
  path: ConverterSession['path'] = 'none';
  why = '';
  converter: Node | null = null;
  /** Family of the caller in a converted call; the callee has the other one. */
  callerFamily: Family;
  /** Converters that the call has left, but that still hold its session until both parties use the new one (T-16). */
  readonly left = new Set<Node>();
  /** Port of the converter; 0 with prefix mapping. */
  converterPort = 0;
  /** The same for the IPv4 party: another one where the converter is behind a NAT. */
  converterPort4 = 0;
  /** IPv4 address by which the converter stands for the IPv6 party; only with prefix mapping. */
  standIn4 = 0;
  /** Candidates of the last choice, for a quick divert (T-17). */
  ranking: readonly Ranked[] = [];
  answeredNs = -1;
  endedNs = -1;
  diverts = 0;
  divert: Divert | null = null;
  /** A converter is being looked for in place of the present one. */
  choosing = false;
  /** Receivers that hear nothing: bit 0 the callee (first stream), bit 1 the caller. */
  silent = 0;
  sequence = 1;

  constructor(
    id: number,
    from: Node,
    to: Node,
    holdNs: number,
    placedNs: number,
    sw: Node,
    streams: readonly [MediaStream, MediaStream],
    conversation: string,
  ) {
    this.id = id;
    this.from = from;
    this.to = to;
    this.holdNs = holdNs;
    this.placedNs = placedNs;
    this.sw = sw;
    this.streams = streams;
    this.reports = [new CallReports(streams[0], streams[1]), new CallReports(streams[1], streams[0])];
    this.conversation = conversation;
    this.callerFamily = from.signalFamily;
  }

  get callId(): string {
    return `call${String(this.id)}`;
  }

  /** Parties of a converted call by family. */
  party(family: Family): { node: Node; port: number } {
    const caller = family === this.callerFamily;
    return { node: caller ? this.from : this.to, port: this.streams[caller ? 0 : 1].senderPort };
  }

  legs(): ConverterLeg[] {
    const { converter } = this;
    if (converter === null) return [];
    return ([4, 6] as const).map((family) => {
      const { node, port } = this.party(family);
      const prefix = this.converterPort === 0;
      const local = family === 6 ? converter.address(6) : formatIpv4U32(prefix ? this.standIn4 : converter.reach4);
      return {
        family,
        local,
        localPort: family === 4 ? this.converterPort4 : this.converterPort,
        peer: node.address(family),
        peerPort: port,
      };
    });
  }

  get lost(): number {
    return this.streams[0].lost + this.streams[1].lost;
  }

  row(): ConverterSession {
    const direction = (s: MediaStream, reports: CallReports): ConverterSession['forward'] => ({
      sent: s.sent,
      received: s.received,
      lost: s.lost,
      jitterMs: s.jitterNs / NS_PER_MS,
      delayMs: { mean: s.received === 0 ? 0 : s.delaySumNs / s.received / NS_PER_MS, max: s.delayMaxNs / NS_PER_MS },
      longestGapMs: s.longestGapNs / NS_PER_MS,
      reports: reports.row,
    });
    return {
      id: this.id,
      from: this.from.id,
      to: this.to.id,
      conversation: this.conversation,
      state: this.state,
      path: this.path,
      why: this.why,
      converter: this.converter?.id ?? '',
      legs: this.legs(),
      placedNs: this.placedNs,
      answeredNs: this.answeredNs,
      endedNs: this.endedNs,
      setUpMs: this.answeredNs < 0 ? 0 : (this.answeredNs - this.placedNs) / NS_PER_MS,
      diverts: this.diverts,
      forward: direction(this.streams[0], this.reports[0]),
      backward: direction(this.streams[1], this.reports[1]),
    };
  }
}
