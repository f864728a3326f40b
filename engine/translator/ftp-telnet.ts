/** Telnet commands (RFC 854) as they stand on an FTP control connection. */
const IAC = 255;
const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const SB = 250;
const SE = 240;

const NOTHING = new Uint8Array(0);

/** Bytes of the option negotiation that begins at `at`: 0 where none does, -1 where its end has not come. Bytes that stand for themselves are none. */
export function negotiationBytes(b: Uint8Array, at: number): number {
  if (b[at] !== IAC) return 0;
  const command = b[at + 1];
  if (command === undefined) return -1;
  if (command >= WILL && command <= DONT) return at + 2 < b.length ? 3 : -1;
  return command === SB ? subnegotiationBytes(b, at) : 0;
}

function subnegotiationBytes(b: Uint8Array, at: number): number {
  for (let end = at + 2; end + 1 < b.length; end++) {
    if (b[end] !== IAC) continue;
    if (b[end + 1] === SE) return end + 2 - at;
    // An escaped byte.
    end++;
  }
  return -1;
}

/** The answer that refuses the negotiation at `at` (RFC 1123 section 4.1.2.12); empty where none is due: an option that is off stays off. */
export function refusalOf(b: Uint8Array, at: number): Uint8Array {
  const command = b[at + 1];
  if (command !== DO && command !== WILL) return NOTHING;
  return Uint8Array.of(IAC, command === DO ? WONT : DONT, b[at + 2]!);
}

/** The bytes without option negotiations, each of which is shown to `refuse`; the bytes themselves where there are none. */
export function withoutNegotiations(b: Uint8Array, refuse: (at: number) => void): Uint8Array {
  if (!b.includes(IAC)) return b;
  const out: number[] = [];
  for (let at = 0; at < b.length;) {
    const bytes = negotiationBytes(b, at);
    if (bytes > 0) {
      refuse(at);
      at += bytes;
      continue;
    }
    // An escaped byte is two, and the second one begins nothing.
    const kept = b[at] === IAC && b[at + 1] === IAC ? 2 : 1;
    for (let i = 0; i < kept; i++) out.push(b[at + i]!);
    at += kept;
  }
  return out.length === b.length ? b : Uint8Array.from(out);
}

/** Where a negotiation begins whose end has not come; the length of the bytes where there is none. */
export function unfinishedAt(b: Uint8Array): number {
  if (!b.includes(IAC)) return b.length;
  for (let at = 0; at < b.length;) {
    const bytes = negotiationBytes(b, at);
    if (bytes < 0) return at;
    at += bytes > 0 ? bytes : b[at] === IAC && b[at + 1] === IAC ? 2 : 1;
  }
  return b.length;
}

/** A line for reading: without the commands that are no negotiation, such as those before ABOR (RFC 959 section 4.1.3). */
export function withoutCommands(line: string): string {
  return line.replaceAll(/\u00ff[\u00f1-\u00f9]/g, '');
}
