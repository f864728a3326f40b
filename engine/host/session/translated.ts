import { EngineError, type BindingRow, type EngineHandlers, type TranslatedFlow, type TranslationPair } from '../../contract/index.ts';
import {
  BindingSearch,
  eventRows,
  FlowSearch,
  poolRows,
  portRows,
  limitRows,
  refusalRows,
  translatorsOf,
  type TranslationStep,
} from '../../lab/index.ts';
import { compileSettings, fieldChanges, mapAddress, reasonOf, ruleOf, SINK_KIND, type TranslatorSettings } from '../../translator/index.ts';
import type { SessionCore } from './core.ts';
import { KeptSearch } from './kept-search.ts';

/** Calls of the Translated flows panel. */
export function translatedHandlers(
  core: () => SessionCore,
): Pick<
  EngineHandlers,
  | 'translator.ports'
  | 'translator.sessions'
  | 'translator.bindings'
  | 'translator.refusals'
  | 'translator.pair'
  | 'translator.map'
  | 'translator.pools'
> {
  const flows = new KeptSearch<TranslatedFlow, FlowSearch>();
  const bindings = new KeptSearch<BindingRow, BindingSearch>();
  return {
    'translator.sessions': async ({ sort, descending, filter, first, count }, context) => {
      const { playhead, transport } = core();
      const page = await flows.page(
        playhead,
        transport.moving,
        JSON.stringify([sort, descending, filter]),
        () => new FlowSearch(playhead.pipeline, sort, descending, filter),
        { first, count },
        context,
      );
      return { tNs: playhead.tNs, ...page };
    },
    'translator.ports': () => ({ ports: portRows(core().playhead.pipeline) }),
    'translator.bindings': ({ filter, first, count }, context) => {
      const { playhead, transport } = core();
      const make = () => new BindingSearch(playhead.pipeline, filter);
      return bindings.page(playhead, transport.moving, filter, make, { first, count }, context);
    },
    'translator.refusals': () => {
      const { pipeline } = core().playhead;
      return { rows: refusalRows(pipeline), ...eventRows(pipeline), limits: limitRows(pipeline) };
    },
    'translator.pair': ({ number }) => ({
      steps:
        core()
          .explained(number)
          ?.steps.map((step) => pairOf(core(), step)) ?? [],
    }),
    'translator.map': ({ port, address }) => ({ mappings: map(core(), port, address) }),
    'translator.pools': () => poolRows(core().playhead.pipeline),
  };
}

function pairOf(core: SessionCore, { port, number, tNs, side, code, before, after }: TranslationStep): TranslationPair {
  const { verdict, id, text } = reasonOf(code);
  const settings = settingsOf(core, port);
  return {
    port,
    number,
    tNs,
    side,
    verdict,
    reason: id,
    rfc: ruleOf(code, side === 4 ? 4 : 6),
    text,
    before,
    after: after.map(({ side: to, kind, bytes }) => ({
      side: to === 6 ? 6 : 4,
      kind: kind === SINK_KIND.error ? 'answer' : kind === SINK_KIND.hairpin ? 'hairpin' : 'translated',
      bytes,
      changes: kind === SINK_KIND.translated ? fieldChanges(before, bytes, settings) : [],
    })),
  };
}

function settingsOf(core: SessionCore, port: string): TranslatorSettings {
  const found = translatorsOf(core.playhead.pipeline).find(({ id }) => id === port);
  if (found === undefined) throw new EngineError({ code: 'not-found', message: `The scenario has no translator port ${port}.` });
  const settings = compileSettings(found.spec);
  if (!settings.ok) throw new EngineError({ code: 'bad-input', message: settings.error.message, where: { field: settings.error.field } });
  return settings.value;
}

function map(core: SessionCore, port: string, address: string) {
  const mapped = mapAddress(settingsOf(core, port), address.trim());
  if (!mapped.ok) throw new EngineError({ code: 'bad-input', message: mapped.error, where: { field: 'address' } });
  return mapped.value;
}
