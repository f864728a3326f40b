import { EngineError, type CallName, type ConvertersResult, type EngineHandlers } from '../../contract/index.ts';
import { parseConverters, refusedYaml, setParameter } from '../../lab/index.ts';
import { runConverters } from '../../translator/index.ts';
import { bundledConverters as bundled } from '../bundled.ts';

const FIX = 'ringside schema converters';

/** The calls of the Converters panel. */
export function convertersHandlers(): Pick<EngineHandlers, Extract<CallName, `converters.${string}`>> {
  let last: ConvertersResult | undefined;
  return {
    'converters.list': () => ({ scenarios: bundled.list(parseConverters) }),
    'converters.text': ({ id }) => ({ yaml: bundled.text(id) }),
    'converters.check': ({ yaml }) => {
      const parsed = parseConverters(yaml);
      return { issues: parsed.ok ? [] : parsed.error };
    },
    'converters.run': ({ yaml, set }) => {
      let text = yaml;
      for (const { path, value } of set) {
        const edited = setParameter(text, path, value, parseConverters);
        if (!edited.ok) throw refusedYaml('converters', edited.error, FIX);
        text = edited.value;
      }
      const parsed = parseConverters(text);
      if (!parsed.ok) throw refusedYaml('converters', parsed.error, FIX);
      last = runConverters(parsed.value);
      return { ...last, messages: [] };
    },
    'converters.messages': ({ call, first, count }) => {
      if (last === undefined)
        throw new EngineError({ code: 'not-found', message: 'No network of terminals has been run.', fix: 'Run one first.' });
      const rows = call < 0 ? last.messages : last.messages.filter((message) => message.session === call);
      return { total: rows.length, rows: rows.slice(first, first + count) };
    },
  };
}
