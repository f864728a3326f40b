import { err, ok, u16, u32 } from '../../base/index.ts';
import type { Result } from '../../base/index.ts';
import { readData, readDnsName } from './dns-rdata.ts';

export { readDnsName } from './dns-rdata.ts';

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
