import { expect, test } from 'vitest';
import type { Pipeline, Snapshot } from '../../lab/index.ts';
import { LEAST_SNAPSHOT_BYTES, MAX_SNAPSHOTS, Snapshots, snapshotBudgetBytes } from './snapshots.ts';

const MIB = 1024 * 1024;

/** A pipeline that only counts, with snapshots of one size. */
function offerAll(packets: number, snapshotBytes: number): Snapshots {
  const snapshots = new Snapshots(packets);
  for (let fed = 0; fed <= packets; fed += 4_096) {
    const snapshot = { nextNumber: fed + 1, tNs: fed, byteLength: snapshotBytes } as unknown as Snapshot;
    snapshots.offer({ fed, snapshotsAreOwn: false, snapshot: () => snapshot } as unknown as Pipeline);
  }
  return snapshots;
}

const bytesOf = (snapshots: Snapshots): number => snapshots.list.reduce((sum, { byteLength }) => sum + byteLength, 0);

test('snapshots stay within a part of the index, evenly spread, and are as many as fit', () => {
  for (const [packets, snapshotBytes] of [
    [5_000_000, 1.2 * MIB],
    [5_000_000, 0.1 * MIB],
    [1_000_000, 3 * MIB],
    [400_000, 0.01 * MIB],
  ] as const) {
    const budget = snapshotBudgetBytes(packets);
    const snapshots = offerAll(packets, snapshotBytes);
    const { length } = snapshots.list;
    expect(bytesOf(snapshots)).toBeLessThanOrEqual(budget);
    expect(length).toBeLessThanOrEqual(MAX_SNAPSHOTS);
    const possible = Math.min(MAX_SNAPSHOTS, Math.floor(budget / snapshotBytes), Math.floor(packets / 32_768));
    expect(length).toBeGreaterThanOrEqual(Math.floor(possible / 2) - 1);
    // No place is further behind a snapshot than twice the even distance.
    const before = snapshots.before(packets, packets)?.nextNumber ?? 0;
    expect(packets - before).toBeLessThan((2 * packets) / (length + 1) + 65_536);
  }
  expect(snapshotBudgetBytes(1_000)).toBe(LEAST_SNAPSHOT_BYTES);
});

test('a snapshot larger than the budget is not kept, and the start is always there', () => {
  const snapshots = offerAll(1_000_000, 200 * MIB);
  expect(snapshots.list).toEqual([]);
  expect(snapshots.before(900_000, 900_000)).toBeUndefined();
});

test('snapshots that only their pipeline can go back to are all of one, with its start', () => {
  const pipeline = (fed: number): Pipeline => {
    const made = { fed, snapshotsAreOwn: true, snapshot: () => ({ nextNumber: made.fed + 1, tNs: made.fed, byteLength: 1 }) };
    return made as unknown as Pipeline;
  };
  const snapshots = new Snapshots(50_000, true);
  const [first, second] = [pipeline(0), pipeline(0)];
  expect(snapshots.claim(pipeline(5))).toBe(false);
  snapshots.offer(first);
  expect(snapshots.list).toEqual([]);
  expect(snapshots.claim(first)).toBe(true);
  expect(snapshots.claim(second)).toBe(false);
  expect(snapshots.before(100, 100)).toMatchObject({ nextNumber: 1 });
  Object.assign(second, { fed: 8_192 });
  snapshots.offer(second);
  expect(snapshots.list).toHaveLength(1);
  Object.assign(first, { fed: 8_192 });
  snapshots.offer(first);
  expect(snapshots.before(10_000, 10_000)).toMatchObject({ nextNumber: 8_193 });
  expect(snapshots.taken).toBe(false);
  expect(snapshots.takeOwner()).toBe(first);
  expect(snapshots.taken).toBe(true);
});
