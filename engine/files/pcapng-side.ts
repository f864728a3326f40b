import type { FindingLog } from './findings.ts';
import { blockOptions, text, ticksPerSecond, type BlockOption } from './pcapng-blocks.ts';
import type { InterfaceInfo, SectionInfo } from './types.ts';

/** A block whose frame is sound: bytes [at, end) without the second length. */
export interface BlockPlace {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  readonly little: boolean;
  readonly findings: FindingLog;
  readonly fileOffset: number;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

function optionsOf(place: BlockPlace, from: number): BlockOption[] {
  return blockOptions(place.view, place.at + from, place.end, place.little, place.findings, place.fileOffset);
}

/** What a section header says about the machine and the program that wrote the section. */
export function sectionOf(place: BlockPlace): SectionInfo {
  const info: Draft<SectionInfo> = { byteOrder: place.little ? 'little' : 'big', fileOffset: place.fileOffset, comments: [] };
  for (const option of optionsOf(place, 24)) {
    const value = text(place.bytes, option.at, option.length);
    if (option.code === 1) info.comments.push(value);
    else if (option.code === 2) info.hardware = value;
    else if (option.code === 3) info.os = value;
    else if (option.code === 4) info.application = value;
  }
  return info;
}

/** An interface description block, at least as long as its fixed fields. */
export function interfaceOf(place: BlockPlace, id: number, section: number): InterfaceInfo {
  const { view, at, little } = place;
  const info: Draft<InterfaceInfo> = {
    id,
    linkType: view.getUint16(at + 8, little),
    snapLenBytes: view.getUint32(at + 12, little),
    ticksPerSecond: 1_000_000n,
    tsOffsetSeconds: 0n,
    section,
    comments: [],
    packets: 0,
    noted: { drops: 0 },
  };
  for (const option of optionsOf(place, 16)) addInterfaceOption(info, place, option);
  return info;
}

function addInterfaceOption(info: Draft<InterfaceInfo>, place: BlockPlace, option: BlockOption): void {
  const { bytes, view, little } = place;
  const { code, at, length } = option;
  if (code === 9 && length >= 1) info.ticksPerSecond = ticksPerSecond(view.getUint8(at));
  else if (code === 14 && length === 8) info.tsOffsetSeconds = view.getBigInt64(at, little);
  else if (code === 13 && length >= 1) info.fcsBytes = view.getUint8(at);
  else if (code === 11 && length > 1 && view.getUint8(at) === 0) info.filter = text(bytes, at + 1, length - 1);
  else if (code === 1) info.comments.push(text(bytes, at, length));
  else if (code === 2) info.name = text(bytes, at, length);
  else if (code === 3) info.description = text(bytes, at, length);
  else if (code === 12) info.os = text(bytes, at, length);
  else if (code === 15) info.hardware = text(bytes, at, length);
}

/** Counters of an interface statistics block by option code. */
const COUNTERS = { 4: 'received', 5: 'dropped', 6: 'filterAccepted', 7: 'osDropped', 8: 'delivered' } as const;

/** Adds an interface statistics block's counters; a later block replaces an earlier one's. */
export function addStatistics(info: InterfaceInfo, place: BlockPlace): void {
  info.statistics ??= {};
  for (const option of optionsOf(place, 20)) {
    const key = option.code in COUNTERS ? COUNTERS[option.code as keyof typeof COUNTERS] : undefined;
    if (key !== undefined && option.length === 8) info.statistics[key] = place.view.getBigUint64(option.at, place.little).toString();
  }
}
