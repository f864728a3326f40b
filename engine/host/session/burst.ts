import { EngineError, type CallName, type EngineHandlers } from '../../contract/index.ts';

/** The calls of the Burst panel that a session answers. */
type SessionBurstCall = Exclude<Extract<CallName, `burst.${string}`>, 'burst.profiles'>;

export function burstHandlers(): Pick<EngineHandlers, SessionBurstCall> {
  return {
    'burst.outcome': () => null,
    'burst.state': () => null,
    'burst.sockets': () => ({ total: 0, rows: [] }),
    'burst.run': () => {
      throw new EngineError({ code: 'unsupported', message: 'The session has no host port with sockets.' });
    },
  };
}
