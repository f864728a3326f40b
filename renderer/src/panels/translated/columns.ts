import { TRANSLATED_SORT_KEYS, type BindingRow, type TranslatedFlow, type TranslatedSide } from '../../../../engine/contract/index.ts';
import { formatBytes, formatCount, formatDuration } from '../../lib/format.ts';
import type { GridColumn } from '../grid/columns.svelte.ts';

export type TranslatedSortKey = (typeof TRANSLATED_SORT_KEYS)[number];

/** Columns of the conversations. Ids of sortable columns are sort keys of the contract. */
export const FLOW_COLUMNS: readonly GridColumn[] = [
  { id: 'id', title: 'No.', width: 46, numeric: true, sortable: true, hint: 'In the order in which they began' },
  { id: 'protocol', title: 'Protocol', width: 62 },
  { id: 'six', title: 'IPv6 side', width: 280, grows: true, hint: 'Source and destination as the IPv6 side has them' },
  { id: 'four', title: 'IPv4 side', width: 264, hint: 'The same as the IPv4 side has them' },
  { id: 'state', title: 'State', width: 100, hint: 'Session state, RFC 6146 section 3.5.2.2' },
  { id: 'left', title: 'Left', width: 84, numeric: true, hint: 'Time until the session ends if nothing more comes' },
  { id: 'packets', title: 'Packets', width: 78, numeric: true, sortable: true, hint: 'To IPv4, and back' },
  { id: 'bytes', title: 'Bytes', width: 66, numeric: true, sortable: true },
  { id: 'refused', title: 'Refused', width: 64, numeric: true, sortable: true },
  { id: 'last', title: 'Last', width: 58, numeric: true, sortable: true, hint: 'Number of the last packet' },
  { id: 'port', title: 'Port', width: 56 },
];
/** Where there is one translator port, its name in every row says nothing, and both sides have the room. */
export const ONE_PORT_COLUMNS = FLOW_COLUMNS.filter(({ id }) => id !== 'port');

export const BINDING_COLUMNS: readonly GridColumn[] = [
  { id: 'protocol', title: 'Protocol', width: 66 },
  { id: 'inside', title: 'Inside', width: 200, grows: true, hint: 'The host: IPv6 of a NAT64, IPv4 behind the NAPT44 of a MAP-T edge' },
  { id: 'outside', title: 'Outside', width: 170, grows: true },
  { id: 'kind', title: 'Kind', width: 70 },
  { id: 'sessions', title: 'Sessions', width: 72, numeric: true },
  { id: 'port', title: 'Port', width: 72 },
];

export function isSortKey(id: string): id is TranslatedSortKey {
  return TRANSLATED_SORT_KEYS.some((key) => key === id);
}

/** Address and port of one end, the address alone where there is no port. */
export function endText(address: string, port: number): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

export function sideText(side: TranslatedSide | null): string {
  return side === null ? '' : `${endText(side.source, side.sourcePort)} → ${endText(side.destination, side.destinationPort)}`;
}

/** Where the port begins in the text of one end; its length where there is none. An address gives way to a narrow column, a port does not. */
export function portStart(end: string): number {
  const at = end.lastIndexOf(':');
  return at > 0 && (end[at - 1] === ']' || end.indexOf(':') === at) ? at : end.length;
}

/** Time a session has left at `tNs`; empty where there is none. */
export function leftText({ endsNs }: TranslatedFlow, tNs: number): string {
  if (endsNs === null) return '';
  return endsNs <= tNs ? '0 s' : formatDuration(Math.round((endsNs - tNs) / 1e9) * 1e9 || endsNs - tNs);
}

export function flowCell(column: string, flow: TranslatedFlow, tNs: number): string {
  switch (column) {
    case 'id':
      return formatCount(flow.id + 1);
    case 'protocol':
      return flow.protocol;
    case 'six':
      return sideText(flow.six);
    case 'four':
      return sideText(flow.four);
    case 'state':
      return flow.state;
    case 'left':
      return leftText(flow, tNs);
    case 'packets':
      return `${formatCount(flow.packets64)} · ${formatCount(flow.packets46)}`;
    case 'bytes':
      return formatBytes(flow.bytes64 + flow.bytes46);
    case 'refused':
      return flow.refused > 0 ? `⊘ ${formatCount(flow.refused)}` : '0';
    case 'last':
      return formatCount(flow.lastPacket);
    default:
      return flow.port;
  }
}

export function bindingCell(column: string, row: BindingRow): string {
  switch (column) {
    case 'protocol':
      return row.protocol.toUpperCase();
    case 'inside':
      return endText(row.v6, row.port6);
    case 'outside':
      return endText(row.v4, row.port4);
    case 'kind':
      return row.fixed ? 'static' : 'dynamic';
    case 'sessions':
      return formatCount(row.sessions);
    default:
      return row.port;
  }
}
