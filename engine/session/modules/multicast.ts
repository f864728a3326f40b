import type { MulticastPath, MulticastState, ReportModule } from '../../contract/index.ts';
import { bytesText, count, plural } from '../text.ts';
import { tableOf } from './table.ts';

/** Entries, memberships and decisions that a report lists, of each. */
export const MAX_REPORT_ENTRIES = 50;

/** The router of a multicast port at the end of a run (M-06 to M-26). */
export function multicastModule(state: MulticastState): ReportModule {
  const { entries, totals, memberships, decisions, switches } = state;
  const counters = Object.entries(state.counters);
  const cost = (pick: (entry: MulticastState['entries'][number]) => MulticastPath) => (e: MulticastState['entries'][number]) =>
    pick(e).cost;
  const part = (shown: number, all: number): string => (shown < all ? `${count(shown)} of ${count(all)}.` : '');
  return {
    id: 'multicast',
    title: 'Multicast',
    text: [
      `${count(entries.length)} ${entries.length === 1 ? 'entry' : 'entries'}; ${plural(totals.joins, 'join')} and ${plural(totals.prunes, 'prune')} sent.`,
      `${plural(totals.duplicatesDropped, 'packet')} of the family that was not chosen dropped; ${bytesText(totals.bytesSaved)} were not sent twice for it.`,
    ],
    charts: [],
    tables: [
      ...tableOf(
        'Entries and their paths',
        entries.slice(0, MAX_REPORT_ENTRIES),
        [
          ['Entry', 'text', (e) => e.key.text],
          ['Chosen', 'text', (e) => e.choice],
          ['IPv4 cost', 'count', cost((e) => e.path4)],
          ['IPv6 cost', 'count', cost((e) => e.path6)],
          ['Because', 'text', (e) => e.reason],
          ['IPv4 out', 'text', (e) => e.outgoing4.join(', ')],
          ['IPv6 out', 'text', (e) => e.outgoing6.join(', ')],
          ['Packets', 'count', (e) => e.counters.packets],
          ['Other family', 'count', (e) => e.counters.otherFamilyDrops],
        ],
        part(Math.min(MAX_REPORT_ENTRIES, entries.length), entries.length),
      ),
      ...tableOf('Decisions', decisions.slice(0, MAX_REPORT_ENTRIES), [
        ['At', 'instant', (d) => d.tNs],
        ['Entry', 'text', (d) => d.key.text],
        ['Because of', 'text', (d) => d.trigger],
        ['Rule', 'text', (d) => d.rule],
        ['Decision', 'text', (d) => d.sentence],
      ]),
      ...tableOf('Changes of path', switches.slice(0, MAX_REPORT_ENTRIES), [
        ['Entry', 'text', (s) => s.key.text],
        ['From', 'text', (s) => s.from],
        ['To', 'text', (s) => s.to],
        ['Decided', 'instant', (s) => s.decidedNs],
        ['First packet', 'instant', (s) => s.firstPacketNs],
        ['Gap', 'ns', (s) => s.gapNs],
        ['Duplicates', 'count', (s) => s.duplicates],
      ]),
      ...tableOf(
        'Memberships',
        memberships.slice(0, MAX_REPORT_ENTRIES),
        [
          ['Link', 'text', (m) => m.link],
          ['Group', 'text', (m) => m.group],
          ['Mode', 'text', (m) => m.mode],
          ['Sources', 'text', (m) => m.sources.join(', ')],
          ['Querier', 'text', (m) => m.querier],
        ],
        part(Math.min(MAX_REPORT_ENTRIES, memberships.length), memberships.length),
      ),
      ...tableOf('Data', counters, [
        ['Router', 'text', ([id]) => id],
        ['In', 'count', ([, c]) => c.packetsIn],
        ['Out', 'count', ([, c]) => c.packetsOut],
        ['Translated', 'count', ([, c]) => c.translated],
        ['Encapsulated', 'count', ([, c]) => c.encapsulated],
        ['Fragments', 'count', ([, c]) => c.fragments],
      ]),
      ...tableOf(
        'Data dropped',
        counters.flatMap(([id, c]) => Object.entries(c.drops).map(([reason, packets]) => ({ id, reason, packets }))),
        [
          ['Router', 'text', (d) => d.id],
          ['Reason', 'text', (d) => d.reason],
          ['Packets', 'count', (d) => d.packets],
        ],
      ),
    ],
  };
}
