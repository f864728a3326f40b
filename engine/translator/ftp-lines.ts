import { formatIpv6, parseIpv6 } from '../wire/index.ts';

/** What an FTP client asked that the gateway cares about (RFC 2428, RFC 4217, RFC 6384 section 11). */
export type FtpCommand =
  | { readonly kind: 'epsv'; readonly argument: 'none' | 'ipv6' | 'other' | 'all' }
  | { readonly kind: 'eprt'; readonly address: string; readonly port: number }
  | { readonly kind: 'algs'; readonly argument: 'STATUS64' | 'ENABLE64' | 'DISABLE64' | '' }
  | { readonly kind: 'auth' }
  | { readonly kind: 'other' };

const OTHER: FtpCommand = { kind: 'other' };

/** Commands that are not passed on as they are. */
const WORDS = ['EPSV', 'EPRT', 'ALGS', 'AUTH'] as const;

/** A line without its end; letters may be of either case (RFC 959 section 5.3). */
export function parseFtpCommand(line: string): FtpCommand {
  const [, word, rest] = /^([A-Za-z]{4})(?: +(.*?))? *$/.exec(line) ?? [];
  switch (word?.toUpperCase()) {
    case 'EPSV':
      return { kind: 'epsv', argument: epsvArgument(rest ?? '') };
    case 'EPRT':
      return parseEprt(rest ?? '');
    case 'ALGS': {
      const argument = (rest ?? '').toUpperCase();
      return { kind: 'algs', argument: argument === 'STATUS64' || argument === 'ENABLE64' || argument === 'DISABLE64' ? argument : '' };
    }
    case 'AUTH':
      return { kind: 'auth' };
    default:
      return OTHER;
  }
}

function epsvArgument(text: string): 'none' | 'ipv6' | 'other' | 'all' {
  if (text === '') return 'none';
  if (text.toUpperCase() === 'ALL') return 'all';
  return text === '2' ? 'ipv6' : 'other';
}

/** `|2|2001:db8::1|6446|` with any delimiter (RFC 2428 section 2). Other families and what cannot be read pass as they are. */
function parseEprt(text: string): FtpCommand {
  const [, family, address, port, rest] = text.split(text[0] ?? '|');
  const number = Number(port);
  const parsed = family === '2' && address !== undefined ? parseIpv6(address) : undefined;
  if (parsed === undefined || rest !== '' || !/^\d{1,5}$/.test(port ?? '') || number < 1 || number > 65_535) return OTHER;
  return { kind: 'eprt', address: formatIpv6(parsed, 0), port: number };
}

/** True while the beginning of a command may still become one of those above. */
export function mayBecomeCommand(start: string): boolean {
  const word = start.slice(0, 4).toUpperCase();
  return WORDS.some((known) => known.startsWith(word));
}

/** Reply code of a line, 0 for a line inside a longer reply; `last` is false where more lines follow (RFC 959 section 4.2). */
export function replyCode(line: string): { readonly code: number; readonly last: boolean } {
  const [, code, mark] = /^(\d{3})([ -]|$)/.exec(line) ?? [];
  return { code: Number(code ?? 0), last: mark !== '-' };
}

/** IPv4 address and port of a 227 reply, wherever in its text they are (RFC 1123 section 4.1.2.6); undefined where they are not. */
export function parsePassiveReply(line: string): { readonly address: number; readonly port: number } | undefined {
  const found = /(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})/.exec(line.slice(4));
  const n = found?.slice(1).map(Number) ?? [];
  if (n.length !== 6 || n.some((value) => value > 255)) return undefined;
  return { address: ((n[0]! << 24) | (n[1]! << 16) | (n[2]! << 8) | n[3]!) >>> 0, port: n[4]! * 256 + n[5]! };
}

/** A PORT command for this address and port (RFC 959 section 4.1.2). */
export function portCommand(address4: number, port: number): string {
  const bytes = [address4 >>> 24, (address4 >>> 16) & 255, (address4 >>> 8) & 255, address4 & 255, port >>> 8, port & 255];
  return `PORT ${bytes.join(',')}\r\n`;
}
