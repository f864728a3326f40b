import { Random, putU16, putU32, u16, u32 } from '../engine/base/index.ts';
import { translatorSchema, type TranslatorInput } from '../engine/contract/index.ts';
import { createTranslator, isTranslated, LOOK_AHEAD, PacketSink, type Translator } from '../engine/translator/index.ts';
import { checksum, pseudoSum4, pseudoSum6 } from '../engine/wire/index.ts';
import { runOnce, spread, type Spread } from './measure.ts';

/** Translation in memory: packets of many sessions in random order, made outside of the time that is measured. */
export interface MemoryRate {
  readonly mode: 'siit' | 'nat64';
  /** Bytes of a packet on its way to the translator. */
  readonly bytes: number;
  readonly sessions: number;
  readonly packets: number;
  /** Million packets for each second of CPU time, and of elapsed time. */
  readonly perCpuSecond: number;
  readonly perSecond: number;
}

/** Bytes of packets made, then translated, at a time: as much as is read from a file at once, so that they are as near as in a run over captures. */
const CHUNK_BYTES = 256 * 1024;
/** Packets of a chunk at most. */
const MAX_CHUNK = 512;
/** Sessions a host has; each with a binding of its own, which is the worst case for the tables. */
const SESSIONS_OF_HOST = 10;
const POOL = '198.18.0.0/16';
const PEERS = 0x33000000;
const NS_PER_PACKET = 500;

/** One size at a time: a mix would hide what one costs. */
export class MemoryRun {
  private readonly translator: Translator;
  private readonly sink = new PacketSink(4 * 1024 * 1024, 4_096);
  private readonly packets: Uint8Array;
  /** Packets of a chunk: a multiple of LOOK_AHEAD. */
  private readonly chunkPackets: number;
  private readonly sides = new Uint8Array(MAX_CHUNK);
  private readonly offsets = new Uint32Array(MAX_CHUNK);
  private readonly lengths = new Uint32Array(MAX_CHUNK);
  /** Of each session, what it became outside. */
  private readonly address4: Uint32Array;
  private readonly port4: Uint16Array;
  private readonly random = new Random(1);
  private nowNs = 0;
  private readonly stride: number;

  private readonly mode: MemoryRate['mode'];
  private readonly sessions: number;
  private readonly bytes: number;

  constructor(mode: MemoryRate['mode'], sessions: number, bytes: number) {
    this.mode = mode;
    this.sessions = sessions;
    this.bytes = bytes;
    this.translator = made(mode, sessions);
    this.stride = bytes + 64;
    this.chunkPackets = Math.min(MAX_CHUNK, Math.floor(CHUNK_BYTES / this.stride / LOOK_AHEAD) * LOOK_AHEAD);
    this.packets = new Uint8Array(this.chunkPackets * this.stride);
    for (let i = 0; i < this.chunkPackets; i++) this.offsets[i] = i * this.stride;
    this.address4 = new Uint32Array(sessions);
    this.port4 = new Uint16Array(sessions);
    for (let s = 0; s < sessions; s++) this.open(s);
  }

  /** TCP sessions are opened from both sides, others by one packet from inside. */
  private open(s: number): void {
    const { packets, sink } = this;
    this.translate(6, 0, this.six(packets, 0, s, 64, 2));
    const out = sink.bytes;
    this.address4[s] = u32(out, 12);
    this.port4[s] = u16(out, 20);
    if (isTcp(s)) this.translate(4, 0, this.four(packets, 0, s, 64, 0x12));
  }

  private translate(side: 4 | 6, at: number, length: number): void {
    this.nowNs += NS_PER_PACKET;
    this.sink.clear();
    const code = this.translator.translate(side, this.packets, at, length, length, this.sink, this.nowNs);
    if (!isTranslated(code)) throw new Error(`a packet of the benchmark was not translated: reason ${code}`);
  }

  /** An IPv6 packet of session `s` from inside; returns its bytes. */
  private six(b: Uint8Array, o: number, s: number, bytes: number, flags: number): number {
    const tcp = isTcp(s);
    const host = Math.floor(s / SESSIONS_OF_HOST);
    b.fill(0, o, o + 72);
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
    b.fill(0, o, o + 52);
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

  /** Half of the packets go each way. A third as many go before and are not counted: the compiler is still at work. */
  measure(packets: number): MemoryRate {
    const chunks = Math.ceil(packets / this.chunkPackets);
    const warm = Math.ceil(chunks / 3);
    let wallNs = 0;
    let cpuUs = 0;
    for (let c = -warm; c < chunks; c++) {
      this.makeChunk();
      const cpu = process.cpuUsage();
      const started = process.hrtime.bigint();
      this.chunk();
      const took = Number(process.hrtime.bigint() - started);
      const { user, system } = process.cpuUsage(cpu);
      if (c < 0) continue;
      wallNs += took;
      cpuUs += user + system;
    }
    const done = chunks * this.chunkPackets;
    const { mode, bytes, sessions } = this;
    return { mode, bytes, sessions, packets: done, perCpuSecond: done / cpuUs, perSecond: (done * 1e3) / wallNs };
  }

  private makeChunk(): void {
    for (let i = 0; i < this.chunkPackets; i++) {
      const s = Math.floor(this.random.float() * this.sessions);
      const side = (i & 1) === 0 ? 6 : 4;
      this.sides[i] = side;
      this.lengths[i] =
        side === 6
          ? this.six(this.packets, i * this.stride, s, this.bytes, 0x10)
          : this.four(this.packets, i * this.stride, s, Math.max(40, this.bytes - 20), 0x10);
    }
  }

  private chunk(): void {
    for (let i = 0; i < this.chunkPackets; i++) {
      if (i % LOOK_AHEAD === 0) this.translator.lookAhead?.(this.packets, this.offsets, i, i + LOOK_AHEAD);
      this.translate(this.sides[i] === 6 ? 6 : 4, this.offsets[i]!, this.lengths[i]!);
    }
  }
}

/** Seven of ten sessions are TCP. */
const isTcp = (s: number): boolean => s % 10 < 7;

function transport(b: Uint8Array, t: number, tcp: boolean, from: number, to: number, length: number, flags: number): void {
  putU16(b, t, from);
  putU16(b, t + 2, to);
  if (tcp) {
    b[t + 12] = 0x50;
    b[t + 13] = flags;
  } else putU16(b, t + 4, length);
}

function made(mode: MemoryRate['mode'], sessions: number): Translator {
  const limit = Math.max(16, sessions);
  const input: TranslatorInput =
    mode === 'siit'
      ? { mode }
      : {
          mode,
          nat64: {
            pool4: [{ prefix: POOL }],
            maxSessions: limit,
            maxBindings: limit,
            timers: { udpS: 7_200, tcpEstablishedS: 7_200, tcpTransitoryS: 7_200 },
          },
        };
  const translator = createTranslator(translatorSchema.parse(input));
  if (!translator.ok) throw new Error(translator.error.message);
  return translator.value;
}

export interface TranslationRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  /** Million packets for each second of CPU time: the median of the rounds. */
  readonly value: number;
  readonly spread: Spread;
}

/** Packets of one round. */
const ROUND_PACKETS = 1_000_000;

/** What `--translate-memory` of the bench is asked: mode, sessions and bytes of a packet. */
export type MemoryCase = readonly [mode: MemoryRate['mode'], sessions: number, bytes: number];

const CASES: readonly MemoryCase[] = (
  [
    ['siit', 10_000],
    ['nat64', 10_000],
    ['nat64', 1_000_000],
  ] as const
).flatMap(([mode, sessions]) => [64, 576, 1_500].map((bytes) => [mode, sessions, bytes] as const));

/** Million packets for each second of CPU time, a round each. */
export function memoryRates([mode, sessions, bytes]: MemoryCase, rounds: number): number[] {
  const run = new MemoryRun(mode, sessions, bytes);
  return Array.from({ length: rounds }, () => run.measure(ROUND_PACKETS).perCpuSecond);
}

/** A case from the command line. */
export function memoryCase(text: string): MemoryCase {
  const found = CASES.find((each) => each.join(',') === text);
  if (found === undefined) throw new Error(`--translate-memory takes one of ${CASES.map((each) => each.join(',')).join(' ')}`);
  return found;
}

/**
 * Stateless and stateful, with sessions that fit the caches and that do not, at the three sizes of the Internet mix. Each in a process of its own: a
 * program translates in one mode, and what the compiler has learnt of another one would cost a third.
 */
export async function* translationRows(rounds: number): AsyncGenerator<TranslationRow> {
  for (const each of CASES) {
    const [mode, sessions, bytes] = each;
    const args = [process.argv[1] ?? '', '--translate-memory', each.join(','), '--rounds', String(rounds)];
    const run = await runOnce({ label: 'translation in memory', program: process.execPath, args });
    if (run.code !== 0) throw new Error(`translation in memory ended with code ${run.code}: ${run.stderr.trim().slice(-400)}`);
    const rates = spread(JSON.parse(run.stdout) as number[]);
    const title = `${mode} in memory, ${bytes} bytes, ${sessions.toLocaleString('en')} sessions (${rates.min.toFixed(2)}-${rates.max.toFixed(2)})`;
    yield { id: `translate-memory-${mode}-${sessions}-${bytes}`, title, atLeast: 2, aim: 4, value: rates.median, spread: rates };
  }
}
