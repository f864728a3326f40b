/** A packet's bytes as text: dump lines for the pane, and the forms one copies them in. Pure. */
import { formatOffset } from '../../lib/charts/format.ts';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hexByte(byte: number): string {
  return HEX[byte & 0xff] ?? '00';
}

/** Printable ASCII as itself, all else as a middle dot, so that a real full stop can be told from a control byte. */
export function asciiByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}

/** `00 0c 29 ...` on one line. */
export function asHex(bytes: Uint8Array): string {
  return Array.from(bytes, hexByte).join(' ');
}

const C_PER_LINE = 12;

/** A C array, twelve bytes a line. */
export function asCArray(bytes: Uint8Array, name: string): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += C_PER_LINE) {
    lines.push('  ' + Array.from(bytes.subarray(at, at + C_PER_LINE), (byte) => `0x${hexByte(byte)},`).join(' '));
  }
  return `static const unsigned char ${name}[${bytes.length}] = {\n${lines.join('\n')}\n};\n`;
}

/** `\x00\x0c`: accepted between quotes by C, Python, and printf. */
export function asEscaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${hexByte(byte)}`).join('');
}

/** Offset, hex and ASCII in lines, as text2pcap and people read it. */
export function asDump(bytes: Uint8Array, perLine = 16): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const slice = bytes.subarray(at, at + perLine);
    const hex = asHex(slice).padEnd(perLine * 3 - 1);
    lines.push(`${formatOffset(at)}  ${hex}  ${Array.from(slice, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('')}`);
  }
  return lines.join('\n') + '\n';
}

/**
 * Which bytes of `after` differ from `before` at the same distance from the end. A translation changes the header's length and leaves the payload
 * where it was from the end, so that lining up the ends marks the headers and not the whole packet.
 */
export function changedBytes(before: Uint8Array, after: Uint8Array): Uint8Array {
  const marks = new Uint8Array(after.length);
  const shift = before.length - after.length;
  for (let at = 0; at < after.length; at++) marks[at] = before[at + shift] === after[at] ? 0 : 1;
  return marks;
}
