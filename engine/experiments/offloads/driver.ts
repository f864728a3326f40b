import { scenarioSchema } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { measureCosts } from '../../lab/index.ts';
import { downloads, runOffload } from './inputs.ts';
import type { Experiment } from '../types.ts';

interface Case {
  readonly name: string;
  readonly rxChecksum: boolean;
  readonly partial: boolean;
}
const CASES: readonly Case[] = [
  { name: 'driver cannot, port does not offer it', rxChecksum: false, partial: false },
  { name: 'driver cannot, port offers CSUM_PARTIAL', rxChecksum: false, partial: true },
  { name: 'driver can', rxChecksum: true, partial: true },
];

export const offloadDriver: Experiment = {
  id: 'offload-driver',
  title: 'A driver without checksum ability, and one with: who pays',
  question: 'What does it cost that the driver cannot take checksums, and who pays for it?',
  source: 'stack 2.4, experiment 4 (claim 8)',
  method:
    'The same downloads are received with a driver that can take checksums and with one that cannot, and with a port that lets the switch do it or not. The bytes that reach the port must be the same. The cost is that of the whole receive path on 1,024 of the packets, fastest of many rounds. The scenarios offload-checksum-driver and offload-checksum-stack are the last row and the first.',
  measured: true,
  async run({ size, seed, step }) {
    const full = size === 'full';
    const rows: (string | number)[][] = [];
    const crcs = new Set<string>();
    for (const [i, one] of CASES.entries()) {
      await step(i, CASES.length, one.name);
      const scenario = scenarioSchema.parse({
        name: 'driver',
        device: { queues: 1, offloads: { rxChecksum: one.rxChecksum } },
        ports: [
          { id: 'host', kind: 'host', offloads: { capabilities: ['rx-agg', 'large-buf', ...(one.partial ? ['csum-partial'] : [])] } },
        ],
      });
      const report = runOffload(downloads(seed, full ? 1 : 0.02), scenario);
      crcs.add(report.outCrc32);
      const batch = new RecordBatch();
      downloads(seed, 0.1).nextBatch(batch);
      const mode = report.ports[0]!.rx;
      const costs = measureCosts(batch, scenario, {}, { nowMs: () => performance.now(), cpuHz: 0 }, full ? 100 : 2);
      const cost = costs.rows.find((r) => r.id === mode)!;
      rows.push([one.name, mode, report.rx.packetsOut, report.checksums.good, cost.nsPerPacket, cost.nsPerByte]);
    }
    const [stack, copy, hardware] = rows.map((row) => Number(row[4]));
    return {
      tables: [
        {
          title: 'By what the driver and the port can do',
          columns: [
            { name: 'abilities' },
            { name: 'who sums' },
            { name: 'packets to the port' },
            { name: 'checksums good' },
            { name: 'receive path', unit: 'ns/packet' },
            { name: 'the same', unit: 'ns/byte' },
          ],
          rows,
        },
      ],
      findings: [
        crcs.size === 1 ? 'The bytes that reach the port are the same in all three cases.' : 'The bytes that reach the port DIFFER.',
        stack! > copy! && copy! > hardware!
          ? `Where the driver cannot, a stack that sums in a pass of its own pays ${(stack! - hardware!).toFixed(0)} ns a packet, a switch that sums while it copies ${(copy! - hardware!).toFixed(0)} ns.`
          : 'The differences in cost were lost in what else the machine did.',
      ],
    };
  },
};
