import { u32 } from '../../base/index.ts';
import { isRtcpCompound } from './rtcp.ts';
import { ByteWriter } from './writer.ts';

const SENDER_REPORT = 200;
const SOURCE_DESCRIPTION = 202;
const CNAME = 1;
const HEADER_BYTES = 8;
const SENDER_INFO_BYTES = 20;
const BLOCK_BYTES = 24;

/** What a sender says of its stream (RFC 3550 section 6.4.1). */
export interface RtcpSenderInfo {
  /** Wall clock, seconds since 1900 and 1/2^32 of a second. */
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  /** The same instant in units of the media's clock. */
  readonly rtpTimestamp: number;
  readonly packets: number;
  /** Payload bytes of them. */
  readonly octets: number;
}

/** What a receiver says of a stream that it hears (RFC 3550 section 6.4.1). */
export interface RtcpReportBlock {
  readonly ssrc: number;
  /** Of the packets since the report before, in 1/256. */
  readonly fractionLost: number;
  /** From the first packet on; negative where packets came twice. */
  readonly cumulativeLost: number;
  /** Sequence number with its cycles. */
  readonly highestSequence: number;
  /** In units of the media's clock. */
  readonly jitter: number;
  /** Middle 32 bits of the time in the last report that came, and how long ago that was in 1/65,536 s; both 0 where none came. */
  readonly lastReport: number;
  readonly sinceLastReport: number;
}

export interface RtcpSenderReport {
  readonly ssrc: number;
  readonly sender: RtcpSenderInfo;
  readonly blocks: readonly RtcpReportBlock[];
}

/** One packet of a compound one: version 2, a count, a type, and a length in words less one. */
function packet(w: ByteWriter, count: number, type: number, body: () => void): void {
  const start = w.length;
  w.u8(0x80 | count)
    .u8(type)
    .u16(0);
  body();
  w.zeros((4 - ((w.length - start) & 3)) & 3);
  w.patchU16(start + 2, (w.length - start) / 4 - 1);
}

/** A compound packet (RFC 3550 section 6.1): sender report, and source description with the canonical name. */
export function buildRtcp({ ssrc, sender, blocks }: RtcpSenderReport, cname: string): Uint8Array {
  const w = new ByteWriter();
  packet(w, blocks.length, SENDER_REPORT, () => {
    w.u32(ssrc).u32(sender.ntpSeconds).u32(sender.ntpFraction).u32(sender.rtpTimestamp).u32(sender.packets).u32(sender.octets);
    for (const block of blocks) {
      w.u32(block.ssrc)
        .u8(block.fractionLost)
        .u24(Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost)) & 0xffffff)
        .u32(block.highestSequence)
        .u32(block.jitter)
        .u32(block.lastReport)
        .u32(block.sinceLastReport);
    }
  });
  packet(w, 1, SOURCE_DESCRIPTION, () => {
    // The list of items ends with at least one zero byte.
    w.u32(ssrc)
      .u8(CNAME)
      .sized(1, () => w.text(cname))
      .u8(0);
  });
  return w.done();
}

/** The sender report in front of a compound packet; undefined where the bytes are none. */
export function parseRtcpSenderReport(bytes: Uint8Array, start: number, end: number): RtcpSenderReport | undefined {
  if (!isRtcpCompound(bytes, start, end) || bytes[start + 1] !== SENDER_REPORT) return undefined;
  const at = (offset: number): number => u32(bytes, start + offset);
  const sender = { ntpSeconds: at(8), ntpFraction: at(12), rtpTimestamp: at(16), packets: at(20), octets: at(24) };
  const blocks = Array.from({ length: bytes[start]! & 0x1f }, (_, i): RtcpReportBlock => {
    const o = HEADER_BYTES + SENDER_INFO_BYTES + i * BLOCK_BYTES;
    return {
      ssrc: at(o),
      fractionLost: at(o + 4) >>> 24,
      cumulativeLost: (at(o + 4) << 8) >> 8,
      highestSequence: at(o + 8),
      jitter: at(o + 12),
      lastReport: at(o + 16),
      sinceLastReport: at(o + 20),
    };
  });
  return { ssrc: at(4), sender, blocks };
}
