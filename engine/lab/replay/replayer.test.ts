import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { Replayer, TimingError, burstGapNs, type Player, type ReplayerOptions } from './index.ts';

/** An input that is only times, and a pipeline that writes down what it was told. Snapshots every ten packets. */
class FakePlayer implements Player {
  tNs = 0;
  packet = 0;
  fedAt: { number: number; wallNs: number }[] = [];
  restores = 0;
  /** Packets ahead of which a snapshot is worth its while. */
  leap = Infinity;
  readonly times: readonly number[];
  readonly endNs: number;
  private readonly clock: () => number;

  constructor(times: readonly number[], clock: () => number, endNs = times.at(-1) ?? 0) {
    this.times = times;
    this.endNs = endNs;
    this.clock = clock;
  }
  get packets(): number {
    return this.times.length;
  }
  timeOf(packet: number): number {
    return this.times[packet - 1]!;
  }
  packetAt(tNs: number): number {
    let n = 0;
    while (n < this.times.length && this.times[n]! <= tNs) n++;
    return n;
  }
  feed(last: number, limit: number): number {
    let fed = 0;
    while (this.packet < last && fed < limit) {
      this.packet++;
      fed++;
      expect(this.timeOf(this.packet)).toBeGreaterThanOrEqual(this.tNs);
      this.tNs = this.timeOf(this.packet);
      this.fedAt.push({ number: this.packet, wallNs: this.clock() });
    }
    return fed;
  }
  advance(tNs: number): void {
    expect(tNs).toBeGreaterThanOrEqual(this.tNs);
    expect(this.packetAt(tNs)).toBe(this.packet);
    this.tNs = tNs;
  }
  leads(packet: number): boolean {
    return packet - this.packet >= this.leap;
  }
  restore(packet: number, tNs: number): void {
    this.restores++;
    let n = packet - (packet % 10);
    while (n > 0 && this.timeOf(n) > tNs) n -= 10;
    this.packet = Math.max(0, n);
    this.tNs = this.packet === 0 ? 0 : this.timeOf(this.packet);
  }
}

const MS = 1_000_000;
const S = 1_000_000_000;

function setup(times: readonly number[], options: Partial<ReplayerOptions> = {}, endNs?: number) {
  const world = { wallNs: 5 * S };
  const clock = () => world.wallNs;
  const player = new FakePlayer(times, clock, endNs);
  const replayer = new Replayer(player, { clock, ...options });
  /** Runs the host's loop: sleep until the time asked for, a little late, then tick. */
  const run = (untilWallNs = Infinity, lateNs = 0, maxTicks = 100_000) => {
    for (let i = 0; i < maxTicks; i++) {
      const wake = replayer.tick();
      if (wake === Infinity || wake > untilWallNs) {
        if (untilWallNs !== Infinity) world.wallNs = Math.max(world.wallNs, untilWallNs);
        return i + 1;
      }
      world.wallNs = Math.max(world.wallNs, Math.ceil(wake)) + (wake > world.wallNs ? lateNs : 0);
    }
    return maxTicks;
  };
  return { world, player, replayer, run };
}

const every = (gapNs: number, count: number) => Array.from({ length: count }, (_, i) => i * gapNs);

describe('play', () => {
  test('at a factor every packet is fed at its due time, and the host is asked to wait until then', () => {
    for (const speed of [0.5, 1, 4]) {
      const { player, replayer, run } = setup(every(3 * MS, 20));
      replayer.play(speed);
      run();
      expect(replayer.state).toBe('ended');
      expect(player.fedAt.map((f) => f.wallNs)).toEqual(every(3 * MS, 20).map((t) => 5 * S + Math.ceil(t / speed)));
      expect(replayer.errorNs).toEqual({ p50: 0, p99: 0, max: 0, packets: 20 });
    }
  });

  test('a late host is measured, and lateness does not add up', () => {
    const { replayer, player, run } = setup(every(3 * MS, 200));
    replayer.play(1);
    run(Infinity, 100_000);
    const figures = replayer.errorNs!;
    expect(figures.packets).toBe(200);
    expect(figures.max).toBe(100_000);
    expect(figures.p50).toBe(100_000);
    expect(player.fedAt.at(-1)!.wallNs - 5 * S).toBe(199 * 3 * MS + 100_000);
  });

  test('as fast as possible takes no wall time and bounded ticks, and claims no error', () => {
    const { replayer, player, run, world } = setup(every(S, 20_000));
    replayer.play(0);
    const ticks = run();
    expect(player.packet).toBe(20_000);
    expect(world.wallNs).toBe(5 * S);
    expect(ticks).toBeGreaterThanOrEqual(3);
    expect(replayer.errorNs).toBeNull();
    expect(replayer.state).toBe('ended');
  });

  test('no tick feeds more than its share, also when a million packets are due at once', () => {
    const { replayer, player } = setup(new Array<number>(30_000).fill(0));
    replayer.play(1);
    let before = 0;
    while (replayer.tick() !== Infinity) {
      expect(player.packet - before).toBeLessThanOrEqual(8_192);
      before = player.packet;
    }
    expect(player.packet).toBe(30_000);
  });

  test('pause holds, play goes on from there, and a change of speed leaves no packet out', () => {
    const { replayer, player, run, world } = setup(every(10 * MS, 100));
    replayer.play(1);
    run(5 * S + 95 * MS);
    expect(player.packet).toBe(10);
    replayer.tick();
    replayer.pause();
    expect(replayer.tick()).toBe(Infinity);
    const at = player.tNs;
    world.wallNs += 60 * S;
    expect(replayer.tick()).toBe(Infinity);
    expect(player.tNs).toBe(at);
    replayer.play(1);
    run(world.wallNs + 50 * MS);
    expect(player.packet).toBe(15);
    replayer.play(10);
    run();
    expect(player.fedAt.map((f) => f.number)).toEqual(every(1, 100).map((n) => n + 1));
    expect(replayer.counters.clockJumps).toBe(0);
  });

  test('in a gap of an hour the playhead moves and sleeps stay short', () => {
    const { replayer, player, run } = setup([0, 3_600 * S]);
    replayer.play(1);
    run(6 * S);
    expect(player.packet).toBe(1);
    expect(replayer.tick()).toBe(6 * S + 16 * MS);
    expect(replayer.tNs).toBe(S);
  });

  test('gaps beyond a limit are shortened to it when asked, and counted', () => {
    const { replayer, player, run, world } = setup([0, 100 * MS, 3_600 * S, 3_601 * S], { skipGapsNs: 2 * S });
    replayer.play(1);
    run();
    expect(player.packet).toBe(4);
    expect((world.wallNs - 5 * S) / S).toBeCloseTo(0.1 + 2 + 1, 6);
    expect(replayer.counters).toMatchObject({ gapsSkipped: 1, gapsSkippedNs: 3_600 * S - 100 * MS - 2 * S });
    expect(replayer.errorNs!.max).toBeLessThan(2);
  });

  test('skipping is said with what was left out, turned on in the middle of a gap, and counted anew from rest', () => {
    const changes: (object | null)[] = [];
    const made = setup([0, 100 * S, 100 * S + MS, 200 * S], { onChange: () => changes.push(made.replayer.skipped) });
    const { replayer, player, run, world } = made;
    replayer.play(1);
    run(world.wallNs + 10 * S);
    expect([player.packet, replayer.skipGapsNs, replayer.skipped]).toEqual([1, null, null]);
    replayer.setSkipGaps(S);
    run(world.wallNs + 500 * MS);
    expect(replayer.skipped).toEqual({ fromNs: 10 * S, toNs: 99 * S });
    expect(changes.at(-1)).toEqual({ fromNs: 10 * S, toNs: 99 * S });
    replayer.seek(150 * S);
    run(world.wallNs);
    expect(replayer.skipped).toEqual({ fromNs: 150 * S, toNs: 199 * S });
    expect(replayer.counters.gapsSkipped).toBe(2);
    run();
    replayer.play(1);
    expect(replayer.counters).toMatchObject({ gapsSkipped: 0, gapsSkippedNs: 0 });
    replayer.setSkipGaps(null);
    run(world.wallNs + 50 * S);
    expect(replayer.skipped).toBeNull();
  });

  test('a machine that slept goes on where it was; so does a clock set back', () => {
    const { replayer, player, run, world } = setup(every(10 * MS, 1_000));
    replayer.play(1);
    run(6 * S);
    const before = player.packet;
    world.wallNs += 3_600 * S;
    replayer.tick();
    expect(player.packet - before).toBeLessThanOrEqual(3);
    expect(replayer.counters.clockJumps).toBe(1);
    run(world.wallNs + S);
    expect(player.packet - before).toBeGreaterThan(95);
    world.wallNs -= 1_000 * S;
    replayer.tick();
    expect(replayer.counters.clockJumps).toBe(2);
    run(world.wallNs + S);
    expect(player.packet - before).toBeGreaterThan(190);
    expect(replayer.errorNs!.max).toBeLessThan(20 * MS);
  });

  test('an input without packets ends at once', () => {
    const { replayer, run } = setup([]);
    replayer.play(1);
    run();
    expect(replayer.state).toBe('ended');
    replayer.step('packet', 1);
    replayer.step('burst', -1);
    run();
    expect(replayer.packet).toBe(0);
    expect(replayer.errorNs).toBeNull();
  });
});

describe('seek, step and loop', () => {
  test('a seek says at once where it is going and gets there in bounded ticks', () => {
    const { replayer, player, run } = setup(every(1_000, 50_000));
    replayer.seek(40_000_500);
    expect([replayer.tNs, replayer.packet, replayer.seeking]).toEqual([40_000_500, 40_001, true]);
    expect(run()).toBeGreaterThan(3);
    expect([player.tNs, player.packet, replayer.seeking, replayer.state]).toEqual([40_000_500, 40_001, false, 'paused']);
    replayer.seek(1e15);
    run();
    expect(player.packet).toBe(50_000);
    replayer.seek(-5);
    run();
    expect([player.tNs, player.packet]).toEqual([0, 1]);
    replayer.seekPacket(0);
    run();
    expect(player.packet).toBe(0);
  });

  test('a seek far ahead goes on from a snapshot nearer to its place; a near one does not', () => {
    const { replayer, player, run } = setup(every(1_000, 50_000));
    player.leap = 30_000;
    replayer.seekPacket(20_000);
    run();
    expect([player.packet, player.restores, player.fedAt.length]).toEqual([20_000, 0, 20_000]);
    replayer.seekPacket(50_000);
    run();
    expect([player.packet, player.restores, player.fedAt.length]).toEqual([50_000, 1, 20_000]);
  });

  test('a later seek replaces an earlier one under way; playing goes on from the new place', () => {
    const { replayer, player, run, world } = setup(every(10 * MS, 50_000));
    replayer.play(1);
    replayer.tick();
    replayer.seekPacket(40_000);
    replayer.tick();
    replayer.seekPacket(100);
    run(world.wallNs + 100 * MS);
    expect(player.packet).toBe(110);
    expect(replayer.state).toBe('playing');
    expect(replayer.errorNs!.max).toBe(0);
  });

  test('steps by packet, also among packets of one instant', () => {
    const { replayer, player, run } = setup([0, 5, 5, 5, 9]);
    const positions: number[] = [];
    for (const direction of [1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1] as const) {
      replayer.step('packet', direction);
      run();
      positions.push(player.packet);
    }
    expect(positions).toEqual([1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 0]);
    expect(player.tNs).toBe(0);
  });

  test('steps by interval move exactly that far and stop at the ends', () => {
    const { replayer, player, run } = setup(every(7 * MS, 100));
    const at = (unit: '1ms' | '10ms' | '100ms' | '1s', direction: 1 | -1) => {
      replayer.step(unit, direction);
      run();
      return [player.tNs / MS, player.packet];
    };
    expect(at('10ms', 1)).toEqual([10, 2]);
    expect(at('100ms', 1)).toEqual([110, 16]);
    expect(at('1ms', -1)).toEqual([109, 16]);
    expect(at('1s', 1)).toEqual([693, 100]);
    expect(at('1s', -1)).toEqual([0, 1]);
  });

  test('steps by burst stop after a burst going forward and before one going back', () => {
    const burst = (startMs: number, count: number) => Array.from({ length: count }, (_, i) => startMs * MS + i * 10_000);
    const { replayer, player, run } = setup([...burst(0, 30), ...burst(200, 50), ...burst(400, 20)]);
    const step = (direction: 1 | -1) => {
      replayer.step('burst', direction);
      run();
      return player.packet;
    };
    expect([step(1), step(1), step(1), step(1)]).toEqual([30, 80, 100, 100]);
    expect([step(-1), step(-1), step(-1), step(-1)]).toEqual([80, 30, 0, 0]);
    replayer.seekPacket(55);
    run();
    expect([step(-1), step(1)]).toEqual([30, 80]);
    expect(burstGapNs(player)).toBeGreaterThan(10_000);
    expect(burstGapNs(player)).toBeLessThan(100 * MS);
  });

  test('a loop repeats its range until it is taken away; one without length is refused', () => {
    const { replayer, player, run, world } = setup(every(10 * MS, 100));
    expect(replayer.setLoop({ fromNs: 5, toNs: 5 })).toBe(false);
    expect(replayer.setLoop({ fromNs: 100 * MS, toNs: 200 * MS })).toBe(true);
    replayer.seek(100 * MS);
    replayer.play(1);
    run(world.wallNs + 450 * MS);
    expect(replayer.counters.loops).toBe(4);
    const fed = player.fedAt.map((f) => f.number).filter((n) => n === 15);
    expect(fed.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...player.fedAt.map((f) => f.number))).toBe(21);
    replayer.setLoop(null);
    run();
    expect([player.packet, replayer.state]).toEqual([100, 'ended']);
    replayer.play(0);
    run();
    expect(player.packet).toBe(100);
  });

  test('any order of commands leaves the player where the transport says, and every packet before it fed', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('seek' as const), value: fc.integer({ min: -10, max: 1_200 }) }),
      fc.record({ kind: fc.constant('packet' as const), value: fc.integer({ min: -2, max: 130 }) }),
      fc.record({ kind: fc.constant('step' as const), value: fc.integer({ min: 0, max: 11 }) }),
      fc.record({ kind: fc.constant('play' as const), value: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ kind: fc.constant('pause' as const), value: fc.constant(0) }),
      fc.record({ kind: fc.constant('wait' as const), value: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ kind: fc.constant('loop' as const), value: fc.integer({ min: 0, max: 900 }) }),
    );
    const units = ['packet', 'burst', '1ms', '10ms', '100ms', '1s'] as const;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 120 }), fc.array(command, { maxLength: 40 }), (gaps, commands) => {
        let t = 0;
        const times = gaps.map((g) => (t += g * MS));
        const { replayer, player, world } = setup(times);
        for (const { kind, value } of commands) {
          if (kind === 'seek') replayer.seek(value * MS);
          else if (kind === 'packet') replayer.seekPacket(value);
          else if (kind === 'step') replayer.step(units[value % 6]!, value < 6 ? 1 : -1);
          else if (kind === 'play') replayer.play(value);
          else if (kind === 'pause') replayer.pause();
          else if (kind === 'loop') replayer.setLoop(value === 0 ? null : { fromNs: value * MS, toNs: value * 2 * MS });
          else world.wallNs += value * 100_000;
          for (let i = 0; i < 50 && (replayer.seeking || i === 0); i++) replayer.tick();
          expect(replayer.seeking).toBe(false);
          expect(player.tNs).toBe(replayer.tNs);
          expect(player.packet).toBe(replayer.packet);
          // All packets before the instant were fed; those of the instant itself may still be to come after a step by packet.
          expect(player.packetAt(player.tNs - 1)).toBeLessThanOrEqual(player.packet);
          expect(player.packetAt(player.tNs)).toBeGreaterThanOrEqual(player.packet);
        }
      }),
      { numRuns: 400 },
    );
  });
});

test('percentiles of the timing error are right within a sixteenth of an octave', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 300 }), (values) => {
      const error = new TimingError();
      for (const v of values) error.add(v);
      const sorted = [...values].sort((a, b) => a - b);
      const f = error.figures()!;
      expect(f.max).toBe(sorted.at(-1));
      expect(f.packets).toBe(values.length);
      for (const [q, got] of [
        [0.5, f.p50],
        [0.99, f.p99],
      ] as const) {
        const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
        expect(got).toBeGreaterThanOrEqual(Math.floor(exact * 0.999));
        expect(got).toBeLessThanOrEqual(Math.ceil(exact * 2 ** (1 / 16)) + 1);
      }
    }),
  );
});
