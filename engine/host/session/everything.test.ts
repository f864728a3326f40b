import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VERDICTS, type CallContext, type RunSummary } from '../../contract/index.ts';
import { memoryByteSource, openSource } from '../../files/index.ts';
import { multicastPortsOf, parseScenario, runToEnd, stackModels, stackTopology } from '../../lab/index.ts';
import { readFileSync } from 'node:fs';
import { unwrap } from '../../base/index.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { SessionInput } from './input.ts';
import { runInSlices } from './run-in-slices.ts';

/** W-04: every module in one scenario, over the sample made for it. */
const file = join(samplesFolder, 'everything.pcapng');
const yaml = scenarioText('everything');
const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };
const nothing = (): void => undefined;
let core: SessionCore;
let summary: RunSummary;

beforeAll(async () => {
  core = new SessionCore({
    id: 's',
    name: 'sample',
    input: await SessionInput.open(file, context),
    scenario: { id: 'everything', yaml },
    runner: runInSlices,
    events: { transport: nothing, runFinished: nothing, runFailed: nothing, changed: nothing },
  });
  summary = await core.runs.run(undefined, context);
});
afterAll(() => {
  core.dispose();
});

test('every module does its part, and no packet is lost without a reason', () => {
  expect(summary.conservation.objects.filter(({ ok }) => !ok)).toEqual([]);
  expect(summary.conservation.ok).toBe(true);
  const port = (id: string): RunSummary['ports'][number] => summary.ports.find((p) => p.id === id)!;
  for (const id of ['nat64', 'converter', 'mcast', 'player', 'web', 'api', 'host'])
    expect([id, port(id).delivered > 0]).toEqual([id, true]);
  expect(summary.meter).toMatchObject([{ enabled: true }]);
  expect(summary.meter![0]!.portions).toBeGreaterThan(50);
  expect(summary.meter![0]!.portions).toBeLessThan(1_000);
  expect(Object.keys(summary.drops)).toContain('bad_checksum');
  const verdicts = new Set(Array.from(core.finished!.verdicts.verdict, (v) => VERDICTS[v]));
  expect([...verdicts].sort()).toEqual(['delivered', 'dropped', 'refused', 'translated']);
});

test('what a translator makes for this machine is delivered here, and the answers go back through it', async () => {
  await core.transport.seek(core.input.endNs);
  const { flows: list } = core.playhead.pipeline;
  list.refresh();
  const flows = Array.from({ length: list.count }, (_, id) => list.row(id)!);
  const here = flows.filter((f) => f.source === '203.0.113.7' && f.destination.startsWith('192.0.2.'));
  expect(here.filter((f) => f.protocol === 'TCP' && f.destinationPort === 443).map((f) => f.port)).toContain('web');
  expect(here.some((f) => f.port === 'host' && f.packetsBackward > 0)).toBe(true);
  const clients = flows.filter((f) => f.destination.startsWith('64:ff9b::') && f.packetsBackward > 0);
  expect(clients.length).toBeGreaterThan(3);
});

/** Flows of a port that is not the one of its link: source, destination, and packets each way. */
const flowsTo = (destination: string) => {
  const { flows: list } = core.playhead.pipeline;
  list.refresh();
  return Array.from({ length: list.count }, (_, id) => list.row(id)!).filter((f) => f.destination === destination);
};

test('IPv6 multicast of the modem comes to the set-top box as IPv4, once for a legacy socket and once for a user space stack', async () => {
  await core.transport.seek(core.input.endNs);
  const { pipeline } = core.playhead;
  const { router } = multicastPortsOf(pipeline)[0]!;
  expect(router.state().conservation).toMatchObject({ ok: true });
  const [entry] = router.state().entries;
  expect(entry).toMatchObject({ choice: 'v6', incoming6: 'modem' });
  expect(router.router.forwarder.translated).toBeGreaterThan(200);
  const [six] = flowsTo('ff3e::e80a:1');
  const [four] = flowsTo('232.10.0.1').filter(({ protocol }) => protocol === 'UDP');
  expect(six!.port).toBe('mcast');
  const { translated } = router.router.forwarder;
  expect(four!.packetsForward).toBe(2 * translated);
  const player = summary.ports.find(({ id }) => id === 'player')!;
  // The other packets of the player's port are queries of the router.
  expect(player.delivered - translated).toBeLessThan(10);
  expect(player.delivered).toBeGreaterThanOrEqual(translated);
  expect(summary.sockets?.top.some(({ readPackets }) => readPackets === translated)).toBe(true);
  // The socket gets its copies through the meter, which spreads what came in one lump.
  expect(summary.ports.find(({ id }) => id === 'host')!.delayNs.max).toBeGreaterThan(2 * player.delayNs.max);
});

test('the terminal converter relays the reserved session of the set-top box and refuses a stranger (T-15)', async () => {
  await core.transport.seek(core.input.endNs);
  const [asks] = flowsTo('192.0.2.254').filter(({ source }) => source === '192.0.2.200');
  expect(asks!.packetsForward).toBeGreaterThan(20);
  expect(asks!.packetsBackward).toBeGreaterThan(50);
  const [repairs] = flowsTo('2001:db8:2::fe').filter(({ source }) => source === '2001:db8:64::c633:640a');
  expect(repairs!.packetsForward).toBe(asks!.packetsBackward);
  expect(repairs!.packetsBackward).toBe(asks!.packetsForward);
  const [stranger] = flowsTo('2001:db8:2::fe').filter(({ source }) => source === '2001:db8:bad::1');
  expect(stranger!.packetsForward).toBeGreaterThan(5);
  expect(summary.sockets?.top.some(({ readPackets }) => readPackets === asks!.packetsBackward)).toBe(true);
  const refused = core.finished!.verdicts.verdict.filter((v) => VERDICTS[v] === 'refused').length;
  expect(refused).toBeGreaterThanOrEqual(stranger!.packetsForward);
});

test('class queues advise the stacks of this machine and nobody else; a stack is refused, opened and made defunct', () => {
  const topology = stackTopology(core.playhead.pipeline, 0);
  expect(topology.instances.map((i) => [i.id, i.state])).toEqual([
    ['player', 'running'],
    ['browser', 'running'],
    ['agent', 'defunct'],
    ['bsd', 'running'],
  ]);
  expect(topology.rules.map((r) => [r.name, r.installed])).toEqual([
    ['alternative', true],
    ['alternative-of-kernel', false],
  ]);
  expect(topology.events.map((e) => e.outcome)).toEqual(['refused', 'done', 'done', 'done', 'done', 'done', 'done']);
  const sent = topology.classQueues.reduce((n, q) => n + q.dequeued, 0);
  expect(sent).toBe(topology.device.sent);
  const { pipeline } = core.playhead;
  const advisory = stackModels(pipeline)[0]!.classQueues!.advisory!;
  expect(advisory.suspensions).toBeGreaterThan(0);
  for (const { flow } of advisory.list()) expect(pipeline.flows.row(flow)!.destination).not.toMatch(/^64:ff9b::/);
});

test('the same for any batch size, and a seek back and on gives the same state', async () => {
  const scenario = unwrap(parseScenario(yaml));
  const bytes = new Uint8Array(readFileSync(file));
  for (const batch of [7, 256]) {
    const source = unwrap(openSource(memoryByteSource(bytes), file));
    const again = runToEnd(source, scenario, { scenarioSha256: summary.scenario.sha256, batch });
    expect(again.summary).toEqual(summary);
  }
  await core.transport.seek(core.input.endNs);
  const end = stackTopology(core.playhead.pipeline, 0);
  await core.transport.seek(core.input.endNs / 3);
  expect(stackTopology(core.playhead.pipeline, 0)).not.toEqual(end);
  await core.transport.seek(core.input.endNs);
  expect(stackTopology(core.playhead.pipeline, 0)).toEqual(end);
});
