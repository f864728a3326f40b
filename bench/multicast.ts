import { multicastPortSchema, multicastScenarioSchema } from '../engine/contract/index.ts';
import { coreSeconds, scaleRun, type ScaleFigures } from '../engine/experiments/multicast/scale.ts';
import { dataPacket, groupPacket, MulticastNetwork, PortRouter, RECORD } from '../engine/multicast/index.ts';
import { runOnce, spread } from './measure.ts';

type Mode = 'translate' | 'encapsulate';

/** Packets of one forwarding measurement. */
const PACKETS = 400_000;
const STREAMS = 256;
const ENTRIES = 100_000;
const SIZES = [100, 400, 1_400];
const SOURCE = '192.0.2.33';
const NOW_NS = 1e9;

/** A translation router with a source on one link, receivers of IPv4 on the second and of IPv6 on the third. */
function router(mode: Mode, from: 4 | 6): PortRouter {
  const to = from === 4 ? '192.0.2.0/24' : '2001:db8::/96';
  const spec = multicastPortSchema.parse({
    kind: 'translation',
    mode,
    prefixes: { source: '2001:db8::/96' },
    interfaces: [
      { id: 'up', capture: 0, mtu: 9_000 },
      { id: 'hosts4', capture: 1, mtu: 9_000 },
      { id: 'hosts6', capture: 2, mtu: 9_000 },
    ],
    routes: [{ to, interface: 'up', via: from === 4 ? '198.51.100.1' : 'fe80::1' }],
  });
  const made = PortRouter.create('mcast', spec);
  if (!made.ok) throw new Error(made.error[0]!.message);
  return made.value;
}

/** Reports of both families for every stream, as bytes. */
function join(port: PortRouter): string[] {
  const groups = Array.from({ length: STREAMS }, (_, i) => `232.1.0.${i}`);
  const source6 = port.prefixes.sourceText6(SOURCE)!;
  for (const group of groups) {
    const report = (to: string, source: string) =>
      ({ kind: 'report', version: 3, records: [{ type: RECORD.isInclude, group: to, sources: [source] }] }) as const;
    port.take(1, groupPacket(report(group, SOURCE), 4, '203.0.113.9', '224.0.0.22'), NOW_NS);
    port.take(2, groupPacket(report(port.prefixes.groupText6(group)!, source6), 6, 'fe80::9', 'ff02::16'), NOW_NS);
  }
  port.emptied();
  return groups;
}

/**
 * Time of a core for a packet through a whole router with one IPv4 and one IPv6 copy out, in nanoseconds: interface, header, PIM, path choice,
 * reverse path check, and both copies as packets of their own. The best of several rounds.
 */
function routerNs(mode: Mode, bytes: number, packets: number, from: 4 | 6): number {
  const port = router(mode, from);
  const streams = join(port).map((group) =>
    dataPacket(from, {
      source: from === 4 ? SOURCE : port.prefixes.sourceText6(SOURCE)!,
      destination: from === 4 ? group : port.prefixes.groupText6(group)!,
      payload: new Uint8Array(Math.max(0, bytes - 28)),
      ttl: 64,
      sourcePort: 1,
      destinationPort: 2,
    }),
  );
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = coreSeconds();
    for (let i = 0; i < packets; i++) {
      port.emptied();
      port.take(0, streams[i & (STREAMS - 1)]!, NOW_NS);
    }
    best = Math.min(best, ((coreSeconds() - start) * 1e9) / packets);
  }
  const { forwarder } = port.router;
  if (forwarder.packetsOut !== 2 * forwarder.packetsIn) throw new Error('a packet did not leave as two copies');
  return best;
}

/** Time of a core for a large random network in which a router fails and comes back, from its description to its end, in seconds. */
function networkSeconds(): number {
  const scenario = multicastScenarioSchema.parse({
    name: 'large',
    durationS: 600,
    random: { routers: 150, links: 300, receivers: 300, v4Share: 0.9, v6Share: 0.9, translationShare: 0.5 },
    events: [
      { atS: 20, router: 'r7', up: false },
      { atS: 40, router: 'r7', up: true },
    ],
  });
  const start = coreSeconds();
  const made = MulticastNetwork.create(scenario);
  if (!made.ok) throw new Error(made.error[0]!.message);
  if (!made.value.runUntil(made.value.durationNs)) throw new Error('the network has more events than a run may have');
  return coreSeconds() - start;
}

/** What one process measures. */
export type MulticastCase =
  | { readonly what: 'joins' }
  | { readonly what: 'network' }
  | { readonly what: 'router'; readonly from: 4 | 6; readonly mode: Mode; readonly bytes: number };

const ROUTER_CASES: readonly Extract<MulticastCase, { what: 'router' }>[] = ([4, 6] as const).flatMap((from) =>
  (['translate', 'encapsulate'] as const).flatMap((mode) => SIZES.map((bytes) => ({ what: 'router' as const, from, mode, bytes }))),
);

/** `joins`, `network`, or `v4,translate,100`. */
export function multicastCase(text: string): MulticastCase {
  if (text === 'joins' || text === 'network') return { what: text };
  const known = ROUTER_CASES.find(({ from, mode, bytes }) => text === `v${from},${mode},${bytes}`);
  if (known === undefined)
    throw new Error(`--multicast takes joins, network, or a family, a mode and bytes, such as v4,translate,100; not ${text}`);
  return known;
}

/** Million packets a second of a core by round, seconds of a core by round, or the figures of joins. Run with --expose-gc for the memory of an entry. */
export function multicastFigures(one: MulticastCase, rounds: number): number[] | ScaleFigures {
  if (one.what === 'joins') return scaleRun(ENTRIES);
  if (one.what === 'network') return Array.from({ length: rounds }, networkSeconds);
  return Array.from({ length: rounds }, () => 1e3 / routerNs(one.mode, one.bytes, PACKETS, one.from));
}

export interface MulticastRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  readonly unit: string;
  readonly higherIsBetter: boolean;
  readonly value: number;
}

async function measured(argument: string, rounds: number): Promise<unknown> {
  const args = ['--expose-gc', process.argv[1] ?? '', '--multicast', argument, '--rounds', String(rounds)];
  const run = await runOnce({ label: 'multicast', program: process.execPath, args });
  if (run.code !== 0) throw new Error(`the multicast measurement ended with code ${run.code}: ${run.stderr.trim().slice(-400)}`);
  return JSON.parse(run.stdout) as unknown;
}

const JOIN_ROWS = ['multicast-joins', 'multicast-prunes', 'multicast-entry-memory'];

/** Data and joins in memory, each case in a process of its own; only rows that are asked for are measured. */
export async function* multicastRows(rounds: number, asked: (id: string) => boolean): AsyncGenerator<MulticastRow> {
  for (const { from, mode, bytes } of ROUTER_CASES) {
    const id = `multicast-router-v${from}-${mode}-${bytes}`;
    if (!asked(id)) continue;
    const rates = spread((await measured(`v${from},${mode},${bytes}`, rounds)) as number[]);
    const title = `multicast router, v${from} in, a v4 and a v6 copy, ${mode}, ${bytes} bytes (${rates.min.toFixed(2)}-${rates.max.toFixed(2)})`;
    yield { id, title, atLeast: 1, aim: 1.5, unit: 'M/s', higherIsBetter: true, value: rates.median };
  }
  if (asked('multicast-network')) {
    const seconds = spread((await measured('network', rounds)) as number[]);
    const title = `600 s of a network of 150 routers and 300 receivers (${seconds.min.toFixed(1)}-${seconds.max.toFixed(1)})`;
    yield { id: 'multicast-network', title, atLeast: 20, aim: 10, unit: 's', higherIsBetter: false, value: seconds.median };
  }
  if (!JOIN_ROWS.some(asked)) return;
  const { joinsPerSecond, prunesPerSecond, bytesPerEntry } = (await measured('joins', 1)) as ScaleFigures;
  const goal = { atLeast: 10, aim: 20, unit: 'k/s', higherIsBetter: true };
  yield { ...goal, id: 'multicast-joins', title: 'multicast joins of 100,000 entries, 20 in a message', value: joinsPerSecond / 1e3 };
  yield { ...goal, id: 'multicast-prunes', title: 'multicast prunes of the same', value: prunesPerSecond / 1e3 };
  const memory = { atLeast: 2_700, aim: 1_350, unit: 'B', higherIsBetter: false };
  yield { ...memory, id: 'multicast-entry-memory', title: 'memory for a multicast entry, of 100,000', value: bytesPerEntry };
}
