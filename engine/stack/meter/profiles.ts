import type { Capability, CapabilityOverrides, NetworkProfile, NetworkSpec } from '../../contract/index.ts';

/**
 * Network capability records (B-02) of typical links. They are round figures to begin with, not measurements of a product: an
 * engineer who knows the link sets the fields that differ.
 */
export const CAPABILITY_PROFILES: Readonly<Record<NetworkProfile, { readonly title: string; readonly capability: Capability }>> = {
  lte: {
    title: 'LTE modem, 20 MHz',
    capability: {
      rat: 'LTE',
      peakBps: 300_000_000,
      sustainedBps: 80_000_000,
      burstBytesMax: 262_144,
      burstPeriodUs: 10_000,
      rttUs: 50_000,
      mtu: 1_428,
    },
  },
  nr: {
    title: 'NR (5G) modem, 100 MHz',
    capability: {
      rat: 'NR',
      peakBps: 2_000_000_000,
      sustainedBps: 400_000_000,
      burstBytesMax: 1_048_576,
      burstPeriodUs: 5_000,
      rttUs: 20_000,
      mtu: 1_500,
    },
  },
  wifi6: {
    title: 'Wi-Fi 6, two streams of 80 MHz',
    capability: {
      rat: 'Wi-Fi 6',
      peakBps: 1_200_000_000,
      sustainedBps: 600_000_000,
      burstBytesMax: 393_216,
      burstPeriodUs: 4_000,
      rttUs: 5_000,
      mtu: 1_500,
    },
  },
  satellite: {
    title: 'Geostationary satellite',
    capability: {
      rat: 'satellite',
      peakBps: 100_000_000,
      sustainedBps: 40_000_000,
      burstBytesMax: 524_288,
      burstPeriodUs: 40_000,
      rttUs: 600_000,
      mtu: 1_500,
    },
  },
  ethernet: {
    title: 'Gigabit Ethernet',
    capability: {
      rat: 'Ethernet',
      peakBps: 1_000_000_000,
      sustainedBps: 940_000_000,
      burstBytesMax: 65_536,
      burstPeriodUs: 1_000,
      rttUs: 1_000,
      mtu: 1_500,
    },
  },
};

/** The record of a profile with some fields replaced. */
export function capabilityOf(profile: NetworkProfile, overrides: CapabilityOverrides | undefined): Capability {
  return merged(CAPABILITY_PROFILES[profile].capability, overrides);
}

function merged(base: Capability, overrides: CapabilityOverrides | undefined): Capability {
  const given = Object.entries(overrides ?? {}).filter(([, value]) => value !== undefined);
  return { ...base, ...(Object.fromEntries(given) as Partial<Capability>) };
}

/** A record that holds from an instant on. */
export interface CapabilityChange {
  readonly atNs: number;
  readonly capability: Capability;
}

/** The records of a run in order of time: the first at instant 0, then the interface advisories. */
export function capabilityChanges(network: NetworkSpec | undefined): CapabilityChange[] {
  let capability = capabilityOf(network?.profile ?? 'ethernet', network?.capability);
  const out: CapabilityChange[] = [{ atNs: 0, capability }];
  for (const change of [...(network?.changes ?? [])].sort((a, b) => a.atMs - b.atMs)) {
    const base = change.profile === undefined ? capability : CAPABILITY_PROFILES[change.profile].capability;
    capability = merged(base, change.capability);
    out.push({ atNs: Math.round(change.atMs * 1e6), capability });
  }
  return out;
}
