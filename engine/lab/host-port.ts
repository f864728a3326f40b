import type { PortSpec, Scenario } from '../contract/index.ts';

/** The host port of a scenario that names none: what the schema gives a port of which nothing but id and kind is said. */
export function defaultHostPort(): PortSpec {
  return {
    id: 'host',
    kind: 'host',
    select: [],
    rxRingSlots: 1_024,
    txRingSlots: 256,
    poolPackets: 2_048,
    reader: { wakeUs: 50, batch: 64, perPacketNs: 400, perByteNs: 0, stalls: [] },
  };
}

/**
 * The scenario with a host port at the end where it names none: what nobody selects has to go somewhere. Uses no schema, so that a
 * run's threads load none.
 */
export function withHostPort(scenario: Scenario): Scenario {
  if (scenario.ports.some((port) => port.kind === 'host')) return scenario;
  return { ...scenario, ports: [...scenario.ports, defaultHostPort()] };
}
