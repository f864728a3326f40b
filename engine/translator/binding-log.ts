import type { TranslationEvent } from '../contract/index.ts';
import { formatIpv4U32, formatIpv6 } from '../wire/index.ts';
import { EXHAUSTED, THRESHOLDS, type Alarm } from './alarms.ts';
import type { BindingTable } from './bindings.ts';
import type { PortBlocks } from './port-blocks.ts';
import { insideIs4, insideText } from './state-rows.ts';

/** Where a log puts its bytes; they may be read during the call only. */
export type LogSink = (bytes: Uint8Array, length: number) => void;

/** Gets what becomes of bindings and of port blocks and which limits are reached, as Nat64Mapper, PortBlocks and Alarms tell it. */
export interface BindingLog {
  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void;
  block(event: 'allocated' | 'released', blocks: PortBlocks, block: number, tNs: number): void;
  alarm(alarm: Alarm, tNs: number): void;
  /** Writes what is left. */
  finish(): void;
  readonly records: number;
}

const DAY_NS = 86_400e9;

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp' };

/** JSON lines: one object for each binding or block made or gone, for each limit reached, and for each drop that is told (see eventOf). */
export class JsonBindingLog implements BindingLog {
  records = 0;
  private readonly sink: LogSink;
  private readonly epochNs: bigint;
  private readonly encoder = new TextEncoder();
  private readonly v6 = new Uint8Array(16);
  private configured: object | null = null;
  private nextConfigurationNs = 0;

  constructor(sink: LogSink, epochNs: bigint) {
    this.sink = sink;
    this.epochNs = epochNs;
  }

  log(event: 'created' | 'removed', bindings: BindingTable, binding: number, tNs: number): void {
    const port = bindings.port6(binding);
    const text = insideText(bindings, binding);
    this.line({
      event,
      ...this.time(tNs),
      protocol: NAMES[bindings.protocol(binding)],
      ...(insideIs4(bindings, binding) ? { inside: text, insidePort: port } : { v6: text, port6: port }),
      v4: formatIpv4U32(bindings.address4(binding)),
      port4: bindings.port4(binding),
    });
  }

  block(event: 'allocated' | 'released', blocks: PortBlocks, block: number, tNs: number): void {
    blocks.writeSubscriber(block, this.v6, 0);
    const firstPort = blocks.layout.firstPort(block);
    this.line({
      event: `block-${event}`,
      ...this.time(tNs),
      subscriber: `${formatIpv6(this.v6, 0)}/${blocks.layout.prefixBits}`,
      v4: formatIpv4U32(blocks.layout.addressOf(block)),
      firstPort,
      lastPort: firstPort + blocks.size - 1,
    });
  }

  alarm({ kind, limit, v6, address4, protocol }: Alarm, tNs: number): void {
    const event = EXHAUSTED.has(kind) ? 'exhausted' : THRESHOLDS.has(kind) ? 'threshold-reached' : 'quota-exceeded';
    this.line({
      event,
      ...this.time(tNs),
      of: kind.replace('-threshold', ''),
      ...(limit > 0 ? { limit } : {}),
      ...(v6 === undefined ? {} : { v6: formatIpv6(v6, 0) }),
      ...(address4 === undefined ? {} : { v4: formatIpv4U32(address4) }),
      ...(protocol === undefined ? {} : { protocol: NAMES[protocol] }),
    });
  }

  /** A drop that is told, of packet `packet` of the run. */
  drop({ event, ...rest }: TranslationEvent, packet: number, tNs: number): void {
    this.line({ event, ...this.time(tNs), packet, ...rest });
  }

  private time(tNs: number): { readonly tNs: number; readonly epochMs: number } {
    return { tNs, epochMs: Number((this.epochNs + BigInt(Math.round(tNs))) / 1_000_000n) };
  }

  /** `record` stands before the first line, and once a day again (RFC 7422 section 3). */
  configuration(record: object): void {
    this.configured = record;
    this.tellConfiguration(0);
  }

  private tellConfiguration(tNs: number): void {
    if (this.configured === null || tNs < this.nextConfigurationNs) return;
    this.nextConfigurationNs = (Math.floor(tNs / DAY_NS) + 1) * DAY_NS;
    this.write({ event: 'configuration', ...this.time(tNs), ...this.configured });
  }

  private line(record: { readonly tNs: number; readonly event: string; readonly [field: string]: unknown }): void {
    this.tellConfiguration(record.tNs);
    this.write(record);
  }

  private write(record: object): void {
    const line = this.encoder.encode(`${JSON.stringify(record)}\n`);
    this.sink(line, line.length);
    this.records++;
  }

  finish(): void {
    // Every line is written at once.
  }
}
