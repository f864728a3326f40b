import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { capturesFolder, haveCaptures } from '../engine/testing/captures.ts';
import { readRawCapture } from '../engine/testing/raw-captures.ts';
import { fuzzDissectors, type FuzzResult, type FuzzSeedPacket } from '../engine/wire/index.ts';

/** Packets taken from one capture, and in all: variety counts, not volume. */
const PER_CAPTURE = 40;
const MAX_CORPUS = 40_000;
const CAPTURE = /\.(pcap|pcapng|cap|trace)$/;

function* captures(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* captures(path);
    else if (CAPTURE.test(entry.name)) yield path;
  }
}

function corpus(): FuzzSeedPacket[] {
  const packets: FuzzSeedPacket[] = [];
  for (const path of captures(capturesFolder)) {
    if (packets.length >= MAX_CORPUS) break;
    packets.push(...readRawCapture(path, PER_CAPTURE).filter((packet) => packet.bytes.length > 0));
  }
  return packets;
}

export interface FuzzReport extends FuzzResult {
  readonly seconds: number;
  readonly corpusPackets: number;
}

/** Mutates real packets, or built ones where no captures are at hand, and dissects each. A dissector that fails is counted; none may. */
export function fuzz(count: number, seed: number): FuzzReport {
  const seeds = haveCaptures ? corpus() : undefined;
  const started = process.hrtime.bigint();
  const result = fuzzDissectors(seed, count, seeds);
  return { ...result, seconds: Number(process.hrtime.bigint() - started) / 1e9, corpusPackets: seeds?.length ?? 0 };
}
