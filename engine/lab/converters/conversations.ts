import { NS_PER_S } from '../../base/index.ts';
import type { RecordBatch } from '../../files/index.ts';
import { MAX_CONVERSATIONS, type CapturedConversation, type CapturedPackets } from '../../translator/index.ts';
import {
  ClassifiedBatch,
  FlowTable,
  META_FRAGMENT,
  META_FROM_B,
  META_HAS_PORTS,
  ROW_A,
  ROW_B,
  ROW_META,
  ROW_OFFSETS,
  ROW_PAYLOAD,
  ROW_PROTOCOL,
  ROW_WORDS,
  classifyBatch,
  rowEnds,
} from '../../wire/index.ts';

/** Packets and payload bytes kept for all conversations together. */
export const MAX_CONVERSATION_PACKETS = 500_000;
export const MAX_CONVERSATION_BYTES = 128 * 1024 * 1024;
/** Packets later than this after the first one of a conversation are no part of it: as long as a network may run, seconds. */
const LONGEST_S = 86_400;
/** Flows told apart while conversations are looked for. */
const MAX_FLOWS = 1_048_576;
const UDP = 17;
const UDP_HEADER_BYTES = 8;

/** What is not run as a call, by reason. */
const LEFT_OUT = {
  notUdp: 'packets of the capture that are no UDP',
  fragment: 'UDP fragments of the capture',
  group: 'UDP packets of the capture to a group or to everybody',
  conversations: `packets of UDP conversations after the first ${String(MAX_CONVERSATIONS)}`,
  packets: `UDP packets after the first ${String(MAX_CONVERSATION_PACKETS)}`,
  late: 'UDP packets more than a day after the first one',
  bytes: `UDP packets after ${String(MAX_CONVERSATION_BYTES >>> 20)} MiB of payload`,
} as const;

/** One direction while it is read. */
class Direction {
  readonly atNs: number[] = [];
  readonly payloads: Uint8Array[] = [];

  finish(startNs: number): CapturedPackets {
    const { atNs, payloads } = this;
    const start = new Uint32Array(payloads.length + 1);
    for (const [i, { length }] of payloads.entries()) start[i + 1] = start[i]! + length;
    const payload = new Uint8Array(start.at(-1)!);
    for (const [i, bytes] of payloads.entries()) payload.set(bytes, start[i]);
    return { atNs: Float64Array.from(atNs, (tNs) => tNs - startNs), payload, start };
  }
}

interface Conversation {
  readonly name: string;
  readonly fromB: boolean;
  readonly startNs: number;
  lastNs: number;
  readonly forward: Direction;
  readonly backward: Direction;
}

/**
 * Takes the UDP conversations out of a capture, to run them as calls between a party that has only IPv4 and one that has only IPv6. A
 * conversation is what two addresses and ports say to each other; the one that speaks first is the caller. Bytes that were not captured
 * are zero. What does not fit is counted by reason.
 */
export class ConversationCollector {
  readonly leftOut: Record<string, number> = {};
  private readonly flows = new FlowTable({ limit: MAX_FLOWS });
  private readonly byFlow = new Map<number, Conversation>();
  private readonly classified: ClassifiedBatch;
  private readonly ids: Int32Array;
  /** First packet of all conversations: the calls begin with it, however long the capture was silent or said other things. */
  private firstNs: number | null = null;
  private packets = 0;
  private bytes = 0;

  /** `capacity` of the batches that will come. */
  constructor(capacity: number) {
    this.classified = new ClassifiedBatch(capacity);
    this.ids = new Int32Array(capacity);
  }

  take(batch: RecordBatch): void {
    const { classified, ids } = this;
    classifyBatch(batch, classified);
    this.flows.internBatch(classified.rows, null, 0, batch.count, ids);
    for (let i = 0; i < batch.count; i++) this.takeOne(batch, i);
  }

  finish(): CapturedConversation[] {
    return [...this.byFlow.values()].map(({ name, startNs, lastNs, forward, backward }) => ({
      name,
      startNs,
      lastNs,
      forward: forward.finish(startNs),
      backward: backward.finish(startNs),
    }));
  }

  private takeOne(batch: RecordBatch, i: number): void {
    const { rows } = this.classified;
    const row = i * ROW_WORDS;
    const why = this.refuse(row, this.ids[i]!, batch.tsNs[i]!);
    if (why !== null) {
      this.leftOut[why] = (this.leftOut[why] ?? 0) + 1;
      return;
    }
    const meta = rows[row + ROW_META]!;
    const fromB = (meta & META_FROM_B) !== 0;
    const tNs = Math.max(0, batch.tsNs[i]! - this.firstNs!);
    const conversation = this.conversationOf(row, this.ids[i]!, fromB, tNs);
    // Time may run backwards in a capture; packets of a call are sent in the order they were recorded.
    conversation.lastNs = Math.max(conversation.lastNs, tNs);
    const direction = fromB === conversation.fromB ? conversation.forward : conversation.backward;
    const payload = this.payloadOf(batch, i, row);
    direction.atNs.push(conversation.lastNs);
    direction.payloads.push(payload);
    this.packets++;
    this.bytes += payload.length;
  }

  private refuse(row: number, id: number, tNs: number): string | null {
    const { rows } = this.classified;
    const meta = rows[row + ROW_META]!;
    if (id < 0 || (rows[row + ROW_PROTOCOL]! & 0xff) !== UDP) return LEFT_OUT.notUdp;
    if ((meta & META_FRAGMENT) !== 0 || (meta & META_HAS_PORTS) === 0) return LEFT_OUT.fragment;
    if (isGroup(rows, row)) return LEFT_OUT.group;
    this.firstNs ??= tNs;
    if (tNs - this.firstNs > LONGEST_S * NS_PER_S) return LEFT_OUT.late;
    if (!this.byFlow.has(id) && this.byFlow.size >= MAX_CONVERSATIONS) return LEFT_OUT.conversations;
    if (this.packets >= MAX_CONVERSATION_PACKETS) return LEFT_OUT.packets;
    return this.bytes + rows[row + ROW_PAYLOAD]! > MAX_CONVERSATION_BYTES ? LEFT_OUT.bytes : null;
  }

  private conversationOf(row: number, id: number, fromB: boolean, tNs: number): Conversation {
    const known = this.byFlow.get(id);
    if (known !== undefined) return known;
    const { source, sourcePort, destination, destinationPort } = rowEnds(this.classified.rows, row);
    const end = (address: string, port: number): string => `${address.includes(':') ? `[${address}]` : address}:${String(port)}`;
    const name = `${end(source, sourcePort)} → ${end(destination, destinationPort)}`;
    const made = { name, fromB, startNs: tNs, lastNs: tNs, forward: new Direction(), backward: new Direction() };
    this.byFlow.set(id, made);
    return made;
  }

  /** A copy of the payload, as long as it was on the wire. */
  private payloadOf(batch: RecordBatch, i: number, row: number): Uint8Array {
    const { rows } = this.classified;
    const payload = new Uint8Array(Math.max(0, rows[row + ROW_PAYLOAD]!));
    const at = (rows[row + ROW_OFFSETS]! & 0xffff) + UDP_HEADER_BYTES;
    const captured = Math.min(payload.length, batch.capLen[i]! - at);
    if (captured > 0) payload.set(batch.bytes.subarray(batch.offset[i]! + at, batch.offset[i]! + at + captured));
    return payload;
  }
}

/** The packet's destination is a multicast group or a broadcast address. */
function isGroup(rows: Int32Array, row: number): boolean {
  const toA = (rows[row + ROW_META]! & META_FROM_B) !== 0;
  const first = rows[row + (toA ? ROW_A : ROW_B)]! >>> 24;
  return ((rows[row + ROW_PROTOCOL]! >>> 8) & 0xff) === 4 ? first >= 224 : first === 0xff;
}
