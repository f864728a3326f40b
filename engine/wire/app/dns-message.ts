import { err, ok, u16, u32 } from '../../base/index.ts';
import type { Result } from '../../base/index.ts';
import { DNS_TYPE } from './dns-names.ts';

/**
 * A DNS message as data (RFC 1035 section 4), for translation and for building. Names are master-file text without the
 * final dot: `example.org`, `.` for the root, `a\.b.org` for a dot inside a label, `\DDD` for bytes outside printable
 * ASCII. Addresses are bytes in network order.
 */
export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds; in OPT the extended RCODE, version and flags (RFC 6891 section 6.1.3). */
  readonly ttl: number;
  readonly data: DnsData;
}

export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** The four bits of the header; OPT may carry eight more. */
  readonly rcode: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export interface DnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** Record data by kind; `bytes` for types not known and for known types whose bytes do not fit them. */
export type DnsData =
  | { readonly kind: 'address'; readonly address: Uint8Array }
  | { readonly kind: 'name'; readonly name: string }
  | {
      readonly kind: 'soa';
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | { readonly kind: 'mx'; readonly preference: number; readonly exchange: string }
  | { readonly kind: 'txt'; readonly strings: readonly Uint8Array[] }
  | { readonly kind: 'srv'; readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }
  | {
      readonly kind: 'naptr';
      readonly order: number;
      readonly preference: number;
      readonly flags: Uint8Array;
      readonly service: Uint8Array;
      readonly regexp: Uint8Array;
      readonly replacement: string;
    }
  | { readonly kind: 'opt'; readonly options: readonly DnsOption[] }
  | { readonly kind: 'ds'; readonly keyTag: number; readonly algorithm: number; readonly digestType: number; readonly digest: Uint8Array }
  | {
      readonly kind: 'rrsig';
      readonly typeCovered: number;
      readonly algorithm: number;
      readonly labels: number;
      readonly originalTtl: number;
      readonly expiration: number;
      readonly inception: number;
      readonly keyTag: number;
      readonly signer: string;
      readonly signature: Uint8Array;
    }
  | { readonly kind: 'nsec'; readonly next: string; readonly types: readonly number[] }
  | {
      readonly kind: 'nsec3';
      readonly algorithm: number;
      readonly flags: number;
      readonly iterations: number;
      readonly salt: Uint8Array;
      readonly next: Uint8Array;
      readonly types: readonly number[];
    }
  | { readonly kind: 'dnskey'; readonly flags: number; readonly protocol: number; readonly algorithm: number; readonly key: Uint8Array }
  | { readonly kind: 'tlsa'; readonly usage: number; readonly selector: number; readonly matching: number; readonly data: Uint8Array }
  | {
      readonly kind: 'svcb';
      readonly priority: number;
      readonly target: string;
      readonly parameters: readonly { readonly key: number; readonly value: Uint8Array }[];
    }
  | { readonly kind: 'caa'; readonly flags: number; readonly tag: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Where an entry lies in the bytes it was read from. */
export interface DnsSpan {
  readonly offset: number;
  /** First byte after the owner name. */
  readonly nameEnd: number;
  readonly end: number;
  /** First byte of the record data; equals `end` for a question. */
  readonly dataOffset: number;
}

export type DnsErrorCode = 'header' | 'name' | 'pointer' | 'label' | 'question' | 'record' | 'length' | 'data' | 'trailing';
export interface DnsError {
  readonly code: DnsErrorCode;
  readonly offset: number;
  readonly message: string;
}

/** All that could be read, with the first structural error if the message ends early or is broken. */
export interface DnsReading {
  readonly message: DnsMessage;
  /** Spans of questions, answers, authorities and additionals, in that order. */
  readonly spans: readonly DnsSpan[];
  readonly end: number;
  readonly error?: DnsError;
  /** Records of a known type whose data does not fit the type. */
  readonly problems: readonly DnsError[];
}

export const DNS_HEADER_BYTES = 12;
/** RFC 1035 section 3.1: 255 octets of name, which is at most 127 labels. */
const MAX_NAME_BYTES = 255;
/** A name of 127 labels needs at most one pointer before each; more is a loop. */
const MAX_POINTERS = 128;

interface NameReading {
  readonly name: string;
  readonly end: number;
  readonly error?: DnsError;
}

/** Characters that have a meaning in master files and so are escaped inside a label. */
const ESCAPED = new Set(['.', '\\', '"', ';', '(', ')', '@', '$']);

function labelText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const character = String.fromCharCode(byte);
    if (ESCAPED.has(character)) text += `\\${character}`;
    else if (byte > 0x20 && byte < 0x7f) text += character;
    else text += `\\${byte.toString().padStart(3, '0')}`;
  }
  return text;
}

/**
 * The name at `offset` of the message that starts at `base`. Pointers must point backwards, which ends loops
 * (RFC 1035 section 4.1.4 allows only prior names), and are counted besides.
 */
export function readDnsName(bytes: Uint8Array, base: number, offset: number, end: number): NameReading {
  const labels: string[] = [];
  let at = offset;
  let limit = offset;
  let after = -1;
  let total = 1;
  let pointers = 0;
  const fail = (code: DnsErrorCode, message: string): NameReading => ({
    name: labels.length === 0 ? '.' : labels.join('.'),
    end: after < 0 ? Math.min(at, end) : after,
    error: { code, offset: at, message },
  });
  for (;;) {
    if (at >= end) return fail('name', 'name ends early');
    const length = bytes[at]!;
    if (length === 0) break;
    if (length >= 0xc0) {
      if (at + 2 > end) return fail('name', 'name ends early');
      const target = base + (((length & 0x3f) << 8) | bytes[at + 1]!);
      if (after < 0) after = at + 2;
      if (target >= limit || ++pointers > MAX_POINTERS) return fail('pointer', 'compression pointer does not point back');
      limit = target;
      at = target;
      continue;
    }
    if (length > 63) return fail('label', 'label of a reserved type');
    if (at + 1 + length > end) return fail('name', 'name ends early');
    total += length + 1;
    if (total > MAX_NAME_BYTES) return fail('name', 'name longer than 255 bytes');
    labels.push(labelText(bytes, at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.length === 0 ? '.' : labels.join('.'), end: after < 0 ? at + 1 : after };
}

/** Reads record data of a known kind; undefined where the bytes do not fit. */
class DataReader {
  private readonly bytes: Uint8Array;
  private readonly base: number;
  private readonly end: number;
  at: number;
  bad = false;

  constructor(bytes: Uint8Array, base: number, start: number, end: number) {
    this.bytes = bytes;
    this.base = base;
    this.at = start;
    this.end = end;
  }

  private take(count: number): number {
    if (this.bad || this.end - this.at < count) {
      this.bad = true;
      return -1;
    }
    const o = this.at;
    this.at += count;
    return o;
  }

  u8(): number {
    const o = this.take(1);
    return o < 0 ? 0 : this.bytes[o]!;
  }

  u16(): number {
    const o = this.take(2);
    return o < 0 ? 0 : u16(this.bytes, o);
  }

  u32(): number {
    const o = this.take(4);
    return o < 0 ? 0 : u32(this.bytes, o);
  }

  run(count: number): Uint8Array {
    const o = this.take(count);
    return o < 0 ? new Uint8Array(0) : new Uint8Array(this.bytes.subarray(o, o + count));
  }

  /** A string with its length in front. */
  string(): Uint8Array {
    return this.run(this.u8());
  }

  rest(): Uint8Array {
    return this.run(this.end - this.at);
  }

  get more(): boolean {
    return !this.bad && this.at < this.end;
  }

  name(): string {
    const reading = readDnsName(this.bytes, this.base, this.at, this.end);
    if (reading.error !== undefined) this.bad = true;
    this.at = reading.end;
    return reading.name;
  }

  /** Type bit maps of RFC 4034 section 4.1.2. */
  types(): number[] {
    const types: number[] = [];
    while (this.more) {
      const window = this.u8();
      const map = this.string();
      if (map.length > 32) this.bad = true;
      map.forEach((byte, i) => {
        for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) types.push(window * 256 + i * 8 + bit);
      });
    }
    return types;
  }
}

function readKnown(type: number, r: DataReader): DnsData | undefined {
  switch (type) {
    case DNS_TYPE.A:
      return { kind: 'address', address: r.run(4) };
    case DNS_TYPE.AAAA:
      return { kind: 'address', address: r.run(16) };
    case DNS_TYPE.NS:
    case DNS_TYPE.CNAME:
    case DNS_TYPE.PTR:
    case DNS_TYPE.DNAME:
      return { kind: 'name', name: r.name() };
    case DNS_TYPE.SOA:
      return {
        kind: 'soa',
        primary: r.name(),
        mailbox: r.name(),
        serial: r.u32(),
        refresh: r.u32(),
        retry: r.u32(),
        expire: r.u32(),
        minimum: r.u32(),
      };
    case DNS_TYPE.MX:
      return { kind: 'mx', preference: r.u16(), exchange: r.name() };
    case DNS_TYPE.TXT:
    case DNS_TYPE.SPF: {
      const strings: Uint8Array[] = [];
      while (r.more) strings.push(r.string());
      return { kind: 'txt', strings };
    }
    case DNS_TYPE.SRV:
      return { kind: 'srv', priority: r.u16(), weight: r.u16(), port: r.u16(), target: r.name() };
    case DNS_TYPE.NAPTR:
      return {
        kind: 'naptr',
        order: r.u16(),
        preference: r.u16(),
        flags: r.string(),
        service: r.string(),
        regexp: r.string(),
        replacement: r.name(),
      };
    case DNS_TYPE.CAA: {
      return { kind: 'caa', flags: r.u8(), tag: r.string(), value: r.rest() };
    }
    case DNS_TYPE.SVCB:
    case DNS_TYPE.HTTPS:
      return readServiceBinding(r);
    default:
      return readSecurity(type, r);
  }
}

function readServiceBinding(r: DataReader): DnsData {
  const priority = r.u16();
  const target = r.name();
  const parameters: { key: number; value: Uint8Array }[] = [];
  while (r.more) parameters.push({ key: r.u16(), value: r.run(r.u16()) });
  return { kind: 'svcb', priority, target, parameters };
}

function readSecurity(type: number, r: DataReader): DnsData | undefined {
  switch (type) {
    case DNS_TYPE.OPT: {
      const options: DnsOption[] = [];
      while (r.more) options.push({ code: r.u16(), data: r.run(r.u16()) });
      return { kind: 'opt', options };
    }
    case DNS_TYPE.DS:
    case DNS_TYPE.CDS:
      return { kind: 'ds', keyTag: r.u16(), algorithm: r.u8(), digestType: r.u8(), digest: r.rest() };
    case DNS_TYPE.RRSIG:
      return {
        kind: 'rrsig',
        typeCovered: r.u16(),
        algorithm: r.u8(),
        labels: r.u8(),
        originalTtl: r.u32(),
        expiration: r.u32(),
        inception: r.u32(),
        keyTag: r.u16(),
        signer: r.name(),
        signature: r.rest(),
      };
    case DNS_TYPE.NSEC:
      return { kind: 'nsec', next: r.name(), types: r.types() };
    case DNS_TYPE.NSEC3:
      return {
        kind: 'nsec3',
        algorithm: r.u8(),
        flags: r.u8(),
        iterations: r.u16(),
        salt: r.string(),
        next: r.string(),
        types: r.types(),
      };
    case DNS_TYPE.DNSKEY:
    case DNS_TYPE.CDNSKEY:
      return { kind: 'dnskey', flags: r.u16(), protocol: r.u8(), algorithm: r.u8(), key: r.rest() };
    case DNS_TYPE.TLSA:
      return { kind: 'tlsa', usage: r.u8(), selector: r.u8(), matching: r.u8(), data: r.rest() };
    default:
      return undefined;
  }
}

/** Record data in [start, end) of a message that starts at `base`. */
function readData(bytes: Uint8Array, base: number, type: number, start: number, end: number): { data: DnsData; fits: boolean } {
  const raw = (): DnsData => ({ kind: 'bytes', bytes: new Uint8Array(bytes.subarray(start, end)) });
  // An empty record (RFC 2136 updates) has no data of its type.
  if (start === end && type !== DNS_TYPE.OPT) return { data: raw(), fits: true };
  const reader = new DataReader(bytes, base, start, end);
  const data = readKnown(type, reader);
  if (data === undefined) return { data: raw(), fits: true };
  if (reader.bad || reader.at !== end) return { data: raw(), fits: false };
  return { data, fits: true };
}

/** Reads as much of a message as is there. Never throws; ends in time linear in the length. */
export function readDns(bytes: Uint8Array, offset: number, end: number): DnsReading | undefined {
  const stop = Math.min(end, bytes.length);
  if (offset < 0 || stop - offset < DNS_HEADER_BYTES) return undefined;
  const flags = u16(bytes, offset + 2);
  const questions: DnsQuestion[] = [];
  const sections: [DnsRecord[], DnsRecord[], DnsRecord[]] = [[], [], []];
  const spans: DnsSpan[] = [];
  const problems: DnsError[] = [];
  let error: DnsError | undefined;
  let at = offset + DNS_HEADER_BYTES;
  for (let i = u16(bytes, offset + 4); i > 0 && error === undefined; i--) {
    const { name, end: nameEnd, error: bad } = readDnsName(bytes, offset, at, stop);
    if (bad !== undefined) error = bad;
    else if (nameEnd + 4 > stop) error = { code: 'question', offset: nameEnd, message: 'question ends early' };
    else {
      questions.push({ name, type: u16(bytes, nameEnd), class: u16(bytes, nameEnd + 2) });
      spans.push({ offset: at, nameEnd, end: nameEnd + 4, dataOffset: nameEnd + 4 });
      at = nameEnd + 4;
    }
  }
  sections.forEach((section, which) => {
    for (let i = u16(bytes, offset + 6 + which * 2); i > 0 && error === undefined; i--) {
      const { name, end: nameEnd, error: bad } = readDnsName(bytes, offset, at, stop);
      if (bad !== undefined) error = bad;
      else if (nameEnd + 10 > stop) error = { code: 'record', offset: nameEnd, message: 'record ends early' };
      else {
        const dataOffset = nameEnd + 10;
        const dataEnd = dataOffset + u16(bytes, nameEnd + 8);
        if (dataEnd > stop) {
          error = { code: 'length', offset: nameEnd + 8, message: 'record data goes past the end of the message' };
          break;
        }
        const type = u16(bytes, nameEnd);
        const { data, fits } = readData(bytes, offset, type, dataOffset, dataEnd);
        if (!fits) problems.push({ code: 'data', offset: dataOffset, message: 'data does not fit the record type' });
        section.push({ name, type, class: u16(bytes, nameEnd + 2), ttl: u32(bytes, nameEnd + 4), data });
        spans.push({ offset: at, nameEnd, end: dataEnd, dataOffset });
        at = dataEnd;
      }
    }
  });
  const message: DnsMessage = {
    id: u16(bytes, offset),
    ...dnsFlags(flags),
    questions,
    answers: sections[0],
    authorities: sections[1],
    additionals: sections[2],
  };
  return { message, spans, end: at, problems, ...(error === undefined ? {} : { error }) };
}

function dnsFlags(flags: number): Omit<DnsMessage, 'id' | 'questions' | 'answers' | 'authorities' | 'additionals'> {
  return {
    response: (flags & 0x8000) !== 0,
    opcode: (flags >>> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: flags & 15,
  };
}

/**
 * Parses bytes [offset, end) as one whole DNS message. Errors: too short, broken names, counts that promise more than
 * is there, record data that does not fit its type, or bytes after the last record.
 */
export function parseDns(bytes: Uint8Array, offset: number, end: number): Result<DnsMessage, DnsError> {
  const reading = readDns(bytes, offset, end);
  if (reading === undefined) return err({ code: 'header', offset, message: 'shorter than a DNS header' });
  const error = reading.error ?? reading.problems[0];
  if (error !== undefined) return err(error);
  if (reading.end !== Math.min(end, bytes.length)) {
    return err({ code: 'trailing', offset: reading.end, message: 'bytes after the last record' });
  }
  return ok(reading.message);
}
