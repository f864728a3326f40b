import { EngineError, type CallName, type EngineHandlers } from '../../../engine/contract/index.ts';

type ConvertersCall = Extract<CallName, `converters.${string}`>;

/** The converters calls of an engine that has no network of terminals. */
export function convertersHandlers(): Pick<EngineHandlers, ConvertersCall> {
  const nothing = (): never => {
    throw new EngineError({ code: 'not-found', message: 'No network of terminals has been run.', fix: 'Run one first.' });
  };
  return {
    'converters.list': () => ({ scenarios: [] }),
    'converters.text': nothing,
    'converters.check': () => ({ issues: [] }),
    'converters.run': nothing,
    'converters.messages': nothing,
    'converters.packet': nothing,
  };
}
