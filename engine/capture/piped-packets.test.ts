import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pcapHeader, putRecordHeader, RECORD_HEADER_BYTES } from './pcap-stream.ts';
import { PIPE_SNAP_BYTES, PipedPackets } from './piped-packets.ts';

const ORIGIN_S = 1_700_000_000;

/** A stream of packets of these lengths; packet i is filled with i, is one byte longer on the wire and comes i ns after the origin. */
function stream(lengths: readonly number[]): Uint8Array {
  const parts = [pcapHeader(1, PIPE_SNAP_BYTES)];
  for (const [i, length] of lengths.entries()) {
    const record = new Uint8Array(RECORD_HEADER_BYTES + length).fill(i & 0xff);
    putRecordHeader(record, 0, BigInt(ORIGIN_S) * 1_000_000_000n + BigInt(i), length, length + 1);
    parts.push(record);
  }
  return Buffer.concat(parts);
}

interface Seen {
  readonly length: number;
  readonly wire: number;
  readonly tNs: number;
  readonly fill: boolean;
}

function collect(): { readonly packets: PipedPackets; readonly seen: Seen[] } {
  const seen: Seen[] = [];
  const packets = new PipedPackets(ORIGIN_S, ({ bytes, offset, capLen, origLen, tNs, count }) => {
    for (let i = 0; i < count; i++) {
      const number = seen.length & 0xff;
      const body = bytes.subarray(offset[i], offset[i]! + capLen[i]!);
      seen.push({ length: capLen[i]!, wire: origLen[i]!, tNs: tNs[i]!, fill: body.every((byte) => byte === number) });
    }
  });
  return { packets, seen };
}

test('a stream that is cut anywhere gives the same packets', () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 1_514 }), fc.constant(PIPE_SNAP_BYTES)), { maxLength: 40 });
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 }), (sizes, cuts) => {
      const all = stream(sizes);
      const { packets, seen } = collect();
      for (let at = 0, k = 0; at < all.length; k++) {
        const end = Math.min(all.length, at + cuts[k % cuts.length]!);
        packets.take(all.subarray(at, end));
        at = end;
      }
      expect(seen).toEqual(sizes.map((length, i) => ({ length, wire: length + 1, tNs: i, fill: true })));
      expect(packets.damaged).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test('more packets than are handed over at once, and more bytes than the buffer, in one piece', () => {
  const sizes = Array.from({ length: 5_000 }, (_, i) => 60 + (i % 300));
  const { packets, seen } = collect();
  packets.take(stream(sizes));
  expect(seen.map(({ length }) => length)).toEqual(sizes);
  expect(seen.every(({ fill }) => fill)).toBe(true);
});

test('a length that is never written ends the reading, and what came before stays', () => {
  const bytes = Buffer.concat([stream([100]), new Uint8Array(RECORD_HEADER_BYTES).fill(0xff), new Uint8Array(200)]);
  const { packets, seen } = collect();
  packets.take(bytes);
  packets.take(bytes);
  expect(packets.damaged).toBe(true);
  expect(seen).toHaveLength(1);
});
