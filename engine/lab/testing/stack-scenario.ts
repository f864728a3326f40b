import { Random } from '../../base/index.ts';
import { scenarioSchema, type Scenario } from '../../contract/index.ts';
import { randomScenario } from './traffic.ts';

/** A scenario with everything that the stack model has, drawn from a seed; with several queues it has that in each. */
export function stackScenario(seed: number, queues = 1): Scenario {
  const base = randomScenario(seed);
  const r = new Random(seed + 1_000);
  const ms = (): number => r.int(0, 40);
  const chance = (): number => r.float() * 0.05;
  const sites = ['device-pool-alloc', 'port-pool-alloc', 'device-ring-full', 'port-ring-full', 'tx-ring-full', 'bad-head', 'checksum-corruption', 'lost-notification']; // prettier-ignore
  return scenarioSchema.parse({
    ...base,
    device: { ...base.device, queues, linkBps: r.int(2e6, 5e7), local: ['192.0.2.1', '2001:db8::1'] },
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
