import { expect, test } from 'vitest';
import { scenarioSchema } from '../../contract/index.ts';
import { Pipeline } from '../pipeline.ts';
import { checkStack } from '../scenario/check-stack.ts';
import { makeTraffic, runTraffic } from '../testing/traffic.ts';

const input = { skipped: {}, scenarioSha256: '0' };

/** Events, one a millisecond, over two ports; what became of each. */
function told(events: readonly object[]): string[] {
  const scenario = scenarioSchema.parse({
    name: 'refusals',
    device: { queues: 1 },
    ports: [
      { id: 'ch3', kind: 'user' },
      { id: 'ch4', kind: 'user' },
      { id: 'host', kind: 'host' },
    ],
    stack: {
      instances: [
        { id: 'one', port: 'ch3', pid: 10, executable: '/bin/one' },
        { id: 'two', port: 'ch3', pid: 20, executable: '/bin/two', open: false },
        { id: 'key', port: 'ch4', pid: 30, executable: '/bin/key', key: 'k', open: false },
      ],
      flows: [
        { id: 'web', instance: 'one', protocol: 'tcp', localPort: 443 },
        { id: 'clash', instance: 'bsd', protocol: 'tcp', localPort: 443, at: 'event' },
        { id: 'late', instance: 'two', protocol: 'udp', localPort: 53, at: 'event' },
      ],
      faults: [{ id: 'f', site: 'bad-head', probability: 0.1 }],
      events: events.map((event, i) => ({ atMs: i + 1, ...event })),
    },
  });
  expect(checkStack(scenario)).toEqual([]);
  const pipeline = new Pipeline(scenario);
  pipeline.advanceTo((events.length + 1) * 1e6);
  return pipeline.worlds[0]!.model!.control.events.map(({ outcome, text }) => (text === '' ? outcome : `${outcome}: ${text}`));
}

test('every event that can be refused says why, and the next ones happen as if it had not been there (S-04, S-05)', () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ do: 'open-channel', instance: 'one' }, 'refused: one has a channel open already'],
    [{ do: 'open-channel', instance: 'two' }, 'refused: port ch3 is open already'],
    [{ do: 'close-channel', instance: 'two' }, 'refused: two has no open channel'],
    [{ do: 'defunct', instance: 'two' }, 'refused: two has no open channel'],
    [{ do: 'add-flow', flow: 'web' }, 'refused: the same flow is installed already'],
    [{ do: 'add-flow', flow: 'clash' }, 'refused: tcp port 443 is owned by one'],
    [{ do: 'add-flow', flow: 'late' }, 'refused: two has no open channel'],
    [{ do: 'remove-flow', flow: 'late' }, 'refused: the flow late is not installed'],
    [{ do: 'bind-port', port: 'ch4', pid: 31 }, 'done'],
    [{ do: 'open-channel', instance: 'key' }, 'refused: port ch4 is bound to process 31'],
    [{ do: 'bind-port', port: 'ch4', executable: '/bin/other' }, 'done'],
    [{ do: 'open-channel', instance: 'key' }, 'refused: port ch4 is bound to /bin/other'],
    [{ do: 'bind-port', port: 'ch4', key: 'other' }, 'done'],
    [{ do: 'open-channel', instance: 'key' }, 'refused: port ch4 is bound to a key that was not given'],
    [{ do: 'unbind-port', port: 'ch4' }, 'done'],
    [{ do: 'open-channel', instance: 'key' }, 'done'],
    [{ do: 'fault-off', fault: 'f' }, 'done'],
    [{ do: 'memory-pressure' }, 'done'],
    // What was refused for want of the port is possible once its owner has gone.
    [{ do: 'close-channel', instance: 'one' }, 'done'],
    [{ do: 'add-flow', flow: 'clash' }, 'done'],
    [{ do: 'open-channel', instance: 'two' }, 'done'],
    [{ do: 'add-flow', flow: 'late' }, 'done'],
    [{ do: 'remove-flow', flow: 'late' }, 'done'],
  ];
  expect(told(cases.map(([event]) => event))).toEqual(cases.map(([, text]) => text));
});

test('a defunct that may wait is skipped while packets are out, and the stack goes on', () => {
  const scenario = scenarioSchema.parse({
    name: 'opportunistic',
    device: { queues: 1 },
    ports: [
      { id: 'ch3', kind: 'user', select: [{}], reader: { perPacketNs: 100_000 } },
      { id: 'host', kind: 'host' },
    ],
    stack: { events: [{ atMs: 20, do: 'defunct', instance: 'ch3', opportunistic: true }] },
  });
  const pipeline = runTraffic(scenario, makeTraffic({ packets: 2_000, flows: 10, seed: 3 }), 64);
  const { control } = pipeline.worlds[0]!.model!;
  expect(control.events[0]).toMatchObject({ outcome: 'skipped', text: 'packets are out' });
  expect(control.instances[0]).toMatchObject({ state: 'running' });
  expect(pipeline.summary(input).drops['channel_gone']).toBeUndefined();
});

test('flows that find the advisory table full are not told to stop: they lose packets, and that is counted (S-07)', () => {
  const traffic = makeTraffic({ packets: 3_000, flows: 30, seed: 8 });
  const outcome = (entries: number): { full: number; lost: number; suspensions: number } => {
    const scenario = scenarioSchema.parse({
      name: 'advisory',
      device: { queues: 1, local: ['10.0.0.0/8'], linkBps: 5e6 },
      ports: [{ id: 'host', kind: 'host' }],
      stack: { aqm: { targetMs: 1, intervalMs: 5, ecn: false, advisory: { entries, suspendBytes: 3_000, resumeBytes: 1_000 } } },
    });
    const pipeline = runTraffic(scenario, traffic, 64);
    const { drops, conservation } = pipeline.summary(input);
    expect(conservation.objects.filter((o) => !o.ok)).toEqual([]);
    const { full, suspensions } = pipeline.worlds[0]!.model!.classQueues!.advisory!;
    return { full, suspensions, lost: drops['aqm_drop'] ?? 0 };
  };
  const [small, large] = [outcome(2), outcome(256)];
  expect([large.full, large.lost]).toEqual([0, 0]);
  expect(large.suspensions).toBeGreaterThan(0);
  expect(small.full).toBeGreaterThan(0);
  expect(small.lost).toBeGreaterThan(0);
});
