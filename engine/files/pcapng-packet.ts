import { BLOCK } from './pcapng-blocks.ts';
import type { BlockPlace } from './pcapng-side.ts';
import { MAX_INTERFACES, type InterfaceInfo } from './types.ts';

/** Where the captured bytes of an enhanced packet block begin. */
export const EPB_DATA = 28;
const SPB_DATA = 12;

/** Fields of a packet block of any kind. */
export interface PacketFields {
  /** Number of the interface in the whole file. */
  readonly id: number;
  /** Captured and original bytes, and where the captured ones begin in the window. */
  readonly cap: number;
  readonly orig: number;
  readonly data: number;
  /** Packets that the interface dropped since the last one; only the obsolete packet block says. */
  readonly drops: number;
  /** Halves of the time stamp, 0 in a simple packet block. */
  readonly high: number;
  readonly low: number;
}

/** The interfaces of the section that a packet is in. */
export interface SectionInterfaces {
  readonly interfaces: readonly InterfaceInfo[];
  /** Bytes that may be captured, by interface. */
  readonly maxCaptured: readonly number[];
  /** Number in the whole file of the section's interface 0, and how many the section describes so far. */
  readonly sectionFirst: number;
  readonly sectionInterfaces: number;
}

export function isPacket(type: number): boolean {
  return type === BLOCK.enhancedPacket || type === BLOCK.simplePacket || type === BLOCK.obsoletePacket;
}

/** Fields of a packet block whose frame is sound; undefined (and a finding) where they contradict it. */
export function packetFields(type: number, place: BlockPlace, section: SectionInterfaces): PacketFields | undefined {
  const { view, at, end, little, findings, fileOffset } = place;
  const simple = type === BLOCK.simplePacket;
  const data = at + (simple ? SPB_DATA : EPB_DATA);
  if (data > end) {
    findings.add('bad-block', fileOffset, `The packet block at offset ${String(fileOffset)} is too short for its fields.`);
    return undefined;
  }
  const number = simple ? 0 : type === BLOCK.enhancedPacket ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little);
  if (number >= section.sectionInterfaces) {
    const reason = number < MAX_INTERFACES ? 'no-interface' : 'too-many-interfaces';
    findings.add(
      reason,
      fileOffset,
      `The packet at offset ${String(fileOffset)} names interface ${String(number)}; the section describes ${String(section.sectionInterfaces)}.`,
    );
    return undefined;
  }
  const id = section.sectionFirst + number;
  const orig = view.getUint32(at + (simple ? 8 : 24), little);
  const snap = section.interfaces[id]!.snapLenBytes;
  const cap = simple ? Math.min(orig, snap === 0 ? orig : snap, end - data) : view.getUint32(at + 20, little);
  if (cap > end - data || cap > section.maxCaptured[id]!) {
    findings.add(
      'bad-block',
      fileOffset,
      `The packet at offset ${String(fileOffset)} claims ${String(cap)} captured bytes; its block has ${String(end - data)}.`,
    );
    return undefined;
  }
  const drops = type === BLOCK.obsoletePacket ? view.getUint16(at + 10, little) : 0;
  return {
    id,
    cap,
    orig,
    data,
    drops: drops === 0xffff ? 0 : drops,
    high: simple ? 0 : view.getUint32(at + 12, little),
    low: simple ? 0 : view.getUint32(at + 16, little),
  };
}
