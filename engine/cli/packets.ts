import type { FieldNode, PacketDetail, PacketRow } from '../contract/index.ts';
import { formatSeconds, hex } from '../base/index.ts';
import { PacketListing } from '../host/index.ts';
import { nearest } from '../lab/index.ts';
import { fieldNames, isFieldName } from './field-names.ts';
import { printable, table } from './format.ts';
import { EXIT, UsageError, cancelled, writable, type Output } from './output.ts';
import { chooseScenario, type ScenarioOptions } from './scenario-option.ts';

export interface PacketsOptions extends ScenarioOptions {
  readonly from?: number;
  readonly count?: number;
  readonly fields?: readonly string[];
  readonly explain?: number;
}

/** Rows decoded and printed at a time; between pages Ctrl+C is heard and a full pipe waited for. */
const PAGE = 200;

/** The packet list, chosen fields of it, or everything about one packet. */
export async function packetsCommand(file: string, options: PacketsOptions, output: Output, signal: AbortSignal): Promise<number> {
  if (options.fields?.some((name) => !/^[a-z][a-z0-9_.-]*$/i.test(name)) === true) {
    throw new UsageError('--fields takes names with commas between, such as ip.src,tcp.flags.syn');
  }
  for (const name of options.fields ?? []) refuseUnknown(name);
  const listing = await PacketListing.open(file, chooseScenario(options).value, signal);
  try {
    if (options.explain !== undefined) {
      const detail = listing.detail(options.explain);
      if (output.json)
        output.record({ ...detail, bytes: hex(detail.bytes), ...(detail.after !== undefined && { after: hex(detail.after) }) });
      else printDetail(detail, output);
      return EXIT.ok;
    }
    const seen = await printList(listing, options, output, signal);
    for (const name of options.fields ?? []) remarkUnseen(name, seen, output);
    return EXIT.ok;
  } finally {
    listing.dispose();
  }
}

/** A name that no dissector has is wrong usage. */
function refuseUnknown(name: string): void {
  if (name in EITHER || isFieldName(name)) return;
  const meant = nearest(name, [...fieldNames(), ...Object.keys(EITHER)]);
  throw new UsageError(
    `There is no field ${name}.${meant === undefined ? ' See docs/protocols.md for names.' : ` Did you mean ${meant}?`}`,
  );
}

/** Says that no packet had a field that was asked for. */
function remarkUnseen(name: string, seen: ReadonlySet<string>, output: Output): void {
  if (!(EITHER[name] ?? [name]).some((each) => seen.has(each))) output.message(`No packet has the field ${name}.`);
}

/** Prints the list; the names of all fields that its packets had, where fields were asked for. */
async function printList(
  listing: PacketListing,
  options: PacketsOptions,
  output: Output,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const first = options.from ?? 1;
  const last = Math.min(listing.packets, first + (options.count ?? listing.packets) - 1);
  const { fields } = options;
  for (let number = first; number <= last; number += PAGE) {
    const size = Math.min(PAGE, last - number + 1);
    if (fields === undefined) printRows(listing.page(number, size), output);
    else for (let n = number; n < number + size; n++) printFields(n, fieldValues(listing.detail(n).layers, fields, seen), fields, output);
    await writable();
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw cancelled();
  }
  return seen;
}

function printRows(rows: readonly PacketRow[], output: Output): void {
  if (output.json) {
    for (const row of rows) output.record(row);
    return;
  }
  for (const row of rows) {
    const { number, tNs, source, destination, protocol, length, info } = row;
    const ends = `${source.padEnd(15)} → ${destination.padEnd(15)}`;
    output.text(
      printable(
        `${String(number).padStart(6)} ${formatSeconds(tNs, 6).padStart(13)} ${ends} ${protocol.padEnd(8)} ${String(length).padStart(5)} ${info}`,
      ),
    );
  }
}

/** Names that stand for either end, as in Wireshark. */
const EITHER: Readonly<Record<string, readonly [string, string]>> = {
  'eth.addr': ['eth.src', 'eth.dst'],
  'ip.addr': ['ip.src', 'ip.dst'],
  'ipv6.addr': ['ipv6.src', 'ipv6.dst'],
  'tcp.port': ['tcp.srcport', 'tcp.dstport'],
  'udp.port': ['udp.srcport', 'udp.dstport'],
  'sctp.port': ['sctp.srcport', 'sctp.dstport'],
};

/** Values of each wanted field in a tree, in the order of the packet; tunnels give a field twice. Names met are put into `seen`. */
export function fieldValues(layers: readonly FieldNode[], names: readonly string[], seen?: Set<string>): string[][] {
  const values = new Map<string, string[]>(names.flatMap((name) => EITHER[name] ?? [name]).map((name) => [name, []]));
  const visit = (node: FieldNode): void => {
    seen?.add(node.name);
    values.get(node.name)?.push(node.raw === undefined ? node.value : String(node.raw));
    node.children?.forEach(visit);
  };
  layers.forEach(visit);
  return names.map((name) => (EITHER[name] ?? [name]).flatMap((each) => values.get(each) ?? []));
}

function printFields(number: number, values: readonly string[][], names: readonly string[], output: Output): void {
  if (output.json) output.record({ number, ...Object.fromEntries(names.map((name, i) => [name, values[i]!])) });
  else output.text(values.map((each) => printable(each.join(','))).join('\t'));
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
