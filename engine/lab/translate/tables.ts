import type { LimitHit, TranslatedFlow, TranslatedSide, TranslatorPortRow } from '../../contract/index.ts';
import { limitsHit, REASONS, reasonOf, sessionRow } from '../../translator/index.ts';
import type { FlowList } from '../flow-list.ts';
import type { Pipeline } from '../pipeline.ts';
import type { PortEvent, TranslatorPort } from './translator-port.ts';
import { TranslatingWorld } from './world.ts';

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

function sideOf(flows: FlowList, flow: number): { readonly side: TranslatedSide; readonly protocol: string } | null {
  const row = flows.row(flow);
  if (row === undefined) return null;
  const { source, sourcePort, destination, destinationPort, protocol } = row;
  return { side: { source, sourcePort, destination, destinationPort }, protocol };
}

/** Conversation `pair` of a port. Without `withSession` its state is left out: to find it takes a quarter of the time. */
export function flowRow(flows: FlowList, port: TranslatorPort, pair: number, withSession = true): TranslatedFlow {
  const { pairs } = port;
  const six = sideOf(flows, pairs.flow6[pair]!);
  const four = sideOf(flows, pairs.flow4[pair]!);
  const session = withSession ? sessionOf(port, pairs.session[pair]!, four?.side ?? null) : undefined;
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

/** Stands for → in what filters look at: a text of Latin letters alone takes half the bytes. */
export const ARROW = '>';

/** One end as the tables show it: `[2001:db8::1]:80`, `192.0.2.1:80`, the address alone without a port. */
export function endText(address: string, port: number): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What a filter looks at: the row as it is shown, with ARROW for its arrow. */
export function rowText(row: TranslatedFlow): string {
  const side = (s: TranslatedSide | null): string =>
    s === null ? '' : `${endText(s.source, s.sourcePort)} ${ARROW} ${endText(s.destination, s.destinationPort)}`;
  return `${row.protocol} ${side(row.six)} ${side(row.four)} ${row.state} ${row.refused > 0 ? 'refused' : ''} ${row.reason} ${row.port}`.toLowerCase();
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

/** Limits that were hit, of the translators and of their tables of conversations. */
export function limitRows(pipeline: Pipeline): ({ readonly port: string } & LimitHit)[] {
  return translatorsOf(pipeline).flatMap(({ id: port, translator, pairs }) => {
    const text = 'packets of conversations that are not listed: the list is full';
    const beyond = { port, id: 'conversations', text, count: pairs.beyondLimit };
    return [...limitsHit(translator).map((hit) => ({ port, ...hit })), ...(pairs.beyondLimit > 0 ? [beyond] : [])];
  });
}

function countRow({ id, verdict, rfc, text }: (typeof REASONS)[number], packets: number) {
  return { id, verdict, rfc, text, packets };
}
