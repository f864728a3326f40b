import type { ConvertersInput, ConvertersResult } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { lossPercent, network, phones, served } from './network.ts';

const KINDS = ['gateway', 'terminals, same room', 'terminals, three each'] as const;
type Kind = (typeof KINDS)[number];
/** Sessions that the gateway has room for, and terminals that convert. */
const ROOM = 20;
/** A rate is below saturation while at least this share of the calls is served, percent. */
const ENOUGH = 99;

/** Time that the way through the converter adds to the way from access to access, ms: mean over converted calls. */
function addedDelayMs({ sessions, nodes }: ConvertersResult): number {
  const rtt = new Map(nodes.map((node) => [node.id, node.rttMs]));
  const added = sessions
    .filter((s) => (s.path === 'terminal' || s.path === 'gateway') && s.forward.received > 0)
    .map((s) => s.forward.delayMs.mean - (rtt.get(s.from)! + rtt.get(s.to)!) / 2);
  return added.length === 0 ? 0 : added.reduce((sum, ms) => sum + ms, 0) / added.length;
}

/** The converter with most sessions at an instant. */
function busiestAt({ load }: ConvertersResult, tS: number): string {
  const bin = Math.min(load.bins - 1, Math.floor((tS * 1e9) / load.binNs));
  const at = (i: number): number => load.sessions[i * load.bins + bin]!;
  return load.nodes[load.nodes.reduce((best, _, i) => (at(i) > at(best) ? i : best), 0)]!;
}

export const gatewayOrTerminals: Experiment = {
  id: 'converters-gateway',
  title: 'Central gateway or terminals as converters',
  question: 'How many calls between the families can be served, at which delay, and what does one failure cost?',
  source: 'translator 4.5, experiment 1',
  method:
    'Phones with one family call each other at a growing rate. Once a central gateway with room for 20 calls converts; once 20 of 90 phones do, without a gateway, with room for one call each, so that all have the room of the gateway; once with room for three calls each. Nothing fails in the first table. For the second one the same run is made again, and in its middle the gateway, or the terminal with most sessions then, is killed. Calls that need conversion and find both parties free count as offered; the added delay is what the way through the converter adds to half the round trips of both parties.',
  measured: false,
  async run({ size, seed, step }) {
    const total = 90;
    const durationS = size === 'full' ? 120 : 20;
    const rates = size === 'full' ? [0.25, 0.5, 1, 1.5, 2, 3] : [0.5, 3];
    const spec = (perS: number, kind: Kind, killed: string): ConvertersInput => ({
      name: 'experiment',
      seed,
      durationS,
      switch: { converters: kind === 'gateway' ? 'gateway' : 'terminals' },
      gateway: kind === 'gateway' ? { capacity: ROOM } : null,
      terminals: phones(total, ROOM / total, { capacity: kind === 'terminals, same room' ? 1 : 3 }),
      load: { perS, holdS: 20, pairs: 'mixed' },
      media: { packetMs: 40 },
      events: killed === '' ? [] : [{ atS: durationS / 2, kind: 'kill', terminal: killed }],
    });
    const whole: (string | number)[][] = [];
    const failed: (string | number)[][] = [];
    for (const [i, perS] of rates.entries()) {
      await step(i, rates.length, `${String(perS)} calls per second`);
      for (const kind of KINDS) {
        const well = network(spec(perS, kind, ''));
        const { totals } = well;
        whole.push([perS, kind, totals.calls, served(well), addedDelayMs(well), totals.delayMs.p50, totals.delayMs.p95]);
        const victim = kind === 'gateway' ? 'gateway' : busiestAt(well, durationS / 2);
        const ill = network(spec(perS, kind, victim));
        const cut = ill.sessions.filter((s) => s.answeredNs >= 0 && s.state === 'failed').length;
        failed.push([perS, kind, ill.diverts.length, cut, ill.totals.gapMs.max, served(ill), lossPercent(ill)]);
      }
    }
    const saturation = (kind: Kind): string => {
      const first = whole.find((row) => row[1] === kind && Number(row[3]) < ENOUGH);
      return first === undefined ? 'served at least 99 % at every rate' : `fell below 99 % at ${String(first[0])}/s`;
    };
    const mean = (kind: Kind): string => {
      const rows = whole.filter((row) => row[1] === kind);
      return (rows.reduce((sum, row) => sum + Number(row[4]), 0) / rows.length).toFixed(1);
    };
    const cuts = (kind: Kind): number => failed.filter((row) => row[1] === kind).reduce((sum, row) => sum + Number(row[3]), 0);
    return {
      tables: [
        {
          title: 'Saturation and delay, nothing fails',
          columns: [
            { name: 'calls', unit: '1/s' },
            { name: 'converted by' },
            { name: 'calls placed' },
            { name: 'served', unit: '%' },
            { name: 'added delay', unit: 'ms' },
            { name: 'delay p50', unit: 'ms' },
            { name: 'delay p95', unit: 'ms' },
          ],
          rows: whole,
        },
        {
          title: 'One failure in the middle',
          columns: [
            { name: 'calls', unit: '1/s' },
            { name: 'converted by' },
            { name: 'sessions moved' },
            { name: 'calls cut' },
            { name: 'longest gap', unit: 'ms' },
            { name: 'served', unit: '%' },
            { name: 'media lost', unit: '%' },
          ],
          rows: failed,
        },
      ],
      findings: [
        `The gateway ${saturation('gateway')}; the terminals with the same room together ${saturation('terminals, same room')}, with three times the room ${saturation('terminals, three each')}.`,
        `The way through the gateway adds ${mean('gateway')} ms on average, the one through a terminal ${mean('terminals, same room')} ms with room for one call and ${mean('terminals, three each')} ms with room for three: the price of a detour is the distance of the converter, which a choice can make short.`,
        `The failure of the gateway cut ${String(cuts('gateway'))} calls in all runs, that of the busiest terminal ${String(cuts('terminals, same room'))} and ${String(cuts('terminals, three each'))}.`,
      ],
    };
  },
};
