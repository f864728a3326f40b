import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { multicastPortSchema, VERDICTS, type RunSummary, type Scenario } from '../../contract/index.ts';
import { memoryByteSource, openSource, RecordBatch } from '../../files/index.ts';
import { pimPacket, PortRouter, type PimMessage, type PimSource } from '../../multicast/index.ts';
import { capture, capturesMissing, haveCaptures } from '../../testing/captures.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import { explainPacket } from '../explain.ts';
import { Pipeline } from '../pipeline.ts';
import { parseScenario } from '../scenario/index.ts';
import type { RecordAccess } from '../types.ts';
import { multicastDetail, multicastPortsOf, type MulticastPort } from './index.ts';

if (!haveCaptures) console.warn(capturesMissing);

const root = resolve(import.meta.dirname, '../../..');
const SCENARIO = readFileSync(join(root, 'resources/scenarios/multicast-port.yaml'), 'utf8');
const scenarioOf = (yaml: string): Scenario => unwrap(parseScenario(yaml));

type Input = RecordAccess & { readonly batches: () => Generator<RecordBatch> };

function accessOf(bytes: Uint8Array): Input {
  function* batches(): Generator<RecordBatch> {
    const source = unwrap(openSource(memoryByteSource(bytes), 'x'));
    const batch = new RecordBatch();
    while (source.nextBatch(batch)) yield batch;
  }
  let packets = 0;
  for (const batch of batches()) packets += batch.count;
  return {
    packets,
    batches,
    read(first, into) {
      let before = 0;
      for (const batch of batches()) {
        if (first <= before + batch.count) {
          const skip = first - before - 1;
          into.bytes = batch.bytes;
          into.count = batch.count - skip;
          for (const column of ['offset', 'capLen', 'origLen', 'tsNs', 'iface', 'linkType'] as const)
            into[column].set(batch[column].subarray(skip, batch.count));
          return into.count;
        }
        before += batch.count;
      }
      return 0;
    },
  };
}

interface Ran {
  readonly pipeline: Pipeline;
  readonly port: MulticastPort;
  readonly summary: RunSummary;
  readonly verdicts: readonly string[];
  readonly texts: readonly string[];
}

function run(scenario: Scenario, input: Input, step = 4_096): Ran {
  const sink = { verdict: new Uint8Array(input.packets), detail: new Uint8Array(input.packets) };
  const pipeline = new Pipeline(scenario, { verdicts: sink, series: { bins: 64 } });
  const classified = new ClassifiedBatch(new RecordBatch().capacity);
  let number = 1;
  for (const batch of input.batches()) {
    classifyBatch(batch, classified);
    for (let from = 0; from < batch.count; from += step) {
      pipeline.feed(batch, classified, from, Math.min(batch.count, from + step), number + from);
    }
    number += batch.count;
  }
  pipeline.finish();
  return {
    pipeline,
    port: multicastPortsOf(pipeline)[0]!,
    summary: pipeline.summary({ skipped: {}, scenarioSha256: '0' }),
    verdicts: Array.from(sink.verdict, (v) => VERDICTS[v] ?? ''),
    texts: Array.from(sink.detail, (detail) => multicastDetail(detail)),
  };
}

const sample = accessOf(readFileSync(join(root, 'resources/samples/multicast-joins.pcapng')));
const scenario = scenarioOf(SCENARIO);

describe('a multicast port on the flow switch', () => {
  const whole = run(scenario, sample);

  it('takes joins, forwards what is wanted, and refuses the rest with a reason; every packet is accounted for', () => {
    const { summary, verdicts, texts, port } = whole;
    expect(summary.conservation.objects.filter(({ ok }) => !ok)).toEqual([]);
    expect(port.router.state().conservation).toMatchObject({ ok: true });
    const { counters } = port.router;
    expect(verdicts.filter((v) => v === 'forwarded').length).toBe(counters.forwarded);
    expect(counters.forwarded).toBeGreaterThan(40);
    expect(counters.membership).toBeGreaterThan(10);
    expect(verdicts).not.toContain('pending');
    const refused = new Set(texts.filter((_, i) => verdicts[i] === 'refused'));
    expect([...refused].sort()).toEqual([
      'a packet of the family that is not chosen: a duplicate',
      'no link leads to a receiver of it',
      'nobody has joined this source and group',
    ]);
    // Copies and messages all leave by the link.
    const sent = summary.rings.find(({ id }) => id === 'device.tx.0')!;
    expect(sent.dequeued).toBe(port.router.copies + port.router.messages);
    expect(summary.ports.find(({ id }) => id === 'mcast')).toMatchObject({ kind: 'multicast', dropped: 0 });
  });

  it('gives receivers of both families one programme over the shorter path', () => {
    const [entry] = whole.port.router.state().entries.filter(({ key }) => key.group4 === '232.10.0.1');
    expect(entry).toMatchObject({ choice: 'v4', incoming4: 'up4' });
    const forwarded = whole.port.router.router.forwarder;
    expect(forwarded.translated).toBeGreaterThan(10);
    expect(forwarded.dropped('rpf_other_family')).toBeGreaterThan(10);
    const six = scenarioOf(SCENARIO.replace('metric: 3', 'metric: 9'));
    const [other] = run(six, sample)
      .port.router.state()
      .entries.filter(({ key }) => key.group4 === '232.10.0.1');
    expect(other).toMatchObject({ choice: 'v6', incoming6: 'up6' });
  });

  it('gives the same result however the input is cut', () => {
    const pieces = run(scenario, sample, 7);
    expect(pieces.summary).toEqual(whole.summary);
    expect(pieces.verdicts).toEqual(whole.verdicts);
    expect(pieces.texts).toEqual(whole.texts);
    expect({ ...pieces.port.router.state(), revision: 0 }).toEqual({ ...whole.port.router.state(), revision: 0 });
  });

  it('explains a forwarded packet, a duplicate and a join', () => {
    const cardOf = (verdict: string, text = ''): string => {
      const number = whole.verdicts.findIndex((v, i) => v === verdict && whole.texts[i]!.includes(text)) + 1;
      const explained = explainPacket(sample, scenario, number)!;
      expect(explained.verdict, `packet ${String(number)}`).toBe(verdict === 'forwarded' ? 'delivered' : verdict);
      const card = explained.cards.find(({ title }) => title.startsWith('mcast:'))!;
      return [card.title, ...card.lines.map(({ label, value, because }) => `${label} ${value} ${because ?? ''}`)].join('\n');
    };
    expect(cardOf('forwarded')).toMatch(
      /group data, forwarded[^]*Came in on up4[^]*Entry .* v4 chosen because[^]*Copy IPv\d, \d+ bytes, to lan/,
    );
    expect(cardOf('refused', 'duplicate')).toMatch(/Not forwarded a packet of the family that is not chosen: a duplicate M-19/);
    const joined = sample.packets - 1;
    expect(joined).toBeGreaterThan(0);
    const join = whole.port.router.log().find(({ protocol, kind }) => protocol === 'choice' && kind === 'chosen')!;
    expect(join.text).toContain('v4 chosen because its cost 3 is lower than 5 of v6');
  });

  it('a small TX ring drops copies, which the account shows', () => {
    const small = scenarioOf(
      SCENARIO.replace('kind: multicast', 'kind: multicast\n    txRingSlots: 2\n    reader: { batch: 64, wakeUs: 900000 }'),
    );
    const { summary, verdicts } = run(small, sample);
    expect(verdicts).toContain('dropped');
    expect(summary.conservation.ok).toBe(true);
  });

  it('copies for a link that stands for a port go to the readers of that port', () => {
    const local = scenarioOf(
      SCENARIO.replace('        - { id: up6,', '        - { id: tv, port: ch1, networks: [10.9.9.0/24] }\n        - { id: up6,')
        .replace('        - id: lan\n', '        - id: lan\n          port: ch1\n')
        .replace('ports:\n', 'ports:\n  - { id: ch1, kind: user, select: [{ destination: 10.9.9.9/32 }] }\n'),
    );
    const { summary, verdicts } = run(local, sample);
    expect(summary.ports.find(({ id }) => id === 'ch1')!.delivered).toBeGreaterThan(40);
    expect(verdicts).toContain('delivered');
    expect(summary.conservation.ok).toBe(true);
  });
});

describe('a multicast port beside other modules', () => {
  const beside = (more: string, local = '203.0.113.77/32'): string =>
    SCENARIO.replace('  queues: 1', `  queues: 1\n  linkBps: 4e5\n  local: [${local}]`)
      .replace('        - { id: up6,', '        - { id: tv, port: ch1, networks: [10.9.9.0/24] }\n        - { id: up6,')
      .replace('        - id: lan\n', '        - id: lan\n          port: ch1\n')
      .replace('ports:\n', 'ports:\n  - { id: ch1, kind: user, select: [{ destination: 10.9.9.9/32 }] }\n') + more;
  const stack = `
stack:
  instances: [{ id: player, port: ch1, pid: 7, executable: /bin/player, open: false }]
  aqm: { limitPackets: 8 }
  faults: [{ id: lost, site: port-pool-alloc, probability: 0.2, port: ch1 }]
  events:
    - { atMs: 1000, do: open-channel, instance: player }
    - { atMs: 5000, do: defunct, instance: player }
`;

  it('works with a stack section: copies meet a channel that opens late and ends early, faults and class queues, and all are accounted for', () => {
    const whole = run(scenarioOf(beside(stack)), sample);
    const { summary, port } = whole;
    expect(summary.conservation.objects.filter(({ ok }) => !ok)).toEqual([]);
    expect(port.router.state().conservation).toMatchObject({ ok: true });
    const ch1 = summary.ports.find(({ id }) => id === 'ch1')!;
    expect(ch1.delivered).toBeGreaterThan(20);
    expect(summary.drops['port_nomem']).toBeGreaterThan(3);
    // Copies for a channel that is not open go to the stack of the kernel.
    const copies = (s: RunSummary): number => ['ch1', 'host'].reduce((n, id) => n + s.ports.find((p) => p.id === id)!.delivered, 0);
    const open = run(scenarioOf(beside(stack.replace(', open: false', '').replace(/ {2}events:[^]*/, ''))), sample).summary;
    expect(ch1.delivered).toBeLessThan(open.ports.find(({ id }) => id === 'ch1')!.delivered);
    expect(Math.abs(copies(summary) - copies(open))).toBeLessThan(20);
    const pieces = run(scenarioOf(beside(stack)), sample, 7);
    expect(pieces.summary).toEqual(summary);
    expect(pieces.verdicts).toEqual(whole.verdicts);
  });

  it('what this machine sends to a group leaves by the link: the router sees what comes in', () => {
    const { summary, port } = run(scenarioOf(beside('', '198.51.100.10/32')), sample);
    const before = run(scenario, sample).port.router.counters;
    expect(summary.conservation.ok).toBe(true);
    expect(port.router.counters.membership).toBe(before.membership);
    expect(port.router.counters.forwarded + port.router.counters.refused).toBeLessThan(before.forwarded + before.refused);
    const host = summary.rings.find(({ id }) => id === 'host.tx.0')!;
    expect(host.dequeued).toBeGreaterThan(20);
  });
});

describe('whose joins a port takes (`joins`)', () => {
  const SG: PimSource = { source: '192.0.2.33', wildcard: false, rpt: false };
  const hello = { kind: 'hello', holdtimeS: 105, lanPruneDelay: null, drPriority: 1, generationId: 1, addresses: [], translationRouter: null } as const; // prettier-ignore
  const joinTo = (upstream: string) => ({ kind: 'join-prune', upstream, holdtimeS: 210, groups: [{ group: '232.1.2.3', maskLength: 32, joins: [SG], prunes: [] }] }) as const; // prettier-ignore
  const port = (joins: 'any' | 'own'): PortRouter =>
    unwrap(
      PortRouter.create(
        'm',
        multicastPortSchema.parse({
          joins,
          interfaces: [{ id: 'lan', addresses: ['10.1.0.1'], networks: ['10.1.0.0/24'] }, { id: 'up' }],
          routes: [{ to: '192.0.2.0/24', interface: 'up', via: '10.2.0.1' }],
        }),
      ),
    );
  const say = (to: PortRouter, message: PimMessage, tNs: number): void => {
    to.take(0, pimPacket(message, 4, '10.1.0.9', '224.0.0.13'), tNs);
  };

  it.each([
    ['any', '10.1.0.77', false, 1],
    ['any', '10.1.0.1', false, 1],
    ['own', '10.1.0.77', true, 0],
    ['own', '10.1.0.1', false, 0],
    ['own', '10.1.0.1', true, 1],
  ] as const)('%s: a join to %s, Hello said %s, makes %i entry', (joins, upstream, said, entries) => {
    const router = port(joins);
    if (said) say(router, hello, 1_000);
    say(router, joinTo(upstream), 2_000);
    router.runUntil(1e9);
    expect(router.state().entries).toHaveLength(entries);
    expect(router.state().conservation.ok).toBe(true);
  });
});

describe('multicast ports in scenarios', () => {
  it.each([
    ['device: { queues: 4 }', '', 'device.queues', 'one queue'],
    ['device: { queues: 1 }', 'interfaces: [{ id: a, networks: [x] }]', 'ports.0.multicast.interfaces.0.networks.0', 'no prefix'],
    ['device: { queues: 1 }', 'interfaces: [{ id: a, port: b }]', 'ports.0.multicast.interfaces.0.port', 'no port b'],
    ['device: { queues: 1 }', 'interfaces: [{ id: a, mac: zz }]', 'ports.0.multicast.interfaces.0.mac', 'Ethernet'],
    ['device: { queues: 1 }', 'routes: [{ to: 10.0.0.0/8, interface: no }]', 'ports.0.multicast.routes.0.interface', 'no interface'],
    ['device: { queues: 1 }', 'routes: [{ to: 10.0.0.0/8, interface: wire, via: "fe80::1" }]', 'ports.0.multicast.routes.0.via', 'family'],
    ['device: { queues: 1 }', 'rps: [{ address: 1.2.3 }]', 'ports.0.multicast.rps.0.address', 'no address'],
    ['device: { queues: 1 }', 'prefixes: { ssm: "ff0e::/96" }', 'ports.0.multicast.prefixes.ssm', 'source-specific'],
  ])('refuses %s %s', (device, own, field, text) => {
    const parsed = parseScenario(`name: x\n${device}\nports: [{ id: m, kind: multicast, select: [{}], multicast: { ${own} } }]`);
    expect(parsed.ok ? [] : parsed.error[0]).toMatchObject({ field, message: expect.stringContaining(text) as string });
  });

  it('has one of them, which needs no configuration', () => {
    const port = '{ id: m, kind: multicast, select: [{}] }';
    expect(parseScenario(`name: x\ndevice: { queues: 1 }\nports: [${port}]`).ok).toBe(true);
    const two = parseScenario(`name: x\ndevice: { queues: 1 }\nports: [${port}, ${port.replace('id: m', 'id: n')}]`);
    expect(two.ok ? '' : two.error[0]!.message).toContain('has one');
  });
});

/** A port that takes everything and only listens, on links told apart by the networks of the recordings. */
const listening = (more: string): Scenario =>
  scenarioOf(`name: x\ndevice: { queues: 1 }\nports: [{ id: m, kind: multicast, select: [{}], multicast: { ${more} } }]`);

describe.runIf(haveCaptures)('recordings of a kernel, through the port', () => {
  const shown = (port: MulticastPort): string[] =>
    port.router
      .state()
      .memberships.map(({ link, group, mode, sources, protocol }) => `${link} ${group} ${mode} {${sources.join(', ')}} ${protocol}`)
      .sort();

  it('with pimd end in the membership that the kernel reported', () => {
    const input = accessOf(readFileSync(capture('peer-recordings/kernel-pimd-igmp-hostside.pcap')));
    const { port, summary } = run(listening(''), input);
    expect(shown(port)).toEqual([
      'wire 239.1.1.1 exclude {} IGMPv3',
      'wire 239.1.1.2 exclude {10.2.0.9} IGMPv3',
      'wire 239.3.3.3 exclude {} IGMPv1',
    ]);
    expect(summary.conservation.ok).toBe(true);
  });

  it('with smcroute forward as the kernel did: one copy for each packet, once the groups are joined', () => {
    const input = accessOf(readFileSync(capture('peer-recordings/smcroute-both.pcap')));
    const hosts = "{ id: hosts, networks: [10.1.0.0/24, 'fe80::902d:98ff:fed0:cdf6/128'] }";
    const source = "{ id: source, networks: [10.2.0.0/24, '2001:db8:2::/64'] }";
    const { port, summary } = run(listening(`kind: dual, interfaces: [${hosts}, ${source}]`), input);
    expect(shown(port)).toEqual(['hosts 239.1.1.1 exclude {} IGMPv3', 'hosts ff3e::1:1 exclude {} MLDv2']);
    // The recording has each packet twice, as it came in and as the kernel sent it: the second is marked as sent by that machine.
    const { counters, copies } = port.router;
    expect(counters.own).toBeGreaterThan(30);
    expect(copies).toBe(counters.forwarded);
    expect(summary.conservation.ok).toBe(true);
  });
});

describe.runIf(haveCaptures)("tcpdump's captures, through the port", () => {
  it.each([
    'IGMP_V1.pcap',
    'IGMP_V2.pcap',
    'igmpv3-queries.pcap',
    'PIM-SM_join_prune.pcap',
    'PIM-DM_pruning.pcap',
    'PIM_register_register-stop.pcap',
    'PIMv2_bootstrap.pcap',
    'PIMv2_hellos.pcap',
    'pim-packet-assortment.pcap',
    'icmpv6.pcap',
    'mrinfo_query.pcap',
    'mtrace.pcap',
  ])('%s leaves no packet unaccounted', (file) => {
    const input = accessOf(readFileSync(capture(`tcpdump/tests/${file}`)));
    const { port, summary, verdicts } = run(listening(''), input);
    expect(summary.conservation.objects.filter(({ ok }) => !ok)).toEqual([]);
    expect(port.router.state().conservation.message).toContain('every packet');
    expect(verdicts).not.toContain('pending');
  });

  it('with `joins: own` only joins that are for this router, of neighbours that said Hello, count', () => {
    const input = accessOf(readFileSync(capture('tcpdump/tests/PIM-SM_join_prune.pcap')));
    const joined = (more: string): { kept: number; ignored: number; notes: number } => {
      const { port } = run(listening(`routes: [{ to: 0.0.0.0/0, interface: wire }]${more}`), input);
      const { pim } = port.router.router.side(4)!;
      const notes = port.router.log().filter(({ kind }) => kind === 'joined').length;
      return { kept: pim.counters.trees, ignored: pim.counters.ignored, notes };
    };
    expect(joined('').notes).toBeGreaterThan(0);
    // No message of this capture is for the router's address, and none of the senders has said Hello to it.
    expect(joined(", joins: own, interfaces: [{ id: wire, addresses: ['10.99.0.1'] }]")).toMatchObject({ kept: 0, notes: 0 });
  });

  it('joins of PIM-SM_join_prune are trees of the router', () => {
    const input = accessOf(readFileSync(capture('tcpdump/tests/PIM-SM_join_prune.pcap')));
    const { port } = run(listening('routes: [{ to: 0.0.0.0/0, interface: wire }]'), input);
    expect(port.router.counters.pim).toBeGreaterThan(20);
    expect(port.router.log().some(({ protocol, kind }) => protocol === 'PIM' && kind === 'join')).toBe(true);
  });
});
