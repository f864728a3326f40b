import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceTracker, WINDOW } from './sequence-tracker.ts';

describe('the numbers of a source', () => {
  it('come once, twice or not at all, as a set of all of them would say within the window', () => {
    const jump = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -40, max: 3 }) }, fc.integer({ min: -WINDOW + 1, max: 2 * WINDOW }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5_000 }), fc.array(jump, { maxLength: 300 }), (start, jumps) => {
        const tracker = new SequenceTracker();
        const seen = new Set<number>();
        let duplicates = 0;
        let highest = -1;
        for (const by of jumps) {
          const sequence = Math.max(0, (highest < 0 ? start : highest) + by);
          expect(tracker.take(sequence)).toBe(!seen.has(sequence));
          if (seen.has(sequence)) duplicates++;
          seen.add(sequence);
          highest = Math.max(highest, sequence);
        }
        expect([tracker.received, tracker.duplicates]).toEqual([seen.size, duplicates]);
        const all = seen.size === 0 ? 0 : highest - Math.min(...seen) + 1;
        expect(tracker.missing).toBe(all - seen.size);
      }),
    );
  });
});
