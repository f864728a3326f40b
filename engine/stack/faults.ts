import { Random } from '../base/index.ts';

/**
 * Fault injection (S-12): each fault has a site, a probability and random numbers of its own, so that switching one on or off never
 * changes where another one strikes.
 */
export const FAULT_SITES = [
  'device-pool-alloc',
  'port-pool-alloc',
  'device-ring-full',
  'port-ring-full',
  'tx-ring-full',
  'bad-head',
  'checksum-corruption',
  'lost-notification',
] as const;
export type FaultSite = (typeof FAULT_SITES)[number];

export const FAULT_TEXTS: Readonly<Record<FaultSite, string>> = {
  'device-pool-alloc': 'the device pool says that it has no buflet',
  'port-pool-alloc': 'the pool of a port says that it has no buflet',
  'device-ring-full': 'the device RX ring says that it is full',
  'port-ring-full': 'the RX ring of a port says that it is full',
  'tx-ring-full': 'the TX ring of a port says that it is full',
  'bad-head': 'a reader writes a head outside its slots, which is refused; it reads again after a wake-up',
  'checksum-corruption': 'a bit of a received packet turns; the checksum finds it in the flow switch',
  'lost-notification': 'a reader is not woken; the worker of the switch finds its ring waiting and wakes it',
};

export interface FaultSpec {
  readonly id: string;
  readonly site: FaultSite;
  readonly probability: number;
  /** Port, for sites at a port; every port when left out. */
  readonly port?: string | undefined;
  readonly enabled: boolean;
}

export interface FaultState {
  readonly id: string;
  readonly site: FaultSite;
  readonly port: string;
  readonly probability: number;
  readonly enabled: boolean;
  readonly asked: number;
  readonly injected: number;
}

class Fault {
  readonly spec: FaultSpec;
  readonly random: Random;
  readonly place: number;
  enabled: boolean;
  asked = 0;
  injected = 0;

  constructor(spec: FaultSpec, seed: number, place: number) {
    this.spec = spec;
    this.place = place;
    this.enabled = spec.enabled;
    this.random = new Random(seed).fork(`fault ${spec.id}`);
  }
}

export class Faults {
  private readonly all: readonly Fault[];
  private readonly bySite: readonly (readonly Fault[])[];

  /** `ports`: ids in the order of the places that `strikes` is asked about. */
  constructor(specs: readonly FaultSpec[], seed: number, ports: readonly string[]) {
    this.all = specs.map((spec) => new Fault(spec, seed, spec.port === undefined ? -1 : ports.indexOf(spec.port)));
    this.bySite = FAULT_SITES.map((site) => this.all.filter((f) => f.spec.site === site));
  }

  /** Whether a fault of the site strikes now, at the port of this place. Each fault that is on draws one number. */
  strikes(site: FaultSite, place: number): boolean {
    let struck = false;
    for (const fault of this.bySite[FAULT_SITES.indexOf(site)]!) {
      if (!fault.enabled || (fault.place >= 0 && fault.place !== place)) continue;
      fault.asked++;
      if (fault.random.float() >= fault.spec.probability) continue;
      fault.injected++;
      struck = true;
    }
    return struck;
  }

  /** False if there is no fault of this name. */
  set(id: string, enabled: boolean): boolean {
    const fault = this.all.find((f) => f.spec.id === id);
    if (fault === undefined) return false;
    fault.enabled = enabled;
    return true;
  }

  states(): FaultState[] {
    return this.all.map((f) => ({
      id: f.spec.id,
      site: f.spec.site,
      port: f.spec.port ?? '',
      probability: f.spec.probability,
      enabled: f.enabled,
      asked: f.asked,
      injected: f.injected,
    }));
  }

  save(): number[] {
    return this.all.flatMap((f) => [f.enabled ? 1 : 0, f.asked, f.injected, ...f.random.state]);
  }

  restore(get: () => number): void {
    for (const f of this.all) {
      f.enabled = get() === 1;
      [f.asked, f.injected] = [get(), get()];
      for (let i = 0; i < 4; i++) f.random.state[i] = get();
    }
  }
}
