import { describe, expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { SOCKET_WORDS, S_DROPS, S_TRACK, type SocketTable } from '../../stack/index.ts';
import { burstSeries } from './burst-series.ts';
import {
  BURST_LASTS,
  BURST_PEAKS,
  BURST_SUMS,
  BurstRecorder,
  FIRST_BURST_BIN_NS,
  MAX_BURST_BINS,
  type BurstRecording,
} from './recorder.ts';
import type { QueueRegulation } from './regulation.ts';

interface Event {
  readonly tNs: number;
  readonly value: number;
}

/** Values over time, in order; the last is at `endNs`. */
function events(seed: number, endNs: number, count = 3_000): Event[] {
  const random = new Random(seed);
  const times = Array.from({ length: count - 1 }, () => Math.floor(random.float() * endNs)).sort((a, b) => a - b);
  return [...times, endNs].map((tNs) => ({ tNs, value: random.int(0, 1_000) }));
}

const sockets = (): SocketTable => ({ words: new Int32Array(32 * SOCKET_WORDS) }) as unknown as SocketTable;

function recorded(list: readonly Event[], durationNs?: number): BurstRecording {
  const recorder = new BurstRecorder(durationNs);
  const table = sockets();
  for (const [i, { tNs, value }] of list.entries()) {
    const bin = recorder.bin(tNs);
    recorder.sum(i % BURST_SUMS.length, bin, value);
    recorder.peak(i % BURST_PEAKS.length, bin, value);
    recorder.last(i % BURST_LASTS.length, bin, value);
    // Late in the run a socket in trouble takes the place of another.
    if (i === list.length - 500) table.words[20 * SOCKET_WORDS + S_DROPS] = 1;
    recorder.fill(table, i % 24, bin, value);
  }
  expect(table.words[20 * SOCKET_WORDS + S_TRACK]).toBeGreaterThan(0);
  return recorder.result();
}

/** The first sum, peak and last column by counting them out in bins of a width that is known. */
function counted(list: readonly Event[], binNs: number, filled: number): Partial<BurstRecording['columns']> {
  const [sum, peak, last] = [new Float64Array(filled), new Float64Array(filled), new Float64Array(filled)];
  const of = (names: readonly string[]): Event[] => list.filter((_, i) => i % names.length === 0);
  for (const { tNs, value } of of(BURST_SUMS)) sum[Math.floor(tNs / binNs)]! += value;
  const gauge = (out: Float64Array, own: readonly Event[], largest: boolean): void => {
    let current = 0;
    for (let b = 0, e = 0; b < filled; b++) {
      out[b] = current;
      for (; e < own.length && own[e]!.tNs < (b + 1) * binNs; e++) {
        current = own[e]!.value;
        out[b] = largest ? Math.max(out[b]!, current) : current;
      }
    }
  };
  gauge(peak, of(BURST_PEAKS), true);
  gauge(last, of(BURST_LASTS), false);
  return { [BURST_SUMS[0]]: sum, [BURST_PEAKS[0]]: peak, [BURST_LASTS[0]]: last };
}

/** Columns of two recordings that are not the same; a matcher would take seconds for arrays of this size. */
function differences(a: BurstRecording, b: BurstRecording): string[] {
  const same = (x: Float64Array, y: Float64Array): boolean => x.length === y.length && x.every((value, i) => value === y[i]);
  const names = [...BURST_SUMS, ...BURST_PEAKS, ...BURST_LASTS].filter((name) => !same(a.columns[name], b.columns[name]));
  const fills = a.sockets.filter((socket, i) => socket !== b.sockets[i] || !same(a.fills[i]!, b.fills[i]!));
  return [...names, ...fills.map((socket) => `socket ${String(socket)}`), ...(a.binNs === b.binNs ? [] : ['binNs'])];
}

describe('regulation over time', () => {
  test.each([
    ['shorter than a bin', 50_000],
    ['some bins', 7_000_000],
    ['all bins, none folded', FIRST_BURST_BIN_NS * MAX_BURST_BINS - 1],
    ['folded once', FIRST_BURST_BIN_NS * MAX_BURST_BINS],
    ['folded eight times', 600e9 + 12_345],
  ])('an input that is %s: the same whether its end is known or not, and what counting gives', (_, endNs) => {
    const list = events(endNs % 97, endNs);
    const unknown = recorded(list);
    expect(differences(unknown, recorded(list, endNs))).toEqual([]);
    // Applications go on reading after the end of the input, here for much longer than it lasted.
    expect(differences(unknown, recorded(list, Math.floor(endNs / 5)))).toEqual([]);
    const columns = { ...unknown.columns, ...counted(list, unknown.binNs, unknown.filled) };
    expect(differences(unknown, { ...unknown, columns })).toEqual([]);
  });

  test('queues with bins of different widths come together on the wider ones', () => {
    const long = events(1, 20e9);
    const short = events(2, 2e9 + 1);
    const queue = (recording: BurstRecording): QueueRegulation =>
      ({ recording, socketId: 's', totals: {}, poolPackets: 0, userPoolPackets: 0 }) as unknown as QueueRegulation;
    const [wide, narrow] = [recorded(long), recorded(short)];
    expect(narrow.binNs).toBeLessThan(wide.binNs);
    const frame = burstSeries([queue(wide), queue(narrow)], 0, 20e9, 40)!;
    const total = (list: readonly Event[], every: number): number => list.reduce((n, e, i) => n + (i % every === 0 ? e.value : 0), 0);
    expect(frame.arrivedBytes.reduce((a, b) => a + b, 0)).toBe(total(long, BURST_SUMS.length) + total(short, BURST_SUMS.length));
    // The shorter queue keeps its last value to the end.
    const lastOf = (list: readonly Event[]): number => list.filter((_, i) => i % BURST_LASTS.length === 0).at(-1)!.value;
    expect(frame.ringSlots.at(-1)).toBe(lastOf(long) + lastOf(short));
  });
});
