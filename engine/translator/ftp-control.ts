import type { FtpAlgSpec } from '../contract/index.ts';
import { isGlobal4 } from './prefix64.ts';
import { mayBecomeCommand, parseFtpCommand, parsePassiveReply, portCommand, replyCode } from './ftp-lines.ts';

/**
 * Opens the way from the server to the address and port of the client inside (RFC 6384 section 7.2): where that is outside, or undefined
 * where it cannot be had on the address of the control connection.
 */
export type OpenFtpData = (
  client: string,
  port: number,
  server4: number,
) => { readonly address4: number; readonly port4: number } | undefined;

/** What is done with the final reply to a command. */
type Awaited =
  { readonly kind: 'pass' } | { readonly kind: 'epsv' } | { readonly kind: 'auth' } | { readonly kind: 'say'; readonly text: string };

/** Commands sent and not yet replied to; a client that sends more of them at once is no FTP client, and from then on nothing is changed. */
const MAX_AWAITED = 64;

/** Sent in place of a command that the gateway answers itself, so that replies stay in order. */
const NOOP = 'NOOP\r\n';

/**
 * The dialogue of one control connection (RFC 6384 sections 5 to 7 and 11). A command that the gateway answers itself goes to the server as NOOP,
 * whose reply becomes the gateway's: sequence, order and timing stay those of the server.
 */
export class FtpControl {
  /** After AUTH nothing can be read any more. */
  transparent = false;
  /** The server refused a NOOP of the gateway: the connection is over (RFC 6384 section 12). */
  broken = false;
  enabled = true;
  private readonly client: string;
  private readonly server4: number;
  private readonly open: OpenFtpData;
  private readonly noop: FtpAlgSpec['noop'];
  private awaited: Awaited[] = [];
  /** Code of the reply of several lines that has not ended, or 0. */
  private within = 0;

  constructor(client: string, server4: number, open: OpenFtpData, noop: FtpAlgSpec['noop'] = 'close') {
    this.noop = noop;
    this.client = client;
    this.server4 = server4;
    this.open = open;
  }

  /** Whether the rest of the line that starts so is worth waiting for. Every reply is: only its whole line tells whether more follow. */
  mayChange(start: string, fromClient: boolean): boolean {
    return !this.transparent && (!fromClient || mayBecomeCommand(start));
  }

  /** What a command becomes; undefined where it stays. */
  command(line: string): string | undefined {
    if (this.transparent) return undefined;
    const command = parseFtpCommand(line);
    switch (command.kind) {
      case 'epsv':
        return this.epsv(command.argument);
      case 'eprt':
        return this.eprt(command.address, command.port);
      case 'algs':
        return this.algs(command.argument);
      case 'auth':
        this.expect({ kind: 'auth' });
        return undefined;
      default:
        this.expect({ kind: 'pass' });
        return undefined;
    }
  }

  private expect(awaited: Awaited): void {
    this.awaited.push(awaited);
    if (this.awaited.length > MAX_AWAITED) {
      this.awaited = [];
      this.transparent = true;
    }
  }

  private say(text: string): string {
    this.expect({ kind: 'say', text: `${text}\r\n` });
    return NOOP;
  }

  private epsv(argument: 'none' | 'ipv6' | 'other' | 'all'): string | undefined {
    if (!this.enabled) {
      this.expect({ kind: 'pass' });
      return undefined;
    }
    if (argument === 'all') return this.say('504 Command not implemented for that parameter');
    if (argument === 'other') return this.say('522 Network protocol not supported, use (2)');
    this.expect({ kind: 'epsv' });
    return 'PASV\r\n';
  }

  private eprt(address: string, port: number): string | undefined {
    if (!this.enabled || address !== this.client) {
      this.expect({ kind: 'pass' });
      return undefined;
    }
    const outside = this.open(address, port, this.server4);
    if (outside === undefined) return this.say("425 Can't open data connection");
    this.expect({ kind: 'pass' });
    return portCommand(outside.address4, outside.port4);
  }

  private algs(argument: string): string {
    if (argument === '') return this.say('504 Command not implemented for that parameter');
    if (argument !== 'STATUS64') this.enabled = argument === 'ENABLE64';
    return this.say(this.enabled ? '216 EPSVEPRT' : '216 NONE');
  }

  /** What a line of the server becomes; undefined where it stays, empty where it is left out. */
  reply(line: string): string | undefined {
    if (this.transparent) return undefined;
    const { code, last } = replyCode(line);
    if (this.within !== 0 ? code !== this.within || !last : !last || code < 200) {
      if (this.within === 0 && code !== 0 && !last) this.within = code;
      // The lines before the last one of a reply that is replaced.
      return this.within !== 0 && this.awaited[0]?.kind === 'say' ? '' : undefined;
    }
    this.within = 0;
    if (code === 227) this.skipTo('epsv');
    const awaited = this.awaited.shift();
    switch (awaited?.kind) {
      case 'say':
        this.broken = code !== 200 && this.noop === 'close';
        return awaited.text;
      case 'epsv':
        return code === 227 ? this.passive(line) : undefined;
      case 'auth':
        this.transparent = code < 400;
        return undefined;
      default:
        return undefined;
    }
  }

  /** A command may have had more replies than one, or the greeting came late: the reply itself says what it is for. */
  private skipTo(kind: Awaited['kind']): void {
    const at = this.awaited.findIndex((awaited) => awaited.kind === kind);
    if (at > 0 && this.awaited.slice(0, at).every((awaited) => awaited.kind === 'pass')) this.awaited.splice(0, at);
  }

  private passive(line: string): string {
    const told = parsePassiveReply(line);
    // A server behind a NAT may tell its address there, which nobody can use; any other one is that of a third party.
    if (told === undefined || (told.address !== this.server4 && isGlobal4(told.address))) return "425 Can't open data connection\r\n";
    return `229 Entering Extended Passive Mode (|||${told.port}|)\r\n`;
  }
}
