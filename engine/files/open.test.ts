import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join as joinPath } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  MemorySink,
  PcapWriter,
  PcapngWriter,
  PushByteSource,
  RecordBatch,
  atomicFile,
  captureInfo,
  detectFormat,
  haveZstd,
  openCapture,
  openSource,
  sha256File,
} from './index.ts';
import { epb, iface, join, readAll, section } from './test-support.ts';
import { Random, unwrap } from '../base/index.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(joinPath(tmpdir(), 'ringside-test-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, bytes: Uint8Array | string): string {
  const path = joinPath(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A pcap of `count` packets of incompressible bytes. */
function pcap(count: number): Uint8Array {
  const random = new Random(1);
  const sink = new MemorySink();
  const writer = new PcapWriter(sink, 1_000_000_000n, { linkType: 1 });
  for (let i = 0; i < count; i++)
    writer.packet(
      i,
      Uint8Array.from({ length: 200 }, () => random.int(0, 255)),
      0,
      200,
      200,
    );
  return sink.bytes();
}

describe('opening', () => {
  test.each([
    ['an empty file', ''],
    ['a text file', 'No.,Time,Source\n1,0.0,10.0.0.1\n'],
    ['an ELF program', '\x7fELF\x02\x01'],
    ['an XML document', '<?xml version="1.0"?>'],
    ['a ZIP archive', 'PK\x03\x04abcd'],
    ['a Microsoft Network Monitor 2 capture', 'GMBU\0\0'],
  ])('says what a file looks like that is no capture: %s', async (name, content) => {
    const opened = await openCapture(file('other.pcap', content));
    expect(opened.ok).toBe(false);
    if (opened.ok) return;
    expect(opened.error.data).toMatchObject({ code: 'unsupported', where: { offset: 0 } });
    expect(opened.error.message).toContain(name);
    expect(opened.error.data.fix).toContain('pcapng');
  });

  test('ERF has no magic number and is recognised by its records', () => {
    const record = [0, 0, 0, 0, 1, 2, 3, 4, 2, 4, 0, 24, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    expect(detectFormat(Uint8Array.from([...record, ...record]))).toEqual({ looksLike: 'an Endace ERF capture' });
  });

  test('a missing file, a folder and a damaged section header are told apart', async () => {
    const missing = await openCapture(joinPath(folder, 'none.pcap'));
    const isFolder = await openCapture(folder);
    const damaged = await openCapture(file('damaged.pcapng', Uint8Array.from([0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4])));
    expect([missing, isFolder, damaged].map((r) => (r.ok ? 'ok' : r.error.code))).toEqual(['not-found', 'bad-input', 'unsupported']);
  });

  test('content counts, the name does not', async () => {
    const opened = unwrap(await openCapture(file('holiday.jpg', pcap(3))));
    expect(readAll(opened.source)).toHaveLength(3);
    opened.close();
  });
});

describe('compressed captures', () => {
  test('a wrong check value, or something behind the end, costs no packet', async () => {
    const packed = gzipSync(pcap(2000));
    const wrong = Uint8Array.from(packed);
    wrong[wrong.length - 6]! ^= 1;
    const followed = Buffer.concat([packed, Buffer.from('garbage\n')]);
    for (const [name, bytes] of [
      ['crc.gz', wrong],
      ['trail.gz', followed],
    ] as const) {
      const opened = unwrap(await openCapture(file(name, bytes)));
      expect(readAll(opened.source), name).toHaveLength(2000);
      opened.close();
    }
  });

  test.skipIf(process.platform === 'win32')('a named pipe is refused at once, not waited for', async () => {
    const path = file('pipe', new Uint8Array());
    rmSync(path);
    execFileSync('mkfifo', [path]);
    expect(await openCapture(path)).toMatchObject({ ok: false, error: { data: { code: 'unsupported', where: { file: path } } } });
  });

  test('gzip is unpacked into a private file that closing removes', async () => {
    const plain = pcap(500);
    let reported = 0;
    const opened = unwrap(await openCapture(file('a.gz', gzipSync(plain)), { onProgress: (n) => (reported = n) }));
    expect([opened.compression, readAll(opened.source).length, opened.source.skipped]).toEqual(['gzip', 500, {}]);
    expect(reported).toBeGreaterThan(100_000);
    expect(readAll(unwrap(opened.reopen()))).toHaveLength(500);
    expect(existsSync(opened.dataPath)).toBe(true);
    opened.close();
    expect(existsSync(dirname(opened.dataPath))).toBe(false);
  });

  test('a cut or damaged stream keeps what came before', async () => {
    const packed = gzipSync(pcap(2000));
    const cut = unwrap(await openCapture(file('cut.gz', packed.subarray(0, packed.length / 2))));
    const seen = readAll(cut.source);
    expect(seen.length).toBeGreaterThan(900);
    expect(cut.source.skipped).toMatchObject({ 'damaged-compression': 1 });
    cut.close();
    const bent = Uint8Array.from(packed);
    bent.fill(0xff, packed.length / 2, packed.length / 2 + 64);
    const opened = unwrap(await openCapture(file('bent.gz', bent)));
    expect(readAll(opened.source).length).toBeGreaterThan(800);
    expect(opened.source.skipped).toMatchObject({ 'damaged-compression': 1 });
    opened.close();
  });

  test('the limit ends the unpacking and is named; a cancel leaves nothing behind', async () => {
    const path = file('limit.gz', gzipSync(pcap(2000)));
    const opened = unwrap(await openCapture(path, { maxUnpackedBytes: 100_000 }));
    expect(readAll(opened.source)).toHaveLength(Math.floor((100_000 - 24) / 216));
    expect(opened.source.skipped).toEqual({ 'decompression-limit': 1, 'truncated-tail': 1 });
    opened.close();
    const abort = new AbortController();
    const cancelled = await openCapture(path, {
      signal: abort.signal,
      onProgress: () => {
        abort.abort();
      },
    });
    expect(cancelled.ok ? 'ok' : cancelled.error.code).toBe('cancelled');
  });

  test('a compressed text is no capture', async () => {
    const opened = await openCapture(file('text.gz', gzipSync('hello\n')));
    expect(opened.ok ? 'ok' : opened.error.message).toContain('a text file');
  });

  test('zstd works or is one clear sentence', async () => {
    // A frame of one raw block, written by hand: magic, single segment, content size, last raw block.
    const content = pcap(1);
    const size = content.length;
    const header = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, size, (1 | (size << 3)) & 255, (size << 3) >> 8, 0]);
    const opened = await openCapture(file('a.zst', join(header, content)));
    if (haveZstd()) {
      expect(readAll(unwrap(opened).source)).toHaveLength(1);
      unwrap(opened).close();
    } else {
      expect(opened.ok ? undefined : opened.error.data).toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('zstd') as string,
        fix: expect.stringContaining('zstd -d') as string,
      });
    }
  });
});

describe('writing', () => {
  test('a file appears when it is finished and not before; giving up leaves nothing', () => {
    const path = joinPath(folder, 'out', 'x.pcap');
    const none = atomicFile(path);
    expect(none.ok ? 'ok' : none.error.code).toBe('not-found');
    const here = joinPath(folder, 'out.pcapng');
    const writer = new PcapngWriter(unwrap(atomicFile(here)), 5n, [{ linkType: 1, name: 'a' }], {
      section: { application: 'Ringside', comment: 'made here' },
    });
    writer.packet(0, Uint8Array.of(1, 2, 3), 0, 3, 3, 0, 'note');
    writer.statistics(0, { received: 10n, dropped: 2n });
    expect(existsSync(here)).toBe(false);
    unwrap(writer.finish());
    expect(existsSync(here)).toBe(true);
    const again = unwrap(atomicFile(here));
    again.write(Uint8Array.of(1));
    again.abort();
    expect(again.finish().ok).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('the summary of what was written', async () => {
    const path = joinPath(folder, 'out.pcapng');
    const info = await captureInfo(path, { sha256: true });
    expect(info).toMatchObject({
      format: 'pcapng',
      packets: 1,
      bytes: 3,
      capturedBytes: 3,
      firstNs: '5',
      lastNs: '5',
      comments: 1,
      skipped: {},
      error: null,
      sections: [{ application: 'Ringside', comments: ['made here'] }],
      interfaces: [
        { name: 'a', linkTypeName: 'ETHERNET', ticksPerSecond: '1000000000', packets: 1, statistics: { received: '10', dropped: '2' } },
      ],
    });
    expect(info.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(unwrap(sha256File(path))).toBe(info.sha256);
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
    const missing = await captureInfo(joinPath(folder, 'none'));
    expect(missing).toMatchObject({ packets: 0, error: { code: 'not-found' } });
  });
});

test('a live source: packets are delivered as they come, and the end is the end', () => {
  const push = new PushByteSource();
  const source = unwrap(openSource(push, 'live', { format: 'pcapng' }));
  const batch = new RecordBatch(8);
  expect([source.nextBatch(batch), batch.count]).toEqual([true, 0]);
  push.push(join(section(true), iface(true, 1)));
  expect([source.nextBatch(batch), batch.count]).toEqual([true, 0]);
  const packet = epb(true, 0, 5n, [1, 2, 3]);
  push.push(packet.slice(0, 10));
  expect([source.nextBatch(batch), batch.count]).toEqual([true, 0]);
  push.push(join(packet.slice(10), packet));
  expect([source.nextBatch(batch), batch.count]).toEqual([true, 2]);
  push.end();
  expect([source.nextBatch(batch), batch.count]).toEqual([false, 0]);
});
