import { EngineError, type CallName, type EngineHandlers } from '../../contract/index.ts';
import { MulticastLab, parseMulticast } from '../../lab/index.ts';
import { bundledMulticast as bundled } from '../bundled.ts';

/** The calls of the Multicast panel: one open network for each session. */
export function multicastHandlers(): Pick<EngineHandlers, Extract<CallName, `multicast.${string}`>> {
  let lab: MulticastLab | undefined;
  const open = (): MulticastLab => {
    if (lab === undefined) throw new EngineError({ code: 'not-found', message: 'No multicast network is open.', fix: 'Open one first.' });
    return lab;
  };
  return {
    'multicast.list': () => ({ networks: bundled.list(parseMulticast) }),
    'multicast.open': ({ id, yaml }) => {
      lab = new MulticastLab(id, yaml ?? bundled.text(id));
      return lab.info();
    },
    'multicast.state': ({ tNs }) => open().stateAt(tNs),
    'multicast.log': ({ first, count, router, untilNs }) => open().log(first, count, { router, untilNs }),
    'multicast.series': () => open().series(),
    'multicast.set': ({ atNs, change }) => open().set(atNs, change),
    'multicast.reset': () => open().reset(),
    'multicast.map': ({ address }) => open().map(address),
  };
}
