import { EngineError, type CallContext, type CallName, type EngineHandlers } from '../../contract/index.ts';
import { formatSeconds } from '../../base/index.ts';
import { MulticastLab, parseMulticast } from '../../lab/index.ts';
import { bundledMulticast as bundled } from '../bundled.ts';
import { CaptureRouter, PORT_PREFIX, portNetworks } from './capture-router.ts';
import type { SessionCore } from './core.ts';

/** Events between two looks at the thread's messages: some milliseconds. */
const EVENTS_AT_ONCE = 8_192;

type Context = Pick<CallContext, 'signal' | 'progress'>;

/** Runs a network on in slices, with progress; EngineError `cancelled` when it is stopped. */
async function reach(lab: MulticastLab, tNs: number, whole: boolean, { signal, progress }: Context): Promise<void> {
  for (;;) {
    const atNs = lab.advance(tNs, EVENTS_AT_ONCE, whole);
    if (atNs === undefined) return;
    progress({ done: atNs, total: tNs, unit: 'ns', message: `${formatSeconds(atNs, 0)} s` });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  }
}

/** The calls of the Multicast panel: one open network for each session, or the router of the session's own multicast port. */
export function multicastHandlers(core: () => SessionCore): Pick<EngineHandlers, Extract<CallName, `multicast.${string}`>> {
  let lab: MulticastLab | CaptureRouter | undefined;
  const open = (): MulticastLab | CaptureRouter => {
    if (lab === undefined) throw new EngineError({ code: 'not-found', message: 'No multicast network is open.', fix: 'Open one first.' });
    return lab;
  };
  const openPort = (id: string): CaptureRouter => {
    const scenario = core().currentScenario;
    if (portNetworks(scenario).some((port) => port.id === id)) return new CaptureRouter(core, scenario, id);
    throw new EngineError({ code: 'not-found', message: `The scenario has no multicast port ${id.slice(PORT_PREFIX.length)}.` });
  };
  return {
    'multicast.list': () => ({ networks: [...portNetworks(core().currentScenario), ...bundled.list(parseMulticast)] }),
    'multicast.open': ({ id, yaml }) => {
      lab = yaml === undefined && id.startsWith(PORT_PREFIX) ? openPort(id) : new MulticastLab(id, yaml ?? bundled.text(id));
      return lab.info();
    },
    'multicast.state': async ({ tNs }, context) => {
      const one = open();
      if (one instanceof CaptureRouter) return one.state();
      await reach(one, tNs, false, context);
      return one.stateAt(tNs);
    },
    'multicast.log': async ({ first, count, router, untilNs }, context) => {
      const one = open();
      if (one instanceof CaptureRouter) return one.log(first, count, untilNs === undefined, context);
      await reach(one, Infinity, true, context);
      return one.log(first, count, { router, untilNs });
    },
    'multicast.series': async (_request, context) => {
      const one = open();
      if (one instanceof CaptureRouter) return one.series(context);
      await reach(one, Infinity, true, context);
      return one.series();
    },
    'multicast.set': ({ atNs, change }) => {
      const one = open();
      return one instanceof CaptureRouter ? one.set() : one.set(atNs, change);
    },
    'multicast.reset': () => {
      const one = open();
      return one instanceof CaptureRouter ? one.info() : one.reset();
    },
    'multicast.map': ({ address }) => open().map(address),
  };
}
