import { EngineError, contract, type CallName, type EngineHandlers } from '../../contract/index.ts';
import { burstHandlers } from './burst.ts';
import { offloadHandlers } from './offload.ts';
import { multicastHandlers } from './multicast.ts';
import { convertersHandlers } from './converters.ts';
import { analyseBurstsOfInput } from '../burst-analysis.ts';
import { translatedHandlers } from './translated.ts';
import type { SessionCore } from './core.ts';
import { ringHandlers } from './rings.ts';
import { stackHandlers } from './stack.ts';

/**
 * The session's side of the contract. `open` gives the session once it is indexed; `extra` are the calls that need more than the
 * session: closing, reports and live captures.
 */
export function sessionHandlers(
  core: () => SessionCore,
  extra: Pick<EngineHandlers, 'session.open' | 'session.close' | 'report.export' | 'live.stop' | 'live.status' | 'live.save'>,
): EngineHandlers {
  const own: Partial<EngineHandlers> = {
    'session.info': () => core().info(),
    'packets.rows': ({ first, count }) => core().packetRows(first, count),
    'packets.detail': ({ number }) => core().detail(number),
    'packets.at': ({ tNs }) => ({ number: core().input.packetAt(tNs) }),
    'packets.neighbour': ({ number, direction }) => ({ number: core().neighbour(number, direction) }),
    'packets.find': async ({ text, from, direction }, { signal }) => ({ number: await core().find(text, from, direction, signal) }),
    'flows.list': ({ sort, descending, first, count }) => core().flows(sort, descending, first, count),
    'bursts.analyse': ({ settings, flows }, context) =>
      analyseBurstsOfInput(core().input, {
        settings,
        flows,
        signal: context.signal,
        onProgress: (p) => {
          context.progress(p);
        },
      }),
    timeline: ({ fromNs, toNs, bins }) => core().timeline(fromNs, toNs, bins),
    series: ({ fromNs, toNs, bins }) => core().series(fromNs, toNs, bins),
    frame: () => core().playhead.frame(),
    'run.start': ({ lanes }, context) => core().runs.run(lanes, context),
    'run.summary': () => core().runs.summaries(),
    'run.findings': () => ({ findings: core().runs.findings() }),
    'transport.get': () => core().transport.state(),
    'transport.play': ({ speed }) => core().transport.play(speed),
    'transport.pause': () => core().transport.pause(),
    'transport.seek': ({ tNs }) => core().transport.seek(tNs),
    'transport.seekPacket': ({ number }) => core().transport.seekPacket(number),
    'transport.step': ({ unit, direction }) => core().transport.step(unit, direction),
    'transport.loop': ({ range }) => core().transport.setLoop(range),
    'transport.skipGaps': ({ longerThanNs }) => core().transport.skipGaps(longerThanNs),
    'scenario.use': ({ id, yaml }) => core().useScenario(id, yaml),
    'scenario.set': ({ path, value }) => core().setParameter(path, value),
    ...burstHandlers(core),
    ...convertersHandlers(core),
    ...translatedHandlers(core),
    ...offloadHandlers(core),
    ...multicastHandlers(core),
    ...stackHandlers(core),
    ...ringHandlers(core),
    ...extra,
  };
  const elsewhere = (name: CallName) => () => {
    throw new EngineError({ code: 'unsupported', message: `${name} is not answered by a session.` });
  };
  const names = Object.keys(contract.calls) as CallName[];
  const all = Object.fromEntries(names.map((name) => [name, own[name] ?? elsewhere(name)]));
  return all as unknown as EngineHandlers;
}
