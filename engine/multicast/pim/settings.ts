import { NS_PER_S } from '../../base/index.ts';
import type { MulticastTimersSpec } from '../../contract/index.ts';

/** Timers of RFC 7761 section 4.11, in nanoseconds unless the name says otherwise. */
export interface PimSettings {
  readonly helloNs: number;
  readonly helloHoldtimeS: number;
  /** Triggered_Hello_Delay: longest wait before the first Hello and before a Hello that answers a new neighbour. */
  readonly triggeredHelloNs: number;
  /** BS_Rand_Override by weight (RFC 5059 section 5). */
  readonly bsrByWeight: boolean;
  readonly joinPruneNs: number;
  readonly joinPruneHoldtimeS: number;
  readonly propagationMs: number;
  readonly overrideMs: number;
  readonly assertNs: number;
  readonly keepaliveNs: number;
  readonly registerSuppressionNs: number;
  /** Register_Probe_Time, less than half of the former (section 4.11). */
  readonly registerProbeNs: number;
  /**
   * The larger of Keepalive_Period and RP_Keepalive_Period (section 4.11; section 4.4.2 has the latter alone): a source that was told to stop
   * registering is heard of again within this time.
   */
  readonly rpKeepaliveNs: number;
}

/** Assert_Override_Interval: how long before its timer ends a winner asserts itself again. */
export const ASSERT_OVERRIDE_NS = 3 * NS_PER_S;
/** Hold time that means for ever (RFC 7761 section 4.9.2). */
export const FOREVER_S = 0xffff;
/** Register_Probe_Time, where Register_Suppression_Time is long enough for it. */
const REGISTER_PROBE_NS = 5 * NS_PER_S;
/** Interfaces of a router: outgoing lists are 31-bit masks. */
export const MAX_INTERFACES = 31;
/** Groups in one Join/Prune message. */
export const MAX_GROUPS_A_MESSAGE = 20;

export function pimSettings(timers: MulticastTimersSpec): PimSettings {
  const registerSuppressionNs = timers.registerSuppressionS * NS_PER_S;
  const registerProbeNs = Math.min(REGISTER_PROBE_NS, Math.floor(registerSuppressionNs * 0.4));
  const keepaliveNs = timers.keepaliveS * NS_PER_S;
  return {
    helloNs: timers.helloS * NS_PER_S,
    helloHoldtimeS: Math.min(65_534, Math.ceil(timers.helloS * 3.5)),
    triggeredHelloNs: timers.triggeredHelloS * NS_PER_S,
    bsrByWeight: timers.bsrOverride === 'weight',
    joinPruneNs: timers.joinPruneS * NS_PER_S,
    joinPruneHoldtimeS: Math.min(65_534, Math.ceil(timers.joinPruneS * 3.5)),
    propagationMs: timers.propagationMs,
    overrideMs: timers.overrideMs,
    assertNs: timers.assertS * NS_PER_S,
    keepaliveNs,
    registerSuppressionNs,
    registerProbeNs,
    rpKeepaliveNs: Math.max(keepaliveNs, 3 * registerSuppressionNs + registerProbeNs),
  };
}
