import { workerData } from 'node:worker_threads';
import { Random } from '../../base/index.ts';
import { DESCRIPTOR_WORDS, RingProducer } from '../index.ts';

/** A thread that pushes descriptors 0, 1, 2 ... in batches of random size, for the test of the ring between two threads. */
const { buffer, slots, total } = workerData as { buffer: SharedArrayBuffer; slots: number; total: number };
const producer = new RingProducer(buffer, slots);
const random = new Random(1);
const batch = new Int32Array(64 * DESCRIPTOR_WORDS);
for (let sent = 0; sent < total;) {
  const n = Math.min(random.int(1, 64), total - sent);
  for (let i = 0; i < n; i++) batch.set([sent + i, ~(sent + i), (sent + i) * 3, 7], i * DESCRIPTOR_WORDS);
  const pushed = producer.push(batch, n);
  if (pushed === 0) producer.wait(1_000);
  sent += pushed;
}
producer.close();
