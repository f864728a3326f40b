import { NS_PER_MS, NS_PER_US } from '../../base/index.ts';
import {
  deviceOffloadsSchema,
  portOffloadsSchema,
  type DeviceOffloads,
  type OffloadOverrides,
  type PortOffloads,
  type Scenario,
} from '../../contract/index.ts';
import { decidePath, type AggregateOptions, type PathDecision, type ReassemblyOptions, type ReleaseOptions } from '../../stack/index.ts';

/** What one port does, from the scenario, the driver and what is forced for the run. */
export interface PortPlan {
  readonly id: string;
  readonly spec: PortOffloads;
  readonly path: PathDecision;
  readonly aggregate: AggregateOptions;
  readonly release: ReleaseOptions;
}

export interface OffloadPlan {
  readonly device: DeviceOffloads;
  readonly ports: readonly PortPlan[];
  readonly reassembly: ReassemblyOptions;
}

/** The offloads of a scenario with a host port; where it says nothing, the defaults of the schema hold. */
export function offloadPlan(scenario: Scenario, overrides: OffloadOverrides = {}): OffloadPlan {
  const given = scenario.device.offloads ?? deviceOffloadsSchema.parse({});
  const device = { ...given, mode: overrides.mode ?? given.mode, mtuBytes: overrides.mtuBytes ?? given.mtuBytes };
  const ports = scenario.ports.map((port): PortPlan => {
    const own = port.offloads ?? portOffloadsSchema.parse({});
    const spec = { ...own, aggregateKiB: overrides.aggregateKiB ?? own.aggregateKiB, exact: overrides.exact ?? own.exact };
    const path = decidePath(device.mode, device, spec.capabilities);
    return {
      id: port.id,
      spec,
      path,
      aggregate: {
        limitBytes: spec.capabilities.includes('rx-agg') ? Math.floor(spec.aggregateKiB * 1_024) : 0,
        maxBuflets: spec.maxBuflets,
        exact: spec.exact,
        largeBuffers: spec.capabilities.includes('large-buf'),
        mode: path.rx,
      },
      release: { packets: spec.releasePackets, timeoutNs: Math.round(spec.releaseTimeoutUs * NS_PER_US) },
    };
  });
  const reassembly = {
    maxDatagrams: device.reassemblyDatagrams,
    maxBytes: device.reassemblyKiB * 1_024,
    timeoutNs: Math.round(device.reassemblyTimeoutMs * NS_PER_MS),
  };
  return { device, ports, reassembly };
}

/** The scenario with what the run adds to it: prefixes of this machine. */
export function withLocal(scenario: Scenario, overrides: OffloadOverrides): Scenario {
  return overrides.local === undefined ? scenario : { ...scenario, device: { ...scenario.device, local: overrides.local } };
}
