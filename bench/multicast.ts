import { forwardingNs } from '../engine/experiments/multicast/encapsulate.ts';
import { scaleRun } from '../engine/experiments/multicast/scale.ts';

/** Packets of one forwarding measurement. */
const PACKETS = 1_000_000;
const ENTRIES = 100_000;

export interface MulticastFigures {
  /** Million packets a second of one core, each with one IPv4 and one IPv6 copy, by family it comes in, mode, and length of the IPv4 packet. */
  readonly forwarding: readonly {
    readonly from: string;
    readonly mode: string;
    readonly bytes: number;
    readonly millionPerSecond: number;
  }[];
  readonly entries: number;
  readonly joinsPerSecond: number;
  readonly prunesPerSecond: number;
  readonly bytesPerEntry: number;
}

/** Forwarding in memory, and joins of many entries, in core seconds. Run with --expose-gc for the memory of an entry. */
export function multicastFigures(): MulticastFigures {
  const forwarding = ([4, 6] as const).flatMap((from) =>
    (['translate', 'encapsulate'] as const).flatMap((mode) =>
      [100, 400, 1_400].map((bytes) => ({
        from: `v${from}`,
        mode,
        bytes,
        millionPerSecond: 1e3 / forwardingNs(mode, bytes, PACKETS, from),
      })),
    ),
  );
  const { entries, joinsPerSecond, prunesPerSecond, bytesPerEntry } = scaleRun(ENTRIES);
  return { forwarding, entries, joinsPerSecond, prunesPerSecond, bytesPerEntry };
}
