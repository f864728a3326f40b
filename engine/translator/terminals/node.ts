import { NS_PER_S, putU16, putU32 } from '../../base/index.ts';
import type { ConvertersSpec } from '../../contract/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { AccessLink } from './access-link.ts';
import { AccessNat } from './access-nat.ts';
import { ConverterRole, type RoleSpec } from './converter-role.ts';
import { voiceBps } from './media-source.ts';
import type { Announcement } from './registry.ts';
import { Relay } from './relay.ts';

export type Family = 4 | 6;

export const NODE_ROLES = ['v4', 'v6', 'dual', 'gateway', 'switch'] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

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
  private announced = 0;
  private readonly lifetimeNs: number;
  private readonly nat: AccessNat | null;

  constructor(
    index: number,
    id: string,
    role: NodeRole,
    link4: AccessLink | null,
    link6: AccessLink | null,
    converter: RoleSpec | null,
    spec: ConvertersSpec,
  ) {
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
        : new ConverterRole(
            converter,
            new Relay(spec.style, converter.ratePps, this.addr4, this.addr6, prefixOf(index), this.nat),
            Math.min(link4?.spec.bandwidthBps ?? 0, link6?.spec.bandwidthBps ?? 0) - (role === 'dual' ? voiceBps(spec.media) : 0),
          );
    this.lifetimeNs = spec.registry.refreshS * spec.registry.expiry * NS_PER_S;
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

  /** False where it has lost every family. */
  get connected(): boolean {
    return this.has(4) || this.has(6);
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

  /** What it says of itself now (T-01); null for one that cannot convert by what it is. */
  announcement(): Announcement | null {
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
      addr4: this.reach4,
      addr6: this.addr6,
      link4: this.has(4) ? this.link4!.facts : null,
      link6: this.has(6) ? this.link6!.facts : null,
      sequence: this.announced++,
      lifetimeNs: this.lifetimeNs,
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
