import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import type { ConverterSession } from '../../contract/index.ts';
import type { RtcpReportBlock, RtcpSenderInfo, RtcpSenderReport } from '../../wire/index.ts';
import type { MediaStream } from './media.ts';
import { SAMPLES_PER_MS } from './media-source.ts';

/** The lab clock begins at this instant: 2026-01-01 in UTC, seconds since 1970. */
export const EPOCH_S = 1_767_225_600;
/** From 1900 to 1970 (RFC 5905 section 6). */
const NTP_EPOCH_S = 2_208_988_800;
/** Units of the times in report blocks. */
const UNITS_PER_S = 65_536;

/** An instant of the lab clock as NTP says it. */
function ntpOf(tNs: number): { readonly seconds: number; readonly fraction: number } {
  const s = Math.floor(tNs / NS_PER_S);
  return { seconds: NTP_EPOCH_S + EPOCH_S + s, fraction: Math.floor(((tNs - s * NS_PER_S) / NS_PER_S) * 2 ** 32) };
}

/** Middle 32 bits of it, in units of 1/65,536 s. */
function middleOf({ seconds, fraction }: { readonly seconds: number; readonly fraction: number }): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}

/** What one party of a call says in its reports, and what those of the other one tell it (RFC 3550 section 6.4). */
export class CallReports {
  /** Reports of this party: sent, and what became of them. */
  sent = 0;
  received = 0;
  lost = 0;
  /** As the last report of the other party says: round trip (-1 before it is known), and how much of this party's media was lost on the way. */
  roundTripNs = -1;
  lossPercent = -1;
  private readonly own: MediaStream;
  private readonly heard: MediaStream;
  private expectedBefore = 0;
  private receivedBefore = 0;
  private lastReport = 0;
  private lastReportNs = 0;

  /** `own` is what the party sends, `heard` what it hears. */
  constructor(own: MediaStream, heard: MediaStream) {
    this.own = own;
    this.heard = heard;
  }

  /** What the party reports now. Each report covers the time since the one before. */
  next(nowNs: number): RtcpSenderReport {
    const { own } = this;
    const { ssrc = 0 } = own.source.rtp ?? {};
    return { ssrc, sender: this.senderInfo(nowNs), blocks: this.heard.received === 0 ? [] : [this.block(nowNs)] };
  }

  private senderInfo(nowNs: number): RtcpSenderInfo {
    const { own } = this;
    const { seconds, fraction } = ntpOf(nowNs);
    const rtpTimestamp = Math.round(((nowNs - own.startNs) / NS_PER_MS) * SAMPLES_PER_MS) >>> 0;
    const octets = (own.sent * (own.source.rtp?.payloadBytes ?? 0)) >>> 0;
    return { ntpSeconds: seconds, ntpFraction: fraction, rtpTimestamp, packets: own.sent >>> 0, octets };
  }

  /** RFC 3550 appendix A.3. */
  private block(nowNs: number): RtcpReportBlock {
    const { heard } = this;
    const { expected } = heard;
    const expectedNow = expected - this.expectedBefore;
    const lostNow = expectedNow - (heard.received - this.receivedBefore);
    this.expectedBefore = expected;
    this.receivedBefore = heard.received;
    return {
      ssrc: heard.source.rtp?.ssrc ?? 0,
      fractionLost: expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((256 * lostNow) / expectedNow)),
      cumulativeLost: expected - heard.received,
      highestSequence: heard.highestSequence >>> 0,
      jitter: Math.floor((heard.jitterNs / NS_PER_MS) * SAMPLES_PER_MS),
      lastReport: this.lastReport,
      sinceLastReport: this.lastReport === 0 ? 0 : Math.round(((nowNs - this.lastReportNs) * UNITS_PER_S) / NS_PER_S) >>> 0,
    };
  }

  /** A report of the other party came. */
  hear({ sender, blocks }: RtcpSenderReport, nowNs: number): void {
    this.lastReport = middleOf({ seconds: sender.ntpSeconds, fraction: sender.ntpFraction });
    this.lastReportNs = nowNs;
    const block = blocks.find(({ ssrc }) => ssrc === this.own.source.rtp?.ssrc);
    if (block === undefined) return;
    this.lossPercent = (100 * block.fractionLost) / 256;
    if (block.lastReport === 0) return;
    const units = (middleOf(ntpOf(nowNs)) - block.lastReport - block.sinceLastReport) | 0;
    this.roundTripNs = Math.max(0, (units * NS_PER_S) / UNITS_PER_S);
  }

  get row(): ConverterSession['forward']['reports'] {
    const { sent, received, lost, roundTripNs, lossPercent } = this;
    return { sent, received, lost, roundTripMs: roundTripNs < 0 ? -1 : roundTripNs / NS_PER_MS, lossPercent };
  }
}
