import { DETECTABLE_FORMATS } from './detect.ts';
import { REASONS, MAX_FINDINGS, MAX_FINDINGS_PER_REASON, type Reason } from './findings.ts';
import { COUNTED_BY_CAPINFOS, REFUSED_BY_CAPINFOS, TIME_EXCEPTIONS } from './oracle-exceptions.ts';
import { INDEX_BYTES_PER_PACKET } from './packet-index.ts';
import { MAX_COMMENTS, MAX_NAMES } from './side-data.ts';
import { CHUNK_BYTES, MAX_CAPTURED_BYTES, MAX_INTERFACES, MAX_RECORD_BYTES } from './types.ts';
import { MAX_UNPACKED_BYTES } from './unpack.ts';

const MIB = 1024 * 1024;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The text of docs/capture-files.md. A test keeps the file equal to it. */
export function captureFilesDoc(): string {
  const reasons = (Object.keys(REASONS) as Reason[]).map((name) => [`\`${name}\``, REASONS[name].skips ? 'yes' : 'no', REASONS[name].text]);
  const count = (n: number | undefined): string => (n === undefined ? 'refused' : String(n));
  const exceptions = [...COUNTED_BY_CAPINFOS, ...REFUSED_BY_CAPINFOS].map((x) => [
    `\`${x.file}\``,
    count(x.capinfos),
    count(x.ours),
    x.reason,
  ]);
  const limits = [
    ['bytes read at a time', `${String(CHUNK_BYTES / 1024)} KiB`, 'the buffer grows only for a record that is larger'],
    [
      'captured bytes of a record',
      `${String(MAX_CAPTURED_BYTES)}, or the snap length if that is larger`,
      'above it `absurd-length`, and reading stops',
    ],
    ['captured bytes in any case', `${String(MAX_RECORD_BYTES / MIB)} MiB`, 'D-Bus, USB and EBHSCR captures may reach it'],
    ['interfaces', String(MAX_INTERFACES), '`too-many-interfaces`'],
    ['packet comments', String(MAX_COMMENTS), '`side-data-limit`'],
    ['addresses with names', String(MAX_NAMES), '`side-data-limit`'],
    ['findings kept one by one', `${String(MAX_FINDINGS)}, ${String(MAX_FINDINGS_PER_REASON)} of one reason`, 'the counts go on'],
    ['unpacked bytes', `${String(MAX_UNPACKED_BYTES / MIB / 1024)} GiB`, '`decompression-limit`; what was unpacked is read'],
    ['index', `${String(INDEX_BYTES_PER_PACKET)} bytes a packet`, 'in segments of 65,536 packets'],
  ];
  return `# Capture files

<!-- Written from the source by engine/files/doc.ts; run \`npx vitest run engine/files/oracle.test.ts -u\` after a change. -->

What Ringside reads is decided by a file's content, never by its name.

## Formats

${table(['format', 'what is read'], DETECTABLE_FORMATS)}

Times are kept to the nanosecond, relative to the first packet that has one. Finer resolutions are cut to whole nanoseconds.
Written are pcap (microseconds or nanoseconds) and pcapng; a file appears under its name only when it is complete.

## What can be wrong with a file

What is readable stays. Everything else is counted by reason, and the first of each are named with their offset in the (unpacked) file.
"Packets missing" says whether packets are not delivered because of it.

${table(['reason', 'packets missing', 'meaning'], reasons)}

Where the length of a pcap or snoop record or of a pcapng block is a lie, the next one cannot be found: reading stops there, as capinfos
does, and the finding says how many bytes were not read. A pcapng packet that contradicts its own sound block is skipped by itself.

## Limits

${table(['what', 'limit', 'beyond it'], limits)}

## Compared with capinfos

Packet counts, bytes on the wire, file types, earliest and latest times and time order are compared with capinfos (Wireshark 4.0) on about
2,450 captures from other projects. They are equal but for these:

${table(['capture', 'packets: capinfos', 'packets: Ringside', 'why'], exceptions)}

${table(
  ['capture', 'why the earliest time differs'],
  TIME_EXCEPTIONS.map((x) => [`\`${x.file}\``, x.reason]),
)}
`;
}
