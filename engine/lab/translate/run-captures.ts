import type { TranslationCount, TranslatorSpec } from '../../contract/index.ts';
import { Dns64Packets, PacketSink, REASONS, SINK_KIND, statefulOf, type Translator } from '../../translator/index.ts';
import { type InputCursor, type MergedInput } from './merged-input.ts';
import type { SideOutput } from './side-output.ts';

/** Output of one packet at most: the largest packet in the smallest fragments, and what it releases. */
const SINK_BYTES = 4 * 1024 * 1024;
const SINK_PACKETS = 16_384;

/** One packet and what became of it. Arrays are the run's own: valid during the call only. */
export interface TranslatedPacket {
  /** Number among all packets, in the order of time; 1-based. */
  readonly number: number;
  readonly input: InputCursor;
  /** Number in its own file; 1-based. */
  readonly inputNumber: number;
  readonly side: 4 | 6;
  readonly tNs: number;
  readonly code: number;
  readonly bytes: Uint8Array;
  /** From the IP header to the end of what was captured. */
  readonly from: number;
  readonly to: number;
  /** What left. */
  readonly sink: PacketSink;
}

export interface CaptureRunOptions {
  readonly spec: TranslatorSpec;
  readonly translator: Translator;
  readonly input: MergedInput;
  readonly out4: SideOutput | null;
  readonly out6: SideOutput | null;
  readonly onPacket?: ((packet: TranslatedPacket) => void) | undefined;
}

/** What a run over captures came to. */
export interface CaptureRunResult {
  readonly packets: number;
  readonly in4: number;
  readonly in6: number;
  /** Packets that are no IP, or of the other family than their side. */
  readonly otherFamily: number;
  readonly notIp: number;
  readonly out4: number;
  readonly out6: number;
  /** ICMP errors among what left. */
  readonly errorsMade: number;
  readonly endNs: number;
  readonly reasons: TranslationCount[];
  readonly tables?: { readonly sessions: number; readonly bindings: number; readonly expired: number } | undefined;
  /** Of a DNS64: answers whose A answer never came, and answers let go that found the output full. */
  readonly lost?: { readonly answers: number; readonly packets: number } | undefined;
}

/** Runs captures through a translator in the order of time, as fast as possible; a step at a time, so that the caller may look around. */
export class CaptureRun {
  packets = 0;
  private in4 = 0;
  private in6 = 0;
  private otherFamily = 0;
  private notIp = 0;
  private left4 = 0;
  private left6 = 0;
  private errorsMade = 0;
  private nowNs = 0;
  private readonly counts = new Float64Array(REASONS.reduce((most, { code }) => Math.max(most, code), 0) + 1);
  private readonly sink = new PacketSink(SINK_BYTES, SINK_PACKETS);
  private readonly options: CaptureRunOptions;

  constructor(options: CaptureRunOptions) {
    this.options = options;
  }

  /** Takes up to `limit` packets; false at the end. */
  step(limit: number): boolean {
    const { input } = this.options;
    for (let n = 0; n < limit; n++) {
      const cursor = input.next();
      if (cursor === undefined) {
        this.finish();
        return false;
      }
      this.take(cursor, cursor.at++);
    }
    return true;
  }

  private take(cursor: InputCursor, i: number): void {
    const { batch } = cursor;
    this.packets++;
    const network = cursor.network(i);
    if (network < 0) {
      this.notIp++;
      return;
    }
    const { bytes } = batch;
    const from = batch.offset[i]! + network;
    const version = bytes[from]! >>> 4 === 6 ? 6 : 4;
    if (cursor.side !== 'both' && cursor.side !== version) {
      this.otherFamily++;
      return;
    }
    if (version === 6) this.in6++;
    else this.in4++;
    const t = batch.tsNs[i]! + cursor.shiftNs;
    // Time does not run backwards in the lab.
    if (t > this.nowNs) this.nowNs = t;
    const { sink } = this;
    const length = batch.capLen[i]! - network;
    const code = this.options.translator.translate(version, bytes, from, length, batch.origLen[i]! - network, sink, this.nowNs);
    this.counts[code]!++;
    const { onPacket } = this.options;
    if (onPacket !== undefined) {
      const inputNumber = cursor.before + i + 1;
      onPacket({
        number: this.packets,
        input: cursor,
        inputNumber,
        side: version,
        tNs: this.nowNs,
        code,
        bytes,
        from,
        to: from + length,
        sink,
      });
    }
    if (sink.count > 0) this.emit(this.nowNs);
  }

  private emit(tNs: number): void {
    const { sink } = this;
    const { out4, out6 } = this.options;
    for (let i = 0; i < sink.count; i++) {
      const six = sink.side[i] === 6;
      const out = six ? out6 : out4;
      if (six) this.left6++;
      else this.left4++;
      if (sink.kind[i] === SINK_KIND.error) this.errorsMade++;
      if (out !== null) out.packet(tNs, sink.bytes, sink.offset[i]!, sink.length[i]!, sink.wireLength[i]!);
    }
    sink.clear();
  }

  private finish(): void {
    this.nowNs = this.options.translator.finish?.(this.sink) ?? this.nowNs;
    this.emit(this.nowNs);
  }

  result(): CaptureRunResult {
    const { translator } = this.options;
    const state = statefulOf(translator);
    return {
      packets: this.packets,
      in4: this.in4,
      in6: this.in6,
      otherFamily: this.otherFamily,
      notIp: this.notIp,
      out4: this.left4,
      out6: this.left6,
      errorsMade: this.errorsMade,
      endNs: this.nowNs,
      reasons: countReasons(this.counts),
      tables: state === null ? undefined : { sessions: state.sessions.count, bindings: state.bindings.count, expired: state.expired() },
      lost: translator instanceof Dns64Packets ? { answers: translator.lostAnswers, packets: translator.lostPackets } : undefined,
    };
  }
}

/** Reasons that were given, the most frequent first. */
export function countReasons(counts: Float64Array): TranslationCount[] {
  return REASONS.filter(({ code }) => counts[code]! > 0)
    .map(({ code, id, verdict, rfc, text }) => ({ id, verdict, rfc, text, packets: counts[code]! }))
    .sort((a, b) => b.packets - a.packets);
}
