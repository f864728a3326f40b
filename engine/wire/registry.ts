import type { TreeBuilder } from './tree.ts';

/** What a dissector knows of the layers around it. One object per packet, changed in place as layers are met. */
export interface DissectContext {
  /** Captured bytes of the packet. May be shorter than the packet was on the wire. */
  readonly bytes: Uint8Array;
  readonly tree: TreeBuilder;
  /** Length on the wire minus captured length, in bytes: how much a snap length cut off. */
  readonly cutBytes: number;
  /**
   * Where the bytes handed to the current dissector ended on the wire: at least its `end`, more where the capture cut
   * them. Valid on entry; `passOn` sets it for the next layer. Lengths shown to a person count to here.
   */
  wireEnd: number;
  /** Innermost IP layer: 0 (none), 4 or 6, with the offsets of its addresses, for pseudo headers. */
  ipVersion: 0 | 4 | 6;
  ipSource: number;
  ipDestination: number;
  /** True inside a fragment that is not the first, and inside a payload carried in an ICMP error. */
  fragment: boolean;
  /** True inside any fragment, the first one too: a checksum over the whole datagram cannot be verified. */
  fragmented: boolean;
  inError: boolean;
  /** Innermost transport ports, 0 where there are none. */
  sourcePort: number;
  destinationPort: number;
  /** Nesting of tunnels so far. */
  tunnels: number;
  /** Layers handed on so far along this chain; see MAX_LAYERS. */
  layerDepth: number;
  /** End of the network layer in the current link frame as its own length field says, or -1: what follows is link padding. */
  networkEnd: number;
}

/** Largest nesting of tunnels that is followed; deeper payload is shown as bytes. */
export const MAX_TUNNELS = 8;

/**
 * Largest number of layers handed on along one chain. Real stacks stay under 20, test packets with many extension headers near 100; the limit keeps a packet made of nothing
 * but VLAN tags or extension headers from nesting calls without end.
 */
export const MAX_LAYERS = 200;

/**
 * Dissects bytes [start, end) into the tree and hands the payload on through the registry. Must not throw on any bytes,
 * must not read at or beyond `end`, and ends in time linear in `end - start`.
 */
export type Dissector = (context: DissectContext, start: number, end: number) => void;

/**
 * Says whether bytes [start, end) look like a protocol, for protocols without a number of their own. Strict: a wrong yes
 * shows a person something that is not there.
 */
export type Heuristic = (context: DissectContext, start: number, end: number) => boolean;

/** Tables in Wireshark's naming. */
export type TableName =
  'linktype' | 'ethertype' | 'ip.proto' | 'udp.port' | 'tcp.port' | 'ppp.protocol' | 'sctp.ppi' | 'llc.dsap' | 'gre.proto';

const tables = new Map<TableName, Map<number, Dissector>>();
const heuristics = new Map<'udp' | 'tcp', { readonly test: Heuristic; readonly dissect: Dissector }[]>();

export function register(table: TableName, values: readonly number[], dissector: Dissector): void {
  let map = tables.get(table);
  if (map === undefined) tables.set(table, (map = new Map<number, Dissector>()));
  for (const value of values) map.set(value, dissector);
}

export function registerHeuristic(over: 'udp' | 'tcp', test: Heuristic, dissect: Dissector): void {
  let list = heuristics.get(over);
  if (list === undefined) heuristics.set(over, (list = []));
  list.push({ test, dissect });
}

export function lookup(table: TableName, value: number): Dissector | undefined {
  return tables.get(table)?.get(value);
}

/**
 * Payload of UDP or TCP: by the lower port, then the higher, then heuristics; otherwise undefined and the caller shows
 * bytes.
 */
export function lookupPayload(over: 'udp' | 'tcp', context: DissectContext, start: number, end: number): Dissector | undefined {
  const table = tables.get(over === 'udp' ? 'udp.port' : 'tcp.port');
  const low = Math.min(context.sourcePort, context.destinationPort);
  const high = Math.max(context.sourcePort, context.destinationPort);
  const byPort = table?.get(low) ?? table?.get(high);
  if (byPort !== undefined) return byPort;
  for (const { test, dissect } of heuristics.get(over) ?? []) {
    if (test(context, start, end)) return dissect;
  }
  return undefined;
}
