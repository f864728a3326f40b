import { latin1 } from './text.ts';

/** A line of a text protocol: [start, end) without its line end; `next` is where the following one begins. */
export interface Line {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  /** False where the bytes ended before a line end came. */
  readonly whole: boolean;
}

/** A header line `Name: value`, with the range of its value. */
export interface Header {
  readonly line: Line;
  readonly name: string;
  readonly value: string;
  readonly valueStart: number;
}

/** Start line and headers of a message in the style of RFC 5322, HTTP/1 and SIP. */
export interface Head {
  readonly first: Line;
  readonly headers: readonly Header[];
  /** First byte after the empty line; the end of the bytes where that line is missing. */
  readonly body: number;
  /** True if the empty line was there. */
  readonly whole: boolean;
}

/** Most header lines read of one message; real ones stay under a hundred. */
export const MAX_HEADERS = 500;

export function lineAt(bytes: Uint8Array, start: number, end: number): Line {
  const found = bytes.subarray(start, end).indexOf(0x0a);
  if (found < 0) return { start, end, next: end, whole: false };
  const newline = start + found;
  const stop = newline > start && bytes[newline - 1] === 0x0d ? newline - 1 : newline;
  return { start, end: stop, next: newline + 1, whole: true };
}

/** Longest value taken as text from one line. */
const MAX_VALUE = 8_192;

function headerOf(bytes: Uint8Array, line: Line): Header | undefined {
  const colon = bytes.subarray(line.start, line.end).indexOf(0x3a);
  if (colon <= 0) return undefined;
  let valueStart = line.start + colon + 1;
  while (valueStart < line.end && (bytes[valueStart] === 0x20 || bytes[valueStart] === 0x09)) valueStart++;
  const value = latin1(bytes, valueStart, Math.min(line.end, valueStart + MAX_VALUE)).trimEnd();
  return { line, name: latin1(bytes, line.start, line.start + Math.min(colon, 200)).trim(), value, valueStart };
}

export function readHead(bytes: Uint8Array, start: number, end: number): Head {
  const first = lineAt(bytes, start, end);
  const headers: Header[] = [];
  let at = first.next;
  while (at < end && headers.length < MAX_HEADERS) {
    const line = lineAt(bytes, at, end);
    at = line.next;
    if (line.whole && line.end === line.start) return { first, headers, body: at, whole: true };
    const header = headerOf(bytes, line);
    if (header !== undefined) headers.push(header);
  }
  return { first, headers, body: at, whole: false };
}

/** Value of the first header of a name (lower case), or undefined. */
export function headerValue(head: Head, ...names: readonly string[]): string | undefined {
  return head.headers.find((header) => names.includes(header.name.toLowerCase()))?.value;
}

/** Decimal digits as a number, or undefined; refuses anything a length cannot be. */
export function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
