import { describe, expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { scenarioSchema, type Scenario } from '../../contract/index.ts';
import { DROP_REASONS } from '../../stack/index.ts';
import { Pipeline } from '../pipeline.ts';
import { checkStack } from '../scenario/check-stack.ts';
import { feedTraffic, makeTraffic, randomScenario, runTraffic } from '../testing/traffic.ts';

const input = { skipped: {}, scenarioSha256: '0' };

/** A scenario with everything that the stack model has, drawn from a seed. */
function stackScenario(seed: number): Scenario {
  const base = randomScenario(seed);
  const r = new Random(seed + 1_000);
  const ms = (): number => r.int(0, 40);
  const chance = (): number => r.float() * 0.05;
  const sites = ['device-pool-alloc', 'port-pool-alloc', 'device-ring-full', 'port-ring-full', 'tx-ring-full', 'bad-head', 'checksum-corruption', 'lost-notification']; // prettier-ignore
  return scenarioSchema.parse({
    ...base,
    device: { ...base.device, queues: 1, linkBps: r.int(2e6, 5e7), local: ['192.0.2.1', '2001:db8::1'] },
    stack: {
      instances: [
        { id: 'one', port: 'ch3', pid: 10, executable: '/bin/one' },
        { id: 'two', port: 'ch3', pid: 20, executable: '/bin/two', open: false },
      ],
      flows: [
        { id: 'web', instance: 'one', protocol: 'tcp', localPort: 443 },
        { id: 'clash', instance: 'bsd', protocol: 'tcp', localPort: 443 },
        { id: 'late', instance: 'ch4', protocol: 'udp', localPort: 443, at: 'event' },
      ],
      aqm: {
        mode: r.float() < 0.7 ? 'fq-codel' : 'fifo',
        targetMs: 1,
        intervalMs: 5,
        flows: r.int(1, 64),
        limitPackets: r.int(4, 60),
        driverPackets: r.int(1, 8),
        ecn: r.float() < 0.5,
        advisory: { enable: r.float() < 0.6, entries: r.int(2, 40), suspendBytes: 4_000, resumeBytes: 1_000, holdPackets: r.int(0, 60) },
      },
      memory: { magazineRounds: r.int(1, 8), pruneS: 1, idleS: 1, stallS: 1 },
      faults: sites.map((site, i) => ({ id: `f${String(i)}`, site, probability: chance(), enabled: i !== 0 })),
      events: [
        { atMs: ms(), do: 'defunct', instance: 'one', opportunistic: r.float() < 0.5 },
        { atMs: ms(), do: 'close-channel', instance: 'one' },
        { atMs: ms(), do: 'open-channel', instance: 'two' },
        { atMs: ms(), do: 'bind-port', port: 'ch4', pid: 7 },
        { atMs: ms(), do: 'add-flow', flow: 'late' },
        { atMs: ms(), do: 'remove-flow', flow: 'web' },
        { atMs: ms(), do: 'memory-pressure' },
        { atMs: ms(), do: 'fault-on', fault: 'f0' },
        { atMs: ms(), do: 'fault-off', fault: 'f1' },
        { atMs: ms(), do: 'open-channel', instance: 'one' },
      ],
    },
  });
}

function outcome(pipeline: Pipeline): string {
  pipeline.flows.refresh();
  const flows = Array.from({ length: pipeline.flows.count }, (_, id) => pipeline.flows.row(id));
  const model = pipeline.worlds[0]!.model!;
  const own = {
    events: model.control.events,
    counters: model.counters,
    faults: model.faults.states(),
    caches: model.pools.map((p) => p.cache.stats()),
    advisory: model.classQueues?.advisory?.list(),
    instances: model.control.instances.map((i) => [i.id, i.state, i.opening, i.refusal]),
    rules: model.control.nexus.flows.map((f) => [f.owner, f.port, f.pattern]),
  };
  return JSON.stringify({ summary: pipeline.summary(input), flows, own });
}

describe('stack model in the pipeline', () => {
  test('random scenarios: the same for any batch size, nothing is lost, caches and packets add up', () => {
    const reached = new Set<string>();
    for (let seed = 1; seed <= 14; seed++) {
      const scenario = stackScenario(seed);
      expect(checkStack(scenario)).toEqual([]);
      const traffic = makeTraffic({ packets: 3_000, flows: 60, seed, backwards: true });
      const whole = runTraffic(scenario, traffic, 256);
      const summary = whole.summary(input);
      expect(summary.conservation.objects.filter((o) => !o.ok)).toEqual([]);
      expect(outcome(runTraffic(scenario, traffic, 7))).toBe(outcome(whole));
      for (const pool of whole.worlds[0]!.model!.pools) {
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
      const scenario = stackScenario(seed);
      const traffic = makeTraffic({ packets: 1_500, flows: 40, seed });
      const expected = outcome(runTraffic(scenario, traffic));
      const first = new Pipeline(scenario);
      const cut = 100 + 130 * seed;
      feedTraffic(first, traffic, 64, 0, cut);
      const snapshot = first.snapshot();
      // Into a fresh pipeline, and into one that has run to the end.
      for (const other of [new Pipeline(scenario), runTraffic(scenario, traffic)]) {
        other.restore(snapshot);
        expect(other.worlds[0]!.model!.control.events).toEqual(first.worlds[0]!.model!.control.events);
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
    const before = pipeline.arena.stats();
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
    expect(pipeline.arena.stats().segments).toBe(before.segments - mapped);
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
    expect(findings({}, { queues: 4 })[0]).toContain('device.queues: a scenario with a stack section has one device queue');
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
