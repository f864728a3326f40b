import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { MemorySink, PcapWriter, openSource, type PacketSource } from './index.ts';
import { Bytes, join, openBytes, pcapHeader, pipeOf, readAll } from './test-support.ts';
import { unwrap } from '../base/index.ts';

/** Written by hand, not by our writer. */
function record(little: boolean, sec: number, frac: number, data: number[], orig = data.length, extra: number[] = []): Uint8Array {
  return new Bytes(little).u32(sec, frac, data.length, orig).raw(extra).raw(data).done();
}

const packetArb = fc.record({
  gapNs: fc.integer({ min: 0, max: 5_000_000_000 }),
  data: fc.uint8Array({ maxLength: 300 }),
  cut: fc.integer({ min: 0, max: 2000 }),
});
const fileArb = fc.record({
  byteOrder: fc.constantFrom('little', 'big' as const),
  resolution: fc.constantFrom('us', 'ns' as const),
  linkType: fc.constantFrom(1, 101, 113, 276, 0),
  epochNs: fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }),
  packets: fc.array(packetArb, { maxLength: 40 }),
});

describe('pcap', () => {
  test('what is written is read back, in both orders and resolutions, whatever the buffer', () => {
    fc.assert(
      fc.property(fileArb, fc.integer({ min: 16384, max: 40000 }), (file, bufferBytes) => {
        const sink = new MemorySink();
        const writer = new PcapWriter(
          sink,
          file.epochNs,
          { linkType: file.linkType },
          { byteOrder: file.byteOrder, resolution: file.resolution },
        );
        const unit = file.resolution === 'us' ? 1000n : 1n;
        let t = 0;
        const times: bigint[] = [];
        for (const p of file.packets) {
          t += p.gapNs;
          times.push(((file.epochNs + BigInt(t)) / unit) * unit);
          writer.packet(t, p.data, 0, p.data.length, p.data.length + p.cut);
        }
        const source = openBytes(sink.bytes(), new Uint8Array(bufferBytes));
        const seen = readAll(source);
        expect(seen.map((s) => source.epochNs + BigInt(s.tsNs))).toEqual(times);
        expect(seen.map((s) => s.data)).toEqual(file.packets.map((p) => [...p.data]));
        expect(seen.map((s) => s.origLen)).toEqual(file.packets.map((p) => p.data.length + p.cut));
        expect(source.interfaces[0]?.linkType).toBe(file.linkType);
        expect(source.interfaces[0]?.packets).toBe(seen.length);
        expect(source.skipped).toEqual({});
        expect(source.format).toBe(file.resolution === 'us' ? 'pcap' : 'nsecpcap');
      }),
    );
  });

  test('cut at any byte, whole packets before the cut stay and the cut is named', () => {
    const parts = [
      pcapHeader(true, 0xa1b2c3d4, 1),
      record(true, 5, 1, [1, 2, 3]),
      record(true, 6, 2, []),
      record(true, 7, 3, [4, 5, 6, 7]),
    ];
    const whole = join(...parts);
    const ends = [24, 43, 59, 79];
    for (let cut = 24; cut <= whole.length; cut++) {
      const source = openBytes(whole.slice(0, cut));
      const complete = ends.filter((end) => end <= cut).length - 1;
      expect(readAll(source)).toHaveLength(complete);
      expect(source.skipped).toEqual(ends.includes(cut) ? {} : { 'truncated-tail': 1 });
      if (!ends.includes(cut)) expect(source.findings.list[0]?.fileOffset).toBe(ends[complete]);
    }
    for (let cut = 4; cut < 24; cut++) {
      const source = openBytes(whole.slice(0, cut));
      expect(readAll(source)).toEqual([]);
      expect(source.skipped).toEqual({ 'truncated-tail': 1 });
    }
  });

  test('a pipe gives the same packets, whatever pieces it comes in', () => {
    const whole = join(
      pcapHeader(true, 0xa1b23c4d, 1),
      ...Array.from({ length: 50 }, (_, i) =>
        record(
          true,
          i,
          i,
          Array.from({ length: i * 7 }, (_x, j) => j & 255),
        ),
      ),
    );
    const expected = readAll(openBytes(whole));
    for (const piece of [1, 5, 24, 100, 4096]) {
      expect(readAll(unwrap(openSource(pipeOf(whole, piece), 'pipe', { format: 'pcap' })))).toEqual(expected);
    }
  });

  test('a record larger than the buffer is read whole, and the buffer is used again after it', () => {
    const big = Array.from({ length: 100_000 }, (_, i) => (i * 31) & 255);
    const whole = join(
      pcapHeader(false, 0xa1b2c3d4, 1, 262144),
      record(false, 1, 0, [9]),
      record(false, 2, 0, big),
      record(false, 3, 0, [8]),
    );
    const buffer = new Uint8Array(16384);
    const source = openBytes(whole, buffer);
    expect(readAll(source).map((s) => s.data)).toEqual([[9], big, [8]]);
    expect(source.skipped).toEqual({});
  });

  test('reads into shared memory', () => {
    const whole = join(pcapHeader(true, 0xa1b2c3d4, 1), record(true, 1, 0, [1, 2]));
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    expect(readAll(openBytes(whole, new Uint8Array(memory.buffer, 4096, 65536)))).toHaveLength(1);
  });

  test('a lying length stops the reading, keeps what came before, and says where', () => {
    const lie = new Bytes().u32(2, 0, 0x7fff_ffff, 0x7fff_ffff).raw(new Array<number>(500).fill(1)).done();
    const source = openBytes(join(pcapHeader(true, 0xa1b23c4d, 1), record(true, 1, 0, [1]), lie));
    expect(readAll(source)).toHaveLength(1);
    expect(source.skipped).toEqual({ 'absurd-length': 1 });
    expect(source.findings.list[0]).toMatchObject({ reason: 'absurd-length', fileOffset: 41 });
  });

  test('odd records are kept and noted: longer than the packet, backwards, beyond the clock', () => {
    const source = openBytes(
      join(
        pcapHeader(true, 0xa1b23c4d, 1),
        record(true, 100, 5, [1, 2], 1),
        record(true, 100, 4, [1]),
        record(true, 4_000_000_000, 0, [1]),
        record(true, 99, 0, [3]),
      ),
    );
    expect(readAll(source).map((s) => s.tsNs)).toEqual([0, -1, Number(3_999_999_899_999_999_995n), -1_000_000_005]);
    expect(source.skipped).toEqual({});
    expect(source.findings.notes()).toEqual({ 'caplen-beyond-orig': 1, 'time-backwards': 2, 'time-rounded': 1 });
  });

  test('unknown link types and reserved bits are noted, FCS bits are kept', () => {
    const odd = openBytes(join(pcapHeader(true, 0xa1b2c3d4, 0x2001_0000 + 61234), record(true, 1, 0, [1])));
    expect(readAll(odd)).toHaveLength(1);
    expect(odd.findings.notes()).toEqual({ 'unknown-linktype': 1, 'bad-header': 1 });
    expect(openBytes(pcapHeader(true, 0xa1b2c3d4, 0x2400_0001)).interfaces[0]).toMatchObject({ linkType: 1, fcsBytes: 4 });
  });
});

/** Header of the Linux patches: interface index, protocol, packet type, one byte (or five) of padding. */
function linux(little: boolean, padding: number): number[] {
  return [...new Bytes(little).u32(2).u16(0x0800).u8(0).raw(new Array<number>(padding).fill(0xaa)).done()];
}

describe('pcap variants', () => {
  const data = [[0x45, 0, 0, 20], [1, 2, 3, 4, 5, 6, 7], [9, 9], Array.from({ length: 60 }, (_, i) => i)];
  const read = (source: PacketSource): [string, number[][], number[]] => {
    const seen = readAll(source);
    return [source.format, seen.map((s) => s.data), seen.map((s) => s.tsNs)];
  };
  const times = [0, 1_001_000, 2_002_000, 3_003_000];
  const build = (little: boolean, magic: number, extra: number[]): Uint8Array =>
    join(pcapHeader(little, magic, 1), ...data.map((d, i) => record(little, 1_000_000_000, i * 1001, d, d.length, extra)));

  test.each([true, false])('modified and Nokia headers are recognised by what they hold (little-endian %s)', (little) => {
    expect(read(openBytes(build(little, 0xa1b2cd34, linux(little, 1))))).toEqual(['modpcap991029', data, times]);
    expect(read(openBytes(build(little, 0xa1b2cd34, linux(little, 5))))).toEqual(['modpcap990915', data, times]);
    expect(read(openBytes(build(little, 0xa1b2c3d4, linux(little, 1))))).toEqual(['modpcap990417', data, times]);
    const nokia = [...new Bytes(little).u32(0x9fbfb601).done()];
    expect(read(openBytes(build(little, 0xa1b2c3d4, nokia)))).toEqual(['nokiapcap', data, times]);
    expect(read(openBytes(build(little, 0xa1b2c3d4, [])))).toEqual(['pcap', data, times]);
  });

  test('Ixia files have four bytes more in the file header', () => {
    const records = data.map((d, i) => record(true, 1_000_000_000, i * 1_001_000, d));
    const file = join(pcapHeader(true, 0x1c0001ac, 1), new Uint8Array(4), ...records);
    expect(read(openBytes(file))).toEqual(['nsecpcap', data, times]);
  });

  test('old versions have the lengths the other way round; 2.3 either way', () => {
    const swapped = (version: [number, number]): Uint8Array =>
      join(
        pcapHeader(true, 0xa1b2c3d4, 1, 65535, version),
        new Bytes().u32(1, 0, 100, 3).u8(1, 2, 3).done(),
        new Bytes().u32(2, 0, 90, 1).u8(4).done(),
      );
    for (const version of [
      [2, 1],
      [2, 3],
      [543, 0],
    ] as [number, number][]) {
      const seen = readAll(openBytes(swapped(version)));
      expect(seen.map((s) => [s.capLen, s.origLen])).toEqual([
        [3, 100],
        [1, 90],
      ]);
    }
    const straight = join(pcapHeader(true, 0xa1b2c3d4, 1, 65535, [2, 3]), record(true, 1, 0, [1, 2], 50));
    expect(readAll(openBytes(straight)).map((s) => [s.capLen, s.origLen])).toEqual([[2, 50]]);
  });

  test('AIX names interface types, stamps in ns and pads FDDI', () => {
    const ethernet = openBytes(join(pcapHeader(false, 0xa1b2c3d4, 6, 65535, [2, 2]), new Bytes(false).u32(7, 5, 4, 2).u8(1, 2).done()));
    expect(readAll(ethernet).map((s) => [s.data, s.linkType])).toEqual([[[1, 2], 1]]);
    expect([ethernet.format, ethernet.epochNs]).toEqual(['aixpcap', 7_000_000_005n]);
    const fddi = openBytes(
      join(pcapHeader(false, 0xa1b2c3d4, 15, 65535, [2, 2]), new Bytes(false).u32(7, 5, 8, 5).u8(0, 0, 0, 1, 2).done()),
    );
    expect(readAll(fddi).map((s) => [s.data, s.origLen, s.linkType])).toEqual([[[1, 2], 5, 10]]);
  });
});
