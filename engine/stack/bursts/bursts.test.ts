import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  burstReportSchema,
  burstSettingsSchema,
  type BurstReport,
  type BurstSettingsInput,
  type MarkerSummary,
} from '../../contract/index.ts';
import {
  BurstAnalysis,
  CURVE_RATES_BPS,
  GREEN,
  QueueBank,
  RED,
  RateClock,
  SingleRateMarker,
  TwoRateMarker,
  VirtualQueue,
  YELLOW,
  colourOfDscp,
  type Colour,
  type Marker,
} from './index.ts';

/** One byte in the units of the reference: bit-nanoseconds at one bit per second. */
const BYTE = 8_000_000_000n;

/** A test of a property over arbitrary values. */
function property<T extends [unknown, ...unknown[]]>(arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return (name: string, check: (...values: T) => void): void => {
    test(name, () => {
      fc.assert(fc.property<T>(...arbitraries, check));
    });
  };
}

interface Packet {
  readonly tNs: number;
  readonly bytes: number;
  readonly colour: Colour;
}

const gap = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 2_000 }),
  fc.integer({ min: 0, max: 20_000_000 }),
  fc.integer({ min: 0, max: 4_000_000_000 }),
);
const packets = fc
  .array(fc.record({ gap, bytes: fc.integer({ min: 0, max: 9_000 }), colour: fc.constantFrom<Colour>(GREEN, YELLOW, RED) }), {
    minLength: 1,
    maxLength: 120,
  })
  .map((list) => {
    let tNs = 0;
    return list.map((each): Packet => ({ tNs: (tNs += each.gap), bytes: each.bytes, colour: each.colour }));
  });
const rate = fc.oneof(fc.constantFrom(1e6, 1e7, 1e9, 1e10, 25e9), fc.integer({ min: 1_000, max: 1e12 }), fc.integer({ min: 1, max: 1e7 }));
const size = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 200_000 }));

const columns = (list: readonly Packet[]): [Float64Array, Uint32Array, Uint8Array] => [
  Float64Array.from(list, ({ tNs }) => tNs),
  Uint32Array.from(list, ({ bytes }) => bytes),
  Uint8Array.from(list, ({ colour }) => colour),
];

function analyse(list: readonly Packet[], input: BurstSettingsInput = {}, cuts: readonly number[] = []): BurstReport {
  const analysis = new BurstAnalysis(burstSettingsSchema.parse(input));
  const [tsNs, lengths, colours] = columns(list);
  const ends = [...new Set([...cuts.map((cut) => Math.min(cut, list.length)), list.length])].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    analysis.take(tsNs, lengths, from, end, from + 1, colours);
    from = end;
  }
  return analysis.finish();
}

describe('rate clock', () => {
  property([rate, fc.oneof(gap, fc.integer({ min: 0, max: 9e15 }))])('is exact', (rateBps, dtNs) => {
    const clock = new RateClock(rateBps);
    clock.accrue(dtNs);
    const exact = BigInt(rateBps) * BigInt(dtNs);
    if (exact / BYTE >= 2n ** 50n - 2n) {
      expect(clock.bytes).toBeGreaterThanOrEqual(2 ** 50 - 2);
      return;
    }
    const perUnit = BYTE / BigInt(clock.unitsPerByte);
    expect(BigInt(clock.bytes) * BYTE + BigInt(clock.fraction) * perUnit).toBe(exact);
    expect(clock.fraction).toBeLessThan(clock.unitsPerByte);
  });
});

/** RFC 2697 and RFC 2698 as they are written, with buckets in exact big numbers. */
class ReferenceBucket {
  private readonly sizeUnits: bigint;
  private units: bigint;

  constructor(sizeBytes: number) {
    this.sizeUnits = BigInt(sizeBytes) * BYTE;
    this.units = this.sizeUnits;
  }

  /** Gives back what has no room. */
  pour(units: bigint): bigint {
    const sum = this.units + units;
    this.units = sum < this.sizeUnits ? sum : this.sizeUnits;
    return sum - this.units;
  }

  has(bytes: number): boolean {
    return this.units - BigInt(bytes) * BYTE >= 0n;
  }

  take(bytes: number): void {
    this.units -= BigInt(bytes) * BYTE;
  }
}

function referenceSingle(list: readonly Packet[], cir: number, cbs: number, ebs: number, aware: boolean): Colour[] {
  const c = new ReferenceBucket(cbs);
  const e = new ReferenceBucket(ebs);
  let last = 0;
  return list.map(({ tNs, bytes, colour }) => {
    e.pour(c.pour(BigInt(cir) * BigInt(tNs - last)));
    last = tNs;
    const before = aware ? colour : GREEN;
    if (before === GREEN && c.has(bytes)) {
      c.take(bytes);
      return GREEN;
    }
    if (before !== RED && e.has(bytes)) {
      e.take(bytes);
      return YELLOW;
    }
    return RED;
  });
}

function referenceTwo(list: readonly Packet[], [cir, cbs, pir, pbs]: readonly [number, number, number, number], aware: boolean): Colour[] {
  const c = new ReferenceBucket(cbs);
  const p = new ReferenceBucket(pbs);
  let last = 0;
  return list.map(({ tNs, bytes, colour }) => {
    p.pour(BigInt(pir) * BigInt(tNs - last));
    c.pour(BigInt(cir) * BigInt(tNs - last));
    last = tNs;
    const before = aware ? colour : GREEN;
    if (before === RED || !p.has(bytes)) return RED;
    p.take(bytes);
    if (before === YELLOW || !c.has(bytes)) return YELLOW;
    c.take(bytes);
    return GREEN;
  });
}

const colours = (marker: Marker, list: readonly Packet[], aware: boolean): Colour[] =>
  list.map(({ tNs, bytes, colour }) => marker.meter(tNs, bytes, aware ? colour : GREEN));

describe('token buckets', () => {
  property([packets, rate, size, size, fc.boolean()])('the single rate marker is that of RFC 2697', (list, cir, cbs, ebs, aware) => {
    expect(colours(new SingleRateMarker(cir, cbs, ebs), list, aware)).toEqual(referenceSingle(list, cir, cbs, ebs, aware));
  });

  property([packets, rate, size, rate, size, fc.boolean()])(
    'the two rate marker is that of RFC 2698',
    (list, cir, cbs, pir, pbs, aware) => {
      expect(colours(new TwoRateMarker(cir, cbs, pir, pbs), list, aware)).toEqual(referenceTwo(list, [cir, cbs, pir, pbs], aware));
    },
  );

  test('by hand: 8 Mbit/s is a byte a microsecond', () => {
    const marker = new SingleRateMarker(8_000_000, 1_500, 1_000);
    expect(marker.meter(0, 1_500, GREEN)).toBe(GREEN);
    expect(marker.meter(0, 1_000, GREEN)).toBe(YELLOW);
    expect(marker.meter(999_000, 1_000, GREEN)).toBe(RED);
    expect(marker.meter(1_000_000, 1_000, GREEN)).toBe(GREEN);
    // Five milliseconds bring 5,000 bytes: 1,500 fill C, the next 1,000 fill E, the rest is lost.
    expect(marker.meter(6_000_000, 1_500, GREEN)).toBe(GREEN);
    expect(marker.meter(6_000_000, 1_000, GREEN)).toBe(YELLOW);
    expect(marker.meter(6_000_000, 1, GREEN)).toBe(RED);
  });

  test('colours of assured forwarding, and green for the others', () => {
    expect([10, 12, 14, 34, 36, 38].map(colourOfDscp)).toEqual([GREEN, YELLOW, RED, GREEN, YELLOW, RED]);
    expect([0, 8, 46, 48, 2, 16, 63].map(colourOfDscp)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('virtual queue', () => {
  property([packets, rate])('the smallest bucket passes everything, and a byte less does not', (list, rateBps) => {
    const { bufferBytes } = queueOf(list, rateBps);
    const red = (bucket: number): number => colours(new SingleRateMarker(rateBps, bucket, 0), list, false).filter((c) => c === RED).length;
    expect(red(bufferBytes)).toBe(0);
    if (bufferBytes > 0) expect(red(bufferBytes - 1)).toBeGreaterThan(0);
  });

  property([packets])('the curve is the queue at every rate, and falls', (list) => {
    const bank = new QueueBank();
    for (const { tNs, bytes } of list) bank.add(tNs, bytes);
    const points = bank.points();
    expect(points.map(({ bucketBytes }) => bucketBytes)).toEqual(CURVE_RATES_BPS.map((each) => queueOf(list, each).bufferBytes));
    for (let i = 1; i < points.length; i++) expect(points[i]!.bucketBytes).toBeLessThanOrEqual(points[i - 1]!.bucketBytes!);
  });

  property([packets, rate])('busy periods hold every packet once', (list, rateBps) => {
    const { microbursts, busyPeriods, busyNs, bufferBytes } = queueOf(list, rateBps);
    expect(microbursts).toHaveLength(busyPeriods);
    const inOrder = microbursts.toSorted((a, b) => a.firstPacket - b.firstPacket);
    let next = 1;
    for (const burst of inOrder) {
      expect(burst.firstPacket).toBe(next);
      expect(burst.lastPacket).toBe(burst.firstPacket + burst.packets - 1);
      const own = list.slice(burst.firstPacket - 1, burst.lastPacket);
      expect(burst.bytes).toBe(own.reduce((sum, { bytes }) => sum + bytes, 0));
      expect(burst.startNs).toBe(own[0]!.tNs);
      expect(burst.peakBytes).toBeLessThanOrEqual(burst.bytes);
      next = burst.lastPacket + 1;
    }
    expect(next).toBe(list.length + 1);
    expect(busyNs).toBe(microbursts.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0));
    expect(Math.max(...microbursts.map(({ peakBytes }) => peakBytes))).toBe(bufferBytes);
  });

  test('a queue that cannot be counted exactly is given up, not guessed', () => {
    const bank = new QueueBank([1_500]);
    for (let i = 0; i < 200; i++) bank.add(i, 4_000_000);
    expect(bank.points()).toEqual([{ rateBps: 1_500, bucketBytes: null }]);
  });
});

function queueOf(list: readonly Packet[], rateBps: number): ReturnType<VirtualQueue['finish']> {
  const queue = new VirtualQueue(rateBps, list.length);
  list.forEach(({ tNs, bytes }, i) => {
    queue.add(tNs, bytes, i + 1);
  });
  return queue.finish();
}

describe('scales', () => {
  property([packets, fc.constantFrom(1_000, 10_000, 1e6, 1e8, 1e9)])('windows and bursts are those of the definition', (list, scaleNs) => {
    const report = analyse(list, { scalesNs: [scaleNs], listScaleNs: scaleNs, rateBps: 1e6, top: 100 });
    const scale = report.scales[0]!;
    const start = list[0]!.tNs;
    const sums = new Map<number, number>();
    const steps = new Map<number, number>();
    for (const { tNs, bytes } of list) {
      const window = Math.floor((tNs - start) / scaleNs);
      sums.set(window, (sums.get(window) ?? 0) + bytes);
      const step = Math.floor((tNs - start) / (scaleNs / 10));
      for (let i = 0; i < 10; i++) steps.set(step + i, (steps.get(step + i) ?? 0) + bytes);
    }
    const windows = Math.floor((list.at(-1)!.tNs - start) / scaleNs) + 1;
    const total = list.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(scale.windows).toBe(windows);
    expect(scale.emptyWindows).toBe(windows - [...sums.values()].filter((bytes) => bytes > 0).length);
    expect(scale.windowBytes.max).toBe(Math.max(...sums.values()));
    expect(scale.windowBytes.mean).toBeCloseTo(total / windows, 6);
    expect(scale.peak.bytes).toBe(Math.max(...steps.values()));
    const room = (1e6 * scaleNs) / 8e9;
    const over = [...sums.values()].filter((bytes) => bytes > room);
    expect(scale.above!.windows).toBe(over.length);
    expect(scale.above!.bytes).toBe(Math.ceil(over.reduce((sum, bytes) => sum + bytes - room, 0)));

    const bursts: Packet[][] = [];
    for (const [i, packet] of list.entries()) {
      if (i === 0 || packet.tNs - list[i - 1]!.tNs > scaleNs) bursts.push([packet]);
      else bursts.at(-1)!.push(packet);
    }
    expect(scale.bursts.count).toBe(bursts.length);
    expect(scale.bursts.single).toBe(bursts.filter((burst) => burst.length === 1).length);
    expect(scale.bursts.packets.max).toBe(Math.max(...bursts.map((burst) => burst.length)));
    expect(scale.bursts.gapNs.count).toBe(bursts.length - 1);
    expect(report.top.map(({ bytes }) => bytes)).toEqual(
      bursts
        .map((burst) => burst.reduce((sum, { bytes }) => sum + bytes, 0))
        .sort((a, b) => b - a)
        .slice(0, 100),
    );
  });

  test('a silence of a year costs nothing and counts its empty windows', () => {
    const year = 365 * 86_400e9;
    const report = analyse([
      { tNs: 0, bytes: 100, colour: GREEN },
      { tNs: year, bytes: 100, colour: GREEN },
    ]);
    const [finest] = report.scales;
    expect(finest!.windows).toBe(year / 10_000 + 1);
    expect(finest!.emptyWindows).toBe(year / 10_000 - 1);
    expect(finest!.windowBytes.p99).toBe(0);
    expect(finest!.bursts).toMatchObject({ count: 2, single: 2 });
  });
});

describe('analysis', () => {
  const settings = fc.record({
    rateBps: fc.option(rate, { nil: null }),
    marker: fc.option(fc.record({ kind: fc.constant('single' as const), cirBps: rate, cbsBytes: size, ebsBytes: size }), { nil: null }),
    colourAware: fc.boolean(),
    overheadBytes: fc.integer({ min: -64, max: 64 }),
  });

  property([packets, settings, fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 8 })])(
    'does not depend on how the stream is cut',
    (list, input, cuts) => {
      const whole = analyse(list, input);
      expect(analyse(list, input, cuts)).toEqual(whole);
      expect(burstReportSchema.parse(whole)).toEqual(whole);
    },
  );

  property([packets, rate, size, size, fc.boolean()])('conformance adds up', (list, cirBps, cbsBytes, ebsBytes, colourAware) => {
    const { conformance, bytes } = analyse(list, { marker: { kind: 'single', cirBps, cbsBytes, ebsBytes }, colourAware });
    const { green, yellow, red, smallestCommittedBytes } = conformance!;
    expect(green.packets + yellow.packets + red.packets).toBe(list.length);
    expect(green.bytes + yellow.bytes + red.bytes).toBe(bytes);
    const expected = referenceSingle(list, cirBps, cbsBytes, ebsBytes, colourAware);
    expect(red.firstPacket).toBe(expected.indexOf(RED) + 1);
    if (!colourAware) expect(cbsBytes >= smallestCommittedBytes).toBe(expected.every((colour) => colour === GREEN));
  });

  property([packets, rate, rate])(
    'color-aware, the smallest buckets leave each packet its colour; a byte less does not',
    (list, one, other) => {
      const [cirBps, pirBps] = [Math.min(one, other), Math.max(one, other)];
      const measure = (cbsBytes: number, pbsBytes: number): MarkerSummary =>
        analyse(list, { marker: { kind: 'two', cirBps, cbsBytes, pirBps, pbsBytes }, colourAware: true }).conformance!;
      const came = (colour: Colour): number => list.filter((packet) => packet.colour === colour).length;
      const need = measure(0, 0);
      const [cbs, pbs] = [need.smallestCommittedBytes, need.smallestPeakBytes!];
      const kept = measure(cbs, pbs);
      expect([kept.green.packets, kept.yellow.packets, kept.red.packets]).toEqual([came(GREEN), came(YELLOW), came(RED)]);
      if (cbs > 0) expect(measure(cbs - 1, pbs).green.packets).toBeLessThan(came(GREEN));
      if (pbs > 0) expect(measure(cbs, pbs - 1).red.packets).toBeGreaterThan(came(RED));
    },
  );

  test('a packet stamped in the past counts at the latest time', () => {
    const report = analyse([
      { tNs: 5_000, bytes: 10, colour: GREEN },
      { tNs: 1_000, bytes: 20, colour: GREEN },
      { tNs: 9_000, bytes: 30, colour: GREEN },
    ]);
    expect(report).toMatchObject({ packets: 3, bytes: 60, backwards: 1, startNs: 5_000, durationNs: 4_000 });
    expect(report.gapNs).toMatchObject({ count: 2, max: 4_000 });
  });

  test('nothing gives zeros', () => {
    const report = analyse([], { rateBps: 1e6, marker: { kind: 'two', cirBps: 1e6, cbsBytes: 1, pirBps: 2e6, pbsBytes: 1 } });
    expect(report).toMatchObject({ packets: 0, bytes: 0, durationNs: 0, meanBps: 0, top: [] });
    expect(report.queue).toMatchObject({ bufferBytes: 0, busyPeriods: 0 });
    expect(report.conformance).toMatchObject({ smallestCommittedBytes: 0, smallestPeakBytes: 0 });
  });
});
