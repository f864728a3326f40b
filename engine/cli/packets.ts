import type { FieldNode, PacketDetail } from '../contract/index.ts';
import { formatSeconds, hex } from '../base/index.ts';
import { listedDetail } from '../host/index.ts';
import { printable, table } from './format.ts';
import { EXIT, type Output } from './output.ts';
import { listPackets, openListing, type ListOptions } from './packet-list.ts';
import { chooseScenario, type ScenarioOptions } from './scenario-option.ts';

export interface PacketsOptions extends ListOptions, ScenarioOptions {
  /** Number of the packet to say everything about. */
  readonly explain?: number;
}

/** The packet list, chosen fields of it, or everything about one packet. */
export async function packetsCommand(file: string, options: PacketsOptions, output: Output, signal: AbortSignal): Promise<number> {
  if (options.explain === undefined) return listPackets(file, options, output, signal);
  const scenario = chooseScenario(options).value;
  const listing = await openListing(file, output, signal);
  try {
    const detail = listedDetail(listing, options.explain, scenario);
    if (output.json)
      output.record({ ...detail, bytes: hex(detail.bytes), ...(detail.after !== undefined && { after: hex(detail.after) }) });
    else printDetail(detail, output);
    return EXIT.ok;
  } finally {
    listing.dispose();
  }
}

function printDetail({ row, layers, path, cards, bytes, fileOffset, comments }: PacketDetail, output: Output): void {
  const { paint } = output;
  const dots = `${row.source} → ${row.destination}`;
  output.text(
    paint.bold(
      printable(
        `Packet ${row.number}  ${formatSeconds(row.tNs, 9)} s  ${dots}  ${row.protocol}  ${row.length} bytes  (record at offset ${fileOffset})`,
      ),
    ),
  );
  for (const comment of comments) output.text(`  comment: ${printable(comment)}`);
  output.text('');
  for (const layer of layers) printNode(layer, 0, output);
  if (path.length > 0) {
    output.text(`\n${paint.bold('Path')}`);
    const rows = path.map(({ tNs, obj, event, fields }) => [
      formatSeconds(tNs, 9),
      obj,
      event,
      Object.entries(fields)
        .map(([k, v]) => `${k}=${v}`)
        .join(' '),
    ]);
    for (const line of table(rows, [0])) output.text(`  ${printable(line)}`);
  }
  for (const card of cards) {
    const colour =
      card.tone === 'dropped' ? paint.red : card.tone === 'good' ? paint.green : card.tone === 'held' ? paint.yellow : paint.cyan;
    output.text(`\n${colour('■')} ${paint.bold(printable(card.title))}`);
    const rows = card.lines.map((line) => [
      line.label,
      line.value,
      [line.because, line.parameter].filter((text) => text !== undefined).join(' · '),
    ]);
    for (const line of table(rows)) output.text(`  ${printable(line)}`);
  }
  output.text(`\n${paint.bold('Bytes')}`);
  for (let at = 0; at < bytes.length; at += 16) output.text(`  ${dumpLine(bytes, at)}`);
}

function printNode(node: FieldNode, depth: number, output: Output): void {
  const value = node.value === '' ? '' : `: ${node.value}`;
  output.text(`${'  '.repeat(depth)}${printable(node.label + value)}`);
  for (const { severity, message } of node.experts ?? [])
    output.text(`${'  '.repeat(depth + 1)}${output.paint.yellow(printable(`[${severity}] ${message}`))}`);
  for (const child of node.children ?? []) printNode(child, depth + 1, output);
}

/** `0010  45 00 00 54 ...  E..T`. */
function dumpLine(bytes: Uint8Array, at: number): string {
  const end = Math.min(bytes.length, at + 16);
  const text = Array.from(bytes.subarray(at, end), (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('');
  return `${at.toString(16).padStart(4, '0')}  ${hex(bytes, at, end, ' ').padEnd(47)}  ${text}`;
}
