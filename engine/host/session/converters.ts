import {
  EngineError,
  type CallContext,
  type CallName,
  type ConvertersResult,
  type ConvertersSpec,
  type EngineHandlers,
} from '../../contract/index.ts';
import { NS_PER_S, formatSeconds } from '../../base/index.ts';
import { parseConverters, refusedYaml, setParameter } from '../../lab/index.ts';
import { startConverters, type ConvertersOptions, type ConvertersRun } from '../../translator/index.ts';
import { bundledConverters as bundled } from '../bundled.ts';
import { conversationsOfInput } from '../conversations.ts';
import type { SessionCore } from './core.ts';

const FIX = 'ringside schema converters';
/** Events between two looks at the thread's messages: a few milliseconds. */
const EVENTS_AT_ONCE = 4_096;

/** Runs a network of terminals in slices, with progress; EngineError `cancelled` when it is stopped. */
export async function runConvertersInSlices(
  spec: ConvertersSpec,
  options: ConvertersOptions,
  context: Pick<CallContext, 'signal' | 'progress'>,
): Promise<ConvertersRun> {
  const run = startConverters(spec, options);
  const { conversations = [] } = options;
  const total = conversations.reduce((most, { lastNs }) => Math.max(most, lastNs), spec.durationS * NS_PER_S);
  while (run.advance(EVENTS_AT_ONCE)) {
    // Calls that are under way at the end of the scenario are played to their own end.
    context.progress({ done: Math.min(run.tNs, total), total, unit: 'ns', message: `${formatSeconds(run.tNs, 0)} s` });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (context.signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  }
  return run;
}

/** The calls of the Converters panel. */
export function convertersHandlers(core: () => SessionCore): Pick<EngineHandlers, Extract<CallName, `converters.${string}`>> {
  let run: ConvertersRun | undefined;
  let last: ConvertersResult | undefined;
  return {
    'converters.list': () => ({ scenarios: bundled.list(parseConverters) }),
    'converters.text': ({ id }) => ({ yaml: bundled.text(id) }),
    'converters.check': ({ yaml }) => {
      const parsed = parseConverters(yaml);
      return { issues: parsed.ok ? [] : parsed.error };
    },
    'converters.run': async ({ yaml, set, calls }, context) => {
      let text = yaml;
      for (const { path, value } of set) {
        const edited = setParameter(text, path, value, parseConverters);
        if (!edited.ok) throw refusedYaml('converters', edited.error, FIX);
        text = edited.value;
      }
      const parsed = parseConverters(text);
      if (!parsed.ok) throw refusedYaml('converters', parsed.error, FIX);
      const captured = calls === 'capture' ? await conversationsOfInput(core().input, context) : { conversations: [], leftOut: {} };
      run = await runConvertersInSlices(parsed.value, captured, context);
      last = run.result();
      return { ...last, messages: [] };
    },
    'converters.packet': ({ call, direction, tNs }) => ({ pair: run?.packetAt(call, direction, tNs) ?? null }),
    'converters.messages': ({ call, first, count }) => {
      if (last === undefined)
        throw new EngineError({ code: 'not-found', message: 'No network of terminals has been run.', fix: 'Run one first.' });
      const rows = call < 0 ? last.messages : last.messages.filter((message) => message.session === call);
      return { total: rows.length, rows: rows.slice(first, first + count) };
    },
  };
}
