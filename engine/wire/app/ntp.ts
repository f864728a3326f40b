import { u32 } from '../../base/index.ts';
import { register } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, bits, columns, expertShort, showData } from './common.ts';
import { displayText, formatIpv4, hexNumber } from './text.ts';
import { ByteWriter } from './writer.ts';

const MODES: Readonly<Record<number, string>> = {
  0: 'reserved',
  1: 'symmetric active',
  2: 'symmetric passive',
  3: 'client',
  4: 'server',
  5: 'broadcast',
  6: 'reserved for NTP control message',
  7: 'reserved for private use',
};
const INFO_MODES: Readonly<Record<number, string>> = { ...MODES, 6: 'control', 7: 'private' };
const LEAPS: Readonly<Record<number, string>> = {
  0: 'no warning',
  1: 'last minute of the day has 61 seconds',
  2: 'last minute of the day has 59 seconds',
  3: 'unknown (clock unsynchronized)',
};
/** Seconds from 1900 (NTP era 0, RFC 5905 section 6) to 1970. */
const NTP_TO_UNIX = 2_208_988_800;
const HEADER = 48;

/** An NTP timestamp as UTC text; values with the top bit clear are taken to be in era 1 (from 2036), as RFC 4330 section 3 says. */
export function ntpTimeText(seconds: number, fraction: number): string {
  if (seconds === 0 && fraction === 0) return 'NULL';
  const era = seconds < 0x8000_0000 ? 0x1_0000_0000 : 0;
  const whole = new Date((seconds + era - NTP_TO_UNIX) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return `${whole}.${Math.floor((fraction / 0x1_0000_0000) * 1e9)
    .toString()
    .padStart(9, '0')} UTC`;
}

function time(c: Cursor, name: string, label: string): void {
  const o = c.skip(8);
  if (o < 0) return;
  c.tree.field(name, label, ntpTimeText(u32(c.bytes, o), u32(c.bytes, o + 4)), o, 8);
}

function fixed(c: Cursor, name: string, label: string): void {
  c.uint(4, name, label, (value) => `${(value / 65_536).toFixed(6)} seconds`);
}

function signed(value: number): number {
  return (value << 24) >> 24;
}

function reference(c: Cursor, stratum: number): void {
  const o = c.skip(4);
  if (o < 0) return;
  const text = stratum <= 1 ? displayText(c.bytes, o, o + 4).replaceAll('\\x00', '') : formatIpv4(c.bytes, o);
  c.tree.field('ntp.refid', 'Reference ID', text === '' ? 'NULL' : text, o, 4);
}

function showStandard(c: Cursor): void {
  const stratum = c.uint(1, 'ntp.stratum', 'Peer Clock Stratum', (v) =>
    v === 0
      ? 'unspecified or invalid (0)'
      : v === 1
        ? 'primary reference (1)'
        : v <= 15
          ? `secondary reference (${v})`
          : v === 16
            ? 'unsynchronized (16)'
            : `reserved (${v})`,
  );
  c.uint(1, 'ntp.ppoll', 'Peer Polling Interval', (v) => `2^${signed(v)} s`);
  c.uint(1, 'ntp.precision', 'Peer Clock Precision', (v) => `2^${signed(v)} s`);
  fixed(c, 'ntp.rootdelay', 'Root Delay');
  fixed(c, 'ntp.rootdispersion', 'Root Dispersion');
  reference(c, stratum);
  time(c, 'ntp.reftime', 'Reference Timestamp');
  time(c, 'ntp.org', 'Origin Timestamp');
  time(c, 'ntp.rec', 'Receive Timestamp');
  time(c, 'ntp.xmt', 'Transmit Timestamp');
  // RFC 7822 section 3: what is longer than a MAC (20 or 24 bytes) begins with extension fields.
  while (!c.short && c.left > 24) {
    const length = (c.bytes[c.at + 2]! << 8) | c.bytes[c.at + 3]!;
    if (length < 16 || length % 4 !== 0 || length > c.left) break;
    c.group('ntp.ext', 'Extension', () => {
      c.hex(2, 'ntp.ext.type', 'Field Type');
      c.uint(2, 'ntp.ext.length', 'Length');
      c.data(length - 4, 'ntp.ext.value', 'Value');
    });
  }
  if (c.left >= 4) c.hex(4, 'ntp.keyid', 'Key ID');
  c.data(c.left, 'ntp.mac', 'Message Authentication Code');
}

/** Mode 6 (RFC 9327 section 2). */
function showControl(c: Cursor): void {
  c.hex(1, 'ntp.ctrl.flags2', 'Flags 2');
  c.uint(2, 'ntp.ctrl.sequence', 'Sequence');
  c.hex(2, 'ntp.ctrl.status', 'Status');
  c.uint(2, 'ntp.ctrl.associd', 'AssociationID');
  c.uint(2, 'ntp.ctrl.offset', 'Offset');
  const count = c.uint(2, 'ntp.ctrl.count', 'Count');
  c.data(Math.min(count, c.left), 'ntp.ctrl.data', 'Data');
}

export function dissectNtp(context: DissectContext, start: number, end: number): void {
  const { bytes, tree } = context;
  const flags = bytes[start] ?? 0;
  const version = (flags >>> 3) & 7;
  const mode = flags & 7;
  if (end - start < 4 || version === 0) {
    showData(context, start, end);
    return;
  }
  columns(context, 'NTP', `NTP Version ${version}, ${INFO_MODES[mode]!}`);
  tree.layer('ntp', `Network Time Protocol (NTP Version ${version}, ${INFO_MODES[mode]!})`, start, end - start);
  const c = new Cursor(context, start, end);
  c.group('ntp.flags', `Flags: ${hexNumber(flags, 2)}`, () => showFlags(c, flags, mode), { raw: flags });
  if (mode === 6) showControl(c);
  else if (mode === 7) c.data(c.left, 'data.data', 'Private data');
  else showStandard(c);
  if (c.short) expertShort(context, 'NTP', end);
  tree.close();
}

function showFlags(c: Cursor, flags: number, mode: number): void {
  const o = c.at;
  if (mode === 7) {
    bits(c, 'ntp.priv.flags.r', 'Response bit', flags, 0x80, o, 1);
    bits(c, 'ntp.priv.flags.more', 'More bit', flags, 0x40, o, 1);
  } else bits(c, 'ntp.flags.li', 'Leap Indicator', flags, 0xc0, o, 1, (v) => `${LEAPS[v]!} (${v})`);
  bits(c, 'ntp.flags.vn', 'Version number', flags, 0x38, o, 1, (v) => `NTP Version ${v} (${v})`);
  bits(c, 'ntp.flags.mode', 'Mode', flags, 0x07, o, 1, (v) => `${MODES[v]!} (${v})`);
  c.skip(1);
}

/** A client request or server response of NTP version 4; times in NTP seconds and fraction. */
export function buildNtp(mode: 3 | 4, stratum: number, transmitSeconds: number, transmitFraction: number): Uint8Array {
  const w = new ByteWriter();
  w.u8((4 << 3) | mode)
    .u8(stratum)
    .u8(6)
    .u8(0xec);
  w.zeros(HEADER - 4 - 8)
    .u32(transmitSeconds)
    .u32(transmitFraction);
  return w.done();
}

export function registerNtp(): void {
  register('udp.port', [123], dissectNtp);
}
