import { EngineError, type CallName, type EngineHandlers } from '../../../engine/contract/index.ts';

type MulticastCall = Extract<CallName, `multicast.${string}`>;

/** The multicast calls of a session with no network open. */
export function multicastHandlers(): Pick<EngineHandlers, MulticastCall> {
  const nothing = (): never => {
    throw new EngineError({ code: 'not-found', message: 'No multicast network is open.', fix: 'Open one first.' });
  };
  return {
    'multicast.list': () => ({ networks: [] }),
    'multicast.open': nothing,
    'multicast.state': nothing,
    'multicast.log': nothing,
    'multicast.series': nothing,
    'multicast.set': nothing,
    'multicast.reset': nothing,
    'multicast.map': nothing,
  };
}
