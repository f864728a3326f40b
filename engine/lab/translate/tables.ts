import type { BindingRow, TranslatedFlow, TranslatedSide, TranslatedSortKey, TranslatorPortRow } from '../../contract/index.ts';
import { bindingRow, REASONS, reasonOf, sessionRow } from '../../translator/index.ts';
import type { FlowList } from '../flow-list.ts';
import type { Pipeline } from '../pipeline.ts';
import type { PortEvent, TranslatorPort } from './translator-port.ts';
import { TranslatingWorld } from './world.ts';

/** Rows looked at for a filter or a sorted page: the latest ones where there are more. */
export const MAX_SEARCHED_ROWS = 65_536;

/** Translator ports of a pipeline; none where the scenario has none. */
export function translatorsOf(pipeline: Pipeline): readonly TranslatorPort[] {
  return pipeline.worlds.flatMap((world) => (world instanceof TranslatingWorld ? world.translators : []));
}

export function portRows(pipeline: Pipeline): TranslatorPortRow[] {
  return translatorsOf(pipeline).map((port) => {
    const by = { translated: 0, passed: 0, refused: 0, answered: 0, held: 0 };
    for (const { code, verdict } of REASONS) by[verdict] += port.counts[code]!;
    const { state, pairs } = port;
    const tables =
      state === null
        ? null
        : {
            bindings: state.bindings.count,
            maxBindings: state.bindings.capacity,
            sessions: state.sessions.count,
            maxSessions: state.sessions.capacity,
            expired: state.expired(),
          };
    const { passed, ...rest } = by;
    return { id: port.id, mode: port.mode, flows: pairs.count, beyondLimit: pairs.beyondLimit, ...rest, translated: rest.translated + passed, tables }; // prettier-ignore
  });
}

export interface FlowQuery {
  readonly sort: TranslatedSortKey;
  readonly descending: boolean;
  readonly first: number;
  readonly count: number;
  /** Text that a row must contain; empty for all. */
  readonly filter: string;
}

/** One page of conversations through all translator ports. */
export function translatedFlows(pipeline: Pipeline, query: FlowQuery): { total: number; searched: number; rows: TranslatedFlow[] } {
  const ports = translatorsOf(pipeline);
  pipeline.flows.refresh();
  // A row is a port and a place in its table.
  const keys: { readonly port: TranslatorPort; readonly pair: number }[] = [];
  for (const port of ports) {
    const from = Math.max(0, port.pairs.count - Math.floor(MAX_SEARCHED_ROWS / ports.length));
    for (let pair = from; pair < port.pairs.count; pair++) keys.push({ port, pair });
  }
  const searched = keys.length;
  const wanted = query.filter.trim().toLowerCase();
  let chosen = keys;
  if (wanted !== '') chosen = keys.filter(({ port, pair }) => rowText(flowRow(pipeline.flows, port, pair)).includes(wanted));
  if (query.sort !== 'id') {
    const values = new Map(chosen.map((key) => [key, sortValue(key.port, key.pair, query.sort)]));
    chosen = [...chosen].sort((a, b) => values.get(a)! - values.get(b)!);
  }
  if (query.descending) chosen.reverse();
  const rows = chosen.slice(query.first, query.first + query.count).map(({ port, pair }) => flowRow(pipeline.flows, port, pair));
  const all = ports.reduce((sum, { pairs }) => sum + pairs.count, 0);
  return { total: wanted === '' && searched === all ? all : chosen.length, searched, rows };
}

function sortValue({ pairs }: TranslatorPort, pair: number, sort: TranslatedSortKey): number {
  switch (sort) {
    case 'last':
      return pairs.last[pair]!;
    case 'packets':
      return pairs.packets64[pair]! + pairs.packets46[pair]!;
    case 'bytes':
      return pairs.bytes64[pair]! + pairs.bytes46[pair]!;
    case 'refused':
      return pairs.refused[pair]!;
    default:
      return pair;
  }
}

function sideOf(flows: FlowList, flow: number): { readonly side: TranslatedSide; readonly protocol: string } | null {
  const row = flows.row(flow);
  if (row === undefined) return null;
  const { source, sourcePort, destination, destinationPort, protocol } = row;
  return { side: { source, sourcePort, destination, destinationPort }, protocol };
}

function flowRow(flows: FlowList, port: TranslatorPort, pair: number): TranslatedFlow {
  const { pairs } = port;
  const six = sideOf(flows, pairs.flow6[pair]!);
  const four = sideOf(flows, pairs.flow4[pair]!);
  const session = sessionOf(port, pairs.session[pair]!, four?.side ?? null);
  return {
    id: pair,
    port: port.id,
    protocol: (six ?? four)?.protocol ?? '',
    six: six?.side ?? null,
    four: four?.side ?? null,
    flow6: pairs.flow6[pair]!,
    flow4: pairs.flow4[pair]!,
    state: session?.state ?? '',
    endsNs: session?.endsNs ?? null,
    packets64: pairs.packets64[pair]!,
    packets46: pairs.packets46[pair]!,
    bytes64: pairs.bytes64[pair]!,
    bytes46: pairs.bytes46[pair]!,
    refused: pairs.refused[pair]!,
    reason: reasonOf(pairs.code[pair]!).text,
    firstPacket: pairs.first[pair]!,
    lastPacket: pairs.last[pair]!,
    lastNs: pairs.lastNs[pair]!,
  };
}

/** State of the pair's session. A table entry is used again after a session has ended, so it must still be the same one. */
function sessionOf(
  { state }: TranslatorPort,
  entry: number,
  four: TranslatedSide | null,
): { state: string; endsNs: number | null } | undefined {
  if (state === null || entry < 0) return undefined;
  const row = sessionRow(state, entry);
  const ended = { state: 'ended', endsNs: null };
  if (row === undefined || four === null) return ended;
  const same = (address: string, port: number): boolean =>
    (four.source === address && (four.sourcePort === port || row.protocol === 'icmp')) ||
    (four.destination === address && (four.destinationPort === port || row.protocol === 'icmp'));
  const own = same(row.v4, row.port4) || same(row.v6, row.port6);
  if (!own || !same(row.peer, row.peerPort)) return ended;
  return { state: row.state === '' ? row.protocol.toUpperCase() : row.state, endsNs: row.endsNs };
}

function rowText(row: TranslatedFlow): string {
  const side = (s: TranslatedSide | null): string =>
    s === null
      ? ''
      : `${s.source} ${s.sourcePort} ${s.destination} ${s.destinationPort} ${s.source}:${s.sourcePort} ${s.destination}:${s.destinationPort}`;
  return `${row.port} ${row.protocol} ${side(row.six)} ${side(row.four)} ${row.state} ${row.refused > 0 ? 'refused' : ''} ${row.reason}`.toLowerCase();
}

/** One page of the bindings of all stateful translator ports, in the order of their table entries. */
export function bindingRows(
  pipeline: Pipeline,
  query: Pick<FlowQuery, 'first' | 'count' | 'filter'>,
): { total: number; rows: BindingRow[] } {
  const wanted = query.filter.trim().toLowerCase();
  const rows: BindingRow[] = [];
  let total = 0;
  for (const { id: port, state } of translatorsOf(pipeline)) {
    if (state === null) continue;
    const { bindings } = state;
    if (wanted === '' && (total + bindings.count <= query.first || rows.length >= query.count)) {
      total += bindings.count;
      continue;
    }
    let seen = 0;
    for (let e = 0; e < bindings.used && seen < bindings.count; e++) {
      if (bindings.protocol(e) === 0) continue;
      seen++;
      const inPage = total >= query.first && rows.length < query.count;
      if (wanted === '' && !inPage) {
        total++;
        continue;
      }
      const row = { port, ...bindingRow(bindings, e) };
      if (wanted !== '' && !Object.values(row).join(' ').toLowerCase().includes(wanted)) continue;
      if (inPage) rows.push(row);
      total++;
    }
  }
  return { total, rows };
}

/** Packets by reason, port by port, the most frequent first. */
export function refusalRows(pipeline: Pipeline): ({ readonly port: string } & ReturnType<typeof countRow>)[] {
  return translatorsOf(pipeline).flatMap(({ id: port, counts }) =>
    REASONS.filter(({ code }) => counts[code]! > 0)
      .map((reason) => ({ port, ...countRow(reason, counts[reason.code]!) }))
      .sort((a, b) => b.packets - a.packets),
  );
}

/** Drops that are told one by one, of all ports, the last one first. */
export function eventRows(pipeline: Pipeline): { events: ({ readonly port: string } & PortEvent)[]; moreEvents: number } {
  const ports = translatorsOf(pipeline);
  const events = ports.flatMap(({ id: port, events: own }) => own.map((event) => ({ port, ...event })));
  return { events: events.sort((a, b) => b.tNs - a.tNs), moreEvents: ports.reduce((sum, { eventsGone }) => sum + eventsGone, 0) };
}

function countRow({ id, verdict, rfc, text }: (typeof REASONS)[number], packets: number) {
  return { id, verdict, rfc, text, packets };
}
