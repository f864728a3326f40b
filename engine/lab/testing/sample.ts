import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unwrap } from '../../base/index.ts';
import type { Scenario } from '../../contract/index.ts';
import { memoryByteSource, openSource, RecordBatch } from '../../files/index.ts';
import { parseScenario } from '../scenario/index.ts';
import type { RecordAccess } from '../types.ts';

const resources = resolve(import.meta.dirname, '../../../resources');

/** A bundled sample with its packets by number. */
export function sampleInput(file: string): RecordAccess {
  const source = unwrap(openSource(memoryByteSource(readFileSync(join(resources, 'samples', file))), file));
  const batches: RecordBatch[] = [];
  let batch = new RecordBatch();
  while (source.nextBatch(batch)) {
    batches.push(batch);
    batch = new RecordBatch();
  }
  return { packets: batches.reduce((sum, { count }) => sum + count, 0), read: (first, into) => readFrom(batches, first, into) };
}

function readFrom(batches: readonly RecordBatch[], first: number, into: RecordBatch): number {
  let before = 0;
  for (const batch of batches) {
    const skip = first - before - 1;
    before += batch.count;
    if (first > before) continue;
    into.bytes = batch.bytes;
    into.count = Math.min(into.capacity, batch.count - skip);
    for (const column of ['offset', 'capLen', 'origLen', 'tsNs', 'iface', 'linkType'] as const)
      into[column].set(batch[column].subarray(skip, skip + into.count));
    return into.count;
  }
  return 0;
}

/** A bundled scenario. */
export const bundledScenario = (id: string): Scenario =>
  unwrap(parseScenario(readFileSync(join(resources, 'scenarios', `${id}.yaml`), 'utf8')));
