import { Random, putU16, putU32, u16, u32 } from '../engine/base/index.ts';
import { ok, type Result } from '../engine/base/index.ts';
import type { EngineError } from '../engine/contract/index.ts';
import { PCAP_RECORD_BYTES, type ByteSink, type ByteSource } from '../engine/files/index.ts';
import { isTranslated, PacketSink, type Translator } from '../engine/translator/index.ts';
import { checksum, pseudoSum4, pseudoSum6 } from '../engine/wire/index.ts';

/** Sessions a host has; each with a binding of its own, which is the worst case for the tables. */
const SESSIONS_OF_HOST = 10;
const PEERS = 0x33000000;
const NS_PER_PACKET = 500;
const FILE_HEADER_BYTES = 24;
const MAGIC_NANO = 0xa1b23c4d;
const LINKTYPE_RAW = 101;
const NS = 1e9;

/** Seven of ten sessions are TCP. */
const isTcp = (s: number): boolean => s % 10 < 7;

/**
 * An endless capture, made as it is read: packets of all sessions in random order, every other one from each side, in records of pcap. The sessions are
 * opened before.
 */
export class TranslationFeed implements ByteSource {
  readonly sizeBytes = Number.MAX_SAFE_INTEGER;
  readonly seekable = true;
  /** Spent on making packets so far. */
  cpuUs = 0;
  wallNs = 0;
  /** Of each session, what it became outside. */
  private readonly address4: Uint32Array;
  private readonly port4: Uint16Array;
  private readonly random = new Random(1);
  private readonly sink = new PacketSink(65_536, 16);
  private nowNs = 0;
  private made = 0;
  private readonly mode: 'siit' | 'nat64';
  private readonly sessions: number;
  private readonly bytes: number;

  constructor(mode: 'siit' | 'nat64', sessions: number, bytes: number, translator: Translator) {
    this.mode = mode;
    this.sessions = sessions;
    this.bytes = bytes;
    this.address4 = new Uint32Array(sessions);
    this.port4 = new Uint16Array(sessions);
    const b = new Uint8Array(128);
    for (let s = 0; s < sessions; s++) this.open(translator, b, s);
  }

  /** TCP sessions are opened from both sides, others by one packet from inside. */
  private open(translator: Translator, b: Uint8Array, s: number): void {
    this.translate(translator, 6, b, this.six(b, 0, s, 64, 2));
    const out = this.sink.bytes;
    this.address4[s] = u32(out, 12);
    this.port4[s] = u16(out, 20);
    if (isTcp(s)) this.translate(translator, 4, b, this.four(b, 0, s, 64, 0x12));
  }

  private translate(translator: Translator, side: 4 | 6, b: Uint8Array, length: number): void {
    this.nowNs += NS_PER_PACKET;
    this.sink.clear();
    const code = translator.translate(side, b, 0, length, length, this.sink, this.nowNs);
    if (!isTranslated(code)) throw new Error(`a packet of the benchmark was not translated: reason ${code}`);
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    const cpu = process.cpuUsage();
    const started = process.hrtime.bigint();
    const end = offset + length - PCAP_RECORD_BYTES - this.bytes;
    let at = offset + (position === 0 ? fileHeader(into, offset) : 0);
    while (at <= end) at += this.record(into, at);
    this.wallNs += Number(process.hrtime.bigint() - started);
    const { user, system } = process.cpuUsage(cpu);
    this.cpuUs += user + system;
    return at - offset;
  }

  close(): void {
    // nothing is held
  }

  private record(b: Uint8Array, at: number): number {
    const s = Math.floor(this.random.float() * this.sessions);
    const o = at + PCAP_RECORD_BYTES;
    const length = this.made++ % 2 === 0 ? this.six(b, o, s, this.bytes, 0x10) : this.four(b, o, s, Math.max(40, this.bytes - 20), 0x10);
    this.nowNs += NS_PER_PACKET;
    putU32(b, at, Math.floor(this.nowNs / NS));
    putU32(b, at + 4, this.nowNs % NS);
    putU32(b, at + 8, length);
    putU32(b, at + 12, length);
    return PCAP_RECORD_BYTES + length;
  }

  /** An IPv6 packet of session `s` from inside; returns its bytes. */
  private six(b: Uint8Array, o: number, s: number, bytes: number, flags: number): number {
    const tcp = isTcp(s);
    const host = Math.floor(s / SESSIONS_OF_HOST);
    b.fill(0, o, o + Math.min(bytes, 72));
    putU32(b, o, 0x60000000);
    putU16(b, o + 4, bytes - 40);
    b[o + 6] = tcp ? 6 : 17;
    b[o + 7] = 64;
    putU32(b, o + 8, 0x20010db8);
    putU32(b, o + 12, host);
    putU32(b, o + 20, 1);
    if (this.mode === 'siit') {
      putU32(b, o + 8, 0x0064ff9b);
      putU32(b, o + 12, 0);
      putU32(b, o + 20, PEERS + 0x10000000 + host);
    }
    putU32(b, o + 24, 0x0064ff9b);
    putU32(b, o + 36, PEERS + (s % 65_521));
    transport(b, o + 40, tcp, 20_000 + (s % SESSIONS_OF_HOST), 443, bytes - 40, flags);
    putU16(b, o + 40 + (tcp ? 16 : 6), checksum(b, o + 40, o + bytes, pseudoSum6(b, o + 8, o + 24, tcp ? 6 : 17, bytes - 40)));
    return bytes;
  }

  /** The answer to it from outside. */
  private four(b: Uint8Array, o: number, s: number, bytes: number, flags: number): number {
    const tcp = isTcp(s);
    b.fill(0, o, o + Math.min(bytes, 52));
    putU32(b, o, 0x45000000 | bytes);
    putU32(b, o + 4, 0x00004000);
    b[o + 8] = 64;
    b[o + 9] = tcp ? 6 : 17;
    putU32(b, o + 12, PEERS + (s % 65_521));
    putU32(b, o + 16, this.address4[s]!);
    putU16(b, o + 10, checksum(b, o, o + 20));
    transport(b, o + 20, tcp, 443, this.port4[s]!, bytes - 20, flags);
    putU16(b, o + 20 + (tcp ? 16 : 6), checksum(b, o + 20, o + bytes, pseudoSum4(b, o + 12, o + 16, tcp ? 6 : 17, bytes - 20)));
    return bytes;
  }
}

function fileHeader(b: Uint8Array, o: number): number {
  b.fill(0, o, o + FILE_HEADER_BYTES);
  putU32(b, o, MAGIC_NANO);
  putU16(b, o + 4, 2);
  putU16(b, o + 6, 4);
  putU32(b, o + 16, 262_144);
  putU32(b, o + 20, LINKTYPE_RAW);
  return FILE_HEADER_BYTES;
}

function transport(b: Uint8Array, t: number, tcp: boolean, from: number, to: number, length: number, flags: number): void {
  putU16(b, t, from);
  putU16(b, t + 2, to);
  if (tcp) {
    b[t + 12] = 0x50;
    b[t + 13] = flags;
  } else putU16(b, t + 4, length);
}

/** Throws away what is written; while `checking`, records of packets are first looked at, and one whose checksums are wrong ends the benchmark. */
export class CheckedSink implements ByteSink {
  bytesWritten = 0;
  checking = false;
  checked = 0;

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.bytesWritten += end - start;
    if (!this.checking) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = start; at < end;) {
      const length = view.getUint32(at + 8, true);
      checkPacket(bytes, at + PCAP_RECORD_BYTES, length);
      at += PCAP_RECORD_BYTES + length;
      this.checked++;
    }
  }

  finish(): Result<{ bytesWritten: number }, EngineError> {
    return ok({ bytesWritten: this.bytesWritten });
  }

  abort(): void {
    // nothing is held
  }
}

function checkPacket(b: Uint8Array, o: number, length: number): void {
  const four = b[o]! >>> 4 === 4;
  const t = o + (four ? 20 : 40);
  const protocol = b[o + (four ? 9 : 6)]!;
  const bytes = o + length - t;
  const pseudo = four ? pseudoSum4(b, o + 12, o + 16, protocol, bytes) : pseudoSum6(b, o + 8, o + 24, protocol, bytes);
  const good = (!four || checksum(b, o, t) === 0) && checksum(b, t, o + length, pseudo) === 0;
  if (!good) throw new Error('a translation of the benchmark has a wrong checksum');
}
