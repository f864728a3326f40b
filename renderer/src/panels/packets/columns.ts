import type { PacketRow } from '../../../../engine/contract/index.ts';
import { formatCount, formatSeconds } from '../../lib/format.ts';
import type { GridColumn } from '../grid/columns.svelte.ts';

/** Columns of the packet list. The verdict stands before the protocol, so that a narrow panel shows it whole. */
export const PACKET_COLUMNS: readonly GridColumn[] = [
  { id: 'number', title: 'No.', width: 64, numeric: true },
  { id: 'time', title: 'Time', width: 80, numeric: true, hint: 'Seconds since the first packet, or since the time reference (Ctrl+T)' },
  { id: 'source', title: 'Source', width: 107 },
  { id: 'destination', title: 'Destination', width: 107 },
  { id: 'verdict', title: 'Verdict', width: 124, hint: '· delivered  ✕ dropped  ◆ held  ⇄ translated  ⊘ refused' },
  { id: 'protocol', title: 'Protocol', width: 62 },
  { id: 'length', title: 'Length', width: 54, numeric: true, hint: 'Bytes on the wire' },
  { id: 'info', title: 'Info', width: 80, grows: true },
];

export interface TimeBase {
  readonly digits: 6 | 9;
  /** Zero of the time column, ns. */
  readonly zeroNs: number;
}

export function timeText(row: PacketRow, base: TimeBase): string {
  return formatSeconds(row.tNs - base.zeroNs, base.digits);
}

/** What a cell says, for copying. */
export function cellText(column: string, row: PacketRow, base: TimeBase): string {
  switch (column) {
    case 'number':
      return String(row.number);
    case 'time':
      return timeText(row, base);
    case 'source':
      return row.source;
    case 'destination':
      return row.destination;
    case 'protocol':
      return row.protocol;
    case 'length':
      return String(row.length);
    case 'verdict':
      return row.verdictText === '' ? row.verdict : `${row.verdict}: ${row.verdictText}`;
    default:
      return row.info;
  }
}

/** One line with tabs: pastes into a table. */
export function rowText(row: PacketRow, columns: readonly GridColumn[], base: TimeBase): string {
  return columns.map((column) => cellText(column.id, row, base)).join('\t');
}

export const numberText = (row: PacketRow): string => formatCount(row.number);

/** Pixels of a digit of the list's type, and of a cell's padding. */
const DIGIT_PX = 6.7;
const PADDING_PX = 13;

/** Widths of the columns whose longest figure is known: packet numbers and times of an input. */
export function fittingWidths(packets: number, durationNs: number, digits: 6 | 9): Record<string, number> {
  const width = (text: string): number => Math.ceil(text.length * DIGIT_PX + PADDING_PX);
  return { number: Math.max(48, width(formatCount(packets))), time: width(formatSeconds(durationNs, digits)) };
}
