import { putU16, putU32 } from '../base/index.ts';
import { formatIpv4U32, formatIpv6 } from '../wire/index.ts';
import type { BindingTable } from './bindings.ts';

/** Where a log puts its bytes; they may be read during the call only. */
export type LogSink = (bytes: Uint8Array, length: number) => void;

/** Gets what becomes of bindings, as Nat64Mapper tells it. */
export interface BindingLog {
  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void;
  /** Writes what is left. */
  finish(): void;
  readonly records: number;
}

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp' };

function address6(bindings: BindingTable, binding: number, b: Uint8Array, at: number): void {
  bindings.write6(binding, b, at);
}

/** JSON lines: one object for each binding made or gone. `time` is ISO 8601 where the input has an epoch. */
export class JsonBindingLog implements BindingLog {
  records = 0;
  private readonly sink: LogSink;
  private readonly epochNs: bigint;
  private readonly encoder = new TextEncoder();
  private readonly v6 = new Uint8Array(16);

  constructor(sink: LogSink, epochNs: bigint) {
    this.sink = sink;
    this.epochNs = epochNs;
  }

  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void {
    address6(bindings, binding, this.v6, 0);
    const line = this.encoder.encode(
      `${JSON.stringify({
        event,
        tNs,
        epochMs: Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000n),
        protocol: NAMES[bindings.protocol(binding)],
        v6: formatIpv6(this.v6, 0),
        port6: bindings.port6(binding),
        v4: formatIpv4U32(bindings.address4(binding)),
        port4: bindings.port4(binding),
      })}\n`,
    );
    this.sink(line, line.length);
    this.records++;
  }

  finish(): void {
    // Every line is written at once.
  }
}

/** Information elements of the template with their lengths in bytes (RFC 8158 section 5.6.3.2; numbers of the IANA IPFIX registry). */
const FIELDS: readonly (readonly [id: number, bytes: number])[] = [
  [323, 8], // observationTimeMilliseconds
  [230, 1], // natEvent
  [27, 16], // sourceIPv6Address
  [225, 4], // postNATSourceIPv4Address
  [4, 1], // protocolIdentifier
  [7, 2], // sourceTransportPort
  [227, 2], // postNAPTSourceTransportPort
];
const RECORD_BYTES = FIELDS.reduce((sum, [, bytes]) => sum + bytes, 0);
/** natEvent (RFC 8158 section 5.3): NAT64 BIB create and delete. */
const NAT64_BIB_CREATE = 10;
const NAT64_BIB_DELETE = 11;
const TEMPLATE_ID = 256;
const TEMPLATE_SET = 2;
const HEADER_BYTES = 16;
const SET_HEADER_BYTES = 4;
/** Data records of one message: it stays below the 1,500 bytes of a link. */
const MESSAGE_RECORDS = 40;

/**
 * An IPFIX file (RFC 7011, RFC 5655): messages one after another, the first of which holds the template. Export times are those of the
 * lab clock, so the same run gives the same bytes.
 */
export class IpfixBindingLog implements BindingLog {
  records = 0;
  private readonly sink: LogSink;
  private readonly epochNs: bigint;
  private readonly message = new Uint8Array(HEADER_BYTES + SET_HEADER_BYTES + MESSAGE_RECORDS * RECORD_BYTES);
  private waiting = 0;
  private sent = 0;
  private lastNs = 0;
  private begun = false;

  constructor(sink: LogSink, epochNs: bigint) {
    this.sink = sink;
    this.epochNs = epochNs;
  }

  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void {
    if (!this.begun) this.template(tNs);
    const b = this.message;
    let at = HEADER_BYTES + SET_HEADER_BYTES + this.waiting * RECORD_BYTES;
    const ms = Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000n);
    putU32(b, at, Math.floor(ms / 0x1_0000_0000));
    putU32(b, at + 4, ms >>> 0);
    b[at + 8] = event === 'created' ? NAT64_BIB_CREATE : NAT64_BIB_DELETE;
    address6(bindings, binding, b, at + 9);
    at += 25;
    putU32(b, at, bindings.address4(binding));
    b[at + 4] = bindings.protocol(binding);
    putU16(b, at + 5, bindings.port6(binding));
    putU16(b, at + 7, bindings.port4(binding));
    this.records++;
    this.lastNs = tNs;
    if (++this.waiting === MESSAGE_RECORDS) this.flush();
  }

  finish(): void {
    if (!this.begun) this.template(0);
    this.flush();
  }

  private header(b: Uint8Array, length: number, tNs: number): void {
    putU16(b, 0, 10);
    putU16(b, 2, length);
    putU32(b, 4, Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000_000n) >>> 0);
    // RFC 7011 section 3.1: data records sent before this message.
    putU32(b, 8, this.sent >>> 0);
    putU32(b, 12, 0);
  }

  private template(tNs: number): void {
    this.begun = true;
    const length = HEADER_BYTES + SET_HEADER_BYTES + 4 + 4 * FIELDS.length;
    const b = new Uint8Array(length);
    this.header(b, length, tNs);
    putU16(b, HEADER_BYTES, TEMPLATE_SET);
    putU16(b, HEADER_BYTES + 2, length - HEADER_BYTES);
    putU16(b, HEADER_BYTES + 4, TEMPLATE_ID);
    putU16(b, HEADER_BYTES + 6, FIELDS.length);
    for (const [i, [id, bytes]] of FIELDS.entries()) {
      putU16(b, HEADER_BYTES + 8 + 4 * i, id);
      putU16(b, HEADER_BYTES + 10 + 4 * i, bytes);
    }
    this.sink(b, length);
  }

  private flush(): void {
    if (this.waiting === 0) return;
    const b = this.message;
    const length = HEADER_BYTES + SET_HEADER_BYTES + this.waiting * RECORD_BYTES;
    this.header(b, length, this.lastNs);
    putU16(b, HEADER_BYTES, TEMPLATE_ID);
    putU16(b, HEADER_BYTES + 2, length - HEADER_BYTES);
    this.sink(b, length);
    this.sent += this.waiting;
    this.waiting = 0;
  }
}
