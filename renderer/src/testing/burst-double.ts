import { EngineError, type CallName, type EngineHandlers } from '../../../engine/contract/index.ts';

type BurstCall = Extract<CallName, `burst.${string}`>;

/** The burst calls of a session whose scenario has neither sockets nor a meter. */
export function burstHandlers(): Pick<EngineHandlers, BurstCall> {
  return {
    'burst.outcome': () => null,
    'burst.state': () => null,
    'burst.sockets': () => ({ total: 0, rows: [] }),
    'burst.run': () => {
      throw new EngineError({ code: 'busy', message: 'The double runs nothing.' });
    },
    'burst.profiles': () => ({
      profiles: [
        {
          id: 'lte',
          title: 'LTE modem',
          capability: { rat: 'LTE', peakBps: 3e8, sustainedBps: 8e7, burstBytesMax: 262_144, burstPeriodUs: 1e4, rttUs: 5e4, mtu: 1_428 },
        },
      ],
    }),
  };
}
