import type { BurstReport, ReportModule } from '../../contract/index.ts';
import { count, durationText, rateText } from '../text.ts';
import { tableOf } from './table.ts';

/** Rates of the smallest-bucket curve that a report lists: one a decade. */
const CURVE_STEP = 6;

/** Bursts of the input at several scales, and the smallest bucket by rate. */
export function burstsModule(report: BurstReport): ReportModule {
  const worst = report.scales.reduce((a, b) => (b.peakToMean > a.peakToMean ? b : a), report.scales[0]!);
  const text = [`${rateText(report.meanBps)} on average over ${durationText(report.durationNs)}.`];
  if (report.packets > 1)
    text.push(
      `The fullest ${durationText(worst.scaleNs)} brought ${count(worst.peakToMean)} times the mean, at packet ${count(worst.peak.firstPacket)}.`,
    );
  return {
    id: 'bursts',
    title: 'Bursts of the input',
    text,
    charts: [],
    tables: [
      ...tableOf(
        'By scale',
        report.scales,
        [
          ['Scale', 'ns', (s) => s.scaleNs],
          ['Bursts', 'count', (s) => s.bursts.count],
          ['Burst p50', 'bytes', (s) => s.bursts.bytes.p50],
          ['Burst p99', 'bytes', (s) => s.bursts.bytes.p99],
          ['Largest', 'bytes', (s) => s.bursts.bytes.max],
          ['Gap p50', 'ns', (s) => s.bursts.gapNs.p50],
          ['Fullest window', 'bps', (s) => (s.peak.bytes * 8e9) / s.scaleNs],
          ['Peak to mean', 'ratio', (s) => s.peakToMean],
        ],
        'A burst ends where a gap is longer than the scale.',
      ),
      ...tableOf(
        'Smallest token bucket that passes every packet',
        report.curve.filter((_, i) => i % CURVE_STEP === 0),
        [
          ['Rate', 'bps', (p) => p.rateBps],
          ['Bucket', 'bytes', (p) => p.bucketBytes],
        ],
      ),
    ],
  };
}
