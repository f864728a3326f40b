import { SENDERS_BINS, sendersSchema, type CallAnswer, type CallRequest, type SendersOutcome } from '../../../engine/contract/index.ts';

/** Losses at this host in the double's world with the meter off, for each sender. */
export const LOST_AT_HOST = 40;

function outcome(enabled: boolean, { flows, durationS, rateBps, rttMs }: ReturnType<typeof sendersSchema.parse>): SendersOutcome {
  const lost = enabled ? 0 : LOST_AT_HOST * flows;
  const goodputBps = enabled ? 0.9 * rateBps : 0.3 * rateBps;
  const same = (value: number): Float64Array => new Float64Array(SENDERS_BINS).fill(value);
  const losses = new Uint32Array(SENDERS_BINS);
  losses[10] = lost;
  return {
    goodputBps,
    sent: 1_000 * flows,
    retransmits: lost,
    spurious: 0,
    fastRetransmits: enabled ? 0 : flows,
    timeouts: 0,
    losses: lost > 0 ? { sock_full_drop: lost } : {},
    rttMs: { base: rttMs, p50: rttMs, p99: enabled ? 2 * rttMs : rttMs, mean: rttMs },
    meterMs: { p50: enabled ? 5 : 0, p99: enabled ? 10 : 0 },
    eventsRefused: 0,
    conserved: true,
    series: {
      binNs: (durationS * 1e9) / SENDERS_BINS,
      goodputBytes: same((goodputBps * durationS) / 8 / SENDERS_BINS),
      rttNs: same(rttMs * 1e6),
      windowBytes: same(50_000),
      lost: losses,
    },
  };
}

/** Answer of `burst.senders` in this world: senders and path are heeded. */
export function sendersRun({ senders }: CallRequest<'burst.senders'>): CallAnswer<'burst.senders'> {
  const spec = sendersSchema.parse(senders);
  return { on: outcome(true, spec), off: outcome(false, spec), adopted: true };
}
