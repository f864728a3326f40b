import { err, ok, Random, u32 } from '../base/index.ts';
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

/** Addresses tried for a host without bindings; a pool this full is out of ports for it. */
const MAX_ADDRESSES_TRIED = 8;

/** Ports below this are well known; a source there gets one there, and others do not (RFC 4787 REQ-3, RFC 6146 section 3.5.1.1). */
const FIRST_USER_PORT = 1_024;

/**
 * IPv4 addresses and ports for new bindings. A host without bindings starts at an address that follows from its own, one that has some stays on theirs
 * (paired pooling, RFC 6888 REQ-2, RFC 6146 section 3.5.1.1). Its own port is taken where it is free, and else one of the same range and parity (RFC 4787
 * REQ-3, REQ-4). Deterministic.
 */
export class PortPools {
  /** The last choice. */
  address4 = 0;
  port4 = 0;
  /** Whether the last search passed by a port that rests. */
  passedResting = false;
  /** The address that the host of the last search is bound to and whose ports ran out; -1 where no address had one. */
  full4 = -1;
  readonly pools: readonly PortPool[];
  private readonly total: number;
  /** Addresses of static bindings outside the pools: they are the translator's too. */
  private readonly more = new Set<number>();
  /** By hash of the host: which address it is on, where that is not the one it starts at, and how many bindings keep it there. */
  private readonly away = new Map<number, { readonly index: number; bindings: number }>();
  /** Null where ports follow from those of the host. */
  private readonly random: Random | null;
  private resting: RestingPorts | null = null;
  private subscriber = 0;
  private nowNs = 0;

  constructor(pools: readonly PortPool[], random: Random | null = null) {
    this.pools = pools;
    this.random = random;
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
    return ok(new PortPools(pools, randomOf(spec)));
  }

  holds(address: number): boolean {
    for (let i = 0; i < this.pools.length; i++) {
      const pool = this.pools[i]!;
      if (address >= pool.first && address < pool.first + pool.addresses) return true;
    }
    return this.more.size > 0 && this.more.has(address);
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
    const h = hostHash(b, o);
    const away = this.away.get(h);
    const index = away?.index ?? h % this.total;
    const spread = finishHash(mixHash(h, port));
    if (this.onAddress(bindings, protocol, index, port, spread, true) || this.onAddress(bindings, protocol, index, port, spread, false)) {
      if (away !== undefined) away.bindings++;
      return true;
    }
    const bound = bindings.holdsHost(b, o);
    this.full4 = bound || this.total === 1 ? this.addressAt(index) : -1;
    return !bound && this.elsewhere(bindings, protocol, index, port, h);
  }

  private addressAt(index: number): number {
    let rest = index;
    let at = 0;
    while (rest >= this.pools[at]!.addresses) rest -= this.pools[at++]!.addresses;
    return this.pools[at]!.first + rest;
  }

  /** For a host that is bound to no address yet: the next one that has a port. */
  private elsewhere(bindings: BindingTable, protocol: number, index: number, port: number, h: number): boolean {
    const tries = Math.min(this.total, MAX_ADDRESSES_TRIED);
    const spread = finishHash(mixHash(h, port));
    for (let strict = 1; strict >= 0; strict--) {
      for (let i = 1; i < tries; i++) {
        const next = (index + i) % this.total;
        if (!this.onAddress(bindings, protocol, next, port, spread, strict === 1)) continue;
        this.away.set(h, { index: next, bindings: 1 });
        return true;
      }
    }
    return false;
  }

  /** A binding of the host at `o` is gone. */
  released(b: Uint8Array, o: number): void {
    if (this.away.size === 0) return;
    const h = hostHash(b, o);
    const away = this.away.get(h);
    if (away !== undefined && --away.bindings === 0) this.away.delete(h);
  }

  /** A static binding of the host at `o`: its other bindings get the same address where a pool has that, and packets to it turn back (section 3.8). */
  pin(b: Uint8Array, o: number, address: number): void {
    let before = 0;
    for (const { first, addresses } of this.pools) {
      if (address >= first && address < first + addresses) {
        const h = hostHash(b, o);
        if (!this.away.has(h)) this.away.set(h, { index: before + address - first, bindings: Number.POSITIVE_INFINITY });
        return;
      }
      before += addresses;
    }
    this.more.add(address);
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
    const { random } = this;
    if (random === null && port >= low && port <= high && this.take(bindings, protocol, address, port)) return true;
    const step = strict ? 2 : 1;
    if (strict && ((low ^ port) & 1) !== 0) low++;
    const count = Math.floor((high - low) / step) + 1;
    // From a point by chance on (RFC 6056 section 3.3.1), or from one that follows from the host.
    const from = random === null ? h % count : random.int(0, count - 1);
    for (let i = 0; i < count; i++) {
      i = bindings.nextPort(protocol, address, low, step, count, from, i);
      if (i < count && this.take(bindings, protocol, address, low + ((from + i) % count) * step)) return true;
    }
    if (!bindings.passesResting(protocol, address)) return false;
    this.passedResting = true;
    if (this.resting?.mayHaveOf(protocol, address, this.subscriber) !== true) return false;
    // What rests was perhaps its own.
    for (let i = 0; i < count; i++) {
      if (this.take(bindings, protocol, address, low + ((from + i) % count) * step)) return true;
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

/** What ports are drawn from; null where they follow from those of the host. */
export function randomOf({ portChoice }: Nat64Spec): Random | null {
  return portChoice.mode === 'random' ? new Random(portChoice.seed) : null;
}

function hostHash(b: Uint8Array, o: number): number {
  let h = 0;
  for (let i = 0; i < 16; i += 4) h = mixHash(h, u32(b, o + i));
  return finishHash(h);
}
