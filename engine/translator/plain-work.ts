import type { Nat64 } from './nat64.ts';
import type { PlainRules } from './plain-path.ts';

/** What a kernel is told that translates plain packets in place of `translate`, and what it tells afterwards. */
export interface PlainWork {
  readonly rules: PlainRules;
  /** Packets of TCP with this port at the IPv4 side's host are not plain; -1 for none. */
  readonly gatewayPort: number;
  /** Sessions are so many that reading ahead pays. */
  readonly looksAhead: boolean;
  /** Identification of the next IPv4 packet, -1 where all have 0. The kernel counts it on: after 65,535 comes 1. */
  identification: number;
  /** From this time on `translate` must see the next packet: something may have ended. */
  untilNs(): number;
  /** So many packets have been translated, the last at `nowNs` and of `session`, -1 for none. */
  took(packets: number, nowNs: number, session: number): void;
}

/** Stateful: what the packet translator has, with sessions and time. */
export class Nat64Work implements PlainWork {
  readonly rules: PlainRules;
  readonly gatewayPort: number;
  private readonly nat: Nat64;
  private readonly packets: PlainWork;

  constructor(nat: Nat64, packets: PlainWork) {
    this.nat = nat;
    this.packets = packets;
    this.rules = packets.rules;
    this.gatewayPort = nat.ftp === null ? -1 : nat.settings.spec.nat64.ftpAlg.port;
  }

  get looksAhead(): boolean {
    return this.nat.looksAhead;
  }

  get identification(): number {
    return this.packets.identification;
  }

  set identification(next: number) {
    this.packets.identification = next;
  }

  untilNs(): number {
    return this.nat.untilNs();
  }

  took(packets: number, nowNs: number, session: number): void {
    this.packets.took(packets, nowNs, session);
    this.nat.tookPlain(nowNs, session);
  }
}
