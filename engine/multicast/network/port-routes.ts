import type { MulticastPortSpec } from '../../contract/index.ts';
import { addressBytes, canonicalAddress, familyOf, inPrefix, type Family } from '../addresses.ts';
import type { Route } from '../topology/index.ts';

/** Answers kept: sources and rendezvous points are few. */
const MAX_ANSWERS = 4_096;

export interface PortPrefix {
  readonly family: Family;
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** `192.0.2.0/24` or `2001:db8::/32`; an address without a length is the whole of it. Undefined where it is neither. */
export function parsePrefix(text: string): PortPrefix | undefined {
  const [address = '', length] = text.split('/');
  const canonical = canonicalAddress(address);
  if (canonical === undefined || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const family = familyOf(canonical);
  const most = family === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  return bits > most ? undefined : { family, bytes: addressBytes(canonical), bits };
}

/** True where the address at `at` of a packet is inside the prefix. */
export function matches({ family, bytes, bits }: PortPrefix, b: Uint8Array, at: number, packetFamily: Family): boolean {
  if (family !== packetFamily) return false;
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (b[at + i] !== bytes[i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((b[at + whole]! ^ bytes[whole]!) & (0xff00 >> rest) & 0xff) === 0;
}

interface Row {
  readonly prefix: PortPrefix;
  readonly route: Route;
}

/** The written routes of a port's router: the longest prefix wins, then the lower preference, metric and place in the list. */
export class PortRoutes {
  /** Addresses of neighbours; number i + 1 is place i. Number 0 is the router itself. */
  private readonly neighbours: string[] = [];
  private readonly rows: Row[] = [];
  private readonly answers = new Map<string, Route | undefined>();

  constructor(spec: MulticastPortSpec) {
    const place = (name: string): number => spec.interfaces.findIndex(({ id }) => id === name);
    for (const { to, interface: iface, via, metric, preference, hops, delayMs } of spec.routes) {
      const prefix = parsePrefix(to);
      if (prefix === undefined) continue;
      const neighbour = via === undefined ? -1 : this.number(canonicalAddress(via)!);
      this.add(prefix, { link: place(iface), neighbour, metric, preference, hops, delayMs });
    }
    for (const [link, { networks }] of spec.interfaces.entries()) {
      for (const text of networks) {
        const prefix = parsePrefix(text);
        if (prefix !== undefined) this.add(prefix, { link, neighbour: -1, metric: 0, preference: 0, hops: 0, delayMs: 0 });
      }
    }
    this.rows.sort((a, b) => b.prefix.bits - a.prefix.bits || a.route.preference - b.route.preference || a.route.metric - b.route.metric);
  }

  private number(address: string): number {
    const known = this.neighbours.indexOf(address);
    return known >= 0 ? known + 1 : this.neighbours.push(address);
  }

  private add(prefix: PortPrefix, way: Omit<Route, 'routers' | 'links' | 'announcer'>): void {
    const routers = way.neighbour < 0 ? [0] : [0, way.neighbour];
    this.rows.push({ prefix, route: { ...way, routers, links: [way.link], announcer: -1 } });
  }

  lookup(_router: number, address: string): Route | undefined {
    if (this.answers.has(address)) return this.answers.get(address);
    const route = this.rows.find(({ prefix }) => inPrefix(address, prefix.bytes, prefix.bits))?.route;
    if (this.answers.size < MAX_ANSWERS) this.answers.set(address, route);
    return route;
  }

  /** Address of a neighbour by its number. */
  neighbour(index: number): string {
    return this.neighbours[index - 1] ?? '';
  }

  neighboursOn(link: number): string[] {
    return this.neighbours.filter((_, i) => this.rows.some(({ route }) => route.link === link && route.neighbour === i + 1));
  }

  /** Interface of a neighbour, or of the route to a source, else the first: where packets come in of which nothing else is known. */
  interfaceOf(address: string): number {
    const number = this.neighbours.indexOf(address) + 1;
    const neighbours = number === 0 ? undefined : this.rows.find(({ route }) => route.neighbour === number)?.route;
    return (neighbours ?? this.lookup(0, address))?.link ?? 0;
  }

  /** Lowest metric of the routes of a family over a link, 1 where there is none: what a drawing shows. */
  cost(link: number, family: Family): number {
    let best = Infinity;
    for (const { prefix, route } of this.rows) {
      if (route.link === link && prefix.family === family && route.neighbour >= 0) best = Math.min(best, route.metric);
    }
    return best === Infinity ? 1 : best;
  }
}
