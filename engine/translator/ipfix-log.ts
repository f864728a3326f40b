import { putU16, putU32 } from '../base/index.ts';
import type { Alarm, AlarmKind } from './alarms.ts';
import type { BindingLog, LogSink } from './binding-log.ts';
import type { BindingTable } from './bindings.ts';
import type { PortBlocks } from './port-blocks.ts';
import { insideIs4 } from './state-rows.ts';

/** Information elements with their lengths in bytes (numbers of the IANA IPFIX registry). */
type Field = readonly [id: number, bytes: number];

const TIME: Field = [323, 8]; // observationTimeMilliseconds
const EVENT: Field = [230, 1]; // natEvent
const SOURCE6: Field = [27, 16]; // sourceIPv6Address
const POST_SOURCE4: Field = [225, 4]; // postNATSourceIPv4Address

const SOURCE4: Field = [8, 4]; // sourceIPv4Address
const PROTOCOL: Field = [4, 1]; // protocolIdentifier
const PORTS: readonly Field[] = [
  [7, 2], // sourceTransportPort
  [227, 2], // postNAPTSourceTransportPort
];
const QUOTA: Field = [466, 4]; // natQuotaExceededEvent
const THRESHOLD: Field = [467, 4]; // natThresholdEvent
const MAX_FRAGMENTS: Field = [475, 4]; // maxFragmentsPendingReassembly

/** What follows time and event in each record, by template (RFC 8158; sections and tables of it). */
const TEMPLATES = {
  /** Section 4.6.4, table 8. */
  binding6: { id: 256, fields: [SOURCE6, POST_SOURCE4, PROTOCOL, ...PORTS] },
  /** Section 4.6.10, table 21. The subscriber is a prefix, so its length is told too. */
  block: {
    id: 257,
    fields: [
      SOURCE6,
      POST_SOURCE4,
      [29, 1], // sourceIPv6PrefixLength
      [361, 2], // portRangeStart
      [362, 2], // portRangeEnd
      [363, 2], // portRangeStepSize
      [364, 2], // portRangeNumPorts
    ],
  },
  /** Section 4.6.3, table 7: a NAPT44. */
  binding4: { id: 258, fields: [SOURCE4, POST_SOURCE4, PROTOCOL, ...PORTS] },
  /** Section 4.6.5, table 9. */
  addresses: { id: 259, fields: [[283, 4]] }, // natPoolId
  /** Section 4.6.6, table 10. */
  ports: { id: 260, fields: [POST_SOURCE4, PROTOCOL] },
  /** Section 4.6.7, tables 11 to 15. */
  sessions: { id: 261, fields: [QUOTA, [471, 4]] }, // maxSessionEntries
  bindings: { id: 262, fields: [QUOTA, [472, 4]] }, // maxBIBEntries
  subscriber: { id: 263, fields: [QUOTA, [473, 4], SOURCE6] }, // maxEntriesPerUser
  subscribers: { id: 264, fields: [QUOTA, [474, 4]] }, // maxSubscribers
  fragments6: { id: 265, fields: [QUOTA, MAX_FRAGMENTS, SOURCE6] },
  fragments4: { id: 266, fields: [QUOTA, MAX_FRAGMENTS, SOURCE4] },
  /** Section 4.6.8, tables 17 and 18. */
  bindingsThreshold: { id: 267, fields: [THRESHOLD, [478, 4]] }, // addressPortMappingHighThreshold
  subscriberThreshold: { id: 268, fields: [THRESHOLD, [478, 4], SOURCE6] },
} as const satisfies Record<string, { readonly id: number; readonly fields: readonly Field[] }>;

type Template = keyof typeof TEMPLATES;

/** natEvent (RFC 8158 section 4.3, table 2). */
const NAT_EVENT = {
  addressesExhausted: 3,
  created4: 8,
  removed4: 9,
  created6: 10,
  removed6: 11,
  portsExhausted: 12,
  quota: 13,
  allocated: 16,
  released: 17,
  threshold: 18,
} as const;

/** Template, natEvent, and natQuotaExceededEvent or natThresholdEvent (tables 3 and 4; 0 for none) of an alarm. */
const ALARMS: Readonly<Record<AlarmKind, readonly [Template, number, number]>> = {
  addresses: ['addresses', NAT_EVENT.addressesExhausted, 0],
  ports: ['ports', NAT_EVENT.portsExhausted, 0],
  sessions: ['sessions', NAT_EVENT.quota, 1],
  bindings: ['bindings', NAT_EVENT.quota, 2],
  subscriber: ['subscriber', NAT_EVENT.quota, 3],
  subscribers: ['subscribers', NAT_EVENT.quota, 4],
  fragments: ['fragments6', NAT_EVENT.quota, 5],
  'bindings-threshold': ['bindingsThreshold', NAT_EVENT.threshold, 3],
  'subscriber-threshold': ['subscriberThreshold', NAT_EVENT.threshold, 4],
};

/** The one pool: all addresses of the configuration. */
const POOL_ID = 1;

const TEMPLATE_SET = 2;
const HEADER_BYTES = 16;
const SET_HEADER_BYTES = 4;
/** Data records of one message: it stays below the 1,500 bytes of a link. */
const MESSAGE_RECORDS = 36;

/** Records of one template that wait for their message. */
class RecordSet {
  readonly templateId: number;
  readonly fields: readonly Field[];
  readonly message: Uint8Array;
  waiting = 0;
  /** Where the next field goes. */
  at = HEADER_BYTES + SET_HEADER_BYTES;

  constructor(templateId: number, fields: readonly Field[]) {
    this.templateId = templateId;
    this.fields = fields;
    const recordBytes = fields.reduce((sum, [, bytes]) => sum + bytes, 0);
    this.message = new Uint8Array(HEADER_BYTES + SET_HEADER_BYTES + MESSAGE_RECORDS * recordBytes);
  }

  number(value: number, bytes: number): void {
    for (let i = bytes - 1; i >= 0; i--) this.message[this.at++] = value >>> (8 * i);
  }

  bytes(value: Uint8Array): void {
    this.message.set(value, this.at);
    this.at += value.length;
  }

  restart(): void {
    this.waiting = 0;
    this.at = HEADER_BYTES + SET_HEADER_BYTES;
  }
}

/**
 * An IPFIX file (RFC 7011, RFC 5655): messages one after another, the first of which holds the templates. Export times are those of the
 * lab clock, so the same run gives the same bytes.
 */
export class IpfixBindingLog implements BindingLog {
  records = 0;
  private readonly sink: LogSink;
  private readonly epochNs: bigint;
  private readonly sets = new Map<Template, RecordSet>(
    (Object.keys(TEMPLATES) as Template[]).map((name) => [
      name,
      new RecordSet(TEMPLATES[name].id, [TIME, EVENT, ...TEMPLATES[name].fields]),
    ]),
  );
  private readonly address = new Uint8Array(16);
  private sent = 0;
  private lastNs = 0;
  private begun = false;

  constructor(sink: LogSink, epochNs: bigint) {
    this.sink = sink;
    this.epochNs = epochNs;
  }

  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void {
    const four = insideIs4(bindings, binding);
    const set = this.set(four ? 'binding4' : 'binding6');
    const made = event === 'created';
    this.begin(set, four ? (made ? NAT_EVENT.created4 : NAT_EVENT.removed4) : made ? NAT_EVENT.created6 : NAT_EVENT.removed6, tNs);
    bindings.write6(binding, this.address, 0);
    set.bytes(four ? this.address.subarray(12) : this.address);
    set.number(bindings.address4(binding), 4);
    set.number(bindings.protocol(binding), 1);
    set.number(bindings.port6(binding), 2);
    set.number(bindings.port4(binding), 2);
    this.end(set);
  }

  block(event: 'allocated' | 'released', blocks: PortBlocks, block: number, tNs: number): void {
    const set = this.set('block');
    this.begin(set, NAT_EVENT[event], tNs);
    blocks.writeSubscriber(block, this.address, 0);
    set.bytes(this.address);
    set.number(blocks.layout.addressOf(block), 4);
    set.number(blocks.layout.prefixBits, 1);
    const first = blocks.layout.firstPort(block);
    set.number(first, 2);
    set.number(first + blocks.size - 1, 2);
    set.number(1, 2);
    set.number(blocks.size, 2);
    this.end(set);
  }

  alarm({ kind, limit, v6, address4, protocol }: Alarm, tNs: number): void {
    const [name, event, type] = ALARMS[kind];
    const set = this.set(kind === 'fragments' && address4 !== undefined ? 'fragments4' : name);
    this.begin(set, event, tNs);
    if (type > 0) set.number(type, 4);
    if (type > 0) set.number(limit, 4);
    if (kind === 'addresses') set.number(POOL_ID, 4);
    if (v6 !== undefined) set.bytes(v6);
    if (address4 !== undefined) set.number(address4, 4);
    if (protocol !== undefined) set.number(protocol, 1);
    this.end(set);
  }

  private set(name: Template): RecordSet {
    return this.sets.get(name)!;
  }

  finish(): void {
    if (!this.begun) this.templates(0);
    for (const set of this.sets.values()) this.flush(set);
  }

  /** Time and event of a new record of the set; the other fields follow. */
  private begin(set: RecordSet, event: number, tNs: number): void {
    if (!this.begun) this.templates(tNs);
    const ms = Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000n);
    set.number(Math.floor(ms / 0x1_0000_0000), 4);
    set.number(ms >>> 0, 4);
    set.number(event, 1);
    this.lastNs = tNs;
  }

  private end(set: RecordSet): void {
    this.records++;
    if (++set.waiting === MESSAGE_RECORDS) this.flush(set);
  }

  private header(b: Uint8Array, length: number, tNs: number): void {
    putU16(b, 0, 10);
    putU16(b, 2, length);
    putU32(b, 4, Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000_000n) >>> 0);
    // RFC 7011 section 3.1: data records sent before this message.
    putU32(b, 8, this.sent >>> 0);
    putU32(b, 12, 0);
  }

  private templates(tNs: number): void {
    this.begun = true;
    const sets = [...this.sets.values()];
    const length = HEADER_BYTES + SET_HEADER_BYTES + sets.reduce((sum, { fields }) => sum + 4 + 4 * fields.length, 0);
    const b = new Uint8Array(length);
    this.header(b, length, tNs);
    putU16(b, HEADER_BYTES, TEMPLATE_SET);
    putU16(b, HEADER_BYTES + 2, length - HEADER_BYTES);
    let at = HEADER_BYTES + SET_HEADER_BYTES;
    for (const { templateId, fields } of sets) {
      putU16(b, at, templateId);
      putU16(b, at + 2, fields.length);
      at += 4;
      for (const [id, bytes] of fields) {
        putU16(b, at, id);
        putU16(b, at + 2, bytes);
        at += 4;
      }
    }
    this.sink(b, length);
  }

  private flush(set: RecordSet): void {
    if (set.waiting === 0) return;
    const { message, at: length } = set;
    this.header(message, length, this.lastNs);
    putU16(message, HEADER_BYTES, set.templateId);
    putU16(message, HEADER_BYTES + 2, length - HEADER_BYTES);
    this.sink(message, length);
    this.sent += set.waiting;
    set.restart();
  }
}
