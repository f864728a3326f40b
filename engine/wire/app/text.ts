import { hex } from '../../base/index.ts';

export { formatHardware, formatIpv4, formatIpv6, formatMac, parseIpv4, parseIpv6 } from '../address.ts';
export { hexNumber } from '../reader.ts';

/** Longest text taken from packet bytes into one label or value, in characters: a person reads a line, not a packet. */
export const MAX_TEXT = 1_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text of bytes for display: UTF-8 where it is valid, otherwise ASCII; control and foreign bytes as escapes. */
export function displayText(b: Uint8Array, start: number, end: number): string {
  const stop = Math.min(end, start + MAX_TEXT);
  const part = b.subarray(start, stop);
  let text: string;
  try {
    text = utf8.decode(part);
  } catch {
    text = '';
    for (const byte of part) text += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  let clean = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code === 0x0d) clean += '\\r';
    else if (code === 0x0a) clean += '\\n';
    else if (code === 0x09) clean += '\\t';
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) clean += `\\x${code.toString(16).padStart(2, '0')}`;
    else clean += character;
  }
  return stop < end ? `${clean}…` : clean;
}

/** Bytes as plain Latin-1 text, for protocols of lines: one character per byte, so indices stay byte offsets. */
export function latin1(b: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i += 4096) text += String.fromCharCode(...b.subarray(i, Math.min(end, i + 4096)));
  return text;
}

/** Longest run of bytes shown as hex in one value. */
export const MAX_HEX_BYTES = 256;

export function hexText(b: Uint8Array, start: number, end: number): string {
  const stop = Math.min(end, start + MAX_HEX_BYTES);
  return hex(b, start, stop) + (stop < end ? '…' : '');
}

/** `1 byte`, `2 bytes`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** Seconds as a person says them: `1 day, 2 hours (93600)`. */
export function durationText(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [word, size] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(plural(count, word));
  }
  return `${parts.length === 0 ? '0 seconds' : parts.join(', ')} (${seconds})`;
}

/** `name (number)`, or `Unknown (number)`. */
export function named(names: Readonly<Record<number, string>>, value: number): string {
  return `${names[value] ?? 'Unknown'} (${value})`;
}
