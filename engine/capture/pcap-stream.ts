/** The few bytes of pcap (draft-ietf-opsawg-pcap) that the `cap` helper writes: little-endian, nanoseconds. */
const MAGIC_NS = 0xa1b23c4d;
export const FILE_HEADER_BYTES = 24;
export const RECORD_HEADER_BYTES = 16;

export function pcapHeader(linkType: number, snapLen: number): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC_NS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLen, true);
  view.setUint32(20, linkType, true);
  return bytes;
}

/** Writes a record header at `at` and returns its length. `epochNs` counts nanoseconds since 1970. */
export function putRecordHeader(out: Uint8Array, at: number, epochNs: bigint, capLen: number, origLen: number): number {
  const view = new DataView(out.buffer, out.byteOffset + at, RECORD_HEADER_BYTES);
  view.setUint32(0, Number(epochNs / 1_000_000_000n), true);
  view.setUint32(4, Number(epochNs % 1_000_000_000n), true);
  view.setUint32(8, capLen, true);
  view.setUint32(12, origLen, true);
  return RECORD_HEADER_BYTES;
}
