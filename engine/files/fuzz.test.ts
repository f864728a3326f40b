import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { memoryByteSource, openSource, RecordBatch } from './index.ts';
import { CLOCK_END_NS } from './reader-base.ts';
import { Bytes, block, epb, iface, join, option, pcapHeader, section } from './test-support.ts';

/** One file of each kind, small enough that damage hits headers often. */
function seeds(): Uint8Array[] {
  const records = (little: boolean): Uint8Array[] =>
    [0, 1, 40, 3].map((n, i) =>
      new Bytes(little)
        .u32(1000 + i, i, n, n)
        .raw(new Array<number>(n).fill(n))
        .done(),
    );
  const ng = (little: boolean): Uint8Array =>
    join(
      section(little, option(little, 4, [65, 66])),
      iface(little, 1, 0, option(little, 9, [9])),
      iface(little, 101, 0, option(little, 9, [0x86])),
      epb(little, 0, 5n, [1, 2, 3], 3, option(little, 1, [66])),
      block(little, 3, new Bytes(little).u32(3).raw([7, 8, 9]).done()),
      block(
        little,
        5,
        new Bytes(little)
          .u32(0, 0, 9)
          .raw(option(little, 4, [1, 2, 3, 4, 5, 6, 7, 8]))
          .done(),
      ),
      block(little, 4, new Bytes(little).u16(1, 6).raw([192, 0, 2, 1, 65, 0]).pad4().u32(0).done()),
      epb(little, 1, 500n, new Array<number>(70).fill(1)),
    );
  const snoop = new Bytes(false)
    .raw([0x73, 0x6e, 0x6f, 0x6f, 0x70, 0, 0, 0])
    .u32(2, 4)
    .u32(3, 3, 28, 0, 1, 1)
    .u8(1, 2, 3, 0)
    .u32(3, 3, 28, 0, 1, 1)
    .u8(1, 2, 3, 0)
    .done();
  return [
    join(pcapHeader(true, 0xa1b2c3d4, 1), ...records(true)),
    join(pcapHeader(false, 0xa1b23c4d, 113), ...records(false)),
    join(pcapHeader(true, 0xa1b2cd34, 1), ...records(true)),
    join(pcapHeader(true, 0xa1b2c3d4, 6, 65535, [2, 2]), ...records(true)),
    ng(true),
    join(ng(false), ng(true)),
    snoop,
  ];
}

/** Reused, so that 60,000 openings do not allocate 60,000 chunks. */
const CHUNK = new Uint8Array(16 * 1024);

/** Opens and reads; returns packets and whether anything was said. Records must lie in their batch, and the reading must end. */
function survive(bytes: Uint8Array, batch: RecordBatch): { packets: number; said: boolean } {
  const opened = openSource(memoryByteSource(bytes), 'fuzz', { buffer: CHUNK });
  if (!opened.ok) return { packets: 0, said: opened.error.message.length > 0 };
  const source = opened.value;
  let packets = 0;
  let calls = 0;
  while (source.nextBatch(batch)) {
    if (++calls > bytes.length + 10) throw new Error('the source does not end');
    for (let i = 0; i < batch.count; i++) {
      if (batch.offset[i]! + batch.capLen[i]! > batch.bytes.length || batch.iface[i]! >= source.interfaces.length)
        throw new Error('a record outside its batch');
      if (!(Number.isInteger(batch.tsNs[i]!) && Math.abs(batch.tsNs[i]!) <= CLOCK_END_NS)) throw new Error('a time that is no integer');
    }
    packets += batch.count;
  }
  return { packets, said: source.findings.list.length > 0 };
}

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice(0, random.int(0, 4) === 0 ? random.int(0, bytes.length) : bytes.length);
  if (out.length === 0) return out;
  for (let i = random.int(0, 5); i > 0; i--) {
    const at = random.int(0, out.length - 1);
    const kind = random.int(0, 3);
    if (kind === 0) out[at] = random.int(0, 255);
    else if (kind === 1) out.fill(0xff, at, at + 4);
    else if (kind === 2) out.fill(0, at, at + 4);
    else out[at] = out[at]! ^ (1 << random.int(0, 7));
  }
  return out;
}

describe('damaged files', () => {
  test('60,000 mutations of every format: no exception, no endless reading, nothing outside the batch', () => {
    const random = new Random(20_240_501);
    const files = seeds();
    const batch = new RecordBatch(16);
    let packets = 0;
    for (let i = 0; i < 60_000; i++) packets += survive(damage(files[i % files.length]!, random), batch).packets;
    expect(packets).toBeGreaterThan(60_000);
  });

  test('cut at every byte, each kind of file gives its earlier packets', () => {
    const batch = new RecordBatch(16);
    for (const file of seeds()) {
      let before = 0;
      for (let cut = 0; cut <= file.length; cut++) {
        const { packets } = survive(file.slice(0, cut), batch);
        expect(packets).toBeGreaterThanOrEqual(before);
        before = packets;
      }
      expect(before).toBeGreaterThan(0);
    }
  });
});

test.skipIf(!haveCaptures)(`damaged captures of others${haveCaptures ? '' : ` (skipped: ${capturesMissing})`}`, () => {
  const files = [
    'pcapplusplus/Tests/Pcap++Test/PcapExamples/pcapng-example.pcapng',
    'pcapplusplus/Tests/ExamplesTest/pcap_examples/solaris.snoop',
    'tcpdump/tests/tcp-handshake-nano.pcap',
  ];
  const random = new Random(7);
  const batch = new RecordBatch();
  for (const name of files) {
    const whole = new Uint8Array(readFileSync(capture(name)));
    for (let i = 0; i < 300; i++) survive(damage(whole, random), batch);
  }
  expect(survive(new Uint8Array(readFileSync(capture(files[0]!))), batch).packets).toBe(159);
});
