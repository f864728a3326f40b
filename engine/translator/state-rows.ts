import type { BindingRow as ContractBinding } from '../contract/index.ts';
import { formatIpv4U32, formatIpv6 } from '../wire/index.ts';
import type { BindingTable } from './bindings.ts';
import type { SessionTable } from './sessions.ts';
import { TCP_STATE_NAMES } from './tcp-state.ts';

const NAME_OF: Readonly<Record<number, 'tcp' | 'udp' | 'icmp'>> = { 6: 'tcp', 17: 'udp', 1: 'icmp' };

/** Third word of an IPv4-mapped address. */
const MAPPED = 0xffff;

/** A row of the session table, for a person. */
export interface SessionRow {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** The inside: an IPv6 host, or an IPv4 host behind a NAPT44. */
  readonly v6: string;
  readonly port6: number;
  readonly v4: string;
  readonly port4: number;
  readonly peer: string;
  readonly peerPort: number;
  readonly state: string;
  readonly packets: number;
  /** Lab time at which it ends if nothing more comes. */
  readonly endsNs: number;
}

/** Whether the inside of binding `e` is an IPv4 host. */
export function insideIs4(bindings: BindingTable, e: number): boolean {
  return bindings.word6(e, 2) === MAPPED && bindings.word6(e, 1) === 0 && bindings.word6(e, 0) === 0;
}

/** Address of the inside of binding `e`. */
export function insideText(bindings: BindingTable, e: number): string {
  if (insideIs4(bindings, e)) return formatIpv4U32(bindings.word6(e, 3) >>> 0);
  const address = new Uint8Array(16);
  bindings.write6(e, address, 0);
  return formatIpv6(address, 0);
}

/** Binding of table entry `e`, which is in use, for a person. */
export function bindingRow(
  bindings: BindingTable,
  e: number,
): Omit<ContractBinding, 'port'> & { readonly protocol: 'tcp' | 'udp' | 'icmp' } {
  return {
    id: e,
    protocol: NAME_OF[bindings.protocol(e)] ?? 'udp',
    v6: insideText(bindings, e),
    port6: bindings.port6(e),
    v4: formatIpv4U32(bindings.address4(e)),
    port4: bindings.port4(e),
    fixed: bindings.fixed(e),
    sessions: bindings.sessions(e),
  };
}

interface Tables {
  readonly bindings: BindingTable;
  readonly sessions: SessionTable;
}

/** Session of table entry `e`, for a person; undefined where there is none. */
export function sessionRow({ bindings, sessions }: Tables, e: number): SessionRow | undefined {
  const binding = sessions.binding(e);
  if (binding < 0) return undefined;
  const { protocol, v6, port6, v4, port4 } = bindingRow(bindings, binding);
  const state = TCP_STATE_NAMES[sessions.state(e)] ?? '';
  return {
    protocol,
    v6,
    port6,
    v4,
    port4,
    peer: formatIpv4U32(sessions.peer4(e)),
    peerPort: sessions.peerPort(e),
    // The table names sides by the family that they have in a NAT64.
    state: insideIs4(bindings, binding) ? state.replace('V6', 'IN').replace('V4', 'OUT') : state,
    packets: sessions.packets(e),
    endsNs: sessions.endNs(e),
  };
}

/** All sessions, oldest entry first; for tests. */
export function sessionRows(tables: Tables): SessionRow[] {
  return Array.from({ length: tables.sessions.used }, (_, e) => sessionRow(tables, e)).filter((row) => row !== undefined);
}
