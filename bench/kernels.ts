import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, workerData } from 'node:worker_threads';
import { DESCRIPTOR_WORDS, RingConsumer, RingProducer, pickKernel, sharedRingBytes } from '../engine/stack/index.ts';
import { spread, type Comparison, type Spread } from './measure.ts';

/** Comparisons inside one process: kernels on packet bytes, and the ring between two threads. */

/** Packets of one poll, copied and then summed in the two-pass case: what was copied first has to come back from the second-level cache. */
const POLL = 32;
const BYTES_A_ROUND = 8_000_000;

export interface KernelOutcome {
  readonly id: string;
  readonly title: string;
  readonly comparison: Comparison;
}

/** One pass against two at a packet size, packet by packet and poll by poll. */
export function copySumRows(rounds: number): KernelOutcome[] {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const { kernel } = pickKernel(memory);
  const rows: KernelOutcome[] = [];
  for (const size of [64, 576, 1_500, 16_384]) {
    // Slots of 2112 bytes never fall on the same cache sets.
    const stride = size <= 2_048 ? 2_112 : 16_448;
    const from = 65_536;
    const to = from + POLL * stride + 128;
    const polls = Math.ceil(BYTES_A_ROUND / (POLL * size));
    const each = (work: (at: number) => void): void => {
      for (let at = 0; at < POLL * stride; at += stride) work(at);
    };
    const fused = (): void => {
      for (let i = 0; i < polls; i++) each((at) => kernel.copySum(to + at, from + at, size));
    };
    const inTurn = (): void => {
      for (let i = 0; i < polls; i++) {
        each((at) => {
          kernel.copy(to + at, from + at, size);
          kernel.sum(to + at, size);
        });
      }
    };
    const byPoll = (): void => {
      for (let i = 0; i < polls; i++) {
        each((at) => {
          kernel.copy(to + at, from + at, size);
        });
        each((at) => kernel.sum(to + at, size));
      }
    };
    const name = `${kernel.variant} copy and sum, ${size} bytes, against copy then sum`;
    rows.push({ id: `copy-sum-${size}`, title: `${name}, packet by packet`, comparison: pairs(fused, inTurn, rounds) });
    rows.push({ id: `copy-sum-${size}-poll`, title: `${name}, poll by poll`, comparison: pairs(fused, byPoll, rounds) });
  }
  return rows;
}

/** Rounds in turn after warming up. Other programs only make rounds longer, so there are ten for each that was asked for. */
function pairs(ours: () => void, peer: () => void, rounds: number): Comparison {
  const a: number[] = [];
  const b: number[] = [];
  for (let round = -5; round < rounds * 10; round++) {
    const first = seconds(ours);
    const second = seconds(peer);
    if (round < 0) continue;
    a.push(first);
    b.push(second);
  }
  const ratio: Spread = spread(b.map((value, i) => value / a[i]!));
  return { ratio, ours: spread(a), peer: spread(b), oursPeakMiB: undefined, peerPeakMiB: undefined };
}

function seconds(work: () => void): number {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

const RING_BATCH = 32;
const RING_SLOTS = 4_096;
const RING_TOTAL = 10_000_000;
/** Looks in vain before a thread sleeps: a sleeper is woken dearly, but two that spin on one processor stand in each other's way. */
const SPINS = 20_000;

interface ProducerTask {
  readonly ringProducer: { readonly buffer: SharedArrayBuffer; readonly total: number };
}

/** Runs in the other thread; false in the main one. */
export function ranAsProducer(): boolean {
  const task = workerData as ProducerTask | null;
  if (task?.ringProducer === undefined) return false;
  const { buffer, total } = task.ringProducer;
  const producer = new RingProducer(buffer, RING_SLOTS);
  const batch = new Int32Array(RING_BATCH * DESCRIPTOR_WORDS).fill(7);
  for (let sent = 0, spins = 0; sent < total;) {
    const pushed = producer.push(batch, Math.min(RING_BATCH, total - sent));
    sent += pushed;
    spins = pushed > 0 ? 0 : spins + 1;
    if (spins > SPINS) producer.wait(1);
  }
  producer.close();
  return true;
}

/** Million descriptors a second from one thread to another, and by a plain copy between arrays in one thread: best of `rounds`. */
export async function ringRates(rounds: number): Promise<{ readonly ring: number; readonly copy: number }> {
  let ring = 0;
  let copy = 0;
  const file = join(dirname(fileURLToPath(import.meta.url)), 'bench.js');
  for (let round = 0; round < rounds; round++) {
    const buffer = new SharedArrayBuffer(sharedRingBytes(RING_SLOTS));
    const worker = new Worker(file, { workerData: { ringProducer: { buffer, total: RING_TOTAL } } satisfies ProducerTask });
    const ended = new Promise<void>((resolve, reject) => {
      worker.on('exit', () => {
        resolve();
      });
      worker.on('error', reject);
    });
    ring = Math.max(ring, receive(buffer));
    await ended;
    copy = Math.max(copy, plainCopy());
  }
  return { ring: ring / 1e6, copy: copy / 1e6 };
}

/** Takes all descriptors; the clock starts with the first. */
function receive(buffer: SharedArrayBuffer): number {
  const consumer = new RingConsumer(buffer, RING_SLOTS);
  const to = new Int32Array(RING_BATCH * DESCRIPTOR_WORDS);
  let got = 0;
  while (got === 0) {
    got = consumer.pop(to, RING_BATCH);
    if (got === 0) consumer.wait(10);
  }
  const started = process.hrtime.bigint();
  for (let spins = 0; got < RING_TOTAL;) {
    const popped = consumer.pop(to, RING_BATCH);
    got += popped;
    spins = popped > 0 ? 0 : spins + 1;
    if (spins > SPINS) consumer.wait(1);
  }
  return RING_TOTAL / (Number(process.hrtime.bigint() - started) / 1e9);
}

/** The same words from one array to another and on to a third, batch by batch. */
function plainCopy(): number {
  const slots = new Int32Array(RING_SLOTS * DESCRIPTOR_WORDS);
  const from = new Int32Array(RING_BATCH * DESCRIPTOR_WORDS).fill(7);
  const to = new Int32Array(RING_BATCH * DESCRIPTOR_WORDS);
  const spent = seconds(() => {
    for (let done = 0, at = 0; done < RING_TOTAL; done += RING_BATCH) {
      for (let i = 0; i < from.length; i++) slots[at + i] = from[i]!;
      for (let i = 0; i < to.length; i++) to[i] = slots[at + i]!;
      at = at + from.length === slots.length ? 0 : at + from.length;
    }
  });
  return RING_TOTAL / spent;
}
