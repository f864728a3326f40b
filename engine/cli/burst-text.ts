import { formatSeconds } from '../base/index.ts';
import type { BurstReport, ColourTotals, CurvePoint, FlowBursts, MarkerSettings, MarkerSummary } from '../contract/index.ts';
import { count, duration } from './format.ts';

/** Lines with a heading; `right` are the columns aligned to the right, and a table with them begins with its column names. */
export interface Paragraph {
  readonly title?: string;
  readonly rows: readonly (readonly string[])[];
  readonly right?: readonly number[];
  readonly note?: string;
}

/** Lines of the curve at most; every rate is in the JSON. */
const CURVE_LINES = 12;

const columns = (n: number, from = 0): number[] => Array.from({ length: n - from }, (_, i) => from + i);

/** `12.5 Mb/s`. */
export function rateText(bps: number): string {
  const units = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'];
  let value = bps;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]!}`;
}

const bytes = (n: number): string => `${count(Math.ceil(n))} B`;
const seconds = (tNs: number): string => `${formatSeconds(tNs, 6)} s`;
const share = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(part > 0 && part * 10 < whole ? 2 : 1)} %`;

/** Summary, scales and the largest bursts. */
export function burstText(report: BurstReport): Paragraph[] {
  const { packets, gapNs, scales, top, listScaleNs, backwards, overheadBytes } = report;
  const head: string[][] = [
    ['packets', `${count(packets)}, ${bytes(report.bytes)}${overheadBytes === 0 ? '' : ` with ${count(overheadBytes)} B added to each`}`],
  ];
  if (packets === 0) return [{ rows: head }];
  head.push(['time', `${duration(report.durationNs)} from ${seconds(report.startNs)}, mean ${rateText(report.meanBps)}`]);
  head.push(['gaps', `p50 ${duration(gapNs.p50)}, p95 ${duration(gapNs.p95)}, p99 ${duration(gapNs.p99)}, max ${duration(gapNs.max)}`]);
  if (backwards > 0) head.push(['order', `${count(backwards)} stamped before the packet in front of them; they count at its time`]);
  const rated = scales[0]?.above !== null;
  const windows = scales.map(({ scaleNs, windows: n, emptyWindows, windowBytes, peak, peakToMean, above }) => [
    duration(scaleNs),
    count(n),
    share(emptyWindows, n),
    bytes(windowBytes.p50),
    bytes(windowBytes.p99),
    bytes(peak.bytes),
    rateText((peak.bytes * 8e9) / scaleNs),
    peakToMean.toFixed(1),
    seconds(peak.startNs),
    `packet ${count(peak.firstPacket)}`,
    ...(above === null ? [] : [count(above.windows), bytes(above.bytes)]),
  ]);
  const bursts = scales.map(({ scaleNs, bursts: b }) => [
    duration(scaleNs),
    count(b.count),
    count(b.single),
    count(b.packets.p50),
    count(b.packets.max),
    bytes(b.bytes.p50),
    bytes(b.bytes.p99),
    bytes(b.bytes.max),
    duration(b.durationNs.p50),
    duration(b.durationNs.max),
    b.gapNs.count === 0 ? '-' : duration(b.gapNs.p50),
    b.gapNs.count === 0 ? '-' : duration(b.gapNs.max),
  ]);
  const above = rated ? ['above rate', 'bytes above'] : [];
  const paragraphs: Paragraph[] = [
    { rows: head },
    {
      title: 'Windows',
      rows: [['scale', 'windows', 'empty', 'p50', 'p99', 'peak', 'peak rate', 'peak/mean', 'peak at', 'from', ...above], ...windows],
      right: columns(10 + above.length),
      note: 'peaks: the fullest window in steps of a tenth; the rest: windows side by side, empty ones too',
    },
    {
      title: 'Bursts: a gap longer than the scale ends one',
      rows: [
        ['scale', 'bursts', 'single', 'packets p50', 'max', 'bytes p50', 'p99', 'max', 'lasts p50', 'max', 'gap p50', 'max'],
        ...bursts,
      ],
      right: columns(12),
    },
  ];
  if (top.length > 0)
    paragraphs.push({
      title: `Largest bursts with gaps up to ${duration(listScaleNs)}`,
      rows: [
        ['start', 'lasts', 'packets', 'bytes', 'rate', 'first', 'last'],
        ...top.map(({ startNs, endNs, packets: n, bytes: b, firstPacket, lastPacket }) => [
          seconds(startNs),
          duration(endNs - startNs),
          count(n),
          bytes(b),
          endNs > startNs ? rateText((b * 8e9) / (endNs - startNs)) : '-',
          `packet ${count(firstPacket)}`,
          `packet ${count(lastPacket)}`,
        ]),
      ],
      right: columns(7),
    });
  return paragraphs;
}

/** The queue at the rate that was given, and the meter. */
export function queueText({ queue, conformance, durationNs }: BurstReport): Paragraph[] {
  const out: Paragraph[] = [];
  if (queue !== null) {
    const { rateBps, bufferBytes, bufferNs, peakNs, peakPacket, busyPeriods, busyNs, peakBytes, microbursts } = queue;
    out.push({
      title: `Queue drained at ${rateText(rateBps)}`,
      rows: [
        ['buffer needed', `${bytes(bufferBytes)}, ${duration(bufferNs)} to drain; at ${seconds(peakNs)}, packet ${count(peakPacket)}`],
        [
          'busy',
          `${count(busyPeriods)} times, ${duration(busyNs)} in all${durationNs > 0 ? ` (${share(Math.min(busyNs, durationNs), durationNs)} of the time)` : ''}`,
        ],
        ['peak of a time', `p50 ${bytes(peakBytes.p50)}, p95 ${bytes(peakBytes.p95)}, p99 ${bytes(peakBytes.p99)}`],
      ],
    });
    if (microbursts.length > 0)
      out.push({
        title: 'Largest microbursts: from an empty queue to the next empty one',
        rows: [
          ['start', 'lasts', 'packets', 'bytes', 'buffer', 'drains in', 'peak at', 'first', 'last'],
          ...microbursts.map((m) => [
            seconds(m.startNs),
            duration(m.endNs - m.startNs),
            count(m.packets),
            bytes(m.bytes),
            bytes(m.peakBytes),
            duration(m.drainNs),
            `packet ${count(m.peakPacket)}`,
            `packet ${count(m.firstPacket)}`,
            `packet ${count(m.lastPacket)}`,
          ]),
        ],
        right: columns(9),
      });
  }
  if (conformance !== null) out.push(conformanceText(conformance));
  return out;
}

function conformanceText({ marker, colourAware, green, yellow, red, smallestCommittedBytes, smallestPeakBytes }: MarkerSummary): Paragraph {
  const packets = green.packets + yellow.packets + red.packets;
  const row = (name: string, each: ColourTotals): string[] => [
    name,
    count(each.packets),
    share(each.packets, packets),
    bytes(each.bytes),
    each.firstPacket === 0 ? '' : `first: packet ${count(each.firstPacket)}`,
  ];
  const needs = `${bytes(smallestCommittedBytes)} at ${rateText(marker.cirBps)}`;
  const peak = marker.kind === 'two' && smallestPeakBytes !== null ? `, ${bytes(smallestPeakBytes)} at ${rateText(marker.pirBps)}` : '';
  return {
    title: `Conformance: ${markerText(marker)}, ${colourAware ? 'color-aware' : 'color-blind'}`,
    rows: [row('green', green), row('yellow', yellow), row('red', red)],
    note: `smallest bucket that ${colourAware ? 'keeps green packets green' : 'passes everything'}: ${needs}${peak}`,
  };
}

function markerText(marker: MarkerSettings): string {
  const committed = `CIR ${rateText(marker.cirBps)}, CBS ${bytes(marker.cbsBytes)}`;
  if (marker.kind === 'single') return `RFC 2697, ${committed}, EBS ${bytes(marker.ebsBytes)}`;
  return `RFC 2698, ${committed}, PIR ${rateText(marker.pirBps)}, PBS ${bytes(marker.pbsBytes)}`;
}

/** Smallest bucket by rate, where it says something: from about the mean rate to the rate that passes every packet by itself. */
export function curveText({ curve, meanBps, maxPacketBytes, packets }: BurstReport): Paragraph[] {
  if (packets === 0) return [];
  const points = tellingPoints(curve, meanBps, maxPacketBytes);
  return [
    {
      title: 'Smallest bucket, and buffer, by rate',
      rows: [
        ['rate', 'bucket', 'drains in'],
        ...points.map(({ rateBps, bucketBytes }) => [
          rateText(rateBps),
          bucketBytes === null ? 'above 562 MB' : bytes(bucketBytes),
          bucketBytes === null ? '-' : duration(Math.ceil((bucketBytes * 8e9) / rateBps)),
        ]),
      ],
      right: columns(3),
    },
  ];
}

/** Rates from half the mean on to the first at which one packet is the most that waits, at most CURVE_LINES of them. */
function tellingPoints(curve: readonly CurvePoint[], meanBps: number, maxPacketBytes: number): CurvePoint[] {
  const from = Math.max(
    0,
    curve.findIndex(({ rateBps }) => rateBps * 2 >= meanBps),
  );
  const flat = curve.findIndex(({ bucketBytes }, i) => i >= from && bucketBytes !== null && bucketBytes <= maxPacketBytes);
  const part = curve.slice(from, flat < 0 ? curve.length : flat + 1);
  const step = Math.ceil(part.length / CURVE_LINES);
  return part.filter((_, i) => (part.length - 1 - i) % step === 0);
}

/** One line a flow; everything about each is in the JSON. */
export function flowsText(flows: readonly FlowBursts[]): Paragraph[] {
  const [first] = flows;
  if (first === undefined) return [];
  const { queue, listScaleNs } = first.report;
  const scale = duration(listScaleNs);
  return [
    {
      title: 'Flows with most bytes, each direction by itself (all about each: --json)',
      rows: [
        ['packets', 'bytes', 'mean', `peak in ${scale}`, 'peak/mean', 'bursts', 'largest', ...(queue === null ? [] : ['buffer']), 'flow'],
        ...flows.map((flow) => {
          const { packets, bytes: sum, meanBps, scales, queue: own } = flow.report;
          const at = scales.find(({ scaleNs }) => scaleNs === listScaleNs)!;
          return [
            count(packets),
            bytes(sum),
            rateText(meanBps),
            rateText((at.peak.bytes * 8e9) / listScaleNs),
            at.peakToMean.toFixed(1),
            count(at.bursts.count),
            bytes(at.bursts.bytes.max),
            ...(own === null ? [] : [bytes(own.bufferBytes)]),
            flowTitle(flow),
          ];
        }),
      ],
      right: columns(queue === null ? 7 : 8),
    },
  ];
}

/** `192.0.2.1:443 → 198.51.100.7:50211 TCP`. */
function flowTitle({ source, sourcePort, destination, destinationPort, protocol, ipVersion }: FlowBursts): string {
  const end = (address: string, port: number): string =>
    port === 0 ? address : ipVersion === 6 ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
  return `${end(source, sourcePort)} → ${end(destination, destinationPort)} ${protocol}`;
}
