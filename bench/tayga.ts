import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spread, type Spread } from './measure.ts';
import { MemoryRun } from './translation-memory.ts';
import { bedMissing, TranslatorBed, type BedRun } from './translator-bed.ts';

const SIZES = [64, 576, 1_500];
const SEND_SECONDS = 3;
const WARM_SECONDS = 1;
const SESSIONS = 10_000;
const OWN_PACKETS = 1_000_000;
const cli = join(dirname(fileURLToPath(import.meta.url)), 'cli.js');

export const TAYGA_NOTE =
  'About 90 % of the processor time of TAYGA is reading and writing its tun device, and it forwards live; ours translates in memory.';

export interface TaygaRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  readonly unit: string;
  /** Ours over TAYGA's: the median of the rounds. */
  readonly value?: number;
  readonly spread?: Spread;
  readonly skipped?: string;
}

/** A network with a translator in it; the first packets find the neighbours and make the mappings. */
async function bedWith(start: (bed: TranslatorBed) => Promise<void>, bytes: number): Promise<TranslatorBed> {
  const bed = new TranslatorBed();
  try {
    await start(bed);
    await bed.measure(bytes, WARM_SECONDS);
    return bed;
  } catch (error) {
    bed.dispose();
    throw error;
  }
}

const withTayga = (bytes: number): Promise<TranslatorBed> => bedWith((bed) => bed.startTayga(), bytes);
const withRingside = (bytes: number): Promise<TranslatorBed> => bedWith((bed) => bed.startRingside(cli), bytes);

const perSecond = ({ delivered, seconds }: BedRun): number => delivered / seconds / 1e6;
const perCpuSecond = ({ delivered, cpuSeconds }: BedRun): number => delivered / cpuSeconds / 1e6;
const medianOf = (runs: readonly BedRun[], of: (run: BedRun) => number): number => spread(runs.map(of)).median;

async function taygaRuns(bytes: number, rounds: number): Promise<BedRun[]> {
  const bed = await withTayga(bytes);
  try {
    const runs: BedRun[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await bed.measure(bytes, SEND_SECONDS));
    return runs;
  } finally {
    bed.dispose();
  }
}

/** Packets for each second of processor time: ours in memory, through the session tables, over TAYGA's. */
export async function* taygaRows(rounds: number): AsyncGenerator<TaygaRow> {
  const base = { atLeast: 10, aim: 40, unit: 'x' };
  const why = bedMissing();
  if (why !== undefined) {
    yield { ...base, id: 'translate-tayga', title: 'NAT64 in memory against TAYGA, a CPU second', skipped: why };
    return;
  }
  for (const bytes of SIZES) {
    const theirs = await taygaRuns(bytes, rounds);
    const run = new MemoryRun('nat64', SESSIONS, bytes);
    const ours = theirs.map(() => run.measure(OWN_PACKETS).perCpuSecond);
    const rates = theirs.map(perCpuSecond);
    const ratio = spread(rates.map((rate, i) => ours[i]! / rate));
    const packets = theirs.reduce((sum, { delivered }) => sum + delivered, 0);
    const cpuSeconds = theirs.reduce((sum, each) => sum + each.cpuSeconds, 0);
    const title =
      `${String(bytes)} bytes a CPU second: NAT64 in memory ${spread(ours).median.toFixed(2)} M, TAYGA ${spread(rates).median.toFixed(3)} M` +
      ` (${packets.toLocaleString('en')} in ${cpuSeconds.toFixed(2)} s; ratio ${ratio.min.toFixed(1)}-${ratio.max.toFixed(1)})`;
    yield { ...base, id: `translate-tayga-${String(bytes)}`, title, value: ratio.median, spread: ratio };
  }
}

/** Both live between two interfaces, in turn, each alone on a core: packets delivered in a second while the sender sends more than they take. */
export async function* liveRows(rounds: number): AsyncGenerator<TaygaRow> {
  const base = { atLeast: 0.5, aim: 1.5, unit: 'x' };
  const why = bedMissing();
  if (why !== undefined) {
    yield { ...base, id: 'translate-live', title: 'live NAT64 through two interfaces against TAYGA', skipped: why };
    return;
  }
  for (const bytes of SIZES) {
    const ours: BedRun[] = [];
    const theirs: BedRun[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const [start, runs] of [
        [withRingside, ours],
        [withTayga, theirs],
      ] as const) {
        const bed = await start(bytes);
        try {
          runs.push(await bed.measure(bytes, SEND_SECONDS));
        } finally {
          bed.dispose();
        }
      }
    }
    const ratio = spread(ours.map((run, i) => perSecond(run) / perSecond(theirs[i]!)));
    const figures = (runs: readonly BedRun[]): string =>
      `${medianOf(runs, perSecond).toFixed(3)} M/s of ${medianOf(runs, ({ sent, seconds }) => sent / seconds / 1e6).toFixed(3)} sent, ` +
      `${medianOf(runs, perCpuSecond).toFixed(3)} M a CPU second`;
    const title = `${String(bytes)} bytes live: ours ${figures(ours)}; TAYGA ${figures(theirs)} (ratio ${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})`;
    yield { ...base, id: `translate-live-${String(bytes)}`, title, value: ratio.median, spread: ratio };
  }
}
