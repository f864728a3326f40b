import type { DnsData, DnsMessage, DnsQuestion, DnsRecord } from './dns-message.ts';
import { err, ok } from '../../base/index.ts';
import type { Result } from '../../base/index.ts';
import { ByteWriter } from './writer.ts';

/** Why a name cannot be written: an empty or too long label, a bad escape, or more than 255 bytes. */
export type DnsNameError = 'label' | 'escape' | 'long';

/** Labels of a master-file name as bytes; see DnsMessage for the spelling. */
export function dnsLabels(name: string): Result<Uint8Array[], DnsNameError> {
  if (name === '.' || name === '') return ok([]);
  const labels: number[][] = [[]];
  for (let i = 0; i < name.length; i++) {
    let code = name.charCodeAt(i);
    if (name[i] === '.') {
      if (i === name.length - 1) break;
      labels.push([]);
      continue;
    }
    if (name[i] === '\\') {
      const digits = /^\d{3}/.exec(name.slice(i + 1, i + 4));
      if (digits !== null) {
        code = Number(digits[0]);
        i += 3;
      } else {
        i += 1;
        code = i < name.length ? name.charCodeAt(i) : 256;
      }
    }
    if (code > 255) return err('escape');
    labels.at(-1)!.push(code);
  }
  let total = 1;
  for (const label of labels) {
    if (label.length === 0 || label.length > 63) return err('label');
    total += label.length + 1;
  }
  return total > 255 ? err('long') : ok(labels.map((label) => Uint8Array.from(label)));
}

class DnsWriter extends ByteWriter {
  private readonly seen = new Map<string, number>();
  bad: DnsNameError | undefined;

  /** Writes a name, with a pointer to an earlier one where `compress` allows (RFC 1035 section 4.1.4). */
  name(text: string, compress: boolean): void {
    const labels = dnsLabels(text);
    if (!labels.ok) {
      this.bad = labels.error;
      return;
    }
    const list = labels.value;
    for (let i = 0; i < list.length; i++) {
      const key = list.slice(i).join('|');
      const known = this.seen.get(key);
      if (known !== undefined && compress) {
        this.u16(0xc000 | known);
        return;
      }
      if (known === undefined && this.length < 0x4000) this.seen.set(key, this.length);
      this.u8(list[i]!.length).bytes(list[i]!);
    }
    this.u8(0);
  }

  string(value: Uint8Array): void {
    this.sized(1, () => this.bytes(value.subarray(0, 255)));
  }

  /** Type bit maps of RFC 4034 section 4.1.2. */
  types(types: readonly number[]): void {
    const windows = new Map<number, Uint8Array>();
    for (const type of types) {
      const map = windows.get(type >>> 8) ?? new Uint8Array(32);
      windows.set(type >>> 8, map);
      const low = type & 255;
      map[low >>> 3] = map[low >>> 3]! | (0x80 >> (low & 7));
    }
    for (const [window, map] of [...windows].sort((a, b) => a[0] - b[0])) {
      let length = 32;
      while (length > 0 && map[length - 1] === 0) length--;
      this.u8(window);
      this.string(map.subarray(0, length));
    }
  }
}

function writeData(w: DnsWriter, data: DnsData): void {
  switch (data.kind) {
    case 'address':
      w.bytes(data.address);
      break;
    case 'name':
      w.name(data.name, true);
      break;
    case 'soa':
      w.name(data.primary, true);
      w.name(data.mailbox, true);
      w.u32(data.serial).u32(data.refresh).u32(data.retry).u32(data.expire).u32(data.minimum);
      break;
    case 'mx':
      w.u16(data.preference).name(data.exchange, true);
      break;
    case 'txt':
      for (const string of data.strings) w.string(string);
      break;
    case 'srv':
      // RFC 2782: the target is not compressed.
      w.u16(data.priority).u16(data.weight).u16(data.port).name(data.target, false);
      break;
    case 'naptr':
      w.u16(data.order).u16(data.preference);
      w.string(data.flags);
      w.string(data.service);
      w.string(data.regexp);
      w.name(data.replacement, false);
      break;
    case 'svcb':
      w.u16(data.priority).name(data.target, false);
      for (const { key, value } of data.parameters) w.u16(key).sized(2, () => w.bytes(value));
      break;
    case 'caa':
      w.u8(data.flags).string(data.tag);
      w.bytes(data.value);
      break;
    case 'bytes':
      w.bytes(data.bytes);
      break;
    default:
      writeSecurity(w, data);
  }
}

type SecurityData = Extract<DnsData, { kind: 'opt' | 'ds' | 'rrsig' | 'nsec' | 'nsec3' | 'dnskey' | 'tlsa' }>;

function writeSecurity(w: DnsWriter, data: SecurityData): void {
  switch (data.kind) {
    case 'opt':
      for (const option of data.options) w.u16(option.code).sized(2, () => w.bytes(option.data));
      break;
    case 'ds':
      w.u16(data.keyTag).u8(data.algorithm).u8(data.digestType).bytes(data.digest);
      break;
    case 'rrsig':
      w.u16(data.typeCovered).u8(data.algorithm).u8(data.labels).u32(data.originalTtl);
      w.u32(data.expiration).u32(data.inception).u16(data.keyTag).name(data.signer, false);
      w.bytes(data.signature);
      break;
    case 'nsec':
      w.name(data.next, false);
      w.types(data.types);
      break;
    case 'nsec3':
      w.u8(data.algorithm).u8(data.flags).u16(data.iterations).string(data.salt);
      w.string(data.next);
      w.types(data.types);
      break;
    case 'dnskey':
      w.u16(data.flags).u8(data.protocol).u8(data.algorithm).bytes(data.key);
      break;
    case 'tlsa':
      w.u8(data.usage).u8(data.selector).u8(data.matching).bytes(data.data);
      break;
  }
}

function headerFlags(m: DnsMessage): number {
  return (
    (m.response ? 0x8000 : 0) |
    ((m.opcode & 15) << 11) |
    (m.authoritative ? 0x0400 : 0) |
    (m.truncated ? 0x0200 : 0) |
    (m.recursionDesired ? 0x0100 : 0) |
    (m.recursionAvailable ? 0x0080 : 0) |
    (m.authenticData ? 0x0020 : 0) |
    (m.checkingDisabled ? 0x0010 : 0) |
    (m.rcode & 15)
  );
}

/** The message in wire form, owner names and well-known data names compressed. Fails only on a name that cannot be written. */
export function buildDns(message: DnsMessage): Result<Uint8Array, DnsNameError> {
  const w = new DnsWriter();
  const sections = [message.answers, message.authorities, message.additionals];
  w.u16(message.id).u16(headerFlags(message)).u16(message.questions.length);
  for (const section of sections) w.u16(section.length);
  for (const question of message.questions) {
    w.name(question.name, true);
    w.u16(question.type).u16(question.class);
  }
  for (const record of sections.flat()) {
    w.name(record.name, true);
    w.u16(record.type).u16(record.class).u32(record.ttl);
    w.sized(2, () => writeData(w, record.data));
  }
  return w.bad === undefined ? ok(w.done()) : err(w.bad);
}

const NO_FLAGS = {
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  authenticData: false,
  checkingDisabled: false,
  opcode: 0,
  rcode: 0,
  authorities: [],
} as const;

/** A recursive query with one question. */
export function dnsQuery(id: number, question: DnsQuestion, additionals: readonly DnsRecord[] = []): DnsMessage {
  return { ...NO_FLAGS, id, response: false, recursionAvailable: false, questions: [question], answers: [], additionals };
}

/** The response to `query` with these answers. */
export function dnsResponse(query: DnsMessage, answers: readonly DnsRecord[], rcode = 0): DnsMessage {
  return {
    ...NO_FLAGS,
    id: query.id,
    response: true,
    recursionAvailable: true,
    rcode,
    questions: query.questions,
    answers,
    additionals: [],
  };
}
