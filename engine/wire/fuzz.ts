import { Random } from '../base/index.ts';
import { dissectorBugs, dissectPacket, summarize } from './dissect.ts';
import { samplePackets } from './sample-packets.ts';

/** A packet to start mutations from. */
export interface FuzzSeedPacket {
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

export interface FuzzResult {
  readonly packets: number;
  /** Packets on which a dissector failed. Must be zero. */
  readonly bugs: number;
  readonly lastBug: string;
  /** Hex of the first packet that failed, with its link type, for a test of its own. */
  readonly firstFailure: string;
  /** Layers met in all, as a check that mutated packets still get past the first header. */
  readonly layers: number;
  /** Most nodes that one tree had to leave out at its limit. */
  readonly mostRefused: number;
}

/** Longest packet made by growing or splicing. Long enough for every header there is, short enough to stay quick. */
const MAX_FUZZ_BYTES = 2_048;

/** Values that sit at the edges of length fields. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff] as const;

/** One random change of the packet in `b[0, length)`; returns the new length. */
function mutate(random: Random, b: Uint8Array, length: number, corpus: readonly FuzzSeedPacket[]): number {
  if (length === 0) return length;
  const at = random.int(0, length - 1);
  switch (random.int(0, 8)) {
    case 0:
      b[at] = b[at]! ^ (1 << random.int(0, 7));
      return length;
    case 1:
      b[at] = random.u32();
      return length;
    case 2:
      b[at] = EDGES[random.int(0, EDGES.length - 1)]!;
      return length;
    case 3:
      b[at] = 0;
      if (at + 1 < length) b[at + 1] = EDGES[random.int(0, EDGES.length - 1)]!;
      return length;
    case 4:
      return at;
    case 5: {
      const grow = Math.min(random.int(1, 64), MAX_FUZZ_BYTES - length);
      for (let i = 0; i < grow; i++) b[length + i] = random.u32();
      return length + grow;
    }
    case 6: {
      const other = corpus[random.int(0, corpus.length - 1)]!.bytes;
      const take = Math.min(other.length, MAX_FUZZ_BYTES - at);
      b.set(other.subarray(0, take), at);
      return at + take;
    }
    case 7: {
      const size = Math.min(random.int(1, 16), length - at);
      b.copyWithin(at, Math.max(0, at - size), Math.max(0, at - size) + size);
      return length;
    }
    default: {
      const size = Math.min(random.int(1, 8), length - at);
      for (let i = 0; i < size; i++) b[at + i] = 0xff;
      return length;
    }
  }
}

const LINK_TYPES = [0, 1, 9, 50, 51, 101, 104, 108, 113, 219, 276] as const;
const HEX_LIMIT_BYTES = 512;

function hexOf(b: Uint8Array, length: number): string {
  let text = '';
  for (let i = 0; i < Math.min(length, HEX_LIMIT_BYTES); i++) text += b[i]!.toString(16).padStart(2, '0');
  return text;
}

/**
 * Dissects `count` mutated packets. Same seed, count and corpus: same packets. Without a corpus it starts from the sample
 * packets. Every eighth packet is also summarized, and one in sixteen is given another link type.
 * `before` sees each packet first, so that a run that hangs can be found.
 */
export function fuzzDissectors(
  seed: number,
  count: number,
  corpus: readonly FuzzSeedPacket[] = samplePackets(),
  before?: (index: number, linkType: number, packet: Uint8Array) => void,
): FuzzResult {
  const random = new Random(seed);
  const b = new Uint8Array(MAX_FUZZ_BYTES);
  const bugsBefore = dissectorBugs.count;
  let layers = 0;
  let mostRefused = 0;
  let firstFailure = '';
  for (let i = 0; i < count; i++) {
    const from = corpus[random.int(0, corpus.length - 1)]!;
    let length = Math.min(from.bytes.length, MAX_FUZZ_BYTES);
    b.set(from.bytes.subarray(0, length));
    for (let times = random.int(1, 5); times > 0; times--) length = mutate(random, b, length, corpus);
    const linkType = (i & 15) === 0 ? LINK_TYPES[random.int(0, LINK_TYPES.length - 1)]! : from.linkType;
    const origLen = (i & 3) === 0 ? length + random.int(0, 100) : length;
    const packet = b.subarray(0, length);
    before?.(i, linkType, packet);
    const result = dissectPacket(packet, linkType, length, origLen, { number: i + 1 });
    layers += result.layerNames.length;
    mostRefused = Math.max(mostRefused, result.refusedNodes);
    if ((i & 7) === 0) summarize(packet, linkType, length, origLen);
    if (firstFailure === '' && dissectorBugs.count > bugsBefore) firstFailure = `${linkType} ${hexOf(b, length)}`;
  }
  return { packets: count, bugs: dissectorBugs.count - bugsBefore, lastBug: dissectorBugs.last, firstFailure, layers, mostRefused };
}
