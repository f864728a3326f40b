import { pcapMagic } from './pcap.ts';
import { SNOOP_MAGIC } from './snoop.ts';

export type CaptureFormat = 'pcap' | 'pcapng' | 'snoop' | 'gzip' | 'zstd';

/** The formats with what is read of each, for the documentation. */
export const DETECTABLE_FORMATS: readonly (readonly [format: string, what: string])[] = [
  [
    'pcap',
    'both byte orders; microseconds (`a1b2c3d4`) and nanoseconds (`a1b23c4d`); versions 2.0 to 2.4 with their orders of the two lengths, 543.0 (DG/UX); FCS length',
  ],
  [
    'modified pcap',
    'the Linux patches of 1999 (`a1b2cd34` in two layouts, and one under the standard magic number) and Nokia, told apart by their first records',
  ],
  ['AIX, Ixia pcap', 'AIX interface types, nanoseconds and FDDI padding; Ixia hardware and software captures'],
  [
    'pcapng',
    'both byte orders, also mixed; many sections and interfaces; enhanced, simple and obsolete packet blocks; interface statistics, name resolution, decryption secrets (noted, not kept), comments, custom and unknown blocks; any `if_tsresol` and `if_tsoffset`',
  ],
  ['snoop', 'version 2 (RFC 1761) and versions 3 to 5'],
  ['gzip', 'around any of them; a cut or damaged stream keeps what came before'],
  ['zstd', 'around any of them, where Node has zstd (22.15 and later)'],
];

/** Bytes from the start of a file that tell what it is. */
export const DETECT_BYTES = 512;

/** What a file begins with: a format that can be read, or a guess what else it is. */
export type Detected = { readonly format: CaptureFormat } | { readonly looksLike: string };

/** Files that people open by mistake or from other tools, by their first bytes. */
const OTHERS: readonly (readonly [bytes: readonly number[], name: string])[] = [
  [[0x7f, 0x45, 0x4c, 0x46], 'an ELF program'],
  [[0x4d, 0x5a], 'a Windows program'],
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive (unpack it and open the capture inside)'],
  [[0x37, 0x7a, 0xbc, 0xaf], 'a 7z archive (unpack it and open the capture inside)'],
  [[0x42, 0x5a, 0x68], 'a bzip2 file (unpack it with bunzip2)'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'an xz file (unpack it with unxz)'],
  [[0x04, 0x22, 0x4d, 0x18], 'an LZ4 file (unpack it with lz4 -d)'],
  [[0x47, 0x4d, 0x42, 0x55], 'a Microsoft Network Monitor 2 capture'],
  [[0x52, 0x54, 0x53, 0x53], 'a Microsoft Network Monitor 1 capture'],
  [[0x45, 0x4c, 0x46, 0x46, 0x49, 0x4c, 0x45], 'a Windows event log'],
  [[0x58, 0x43, 0x50, 0x00], 'a NetXRay or Sniffer capture'],
  [[0x54, 0x52, 0x53, 0x4e, 0x49, 0x46, 0x46], 'a Network General Sniffer capture'],
  [[0x62, 0x74, 0x73, 0x6e, 0x6f, 0x6f, 0x70, 0x00], 'a Bluetooth btsnoop capture'],
  [[0x6b, 0x53, 0x74, 0x00], 'an AIX iptrace capture'],
  [[0x69, 0x70, 0x74, 0x72, 0x61, 0x63, 0x65], 'an AIX iptrace capture'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF document'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG picture'],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], 'an SQLite database'],
  [[0x3c, 0x3f, 0x78, 0x6d, 0x6c], 'an XML document'],
];

/** Recognises a file by its first bytes (up to DETECT_BYTES of them). Never by its name. */
export function detectFormat(head: Uint8Array): Detected {
  if (head.length === 0) return { looksLike: 'an empty file' };
  if (begins(head, [0x0a, 0x0d, 0x0d, 0x0a])) {
    return pcapngOrder(head) ? { format: 'pcapng' } : { looksLike: 'a damaged pcapng file (its section header has no byte-order magic)' };
  }
  if (pcapMagic(head) !== undefined) return { format: 'pcap' };
  if (begins(head, SNOOP_MAGIC)) return { format: 'snoop' };
  if (begins(head, [0x1f, 0x8b, 0x08])) return { format: 'gzip' };
  if (begins(head, [0x28, 0xb5, 0x2f, 0xfd])) return { format: 'zstd' };
  for (const [bytes, name] of OTHERS) if (begins(head, bytes)) return { looksLike: name };
  if (looksLikeErf(head)) return { looksLike: 'an Endace ERF capture' };
  return { looksLike: looksLikeText(head) ? 'a text file' : 'no capture format that is known' };
}

function begins(head: Uint8Array, bytes: readonly number[]): boolean {
  return head.length >= bytes.length && bytes.every((byte, i) => head[i] === byte);
}

function pcapngOrder(head: Uint8Array): boolean {
  return head.length < 12 || begins(head.subarray(8), [0x1a, 0x2b, 0x3c, 0x4d]) || begins(head.subarray(8), [0x4d, 0x3c, 0x2b, 0x1a]);
}

/** ERF has no magic: a plausible type, and a record length that leads to another plausible record. */
function looksLikeErf(head: Uint8Array): boolean {
  if (head.length < 16) return false;
  const type = head[8]! & 0x7f;
  const length = (head[10]! << 8) | head[11]!;
  if (type === 0 || type > 48 || length < 16 || length + 12 > head.length) return false;
  const next = head[length + 8]! & 0x7f;
  return next > 0 && next <= 48;
}

function looksLikeText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13);
}
