import { convertersSchema, type ConvertersInput, type ConvertersResult } from '../../contract/index.ts';
import { runConverters } from '../../translator/index.ts';

type Terminals = ConvertersInput['terminals'];

/** A network of phones: half of those that are not dual have only IPv4, half only IPv6; the dual ones convert. */
export function phones(total: number, dualShare: number, converter: object = {}): Terminals {
  const dual = Math.max(1, Math.round(total * dualShare));
  const four = Math.ceil((total - dual) / 2);
  return [
    { id: 'four', count: four, family: 'v4', link4: { rttMs: 10 }, rttSpreadPercent: 50 },
    { id: 'six', count: Math.max(1, total - dual - four), family: 'v6', link6: { rttMs: 20 }, rttSpreadPercent: 50 },
    {
      id: 'both',
      count: dual,
      family: 'dual',
      link4: { rttMs: 12 },
      link6: { rttMs: 12 },
      rttSpreadPercent: 80,
      converter: { capacity: 3, ...converter },
    },
  ];
}

/** Runs a network. Figures are of the voice alone: no party reports about it. */
export function network({ media = {}, ...input }: Omit<ConvertersInput, 'name'>): ConvertersResult {
  return runConverters(convertersSchema.parse({ name: 'experiment', ...input, media: { rtcp: false, ...media } }));
}

/** Share of calls between the families that were set up, percent. */
export function served({ sessions }: Pick<ConvertersResult, 'sessions'>): number {
  const mixed = sessions.filter((s) => s.path !== 'direct' && !s.why.endsWith('busy'));
  return mixed.length === 0 ? 100 : (100 * mixed.filter((s) => s.answeredNs >= 0).length) / mixed.length;
}

/** Media lost in all, percent of what was sent. */
export function lossPercent({ totals }: ConvertersResult): number {
  return totals.mediaSent === 0 ? 0 : (100 * (totals.mediaSent - totals.mediaReceived)) / totals.mediaSent;
}
