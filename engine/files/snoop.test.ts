import { describe, expect, test } from 'vitest';
import { unwrap } from '../base/index.ts';
import { openSource } from './index.ts';
import { Bytes, join, openBytes, pipeOf, readAll } from './test-support.ts';

const header = (version: number, dataLink: number): Uint8Array =>
  new Bytes(false).raw([0x73, 0x6e, 0x6f, 0x6f, 0x70, 0, 0, 0]).u32(version, dataLink).done();

function record(sec: number, usec: number, data: number[], orig: number, pad: number, drops: number): Uint8Array {
  return new Bytes(false)
    .u32(orig, data.length, 24 + data.length + pad, drops, sec, usec)
    .raw(data)
    .raw(new Array<number>(pad).fill(0))
    .done();
}

describe('snoop', () => {
  const records = [record(10, 5, [1, 2, 3], 60, 1, 0), record(11, 4, [], 9, 0, 2), record(11, 3, [4, 5], 2, 600, 5)];
  const whole = join(header(2, 4), ...records);

  test('records, their padding, times and drops', () => {
    const source = openBytes(whole);
    expect(readAll(source)).toEqual([
      { tsNs: 0, capLen: 3, origLen: 60, iface: 0, linkType: 1, fileOffset: 16, data: [1, 2, 3] },
      { tsNs: 999_999_000, capLen: 0, origLen: 9, iface: 0, linkType: 1, fileOffset: 44, data: [] },
      { tsNs: 999_998_000, capLen: 2, origLen: 2, iface: 0, linkType: 1, fileOffset: 68, data: [4, 5] },
    ]);
    expect(source.epochNs).toBe(10_000_005_000n);
    expect(source.interfaces[0]?.noted.drops).toBe(5);
    expect(source.findings.notes()).toEqual({ 'time-backwards': 1 });
    expect(source.skipped).toEqual({});
  });

  test('a pipe gives the same packets', () => {
    const expected = readAll(openBytes(whole));
    for (const piece of [1, 10, 1000])
      expect(readAll(unwrap(openSource(pipeOf(whole, piece), 'pipe', { format: 'snoop' })))).toEqual(expected);
  });

  test('data links without a counterpart are read and named', () => {
    const source = openBytes(join(header(3, 9), records[0]!));
    expect(readAll(source)).toHaveLength(1);
    expect(source.findings.notes()).toEqual({ 'unknown-linktype': 1 });
    expect(source.findings.list[0]?.message).toContain('9');
  });

  test('cut at any byte and with a lying length, what came before stays', () => {
    for (let cut = 16; cut < 68; cut++) {
      const source = openBytes(whole.slice(0, cut));
      // The captured bytes of the first record end at 43, its padding at 44; the second record ends at 68.
      expect(readAll(source)).toHaveLength(cut < 43 ? 0 : 1);
      expect(source.skipped).toEqual(cut === 16 || cut === 43 || cut === 44 ? {} : { 'truncated-tail': 1 });
    }
    const lie = openBytes(join(header(2, 4), records[0]!, new Bytes(false).u32(9, 0x4000_0000, 0x4000_0018, 0, 0, 0).done()));
    expect(readAll(lie)).toHaveLength(1);
    expect(lie.skipped).toEqual({ 'absurd-length': 1 });
  });
});
