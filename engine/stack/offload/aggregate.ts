import { putU16, u16 } from '../../base/index.ts';
import { CSUM_DATA_VALID, finishChecksum, pseudoHeaderSum, sealIpv4Header, verifyFlags } from './checksum-metadata.ts';
import { FlowMemory } from './flow-memory.ts';
import { HeaderMatch } from './header-match.ts';
import { turn } from './kernels.ts';
import { DEFAULT_BUFFER_BYTES, fold, type OffloadMemory } from './memory.ts';
import { AGGREGATE_REASONS, reasonCode, type AggregateReason } from './reasons.ts';
import { FLAG_ACK, FLAG_CWR, FLAG_FIN, FLAG_PSH, FLAG_RST, FLAG_SYN, FLAG_URG } from './segment.ts';
import { newShape, readShape, type Shape } from './shape.ts';

/** Who sums received bytes (V-02): the card, the switch while it copies, or the stack in a pass of its own. */
export type ChecksumMode = 'hardware' | 'copy' | 'stack';

/** A packet in the device's pool. */
export interface DevicePacket {
  /** First buflet of its chain. */
  readonly first: number;
  readonly lenBytes: number;
  /** Length on the wire. */
  readonly origLen: number;
  /** Offset of its IP header, 0 if it has none. */
  readonly l3: number;
  /** Flow hash with the direction in its lowest bit. */
  readonly hash: number;
  /** Packets of the input it is made of: one, or the fragments it was put together from. */
  readonly numbers: readonly number[];
  readonly tNs: number;
  /** The card's own sum over the transport part (mode `hardware`), folded; taken when the packet was received. */
  readonly deviceSum: number;
  /** The packet that wakes the machine. */
  readonly wake: boolean;
  /** The link header holds nothing that depends on the packet's length. */
  readonly plainLink: boolean;
}

export interface AggregateOptions {
  /** Longest aggregate, bytes of the IP packet; 0 switches aggregation off. */
  readonly limitBytes: number;
  readonly maxBuflets: number;
  /** Only what segmentation would restore byte for byte is merged. */
  readonly exact: boolean;
  /** Large buffers may be used (LARGE_BUF). */
  readonly largeBuffers: boolean;
  readonly mode: ChecksumMode;
}

/** A packet in a port's pool: one packet as it came, or several merged. */
export class OutPacket {
  first = -1;
  tail = -1;
  readonly shape: Shape = newShape();
  hash = 0;
  /** Payload bytes merged so far, and their sum. */
  payloadBytes = 0;
  payloadSum = 0;
  /** Payload of the first member: the size to cut it into again (protocol segment size). */
  segmentBytes = 0;
  lastBytes = 0;
  pushed = false;
  /** CSUM_* flags (V-07); the sum covers [shape.l4, end). */
  checksumFlags = 0;
  reason = 0;
  readonly members: DevicePacket[] = [];
  open = false;

  get lenBytes(): number {
    return this.shape.payload + this.payloadBytes;
  }
}

const MASK_CONTROL = FLAG_SYN | FLAG_FIN | FLAG_RST | FLAG_URG;

export class Aggregator {
  /** Packets not merged, by reason code; see AGGREGATE_REASONS. */
  readonly reasons = new Float64Array(AGGREGATE_REASONS.length);
  merged = 0;
  packetsIn = 0;
  /** Copies undone because the checksum was wrong. */
  undone = 0;
  /** Packets that did not get their buffers and were lost. */
  nomem = 0;
  /** Packets whose padding found no buffer: they go on without it. */
  unpadded = 0;
  readonly flows = new FlowMemory();
  readonly match: HeaderMatch;
  /** Packets waiting for release, in the order in which they were begun. */
  readonly pending: OutPacket[] = [];
  private readonly options: AggregateOptions;
  private readonly memory: OffloadMemory;
  /** The packet that may still grow, by flow. */
  private readonly open = new Map<number, OutPacket>();
  private readonly spare: OutPacket[] = [];
  private readonly shape = newShape();
  /** Reason of the packet handed in last; -1 if it was merged. */
  lastReason = -1;
  /** Whether that packet had PSH. */
  lastPushed = false;

  constructor(memory: OffloadMemory, options: AggregateOptions) {
    this.memory = memory;
    this.options = options;
    this.match = new HeaderMatch(memory.bytes);
  }

  /** Takes a packet of the batch. False if it was lost for want of buffers. */
  take(packet: DevicePacket): boolean {
    const { memory, shape: s, options } = this;
    this.packetsIn++;
    const at = memory.address(packet.first);
    const contiguous = memory.dataLen[packet.first]!;
    readShape(s, memory.bytes, at, contiguous, packet.lenBytes, packet.origLen, packet.l3);
    const own = this.unfit(packet, s);
    this.lastPushed = s.kind === 'tcp' && (s.flags & FLAG_PSH) !== 0;
    const head = this.open.get(packet.hash);
    let reason: AggregateReason | undefined = own;
    if (reason === undefined && head !== undefined) {
      reason = head.open ? this.refuses(head, at, s) : 'follows-other';
      reason ??= this.join(head, packet, at, s);
      if (reason === undefined) {
        this.merged++;
        this.lastReason = -1;
        return true;
      }
    } else if (reason === undefined) reason = this.flows.goesOn(packet.hash, s.seq) ? 'batch-end' : 'first';
    const out = this.begin(packet, at, s);
    if (out === undefined) {
      this.nomem++;
      return false;
    }
    const bad = own === undefined && (out.checksumFlags & CSUM_DATA_VALID) === 0;
    if (bad) reason = 'checksum';
    out.open = own === undefined && !bad && options.limitBytes > 0;
    out.reason = reasonCode(reason);
    this.lastReason = out.reason;
    this.reasons[out.reason]!++;
    if (s.kind === 'tcp') this.open.set(packet.hash, out);
    return true;
  }

  /** Why a packet can be no part of any aggregate; undefined if it can. */
  private unfit(packet: DevicePacket, s: Shape): AggregateReason | undefined {
    if (this.options.limitBytes === 0) return 'off';
    if (s.kind === 'fragment') return 'fragment';
    if (s.kind !== 'tcp') return s.extensions ? 'extensions' : 'not-tcp';
    if (s.extensions) return 'extensions';
    if (!packet.plainLink) return 'link-length';
    if (s.truncated) return 'truncated';
    if ((s.flags & MASK_CONTROL) !== 0 || (s.flags & FLAG_ACK) === 0) return 'control';
    if (s.end === s.payload) return 'empty';
    return packet.wake ? 'wake' : undefined;
  }

  /** Why the packet does not follow on from an open one, as far as headers tell. */
  private refuses(head: OutPacket, at: number, s: Shape): AggregateReason | undefined {
    const { memory, options } = this;
    const h = head.shape;
    const headAt = memory.address(head.first);
    const differs = this.match.differs(headAt, h, at, s);
    // The hash of another flow, or other headers. A wrong sequence number is the more telling reason of the two.
    if (differs === 'first') return differs;
    if (s.seq !== (h.seq + head.payloadBytes) >>> 0) return 'sequence';
    if (differs !== undefined) return differs;
    // It begins an aggregate, where cutting puts it: CWR is the first segment's alone (RFC 3168 section 6.1.2).
    if ((s.flags & FLAG_CWR) !== 0) return 'tcp-flags';
    const lenBytes = s.end - s.payload;
    if (h.payload - h.l3 + head.payloadBytes + lenBytes > options.limitBytes) return 'limit';
    if (this.extraBuflets(head, lenBytes) > options.maxBuflets - memory.bufletsOf(head.first)) return 'buflets';
    return options.exact ? this.inexact(head, headAt, at, s, lenBytes) : undefined;
  }

  private inexact(head: OutPacket, headAt: number, at: number, s: Shape, lenBytes: number): AggregateReason | undefined {
    const b = this.memory.bytes;
    if (head.pushed) return 'pushed';
    if (head.lastBytes !== head.segmentBytes || lenBytes > head.segmentBytes) return 'size';
    if (s.version === 4) {
      const expected = (u16(b, headAt + head.shape.l3 + 4) + head.members.length) & 0xffff;
      if (u16(b, at + s.l3 + 4) !== expected) return 'ip-id';
    }
    if (!this.match.exactOptions(headAt, head.shape, at, s)) return 'timestamps';
    // The second form of zero (RFC 1624 section 3) would come back as the first.
    return u16(b, at + s.l4 + 16) === 0xffff || (s.version === 4 && u16(b, at + s.l3 + 10) === 0xffff) ? 'checksum' : undefined;
  }

  private extraBuflets(head: OutPacket, lenBytes: number): number {
    const beyond = lenBytes - this.memory.room(head.tail);
    return beyond <= 0 ? 0 : Math.ceil(beyond / DEFAULT_BUFFER_BYTES);
  }

  /** Appends the payload; undoes it and says why if the checksum turns out wrong. */
  private join(head: OutPacket, packet: DevicePacket, at: number, s: Shape): AggregateReason | undefined {
    const { memory } = this;
    const tail = head.tail;
    const tailBytes = memory.dataLen[tail]!;
    const lenBytes = s.end - s.payload;
    const header = headerSum(memory.bytes, at, s);
    if (!this.copyPayload(head, packet, s, lenBytes, header)) {
      memory.cut(tail, tailBytes);
      head.tail = tail;
      return 'no-buffers';
    }
    const flags = verifyFlags(memory.bytes, at, s, header + this.copiedSum);
    if ((flags & CSUM_DATA_VALID) === 0) {
      memory.cut(tail, tailBytes);
      head.tail = tail;
      this.undone++;
      return 'checksum';
    }
    head.payloadSum = fold(head.payloadSum + ((head.payloadBytes & 1) === 0 ? this.copiedSum : turn(this.copiedSum)));
    head.payloadBytes += lenBytes;
    head.lastBytes = lenBytes;
    head.pushed ||= (s.flags & FLAG_PSH) !== 0;
    head.checksumFlags &= flags;
    head.members.push(packet);
    return undefined;
  }

  private copiedSum = 0;

  /** Copies a packet's payload behind a packet and takes its sum, as the mode has it. `header`: sum of its transport header. */
  private copyPayload(out: OutPacket, packet: DevicePacket, s: Shape, lenBytes: number, header: number): boolean {
    const { memory, options } = this;
    const tail = out.tail;
    const from = memory.dataLen[tail]!;
    const large = options.largeBuffers && this.flows.largestBytes(packet.hash) > DEFAULT_BUFFER_BYTES;
    const ok = memory.append(tail, packet.first, s.payload, lenBytes, large, options.mode === 'copy');
    out.tail = memory.tail;
    if (!ok) return false;
    if (options.mode === 'copy') this.copiedSum = memory.appendedSum;
    else if (options.mode === 'stack') this.copiedSum = memory.sumChain(tail, from, lenBytes);
    else this.copiedSum = fold(packet.deviceSum + 0xffff - header);
    return true;
  }

  /** Copies a packet whole, as the beginning of an aggregate or by itself. */
  private begin(packet: DevicePacket, at: number, s: Shape): OutPacket | undefined {
    const { memory, options } = this;
    const summed = (s.kind === 'tcp' || s.kind === 'udp') && !s.truncated;
    const expected = Math.max(this.flows.largestBytes(packet.hash), packet.lenBytes);
    const first = memory.take(options.largeBuffers && expected > DEFAULT_BUFFER_BYTES);
    if (first < 0) return undefined;
    const out = this.spare.pop() ?? new OutPacket();
    out.first = out.tail = first;
    out.hash = packet.hash;
    out.checksumFlags = 0;
    out.payloadSum = 0;
    copyShape(out.shape, s);
    out.members.length = 0;
    out.members.push(packet);
    const headers = summed ? s.payload : Math.min(packet.lenBytes, memory.room(first));
    let ok = memory.append(first, packet.first, 0, headers, options.largeBuffers, false);
    out.tail = memory.tail;
    if (ok && summed) {
      out.payloadBytes = s.end - s.payload;
      const header = headerSum(memory.bytes, at, s);
      ok = this.copyPayload(out, packet, s, out.payloadBytes, header);
      out.payloadSum = this.copiedSum;
      out.checksumFlags = verifyFlags(memory.bytes, at, s, header + this.copiedSum);
    } else if (ok) {
      out.shape.payload = headers;
      out.payloadBytes = packet.lenBytes - headers;
      ok = memory.append(out.tail, packet.first, headers, out.payloadBytes, options.largeBuffers, false);
      out.tail = memory.tail;
    }
    if (!ok) {
      memory.give(first);
      this.spare.push(out);
      return undefined;
    }
    out.segmentBytes = out.lastBytes = out.payloadBytes;
    out.pushed = (s.flags & FLAG_PSH) !== 0;
    this.pending.push(out);
    return out;
  }

  /** Ends all aggregates: their headers are made right, and they may be given out in the order of `pending`. */
  close(): void {
    const { flows } = this;
    for (const out of this.pending) {
      const open = out.open && this.open.get(out.hash) === out;
      if (out.shape.kind === 'tcp') flows.ended(out.hash, open ? (out.shape.seq + out.payloadBytes) >>> 0 : -1);
      flows.observe(out.hash, out.lenBytes);
      if (out.members.length > 1) this.fixHeader(out);
      else this.appendTrailer(out);
      out.open = false;
    }
    this.open.clear();
  }

  /** Bytes behind the IP packet, such as Ethernet's padding, stay with a packet that was not merged (V-15). */
  private appendTrailer(out: OutPacket): void {
    const packet = out.members[0]!;
    const { shape: s } = out;
    if ((s.kind !== 'tcp' && s.kind !== 'udp') || s.truncated || s.end >= packet.lenBytes) return;
    if (this.memory.append(out.tail, packet.first, s.end, packet.lenBytes - s.end, false, false)) out.tail = this.memory.tail;
    else this.unpadded++;
  }

  /** Length, flags and checksums of a merged packet, from the sums that the copies took. */
  private fixHeader(out: OutPacket): void {
    const b = this.memory.bytes;
    const { shape: s } = out;
    const at = this.memory.address(out.first);
    const l4Bytes = s.payload - s.l4 + out.payloadBytes;
    s.end = s.payload + out.payloadBytes;
    if (s.version === 4) {
      putU16(b, at + s.l3 + 2, s.ipHeaderBytes + l4Bytes);
      sealIpv4Header(b, at + s.l3, s.ipHeaderBytes);
    } else putU16(b, at + s.l3 + 4, s.ipHeaderBytes - 40 + l4Bytes);
    if (out.pushed) b[at + s.l4 + 13] = b[at + s.l4 + 13]! | FLAG_PSH;
    putU16(b, at + s.l4 + 16, 0);
    const sum = pseudoHeaderSum(b, at, s, l4Bytes) + headerSum(b, at, s) + out.payloadSum;
    putU16(b, at + s.l4 + 16, finishChecksum(sum, false));
  }

  /** Gives a released packet's buffers back. */
  recycle(out: OutPacket): void {
    this.memory.give(out.first);
    out.first = out.tail = -1;
    out.members.length = 0;
    this.spare.push(out);
  }
}

/** Folded sum of a transport header. */
function headerSum(b: Uint8Array, at: number, s: Shape): number {
  let sum = 0;
  for (let i = at + s.l4; i < at + s.payload; i += 2) sum += (b[i]! << 8) | b[i + 1]!;
  return fold(sum);
}

function copyShape(to: Shape, from: Shape): void {
  to.kind = from.kind;
  to.version = from.version;
  to.l3 = from.l3;
  to.l4 = from.l4;
  to.payload = from.payload;
  to.end = from.end;
  to.ipHeaderBytes = from.ipHeaderBytes;
  to.flags = from.flags;
  to.seq = from.seq;
  to.ack = from.ack;
  to.extensions = from.extensions;
  to.truncated = from.truncated;
}
