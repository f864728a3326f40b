import type { RecordBatch } from '../../files/index.ts';
import { networkHeader } from '../../wire/index.ts';

/** Bytes before the IP header of record `i` of a batch; -1 where it has none, or one that is cut before its first byte. */
export function networkOffset(batch: RecordBatch, i: number): number {
  const start = batch.offset[i]!;
  const end = start + batch.capLen[i]!;
  const at = networkHeader(batch.bytes, start, end, batch.linkType[i]!);
  if (at < 0 || at >= end) return -1;
  const version = batch.bytes[at]! >>> 4;
  return version === 4 || version === 6 ? at - start : -1;
}
