import { NS_PER_S } from '../../base/index.ts';
import type { MulticastLimitsSpec, MulticastTimersSpec } from '../../contract/index.ts';

/** Timers and limits of IGMP and MLD (RFC 9776 section 8, RFC 9777 section 9). Nanoseconds. */
export interface MembershipSettings {
  readonly robustness: number;
  readonly queryNs: number;
  readonly responseNs: number;
  readonly lastMemberNs: number;
  /** Version of IGMP that the router asks in (section 7.3.1). */
  readonly version: 1 | 2 | 3;
  readonly maxGroups: number;
  readonly maxSources: number;
  readonly joinsPerSecond: number;
  readonly fastLeave: boolean;
  /** Source-specific groups by RFC 4604 section 2.2. */
  readonly ssmStrict: boolean;
}

export function membershipSettings(timers: MulticastTimersSpec, limits: MulticastLimitsSpec): MembershipSettings {
  return {
    robustness: timers.robustness,
    queryNs: timers.queryS * NS_PER_S,
    // Longer than the query interval it would never be answered in time (RFC 9776 section 8.3).
    responseNs: Math.min(timers.responseS, timers.queryS * 0.9) * NS_PER_S,
    lastMemberNs: timers.lastMemberS * NS_PER_S,
    version: timers.queryVersion === 1 ? 1 : timers.queryVersion === 2 ? 2 : 3,
    maxGroups: limits.groupsPerInterface,
    maxSources: limits.sourcesPerGroup,
    joinsPerSecond: limits.joinsPerSecond,
    fastLeave: limits.fastLeave,
    ssmStrict: limits.ssmStrict,
  };
}
