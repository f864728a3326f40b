import { describe, expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import { AQM_DROP_CODEL, AQM_DROP_OVERLOAD, AQM_DROP_TAIL, FqCodel, type FqCodelSpec } from './index.ts';

const MS = 1e6;
const spec: FqCodelSpec = {
  mode: 'fq-codel',
  buckets: 64,
  quantumBytes: 1_514,
  targetNs: 5 * MS,
  intervalNs: 100 * MS,
  limitPackets: 1_000,
  ecn: true,
  overloadBatch: 64,
};
const make = (part: Partial<FqCodelSpec> = {}): FqCodel => new FqCodel({ ...spec, ...part }, 4_096);

describe('fq-codel', () => {
  test('deficit round robin gives equal bytes to flows with packets of different size', () => {
    const q = make();
    let index = 0;
    for (let i = 0; i < 300; i++) q.enqueue(index++, 1_500, 1, 0, 0);
    for (let i = 0; i < 700; i++) q.enqueue(index++, 300, 2, 0, 0);
    const bytes = [0, 0, 0];
    for (let sent = 0; sent < 200_000;) {
      const got = q.dequeue(1);
      const length = got < 300 ? 1_500 : 300;
      bytes[q.lastBucket]! += length;
      sent += length;
    }
    expect(Math.abs(bytes[1]! - bytes[2]!)).toBeLessThanOrEqual(2 * 1_514);
  });

  test('a flow that comes new is served before those that have been there', () => {
    const q = make();
    for (let i = 0; i < 50; i++) q.enqueue(i, 1_500, 1, 0, 0);
    for (let i = 0; i < 5; i++) q.dequeue(0);
    q.enqueue(100, 80, 2, 0, 0);
    const order = [q.dequeue(0), q.dequeue(0)];
    expect(order).toContain(100);
  });

  test('drops begin one interval after the delay passed the target, and come at interval / sqrt(count)', () => {
    const q = make({ ecn: false });
    let index = 0;
    let now = 0;
    const drops: number[] = [];
    // Two packets come in the time in which one leaves: the queue stands for good.
    for (let step = 0; step < 900; step++) {
      now += MS;
      for (let n = 0; n < 2; n++) q.enqueue(index++ % 4_096, 1_000, 1, 0, now);
      q.dequeue(now);
      for (let i = 0; i < q.droppedCount; i++) {
        expect(q.droppedWhy[i]).toBe(AQM_DROP_CODEL);
        drops.push(now);
      }
      if (q.packets > 990) break;
    }
    // The first packet over the target leaves at about 10 ms; an interval later it is a standing queue.
    expect(drops[0]! / MS).toBeGreaterThanOrEqual(105);
    expect(drops[0]! / MS).toBeLessThanOrEqual(115);
    let due = drops[0]!;
    for (let n = 1; n < Math.min(8, drops.length); n++) {
      due += 100e6 / Math.sqrt(n);
      expect(Math.abs(drops[n]! - due)).toBeLessThanOrEqual(2 * MS);
    }
  });

  test('a thin flow that waits too long is dropped from while others keep the link busy, and left alone while it is the last packet', () => {
    const lost = (bulk: boolean): number => {
      const q = make({ ecn: false, limitPackets: 4_000 });
      let index = 0;
      let drops = 0;
      for (let now = 0; now < 400 * MS; now += 10 * MS) {
        // One packet of the thin flow at a time, 8 ms old when it is served.
        q.enqueue(index++, 200, 1, 0, now);
        if (bulk) for (let n = 0; n < 8; n++) q.enqueue(index++, 1_500, 2, 0, now);
        while (q.bucketPackets[1]! > 0 && q.dequeue(now + 8 * MS) >= 0)
          for (let i = 0; i < q.droppedCount; i++) if (q.dropped[i]! % 9 === 0) drops++;
      }
      return drops;
    };
    expect(lost(false)).toBe(0);
    expect(lost(true)).toBeGreaterThan(0);
  });

  test('marks packets that can be marked instead of dropping them', () => {
    const q = make();
    let index = 0;
    let marked = 0;
    for (let now = MS; now < 400 * MS; now += MS) {
      for (let n = 0; n < 2; n++) q.enqueue(index++, 1_000, 1, 2, now);
      q.dequeue(now);
      if (q.lastMarked) marked++;
      expect(q.droppedCount).toBe(0);
    }
    expect(marked).toBeGreaterThan(3);
    expect(q.marked).toBe(marked);
  });

  test('beyond the limit the fattest flow gives up its oldest packets, and the others nothing', () => {
    const q = make({ limitPackets: 100 });
    for (let i = 0; i < 90; i++) q.enqueue(i, 1_500, 1, 0, 0);
    for (let i = 90; i < 100; i++) q.enqueue(i, 100, 2, 0, 0);
    expect(q.droppedCount).toBe(0);
    q.enqueue(100, 100, 3, 0, 0);
    const out = [...q.dropped.subarray(0, q.droppedCount)];
    expect(out).toEqual(Array.from({ length: 45 }, (_, i) => i));
    expect([...q.droppedWhy.subarray(0, 45)].every((why) => why === AQM_DROP_OVERLOAD)).toBe(true);
    expect(q.bucketPackets[2]).toBe(10);
  });

  test('a FIFO drops what comes when it is full, and nothing else', () => {
    const q = make({ mode: 'fifo', limitPackets: 3 });
    for (let i = 0; i < 4; i++) q.enqueue(i, 100, i, 2, i);
    expect([q.droppedCount, q.dropped[0], q.droppedWhy[0]]).toEqual([1, 3, AQM_DROP_TAIL]);
    expect([q.dequeue(1e12), q.dequeue(1e12), q.dequeue(1e12), q.dequeue(1e12)]).toEqual([0, 1, 2, -1]);
    expect([q.packets, q.bytes, q.marked]).toEqual([0, 0, 0]);
    q.enqueue(5, 100, 1, 0, 0);
    expect(q.dequeue(0)).toBe(5);
  });

  test.each(['fq-codel', 'fifo'] as const)(
    '%s: random steps lose and double nothing, keep flows in order, and a snapshot goes on the same',
    (mode) => {
      for (let seed = 1; seed <= 6; seed++) {
        const random = new Random(seed);
        const part = { mode, limitPackets: random.int(5, 200), buckets: random.int(1, 32), overloadBatch: random.int(1, 64) } as const;
        let q = make(part);
        const free = Array.from({ length: 4_096 }, (_, i) => 4_095 - i);
        const flowOf = new Int32Array(4_096);
        const serial = new Int32Array(4_096);
        const last = new Int32Array(64);
        let next = 1;
        let now = 1;
        const gone = (): void => {
          for (let i = 0; i < q.droppedCount; i++) free.push(q.dropped[i]!);
        };
        for (let step = 0; step < 20_000; step++) {
          now += random.int(0, 3 * MS);
          if (random.float() < 0.55) {
            const index = free.pop()!;
            flowOf[index] = random.int(0, 63);
            serial[index] = next++;
            q.enqueue(index, random.int(40, 3_000), flowOf[index], random.int(0, 3), now);
            gone();
          } else {
            const index = q.dequeue(now);
            gone();
            if (index >= 0) {
              expect(serial[index]!).toBeGreaterThan(last[flowOf[index]!]!);
              last[flowOf[index]!] = serial[index]!;
              free.push(index);
            }
          }
          if (q.packets + free.length !== 4_096) expect(q.packets + free.length).toBe(4_096);
          if (q.packets > part.limitPackets) expect.unreachable('the limit holds');
          if (step % 5_000 === 4_999) {
            const inside = q.inside();
            expect(inside).toHaveLength(q.packets);
            const words = q.save((index) => index);
            let at = 0;
            const copy = make(part);
            copy.restore(
              () => words[at++]!,
              (place) => place,
            );
            expect(at).toBe(words.length);
            expect(copy.save((index) => index)).toEqual(words);
            q = copy;
          }
        }
        expect(q.enqueued).toBe(q.dequeued + q.droppedCodel + q.droppedOverload + q.droppedTail + q.packets);
      }
    },
  );
});
