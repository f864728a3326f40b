import { EngineError, type CallName, type EngineHandlers } from '../../contract/index.ts';
import { MulticastLab, parseMulticast } from '../../lab/index.ts';
import { BundledFolder } from '../bundled.ts';
import { multicastFolder } from '../paths.ts';

/** The calls of the Multicast panel: one open network for each session. */
export function multicastHandlers(): Pick<EngineHandlers, Extract<CallName, `multicast.${string}`>> {
  const bundled = new BundledFolder(multicastFolder, 'multicast network');
  let lab: MulticastLab | undefined;
  const open = (): MulticastLab => {
    if (lab === undefined) throw new EngineError({ code: 'not-found', message: 'No multicast network is open.', fix: 'Open one first.' });
    return lab;
  };
  return {
    'multicast.list': () => ({
      networks: bundled.names().flatMap((id) => {
        const parsed = parseMulticast(bundled.text(id));
        return parsed.ok ? [{ id, title: parsed.value.title, description: parsed.value.description }] : [];
      }),
    }),
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
