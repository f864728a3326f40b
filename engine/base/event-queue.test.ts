import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

describe('EventQueue', () => {
  it('gives events in the order of time, and of scheduling within one instant, whatever the mix of both', () => {
    const step = fc.oneof(fc.record({ after: fc.integer({ min: 0, max: 5 }) }), fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const queue = new EventQueue(1_000);
        const model: { tNs: number; id: number }[] = [];
        let id = 0;
        for (const each of steps) {
          if (each === 'take') {
            model.sort((x, y) => x.tNs - y.tNs || x.id - y.id);
            const expected = model.shift();
            expect(queue.next()).toBe(expected !== undefined);
            if (expected !== undefined)
              expect([queue.tNs, queue.kind, queue.a, queue.b]).toEqual([expected.tNs, 7, expected.id, ~expected.id]);
          } else {
            const tNs = queue.tNs + each.after;
            expect(queue.schedule(tNs, 7, id, ~id)).toBe(true);
            model.push({ tNs, id: id++ });
          }
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });

  it('grows up to its limit and says when it is reached', () => {
    const queue = new EventQueue(3_000);
    for (let i = 0; i < 3_000; i++) expect(queue.schedule(3_000 - i, 1, i)).toBe(true);
    expect(queue.schedule(1, 1)).toBe(false);
    for (let i = 2_999; i >= 0; i--) {
      expect(queue.next()).toBe(true);
      expect(queue.a).toBe(i);
    }
    expect([queue.next(), queue.nextNs, queue.highWater]).toEqual([false, Infinity, 3_000]);
  });

  it('of one sequence are merged in the order of time and of scheduling', () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 3 }), second: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const sequence = { next: 0 };
        const queues = [new EventQueue(1_000, sequence), new EventQueue(1_000, sequence)] as const;
        const [one, two] = queues;
        for (const [id, { after, second }] of steps.entries()) queues[second ? 1 : 0].schedule(after, 0, id);
        const wanted = steps.map(({ after }, id) => ({ after, id })).toSorted((x, y) => x.after - y.after || x.id - y.id);
        for (const { id } of wanted) {
          const next = two.isBefore(one) ? two : one;
          expect(next.next()).toBe(true);
          expect(next.a).toBe(id);
        }
        expect([one.isBefore(two), two.isBefore(one)]).toEqual([false, false]);
      }),
    );
  });
});
