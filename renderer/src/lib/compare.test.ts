import { describe, expect, it } from 'vitest';
import { findingsOf } from '../report/findings.ts';
import { SCENARIO_YAML, sessionInfo, summaryFor, WORLD } from '../testing/world.ts';
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

describe('findings', () => {
  const session = sessionInfo('s', 'a.pcap', SCENARIO_YAML);

  it('name the full ring, its share of drops and the parameter', () => {
    const first = findingsOf(session, tight)[0];
    expect(first?.tone).toBe('drop');
    expect(first?.text).toContain('20 packets found the ring device.rx.0 full (64 slots)');
    expect(first?.parameter).toBe('device.rxRingSlots');
  });

  it('say first that nothing was lost, where nothing was', () => {
    expect(findingsOf(session, roomy)[0]).toEqual({ tone: 'good', text: 'All 2,000 packets are accounted for and none was dropped.' });
  });

  it('never call a broken conservation good', () => {
    const object = { obj: 'fsw', in: 2, delivered: 1, dropped: 0, inFlight: 0, ok: false };
    const broken = { ...roomy, conservation: { ok: false, objects: [object] } };
    const found = findingsOf(session, broken);
    expect(found[0]?.text).toContain('unaccounted for at fsw');
    expect(found.some((finding) => finding.tone === 'good')).toBe(false);
  });
});
