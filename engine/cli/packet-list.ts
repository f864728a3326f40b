import { basename } from 'node:path';
import type { FieldNode, PacketRow } from '../contract/index.ts';
import { formatSeconds } from '../base/index.ts';
import { PacketListing } from '../host/plain.ts';
import { nearest } from '../lab/index.ts';
import { fieldNames, isFieldName } from './field-names.ts';
import { printable } from './format.ts';
import { EXIT, UsageError, cancelled, writable, type Output } from './output.ts';
import { startProgress } from './progress.ts';

export interface ListOptions {
  /** Number of the first packet; 1 without. */
  readonly from?: number;
  /** Packets at most. */
  readonly count?: number;
  /** Names of fields to print in place of the list's columns. */
  readonly fields?: readonly string[];
}

/** Rows decoded and printed at a time; between pages Ctrl+C is heard and a full pipe waited for. */
const PAGE = 200;

/** Opens a capture with a progress bar. The caller disposes of it. */
export async function openListing(file: string, output: Output, signal: AbortSignal): Promise<PacketListing> {
  const bar = await startProgress(output, printable(basename(file)));
  try {
    return await PacketListing.open(file, {
      signal,
      progress: (progress) => {
        bar.update(progress);
      },
    });
  } finally {
    bar.stop();
  }
}

/** Prints the packet list, or chosen fields of it. */
export async function listPackets(file: string, options: ListOptions, output: Output, signal: AbortSignal): Promise<number> {
  if (options.fields?.some((name) => !/^[a-z][a-z0-9_.-]*$/i.test(name)) === true) {
    throw new UsageError('--fields takes names with commas between, such as ip.src,tcp.flags.syn');
  }
  for (const name of options.fields ?? []) refuseUnknown(name);
  const listing = await openListing(file, output, signal);
  try {
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
async function printList(listing: PacketListing, options: ListOptions, output: Output, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const first = options.from ?? 1;
  const last = Math.min(listing.packets, first + (options.count ?? listing.packets) - 1);
  const { fields } = options;
  for (let number = first; number <= last; number += PAGE) {
    const size = Math.min(PAGE, last - number + 1);
    if (fields === undefined) printRows(listing.page(number, size), output);
    else for (let n = number; n < number + size; n++) printFields(n, fieldValues(listing.tree(n), fields, seen), fields, output);
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
