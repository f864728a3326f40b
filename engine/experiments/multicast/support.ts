import { multicastScenarioSchema, type MulticastScenarioInput, type MulticastState } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { MulticastNetwork, networkState } from '../../multicast/index.ts';

export const SOURCE = '192.0.2.33';
export const GROUP = '232.1.2.3';

export interface NetworkRun {
  readonly network: MulticastNetwork;
  readonly state: MulticastState;
}

/** Runs a network to its end and gives its state; no log is kept. */
export function runNetwork(input: MulticastScenarioInput): NetworkRun {
  const network = unwrap(MulticastNetwork.create(multicastScenarioSchema.parse(input), { log: false }));
  network.runUntil(network.durationNs);
  return { network, state: networkState(network, 1) };
}

/** Data packets put on the links between routers. */
export function linkLoad({ network }: NetworkRun): { readonly packets: number; readonly bytes: number } {
  let packets = 0;
  let bytes = 0;
  for (const { counters, spec } of network.links) {
    if (spec.ends.length < 2) continue;
    packets += counters.packets4 + counters.packets6 - counters.control;
    bytes += counters.bytes4 + counters.bytes6;
  }
  return { packets, bytes };
}

export const mean = (values: readonly number[]): number => (values.length === 0 ? NaN : values.reduce((a, b) => a + b, 0) / values.length);

/** Mean time from join to first packet of the receivers that got any, in ms. */
export function firstPacketMs({ state }: NetworkRun): number {
  return mean(state.receivers.flatMap((r) => (r.firstPacketNs === null || r.joinNs === null ? [] : [(r.firstPacketNs - r.joinNs) / 1e6])));
}

export const sumOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** r0 with the source; r3 translates; IPv4 over r1 with cost 3, IPv6 over r2 with cost 5; receivers of both families on r3. */
export function diamond(change: Partial<MulticastScenarioInput> = {}): MulticastScenarioInput {
  return {
    name: 'diamond',
    durationS: 20,
    routers: [
      { id: 'r0', kind: 'dual' },
      { id: 'r1', kind: 'v4' },
      { id: 'r2', kind: 'v6' },
      { id: 'r3', kind: 'translation' },
    ],
    links: [
      { id: 'a4', ends: ['r0', 'r1'], families: 'v4', cost4: 1, delayMs: 2 },
      { id: 'b4', ends: ['r1', 'r3'], families: 'v4', cost4: 2, delayMs: 2 },
      { id: 'a6', ends: ['r0', 'r2'], families: 'v6', cost6: 2, delayMs: 5 },
      { id: 'b6', ends: ['r2', 'r3'], families: 'v6', cost6: 3, delayMs: 5 },
    ],
    sources: [{ id: 's', at: 'r0', v4: SOURCE, v6: 'mapped', group: GROUP, ratePps: 100 }],
    receivers: [
      { id: 'h4', at: 'r3', protocol: 'igmpv3', group: GROUP, source: SOURCE, joinS: 1 },
      { id: 'h6', at: 'r3', protocol: 'mldv2', group: GROUP, source: SOURCE, joinS: 1 },
    ],
    ...change,
  };
}
