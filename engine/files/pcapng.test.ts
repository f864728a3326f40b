import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { unwrap } from '../base/index.ts';
import { MemorySink, PcapngWriter, openSource } from './index.ts';
import { Bytes, block, epb, iface, join, openBytes, option, pipeOf, readAll, section } from './test-support.ts';

const chars = (text: string): number[] => [...new TextEncoder().encode(text)];

const fileArb = fc.record({
  byteOrder: fc.constantFrom('little', 'big' as const),
  resolution: fc.constantFrom('us', 'ns' as const),
  linkTypes: fc.array(fc.constantFrom(1, 101, 113, 276), { minLength: 1, maxLength: 4 }),
  epochNs: fc.bigInt({ min: 0n, max: 9_000_000_000_000_000_000n }),
  packets: fc.array(
    fc.record({
      gapNs: fc.integer({ min: 0, max: 5_000_000_000 }),
      data: fc.uint8Array({ maxLength: 300 }),
      cut: fc.integer({ min: 0, max: 2000 }),
      iface: fc.nat(3),
      comment: fc.option(fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('a', 'é', '網', ' ', '"') }), { nil: undefined }),
    }),
    { maxLength: 40 },
  ),
});

describe('pcapng', () => {
  test('what is written is read back: orders, resolutions, interfaces, comments', () => {
    fc.assert(
      fc.property(fileArb, fc.integer({ min: 16384, max: 40000 }), (file, bufferBytes) => {
        const sink = new MemorySink();
        const { byteOrder, resolution, epochNs } = file;
        const writer = new PcapngWriter(
          sink,
          epochNs,
          file.linkTypes.map((linkType, i) => ({ linkType, name: `if${String(i)}` })),
          { byteOrder, resolution },
        );
        const unit = resolution === 'us' ? 1000n : 1n;
        let t = 0;
        const times: bigint[] = [];
        const comments = new Map<number, string[]>();
        file.packets.forEach((p, i) => {
          t += p.gapNs;
          times.push(((epochNs + BigInt(t)) / unit) * unit);
          writer.packet(t, p.data, 0, p.data.length, p.data.length + p.cut, p.iface % file.linkTypes.length, p.comment);
          if (p.comment !== undefined) comments.set(i + 1, [p.comment]);
        });
        const source = openBytes(sink.bytes(), new Uint8Array(bufferBytes));
        expect(source.interfaces.map((x) => x.linkType)).toEqual(file.linkTypes);
        const seen = readAll(source);
        expect(seen.map((s) => source.epochNs + BigInt(s.tsNs))).toEqual(times);
        expect(seen.map((s) => s.data)).toEqual(file.packets.map((p) => [...p.data]));
        expect(seen.map((s) => s.iface)).toEqual(file.packets.map((p) => p.iface % file.linkTypes.length));
        expect(seen.map((s) => s.origLen)).toEqual(file.packets.map((p) => p.data.length + p.cut));
        expect(source.side.packetComments).toEqual(comments);
        expect(source.skipped).toEqual({});
        expect(source.findings.notes()).toEqual({});
      }),
    );
  });

  test('sections of both byte orders in one file, each with its own interfaces', () => {
    const part = (little: boolean, linkType: number, units: bigint): Uint8Array =>
      join(
        section(little, option(little, 4, chars('writer'))),
        iface(little, 1),
        iface(little, linkType),
        epb(little, 1, units, [1, 2, 3], 60),
      );
    const source = openBytes(join(part(true, 101, 1_000_000n), part(false, 113, 1_000_005n), part(true, 276, 1_000_009n)));
    const seen = readAll(source);
    expect(seen.map((s) => [s.iface, s.linkType, s.tsNs])).toEqual([
      [1, 101, 0],
      [3, 113, 5000],
      [5, 276, 9000],
    ]);
    expect(source.side.sections.map((s) => [s.byteOrder, s.application])).toEqual([
      ['little', 'writer'],
      ['big', 'writer'],
      ['little', 'writer'],
    ]);
    expect(source.interfaces.map((i) => [i.section, i.packets])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
    ]);
  });

  test('resolutions of powers of ten and of two, offsets, and times beyond the clock', () => {
    const withResolution = (value: number, offset = 0n): Uint8Array =>
      join(option(true, 9, [value]), option(true, 14, [...new Bytes().u64(offset).done()]));
    const read = (
      interfaces: Uint8Array[],
      packets: [number, bigint][],
    ): { epochNs: bigint; times: number[]; notes: Record<string, number> } => {
      const source = openBytes(
        join(section(true), ...interfaces.map((o) => iface(true, 1, 0, o)), ...packets.map(([n, u]) => epb(true, n, u, [1]))),
      );
      const times = readAll(source).map((s) => s.tsNs);
      return { epochNs: source.epochNs, times, notes: source.findings.notes() };
    };
    const s = 1_700_000_000n;
    expect(
      read(
        [withResolution(9)],
        [
          [0, s * 10n ** 9n + 7n],
          [0, s * 10n ** 9n + 9n],
        ],
      ),
    ).toMatchObject({ epochNs: s * 10n ** 9n + 7n, times: [0, 2] });
    expect(
      read(
        [withResolution(3)],
        [
          [0, s * 1000n + 7n],
          [0, s * 1000n + 9n],
        ],
      ).times,
    ).toEqual([0, 2_000_000]);
    expect(
      read(
        [withResolution(0)],
        [
          [0, s],
          [0, s + 2n],
        ],
      ).times,
    ).toEqual([0, 2_000_000_000]);
    expect(
      read(
        [withResolution(12)],
        [
          [0, 5_999n],
          [0, 8_000n],
        ],
      ),
    ).toMatchObject({ epochNs: 5n, times: [0, 3] });
    expect(
      read(
        [withResolution(0x80 | 20)],
        [
          [0, 1n << 20n],
          [0, 3n << 19n],
        ],
      ),
    ).toMatchObject({ epochNs: 10n ** 9n, times: [0, 500_000_000] });
    expect(
      read(
        [withResolution(9, 100n), withResolution(6, -1n)],
        [
          [0, 5n],
          [1, 101_000_001n],
        ],
      ),
    ).toMatchObject({ epochNs: 100_000_000_005n, times: [0, 995] });
    // Two interfaces, the second with a time that no clock reaches; it must not disturb the first.
    const far = read(
      [withResolution(6), withResolution(6)],
      [
        [0, 10n],
        [1, (1n << 64n) - 1n],
        [0, 11n],
        [1, 12n],
      ],
    );
    expect(far.times).toEqual([0, 2 ** 62, 1000, 2000]);
    expect(far.notes).toMatchObject({ 'time-rounded': 1 });
  });

  test.each([true, false])('simple and obsolete packet blocks (little-endian %s)', (little) => {
    const spb = (orig: number, data: number[]): Uint8Array => block(little, 3, new Bytes(little).u32(orig).raw(data).done());
    const opb = block(
      little,
      2,
      new Bytes(little)
        .u16(0, 3)
        .u32(0, 2_000_000, 2, 9)
        .raw([7, 8])
        .pad4()
        .raw(option(little, 1, chars('old')))
        .done(),
    );
    const source = openBytes(join(section(little), iface(little, 1, 4), spb(3, [1, 2, 3]), opb, spb(100, [1, 2, 3, 4])));
    expect(readAll(source).map((s) => [s.tsNs, s.origLen, s.data])).toEqual([
      [0, 3, [1, 2, 3]],
      [0, 9, [7, 8]],
      [0, 100, [1, 2, 3, 4]],
    ]);
    expect(source.epochNs).toBe(2_000_000_000n);
    expect(source.findings.notes()).toEqual({ 'no-timestamp': 2 });
    expect(source.interfaces[0]?.noted.drops).toBe(3);
    expect(source.side.packetComments).toEqual(new Map([[2, ['old']]]));
  });

  test.each([true, false])('statistics, names, secrets, custom and unknown blocks (little-endian %s)', (little) => {
    const b = (): Bytes => new Bytes(little);
    const statistics = block(
      little,
      5,
      b()
        .u32(0, 0, 9)
        .raw(option(little, 4, b().u64(1000).done()))
        .raw(option(little, 5, b().u64(7).done()))
        .done(),
    );
    const v4 = b().u16(1, 14).raw([192, 0, 2, 1]).raw(chars('a.example\0')).pad4();
    const v6 = b().u16(2, 18).raw([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]).raw(chars('b\0')).pad4();
    const names = block(little, 4, b().raw(v4.done()).raw(v6.done()).u32(0).done());
    const secrets = block(little, 10, b().u32(0x544c534b, 5).raw(chars('hello')).done());
    const custom = block(little, 0xbad, b().u32(32473).raw([1, 2, 3]).done());
    const unknown = block(little, 0x7777, b().u32(1).done());
    const description = join(
      option(little, 2, chars('eth0')),
      option(little, 3, chars('first')),
      option(little, 11, [0, ...chars('tcp')]),
      option(little, 12, chars('Linux')),
    );
    const source = openBytes(
      join(section(little), iface(little, 1, 96, description), names, secrets, custom, epb(little, 0, 1n, [1]), unknown, statistics),
    );
    expect(readAll(source)).toHaveLength(1);
    expect(source.interfaces[0]).toMatchObject({
      name: 'eth0',
      description: 'first',
      filter: 'tcp',
      os: 'Linux',
      snapLenBytes: 96,
      statistics: { received: '1000', dropped: '7' },
    });
    expect(source.side.names).toEqual([
      { address: '192.0.2.1', names: ['a.example'] },
      { address: '2001:db8:0:0:0:0:0:1', names: ['b'] },
    ]);
    expect(source.side.secrets).toEqual([{ kind: 'TLSK', lenBytes: 5 }]);
    expect(source.side.blocks).toEqual({
      'name resolution': 1,
      'decryption secrets': 1,
      custom: 1,
      '0x00007777': 1,
      'interface statistics': 1,
    });
    expect(source.findings.notes()).toEqual({ 'unknown-block': 1 });
  });

  test('a packet that contradicts itself is skipped by itself, and the next one is read', () => {
    const bad = epb(true, 0, 1n, [1, 2, 3, 4]);
    bad[20] = 200;
    const source = openBytes(join(section(true), iface(true, 1), epb(true, 0, 1n, [1]), bad, epb(true, 9, 1n, [1]), epb(true, 0, 2n, [2])));
    expect(readAll(source).map((s) => s.data)).toEqual([[1], [2]]);
    expect(source.skipped).toEqual({ 'bad-block': 1, 'no-interface': 1 });
  });

  test('sections of another version are passed over and counted', () => {
    const body = (major: number): Uint8Array => join(section(true, undefined, [major, 0]), iface(true, 1), epb(true, 0, 1n, [major]));
    const source = openBytes(join(body(1), body(2), body(1)));
    expect(readAll(source).map((s) => s.data)).toEqual([[1], [1]]);
    expect(source.skipped).toEqual({ 'unsupported-version': 2 });
  });

  test('a side block of many megabytes is passed over, from a file and from a pipe', () => {
    const huge = block(true, 0xbad, new Uint8Array(5_000_000));
    const head = join(section(true), iface(true, 1));
    const packet = epb(true, 0, 1n, [5]);
    const whole = new Uint8Array(head.length + huge.length + packet.length);
    whole.set(head);
    whole.set(huge, head.length);
    whole.set(packet, head.length + huge.length);
    for (const source of [openBytes(whole), unwrap(openSource(pipeOf(whole, 100_000), 'pipe', { format: 'pcapng' }))]) {
      expect(readAll(source).map((s) => s.data)).toEqual([[5]]);
      expect(source.findings.notes()).toEqual({ 'side-data-limit': 1 });
    }
  });

  test('a pipe gives the same packets, whatever pieces it comes in', () => {
    const packets = Array.from({ length: 40 }, (_, i) => epb(true, 0, BigInt(i), new Array<number>(i * 5).fill(i)));
    const whole = join(section(true), iface(true, 1), ...packets);
    const expected = readAll(openBytes(whole));
    for (const piece of [1, 7, 64, 4096])
      expect(readAll(unwrap(openSource(pipeOf(whole, piece), 'pipe', { format: 'pcapng' })))).toEqual(expected);
  });

  test('cut at any byte, whole packets before the cut stay and the cut is named', () => {
    const parts = [section(true), iface(true, 1), epb(true, 0, 1n, [1, 2, 3]), epb(true, 0, 2n, []), epb(true, 0, 3n, [4, 5, 6, 7])];
    const whole = join(...parts);
    const ends = parts.map((_, i) => parts.slice(0, i + 1).reduce((sum, p) => sum + p.length, 0));
    for (let cut = 12; cut <= whole.length; cut++) {
      const source = openBytes(whole.slice(0, cut));
      expect(readAll(source)).toHaveLength(Math.max(0, ends.filter((end) => end <= cut).length - 2));
      expect(source.skipped).toEqual(ends.includes(cut) ? {} : { 'truncated-tail': 1 });
    }
  });
});
