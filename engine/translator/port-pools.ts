import { err, ok, u32 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { Nat64Spec } from '../contract/index.ts';
import type { BindingTable } from './bindings.ts';
import { finishHash, mixHash } from './hash-slots.ts';
import { PROTOCOL } from './packet-view.ts';
import { parsePrefix4 } from './prefix64.ts';
import type { RestingPorts } from './resting-ports.ts';
import type { SettingsError } from './settings.ts';

export interface PortPool {
  readonly first: number;
  readonly addresses: number;
  readonly lowPort: number;
  readonly highPort: number;
}

/** Addresses tried for one binding. All of one address's ports are tried first; a pool this full is out of ports for this source. */
const MAX_ADDRESSES_TRIED = 8;

/** Ports below this are well known; a source there gets one there, and others do not (RFC 4787 REQ-3, RFC 6146 section 3.5.1.1). */
const FIRST_USER_PORT = 1_024;

/**
 * IPv4 addresses and ports for new bindings. The same IPv6 address starts at the same IPv4 address always (paired pooling, RFC 4787 REQ-2), its own
 * port is taken where it is free, and else one of the same range and parity (RFC 4787 REQ-3, REQ-4). Deterministic.
 */
export class PortPools {
  /** The last choice. */
  address4 = 0;
  port4 = 0;
  /** Whether the last search passed by a port that rests. */
  passedResting = false;
  readonly pools: readonly PortPool[];
  private readonly total: number;
  private resting: RestingPorts | null = null;
  private subscriber = 0;
  private nowNs = 0;

  constructor(pools: readonly PortPool[]) {
    this.pools = pools;
    this.total = pools.reduce((sum, pool) => sum + pool.addresses, 0);
  }

  static compile(spec: Nat64Spec): Result<PortPools, SettingsError> {
    const pools: PortPool[] = [];
    for (const [i, { prefix, ports }] of spec.pool4.entries()) {
      const parsed = parsePrefix4(prefix);
      if (!parsed.ok) return err({ field: `nat64.pool4.${i}.prefix`, message: parsed.error });
      if (ports[0] > ports[1]) return err({ field: `nat64.pool4.${i}.ports`, message: 'the first port is above the last' });
      pools.push({ first: parsed.value.value, addresses: 2 ** (32 - parsed.value.length), lowPort: ports[0], highPort: ports[1] });
    }
    return ok(new PortPools(pools));
  }

  holds(address: number): boolean {
    for (let i = 0; i < this.pools.length; i++) {
      const pool = this.pools[i]!;
      if (address >= pool.first && address < pool.first + pool.addresses) return true;
    }
    return false;
  }

  /** Each address with the number of ports that may be given on it. */
  *addresses(): Generator<{ readonly address: number; readonly ports: number }> {
    for (const { first, addresses, lowPort, highPort } of this.pools) {
      for (let i = 0; i < addresses; i++) yield { address: first + i, ports: highPort - lowPort + 1 };
    }
  }

  /** Finds an address and port for the IPv6 source at `o` that are free and do not rest; false where there are none. */
  allocate(
    bindings: BindingTable,
    resting: RestingPorts,
    subscriber: number,
    protocol: number,
    b: Uint8Array,
    o: number,
    port: number,
    nowNs: number,
  ): boolean {
    this.resting = resting;
    this.subscriber = subscriber;
    this.nowNs = nowNs;
    this.passedResting = false;
    if (this.total === 0) return false;
    let h = 0;
    for (let i = 0; i < 16; i += 4) h = mixHash(h, u32(b, o + i));
    h = finishHash(h);
    const tries = Math.min(this.total, MAX_ADDRESSES_TRIED);
    for (let strict = 1; strict >= 0; strict--) {
      for (let i = 0; i < tries; i++) {
        if (this.onAddress(bindings, protocol, (h + i) % this.total, port, finishHash(mixHash(h, port)), strict === 1)) return true;
      }
    }
    return false;
  }

  private onAddress(bindings: BindingTable, protocol: number, index: number, port: number, h: number, strict: boolean): boolean {
    let rest = index;
    let at = 0;
    while (rest >= this.pools[at]!.addresses) rest -= this.pools[at++]!.addresses;
    const pool = this.pools[at]!;
    const address = pool.first + rest;
    let low = pool.lowPort;
    let high = pool.highPort;
    // Identifiers of ICMP have no well-known range.
    const ranged = strict && protocol !== PROTOCOL.icmp;
    if (ranged && port < FIRST_USER_PORT) high = Math.min(high, FIRST_USER_PORT - 1);
    if (ranged && port >= FIRST_USER_PORT) low = Math.max(low, FIRST_USER_PORT);
    if (low > high) return false;
    if (port >= low && port <= high && this.take(bindings, protocol, address, port)) return true;
    const step = strict ? 2 : 1;
    if (strict && ((low ^ port) & 1) !== 0) low++;
    const count = Math.floor((high - low) / step) + 1;
    for (let i = 0; i < count; i++) {
      if (this.take(bindings, protocol, address, low + (((h % count) + i) % count) * step)) return true;
    }
    return false;
  }

  private take(bindings: BindingTable, protocol: number, address: number, port: number): boolean {
    if (bindings.find4(protocol, address, port) >= 0) return false;
    if (this.resting?.restsFor(protocol, address, port, this.subscriber, this.nowNs) === true) {
      this.passedResting = true;
      return false;
    }
    this.address4 = address;
    this.port4 = port;
    return true;
  }
}
