import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { INDEX_BYTES_PER_PACKET, PacketIndex, RecordBatch, SEGMENT_ROWS } from './index.ts';

/** A batch of made-up records; only the columns that the index keeps matter. */
function batchOf(times: readonly number[], from = 0): RecordBatch {
  const batch = new RecordBatch(Math.max(1, times.length));
  times.forEach((t, i) => {
    batch.tsNs[i] = t;
    batch.origLen[i] = 100 + ((from + i) % 7);
    batch.capLen[i] = 50;
    batch.fileOffset[i] = (from + i) * 5_000_000;
    batch.iface[i] = (from + i) % 3;
  });
  batch.count = times.length;
  return batch;
}

/** 200,000 packets over three segments and more, in batches that do not divide a segment; offsets pass 2^32. */
function large(): PacketIndex {
  const index = new PacketIndex();
  for (let from = 0; from < 200_000; from += 3000) {
    const n = Math.min(3000, 200_000 - from);
    index.append(
      batchOf(
        Array.from({ length: n }, (_, i) => (from + i) * 10),
        from,
      ),
    );
  }
  return index;
}

describe('packet index', () => {
  test('keeps every column over segment borders, and file offsets beyond 32 bits', () => {
    const index = large();
    expect(index.count).toBe(200_000);
    expect(index.segments).toHaveLength(4);
    for (const n of [1, 2, 3000, 3001, SEGMENT_ROWS, SEGMENT_ROWS + 1, 2 * SEGMENT_ROWS, 199_999, 200_000]) {
      expect([index.tsNs(n), index.origLen(n), index.capLen(n), index.fileOffset(n), index.iface(n)]).toEqual([
        (n - 1) * 10,
        100 + ((n - 1) % 7),
        50,
        (n - 1) * 5_000_000,
        (n - 1) % 3,
      ]);
    }
    expect(index.totals).toMatchObject({ capturedBytes: 200_000 * 50, minNs: 0, maxNs: 1_999_990 });
    expect(INDEX_BYTES_PER_PACKET).toBeLessThanOrEqual(33);
    expect(index.memoryBytes).toBe(4 * SEGMENT_ROWS * INDEX_BYTES_PER_PACKET);
    expect(() => index.tsNs(200_001)).toThrow(/packet number/);
  });

  test('columns of the classifier: flow with direction, and protocol', () => {
    const index = large();
    expect([index.flow(5), index.flowReversed(5)]).toEqual([-1, false]);
    index.setFlow(5, 0, true);
    index.setFlow(70_000, 0x7fff_fff0);
    index.setProtocol(5, 200);
    expect([index.flow(5), index.flowReversed(5), index.protocol(5)]).toEqual([0, true, 200]);
    expect([index.flow(70_000), index.flowReversed(70_000)]).toEqual([0x7fff_fff0, false]);
    index.setFlow(5, -1);
    expect(index.flow(5)).toBe(-1);
  });

  test('another thread sees the same columns', () => {
    const index = large();
    const other = PacketIndex.fromShared(structuredClone(index.share()));
    index.setProtocol(150_000, 4);
    expect([other.count, other.tsNs(150_000), other.protocol(150_000), other.totals]).toEqual([200_000, 1_499_990, 4, index.totals]);
  });

  test('looking at a packet makes no garbage', async () => {
    const index = large();
    const look = (times: number): number => {
      let sum = 0;
      for (let i = 0; i < times; i++) sum += index.tsNs(1 + (i % index.count)) + index.capLen(1 + (i % index.count));
      return sum;
    };
    look(100_000);
    let collections = 0;
    const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
    observer.observe({ entryTypes: ['gc'] });
    look(5_000_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    observer.disconnect();
    // Until it is compiled a look makes a number or two: some collections. A sentence made for each look would be more than fifty.
    expect(collections).toBeLessThan(25);
  });

  test('finds the first packet at or after an instant, also when time runs backwards', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 }), fc.integer({ min: -60, max: 60 }), (times, t) => {
        const index = new PacketIndex();
        if (times.length > 0) index.append(batchOf(times));
        const at = times.findIndex((x) => x >= t);
        expect(index.timeToIndex(t)).toBe(at < 0 ? times.length + 1 : at + 1);
      }),
    );
    const index = large();
    expect([index.timeToIndex(1_499_981), index.timeToIndex(9e15)]).toEqual([150_000, 200_001]);
  });

  test('a timeline counts every packet and byte once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1e12, max: 1e12 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (times, bins) => {
          const index = new PacketIndex();
          index.append(batchOf(times));
          const line = index.timeline(bins);
          expect(line.packets.reduce((a, b) => a + b, 0)).toBe(times.length);
          expect(line.bytes.reduce((a, b) => a + b, 0)).toBe(index.totals.bytes);
          const lowest = Math.min(...times);
          expect(line.packets[0]).toBe(times.filter((t) => Math.floor((t - lowest) / line.binNs) === 0).length);
        },
      ),
    );
    const part = large().timeline(4, 1000, 1999);
    expect([...part.packets]).toEqual([25, 25, 25, 25]);
    expect(new PacketIndex().timeline(3).packets).toEqual(new Uint32Array(3));
  });
});
