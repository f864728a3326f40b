import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NS_PER_MS } from '../../base/index.ts';
import type { ConditionsSpec, MeterSpec } from '../../contract/index.ts';
import {
  CAPABILITY_PROFILES,
  Cells,
  DEFAULT_METER,
  DEFAULT_SOCKETS,
  DrainLaw,
  ReleaseInterval,
  RingSizer,
  SF_READ_BYTES,
  SOCKET_FLOATS,
  SOCKET_WORDS,
  S_FILL,
  SocketTable,
  capabilityChanges,
  channelTrace,
  parseConditionsCsv,
  wantedSlots,
} from './index.ts';
import { ReadHeap } from './read-heap.ts';

const lte = CAPABILITY_PROFILES.lte.capability;
const meter = (over: Partial<MeterSpec> = {}): MeterSpec => ({ ...DEFAULT_METER, ...over });

describe('ring size (B-12)', () => {
  test('is the next power of two of burst and hold bytes, between the limits, and says what drove it', () => {
    // (262,144 + 300e6 / 8 * 0.01) / 2,048 = 311.1
    expect(wantedSlots(lte, meter())).toMatchObject({ burstBytes: 262_144, holdBytes: 375_000, slots: 512, drivenBy: 'peakBps' });
    expect(wantedSlots({ ...lte, burstBytesMax: 4e6 }, meter()).drivenBy).toBe('burstBytesMax');
    expect(wantedSlots({ ...lte, burstBytesMax: 1e9 }, meter())).toMatchObject({ slots: 8_192, drivenBy: 'maxSlots' });
    expect(wantedSlots({ ...lte, burstBytesMax: 1, peakBps: 1_000 }, meter())).toMatchObject({ slots: 64, drivenBy: 'minSlots' });
    expect(wantedSlots(lte, meter({ fixedSlots: 100 }))).toMatchObject({ slots: 100, drivenBy: 'fixedSlots' });
  });

  test('does not shrink while what is inside does not fit, and forgets the wish when the record grows again', () => {
    const sizer = new RingSizer(meter({ shrinkHoldDownMs: 10 }), CAPABILITY_PROFILES.nr.capability);
    sizer.change(100, lte);
    expect(sizer.shrinkNs).toBe(100 + 10 * NS_PER_MS);
    expect(sizer.tryShrink(sizer.shrinkNs, 513)).toBe(false);
    expect(sizer.tryShrink(sizer.shrinkNs, 512)).toBe(true);
    expect(sizer.slots).toBe(512);
    sizer.change(2e8, CAPABILITY_PROFILES.ethernet.capability);
    expect(sizer.slots).toBe(1_024);
    sizer.change(3e8, lte);
    sizer.change(3e8 + 1, CAPABILITY_PROFILES.nr.capability);
    expect(sizer.shrinkNs).toBe(Infinity);
    expect(sizer.slots).toBe(2_048);
  });

  test('advisories come in order of time, and change a field or the whole record', () => {
    const changes = capabilityChanges({
      profile: 'lte',
      capability: { mtu: 1_300 },
      changes: [
        { atMs: 20, profile: 'nr' },
        { atMs: 10, capability: { peakBps: 1e6 } },
      ],
    });
    expect(changes.map((c) => [c.atNs / NS_PER_MS, c.capability.rat, c.capability.mtu, c.capability.peakBps])).toEqual([
      [0, 'LTE', 1_300, 3e8],
      [10, 'LTE', 1_300, 1e6],
      [20, 'NR', 1_500, 2e9],
    ]);
  });
});

describe('drain law (B-16)', () => {
  test('drains a backlog in the expected gap, faster on a good channel, and stays between the limits', () => {
    const law = new DrainLaw(meter(), lte);
    expect(law.targetNs).toBe(5 * NS_PER_MS);
    law.setChannel(0, Infinity);
    expect(law.targetNs).toBe(15 * NS_PER_MS);
    // 300,000 bytes in 15 ms.
    expect(law.rateFor(300_000)).toBeCloseTo(160e6);
    expect(law.rateFor(1_000)).toBe(80e6);
    expect(law.rateFor(1e7)).toBe(300e6);
    law.setChannel(0, 50e6);
    expect(law.rateFor(1e7)).toBe(50e6);
    expect(law.rateFor(1)).toBe(50e6);
  });

  test('learns the gap between bursts by eighths and forgets it at a handover', () => {
    const law = new DrainLaw(meter(), lte);
    law.arrived(0, 1_000);
    law.arrived(500, 1_000);
    law.arrived(26_000_500, 1_000);
    expect(law.bursts).toBe(2);
    expect(law.burstMaxBytes).toBe(2_000);
    expect(law.expectedGapNs).toBe(12 * NS_PER_MS);
    law.forget();
    expect(law.expectedGapNs).toBe(10 * NS_PER_MS);
  });

  test('the static law knows neither channel nor gaps', () => {
    const law = new DrainLaw(meter({ drain: 'static' }), lte);
    law.setChannel(0.1, 1_000);
    law.arrived(0, 1);
    law.arrived(1e9, 1);
    expect(law.targetNs).toBe(10 * NS_PER_MS);
    expect(law.maxBps).toBe(300e6);
  });
});

describe('adaptive interval (B-17)', () => {
  test('climbs a level a second under load, and is back at the first after a second of silence', () => {
    const interval = new ReleaseInterval(meter({ intervalMode: 'adaptive' }), lte);
    expect(interval.ns).toBe(300_000);
    let t = 0;
    const levels = new Set<number>();
    for (; t < 5e9; t += 25_000) {
      interval.arrived(t, 1_000);
      levels.add(interval.level);
    }
    expect([...levels]).toEqual([0, 1, 2, 3, 4]);
    expect(interval.ns).toBe(400_000);
    interval.arrived(t + 1.1e9, 100);
    expect(interval.level).toBe(0);
    expect(interval.ns).toBe(300_000);
  });

  test('a fixed interval does not move', () => {
    const interval = new ReleaseInterval(meter({ intervalUs: 700 }), lte);
    for (let t = 0; t < 3e9; t += 100_000) interval.arrived(t, 1_000);
    expect(interval.ns).toBe(700_000);
  });
});

describe('channel conditions (B-03)', () => {
  const spec = (over: Partial<ConditionsSpec>): ConditionsSpec => ({ trace: 'rows', quality: 1, depth: 0.8, periodMs: 100, stepMs: 5, rows: [], csv: '', ...over }); // prettier-ignore

  test('CSV: good lines become rows; a bad one is named with line and column', () => {
    const good = parseConditionsCsv('at_ms,quality,current_bps,handover\n# moving\n0,1,,0\n10,0.25,5e6,1\n');
    expect(good.ok && good.value).toEqual([
      { atNs: 0, quality: 1, currentBps: undefined, loss: 0, handover: false },
      { atNs: 1e7, quality: 0.25, currentBps: 5e6, loss: 0, handover: true },
    ]);
    expect(parseConditionsCsv('at_ms,quality\n0,2')).toEqual({
      ok: false,
      error: { line: 2, column: 'quality', message: 'quality is not between 0 and 1' },
    });
    expect(parseConditionsCsv('at_ms,colour\n0,2')).toMatchObject({
      ok: false,
      error: { line: 1, column: 'colour', message: expect.stringContaining('no column colour') as string },
    });
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseConditionsCsv(text);
        parseConditionsCsv(`at_ms,quality\n${text}`);
      }),
    );
  });

  test('a trace is the same for a seed, within its bounds, and goes on from where it was', () => {
    for (const trace of ['fading', 'handover'] as const) {
      const [a, b, other] = [channelTrace(spec({ trace }), 7), channelTrace(spec({ trace }), 7), channelTrace(spec({ trace }), 8)];
      const values: number[] = [];
      let differs = false;
      for (let t = 0; t < 5e8; t += 5e6) {
        for (const x of [a, b, other]) x.advance(t);
        values.push(a.quality);
        expect(b.quality).toBe(a.quality);
        differs ||= other.quality !== a.quality;
      }
      expect(differs).toBe(true);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0.19);
      expect(Math.max(...values)).toBeLessThanOrEqual(1);
      b.restore(0);
      b.restore(a.position);
      expect([b.quality, b.nextNs, b.handovers]).toEqual([a.quality, a.nextNs, a.handovers]);
      if (trace === 'handover') expect(a.handovers).toBeGreaterThan(2);
    }
  });

  test('loss lowers the quality that the drain law sees', () => {
    const trace = channelTrace(spec({ rows: [{ atMs: 0, quality: 0.8, loss: 0.5, handover: false }] }), 1);
    expect(trace.effectiveQuality).toBeCloseTo(0.4);
  });
});

describe('receive buffers and readers', () => {
  test('whatever the times of looking, reads happen at the same instants, in order, and bytes are conserved', () => {
    const step = fc.record({ socket: fc.nat(5), gap: fc.nat(3e6), len: fc.integer({ min: 1, max: 1_500 }), look: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1e6, max: 1e9 }), (steps, readerBps) => {
        const run = (looks: boolean): string[] => {
          const cells = new Cells(1_000);
          const reads: string[] = [];
          const table = new SocketTable({ ...DEFAULT_SOCKETS, readerBps, stalls: [{ atMs: 1, forMs: 2, socket: 1 }] }, cells, {
            read: (cell) => reads.push(`${String(cells.socket[cell])} ${String(cells.number[cell])} ${String(table.readNs[0])}`),
            drained: () => undefined,
          });
          let t = 0;
          for (const [i, { socket, gap, len, look }] of steps.entries()) {
            t += gap;
            // Buckets that end are always looked at; the ones going on only in one of the two runs.
            table.advance(t);
            if (looks && look) table.advanceWithin(t);
            table.make(socket);
            table.catchUp(socket, t);
            const cell = cells.alloc();
            cells.number[cell] = i;
            cells.socket[cell] = socket;
            cells.lenBytes[cell] = len;
            table.append(socket, cell, t);
          }
          table.endOfInput(t);
          while (table.nextNs < Infinity) table.advance(table.nextNs);
          let fill = 0;
          let read = 0;
          for (let s = 0; s < table.last; s++) {
            fill += table.words[s * SOCKET_WORDS + S_FILL]!;
            read += table.floats[s * SOCKET_FLOATS + SF_READ_BYTES]!;
          }
          expect(fill).toBe(0);
          expect(read).toBe(steps.reduce((n, { len }) => n + len, 0));
          expect(cells.used).toBe(0);
          expect(table.mbufsUsed).toBe(0);
          return reads.sort();
        };
        expect(run(true)).toEqual(run(false));
      }),
      { numRuns: 60 },
    );
  });

  test('an mbuf is free exactly when a look at every socket finds one, and the instants of reading are the same', () => {
    const step = fc.record({ socket: fc.nat(20), gap: fc.nat(4e5), len: fc.integer({ min: 1, max: 1_500 }) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(1, 3_000),
        (steps, mbufs, lowatBytes) => {
          const run = (everySocket: boolean): string[] => {
            const cells = new Cells(1_000);
            const told: string[] = [];
            const spec = { ...DEFAULT_SOCKETS, mbufs, lowatBytes, readerBps: 2e7, stalls: [{ atMs: 2, forMs: 3, socket: 1 }] };
            const table = new SocketTable(spec, cells, {
              read: (cell) => told.push(`${String(cells.number[cell])} ${String(table.readNs[0])}`),
              drained: () => undefined,
            });
            let t = 0;
            for (const [i, { socket, gap, len }] of steps.entries()) {
              t += gap;
              table.advance(t);
              table.make(socket);
              if (everySocket) table.catchUpAll(t);
              const free = everySocket ? table.mbufsUsed < mbufs : table.haveMbuf(t);
              told.push(`${String(i)} ${free ? 'taken' : 'refused'}`);
              table.catchUp(socket, t);
              if (!free) {
                table.wake(socket, t);
                continue;
              }
              const cell = cells.alloc();
              cells.number[cell] = i;
              cells.lenBytes[cell] = len;
              table.append(socket, cell, t);
            }
            table.endOfInput(t);
            while (table.nextNs < Infinity) table.advance(table.nextNs);
            expect(table.mbufsUsed).toBe(0);
            return told.sort();
          };
          expect(run(false)).toEqual(run(true));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the heap of reads', () => {
  test('gives sockets in the order of their instants, equal ones by number', () => {
    const entries = fc.uniqueArray(fc.record({ at: fc.nat(20), socket: fc.nat(500) }), {
      selector: ({ socket }) => socket,
      maxLength: 200,
    });
    fc.assert(
      fc.property(entries, (list) => {
        const heap = new ReadHeap();
        for (const { at, socket } of list) heap.push(at, socket);
        const order = list.toSorted((a, b) => a.at - b.at || a.socket - b.socket);
        expect(order.map(({ at }) => [heap.firstNs === at, heap.pop()])).toEqual(order.map(({ socket }) => [true, socket]));
        expect([heap.size, heap.firstNs]).toEqual([0, Infinity]);
      }),
    );
  });
});
