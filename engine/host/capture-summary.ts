import type { CaptureInfo, InterfaceInfo } from '../contract/index.ts';
import { linkTypeName, type CaptureFile, type PacketSource } from '../files/index.ts';

/** Totals of an input, from its index or from a pass over it. */
export interface InputTotals {
  readonly packets: number;
  /** On the wire. */
  readonly bytes: number;
  readonly capturedBytes: number;
  /** Lab clock; meaningless without packets. */
  readonly minNs: number;
  readonly maxNs: number;
}

/** Comments shown of an input; a file may hold one for each packet. */
const MAX_COMMENTS_SHOWN = 50;

/** What an input holds, in the contract's words. */
export function captureInfoOf(
  file: string,
  compression: CaptureFile['compression'],
  source: PacketSource,
  totals: InputTotals,
): CaptureInfo {
  const timed = source.hasEpoch && totals.packets > 0;
  const at = (tNs: number): string => (source.epochNs + BigInt(tNs)).toString();
  return {
    file,
    format: compression === 'none' ? source.format : `${source.format} (${compression})`,
    packets: totals.packets,
    bytes: totals.bytes,
    capturedBytes: totals.capturedBytes,
    interfaces: source.interfaces.map(interfaceOf),
    firstNs: timed ? at(totals.minNs) : null,
    lastNs: timed ? at(totals.maxNs) : null,
    durationNs: totals.packets === 0 ? 0 : totals.maxNs - totals.minNs,
    skipped: { ...source.skipped },
    findings: source.findings.list.map(({ reason, fileOffset, message }) => ({ reason, fileOffset, message })),
    comments: commentsOf(source),
    error: null,
  };
}

/** The same for an input that could not be opened. */
export function failedInfo(file: string, message: string): CaptureInfo {
  return {
    file,
    format: '',
    packets: 0,
    bytes: 0,
    capturedBytes: 0,
    interfaces: [],
    firstNs: null,
    lastNs: null,
    durationNs: 0,
    skipped: {},
    findings: [],
    comments: [],
    error: message,
  };
}

type SourceInterface = PacketSource['interfaces'][number];

function interfaceOf(info: SourceInterface): InterfaceInfo {
  return {
    index: info.id,
    name: info.name ?? '',
    description: info.description ?? '',
    linkType: info.linkType,
    linkTypeName: linkTypeName(info.linkType) ?? 'unknown',
    snapLen: info.snapLenBytes,
    resolution: info.ticksPerSecond.toString(),
    packets: info.packets,
    captureDrops: dropsOf(info),
  };
}

function dropsOf({ statistics, noted }: SourceInterface): number | null {
  const { dropped, osDropped } = statistics ?? {};
  if (dropped === undefined && osDropped === undefined) return noted.drops > 0 ? noted.drops : null;
  return Number(dropped ?? 0) + Number(osDropped ?? 0);
}

function commentsOf(source: PacketSource): string[] {
  const packets = [...source.side.packetComments.entries()].slice(0, MAX_COMMENTS_SHOWN);
  return [
    ...source.side.sections.flatMap((section) => section.comments),
    ...source.interfaces.flatMap((info) => info.comments),
    ...packets.flatMap(([number, texts]) => texts.map((text) => `packet ${number}: ${text}`)),
  ].slice(0, MAX_COMMENTS_SHOWN);
}

/** Where the time stamps of a file come from, in words, by the finest resolution of its interfaces. */
export function timestampWords(source: PacketSource): { readonly timestamps: string; readonly timeDigits: 6 | 9 } {
  const finest = source.interfaces.reduce((best, { ticksPerSecond }) => (ticksPerSecond > best ? ticksPerSecond : best), 0n);
  if (finest > 1_000_000n) return { timestamps: 'file, nanoseconds', timeDigits: 9 };
  if (finest > 1_000n || finest === 0n) return { timestamps: 'file, microseconds', timeDigits: 6 };
  return { timestamps: finest > 1n ? 'file, milliseconds' : 'file, seconds', timeDigits: 6 };
}
