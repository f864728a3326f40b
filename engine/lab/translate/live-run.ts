import type { LimitHit, TranslationCount } from '../../contract/index.ts';
import { limitsHit, LOOK_AHEAD, PacketSink, REASONS, SINK_KIND, statefulOf, type Translator } from '../../translator/index.ts';
import { countReasons } from './run-captures.ts';

const ETHERNET_BYTES = 14;
/** Output of one packet at most: the largest packet in the smallest fragments. */
const SINK_BYTES = 4 * 1024 * 1024;
const SINK_PACKETS = 16_384;

/** Frames that came, as arrays; offsets are those of Ethernet headers. Times do not run backwards in the lab. */
export interface LiveFrames {
  readonly bytes: Uint8Array;
  readonly offset: Uint32Array;
  readonly capLen: Uint32Array;
  readonly origLen: Uint32Array;
  readonly tNs: Float64Array;
  readonly count: number;
}

/** An interface: its own address, the one of the next hop (6 bytes each), and what sends. */
export interface LiveSide {
  readonly own: Uint8Array;
  readonly nextHop: Uint8Array;
  /** Takes the first `lengthBytes` of `frame`, which is valid during the call only, to be sent. False: no room. */
  readonly send: (frame: Uint8Array, lengthBytes: number) => boolean;
  /** Called when no frame follows at once: what was taken leaves. */
  readonly flush: () => void;
}

/** What came and went on one side. */
export interface LiveCounts {
  received: number;
  sent: number;
  sentBytes: number;
  /** Frames for which there was no room. */
  notSent: number;
  /** Frames that are no packet of this side's family. */
  other: number;
}

/** What a live run came to. */
export interface LiveRunResult {
  readonly side6: LiveCounts;
  readonly side4: LiveCounts;
  readonly errorsMade: number;
  readonly reasons: TranslationCount[];
  readonly tables?: { readonly sessions: number; readonly bindings: number; readonly expired: number } | undefined;
  /** Limits that were hit and that no packet's reason tells. */
  readonly limits: readonly LimitHit[];
}

const newCounts = (): LiveCounts => ({ received: 0, sent: 0, sentBytes: 0, notSent: 0, other: 0 });

/** Translates the packets of two Ethernet interfaces as they come: each leaves before the next is taken. The times of the packets are the lab clock. */
export class LiveRun {
  private readonly translator: Translator;
  private readonly side6: LiveSide;
  private readonly side4: LiveSide;
  private readonly counts6 = newCounts();
  private readonly counts4 = newCounts();
  private readonly sink = new PacketSink(SINK_BYTES, SINK_PACKETS, ETHERNET_BYTES);
  private readonly headers = new Uint32Array(LOOK_AHEAD);
  private readonly reasons = new Float64Array(REASONS.reduce((most, { code }) => Math.max(most, code), 0) + 1);
  private errorsMade = 0;
  private nowNs = 0;

  constructor(translator: Translator, side6: LiveSide, side4: LiveSide) {
    this.translator = translator;
    this.side6 = side6;
    this.side4 = side4;
  }

  /** Takes frames that came in on one side. */
  take(side: 4 | 6, frames: LiveFrames): void {
    for (let i = 0; i < frames.count; i++) {
      if (i % LOOK_AHEAD === 0 && this.translator.looksAhead === true) this.lookAhead(frames, i);
      this.takeOne(side, frames, i);
    }
    this.flush();
  }

  private flush(): void {
    this.side6.flush();
    this.side4.flush();
  }

  private lookAhead({ bytes, offset, count }: LiveFrames, from: number): void {
    const { headers } = this;
    const end = Math.min(count, from + LOOK_AHEAD);
    for (let i = from; i < end; i++) headers[i - from] = offset[i]! + ETHERNET_BYTES;
    this.translator.lookAhead?.(bytes, headers, 0, end - from);
  }

  private takeOne(side: 4 | 6, { bytes, offset, capLen, origLen, tNs }: LiveFrames, i: number): void {
    const counts = side === 6 ? this.counts6 : this.counts4;
    counts.received++;
    const at = offset[i]! + ETHERNET_BYTES;
    if (capLen[i]! <= ETHERNET_BYTES || bytes[at]! >>> 4 !== side || ((bytes[at - 2]! << 8) | bytes[at - 1]!) !== etherType(side)) {
      counts.other++;
      return;
    }
    const t = tNs[i]!;
    if (t > this.nowNs) this.nowNs = t;
    const { sink } = this;
    const code = this.translator.translate(side, bytes, at, capLen[i]! - ETHERNET_BYTES, origLen[i]! - ETHERNET_BYTES, sink, this.nowNs);
    this.reasons[code] = this.reasons[code]! + 1;
    if (sink.count > 0) this.emit();
  }

  /** Sends what is in the sink. The first frame of a sink begins at its byte 0. */
  private emit(): void {
    const { sink } = this;
    for (let i = 0; i < sink.count; i++) {
      const six = sink.side[i] === 6;
      if (sink.kind[i] === SINK_KIND.error) this.errorsMade++;
      const at = sink.offset[i]! - ETHERNET_BYTES;
      const { own, nextHop, send } = six ? this.side6 : this.side4;
      const { bytes } = sink;
      for (let k = 0; k < 6; k++) {
        bytes[at + k] = nextHop[k]!;
        bytes[at + 6 + k] = own[k]!;
      }
      const type = etherType(six ? 6 : 4);
      bytes[at + 12] = type >>> 8;
      bytes[at + 13] = type & 0xff;
      const length = ETHERNET_BYTES + sink.length[i]!;
      const counts = six ? this.counts6 : this.counts4;
      if (send(at === 0 ? bytes : bytes.subarray(at), length)) {
        counts.sent++;
        counts.sentBytes += length;
      } else counts.notSent++;
    }
    sink.clear();
  }

  /** After the last packet: what the translator holds leaves. */
  finish(): LiveRunResult {
    this.translator.finish?.(this.sink);
    this.emit();
    this.flush();
    const state = statefulOf(this.translator);
    return {
      side6: this.counts6,
      side4: this.counts4,
      errorsMade: this.errorsMade,
      reasons: countReasons(this.reasons),
      tables: state === null ? undefined : { sessions: state.sessions.count, bindings: state.bindings.count, expired: state.expired() },
      limits: limitsHit(this.translator),
    };
  }
}

const etherType = (family: 4 | 6): number => (family === 6 ? 0x86dd : 0x0800);
