import { u16, u32 } from '../../base/index.ts';
import type { DnsData, DnsError, DnsErrorCode, DnsOption } from './dns-message.ts';
import { DNS_TYPE } from './dns-names.ts';

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
export function readData(bytes: Uint8Array, base: number, type: number, start: number, end: number): { data: DnsData; fits: boolean } {
  const raw = (): DnsData => ({ kind: 'bytes', bytes: new Uint8Array(bytes.subarray(start, end)) });
  // An empty record (RFC 2136 updates) has no data of its type.
  if (start === end && type !== DNS_TYPE.OPT) return { data: raw(), fits: true };
  const reader = new DataReader(bytes, base, start, end);
  const data = readKnown(type, reader);
  if (data === undefined) return { data: raw(), fits: true };
  if (reader.bad || reader.at !== end) return { data: raw(), fits: false };
  return { data, fits: true };
}
