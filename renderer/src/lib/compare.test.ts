import { describe, expect, it } from 'vitest';
import { SCENARIO_YAML, summaryFor, WORLD } from '../testing/world.ts';
import { compareRuns, isChanged } from './compare.ts';

const tight = summaryFor(WORLD.slots, SCENARIO_YAML);
const roomy = summaryFor(WORLD.slots * 2, SCENARIO_YAML);

describe('compare', () => {
  it('says that a run equals itself in every figure', () => {
    expect(compareRuns(tight, tight).filter(isChanged)).toEqual([]);
    expect(compareRuns(tight, tight).length).toBeGreaterThan(20);
  });

  it('counts a drop reason that one run does not name as none, inside its group', () => {
    const rows = compareRuns(tight, roomy);
    const full = rows.find((row) => row.name === 'ring full');
    expect(full).toMatchObject({ group: 'Drops', before: 20, now: 0, better: 'less' });
    const groups = rows.map((row) => row.group);
    expect(groups.lastIndexOf('Drops') - groups.indexOf('Drops') + 1).toBe(groups.filter((group) => group === 'Drops').length);
    expect(rows.find((row) => row.group === 'Ring device.rx.0' && row.name === 'high-water')).toMatchObject({ before: 100, now: 50 });
  });
});
