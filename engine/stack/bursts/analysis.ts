import type { BurstReport, BurstSettings, ColourTotals, MarkerSettings, MarkerSummary } from '../../contract/index.ts';
import { Distribution } from './distribution.ts';
import { Scale } from './scale.ts';
import { GREEN, RED, SingleRateMarker, TwoRateMarker, type Colour, type Marker } from './token-bucket.ts';
import { QueueBank, VirtualQueue } from './virtual-queue.ts';

function createMarker(settings: MarkerSettings): Marker {
  if (settings.kind === 'single') return new SingleRateMarker(settings.cirBps, settings.cbsBytes, settings.ebsBytes);
  return new TwoRateMarker(settings.cirBps, settings.cbsBytes, settings.pirBps, settings.pbsBytes);
}

/**
 * Bursts of a stream of packets, one pass, in memory that does not grow with the input. The result does not depend on how the
 * stream is cut into calls of `take`.
 */
export class BurstAnalysis {
  private readonly settings: BurstSettings;
  private readonly scales: readonly Scale[];
  private readonly queue: VirtualQueue | null;
  private readonly bank = new QueueBank();
  private readonly marker: Marker | null;
  private readonly committedNeed: VirtualQueue | null = null;
  private readonly peakNeed: VirtualQueue | null = null;
  private readonly colourPackets = new Float64Array(3);
  private readonly colourBytes = new Float64Array(3);
  private readonly colourFirst = new Float64Array(3);
  private readonly gaps = new Distribution();
  private packets = 0;
  private bytes = 0;
  private startNs = 0;
  private latestNs = Number.NEGATIVE_INFINITY;
  private maxPacketBytes = 0;
  private backwards = 0;

  constructor(settings: BurstSettings) {
    const { scalesNs, listScaleNs, rateBps, marker, top } = settings;
    this.settings = settings;
    const all = [...new Set([...scalesNs, listScaleNs])].sort((a, b) => a - b);
    this.scales = all.map((ns) => new Scale(ns, rateBps, ns === listScaleNs ? top : 0));
    this.queue = rateBps === null ? null : new VirtualQueue(rateBps, top);
    this.marker = marker === null ? null : createMarker(marker);
    if (marker === null) return;
    this.committedNeed = new VirtualQueue(marker.cirBps, 0);
    if (marker.kind === 'two') this.peakNeed = new VirtualQueue(marker.pirBps, 0);
  }

  /**
   * Packets [from, to) of the columns, in the order of the capture; packet `from` has number `firstNumber`. `colours` are what the
   * packets came with, for a color-aware marker.
   */
  take(tsNs: Float64Array, lengthBytes: Uint32Array, from: number, to: number, firstNumber: number, colours?: Uint8Array): void {
    const aware = this.settings.colourAware && colours !== undefined;
    for (let i = from; i < to; i++) {
      this.takeOne(tsNs[i]!, lengthBytes[i]!, firstNumber + i - from, aware ? (colours[i]! as Colour) : GREEN);
    }
  }

  /** One packet: its time stamp, its length on the wire, its number, and the colour it came with. */
  takeOne(stampNs: number, wireBytes: number, number: number, colour: Colour): void {
    let tNs = stampNs;
    if (this.packets === 0) this.startNs = tNs;
    else if (tNs < this.latestNs) {
      this.backwards++;
      tNs = this.latestNs;
      this.gaps.add(0);
    } else this.gaps.add(tNs - this.latestNs);
    this.latestNs = tNs;
    const length = Math.max(0, wireBytes + this.settings.overheadBytes);
    this.packets++;
    this.bytes += length;
    if (length > this.maxPacketBytes) this.maxPacketBytes = length;
    for (const scale of this.scales) scale.add(tNs, length, number);
    this.bank.add(tNs, length);
    this.queue?.add(tNs, length, number);
    if (this.marker !== null) this.measure(this.marker, tNs, length, number, colour);
  }

  private measure(marker: Marker, tNs: number, length: number, number: number, before: Colour): void {
    const colour = marker.meter(tNs, length, before);
    if (this.colourPackets[colour] === 0) this.colourFirst[colour] = number;
    this.colourPackets[colour] = this.colourPackets[colour]! + 1;
    this.colourBytes[colour] = this.colourBytes[colour]! + length;
    if (before === GREEN) this.committedNeed?.add(tNs, length, number);
    if (before !== RED) this.peakNeed?.add(tNs, length, number);
  }

  /** What it came to. Call once, after the last packet. */
  finish(): BurstReport {
    const durationNs = this.packets === 0 ? 0 : this.latestNs - this.startNs;
    const scales = this.scales.map((scale) => scale.finish());
    const { listScaleNs, overheadBytes } = this.settings;
    return {
      packets: this.packets,
      bytes: this.bytes,
      overheadBytes,
      startNs: this.startNs,
      durationNs,
      meanBps: durationNs === 0 ? 0 : (this.bytes * 8e9) / durationNs,
      maxPacketBytes: this.maxPacketBytes,
      backwards: this.backwards,
      gapNs: this.gaps.summary(),
      scales,
      listScaleNs,
      top: this.scales.find(({ scaleNs }) => scaleNs === listScaleNs)?.largest() ?? [],
      queue: this.queue?.finish() ?? null,
      conformance: this.conformance(),
      curve: this.bank.points(),
    };
  }

  private conformance(): MarkerSummary | null {
    const { marker, colourAware } = this.settings;
    if (marker === null || this.committedNeed === null) return null;
    const totals = (colour: Colour): ColourTotals => ({
      packets: this.colourPackets[colour]!,
      bytes: this.colourBytes[colour]!,
      firstPacket: this.colourFirst[colour]!,
    });
    return {
      marker,
      colourAware,
      green: totals(0),
      yellow: totals(1),
      red: totals(2),
      smallestCommittedBytes: this.committedNeed.finish().bufferBytes,
      smallestPeakBytes: this.peakNeed?.finish().bufferBytes ?? null,
    };
  }
}
