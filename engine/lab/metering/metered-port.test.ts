import { describe, expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { VERDICTS, meterSchema, socketsSchema, scenarioSchema, type Scenario, type TraceRecord } from '../../contract/index.ts';
import { DEFAULT_METER, DEFAULT_SOCKETS, DROP_REASONS, METER_DROPS, META_WORDS } from '../../stack/index.ts';
import { Pipeline } from '../pipeline.ts';
import { toPort } from '../receive-path.ts';
import { DUE_READERS } from '../services.ts';
import { mergeResults } from '../run.ts';
import { burstTraffic, together } from '../testing/bursts.ts';
import { feedTraffic, makeTraffic, randomScenario, runTraffic, scenarioOf, type Traffic } from '../testing/traffic.ts';
import type { TraceSink, VerdictSink } from '../types.ts';

const input = { skipped: {}, scenarioSha256: '0' };
const sink = (packets: number): VerdictSink => ({ verdict: new Uint8Array(packets), detail: new Uint8Array(packets) });

/** A scenario drawn from a seed whose host port feeds sockets, tight enough that everything happens. */
function randomMetered(seed: number): Scenario {
  const base = randomScenario(seed);
  const r = new Random(seed ^ 0x5eed);
  const pick = <T>(...values: readonly T[]): T => values[r.int(0, values.length - 1)]!;
  const profile = pick('lte', 'nr', 'wifi6', 'satellite', 'ethernet');
  const ports = base.ports.map((port) =>
    port.kind === 'user'
      ? port
      : {
          ...port,
          meter: {
            enable: r.float() < 0.8,
            intervalUs: r.int(50, 3_000),
            intervalMode: pick('fixed', 'adaptive'),
            portionCapBytes: r.int(1_000, 20_000),
            slotBytes: pick(256, 1_024, 2_048),
            fixedSlots: pick(undefined, r.int(2, 60)),
            shrinkHoldDownMs: r.int(0, 20),
            overflow: pick('tail_drop', 'head_drop', 'hold_in_pool'),
            grouping: pick('interface', 'socket'),
            drain: pick('channel', 'static'),
            maxAddedDelayMs: r.int(1, 30),
            earlyWake: r.float() < 0.3,
            jitterUs: pick(0, 200),
            rateMinBps: pick(undefined, 1_000_000),
          },
          sockets: {
            by: pick('flow', 'count'),
            count: r.int(1, 9),
            max: r.int(1, 70),
            rcvbufBytes: r.int(2_000, 40_000),
            readerBps: pick(0, r.int(1e6, 4e8)),
            wakeUs: r.int(0, 400),
            maxUnitBytes: pick(1_400, 65_535),
            lowatBytes: pick(1, 1_500),
            mbufs: pick(16, 65_536),
            stalls: r.float() < 0.5 ? [{ atMs: r.int(0, 20), forMs: r.int(1, 15), socket: pick(undefined, 0) }] : [],
            closes: r.float() < 0.4 ? [{ atMs: r.int(5, 40), socket: pick(undefined, 1) }] : [],
          },
        },
  );
  const network = {
    profile,
    changes: [
      { atMs: r.int(1, 30), profile: pick('lte', 'nr') },
      { atMs: r.int(30, 60), capability: { burstBytesMax: r.int(1, 300_000) } },
    ],
    conditions: { trace: pick('steady', 'fading', 'handover'), stepMs: 3, periodMs: 15 },
  };
  return scenarioSchema.parse({ ...base, device: { ...base.device, poolPackets: r.int(20, 200), network }, ports });
}

function outcome(pipeline: Pipeline): string {
  return JSON.stringify(pipeline.summary(input));
}

describe('a run with sockets is a function of input and scenario', () => {
  test.each([1, 2, 5, 6, 7])('random scenario %i: the same for any batch size and number of lanes, and nothing is lost', (seed) => {
    const scenario = randomMetered(seed);
    const traffic = makeTraffic({ packets: 2_500, flows: 60, seed, backwards: true });
    const verdicts = sink(2_500);
    const whole = runTraffic(scenario, traffic, 256, { series: { bins: 64 }, verdicts });
    const summary = whole.summary(input);
    expect(summary.conservation.objects.filter((o) => !o.ok)).toEqual([]);
    expect(verdicts.verdict.every((v) => VERDICTS[v] === 'delivered' || VERDICTS[v] === 'dropped')).toBe(true);
    const expected = JSON.stringify(summary);
    for (const size of [1, 33]) expect(outcome(runTraffic(scenario, traffic, size))).toBe(expected);
    const queues = Array.from({ length: scenario.device.queues }, (_, q) => q);
    const results = [0, 1]
      .map((lane) => queues.filter((q) => q % 2 === lane))
      .filter((own) => own.length > 0)
      .flatMap((own) => runTraffic(scenario, traffic, 100, { queues: own }).results());
    expect(JSON.stringify(mergeResults(scenario, results, input).summary)).toBe(expected);
  });

  test('going on from a snapshot equals never having stopped', () => {
    for (let seed = 20; seed < 26; seed++) {
      const scenario = randomMetered(seed);
      const traffic = makeTraffic({ packets: 2_000, flows: 50, seed });
      const expected = outcome(runTraffic(scenario, traffic));
      const first = new Pipeline(scenario);
      feedTraffic(first, traffic, 128, 0, 1_100);
      const snapshot = first.snapshot();
      const second = new Pipeline(scenario);
      feedTraffic(second, traffic, 100, 0, 900);
      second.restore(snapshot);
      feedTraffic(second, traffic, 64, 1_100);
      second.finish();
      expect(outcome(second)).toBe(expected);
    }
  });

  test('a packet never overtakes another of its flow', () => {
    for (let seed = 40; seed < 45; seed++) {
      const scenario = randomMetered(seed);
      const traffic = makeTraffic({ packets: 2_000, flows: 20, seed });
      const flows = new Map<number, string>();
      const last = new Map<string, number>();
      const sinkOf: TraceSink = {
        wants: (number) => number > 0,
        record({ event, layer, obj, fields }, number) {
          if (event === 'lookup') flows.set(number, `${obj} ${String(fields['flow'])}`);
          if (layer !== 'socket' || event !== 'read') return;
          const flow = flows.get(number)!;
          expect(number).toBeGreaterThan(last.get(flow) ?? 0);
          last.set(flow, number);
        },
      };
      runTraffic(scenario, traffic, 64, { trace: sinkOf });
      expect(last.size).toBeGreaterThan(0);
    }
  });
});

describe('scenarios without sockets are as before', () => {
  test('nothing of regulation is in their summary', () => {
    const summary = runTraffic(scenarioOf({}), makeTraffic({ packets: 100, flows: 4, seed: 1 })).summary(input);
    expect(Object.keys(summary)).not.toContain('meter');
    expect(Object.keys(summary)).not.toContain('sockets');
    expect(Object.keys(summary)).not.toContain('stages');
  });

  test('the defaults of a run are those of the schemas', () => {
    expect(DEFAULT_METER).toEqual(meterSchema.parse({}));
    expect(DEFAULT_SOCKETS).toEqual(socketsSchema.parse({}));
  });
});

const MIB = 1 << 20;
const device = { queues: 1, rxRingSlots: 4_096, poolPackets: 8_192, moderationUs: 20, network: { profile: 'nr' as const } };
const burst = (bursts = 1): Traffic => burstTraffic({ bursts, burstBytes: MIB, periodNs: 100e6, lineBps: 4e9 });
const host = (meter: object, sockets: object = {}): Scenario =>
  scenarioOf({ device, ports: [{ id: 'host', kind: 'host', meter, sockets: { rcvbufBytes: 131_072, readerBps: 4e8, ...sockets } }] });

describe('acceptance', () => {
  test('1: a 1 MiB burst overflows a socket of 128 KiB without the meter, loses nothing with it, and keeps its order', () => {
    const off = runTraffic(host({ enable: false }), burst(3)).summary(input);
    expect(off.drops['sock_full_drop']).toBeGreaterThan(1_000);
    const order: number[] = [];
    const trace: TraceSink = {
      wants: (n) => n > 0,
      record: (record, number) => {
        if (record.layer === 'socket' && record.event === 'read') order.push(number);
      },
    };
    const on = runTraffic(host({}, { readerBps: 1e8 }), burst(3), 256, { trace }).summary(input);
    expect(on.drops).toEqual({});
    expect(on.meter![0]!.stall).toBeGreaterThan(0);
    expect(order).toEqual(Array.from({ length: 3 * Math.round(MIB / 1_500) }, (_, i) => i + 1));
    expect(on.sockets!.fillMaxBytes).toBeLessThanOrEqual(131_072);
  });

  test('2: the 99th percentile of a user stack does not move while a legacy socket is stalled', () => {
    const user = burstTraffic({ bursts: 40, burstBytes: 60_000, periodNs: 10e6, lineBps: 1e9, port: 5_000 });
    const traffic = together(burst(3), user);
    const scenario = (stalls: object[]): Scenario =>
      scenarioOf({
        device,
        ports: [
          { id: 'ch3', kind: 'user', select: [{ port: 5_000 }] },
          { id: 'host', kind: 'host', meter: {}, sockets: { stalls } },
        ] as never,
      });
    const p99 = (s: Scenario): number[] =>
      runTraffic(s, traffic)
        .summary(input)
        .stages!.filter((x) => x.port === 'ch3' && x.stage === 'total')
        .flatMap((x) => [x.p99, x.max, x.packets]);
    const stalled = runTraffic(scenario([{ atMs: 0, forMs: 350 }]), traffic).summary(input);
    expect(stalled.sockets!.top[0]!.longestStallNs).toBeGreaterThan(300e6);
    expect(p99(scenario([{ atMs: 0, forMs: 350 }]))).toEqual(p99(scenario([])));
  });

  test('3: the size of the ring follows the capability record: growth at once, shrinking within one hold-down', () => {
    const changes = [
      { atMs: 50, profile: 'lte' as const },
      { atMs: 400, profile: 'nr' as const },
    ];
    const scenario = scenarioOf({
      device: { ...device, network: { profile: 'nr', changes } },
      ports: [{ id: 'host', kind: 'host', meter: { shrinkHoldDownMs: 200 }, sockets: {} }],
    });
    const { sizes } = runTraffic(scenario, burst(6)).summary(input).meter![0]!;
    expect(sizes.map(({ tNs, event, slots, rat }) => [tNs / 1e6, event, slots, rat])).toEqual([
      [0, 'start', 2_048, 'NR'],
      [50, 'shrink-wanted', 2_048, 'LTE'],
      [250, 'shrink', 512, 'LTE'],
      [400, 'grow', 2_048, 'NR'],
    ]);
    expect(sizes[0]!.rule).toContain('1,048,576 bytes of one burst');
  });
});

const DROP_CASES: string[] = [];

describe('drops, each with its reason', () => {
  const traffic = burst(2);
  const cases: [string, Scenario][] = [
    ['ring_full_drop', host({ fixedSlots: 64 })],
    ['ring_head_drop', host({ fixedSlots: 64, overflow: 'head_drop' })],
    ['sock_full_drop', host({ enable: false })],
    ['sock_oversize', host({}, { maxUnitBytes: 1_499 })],
    ['sock_closed', host({}, { closes: [{ atMs: 50 }] })],
    ['purged', host({}, { closes: [{ atMs: 5 }], readerBps: 1e7 })],
    ['mbuf_nomem', host({ enable: false }, { mbufs: 16 })],
  ];
  DROP_CASES.push(...cases.map(([name]) => name));
  test.each(cases)('%s can be reached, and is the reason given', (name, scenario) => {
    const packets = traffic.frames.length;
    const verdicts = sink(packets);
    const summary = runTraffic(scenario, traffic, 64, { verdicts }).summary(input);
    expect(summary.drops[name]).toBeGreaterThan(0);
    expect(summary.conservation.ok).toBe(true);
    const code = DROP_REASONS.find((r) => r.name === name)!.code;
    expect(verdicts.detail.filter((d, i) => VERDICTS[verdicts.verdict[i]!] === 'dropped' && d === code).length).toBe(summary.drops[name]);
  });
});

test('every reason that a meter or a socket gives has a case above', () => {
  const names = METER_DROPS.map((code) => DROP_REASONS.find((r) => r.code === code)!.name);
  expect(names).toEqual(DROP_CASES);
});

describe('policies', () => {
  test('hold_in_pool leaves in the device pool what the ring has no room for, and loses nothing', () => {
    const summary = runTraffic(host({ fixedSlots: 64, overflow: 'hold_in_pool' }), burst()).summary(input);
    expect(summary.drops).toEqual({});
    expect(summary.meter![0]).toMatchObject({ highWaterSlots: 64, ringFullDrop: 0 });
    expect(summary.meter![0]!.waitingMax).toBeGreaterThan(400);
  });

  test('a packet that waited for maxAddedDelayMs goes to its socket whatever the rate says', () => {
    const slow = { rateMinBps: 1e6, rateMaxBps: 1e6, maxAddedDelayMs: 20 };
    const summary = runTraffic(host(slow, { rcvbufBytes: 4 * MIB }), burst()).summary(input);
    expect(summary.meter![0]!.flushed).toBeGreaterThan(600);
    expect(summary.meter![0]!.addedDelayUs.max).toBeLessThanOrEqual(20_001);
  });

  test('deficit round robin gives sockets equal shares of the drain rate, whatever their packets', () => {
    const many = burstTraffic({ bursts: 1, burstBytes: 600_000, periodNs: 1e9, lineBps: 4e9, packetBytes: 1_500, port: 7_001 });
    const small = burstTraffic({ bursts: 1, burstBytes: 600_000, periodNs: 1e9, lineBps: 4e9, packetBytes: 300, port: 7_002 });
    const scenario = host(
      { rateMinBps: 5e7, rateMaxBps: 5e7, fixedSlots: 8_192, maxAddedDelayMs: 60_000 },
      { rcvbufBytes: 4 * MIB, readerBps: 0 },
    );
    const pipeline = new Pipeline(scenario);
    feedTraffic(pipeline, together(many, small), 64);
    const bytes = (tNs: number): number[] => {
      pipeline.advanceTo(tNs);
      const rows = pipeline.summary(input).sockets!.top.toSorted((a, b) => a.socket - b.socket);
      return rows.map((row) => row.bytes);
    };
    const [early, late] = [bytes(20e6), bytes(60e6)];
    const got = late.map((n, i) => n - early[i]!);
    expect(got.length).toBe(2);
    expect(Math.abs(got[0]! - got[1]!)).toBeLessThan(2 * 1_518);
    expect(got[0]).toBeGreaterThan(100_000);
  });

  test('a socket that is out of tokens takes no turns from one that has some', () => {
    const released = (flows: number): number => {
      // The first burst leaves the buckets of all but the last socket empty; the second goes to the last alone.
      const first = burstTraffic({ bursts: 1, burstBytes: (flows - 1) * 60_000, periodNs: 1e9, lineBps: 4e9, flows: flows - 1 });
      const last = burstTraffic({ bursts: 1, burstBytes: 15_000, periodNs: 1e9, lineBps: 4e9, port: 9_900, startNs: 20e6 });
      const slow = { grouping: 'socket', rateMinBps: 1e6, rateMaxBps: 1e6, maxAddedDelayMs: 60_000, portionCapBytes: 16_384 };
      const pipeline = new Pipeline(host(slow, { rcvbufBytes: 4 * MIB, readerBps: 0 }));
      feedTraffic(pipeline, together(first, last), 64);
      pipeline.advanceTo(21.2e6);
      return pipeline.summary(input).sockets!.top.find(({ socket }) => socket === flows - 1)!.bytes;
    };
    expect(released(2)).toBe(15_000);
    expect(released(5)).toBe(15_000);
  });

  test('an application that is woken at a low-water mark gets what is below it at the end, and a full buffer wakes it', () => {
    const summary = runTraffic(host({}, { lowatBytes: 131_000 }), burst()).summary(input);
    expect(summary.sockets).toMatchObject({ drops: 0, readPackets: Math.round(MIB / 1_500) });
  });

  test('a socket whose reader stops is reported', () => {
    const summary = runTraffic(host({ maxAddedDelayMs: 60_000 }, { stalls: [{ atMs: 0, forMs: 11_000 }] }), burst()).summary(input);
    expect(summary.sockets).toMatchObject({ stalledSockets: 1, drops: 0 });
  });

  test('a packet that another port has made takes room in the device pool until its socket has it, or is dropped for want of it', () => {
    const pipeline = new Pipeline(host({}));
    const world = pipeline.worlds[0]!;
    const port = world.ports[world.hostIndex]!;
    const hand = (): void => {
      const slot = world.store.alloc(1);
      world.store.meta.set([1, 1_500, -2, 0, 0, 0, 0, 1], slot * META_WORDS);
      toPort(world, port, DUE_READERS + world.hostIndex, slot, slot * META_WORDS);
    };
    hand();
    expect([world.devicePool.used, world.metered!.meter.inside, world.store.used]).toEqual([1, 1, 0]);
    pipeline.finish();
    expect([world.devicePool.used, world.metered!.meter.inside, port.counters.delivered]).toEqual([0, 0, 1]);
    world.devicePool.used = world.devicePool.packets;
    hand();
    expect(port.counters.dropped).toBe(1);
    expect(world.store.used).toBe(0);
  });

  test('one ring for each socket: a stalled socket does not take the slots of others', () => {
    const traffic = burstTraffic({ bursts: 20, burstBytes: 120_000, periodNs: 20e6, lineBps: 1e9, flows: 2 });
    const sockets = { by: 'count', count: 2, stalls: [{ atMs: 0, forMs: 500, socket: 0 }] };
    const run = (grouping: string): TraceRecord['fields'] =>
      Object.fromEntries(
        runTraffic(host({ grouping, fixedSlots: 128 }, sockets), traffic)
          .summary(input)
          .sockets!.top.map((row) => [String(row.socket), row.drops]),
      );
    expect(run('interface')['1']).toBeGreaterThan(0);
    expect(run('socket')['1']).toBe(0);
  });
});
