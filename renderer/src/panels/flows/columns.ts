import { FLOW_SORT_KEYS, type FlowRow } from '../../../../engine/contract/index.ts';
import { formatBytes, formatCount, formatDuration, formatSeconds } from '../../lib/format.ts';
import type { GridColumn } from '../grid/columns.svelte.ts';

export type FlowSortKey = (typeof FLOW_SORT_KEYS)[number];

/** Columns of the flows table. Ids of sortable columns are sort keys of the contract. */
export const FLOW_COLUMNS: readonly GridColumn[] = [
  { id: 'protocol', title: 'Protocol', width: 62, sortable: true },
  { id: 'source', title: 'Source', width: 140, sortable: true, grows: true, hint: 'The side that was seen first' },
  { id: 'destination', title: 'Destination', width: 140, sortable: true, grows: true },
  { id: 'tcpState', title: 'State', width: 122, sortable: true, hint: 'TCP state at the playhead, RFC 9293' },
  { id: 'packets', title: 'Packets', width: 60, numeric: true, sortable: true },
  { id: 'forward', title: '→', width: 50, numeric: true, hint: 'Packets sent by the side that was seen first' },
  { id: 'backward', title: '←', width: 50, numeric: true, hint: 'Packets sent by the other side' },
  { id: 'bytes', title: 'Bytes', width: 68, numeric: true, sortable: true },
  { id: 'drops', title: 'Drops', width: 60, numeric: true, sortable: true },
  { id: 'port', title: 'Port', width: 72, sortable: true, hint: 'Port of the flow switch that took the flow' },
  { id: 'firstNs', title: 'First', width: 92, numeric: true, sortable: true, hint: 'Seconds since the first packet' },
  { id: 'duration', title: 'Duration', width: 80, numeric: true, sortable: true },
  { id: 'id', title: 'No.', width: 48, numeric: true, sortable: true, hint: 'In the order in which the flows were first seen' },
];

export function isSortKey(id: string): id is FlowSortKey {
  return FLOW_SORT_KEYS.some((key) => key === id);
}

/** Address with port; brackets keep the colons of an IPv6 address apart from the port. */
export function endpoint(address: string, port: number, ipVersion: FlowRow['ipVersion']): string {
  if (port === 0) return address;
  return ipVersion === 6 ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

export function flowCell(column: string, flow: FlowRow, digits: 6 | 9): string {
  switch (column) {
    case 'id':
      return formatCount(flow.id);
    case 'protocol':
      return flow.protocol;
    case 'source':
      return endpoint(flow.source, flow.sourcePort, flow.ipVersion);
    case 'destination':
      return endpoint(flow.destination, flow.destinationPort, flow.ipVersion);
    case 'tcpState':
      return flow.tcpState;
    case 'packets':
      return formatCount(flow.packets);
    case 'forward':
      return formatCount(flow.packetsForward);
    case 'backward':
      return formatCount(flow.packetsBackward);
    case 'bytes':
      return formatBytes(flow.bytes);
    case 'drops':
      return formatCount(flow.drops);
    case 'port':
      return flow.port;
    case 'firstNs':
      return formatSeconds(flow.firstNs, digits);
    default:
      return formatDuration(flow.lastNs - flow.firstNs);
  }
}

/** Numbers are looked at from the largest, names from the first letter. */
export function firstDirection(id: string): boolean {
  return FLOW_COLUMNS.find((column) => column.id === id)?.numeric === true && id !== 'id' && id !== 'firstNs';
}
