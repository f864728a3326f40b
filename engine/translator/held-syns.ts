/** A SYN to a pool address that waits for one from inside; from `side` 6 it comes from inside itself and would turn back there. */
export interface HeldSyn {
  readonly side: 4 | 6;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly sinceNs: number;
}

/**
 * SYNs from the IPv4 side that nothing admits yet (RFC 6146 section 3.5.2.2, CLOSED and V4 INIT): each connection has one, the first that came, for
 * TCP_INCOMING_SYN. Bounded; entries are in the order they came, so the first ones end first.
 */
export class HeldSyns {
  private readonly limit: number;
  private readonly lifetimeNs: number;
  private readonly held = new Map<string, HeldSyn>();

  constructor(limit: number, lifetimeNs: number) {
    this.limit = limit;
    this.lifetimeNs = lifetimeNs;
  }

  get count(): number {
    return this.held.size;
  }

  /** Keeps a SYN for the connection `key`; one more where one waits changes nothing. False where there is no room. */
  hold(key: string, syn: HeldSyn): boolean {
    if (this.held.has(key)) return true;
    if (this.held.size >= this.limit) return false;
    this.held.set(key, syn);
    return true;
  }

  /** Forgets the SYN of the connection; true where one waited. */
  take(key: string): boolean {
    return this.held.delete(key);
  }

  /** Those whose time is over by `nowNs`, which are forgotten. */
  *ended(nowNs: number): Generator<HeldSyn> {
    for (const [key, syn] of this.held) {
      if (syn.sinceNs + this.lifetimeNs > nowNs) return;
      this.held.delete(key);
      yield syn;
    }
  }
}

/** A connection as the IPv4 side sees it: pool address and port, peer and its port; addresses unsigned. */
export function connectionKey(address4: number, port4: number, peer4: number, peerPort: number): string {
  return `${address4} ${port4} ${peer4} ${peerPort}`;
}
