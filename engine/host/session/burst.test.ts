import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createClient, memoryPortPair, serve, type CallAnswer, type EngineClient } from '../../contract/index.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { sessionHandlers } from './handlers.ts';
import { SessionInput } from './input.ts';
import { runInSlices } from './run-in-slices.ts';

const counted = vi.hoisted(() => ({ runs: 0 }));
vi.mock('./run-columns.ts', async (original) => {
  const { runColumns: run } = await original<typeof import('./run-columns.ts')>();
  return {
    runColumns: (request: Parameters<typeof run>[0]) => {
      counted.runs++;
      return run(request);
    },
  };
});

const session = 's';
let core: SessionCore | undefined;
let client: EngineClient | undefined;

afterEach(() => {
  client?.dispose();
  core?.dispose();
});

/** A session on the LTE sample, spoken to through the contract: answers are checked against it. */
async function open(scenario: string): Promise<EngineClient> {
  const input = await SessionInput.open(join(samplesFolder, 'burst-lte.pcapng'), {
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  const [near, far] = memoryPortPair();
  const other = (): never => {
    throw new Error('not part of this test');
  };
  const handlers = sessionHandlers(() => core!, {
    'session.open': other,
    'session.close': other,
    'report.export': other,
    'live.stop': other,
    'live.status': other,
    'live.save': other,
  });
  serve(far, handlers);
  const none = (): void => undefined;
  core = new SessionCore({
    id: session,
    name: 'sample',
    input,
    scenario: { id: 'test', yaml: scenario },
    runner: runInSlices,
    events: { transport: none, runFinished: none, runFailed: none, changed: none },
  });
  client = createClient(near, { validate: true });
  return client;
}

const METERED = `name: metered
device: { queues: 1, network: { profile: lte } }
ports:
  - { id: host, kind: host, meter: {}, sockets: { readerBps: 100000000 } }
`;

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

describe('the calls of the Burst panel', () => {
  test('a run with a meter: its series adds up to its counters, state follows the playhead, sockets are listed', async () => {
    const engine = await open(METERED);
    const summary = await engine.call('run.start', { session });
    const toNs = summary.endNs + 1e6;
    const outcome = await engine.call('burst.outcome', { session, fromNs: 0, toNs, bins: 400 });
    const meter = summary.meter![0]!;
    expect(meter.rxPkts).toBeGreaterThan(1_000);
    expect(sum(outcome!.series.arrivedBytes)).toBeCloseTo(meter.rxBytes, -1);
    expect(sum(outcome!.series.releasedBytes)).toBeCloseTo(meter.releasedBytes, -1);
    expect(sum(outcome!.series.wakeups)).toBe(meter.wakeups);
    expect(Math.max(...outcome!.series.ringUsed)).toBe(meter.highWaterSlots);
    expect(outcome!.stages.find((s) => s.stage === 'total')!.packets).toBe(summary.sockets!.readPackets);

    const sockets = await engine.call('burst.sockets', { session, sort: 'bytes', descending: true, first: 0, count: 5 });
    expect(sockets.total).toBe(summary.sockets!.sockets);
    expect(sockets.rows[0]!.bytes).toBeGreaterThanOrEqual(sockets.rows[1]!.bytes);

    await engine.call('transport.seek', { session, tNs: 2e9 });
    const state = await engine.call('burst.state', { session });
    expect(state!.meters[0]!.rxPkts).toBeGreaterThan(0);
    expect(state!.meters[0]!.rxPkts).toBeLessThan(meter.rxPkts);
    expect(state!.pools[0]!.id).toBe('device.pool.0');
  });

  test('a scenario without sockets has no outcome, but can be tried with them, on and off', async () => {
    const engine = await open(scenarioText('default'));
    await engine.call('run.start', { session });
    expect(await engine.call('burst.outcome', { session, fromNs: 0, toNs: 1e9, bins: 10 })).toBeNull();
    expect(await engine.call('burst.state', { session })).toBeNull();
    const overrides = [
      { path: 'device.queues', value: 1 },
      { path: 'device.network.profile', value: 'lte' },
      { path: 'ports.host.sockets.rcvbufBytes', value: 16_384 },
      { path: 'ports.host.sockets.by', value: 'count' },
    ];
    const before = core!.info().scenario.yaml;
    const { on, off, adopted, yaml }: CallAnswer<'burst.run'> = await engine.call('burst.run', { session, overrides, fromNs: 0, toNs: 5e9, bins: 100 }); // prettier-ignore
    expect(adopted).toBe(true);
    expect(yaml).toContain('rcvbufBytes: 16384');
    expect(core!.info().scenario.yaml).toBe(before);
    expect(off.summary.drops['sock_full_drop']).toBeGreaterThan(0);
    expect(on.summary.drops['sock_full_drop']).toBeUndefined();
    expect(on.summary.meter![0]).toMatchObject({ enabled: true, slots: 512 });
    expect(off.summary.meter![0]!.enabled).toBe(false);
  });

  test('looking closer runs nothing again, a parameter of the meter runs the meter only, one of the sockets both', async () => {
    const engine = await open(METERED);
    counted.runs = 0;
    const answer = (path: string, value: number, toNs = 5e9): Promise<CallAnswer<'burst.run'>> =>
      engine.call('burst.run', { session, overrides: [{ path, value }], fromNs: 0, toNs, bins: 100 });
    const first = await answer('ports.host.meter.intervalUs', 1_000);
    expect(counted.runs).toBe(2);
    const closer = await answer('ports.host.meter.intervalUs', 1_000, 1e9);
    expect(counted.runs).toBe(2);
    expect(closer.on.series.binNs).toBe(1e7);
    expect({ ...closer.off.summary }).toEqual({ ...first.off.summary });
    const slower = await answer('ports.host.meter.intervalUs', 5_000);
    expect(counted.runs).toBe(3);
    expect(slower.on.summary.meter![0]!.wakeups).toBeLessThan(first.on.summary.meter![0]!.wakeups);
    expect(slower.off.summary.ports).toEqual(first.off.summary.ports);
    const smaller = await answer('ports.host.sockets.rcvbufBytes', 8_192);
    expect(counted.runs).toBe(5);
    expect(smaller.off.summary.sockets!.drops).toBeGreaterThan(0);
  });

  test('a run from shared columns is the run of the session; the packets are read once', async () => {
    const engine = await open(METERED);
    await engine.call('run.start', { session });
    const range = { fromNs: 0, toNs: 5e9, bins: 200 };
    const own = await engine.call('burst.outcome', { session, ...range });
    const read = vi.spyOn(core!.input.records, 'read');
    const tried = await engine.call('burst.run', { session, overrides: [], ...range });
    const reads = read.mock.calls.length;
    expect(reads).toBeGreaterThan(0);
    expect({ ...tried.on.summary, scenario: null }).toEqual({ ...own!.summary, scenario: null });
    expect(tried.on.series).toEqual(own!.series);
    expect(tried.on.stages).toEqual(own!.stages);
    expect(tried.packets).toBe(own!.summary.packets);
    await engine.call('burst.run', { session, overrides: [{ path: 'ports.host.sockets.readerBps', value: 5e7 }], ...range });
    expect(read.mock.calls.length).toBe(reads);
  });

  test('a first look runs the first packets only and is not kept as a run', async () => {
    const engine = await open(METERED);
    const range = { fromNs: 0, toNs: 5e9, bins: 100 };
    const first = await engine.call('burst.run', { session, overrides: [], ...range, packets: 1_000 });
    expect(first.packets).toBe(1_000);
    expect(first.on.summary.packets).toBe(1_000);
    counted.runs = 0;
    const whole = await engine.call('burst.run', { session, overrides: [], ...range });
    expect(counted.runs).toBe(2);
    expect(whole.packets).toBe(6_309);
    expect(whole.off.summary.packets).toBe(6_309);
  });

  test('a run that is cancelled ends soon and leaves nothing behind', async () => {
    const engine = await open(METERED);
    const range = { fromNs: 0, toNs: 5e9, bins: 100 };
    const controller = new AbortController();
    const older = engine.call('burst.run', { session, overrides: [], ...range }, { signal: controller.signal });
    controller.abort();
    await expect(older).rejects.toThrow('cancelled');
    counted.runs = 0;
    await engine.call('burst.run', { session, overrides: [], ...range });
    expect(counted.runs).toBe(2);
  });

  test('a packet of a metered run says which rule released it and why the ring has its size', async () => {
    const engine = await open(METERED);
    await engine.call('run.start', { session });
    const rows = await engine.call('packets.rows', { session, first: 60, count: 40 });
    const row = rows.rows.find((r) => r.verdictText.includes('host') && r.protocol !== 'ARP')!;
    const { cards } = await engine.call('packets.detail', { session, number: row.number });
    const titles = cards.map((c) => c.title);
    expect(titles).toContain('Meter ring');
    expect(titles).toContain('Meter release');
    const ring = cards.find((c) => c.title === 'Meter ring')!;
    expect(ring.lines[0]!.because).toContain('sized for LTE, driven by peakBps');
    const release = cards.find((c) => c.title === 'Meter release')!;
    expect(release.lines.map((l) => l.label)).toContain('Drain rate');
  });

  test.each([
    [
      'ring_full_drop',
      METERED.replace('meter: {}', 'meter: { fixedSlots: 16 }'),
      'Meter ring',
      '16 of 16 slots',
      'ports.0.meter.fixedSlots',
    ],
    [
      'sock_full_drop',
      METERED.replace('meter: {}', 'meter: { enable: false }').replace('readerBps: 100000000', 'readerBps: 1000000, rcvbufBytes: 4096'),
      'Socket',
      'of 4,096 bytes',
      'ports.0.sockets.rcvbufBytes',
    ],
  ])(
    'a packet that was dropped with %s says how full it was there, and which parameter gives room',
    async (reason, scenario, title, value, parameter) => {
      const engine = await open(scenario);
      await engine.call('run.start', { session });
      const { rows } = await engine.call('packets.rows', { session, first: 1, count: 500 });
      const row = rows.find((r) => r.verdictText.includes(reason))!;
      const { cards } = await engine.call('packets.detail', { session, number: row.number });
      const card = cards.find((c) => c.title.startsWith(title) && c.tone === 'dropped')!;
      expect(card.lines[0]!.value).toContain(value);
      expect(card.lines[0]!.parameter).toBe(parameter);
      expect(cards.map((c) => c.title)).toContain(`Dropped: ${reason}`);
    },
  );

  test('a packet that a full socket held back says so', async () => {
    const engine = await open(METERED.replace('readerBps: 100000000', 'readerBps: 1000000, rcvbufBytes: 8192'));
    await engine.call('run.start', { session });
    const { rows } = await engine.call('packets.rows', { session, first: 1, count: 300 });
    const labels: string[] = [];
    for (const row of rows) {
      const { cards } = await engine.call('packets.detail', { session, number: row.number });
      labels.push(...cards.flatMap((c) => c.lines.map((l) => l.label)));
      if (labels.includes('Held by the socket')) break;
    }
    expect(labels).toContain('Held by the socket');
  });

  test('a bad override is refused with its field', async () => {
    const engine = await open(METERED);
    const overrides = [{ path: 'ports.host.meter.intervalUs', value: 1 }];
    await expect(engine.call('burst.run', { session, overrides, fromNs: 0, toNs: 1e9, bins: 10 })).rejects.toThrow(
      'ports.0.meter.intervalUs',
    );
  });
});

test('senders react to the meter of the scenario tried, which the session keeps as it was', async () => {
  const c = await open('name: plain\n');
  const yaml = core!.info().scenario.yaml;
  const path = { algorithm: 'reno', durationS: 2 } as const;
  const overrides = [{ path: 'ports.host.sockets.readerBps', value: 150e6 }];
  const { on, off, adopted } = await c.call('burst.senders', { session, overrides, senders: path });
  expect(adopted).toBe(true);
  expect(off.losses['sock_full_drop']).toBeGreaterThan(0);
  expect(on.losses['sock_full_drop']).toBeUndefined();
  expect(on.goodputBps).toBeGreaterThan(off.goodputBps);
  const roomy = [...overrides, { path: 'ports.host.sockets.rcvbufBytes', value: 4_194_304 }];
  const more = await c.call('burst.senders', { session, overrides: roomy, senders: path });
  expect(more.off.losses['sock_full_drop']).toBeUndefined();
  expect(core!.info().scenario.yaml).toBe(yaml);
  const gone = new AbortController();
  const asked = c.call('burst.senders', { session, overrides, senders: { durationS: 100 } }, { signal: gone.signal });
  gone.abort();
  await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
});
