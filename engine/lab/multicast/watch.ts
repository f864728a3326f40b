import type { MulticastLimitsSpec, MulticastMembership, MulticastTimersSpec } from '../../contract/index.ts';
import { multicastLimitsSchema, multicastTimersSchema } from '../../contract/index.ts';
import {
  addressText,
  EventClock,
  ipHead,
  MembershipPort,
  membershipSettings,
  parseGroupMessage,
  parsePim,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
  PROTOCOL_PIM,
  type Family,
  type PimJoinPrune,
} from '../../multicast/index.ts';
import { networkHeader } from '../../wire/index.ts';

/** A router that listens and never speaks: its address is higher than any other, so that every querier on the link wins against it. */
const LISTENER: Readonly<Record<Family, string>> = { 4: '255.255.255.254', 6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe' };

/** A membership message met in a capture. */
export interface WatchedMessage {
  readonly tNs: number;
  readonly family: 'v4' | 'v6';
  readonly kind: string;
  readonly from: string;
  readonly text: string;
}

/** Messages kept for a person. */
const MAX_MESSAGES = 10_000;

/**
 * The multicast port of a switch that a capture runs through: reports, leaves and queries go into the membership machines on the capture's own time,
 * PIM joins are listed. What is left at the end is the membership that a router on this link would have.
 */
export class MulticastWatch {
  readonly counters = { packets: 0, membership: 0, pim: 0, data: 0, bad: 0 };
  readonly messages: WatchedMessage[] = [];
  /** PIM joins in force, by `(S, G)`. */
  readonly joins = new Map<string, { readonly upstream: string; readonly from: string; readonly untilNs: number }>();
  private readonly clock = new EventClock();
  private readonly ports: Readonly<Record<Family, MembershipPort>>;

  constructor(
    timers: MulticastTimersSpec = multicastTimersSchema.parse({}),
    limits: MulticastLimitsSpec = multicastLimitsSchema.parse({}),
  ) {
    const port = (family: Family): MembershipPort =>
      new MembershipPort(family, LISTENER[family], membershipSettings(timers, limits), {
        clock: this.clock,
        query: () => undefined,
        changed: () => undefined,
      });
    this.ports = { 4: port(4), 6: port(6) };
  }

  /** A frame of the capture. Times before the latest one count as that one. */
  feed(tNs: number, linkType: number, b: Uint8Array, start: number, end: number): void {
    this.counters.packets++;
    this.clock.runUntil(tNs);
    const at = networkHeader(b, start, end, linkType);
    const head = at < 0 ? undefined : ipHead(b, at, end - at);
    if (head === undefined) return;
    const from = addressText(b, at + (head.family === 4 ? 12 : 8), head.family);
    if (head.protocol === PROTOCOL_PIM) {
      const message = parsePim(b, head.at, head.end, head.family, at + 8, at + 24);
      if (typeof message === 'string') this.counters.bad++;
      else {
        this.counters.pim++;
        if (message.kind === 'join-prune') this.joinPrune(message, head.family, from);
      }
      return;
    }
    if (head.protocol !== PROTOCOL_IGMP && head.protocol !== PROTOCOL_ICMPV6) {
      const first = b[at + (head.family === 4 ? 16 : 24)]!;
      if (head.family === 4 ? first >>> 4 === 14 : first === 0xff) this.counters.data++;
      return;
    }
    const message = parseGroupMessage(b, head.at, head.end, head.family, at + 8, at + 24);
    if (typeof message === 'string') {
      if (message !== 'type') this.counters.bad++;
      return;
    }
    this.counters.membership++;
    const name = head.family === 4 ? 'IGMP' : 'MLD';
    const version = head.family === 4 ? message.version : message.version - 1;
    const text =
      message.kind === 'report'
        ? message.records.map(({ type, group, sources }) => `${RECORD_NAMES[type]} ${group} {${sources.join(', ')}}`).join('; ')
        : message.group === ''
          ? 'general'
          : message.group;
    this.note(head.family, `${name}v${version} ${message.kind}`, from, text);
    this.ports[head.family].receive(message, from);
  }

  private note(family: Family, kind: string, from: string, text: string): void {
    if (this.messages.length < MAX_MESSAGES) this.messages.push({ tNs: this.clock.nowNs, family: `v${family}`, kind, from, text });
  }

  private joinPrune(message: PimJoinPrune, family: Family, from: string): void {
    for (const { group, joins, prunes } of message.groups) {
      for (const [list, joined] of [
        [joins, true],
        [prunes, false],
      ] as const) {
        for (const { source, wildcard, rpt } of list) {
          const key = `(${wildcard ? '*' : source}, ${group}${rpt && !wildcard ? ', rpt' : ''})`;
          this.note(family, joined ? 'PIM join' : 'PIM prune', from, `${key} to ${message.upstream}`);
          if (joined) this.joins.set(key, { upstream: message.upstream, from, untilNs: this.clock.nowNs + message.holdtimeS * 1e9 });
          else this.joins.delete(key);
        }
      }
    }
  }

  /** Membership at the time of the last packet. */
  membership(): MulticastMembership[] {
    return ([4, 6] as const).flatMap((family) =>
      this.ports[family].view().map(({ group, mode, sources, compatibility }) => ({
        router: 'capture',
        link: '',
        family: `v${family}` as const,
        group,
        mode,
        sources: [...sources],
        compatibility,
        querier: this.ports[family].isQuerier ? '' : this.ports[family].querier,
      })),
    );
  }
}

const RECORD_NAMES: Readonly<Record<number, string>> = {
  1: 'is include',
  2: 'is exclude',
  3: 'to include',
  4: 'to exclude',
  5: 'allow',
  6: 'block',
};
