import { NS_PER_MS, NS_PER_S, Random } from '../../base/index.ts';
import { FindingLog, type InterfaceInfo, type PacketSource, type RecordBatch, type SideData } from '../../files/index.ts';
import { noiseMaker, tcpMaker } from './exchanges.ts';
import { FlowStream } from './flow-stream.ts';
import { groupDataMaker, membershipMaker } from './multicast.ts';
import { nat64Maker } from './nat64.ts';
import { MAX_FRAME_BYTES, type GeneratorSpec, type StreamSpec } from './spec.ts';
import { ExchangeStream, type ExchangeMaker, type PacketStream } from './stream.ts';
import { PATCH_SLACK_BYTES } from './template.ts';

/** Bytes of one batch: as much as a file reader takes at once, so that a batch stays in the second-level cache. */
const BATCH_BYTES = 256 * 1024;
const LINKTYPE_ETHERNET = 1;
/** Bytes of a packet's block in pcapng beside its own, for the offset that a written file would have, near enough to order by. */
const RECORD_OVERHEAD_BYTES = 32;

function streamsOf(spec: StreamSpec, label: string, root: Random, run: GeneratorSpec): PacketStream[] {
  const random = root.fork(label);
  const endNs = run.durationS * NS_PER_S;
  switch (spec.kind) {
    case 'imix':
    case 'constant':
    case 'burst':
      return [new FlowStream(spec, random, endNs, run.snapLen)];
    default: {
      const epochS = Math.floor(Date.parse(run.start) / 1_000);
      const startNs = Math.floor(spec.startMs * NS_PER_MS);
      const untilNs = Math.min(endNs, (spec.untilMs ?? Infinity) * NS_PER_MS);
      const exchange = (make: ExchangeMaker, everyMs: number, r: Random) =>
        new ExchangeStream(make, r, startNs, untilNs, everyMs * NS_PER_MS, run.snapLen);
      if (spec.kind === 'tcp') return [exchange(tcpMaker(spec), spec.everyMs, random)];
      if (spec.kind === 'nat64') return [exchange(nat64Maker(spec), spec.everyMs, random)];
      if (spec.kind === 'multicast') {
        const streams = [exchange(membershipMaker(spec), spec.everyMs, random)];
        if (spec.dataPps > 0) streams.push(exchange(groupDataMaker(spec), (1_000 * spec.dataBurst) / spec.dataPps, random.fork('data')));
        return streams;
      }
      return [exchange(noiseMaker(spec, epochS), spec.everyMs, random)];
    }
  }
}

/** ns since 1970 of an ISO date with up to nine decimals. */
function epochOf(start: string): bigint {
  const fraction = /\.(\d{1,9})/.exec(start)?.[1] ?? '';
  const whole = BigInt(Math.floor(Date.parse(start) / 1_000));
  return whole * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** A spec as packets, without a file in between. Can be replayed like any input; the same spec gives the same packets. */
export class GeneratorSource implements PacketSource {
  readonly format = 'generated';
  readonly interfaces: readonly InterfaceInfo[];
  /** Time 0 of the lab clock is the first packet, as with a file. */
  epochNs: bigint;
  hasEpoch = false;
  readonly roundedRange = undefined;
  readonly skipped = {};
  readonly findings = new FindingLog();
  readonly side: SideData = { sections: [], packetComments: new Map(), names: [], secrets: [], blocks: {} };
  readonly recordHeaderBytes = -1;
  private readonly streams: PacketStream[];
  private readonly buffer = new Uint8Array(BATCH_BYTES + MAX_FRAME_BYTES + PATCH_SLACK_BYTES);
  private readonly limit: number;
  private readonly durationNs: number;
  private firstNs = 0;
  private lastNs = 0;
  private made = 0;
  private offset = 0;

  constructor(spec: GeneratorSpec) {
    const root = new Random(spec.seed);
    this.streams = spec.streams.flatMap((s, i) => streamsOf(s, s.id ?? String(i), root, spec));
    this.epochNs = epochOf(spec.start);
    this.limit = spec.packets ?? Infinity;
    this.durationNs = spec.durationS * NS_PER_S;
    this.interfaces = spec.interfaces.map((name, id) => ({
      id,
      linkType: LINKTYPE_ETHERNET,
      snapLenBytes: spec.snapLen,
      ticksPerSecond: 1_000_000_000n,
      tsOffsetSeconds: 0n,
      section: 0,
      name,
      comments: [],
      packets: 0,
      noted: { drops: 0 },
    }));
  }

  /** Fills the batch; the next call reuses its bytes. */
  nextBatch(batch: RecordBatch): boolean {
    const { buffer } = this;
    batch.bytes = buffer;
    let count = 0;
    let at = 0;
    while (count < batch.capacity && at < BATCH_BYTES && this.made < this.limit) {
      const stream = this.earliest();
      const tNs = stream.nextNs;
      if (tNs === Infinity) break;
      if (!this.hasEpoch) this.begin(tNs);
      const iface = stream.iface;
      batch.origLen[count] = stream.wireBytes;
      const kept = stream.emit(buffer, at);
      batch.offset[count] = at;
      batch.capLen[count] = kept;
      batch.tsNs[count] = tNs - this.firstNs;
      batch.iface[count] = iface;
      batch.linkType[count] = LINKTYPE_ETHERNET;
      batch.fileOffset[count] = this.offset;
      this.interfaces[iface]!.packets++;
      this.offset += kept + RECORD_OVERHEAD_BYTES;
      this.lastNs = tNs;
      this.made++;
      at += kept;
      count++;
    }
    batch.count = count;
    return count > 0;
  }

  progress(): { bytesRead: number; bytesTotal: number } {
    return { bytesRead: Math.min(this.lastNs, this.durationNs), bytesTotal: this.durationNs };
  }

  /** Packets made so far. */
  get packets(): number {
    return this.made;
  }

  close(): void {
    this.streams.length = 0;
    this.streams.push(NOTHING);
  }

  private begin(tNs: number): void {
    this.hasEpoch = true;
    this.firstNs = tNs;
    this.epochNs += BigInt(tNs);
  }

  private earliest(): PacketStream {
    const { streams } = this;
    let best = streams[0]!;
    for (let i = 1; i < streams.length; i++) if (streams[i]!.nextNs < best.nextNs) best = streams[i]!;
    return best;
  }
}

const NOTHING: PacketStream = { nextNs: Infinity, iface: 0, wireBytes: 0, emit: () => 0 };
