import { assert } from '../../base/index.ts';
import type { Scenario, SendersSpec } from '../../contract/index.ts';
import type { ClosedLoopOptions } from './closed-loop.ts';

/**
 * Senders into the host port of a scenario that has a meter and sockets: its meter on or off, its sockets, network, first pool and seed.
 * One queue of the device: the loop has one path.
 */
export function closedLoopOptions(scenario: Scenario, senders: SendersSpec, enable: boolean): ClosedLoopOptions {
  const host = scenario.ports.find((port) => port.kind === 'host' && port.sockets !== undefined);
  assert(host?.sockets !== undefined && host.meter !== undefined, 'a closed loop needs a meter and sockets');
  const { network, poolPackets } = scenario.device;
  return { ...senders, meter: { ...host.meter, enable }, sockets: host.sockets, network, poolPackets, seed: scenario.seed };
}
