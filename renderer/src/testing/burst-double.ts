import { EngineError, type CallName, type EngineHandlers } from '../../../engine/contract/index.ts';

type BurstCall = Extract<CallName, `burst.${string}`>;

/** A file of channel conditions that the double has. */
export const CONDITIONS_HANDLE = 'conditions-1';
export const CONDITIONS_CSV = 'at_ms,quality\n0,1\n500,0.25\n';

/** The burst calls of a session whose scenario has neither sockets nor a meter. */
export function burstHandlers(): Pick<EngineHandlers, BurstCall> {
  return {
    'burst.outcome': () => null,
    'burst.state': () => null,
    'burst.sockets': () => ({ total: 0, rows: [] }),
    'burst.run': () => {
      throw new EngineError({ code: 'busy', message: 'The double runs nothing.' });
    },
    'burst.senders': () => {
      throw new EngineError({ code: 'busy', message: 'The double runs nothing.' });
    },
    'burst.conditions': ({ handle }) => {
      if (handle !== CONDITIONS_HANDLE) throw new EngineError({ code: 'not-found', message: 'This input is not known any more.' });
      return { name: 'drive.csv', csv: CONDITIONS_CSV, rows: 2 };
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
