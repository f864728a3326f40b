import type {
  BurstReport,
  BurstSettings,
  DistributionSummary,
  EngineHandlers,
  MarkerSummary,
  ScaleSummary,
} from '../../../engine/contract/index.ts';
import { WORLD } from './world.ts';

/** What the analysis says of the double's world: 2,000 packets of 100 bytes, a millisecond apart. Every figure follows from that. */
const { packets, gapNs, lengthBytes } = WORLD;
const bytes = packets * lengthBytes;
const durationNs = (packets - 1) * gapNs;

const same = (value: number, count: number): DistributionSummary => ({
  count,
  mean: value,
  p50: value,
  p95: value,
  p99: value,
  max: value,
});

function scale(scaleNs: number, rateBps: number | null): ScaleSummary {
  const windows = Math.floor(durationNs / scaleNs) + 1;
  const perWindow = Math.max(1, Math.round(scaleNs / gapNs)) * lengthBytes;
  const joined = scaleNs >= gapNs;
  const bursts = joined ? 1 : packets;
  const over = rateBps === null ? 0 : Math.max(0, perWindow - (rateBps * scaleNs) / 8e9);
  return {
    scaleNs,
    windows,
    emptyWindows: Math.max(0, windows - packets),
    windowBytes: { ...same(perWindow, windows), mean: bytes / windows },
    peak: { bytes: perWindow, startNs: 0, firstPacket: 1 },
    peakToMean: perWindow / (bytes / windows),
    above: rateBps === null ? null : { windows: over > 0 ? windows : 0, bytes: over * windows, maxBytes: over },
    bursts: {
      count: bursts,
      single: joined ? 0 : packets,
      bytes: same(bytes / bursts, bursts),
      packets: same(packets / bursts, bursts),
      durationNs: same(joined ? durationNs : 0, bursts),
      gapNs: same(joined ? 0 : gapNs, bursts - 1),
    },
  };
}

/** Bytes that wait at most at a rate: packets pile up where less than one is drained in a gap. */
export function doubleBucketBytes(rateBps: number): number {
  const perGap = (rateBps * gapNs) / 8e9;
  return perGap >= lengthBytes ? lengthBytes : Math.ceil(lengthBytes + (packets - 1) * (lengthBytes - perGap));
}

function conformance({ marker, colourAware }: BurstSettings): MarkerSummary | null {
  if (marker === null) return null;
  const need = doubleBucketBytes(marker.cirBps);
  const all = { packets, bytes, firstPacket: 1 };
  const none = { packets: 0, bytes: 0, firstPacket: 0 };
  const passes = marker.cbsBytes >= need;
  return {
    marker,
    colourAware,
    green: passes ? all : none,
    yellow: none,
    red: passes ? none : all,
    smallestCommittedBytes: need,
    smallestPeakBytes: marker.kind === 'two' ? doubleBucketBytes(marker.pirBps) : null,
  };
}

function report(settings: BurstSettings): BurstReport {
  const { rateBps, scalesNs, listScaleNs, top } = settings;
  const bufferBytes = rateBps === null ? 0 : doubleBucketBytes(rateBps);
  const piles = bufferBytes > lengthBytes;
  const endNs = durationNs + (rateBps === null ? 0 : Math.ceil((bufferBytes * 8e9) / rateBps));
  return {
    packets,
    bytes,
    overheadBytes: settings.overheadBytes,
    startNs: 0,
    durationNs,
    meanBps: (bytes * 8e9) / durationNs,
    maxPacketBytes: lengthBytes,
    backwards: 0,
    gapNs: same(gapNs, packets - 1),
    scales: scalesNs.map((ns) => scale(ns, rateBps)),
    listScaleNs,
    top: Array.from({ length: listScaleNs >= gapNs ? 1 : Math.min(top, packets) }, (_, i) =>
      listScaleNs >= gapNs
        ? { startNs: 0, endNs: durationNs, firstPacket: 1, lastPacket: packets, packets, bytes }
        : { startNs: i * gapNs, endNs: i * gapNs, firstPacket: i + 1, lastPacket: i + 1, packets: 1, bytes: lengthBytes },
    ),
    queue:
      rateBps === null
        ? null
        : {
            rateBps,
            bufferBytes,
            bufferNs: Math.ceil((bufferBytes * 8e9) / rateBps),
            peakNs: piles ? durationNs : 0,
            peakPacket: piles ? packets : 1,
            busyPeriods: piles ? 1 : packets,
            busyNs: endNs,
            peakBytes: same(bufferBytes, piles ? 1 : packets),
            microbursts: piles
              ? [
                  {
                    startNs: 0,
                    endNs,
                    firstPacket: 1,
                    lastPacket: packets,
                    packets,
                    bytes,
                    peakBytes: bufferBytes,
                    peakNs: durationNs,
                    peakPacket: packets,
                    drainNs: Math.ceil((bufferBytes * 8e9) / rateBps),
                  },
                ]
              : [],
          },
    conformance: conformance(settings),
    curve: [1e5, 3e5, 7e5, 1e6, 3e6].map((each) => ({ rateBps: each, bucketBytes: doubleBucketBytes(each) })),
  };
}

export const burstAnalysisHandlers = (): Pick<EngineHandlers, 'bursts.analyse'> => ({
  'bursts.analyse': ({ settings }) => ({ report: report(settings), flows: [] }),
});
