import { putU16, putU32 } from '../base/index.ts';
import type { BindingLog, LogSink } from './binding-log.ts';
import type { BindingTable } from './bindings.ts';
import type { PortBlocks } from './port-blocks.ts';

/** Information elements with their lengths in bytes (numbers of the IANA IPFIX registry). */
type Field = readonly [id: number, bytes: number];

const TIME: Field = [323, 8]; // observationTimeMilliseconds
const EVENT: Field = [230, 1]; // natEvent
const SOURCE6: Field = [27, 16]; // sourceIPv6Address
const POST_SOURCE4: Field = [225, 4]; // postNATSourceIPv4Address

/** Bindings: RFC 8158 section 5.6.3.2. */
const BINDING_FIELDS: readonly Field[] = [
  TIME,
  EVENT,
  SOURCE6,
  POST_SOURCE4,
  [4, 1], // protocolIdentifier
  [7, 2], // sourceTransportPort
  [227, 2], // postNAPTSourceTransportPort
];

/** Port blocks: RFC 8158 section 5.6.9. The subscriber is a prefix, so its length is told too. */
const BLOCK_FIELDS: readonly Field[] = [
  TIME,
  EVENT,
  SOURCE6,
  POST_SOURCE4,
  [29, 1], // sourceIPv6PrefixLength
  [361, 2], // portRangeStart
  [362, 2], // portRangeEnd
  [363, 2], // portRangeStepSize
  [364, 2], // portRangeNumPorts
];

/** natEvent (RFC 8158 section 5.3). */
const NAT_EVENT = { created: 10, removed: 11, allocated: 16, released: 17 } as const;

const TEMPLATE_SET = 2;
const HEADER_BYTES = 16;
const SET_HEADER_BYTES = 4;
/** Data records of one message: it stays below the 1,500 bytes of a link. */
const MESSAGE_RECORDS = 36;

/** Records of one template that wait for their message. */
class RecordSet {
  readonly templateId: number;
  readonly fields: readonly Field[];
  readonly recordBytes: number;
  readonly message: Uint8Array;
  waiting = 0;

  constructor(templateId: number, fields: readonly Field[]) {
    this.templateId = templateId;
    this.fields = fields;
    this.recordBytes = fields.reduce((sum, [, bytes]) => sum + bytes, 0);
    this.message = new Uint8Array(HEADER_BYTES + SET_HEADER_BYTES + MESSAGE_RECORDS * this.recordBytes);
  }

  /** Where the next record goes. */
  get at(): number {
    return HEADER_BYTES + SET_HEADER_BYTES + this.waiting * this.recordBytes;
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
  private readonly bindings = new RecordSet(256, BINDING_FIELDS);
  private readonly blocks = new RecordSet(257, BLOCK_FIELDS);
  private sent = 0;
  private lastNs = 0;
  private begun = false;

  constructor(sink: LogSink, epochNs: bigint) {
    this.sink = sink;
    this.epochNs = epochNs;
  }

  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void {
    const { message } = this.bindings;
    const at = this.begin(this.bindings, NAT_EVENT[event], tNs);
    bindings.write6(binding, message, at + 9);
    putU32(message, at + 25, bindings.address4(binding));
    message[at + 29] = bindings.protocol(binding);
    putU16(message, at + 30, bindings.port6(binding));
    putU16(message, at + 32, bindings.port4(binding));
    this.end(this.bindings);
  }

  block(event: 'allocated' | 'released', blocks: PortBlocks, block: number, tNs: number): void {
    const { message } = this.blocks;
    const at = this.begin(this.blocks, NAT_EVENT[event], tNs);
    blocks.writeSubscriber(block, message, at + 9);
    putU32(message, at + 25, blocks.layout.addressOf(block));
    message[at + 29] = blocks.layout.prefixBits;
    const first = blocks.layout.firstPort(block);
    putU16(message, at + 30, first);
    putU16(message, at + 32, first + blocks.size - 1);
    putU16(message, at + 34, 1);
    putU16(message, at + 36, blocks.size);
    this.end(this.blocks);
  }

  finish(): void {
    if (!this.begun) this.templates(0);
    this.flush(this.bindings);
    this.flush(this.blocks);
  }

  /** Time and event of a new record of the set; returns where it starts. */
  private begin(set: RecordSet, event: number, tNs: number): number {
    if (!this.begun) this.templates(tNs);
    const { message, at } = set;
    const ms = Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000n);
    putU32(message, at, Math.floor(ms / 0x1_0000_0000));
    putU32(message, at + 4, ms >>> 0);
    message[at + 8] = event;
    this.lastNs = tNs;
    return at;
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
    const sets = [this.bindings, this.blocks];
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
    set.waiting = 0;
  }
}
