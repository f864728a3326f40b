import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { rolldown } from 'rolldown';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { Random } from '../base/index.ts';
import {
  Arena,
  HISTOGRAM_BUCKETS,
  PacketStore,
  Pool,
  Ring,
  RingConsumer,
  RingProducer,
  SYNC_BAD_HEAD,
  histogramBucket,
  histogramPercentile,
  histogramUpper,
  plainMemoryCopy,
  sharedRingBytes,
} from './index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const builtTests = resolve(here, '../../build/test');
mkdirSync(builtTests, { recursive: true });

describe('arena', () => {
  test('regions do not overlap, are accounted for, and a full arena says so', () => {
    const arena = Arena.create(65_536);
    const random = new Random(1);
    let end = 0;
    let regions = 0;
    for (;;) {
      const region = arena.region('slots', 'x', random.int(1, 5_000));
      if (region === undefined) break;
      expect(region.offset).toBeGreaterThanOrEqual(end + (regions > 0 ? 128 : 0));
      expect(region.offset % 128).toBe(0);
      end = region.offset + region.lenBytes;
      regions++;
    }
    expect(arena.stats()).toMatchObject({ regions, failures: 1, kind: 'plain' });
    expect(end).toBeLessThanOrEqual(arena.buffer.byteLength);
  });

  test('the WebAssembly copy and the plain copy do the same, overlaps included', () => {
    const shared = Arena.create(65_536, { shared: true });
    expect(shared.kind).toBe('wasm');
    const plainBytes = new Uint8Array(65_536);
    const plain = plainMemoryCopy(plainBytes.buffer);
    const bytes = new Uint8Array(shared.buffer);
    for (let i = 0; i < bytes.length; i++) bytes[i] = plainBytes[i] = Math.imul(i, 0x9e3779b1) >>> 24;
    fc.assert(
      fc.property(fc.nat(60_000), fc.nat(60_000), fc.nat(5_000), (to, from, length) => {
        shared.copy(to, from, length);
        plain(to, from, length);
      }),
    );
    expect(Buffer.compare(Buffer.from(bytes.slice()), Buffer.from(plainBytes))).toBe(0);
  });
});

describe('ring', () => {
  test('a million random steps: no slot lost or doubled, head never passes tail, bad heads change nothing', () => {
    const random = new Random(7);
    const arena = Arena.create(1 << 20);
    for (const slots of [2, 3, 7, 64, 1_000]) {
      const ring = new Ring(arena, 'r', slots);
      const model: number[] = [];
      let next = 0;
      const counts = { drops: 0, errors: 0 };
      for (let step = 0; step < 200_000; step++) {
        const action = random.u32() % 16;
        if (action < 8) {
          const pushed = ring.push(next & 0xffff, 60);
          if (pushed !== model.length < slots) expect.unreachable('a push succeeds exactly if there is room');
          if (pushed) model.push(next & 0xffff);
          else counts.drops++;
          next++;
        } else if (action < 15) {
          const n = random.u32() % (model.length + 1);
          for (let i = 0; i < n; i++) if (ring.peek(i) !== model[i]) expect(ring.peek(i)).toBe(model[i]);
          ring.consume(n);
          model.splice(0, n);
        } else {
          // A consumer that writes rubbish: any head outside [khead, tail].
          const before = ring.khead;
          const ahead = model.length + 1 + (random.u32() % Math.max(1, 2 * slots - model.length - 1));
          ring.head = random.u32() % 3 === 0 ? -5 : (before + ahead) % (2 * slots);
          const valid = (ring.head - before + 2 * slots) % (2 * slots) <= model.length && ring.head >= 0;
          if (valid) ring.head = before;
          else {
            if (ring.sync() !== SYNC_BAD_HEAD || ring.head !== before) expect.unreachable('a bad head is refused and put back');
            counts.errors++;
          }
        }
        if (ring.used !== model.length || ring.owned !== model.length)
          expect([ring.used, ring.owned]).toEqual([model.length, model.length]);
        if (ring.empty !== (model.length === 0) || ring.full !== (model.length === slots))
          expect.unreachable('full and empty are explicit');
      }
      expect([ring.drops, ring.errors]).toEqual([counts.drops, counts.errors]);
      expect(ring.enqueued).toBe(next - counts.drops);
      expect(ring.highWater).toBeLessThanOrEqual(slots);
      expect(counts.errors).toBeGreaterThan(0);
    }
  });
});

describe('pool and packet store', () => {
  test('a million random steps: every packet is in one place, buflets add up, stale indices are refused', () => {
    const random = new Random(11);
    const store = new PacketStore(Arena.create(1 << 20), 's', 300);
    const pool = new Pool('p', 200, 2_048);
    const out: { index: number; buflets: number }[] = [];
    const inUse = new Set<number>();
    let used = 0;
    for (let step = 0; step < 1_000_000; step++) {
      const action = random.u32() % 8;
      if (action < 4) {
        const buflets = pool.bufletsFor(random.u32() % 9_000);
        const room = used + buflets <= 200;
        if (pool.take(buflets) !== room) expect.unreachable('an allocation succeeds exactly if there is room');
        if (room) {
          const index = store.alloc(buflets);
          if (index < 0 || inUse.has(index)) expect.unreachable('a packet is handed out once');
          inUse.add(index);
          out.push({ index, buflets });
          used += buflets;
        }
      } else if (action < 7 && out.length > 0) {
        const at = random.u32() % out.length;
        const { index, buflets } = out[at]!;
        out[at] = out.at(-1)!;
        out.pop();
        if (!store.release(index)) expect.unreachable('a packet that is out can come back');
        inUse.delete(index);
        pool.give(buflets);
        used -= buflets;
      } else {
        const index = random.u32() % 300;
        const stale = !inUse.has(index);
        if (stale && store.release(index)) expect.unreachable('a stale index is refused');
      }
      if (pool.used !== used || store.used !== out.length) expect([pool.used, store.used]).toEqual([used, out.length]);
    }
    expect(pool.failures).toBeGreaterThan(0);
    expect(store.badReleases).toBeGreaterThan(0);
    expect(store.countInUse()).toBe(out.length);
    expect(store.release(-1)).toBe(false);
  });
});

describe('ring between threads', () => {
  test('random interleavings in one thread: every descriptor once, in order', () => {
    const random = new Random(3);
    for (const slots of [2, 5, 256]) {
      const buffer = new SharedArrayBuffer(sharedRingBytes(slots));
      const producer = new RingProducer(buffer, slots);
      const consumer = new RingConsumer(buffer, slots);
      const from = new Int32Array(4 * 40);
      const to = new Int32Array(4 * 40);
      let sent = 0;
      let got = 0;
      for (let step = 0; step < 100_000; step++) {
        const n = random.u32() % 40;
        if (random.u32() % 2 === 0) {
          for (let i = 0; i < n; i++) from.fill(sent + i, 4 * i, 4 * i + 4);
          const room = slots - (sent - got);
          const pushed = producer.push(from, n);
          if (pushed !== Math.min(n, room)) expect(pushed).toBe(Math.min(n, room));
          sent += pushed;
        } else {
          const popped = consumer.pop(to, n);
          if (popped !== Math.min(n, sent - got)) expect(popped).toBe(Math.min(n, sent - got));
          for (let i = 0; i < popped; i++) if (to[4 * i] !== got + i || to[4 * i + 3] !== got + i) expect(to[4 * i]).toBe(got + i);
          got += popped;
        }
      }
      // A position that cannot be is not believed.
      const words = new Int32Array(buffer);
      words[0] = 2 * slots + 1;
      words[32] = -1;
      expect(consumer.pop(to, 40)).toBeLessThanOrEqual(sent - got);
      expect(producer.push(from, 40)).toBeLessThanOrEqual(slots);
      expect(consumer.errors + producer.errors).toBeGreaterThan(0);
    }
  });

  test('a million descriptors between two real threads, each once and in order', async () => {
    const slots = 128;
    const total = 1_000_000;
    const buffer = new SharedArrayBuffer(sharedRingBytes(slots));
    const folder = mkdtempSync(join(builtTests, 'ring-'));
    const file = join(folder, 'producer.mjs');
    const bundle = await rolldown({ input: join(here, 'testing/ring-producer-worker.ts'), platform: 'node', external: [/^node:/] });
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    await bundle.close();
    const worker = new Worker(file, { workerData: { buffer, slots, total } });
    const exit = new Promise<number>((resolve, reject) => {
      worker.on('exit', resolve);
      worker.on('error', reject);
    });
    const consumer = new RingConsumer(buffer, slots);
    const random = new Random(5);
    const to = new Int32Array(4 * 64);
    let got = 0;
    let wrong = 0;
    while (got < total) {
      const n = consumer.pop(to, 1 + (random.u32() % 64));
      if (n === 0) {
        consumer.wait(1_000);
        // Lets the worker start and errors come through.
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (let i = 0; i < n; i++) {
        if (to[4 * i] !== got || to[4 * i + 1] !== ~got || to[4 * i + 2] !== ((got * 3) | 0) || to[4 * i + 3] !== 7) wrong++;
        got++;
      }
    }
    expect(wrong).toBe(0);
    expect(consumer.errors).toBe(0);
    expect(await exit).toBe(0);
    expect(consumer.closed).toBe(true);
    rmSync(folder, { recursive: true });
  });
});

describe('histogram', () => {
  test('a bucket holds what its bounds say, to one sixteenth', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2 ** 52, noNaN: true }).map(Math.floor), (value) => {
        const bucket = histogramBucket(value);
        expect(bucket).toBeLessThan(HISTOGRAM_BUCKETS);
        const upper = histogramUpper(bucket);
        expect(value).toBeLessThanOrEqual(upper);
        if (bucket > 0) expect(value).toBeGreaterThan(histogramUpper(bucket - 1));
        expect(upper - value).toBeLessThanOrEqual(Math.max(0, upper / 16));
      }),
      { numRuns: 2_000 },
    );
  });

  test('nearest rank', () => {
    const counts = new Uint32Array(HISTOGRAM_BUCKETS);
    for (let v = 1; v <= 10; v++) counts[histogramBucket(v)]!++;
    expect([50, 95, 100].map((p) => histogramPercentile(counts, p, 10))).toEqual([5, 10, 10]);
    expect(histogramPercentile(new Uint32Array(HISTOGRAM_BUCKETS), 50, 0)).toBe(0);
  });
});
