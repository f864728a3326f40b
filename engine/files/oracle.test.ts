import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { RecordBatch, openCapture, type PacketSource } from './index.ts';

interface Row {
  readonly file: string;
  readonly type: string;
  readonly packets: string;
  readonly dataBytes: string;
  readonly error: string;
}

function rows(): Row[] {
  return readFileSync(capture('ORACLE.tsv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [file = '', type = '', , packets = '', dataBytes = '', error = ''] = line.split('\t');
      return { file, type, packets, dataBytes, error };
    });
}

function walk(source: PacketSource, batch: RecordBatch): { packets: number; bytes: number } {
  let packets = 0;
  let bytes = 0;
  while (source.nextBatch(batch)) {
    packets += batch.count;
    for (let i = 0; i < batch.count; i++) bytes += batch.origLen[i]!;
  }
  return { packets, bytes };
}

describe.skipIf(!haveCaptures)(`the captures of others${haveCaptures ? '' : ` (skipped: ${capturesMissing})`}`, () => {
  test('every packet count is capinfos’', async () => {
    const different: string[] = [];
    const batch = new RecordBatch();
    for (const row of rows()) {
      const opened = await openCapture(capture(row.file));
      if (!opened.ok) {
        different.push(`${row.file}: ${opened.error.message} (capinfos: ${row.packets}${row.error})`);
        continue;
      }
      const got = walk(opened.value.source, batch);
      const s = opened.value.source;
      if (String(got.packets) !== row.packets || s.format !== row.type || String(got.bytes) !== row.dataBytes)
        different.push(
          `${row.file}: ${s.format} ${got.packets} ${got.bytes} (capinfos: ${row.type} ${row.packets} ${row.dataBytes} ${row.error}) ${JSON.stringify(s.findings.list.slice(0, 2))}`,
        );
      opened.value.close();
    }
    expect(different).toEqual([]);
  });
});
