import type {
  PoolUse,
  PortBlockRow,
  ReportModule,
  TranslatedFlow,
  TranslatedSide,
  TranslationCount,
  TranslatorPortRow,
} from '../../contract/index.ts';
import { count, plural } from '../text.ts';
import { tableOf } from './table.ts';

/** Conversations that a report lists. */
export const MAX_REPORT_CONVERSATIONS = 25;

/** The translator ports of a run at its end. */
export interface TranslatorsState {
  readonly ports: readonly TranslatorPortRow[];
  readonly reasons: readonly (TranslationCount & { readonly port: string })[];
  /** The largest, by bytes. */
  readonly conversations: { readonly total: number; readonly rows: readonly TranslatedFlow[] };
  readonly pools: { readonly rows: readonly PoolUse[]; readonly blocks: readonly PortBlockRow[] };
}

/** What the translator ports did, with the rule and the RFC section of every verdict. */
export function translatorsModule({ ports, reasons, conversations, pools }: TranslatorsState): ReportModule {
  const sum = (pick: (port: TranslatorPortRow) => number): number => ports.reduce((n, port) => n + pick(port), 0);
  const tables = ports.flatMap((p) => (p.tables === null ? [] : [{ ...p.tables, id: p.id }]));
  return {
    id: 'translators',
    title: 'Translation between IPv4 and IPv6',
    text: [
      `${count(sum((p) => p.translated))} packets translated, ${count(sum((p) => p.refused))} refused, ${count(sum((p) => p.answered))} answered with an error, in ${plural(conversations.total, 'conversation')}.`,
      ...tables.map((t) => `${t.id} held ${plural(t.sessions, 'session')} and ${plural(t.bindings, 'binding')} at the end; ${count(t.expired)} had expired.`), // prettier-ignore
    ],
    charts: [],
    tables: [
      ...tableOf('Ports', ports, [
        ['Port', 'text', (p) => p.id],
        ['Mode', 'text', (p) => p.mode],
        ['Translated', 'count', (p) => p.translated],
        ['Refused', 'count', (p) => p.refused],
        ['Answered', 'count', (p) => p.answered],
        ['Held', 'count', (p) => p.held],
        ['Conversations', 'count', (p) => p.flows],
      ]),
      ...tableOf('Verdicts by reason', reasons, [
        ['Port', 'text', (r) => r.port],
        ['Verdict', 'text', (r) => r.verdict],
        ['Reason', 'text', (r) => r.text],
        ['Source', 'text', (r) => r.rfc],
        ['Packets', 'count', (r) => r.packets],
      ]),
      ...tableOf(
        'Largest conversations',
        conversations.rows,
        [
          ['Protocol', 'text', (f) => f.protocol],
          ['IPv6 side', 'text', (f) => sideText(f.six, 6)],
          ['IPv4 side', 'text', (f) => sideText(f.four, 4)],
          ['State', 'text', (f) => f.state],
          ['6 to 4', 'count', (f) => f.packets64],
          ['4 to 6', 'count', (f) => f.packets46],
          ['Bytes', 'bytes', (f) => f.bytes64 + f.bytes46],
          ['Refused', 'count', (f) => f.refused],
        ],
        `${count(conversations.rows.length)} of ${count(conversations.total)}, by bytes.`,
      ),
      ...tableOf('Pool addresses', pools.rows, [
        ['Port', 'text', (p) => p.port],
        ['Address', 'text', (p) => p.address],
        ['Ports to give', 'count', (p) => p.ports],
        ['TCP', 'count', (p) => p.tcp],
        ['UDP', 'count', (p) => p.udp],
        ['ICMP', 'count', (p) => p.icmp],
      ]),
      ...tableOf('Port blocks', pools.blocks, [
        ['Subscriber', 'text', (b) => b.subscriber],
        ['Address', 'text', (b) => b.address],
        ['Ports', 'text', (b) => `${b.firstPort} to ${b.lastPort}`],
        ['In use', 'count', (b) => b.tcp + b.udp + b.icmp],
      ]),
    ],
  };
}

function sideText(side: TranslatedSide | null, family: 4 | 6): string {
  if (side === null) return '';
  const end = (address: string, port: number): string =>
    port === 0 ? address : family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  return `${end(side.source, side.sourcePort)} → ${end(side.destination, side.destinationPort)}`;
}
