import type { FindingLog } from './findings.ts';
import { MAX_TEXT_CHARS } from './side-data.ts';

/** Block types of draft-ietf-opsawg-pcapng and of the registries it names. */
export const BLOCK = {
  interfaceDescription: 1,
  obsoletePacket: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
  decryptionSecrets: 10,
  section: 0x0a0d0d0a,
  custom: 0x0bad,
  customNoCopy: 0x40000bad,
} as const;

/** Blocks that hold no packet and are passed over, with the name they are counted under. */
const PASSED_OVER: Readonly<Record<number, string>> = {
  7: 'IRIG timestamp',
  8: 'ARINC 429',
  9: 'systemd journal',
  0x101: 'Hone process event',
  0x102: 'Hone connection event',
  0x201: 'sysdig machine info',
  0x202: 'sysdig process list',
  0x203: 'sysdig file descriptors',
  0x204: 'sysdig event',
  0x205: 'sysdig interface list',
  0x206: 'sysdig user list',
  0x207: 'sysdig process list v2',
  0x208: 'sysdig event with flags',
  0x80000001: 'Darwin process information',
};

export function passedOverName(type: number): string | undefined {
  return PASSED_OVER[type];
}

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** One option of a block: its code and where its value lies. */
export interface BlockOption {
  readonly code: number;
  readonly at: number;
  readonly length: number;
}

/** Options of one block looked at; a block with more is made to waste time. */
const MAX_OPTIONS = 10_000;

/**
 * Options in bytes [at, end): code, length, value padded to four bytes, until code 0 or the end. An option that runs over the
 * end ends the list and is noted.
 */
export function blockOptions(
  view: DataView,
  at: number,
  end: number,
  little: boolean,
  findings: FindingLog,
  fileOffset: number,
): BlockOption[] {
  const out: BlockOption[] = [];
  let next = at;
  while (next + 4 <= end && out.length < MAX_OPTIONS) {
    const code = view.getUint16(next, little);
    const length = view.getUint16(next + 2, little);
    if (code === 0) break;
    if (next + 4 + length > end) {
      findings.add(
        'bad-option',
        fileOffset,
        `Option ${String(code)} of the block at offset ${String(fileOffset)} claims ${String(length)} bytes beyond its end.`,
      );
      break;
    }
    out.push({ code, at: next + 4, length });
    next += 4 + length + ((4 - (length & 3)) & 3);
  }
  return out;
}

const utf8 = new TextDecoder('utf-8');

/** Text of bytes [at, at + length) up to a zero byte. Copied first, because decoders refuse shared memory. */
export function text(bytes: Uint8Array, at: number, length: number): string {
  let end = at;
  const limit = at + Math.min(length, MAX_TEXT_CHARS);
  while (end < limit && bytes[end] !== 0) end++;
  return utf8.decode(bytes.slice(at, end));
}

/** Ticks a second of if_tsresol: a power of ten, or of two where the top bit is set. */
export function ticksPerSecond(resolution: number): bigint {
  return (resolution & 0x80) !== 0 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution & 0x7f);
}

/** Kinds of decryption secrets: four letters in the block's own byte order. */
export function secretsKind(type: number): string {
  const letters = String.fromCharCode(type >>> 24, (type >>> 16) & 0xff, (type >>> 8) & 0xff, type & 0xff);
  return /^[\x20-\x7e]{4}$/.test(letters) ? letters : `0x${type.toString(16).padStart(8, '0')}`;
}

/** Entries of a name resolution block looked at. */
const MAX_NAME_RECORDS = 100_000;

/** Address records of a name resolution block in bytes [at, end): type, length, address and zero-terminated names. Returns where options begin. */
export function nameRecords(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  little: boolean,
  take: (address: string, names: string[]) => void,
): number {
  let next = at;
  for (let i = 0; i < MAX_NAME_RECORDS && next + 4 <= end; i++) {
    const type = view.getUint16(next, little);
    const length = view.getUint16(next + 2, little);
    const value = next + 4;
    if (type === 0) return value;
    if (value + length > end) return end;
    const addressBytes = type === 1 ? 4 : type === 2 ? 16 : 0;
    if (addressBytes > 0 && length > addressBytes) {
      const names = utf8
        .decode(bytes.slice(value + addressBytes, value + length))
        .split('\0')
        .filter((name) => name !== '')
        .map((name) => name.slice(0, MAX_TEXT_CHARS));
      if (names.length > 0) take(addressText(view, value, addressBytes), names);
    }
    next = value + length + ((4 - (length & 3)) & 3);
  }
  return next;
}

function addressText(view: DataView, at: number, length: number): string {
  if (length === 4) return [0, 1, 2, 3].map((i) => view.getUint8(at + i)).join('.');
  return [0, 2, 4, 6, 8, 10, 12, 14].map((i) => view.getUint16(at + i).toString(16)).join(':');
}
