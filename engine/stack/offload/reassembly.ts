import { hex, putU16, u16 } from '../../base/index.ts';
import type { DevicePacket } from './aggregate.ts';
import { sealIpv4Header } from './checksum-metadata.ts';
import { holdsAllHeaders } from './first-fragment.ts';
import type { OffloadMemory } from './memory.ts';
import { REASSEMBLY_REASONS, type ReassemblyReason } from './reasons.ts';
import { newShape, readShape, type Shape } from './shape.ts';

/**
 * IP reassembly before the switch (V-11), RFC 791 section 3.2 and RFC 8200 section 4.5. Datagrams whose fragments overlap are refused
 * whole. RFC 5722 has it so for IPv6; for IPv4 it departs from RFC 791, which takes the newer bytes, because that lets a fragment rewrite
 * one that a filter has seen. Only a fragment that is the same byte for byte is a duplicate, and ignored. No ICMP errors are made.
 */
export interface ReassemblyOptions {
  readonly maxDatagrams: number;
  /** Fragment payload that may wait in all. */
  readonly maxBytes: number;
  readonly timeoutNs: number;
}

/** Fragments of one datagram at most: 64 KiB of the smallest useful ones. */
export const MAX_FRAGMENTS = 512;
/** IPv4: of the datagram; IPv6: of what follows the fixed header. */
const MAX_DATAGRAM_BYTES = 65_535;
const ECN_CE = 3;
const IPV6_HEADER_BYTES = 40;

interface Piece {
  readonly packet: DevicePacket;
  readonly offset: number;
  readonly lenBytes: number;
  readonly from: number;
  readonly more: boolean;
  /** ECN field of its IP header. */
  readonly ecn: number;
}

interface Datagram {
  readonly key: string;
  readonly startedNs: number;
  readonly pieces: Piece[];
  bytes: number;
  /** Payload length, -1 until the last fragment has come. */
  total: number;
  refused: boolean;
}

export class Reassembler {
  readonly counts = new Map<ReassemblyReason, number>(REASSEMBLY_REASONS.map((r) => [r.name, 0]));
  /** Fragments taken in, and datagrams put together. */
  taken = 0;
  datagramsOut = 0;
  /** Bytes waiting now. */
  bytes = 0;
  private readonly memory: OffloadMemory;
  private readonly options: ReassemblyOptions;
  private readonly datagrams = new Map<string, Datagram>();
  private readonly shape = newShape();
  /** Called with every device packet that is done with. */
  private readonly done: (packet: DevicePacket) => void;

  constructor(memory: OffloadMemory, options: ReassemblyOptions, done: (packet: DevicePacket) => void) {
    this.memory = memory;
    this.options = options;
    this.done = done;
  }

  get waiting(): number {
    return this.datagrams.size;
  }

  /** Takes a fragment in. Gives the whole datagram as a packet once it is complete; the fragments' buffers are then given back. */
  take(packet: DevicePacket): DevicePacket | undefined {
    const { memory, shape: s } = this;
    const at = memory.address(packet.first);
    readShape(s, memory.bytes, at, memory.dataLen[packet.first]!, packet.lenBytes, packet.origLen, packet.l3);
    this.taken++;
    const from = s.fragment.headerAt + (s.version === 6 ? 8 : 0);
    const { offsetBytes: offset, more } = s.fragment;
    const piece: Piece = { packet, offset, lenBytes: s.end - from, from, more, ecn: ecnOf(memory.bytes, at, s) };
    const problem = this.problem(s, piece, at);
    if (problem !== undefined) return this.lose(piece, problem);
    // A datagram in one piece: by itself, whatever waits under the same identification (RFC 8200 section 4.5, RFC 6946 section 4).
    if (offset === 0 && !more) return this.complete({ ...emptyDatagram('', packet.tNs), pieces: [piece], total: piece.lenBytes });
    const key = keyOf(memory.bytes, at, s);
    let datagram = this.datagrams.get(key);
    if (datagram === undefined) {
      if (this.datagrams.size >= this.options.maxDatagrams) return this.lose(piece, 'datagram-limit');
      datagram = emptyDatagram(key, packet.tNs);
      this.datagrams.set(key, datagram);
    }
    return this.add(datagram, piece);
  }

  private problem(s: Shape, piece: Piece, at: number): ReassemblyReason | undefined {
    if (s.truncated) return 'truncated';
    const whole = piece.offset === 0 && !piece.more;
    if (piece.lenBytes < (whole ? 0 : 1) || (piece.more && piece.lenBytes % 8 !== 0)) return 'bad-length';
    const before = s.version === 4 ? s.ipHeaderBytes : s.fragment.headerAt - s.l3 - IPV6_HEADER_BYTES;
    if (before + piece.offset + piece.lenBytes > MAX_DATAGRAM_BYTES) return 'too-long';
    if (s.version === 6 && piece.offset === 0 && !this.firstIsWhole(s, piece, at)) return 'headers';
    if (whole) return undefined;
    return this.bytes + piece.lenBytes > this.options.maxBytes ? 'byte-limit' : undefined;
  }

  /** As far as the first buflet holds the fragment: its headers are there or nowhere. */
  private firstIsWhole(s: Shape, piece: Piece, at: number): boolean {
    const { memory } = this;
    const end = Math.min(s.end, memory.dataLen[piece.packet.first]!);
    return holdsAllHeaders(memory.bytes, at + piece.from, at + end, s.fragment.protocol);
  }

  private add(datagram: Datagram, piece: Piece): DevicePacket | undefined {
    if (datagram.refused) return this.lose(piece, 'refused');
    const { pieces } = datagram;
    let at = pieces.length;
    while (at > 0 && pieces[at - 1]!.offset >= piece.offset) at--;
    const same = pieces[at];
    if (same !== undefined && this.isCopy(same, piece)) return this.lose(piece, 'duplicate');
    const before = at > 0 ? pieces[at - 1]! : undefined;
    const end = piece.offset + piece.lenBytes;
    const beyond = datagram.total >= 0 && (end > datagram.total || !piece.more);
    const pastEnd = !piece.more && pieces.length > 0 && pieces.at(-1)!.offset + pieces.at(-1)!.lenBytes > end;
    const overlaps = (before !== undefined && before.offset + before.lenBytes > piece.offset) || (same !== undefined && same.offset < end);
    const wrong = overlaps ? 'overlap' : beyond || pastEnd ? 'end' : pieces.length >= MAX_FRAGMENTS ? 'fragment-limit' : undefined;
    if (wrong !== undefined) {
      this.refuse(datagram, wrong);
      return this.lose(piece, wrong);
    }
    pieces.splice(at, 0, piece);
    datagram.bytes += piece.lenBytes;
    this.bytes += piece.lenBytes;
    if (!piece.more) datagram.total = end;
    return datagram.total === datagram.bytes ? this.complete(datagram) : undefined;
  }

  private isCopy(a: Piece, b: Piece): boolean {
    if (a.offset !== b.offset || a.lenBytes !== b.lenBytes || a.more !== b.more) return false;
    const there = this.memory.read(a.packet.first, a.from, a.lenBytes);
    return this.memory.read(b.packet.first, b.from, b.lenBytes).every((byte, i) => byte === there[i]);
  }

  /** Drops what has come of a datagram; its place is kept until the timeout, so that later fragments find it refused. */
  private refuse(datagram: Datagram, reason: ReassemblyReason): void {
    this.count(reason, datagram.pieces.length);
    for (const piece of datagram.pieces) this.done(piece.packet);
    this.bytes -= datagram.bytes;
    datagram.bytes = 0;
    datagram.pieces.length = 0;
    datagram.refused = true;
  }

  private lose(piece: Piece, reason: ReassemblyReason): undefined {
    this.count(reason);
    this.done(piece.packet);
    return undefined;
  }

  private complete(datagram: Datagram): DevicePacket | undefined {
    const { memory } = this;
    const { pieces } = datagram;
    this.datagrams.delete(datagram.key);
    this.bytes -= datagram.bytes;
    const first = pieces[0]!;
    const ecn = joinedEcn(pieces);
    const built = ecn < 0 ? -1 : this.build(datagram, ecn);
    const numbers = pieces.flatMap((p) => p.packet.numbers);
    const last = pieces.reduce((a, p) => Math.max(a, p.packet.tNs), 0);
    this.count(ecn < 0 ? 'congestion' : built < 0 ? 'no-buffers' : 'joined', pieces.length);
    if (built >= 0) this.datagramsOut++;
    for (const piece of pieces) this.done(piece.packet);
    if (built < 0) return undefined;
    const lenBytes = memory.chainBytes(built);
    return { ...first.packet, first: built, lenBytes, origLen: lenBytes, numbers, tNs: last, deviceSum: 0 };
  }

  /** A chain with the first fragment's headers, the fragment's marks taken out, and all payload. */
  private build(datagram: Datagram, ecn: number): number {
    const { memory, shape: s } = this;
    const { pieces } = datagram;
    const source = pieces[0]!.packet;
    readShape(s, memory.bytes, memory.address(source.first), memory.dataLen[source.first]!, source.lenBytes, source.origLen, source.l3);
    const head = memory.take(datagram.total > 4_096);
    if (head < 0) return -1;
    let ok = memory.append(head, source.first, 0, s.fragment.headerAt, false, false);
    for (const piece of pieces) ok &&= memory.append(memory.tail, piece.packet.first, piece.from, piece.lenBytes, true, false);
    if (!ok) {
      memory.give(head);
      return -1;
    }
    const b = memory.bytes;
    const o = memory.address(head) + s.l3;
    setEcn(b, o, s.version, ecn);
    if (s.version === 4) {
      putU16(b, o + 2, s.ipHeaderBytes + datagram.total);
      // DF stays (RFC 6864 section 4.3).
      putU16(b, o + 6, u16(b, o + 6) & 0x4000);
      sealIpv4Header(b, o, s.ipHeaderBytes);
    } else {
      putU16(b, o + 4, s.fragment.headerAt - s.l3 - IPV6_HEADER_BYTES + datagram.total);
      nextHeaderInto(b, o, s.fragment.headerAt - s.l3, s.fragment.protocol);
    }
    return head;
  }

  /** Gives up datagrams that have waited too long. */
  expire(tNs: number): void {
    for (const datagram of this.datagrams.values()) {
      // Datagrams stand in the order in which they began.
      if (datagram.startedNs + this.options.timeoutNs > tNs) return;
      this.giveUp(datagram, 'timeout');
    }
  }

  /** The input has ended. */
  finish(): void {
    for (const datagram of this.datagrams.values()) this.giveUp(datagram, 'unfinished');
  }

  private giveUp(datagram: Datagram, reason: ReassemblyReason): void {
    this.refuse(datagram, reason);
    this.datagrams.delete(datagram.key);
  }

  private count(reason: ReassemblyReason, n = 1): void {
    this.counts.set(reason, this.counts.get(reason)! + n);
  }
}

function emptyDatagram(key: string, startedNs: number): Datagram {
  return { key, startedNs, pieces: [], bytes: 0, total: -1, refused: false };
}

function ecnOf(b: Uint8Array, at: number, s: Shape): number {
  return (b[at + s.l3 + 1]! >>> (s.version === 4 ? 0 : 4)) & 3;
}

function setEcn(b: Uint8Array, o: number, version: number, ecn: number): void {
  const shift = version === 4 ? 0 : 4;
  b[o + 1] = (b[o + 1]! & ~(3 << shift)) | (ecn << shift);
}

/**
 * ECN field of the whole: CE if any fragment has it, -1 if another says Not-ECT then, else the first one's (RFC 3168 section 5.3).
 */
function joinedEcn(pieces: readonly Piece[]): number {
  if (!pieces.some(({ ecn }) => ecn === ECN_CE)) return pieces[0]!.ecn;
  return pieces.some(({ ecn }) => ecn === 0) ? -1 : ECN_CE;
}

/** Writes the protocol into the header before the fragment header, which is `lenBytes` behind the IPv6 header's start. */
function nextHeaderInto(b: Uint8Array, o: number, lenBytes: number, protocol: number): void {
  let field = o + 6;
  for (let at = 40; at < lenBytes; at += (b[o + at + 1]! + 1) * 8) field = o + at;
  b[field] = protocol;
}

/** RFC 791: addresses, protocol, identification. RFC 8200: addresses, identification. */
function keyOf(b: Uint8Array, at: number, s: Shape): string {
  const o = at + s.l3;
  const addresses = s.version === 4 ? hex(b, o + 12, o + 20) : hex(b, o + 8, o + 40);
  return `${addresses}.${s.fragment.id}.${s.version === 4 ? s.fragment.protocol : 6}`;
}
