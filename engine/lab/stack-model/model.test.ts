import { describe, expect, test } from 'vitest';
import { scenarioSchema } from '../../contract/index.ts';
import { DROP_REASONS } from '../../stack/index.ts';
import { Pipeline } from '../pipeline.ts';
import { stackModels, stackTopology } from './view.ts';
import { checkStack } from '../scenario/check-stack.ts';
import { stackScenario } from '../testing/stack-scenario.ts';
import { feedTraffic, makeTraffic, runTraffic } from '../testing/traffic.ts';

const input = { skipped: {}, scenarioSha256: '0' };

function outcome(pipeline: Pipeline): string {
  pipeline.flows.refresh();
  const flows = Array.from({ length: pipeline.flows.count }, (_, id) => pipeline.flows.row(id));
  const own = stackModels(pipeline).map((model) => ({
    events: model.control.events,
    counters: model.counters,
    faults: model.faults.states(),
    caches: model.pools.map((p) => p.cache.stats()),
    advisory: model.classQueues?.advisory?.list(),
    instances: model.control.instances.map((i) => [i.id, i.state, i.opening, i.refusal]),
    rules: model.control.nexus.flows.map((f) => [f.owner, f.port, f.pattern]),
  }));
  return JSON.stringify({ summary: pipeline.summary(input), flows, own });
}

describe('stack model in the pipeline', () => {
  test('random scenarios: the same for any batch size, nothing is lost, caches and packets add up', () => {
    const reached = new Set<string>();
    for (let seed = 1; seed <= 14; seed++) {
      const scenario = stackScenario(seed, seed <= 10 ? 1 : (seed % 3) + 2);
      expect(checkStack(scenario)).toEqual([]);
      const traffic = makeTraffic({ packets: 3_000, flows: 60, seed, backwards: true });
      const whole = runTraffic(scenario, traffic, 256);
      const summary = whole.summary(input);
      expect(summary.conservation.objects.filter((o) => !o.ok)).toEqual([]);
      expect(outcome(runTraffic(scenario, traffic, 7))).toBe(outcome(whole));
      for (const pool of stackModels(whole).flatMap(({ pools }) => pools)) {
        expect(pool.cache.conserved()).toBe(true);
        expect(pool.cache.inUse).toBe(pool.used);
        expect(pool.cache.failures).toBe(0);
      }
      for (const name of Object.keys(summary.drops)) reached.add(name);
    }
    expect([...reached].sort()).toEqual([
      'RxDstRingFull',
      'aqm_drop',
      'aqm_overload',
      'bad_checksum',
      'channel_gone',
      'class_queue_full',
      'device_rx_full',
      'flow_suspended',
      'nomem',
      'port_nomem',
      'tx_ring_full',
    ]);
  });

  test('going on from a snapshot equals never having stopped', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const scenario = stackScenario(seed, seed <= 7 ? 1 : 3);
      const traffic = makeTraffic({ packets: 1_500, flows: 40, seed });
      const expected = outcome(runTraffic(scenario, traffic));
      const first = new Pipeline(scenario);
      const cut = 100 + 130 * seed;
      feedTraffic(first, traffic, 64, 0, cut);
      const snapshot = first.snapshot();
      // Into a fresh pipeline, and into one that has run to the end.
      for (const other of [new Pipeline(scenario), runTraffic(scenario, traffic)]) {
        other.restore(snapshot);
        for (const [i, model] of stackModels(other).entries()) expect(model.control.events).toEqual(stackModels(first)[i]!.control.events);
        feedTraffic(other, traffic, 100, cut);
        other.finish();
        expect(outcome(other)).toBe(expected);
      }
    }
  });

  test('a defunct gives every segment back, the application reads zeros and the host takes over (S-08)', () => {
    const scenario = scenarioSchema.parse({
      name: 'defunct',
      device: { queues: 1 },
      ports: [
        { id: 'ch3', kind: 'user', select: [{ protocol: 'tcp' }], reader: { wakeUs: 2_000, perPacketNs: 100_000 } },
        { id: 'host', kind: 'host' },
      ],
      stack: {
        instances: [{ id: 'app', port: 'ch3', pid: 7, executable: '/bin/app' }],
        events: [{ atMs: 20, do: 'defunct', instance: 'app' }],
      },
    });
    const traffic = makeTraffic({ packets: 4_000, flows: 20, seed: 5 });
    const pipeline = new Pipeline(scenario);
    const world = pipeline.worlds[0]!;
    const model = world.model!;
    const app = model.control.instances.find((i) => i.id === 'app')!;
    const before = pipeline.arenas[0]!.stats();
    const mapped = app.map!.regions.filter((r) => !r.noRedirect).reduce((n, r) => n + r.segments, 0);
    const at = traffic.tsNs.findIndex((t) => t >= 20e6);
    feedTraffic(pipeline, traffic, 64, 0, at);
    expect(app.map!.read('schema', 0)).not.toBe(0);
    expect(app.map!.read('ring', 3)).toBe(1_024);
    const inRing = Array.from({ length: world.ports[0]!.rx.used }, (_, i) => world.ports[0]!.rx.peek(i));
    expect(inRing.length).toBeGreaterThan(0);
    expect(model.userPool.out).toBe(inRing.length);
    const opening = app.opening;
    feedTraffic(pipeline, traffic, 64, at);
    pipeline.finish();
    const [event] = model.control.events;
    expect(event).toMatchObject({ outcome: 'done' });
    expect(event!.figures.purged).toBe(pipeline.summary(input).drops['channel_gone']);
    expect(event!.figures.freed).toBeGreaterThanOrEqual(mapped);
    expect(event!.figures.moved).toBeGreaterThan(0);
    expect([app.state, app.endOfFile, app.map!.read('schema', 0), app.map!.read('ring', 3)]).toEqual(['defunct', true, 0, 0]);
    expect(pipeline.arenas[0]!.stats().segments).toBe(before.segments - mapped);
    expect((world.ports[0]!.pool as unknown as { cache: { activeSlabs: number } }).cache.activeSlabs).toBe(0);
    expect(inRing.map((index) => model.userPool.accept(index, opening))).not.toContain(true);
    expect(model.counters.staleRefused).toBeGreaterThan(0);
    expect(world.store.badReleases).toBe(0);
    expect(model.control.nexus.port(app.number)!.channel).toBe(null);
    const summary = pipeline.summary(input);
    expect(summary.conservation.ok).toBe(true);
    expect(summary.ports.find((p) => p.id === 'host')!.packetsIn).toBeGreaterThan(1_000);
  });
});

test('with several queues an event happens in each, a stall in its own alone, and the panel shows them as one', () => {
  const scenario = scenarioSchema.parse({
    name: 'queues',
    device: { queues: 4 },
    ports: [
      { id: 'ch3', kind: 'user', select: [{ protocol: 'tcp' }], reader: { stalls: [{ atMs: 2_000, forMs: 1e6 }] } },
      { id: 'host', kind: 'host' },
    ],
    stack: {
      memory: { stallS: 4 },
      instances: [{ id: 'app', port: 'ch3', pid: 7, executable: '/bin/app' }],
      flows: [{ id: 'web', instance: 'app', protocol: 'tcp', localPort: 443 }],
      aqm: {},
      events: [{ atMs: 1_000, do: 'memory-pressure' }],
    },
  });
  // Two flows at most: some of the queues see nothing of them, so nobody stalls there.
  const traffic = makeTraffic({ packets: 1_200, flows: 3, seed: 3, gapNs: 20e6 });
  const pipeline = runTraffic(scenario, traffic, 64);
  const models = stackModels(pipeline);
  const stalled = models.filter(({ counters }) => counters.stallDefuncts > 0).length;
  expect(stalled).toBeGreaterThan(0);
  expect(stalled).toBeLessThan(4);
  const topology = stackTopology(pipeline, 0);
  expect(topology.instances.find((i) => i.id === 'app')).toMatchObject({
    state: 'running',
    queues: 4 - stalled,
    rules: 1,
    reservations: 1,
  });
  expect(topology.rules).toHaveLength(1);
  expect(topology.nexus).toMatchObject({ rules: 1, reservations: 1, queues: 4 });
  expect(topology.events[0]).toMatchObject({ what: 'memory pressure', outcome: 'done' });
  expect(topology.events.filter((e) => /^stall: defunct app \(queue \d\)$/.test(e.what))).toHaveLength(stalled);
  expect(topology.worker['stallDefuncts']).toBe(stalled);
  expect(pipeline.summary(input).conservation.ok).toBe(true);
});

test('an instance that is open is not opened again, and stays as it is; one that was defunct gives its regions back first', () => {
  const scenario = scenarioSchema.parse({
    name: 'reopened',
    device: { queues: 1 },
    ports: [
      { id: 'ch3', kind: 'user' },
      { id: 'host', kind: 'host' },
    ],
    stack: {
      instances: [{ id: 'app', port: 'ch3', pid: 7, executable: '/bin/app' }],
      events: [
        { atMs: 1, do: 'open-channel', instance: 'app' },
        { atMs: 2, do: 'defunct', instance: 'app' },
        { atMs: 3, do: 'bind-port', port: 'ch3', pid: 8 },
        { atMs: 4, do: 'open-channel', instance: 'app' },
        { atMs: 5, do: 'close-channel', instance: 'app' },
      ],
    },
  });
  const pipeline = new Pipeline(scenario);
  const { control } = pipeline.worlds[0]!.model!;
  const app = control.instances.find((i) => i.id === 'app')!;
  const { map } = app;
  pipeline.advanceTo(1.5e6);
  expect(control.events[0]).toMatchObject({ outcome: 'refused', text: 'app has a channel open already' });
  expect([app.state, app.map, app.refusal]).toEqual(['running', map, '']);
  pipeline.advanceTo(2.5e6);
  expect(control.events[1]).toMatchObject({ outcome: 'done' });
  pipeline.advanceTo(6e6);
  expect(control.events.slice(3).map(({ outcome: o, text }) => [o, text])).toEqual([
    ['refused', 'port ch3 is bound to process 8'],
    ['refused', 'app has no open channel'],
  ]);
  expect([app.state, app.map]).toEqual(['refused', null]);
});

test('a packet that was sent has trace points at channel, flow switch, class queue and driver, all with its number (S-11)', () => {
  const traffic = makeTraffic({ packets: 400, flows: 10, seed: 2 });
  const steps: { number: number; what: string }[] = [];
  const scenario = scenarioSchema.parse({
    name: 'trace',
    device: { queues: 1, local: ['10.0.0.0/8'], linkBps: 1e7 },
    ports: [{ id: 'host', kind: 'host' }],
    stack: { aqm: {} },
  });
  const trace = {
    wants: () => true,
    record: (step: { layer: string; event: string; fields: Record<string, unknown> }, number: number): void => {
      if (number > 0) expect(step.fields['packet']).toBe(number);
      steps.push({ number, what: `${step.layer} ${step.event}` });
    },
  };
  runTraffic(scenario, traffic, 64, { trace });
  const sent = steps.find((s) => s.what === 'device transmit')!.number;
  expect(steps.filter((s) => s.number === sent).map((s) => s.what)).toEqual([
    'channel send',
    'channel enqueue',
    'aqm enqueue',
    'aqm dequeue',
    'device enqueue',
    'device transmit',
  ]);
  const received = steps.find((s) => s.what === 'host read')!.number;
  expect(steps.filter((s) => s.number === received).map((s) => s.what)).toEqual([
    'device enqueue',
    'fsw poll',
    'fsw lookup',
    'channel enqueue',
    'channel read-start',
    'host read',
  ]);
});

test('the worker prunes, drains, purges, wakes lost readers, and takes the channel of one that has stopped (S-09, S-12)', () => {
  const traffic = makeTraffic({ packets: 2_500, flows: 30, seed: 6, gapNs: 20e6 });
  const scenario = scenarioSchema.parse({
    name: 'worker',
    device: { queues: 1 },
    ports: [
      { id: 'ch3', kind: 'user', select: [{ protocol: 'tcp' }], reader: { stalls: [{ atMs: 5_000, forMs: 1e6 }] } },
      { id: 'idle', kind: 'user', select: [{ prefix: '203.0.113.0/24' }] },
      { id: 'host', kind: 'host' },
    ],
    stack: {
      memory: { pruneS: 8, idleS: 3, stallS: 4 },
      faults: [
        { id: 'wake', site: 'lost-notification', probability: 0.2, port: 'host' },
        { id: 'head', site: 'bad-head', probability: 0.1, port: 'host' },
      ],
      events: [{ atMs: 12_000, do: 'memory-pressure' }],
    },
  });
  const pipeline = runTraffic(scenario, traffic, 64);
  const world = pipeline.worlds[0]!;
  const { counters, control, pools } = world.model!;
  expect(world.lastArrivalNs).toBeGreaterThan(20e9);
  for (const name of ['ticks', 'prunes', 'drains', 'purges', 'segmentsFreed', 'lostNotifications', 'renotified', 'badHeads'] as const)
    expect([name, counters[name] > 0]).toEqual([name, true]);
  expect(counters.renotified).toBeLessThanOrEqual(counters.lostNotifications);
  expect(world.ports[2]!.rx.errors).toBe(counters.badHeads);
  expect([counters.stallDefuncts, control.instances.find((i) => i.id === 'ch3')!.state]).toEqual([1, 'defunct']);
  const stall = control.events.at(-1)!;
  expect(stall.what).toBe('stall: defunct ch3');
  // Within the stall time and one tick of the first packet that nobody read.
  expect(stall.atNs).toBeGreaterThan(9e9);
  expect(stall.atNs).toBeLessThanOrEqual(14e9);
  expect(pools.find((p) => p.id === 'idle.pool.0')!.cache.activeSlabs).toBe(0);
  const summary = pipeline.summary(input);
  expect(summary.conservation.ok).toBe(true);
  expect(summary.drops['channel_gone']).toBe(stall.figures.purged);
});

describe('checks of the stack section', () => {
  const findings = (stack: object, device: object = { queues: 1 }): string[] =>
    checkStack(scenarioSchema.parse({ name: 'x', device, ports: [{ id: 'ch3', kind: 'user', select: [{}] }], stack })).map(
      (f) => `${f.path.join('.')}: ${f.message}`,
    );

  test('say which field, what is wrong and what is there', () => {
    expect(findings({}, { queues: 4 })).toEqual([]);
    expect(findings({ instances: [{ id: 'a', port: 'ch9', pid: 1, executable: 'x' }] })).toContain(
      'stack.instances.0.port: there is no user port ch9; there is ch3',
    );
    expect(findings({ events: [{ atMs: 1, do: 'defunct', instance: 'nobody' }] })).toEqual([
      'stack.events.0.instance: there is no instance nobody; there is bsd, ch3',
    ]);
    expect(findings({ events: [{ atMs: 1, do: 'fault-on', fault: 'f' }] })[0]).toContain('there is no fault f; there is none');
    expect(findings({ flows: [{ id: 'f', instance: 'ch3', protocol: 'tcp', localPort: 1, localAddress: '1.2.3.0/24' }] })[0]).toContain(
      'must be one address',
    );
    expect(findings({ flows: [{ id: 'f', instance: 'ch3', protocol: 'tcp', localPort: 1, remotePort: 2 }] })[0]).toContain(
      'a connected flow needs',
    );
    expect(findings({ aqm: { advisory: { suspendBytes: 2_000, resumeBytes: 2_000 } } })[0]).toContain('must be less than suspendBytes');
  });
});

test('every drop reason has a code of its own', () => {
  expect(DROP_REASONS.map((r) => r.code)).toEqual(DROP_REASONS.map((_, i) => i));
});
