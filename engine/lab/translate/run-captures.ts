import type { LimitHit, TranslationCount, TranslatorSpec } from '../../contract/index.ts';
import {
  limitsHit,
  PacketSink,
  REASON,
  REASONS,
  sessionTableWords,
  SINK_KIND,
  statefulOf,
  type Translator,
} from '../../translator/index.ts';
import { type InputCursor, type MergedInput } from './merged-input.ts';
import type { KernelSize, PlainKernel } from './plain-kernel.ts';
import type { SideOutput } from './side-output.ts';

/** Output of one packet at most: the largest packet in the smallest fragments, and what it releases. */
const SINK_BYTES = 4 * 1024 * 1024;
const SINK_PACKETS = 16_384;
/** Output collected before it is written: what a second-level cache holds beside the input. */
const WRITE_BYTES = 128 * 1024;
const WRITE_PACKETS = 2_048;
/** Largest gap before a packet: headers of Ethernet and of a record of pcap. */
const MAX_GAP_BYTES = 32;
const CAPTURE_SINK_PACKETS = SINK_PACKETS + WRITE_PACKETS;
const CAPTURE_SINK_BYTES = SINK_BYTES + WRITE_BYTES + CAPTURE_SINK_PACKETS * MAX_GAP_BYTES;

/** What a kernel for a run makes room for. */
export function kernelSize({ mode, nat64 }: TranslatorSpec, inputs: number): KernelSize {
  const tableWords = mode === 'nat64' ? sessionTableWords(nat64.maxSessions) : 0;
  return { inputs, sinkBytes: CAPTURE_SINK_BYTES, sinkPackets: CAPTURE_SINK_PACKETS, tableWords };
}

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
  /** Made for kernelSize; inputs that it is to see must read into its memory, and the translator have its sessions there. */
  readonly kernel?: PlainKernel | undefined;
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
  /** Limits that were hit and that no packet's reason tells. */
  readonly limits: readonly LimitHit[];
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
  private readonly sink: PacketSink;
  /** Times of the packets in the sink, as far as they are known. */
  private readonly times: Float64Array;
  private timed = 0;
  private readonly options: CaptureRunOptions;
  /** Takes plain packets in place of the translator, where one was given and the configuration allows it. */
  private readonly kernel: PlainKernel | null;

  constructor(options: CaptureRunOptions) {
    const { out4, out6, onPacket, kernel, translator } = options;
    this.options = options;
    const gap = Math.max(out4?.gapBytes ?? 0, out6?.gapBytes ?? 0);
    const work = translator.plainWork ?? null;
    this.kernel = work !== null && onPacket === undefined && kernel?.serves(work) === true ? kernel : null;
    const made = work === null ? undefined : this.kernel?.begin(work, gap, { packets: WRITE_PACKETS, bytes: WRITE_BYTES });
    this.sink = made?.sink ?? new PacketSink(CAPTURE_SINK_BYTES, CAPTURE_SINK_PACKETS, gap);
    this.times = made?.times ?? new Float64Array(CAPTURE_SINK_PACKETS);
    this.sink.payload = out4 !== null || out6 !== null || onPacket !== undefined;
  }

  /** Takes up to `limit` packets; false at the end. */
  step(limit: number): boolean {
    const { input, translator } = this.options;
    const ahead = translator.looksAhead === true;
    for (let left = limit; left > 0;) {
      const cursor = input.next();
      if (cursor === undefined) {
        this.finish();
        return false;
      }
      const kernel = this.kernel?.takes(cursor) === true ? this.kernel : null;
      const taken = kernel === null ? 0 : this.runKernel(kernel, cursor, left);
      if (taken === 0) {
        if (ahead && kernel === null) cursor.lookAhead(translator);
        this.take(cursor, cursor.at++);
      }
      left -= Math.max(1, taken);
    }
    return true;
  }

  /** Plain packets as long as they come, `limit` at most; returns how many. */
  private runKernel(kernel: PlainKernel, cursor: InputCursor, limit: number): number {
    const { beforeNs, tie } = this.options.input;
    const next = kernel.run(cursor, Math.min(cursor.batch.count, cursor.at + limit), this.sink, this.nowNs, beforeNs, tie);
    const taken = next - cursor.at;
    if (taken === 0) return 0;
    cursor.at = next;
    this.nowNs = kernel.nowNs;
    this.packets += taken;
    this.in4 += taken - kernel.sixes;
    this.in6 += kernel.sixes;
    this.counts[REASON.translated] = this.counts[REASON.translated]! + taken;
    this.timed = this.sink.count;
    if (this.sink.count >= WRITE_PACKETS || this.sink.used >= WRITE_BYTES) this.emit();
    return taken;
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
    this.counts[code] = this.counts[code]! + 1;
    while (this.timed < sink.count) this.times[this.timed++] = this.nowNs;
    if (this.options.onPacket !== undefined) this.show(cursor, i, version, code, from, from + length);
    else if (sink.count >= WRITE_PACKETS || sink.used >= WRITE_BYTES) this.emit();
  }

  private show(input: InputCursor, i: number, side: 4 | 6, code: number, from: number, to: number): void {
    const { sink, packets: number, nowNs: tNs } = this;
    const inputNumber = input.before + i + 1;
    this.options.onPacket?.({ number, input, inputNumber, side, tNs, code, bytes: input.batch.bytes, from, to, sink });
    this.emit();
  }

  /** Writes what is in the sink; records that lie one behind another and leave on one side go in one piece. */
  private emit(): void {
    const { sink, times } = this;
    const { out4, out6 } = this.options;
    let piece: SideOutput | null = null;
    let start = 0;
    let end = 0;
    let count = 0;
    for (let i = 0; i < sink.count; i++) {
      const six = sink.side[i] === 6;
      if (six) this.left6++;
      else this.left4++;
      if (sink.kind[i] === SINK_KIND.error) this.errorsMade++;
      const out = six ? out6 : out4;
      if (out === null) continue;
      const at = out.packet(times[i]!, sink, i);
      if (out !== piece || at !== end) {
        piece?.send(sink, start, end, count);
        piece = out;
        start = at;
        count = 0;
      }
      end = sink.offset[i]! + sink.length[i]!;
      count++;
    }
    piece?.send(sink, start, end, count);
    sink.clear();
    this.timed = 0;
  }

  private finish(): void {
    this.nowNs = this.options.translator.finish?.(this.sink) ?? this.nowNs;
    while (this.timed < this.sink.count) this.times[this.timed++] = this.nowNs;
    this.emit();
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
      limits: limitsHit(translator),
    };
  }
}

/** Reasons that were given, the most frequent first. */
export function countReasons(counts: Float64Array): TranslationCount[] {
  return REASONS.filter(({ code }) => counts[code]! > 0)
    .map(({ code, id, verdict, rfc, text }) => ({ id, verdict, rfc, text, packets: counts[code]! }))
    .sort((a, b) => b.packets - a.packets);
}
