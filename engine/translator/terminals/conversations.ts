import { NS_PER_S } from '../../base/index.ts';
import type { ConverterGroup, ConvertersSpec } from '../../contract/index.ts';
import type { CapturedConversation } from './media-source.ts';

/** Conversations run as calls at most: two terminals each, within the addresses of the network. */
export const MAX_CONVERSATIONS = 2_000;

/** A front of names that no terminal of the scenario has. */
function freeName(spec: ConvertersSpec, wanted: string): string {
  const taken = spec.terminals.some(({ id }) => id === wanted || id.startsWith(`${wanted}-`));
  return taken ? freeName(spec, `capture-${wanted}`) : wanted;
}

/**
 * The scenario with the conversations of a capture in place of its own calls. Each has two terminals of its own, behind those of the scenario:
 * the one that spoke first has only IPv4, the other only IPv6. They are connected like the scenario's first terminals of those kinds; converters,
 * switches, gateway and events stay as they are.
 */
export function withConversations(spec: ConvertersSpec, conversations: readonly CapturedConversation[]): ConvertersSpec {
  const four = likeThe(spec, 'v4');
  const six = likeThe(spec, 'v6');
  const [caller, callee] = [freeName(spec, 'caller'), freeName(spec, 'callee')];
  const parties = conversations.flatMap((_, i) => [
    { ...four, id: `${caller}-${String(i + 1)}` },
    { ...six, id: `${callee}-${String(i + 1)}` },
  ]);
  const lastStartS = conversations.reduce((last, { startNs }) => Math.max(last, startNs), 0) / NS_PER_S;
  return {
    ...spec,
    durationS: Math.max(spec.durationS, Math.ceil(lastStartS)),
    terminals: [...spec.terminals, ...parties],
    calls: [],
    load: { ...spec.load, perS: 0 },
  };
}

/** Access links of the first terminal of a family, for one that has no role but to talk. */
function likeThe(spec: ConvertersSpec, family: 'v4' | 'v6'): ConverterGroup {
  const model = spec.terminals.find((group) => group.family === family) ?? spec.terminals[0]!;
  const { link4, link6, rttSpreadPercent } = model;
  return { id: '', count: 1, family, link4, link6, rttSpreadPercent };
}
