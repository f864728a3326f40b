import { NS_PER_US, putU16, putU32, type Random } from '../../base/index.ts';
import type { ConverterGroup, ConvertersSpec } from '../../contract/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import { AccessLink } from './access-link.ts';
import { AccessNat } from './access-nat.ts';
import type { Announcement } from './registry.ts';
import { Relay } from './relay.ts';

export type Family = 4 | 6;

export const NODE_ROLES = ['v4', 'v6', 'dual', 'gateway', 'switch'] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

type RoleSpec = NonNullable<ConverterGroup['converter']>;

/** First addresses: benchmarking space (RFC 2544) and documentation space (RFC 3849). */
const BASE4 = 0xc6120000;
const BASE6 = [0x20010db8, 0, 0];
/** Addresses behind a NAT: 10.0.0.0 and up. */
const PRIVATE4 = 0x0a000000;
/** Documentation space again: each converter's prefix for IPv4 parties. */
const PREFIX6 = 0xffff0000;
/** A renumbered node moves up by so many addresses. */
const RENUMBER_STEP = 0x8000;

export function address4(index: number, generation: number): number {
  return (BASE4 + ((index + 1 + generation * RENUMBER_STEP) & 0x1ffff)) >>> 0;
}

export function address6(index: number, generation: number): Uint8Array {
  const bytes = new Uint8Array(16);
  for (const [i, word] of BASE6.entries()) putU32(bytes, 4 * i, word);
  putU16(bytes, 4, generation);
  putU32(bytes, 12, index + 1);
  return bytes;
}

/** First twelve bytes of a converter's /96 for IPv4 parties. */
export function prefixOf(index: number): Uint8Array {
  const prefix = new Uint8Array(12);
  putU32(prefix, 0, BASE6[0]!);
  putU32(prefix, 4, PREFIX6);
  putU32(prefix, 8, index + 1);
  return prefix;
}

/** The role of converter: admission, and the processor that relays. */
export class ConverterRole {
  readonly spec: RoleSpec;
  readonly relay: Relay;
  enabled: boolean;
  draining = false;
  /** Reservations refused, by reason. */
  readonly refusals = new Map<string, number>();
  /** Sessions ever reserved. */
  taken = 0;
  private busyUntil = 0;

  constructor(spec: RoleSpec, relay: Relay) {
    this.spec = spec;
    this.relay = relay;
    this.enabled = spec.enabled;
  }

  /** Sessions it takes while its terminal is, or is not, in a call of its own: less, but never none (T-07). */
  capacity(ownCall: boolean): number {
    const { capacity, ownCallShare } = this.spec;
    return ownCall ? Math.max(1, Math.floor(capacity * (1 - ownCallShare))) : capacity;
  }

  /** Why it takes no session now (T-06, T-07, T-19), or an empty text. Counts what it refuses. */
  refuse(ownCall: boolean, session: number): string {
    const { nat } = this.spec;
    const why = !this.enabled
      ? 'disabled'
      : this.draining
        ? 'draining'
        : this.relay.has(session)
          ? 'has the session already'
          : this.relay.sessions >= this.capacity(ownCall)
            ? 'full'
            : nat === 'peer-dependent'
              ? 'behind a NAT that gives every peer another port'
              : nat !== 'none' && this.relay.style === 'prefix'
                ? 'behind a NAT that has no addresses for prefix mapping'
                : '';
    if (why !== '') this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
    return why;
  }

  /**
   * When the processor is done with a packet that came at `tNs`; -1 where too many wait. The terminal's own call goes ahead of relayed packets
   * where the role says so: then it takes the processor's time and waits for nobody.
   */
  process(tNs: number, own: boolean): number {
    const serviceNs = this.spec.relayUs * NS_PER_US;
    const start = Math.max(tNs, this.busyUntil);
    const ahead = own && this.spec.ownPriority;
    if (!ahead && start - tNs > this.spec.queuePackets * serviceNs) return -1;
    this.busyUntil = start + serviceNs;
    return Math.round((ahead ? tNs : start) + serviceNs);
  }
}

/** A terminal, the gateway, or a switch. */
export class Node {
  readonly index: number;
  readonly id: string;
  readonly role: NodeRole;
  readonly link4: AccessLink | null;
  readonly link6: AccessLink | null;
  readonly converter: ConverterRole | null;
  addr4: number;
  addr6: Uint8Array;
  alive = true;
  /** The IPv4 address by which others reach its converter: that of the NAT in front, where there is one. */
  reach4: number;
  /** Call of its own that is under way, or -1; `ownCalls` counts those outside the simulated network. */
  call = -1;
  ownCalls = 0;
  private generation = 0;
  private readonly nat: AccessNat | null;

  constructor(
    index: number,
    id: string,
    role: NodeRole,
    link4: AccessLink | null,
    link6: AccessLink | null,
    converter: RoleSpec | null,
    style: ConvertersSpec['style'],
  ) {
    // prettier-ignore
    this.index = index;
    this.id = id;
    this.role = role;
    this.link4 = link4;
    this.link6 = link6;
    this.addr4 = link4 === null ? 0 : address4(index, 0);
    this.addr6 = link6 === null ? new Uint8Array(16) : address6(index, 0);
    this.reach4 = this.addr4;
    this.nat = converter?.nat === 'endpoint-independent' ? new AccessNat(0, 0) : null;
    this.placeBehindNat();
    this.converter =
      converter === null
        ? null
        : new ConverterRole(converter, new Relay(style, converter.ratePps, this.addr4, this.addr6, prefixOf(index), this.nat));
  }

  get inOwnCall(): boolean {
    return this.call >= 0 || this.ownCalls > 0;
  }

  link(family: Family): AccessLink | null {
    return family === 4 ? this.link4 : this.link6;
  }

  has(family: Family): boolean {
    return this.link(family)?.up === true;
  }

  /** The family it speaks with a peer, or 0 where they share none. IPv6 where both have both. */
  common(peer: Node): Family | 0 {
    if (this.has(6) && peer.has(6)) return 6;
    return this.has(4) && peer.has(4) ? 4 : 0;
  }

  /** Family for signalling: switches have both. */
  get signalFamily(): Family {
    return this.has(6) ? 6 : 4;
  }

  get canConvert(): boolean {
    return this.alive && this.converter !== null && this.has(4) && this.has(6);
  }

  address(family: Family): string {
    return family === 4 ? formatIpv4U32(this.addr4) : formatIpv6(this.addr6, 0);
  }

  announcement(nowNs: number): Announcement | null {
    const { converter } = this;
    if (converter === null) return null;
    return {
      node: this.index,
      id: this.id,
      enabled: converter.enabled && !converter.draining && this.canConvert,
      capacity: converter.capacity(this.inOwnCall),
      fullCapacity: converter.spec.capacity,
      inUse: converter.relay.sessions,
      ownCall: this.inOwnCall,
      charge: converter.spec.chargePercent,
      sentNs: nowNs,
    };
  }

  /** New addresses; whatever was reserved under the old ones is gone. */
  renumber(): void {
    this.generation++;
    if (this.link4 !== null) this.addr4 = address4(this.index, this.generation);
    if (this.link6 !== null) this.addr6 = address6(this.index, this.generation);
    this.reach4 = this.addr4;
    this.placeBehindNat();
    this.converter?.relay.clear(this.addr4, this.addr6);
  }

  /** Its address is the NAT's, and it gets a private one (RFC 1918). */
  private placeBehindNat(): void {
    if (this.nat === null) return;
    this.addr4 = PRIVATE4 + (this.index & 0xffff);
    this.nat.renumber(this.addr4, this.reach4);
  }
}

/** All nodes of a scenario: terminals in the order of the file, then the gateway, then the switches. */
export interface Nodes {
  readonly all: readonly Node[];
  readonly terminals: readonly Node[];
  readonly gateway: Node | null;
  readonly switches: readonly Node[];
}

/** Limit of the network: what the addresses have room for. */
export const MAX_TERMINALS = 20_000;

export function makeNodes(spec: ConvertersSpec, random: Random): Nodes {
  const all: Node[] = [];
  for (const group of spec.terminals) {
    for (let i = 1; i <= group.count; i++) {
      const id = group.count === 1 ? group.id : `${group.id}-${String(i)}`;
      const spread = 1 + ((random.float() * 2 - 1) * group.rttSpreadPercent) / 100;
      const fork = random.fork(id);
      const link4 = group.family === 'v6' ? null : new AccessLink(group.link4, spread, fork.fork('4'));
      const link6 = group.family === 'v4' ? null : new AccessLink(group.link6, spread, fork.fork('6'));
      all.push(new Node(all.length, id, group.family, link4, link6, group.converter ?? null, spec.style));
    }
  }
  const terminals = [...all];
  let gateway: Node | null = null;
  if (spec.gateway !== null) {
    const { capacity, relayUs, link } = spec.gateway;
    const role: RoleSpec = {
      enabled: true,
      capacity,
      relayUs,
      queuePackets: 1_024,
      ownCallShare: 0,
      ownPriority: false,
      ratePps: 1e7,
      nat: 'none',
    };
    const fork = random.fork('gateway');
    gateway = new Node(all.length, 'gateway', 'gateway', new AccessLink(link, 1, fork.fork('4')), new AccessLink(link, 1, fork.fork('6')), role, spec.style); // prettier-ignore
    all.push(gateway);
  }
  const switches: Node[] = [];
  for (let i = 1; i <= spec.switch.count; i++) {
    const access = { kind: 'ethernet', rttMs: spec.switch.rttMs, jitterMs: 0, lossPercent: 0, bandwidthBps: 1e12, queueMs: 100 } as const;
    const fork = random.fork(`switch${String(i)}`);
    const id = spec.switch.count === 1 ? 'switch' : `switch-${String(i)}`;
    switches.push(new Node(all.length, id, 'switch', new AccessLink(access, 1, fork), new AccessLink(access, 1, fork), null, spec.style));
    all.push(switches.at(-1)!);
  }
  return { all, terminals, gateway, switches };
}
