import { seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { stackModels } from '../../lab/index.ts';
import { runPipeline } from './queue-run.ts';

/** What the reader of the channel spends on a packet, ns: a slow one has many packets in its ring when the channel goes. */
const READERS_NS = [400, 20_000, 60_000];
const MODES = ['never', 'opportunistic', 'forced'] as const;

export const defunctUnderLoad: Experiment = {
  id: 'stack-defunct',
  title: 'Defunct under load',
  question: 'What does it cost to take a channel from an application that is receiving, and does everything come back?',
  source: 'S-08, acceptance 7',
  method:
    'TCP and UDP flows go to a channel whose reader takes a given time for a packet. Half way through the channel is made defunct, opportunistically (not while packets are out) or by force, or never. Its flows then go to the host. Figures are sums over several seeds.',
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 5 : 2);
    const durationS = size === 'full' ? 2 : 0.1;
    const rows: (string | number)[][] = [];
    let whole = true;
    for (const [r, readerNs] of READERS_NS.entries()) {
      for (const [m, mode] of MODES.entries()) {
        await step(r * MODES.length + m, READERS_NS.length * MODES.length, `${mode}, ${String(readerNs)} ns`);
        const sum = { skipped: 0, purged: 0, freed: 0, stale: 0, moved: 0, host: 0, other: 0, bad: 0 };
        for (const each of seeds) {
          const events =
            mode === 'never'
              ? []
              : [{ atMs: durationS * 500, do: 'defunct' as const, instance: 'app', opportunistic: mode === 'opportunistic' }];
          const pipeline = runPipeline(
            [{ kind: 'imix', flows: 100, ratePps: 20_000, v6Share: 0.3 }],
            {
              name: 'defunct',
              seed: each,
              device: { queues: 1 },
              ports: [
                { id: 'ch3', kind: 'user', select: [{}], reader: { wakeUs: 30, perPacketNs: readerNs } },
                { id: 'host', kind: 'host' },
              ],
              stack: { instances: [{ id: 'app', port: 'ch3', pid: 7, executable: '/usr/bin/app' }], events },
            },
            each,
            durationS,
          );
          const model = stackModels(pipeline)[0]!;
          const summary = pipeline.summary({ skipped: {}, scenarioSha256: '' });
          const event = model.control.events[0];
          if (event?.outcome === 'skipped') sum.skipped++;
          sum.purged += Math.max(0, event?.figures.purged ?? 0);
          sum.freed += Math.max(0, event?.figures.freed ?? 0);
          sum.moved += Math.max(0, event?.figures.moved ?? 0);
          sum.stale += model.counters.staleRefused;
          sum.bad += pipeline.worlds[0]!.store.badReleases;
          sum.host += summary.ports.find((p) => p.id === 'host')!.delivered;
          sum.other += Object.entries(summary.drops).reduce((n, [name, packets]) => n + (name === 'channel_gone' ? 0 : packets), 0);
          whole &&= summary.conservation.ok && (summary.drops['channel_gone'] ?? 0) === Math.max(0, event?.figures.purged ?? 0);
        }
        rows.push([readerNs / 1e3, mode, sum.skipped, sum.purged, sum.freed, sum.stale, sum.bad, sum.moved, sum.host, sum.other]);
      }
    }
    const forced = rows.filter((r) => r[1] === 'forced');
    return {
      tables: [
        {
          title: 'By reader and mode',
          columns: [
            { name: 'reader', unit: 'µs a packet' },
            { name: 'defunct' },
            { name: 'skipped', unit: 'runs' },
            { name: 'purged', unit: 'packets' },
            { name: 'given back', unit: 'segments' },
            { name: 'stale indices refused' },
            { name: 'of them freed twice' },
            { name: 'flows moved' },
            { name: 'read by the host', unit: 'packets' },
            { name: 'other drops', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        whole
          ? 'Packets were conserved in every run, and every packet that was purged is a drop of its own reason.'
          : 'Packets were not conserved.',
        `By force, between ${String(Math.min(...forced.map((r) => Number(r[3]))))} and ${String(Math.max(...forced.map((r) => Number(r[3]))))} packets were purged; the slower the reader, the more.`,
      ],
    };
  },
};
