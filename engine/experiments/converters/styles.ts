import { parseIpv6 } from '../../wire/index.ts';
import { Relay } from '../../translator/index.ts';
import type { Experiment } from '../types.ts';
import { network, phones } from './network.ts';

export const conversionStyles: Experiment = {
  id: 'converters-styles',
  title: 'Binding relay or prefix mapping',
  question: 'How much state, how many ports, and which rewriting does each style of conversion need?',
  source: 'translator 4.5, experiment 6',
  method:
    'The same calls with both styles (T-12). State and ports are those at the busiest moment of each converter, added up; the words that change in a packet and so enter its checksum are counted on one packet of 160 bytes of voice.',
  measured: false,
  async run({ size, seed, step }) {
    const rows: (string | number)[][] = [];
    for (const [i, style] of (['binding', 'prefix'] as const).entries()) {
      await step(i, 2, style);
      const result = network({
        seed,
        style,
        durationS: size === 'full' ? 60 : 10,
        gateway: null,
        terminals: phones(90, 1 / 3),
        load: { perS: 1, holdS: 15, pairs: 'mixed' },
        media: { packetMs: 40 },
      });
      const sum = (pick: (node: (typeof result.nodes)[number]) => number): number =>
        result.nodes.reduce((total, node) => total + pick(node), 0);
      const relay = new Relay(style, 1, 0xc6120009, parseIpv6('2001:db8::9')!, new Uint8Array(12));
      const entry = relay.reserve(1, 0x64400000)!;
      rows.push([
        style,
        sum((n) => n.sessions),
        sum((n) => n.stateBytes),
        sum((n) => n.ports),
        sum((n) => n.relayed),
        entry.port === 0 ? 'addresses' : 'addresses and both ports',
      ]);
    }
    return {
      tables: [
        {
          title: 'By style',
          columns: [
            { name: 'style' },
            { name: 'sessions' },
            { name: 'state', unit: 'B' },
            { name: 'ports' },
            { name: 'packets relayed' },
            { name: 'what a checksum update covers' },
          ],
          rows,
        },
      ],
      findings: [
        `Binding relay held ${String(rows[0]![3])} ports at the busiest moments, prefix mapping none; prefix mapping needs an IPv4 address for each IPv6 party instead.`,
      ],
    };
  },
};
