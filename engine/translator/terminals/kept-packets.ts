import { NS_PER_MS } from '../../base/index.ts';
import type { TranslationPair } from '../../contract/index.ts';
import { fieldChanges } from '../field-changes.ts';
import { SINK_KIND, type PacketSink } from '../packet-sink.ts';

/** Media packets kept of a run with what they became, and the shortest time between two of one direction of a call. */
export const MAX_KEPT_PACKETS = 8_192;
const SPACING_NS = 500 * NS_PER_MS;

/** Addresses and ports are those of the reserved session. */
const RELAYED = { because: 'T-11' };

interface KeptPacket {
  readonly tNs: number;
  readonly converter: string;
  readonly number: number;
  readonly side: 4 | 6;
  readonly before: Uint8Array;
  readonly after: readonly Uint8Array[];
}

/**
 * Media packets as they came to a converter and as they left it, to be looked at later: of each direction of each call the first one through each
 * converter, and one about every half second.
 */
export class KeptPackets {
  /** Packets that would have been kept, but for the limit. */
  leftOut = 0;
  private readonly byStream = new Map<number, KeptPacket[]>();
  private kept = 0;

  /** `stream` is twice the call, and one more for the way back. Takes a copy of what it keeps. */
  note(stream: number, tNs: number, converter: string, number: number, side: 4 | 6, before: Uint8Array, sink: PacketSink): void {
    let rows = this.byStream.get(stream);
    if (rows === undefined) this.byStream.set(stream, (rows = []));
    const last = rows.at(-1);
    if (last !== undefined && last.converter === converter && tNs - last.tNs < SPACING_NS) return;
    if (this.kept >= MAX_KEPT_PACKETS) {
      this.leftOut++;
      return;
    }
    this.kept++;
    const after = Array.from({ length: sink.count }, (_, i) => sink.packet(i));
    rows.push({ tNs, converter, number, side, before: before.slice(), after });
  }

  /** The last one up to an instant, or the first one after it. */
  at(stream: number, tNs: number): TranslationPair | null {
    const rows = this.byStream.get(stream) ?? [];
    const row = rows.findLast((one) => one.tNs <= tNs) ?? rows[0];
    if (row === undefined) return null;
    const { converter, number, side, before, after } = row;
    const out = side === 4 ? 6 : 4;
    return {
      port: converter,
      number,
      tNs: row.tNs,
      side,
      verdict: 'translated',
      reason: 'translated',
      rfc: side === 4 ? 'RFC 7915 section 4' : 'RFC 7915 section 5',
      text: 'relayed for the reserved session',
      before,
      after: after.map((bytes) => ({ side: out, kind: 'translated', bytes, changes: fieldChanges(before, bytes, undefined, RELAYED) })),
    };
  }
}

/** True where what came out is the packet in the other family, in one piece or in fragments. */
export const isRelayed = (sink: PacketSink): boolean => sink.count > 0 && sink.kind[0] === SINK_KIND.translated;
