import type { OffloadReport, ReportModule } from '../../contract/index.ts';
import { count, percent } from '../text.ts';
import { tableOf } from './table.ts';

/** What the offloads of the scenario made of the input (V-01 to V-15). */
export function offloadsModule(report: OffloadReport): ReportModule {
  const { rx, tx, roundTrip } = report;
  const text = [
    `${count(rx.merged)} of ${count(rx.packetsIn)} received packets were merged into ${count(rx.aggregates)} aggregates; ${count(rx.packetsOut)} were handed on (${percent(rx.packetsOut, rx.packetsIn)}).`,
    `${count(roundTrip.identical)} of ${count(roundTrip.segments)} segments cut from the aggregates equal the packets on the wire.`,
  ];
  if (tx.superPackets > 0) text.push(`${count(tx.superPackets)} packets to send were cut into ${count(tx.segments)} segments.`);
  const { defaultHigh, largeHigh, failures } = report.buffers;
  text.push(
    `At most ${count(defaultHigh)} buffers of 2 KiB and ${count(largeHigh)} of 16 KiB were in use at once; ${count(failures)} requests found none.`,
  );
  return {
    id: 'offloads',
    title: 'Virtualised offloads',
    text,
    charts: [],
    tables: [
      ...tableOf('Ports', report.ports, [
        ['Port', 'text', (p) => p.id],
        ['Receive', 'text', (p) => p.rx],
        ['Send', 'text', (p) => p.tx],
        ['Packets in', 'count', (p) => p.packetsIn],
        ['Packets out', 'count', (p) => p.packetsOut],
        ['Merged', 'count', (p) => p.merged],
        ['Aggregates', 'count', (p) => p.aggregates],
        ['Bytes in', 'bytes', (p) => p.bytesIn],
        ['Bytes out', 'bytes', (p) => p.bytesOut],
      ]),
      ...tableOf(
        'Why not aggregated',
        report.reasons.filter((r) => r.count > 0),
        [
          ['Reason', 'text', (r) => r.name],
          ['What it means', 'text', (r) => r.text],
          ['Packets', 'count', (r) => r.count],
        ],
      ),
      ...tableOf(
        'Why batches were released',
        report.releases.filter((r) => r.batches > 0),
        [
          ['Cause', 'text', (r) => r.cause],
          ['Batches', 'count', (r) => r.batches],
        ],
      ),
      ...tableOf('Checksums of received packets', Object.entries(report.checksums), [
        ['Checksum', 'text', ([name]) => name],
        ['Packets', 'count', ([, packets]) => packets],
      ]),
      ...tableOf(
        'Fragments before the switch',
        report.fragments.reasons.filter((r) => r.count > 0),
        [
          ['What became of them', 'text', (r) => r.text],
          ['Fragments', 'count', (r) => r.count],
        ],
      ),
    ],
  };
}
