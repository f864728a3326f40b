import { describe, expect, test } from 'vitest';
import { FLOW_SORT_KEYS, VERDICTS, flowRowSchema } from '../contract/index.ts';
import { DROP_REASONS, METER_DROPS, Nexus, filterStats } from '../stack/index.ts';
import { resampleSeries } from './merge.ts';
import { mergeResults } from './run.ts';
import { Pipeline } from './pipeline.ts';
import { feedTraffic, makeTraffic, randomScenario, runTraffic, scenarioOf } from './testing/traffic.ts';
import type { VerdictSink } from './types.ts';

const input = { skipped: {}, scenarioSha256: '0' };
const sink = (packets: number): VerdictSink => ({ verdict: new Uint8Array(packets), detail: new Uint8Array(packets) });

function outcome(pipeline: Pipeline): string {
  pipeline.flows.refresh();
  const flows = Array.from({ length: pipeline.flows.count }, (_, id) => pipeline.flows.row(id));
  return JSON.stringify({ summary: pipeline.summary(input), flows });
}

describe('a run is a function of input and scenario', () => {
  test.each([1, 2, 3, 4, 5, 6])('random scenario %i: the same for any batch size and any number of lanes, and nothing is lost', (seed) => {
    const scenario = randomScenario(seed);
    const traffic = makeTraffic({ packets: 6_000, flows: 90, seed, backwards: true });
    const whole = runTraffic(scenario, traffic, 256, { series: { bins: 64 } });
    const expected = outcome(whole);
    const summary = whole.summary(input);
    expect(summary.conservation.objects.filter((o) => !o.ok)).toEqual([]);
    expect(summary.packets).toBe(6_000);
    for (const size of [1, 7, 32, 6_000]) expect(outcome(runTraffic(scenario, traffic, size))).toBe(expected);
    for (const lanes of [1, 2, 4]) {
      const queues = Array.from({ length: scenario.device.queues }, (_, q) => q);
      const results = Array.from({ length: lanes }, (_, lane) => queues.filter((q) => q % lanes === lane))
        .filter((own) => own.length > 0)
        .reverse()
        .flatMap((own) => runTraffic(scenario, traffic, 100, { queues: own, series: { bins: 64 } }).results());
      const merged = mergeResults(scenario, results, input);
      const flows = Array.from({ length: merged.flows.count }, (_, id) => merged.flows.row(id));
      expect(JSON.stringify({ summary: merged.summary, flows })).toBe(expected);
      expect(merged.series).toEqual(whole.series());
    }
  });

  test('every packet has a final verdict, and verdicts add up to the summary', () => {
    for (let seed = 10; seed < 16; seed++) {
      const traffic = makeTraffic({ packets: 3_000, flows: 40, seed, backwards: true });
      const verdicts = sink(3_000);
      const summary = runTraffic(randomScenario(seed), traffic, 64, { verdicts }).summary(input);
      const drops: Record<string, number> = {};
      let delivered = 0;
      verdicts.verdict.forEach((v, i) => {
        const name = VERDICTS[v];
        expect(['delivered', 'dropped']).toContain(name);
        if (name === 'delivered') delivered++;
        else drops[DROP_REASONS[verdicts.detail[i]!]!.name] = (drops[DROP_REASONS[verdicts.detail[i]!]!.name] ?? 0) + 1;
      });
      expect(drops).toEqual(summary.drops);
      expect(delivered + Object.values(drops).reduce((a, b) => a + b, 0)).toBe(3_000);
    }
  });
});

describe('snapshots', () => {
  test('going on from a snapshot equals never having stopped', () => {
    for (let seed = 20; seed < 28; seed++) {
      const scenario = randomScenario(seed);
      const traffic = makeTraffic({ packets: 3_000, flows: 60, seed });
      const expected = outcome(runTraffic(scenario, traffic));
      const first = new Pipeline(scenario);
      feedTraffic(first, traffic, 128, 0, 1_700);
      const snapshot = first.snapshot();
      const second = new Pipeline(scenario);
      feedTraffic(second, traffic, 100, 0, 300);
      second.restore(snapshot);
      expect(second.frame().objects).toEqual(first.frame().objects);
      feedTraffic(second, traffic, 64, 1_700);
      second.finish();
      expect(outcome(second)).toBe(expected);
      // Back from the end, in the same pipeline: flows that it has seen are new again.
      second.restore(snapshot);
      feedTraffic(second, traffic, 200, 1_700);
      second.finish();
      expect(outcome(second)).toBe(expected);
      // One queue alone goes on from a snapshot of all.
      const alone = new Pipeline(scenario, { queues: [0] });
      alone.restore(snapshot);
      feedTraffic(alone, traffic, 64, 1_700);
      alone.finish();
      const wanted = runTraffic(scenario, traffic, 256, { queues: [0] }).summary(input);
      expect(alone.summary(input)).toEqual(wanted);
    }
  });
});

describe('drops', () => {
  const traffic = makeTraffic({ packets: 2_000, flows: 30, seed: 3, gapNs: 2_000 });
  const one = { queues: 1 } as const;
  const slow = { ...one, local: ['10.0.0.0/8'], linkBps: 1e7 };
  const cases: [string, Parameters<typeof scenarioOf>[0]][] = [
    ['nomem', { device: { ...one, poolPackets: 2 } }],
    ['device_rx_full', { device: { ...one, rxRingSlots: 2 } }],
    ['RxDstRingFull', { device: one, ports: [{ id: 'host', kind: 'host', rxRingSlots: 2 }] }],
    ['port_nomem', { device: one, ports: [{ id: 'host', kind: 'host', poolPackets: 2 }] }],
    [
      'tx_ring_full',
      {
        device: { ...one, local: ['10.0.0.0/8'] },
        flowSwitch: { perPacketNs: 50_000 },
        ports: [{ id: 'host', kind: 'host', txRingSlots: 2 }],
      },
    ],
    ['device_tx_full', { device: { ...one, local: ['10.0.0.0/8'], txRingSlots: 2, linkBps: 1e6 } }],
    ['aqm_drop', { device: slow, stack: { aqm: { targetMs: 1, intervalMs: 2, ecn: false, advisory: { enable: false } } } }],
    ['aqm_overload', { device: slow, stack: { aqm: { limitPackets: 20, advisory: { enable: false } } } }],
    ['class_queue_full', { device: slow, stack: { aqm: { mode: 'fifo', limitPackets: 20, advisory: { enable: false } } } }],
    ['flow_suspended', { device: slow, stack: { aqm: { advisory: { suspendBytes: 1_500, resumeBytes: 500, holdPackets: 10 } } } }],
    [
      'channel_gone',
      {
        device: one,
        ports: [{ id: 'ch3', kind: 'user', select: [{}], reader: { perPacketNs: 100_000 } }],
        stack: { events: [{ atMs: 2, do: 'close-channel', instance: 'ch3' }] },
      },
    ],
    ['bad_checksum', { device: one, stack: { faults: [{ id: 'bits', site: 'checksum-corruption', probability: 0.1 }] } }],
  ];
  test.each(cases)('%s can be reached, and is the reason given', (name, scenario) => {
    const verdicts = sink(2_000);
    const summary = runTraffic(scenarioOf(scenario), traffic, 64, { verdicts }).summary(input);
    expect(summary.drops[name]).toBeGreaterThan(0);
    expect(summary.conservation.ok).toBe(true);
    const code = DROP_REASONS.find((r) => r.name === name)!.code;
    expect(verdicts.detail.filter((d, i) => VERDICTS[verdicts.verdict[i]!] === 'dropped' && d === code).length).toBe(summary.drops[name]);
  });

  test('every reason of the table has a case here, or beside the meter', () => {
    const own = DROP_REASONS.slice(1).filter((r) => !METER_DROPS.includes(r.code));
    expect(own.map((r) => r.name)).toEqual(cases.map(([name]) => name));
  });
});

describe('flows', () => {
  test('a listener that a stack installed comes before the selectors of the scenario', () => {
    const scenario = scenarioOf({
      device: { queues: 2 },
      ports: [
        { id: 'ch3', kind: 'user', select: [{ protocol: 'tcp' }] },
        { id: 'host', kind: 'host' },
        { id: 'ch4', kind: 'user' },
      ],
    });
    const nexus = new Nexus();
    nexus.addPort('ch3', 'user');
    nexus.addPort('ch4', 'user');
    expect(nexus.addFlow(3, { ipVersion: 4, protocol: 6, localPort: 443 }).ok).toBe(true);
    const traffic = makeTraffic({ packets: 2_000, flows: 30, seed: 12 });
    const run = runTraffic(scenario, traffic, 64, { ladder: nexus.ladder });
    run.flows.refresh();
    const ports = (version: number): Set<string> =>
      new Set(
        Array.from({ length: run.flows.count }, (_, id) => run.flows.row(id)!)
          .filter((r) => r.protocol === 'TCP' && r.ipVersion === version)
          .map((r) => r.port),
      );
    expect(ports(6)).toEqual(new Set(['ch3']));
    expect(ports(4).has('ch4')).toBe(true);
    const stats = filterStats(run.statistics(), { table: 'port', object: 'ch4.', name: 'delivered' });
    expect(stats.length).toBe(2);
    expect(stats.reduce((sum, s) => sum + s.value, 0)).toBe(run.summary(input).ports[3]!.delivered);
  });

  test('rows have what the packets had, in first-seen order, and sort by every column', () => {
    const traffic = makeTraffic({ packets: 1_500, flows: 25, seed: 13 });
    const { flows } = runTraffic(scenarioOf({}), traffic);
    flows.refresh();
    const rows = Array.from({ length: flows.count }, (_, id) => flows.row(id)!);
    for (const row of rows) flowRowSchema.parse(row);
    const firsts = rows.map((r) => r.firstPacket);
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    expect(rows.every((r) => r.packets === r.packetsForward + r.packetsBackward)).toBe(true);
    for (const key of FLOW_SORT_KEYS) {
      const up = flows.sorted(key, false);
      const down = flows.sorted(key, true);
      expect(new Set(up).size).toBe(flows.count);
      const value = (id: number): string | number => (key === 'duration' ? rows[id]!.lastNs - rows[id]!.firstNs : rows[id]![key]);
      for (let i = 1; i < up.length; i++) {
        expect(value(up[i - 1]!) <= value(up[i]!)).toBe(true);
        expect(value(down[i - 1]!) >= value(down[i]!)).toBe(true);
      }
    }
    expect(flows.rows(flows.sorted('bytes', true), 0, 3).length).toBe(3);
    expect(flows.row(flows.count)).toBeUndefined();
  });
});

describe('series', () => {
  test('the largest value of all bins is the high-water mark, and drops add up, folded or not', () => {
    for (const series of [{ bins: 16 }, { durationNs: 60e6, bins: 512 }]) {
      const run = runTraffic(randomScenario(14), makeTraffic({ packets: 3_000, flows: 30, seed: 14 }), 64, { series });
      const frame = run.series()!;
      const { rings, pools } = run.summary(input);
      [...rings.map((r) => ({ ...r, lost: r.drops })), ...pools.map((p) => ({ ...p, lost: p.failures }))].forEach((object) => {
        const o = frame.objects.indexOf(object.id);
        const row = (column: Uint32Array): Uint32Array => column.subarray(o * frame.bins, (o + 1) * frame.bins);
        expect(Math.max(...row(frame.max))).toBe(object.highWater);
        expect(row(frame.drops).reduce((a, b) => a + b, 0)).toBe(object.lost);
      });
      const half = resampleSeries(frame, 0, frame.binNs * frame.bins, frame.bins / 4);
      expect(half.drops.reduce((a, b) => a + b, 0)).toBe(frame.drops.reduce((a, b) => a + b, 0));
      expect(Math.max(...half.max)).toBe(Math.max(...frame.max));
    }
  });
});

describe('timing', () => {
  const frame = makeTraffic({ packets: 1, flows: 1, seed: 1 }).frames[0]!;
  const quiet = { frames: [frame], tsNs: [1_000], lengths: [100] };

  test('one packet takes moderation, poll, wake and read, to the nanosecond', () => {
    const scenario = scenarioOf({
      device: { queues: 1, moderationUs: 100 },
      flowSwitch: { perPacketNs: 250, perBatchNs: 2_000 },
      ports: [{ id: 'host', kind: 'host', reader: { wakeUs: 50, perPacketNs: 400, perByteNs: 2 } }],
    });
    const summary = runTraffic(scenario, quiet).summary(input);
    expect(summary.ports[1]!.delayNs.max).toBe(100_000 + 2_250 + 50_000 + 400 + 200);
    expect(summary.endNs).toBe(1_000 + 152_850);
  });

  test('a stall holds the reader until it ends', () => {
    const scenario = scenarioOf({
      device: { queues: 1, moderationUs: 0 },
      ports: [{ id: 'host', kind: 'host', reader: { wakeUs: 0, perPacketNs: 0, stalls: [{ atMs: 0, forMs: 5 }] } }],
    });
    expect(runTraffic(scenario, quiet).summary(input).endNs).toBe(5_000_000);
  });

  test('the link sends at its rate', () => {
    const scenario = scenarioOf({
      device: { queues: 1, local: ['0.0.0.0/0', '::/0'], linkBps: 1e6 },
      flowSwitch: { perPacketNs: 0, perBatchNs: 0 },
    });
    const made = makeTraffic({ packets: 400, flows: 2, seed: 4 });
    const at = made.frames.findIndex((f) => f.length === 54 && f[12] === 8 && f[13] === 0);
    const burst = { frames: [made.frames[at]!, made.frames[at]!, made.frames[at]!], tsNs: [0, 0, 0], lengths: [1_000, 500, 1_500] };
    expect(runTraffic(scenario, burst).summary(input).endNs).toBe(3_000 * 8_000);
  });

  test('a gap of a hundred days costs nothing and expires what was silent', () => {
    const scenario = scenarioOf({ device: { queues: 1 }, flowSwitch: { lingerS: 86_400 } });
    const later = 100 * 86_400 * 1e9;
    const udp = makeTraffic({ packets: 200, flows: 1, seed: 9 }).frames.find((f) => f.length === 54)!;
    const pipeline = runTraffic(scenario, { frames: [udp, udp, udp], tsNs: [0, later, later + 1], lengths: [90, 90, 90] }, 2, {
      series: { bins: 64 },
    });
    const [result] = pipeline.results();
    expect(result!.flowCount).toBe(1);
    expect(result!.flowsExpired).toBe(1);
    expect(pipeline.summary(input).ports[1]!.delivered).toBe(3);
  });

  test('flows beyond the limit are switched without an entry', () => {
    const scenario = scenarioOf({ device: { queues: 1 }, flowSwitch: { maxFlows: 64 } });
    const pipeline = runTraffic(scenario, makeTraffic({ packets: 2_000, flows: 200, seed: 8, gapNs: 300_000 }));
    const [result] = pipeline.results();
    expect(result!.flowsBeyondLimit).toBeGreaterThan(0);
    expect(pipeline.worlds[0]!.fsw.active).toBeLessThanOrEqual(64);
    expect(pipeline.summary(input).conservation.ok).toBe(true);
  });
});
