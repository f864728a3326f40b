import { describe, expect, test } from 'vitest';
import { MemorySink, PacketIndex, PcapngWriter, RecordBatch, memoryByteSource } from '../../files/index.ts';
import { Bytes, block, epb, iface, join, openBytes, readAll, section } from '../../files/test-support.ts';
import { IndexedRecords } from './records.ts';

function indexed(bytes: Uint8Array): PacketIndex {
  const source = openBytes(bytes);
  const index = new PacketIndex(source.recordHeaderBytes);
  const batch = new RecordBatch();
  while (source.nextBatch(batch)) index.append(batch);
  return index;
}

function recordsOf(index: PacketIndex, bytes: Uint8Array): IndexedRecords {
  return new IndexedRecords(index, () => [{ linkType: 1 }, { linkType: 101 }], memoryByteSource(bytes));
}

function bytesOf(batch: RecordBatch, i: number): number[] {
  return [...batch.bytes.subarray(batch.offset[i], batch.offset[i]! + batch.capLen[i]!)];
}

describe('records by number', () => {
  test('are those that reading the file through gives, from any place on', () => {
    const sink = new MemorySink();
    const writer = new PcapngWriter(sink, 0n, [{ linkType: 1 }, { linkType: 101 }]);
    for (let i = 0; i < 10_000; i++) {
      const data = Uint8Array.from({ length: i % 90 }, (_, j) => i + j);
      writer.packet(i * 1_000, data, 0, data.length, 100, i & 1);
    }
    const seen = readAll(openBytes(sink.bytes()));
    const index = indexed(sink.bytes());
    expect(index.count).toBe(seen.length);
    const records = recordsOf(index, sink.bytes());
    const batch = new RecordBatch(300);
    for (const first of [1, 9_999, 5_000, 2]) {
      const got = records.read(first, batch);
      expect(got).toBe(Math.min(300, 10_001 - first));
      for (let i = 0; i < got; i++) {
        expect(bytesOf(batch, i)).toEqual(seen[first + i - 1]!.data);
        expect([batch.tsNs[i], batch.origLen[i], batch.linkType[i]]).toEqual([
          (first + i - 1) * 1_000,
          100,
          (first + i) % 2 === 1 ? 1 : 101,
        ]);
      }
    }
    expect([records.read(0, batch), records.read(10_001, batch), records.read(7, batch, 2), records.shortReads]).toEqual([0, 0, 2, 0]);
  });

  test('simple packet blocks, and a file that has become shorter', () => {
    const file = join(
      section(false),
      iface(false, 1),
      block(false, 3, new Bytes(false).u32(3).raw([7, 8, 9]).done()),
      epb(false, 0, 1n, [1, 2]),
    );
    const index = indexed(file);
    const batch = new RecordBatch(4);
    expect(recordsOf(index, file).read(1, batch)).toBe(2);
    expect([bytesOf(batch, 0), bytesOf(batch, 1)]).toEqual([
      [7, 8, 9],
      [1, 2],
    ]);
    const shorter = recordsOf(index, file.slice(0, 80));
    expect([shorter.read(1, batch), shorter.read(2, batch), shorter.shortReads]).toEqual([1, 0, 1]);
  });
});
