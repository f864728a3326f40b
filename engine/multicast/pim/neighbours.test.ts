import { describe, expect, it } from 'vitest';
import { NS_PER_S } from '../../base/index.ts';
import { rig, UP, type Rig } from './testing/rig.ts';

/** Hello and what is known by it, RFC 7761 section 4.3. */

const OTHER = '10.0.0.7';
const hellosS = (r: Rig, iface = 0): number[] =>
  r.sent.filter((each) => each.iface === iface && each.message.kind === 'hello').map(({ tNs }) => tNs / NS_PER_S);

describe('Hello messages (4.3.1)', () => {
  it('are sent every period; one that answers a new neighbour does not move the next', () => {
    const r = rig();
    r.run(30);
    const [first] = hellosS(r);
    r.run(10);
    r.sent.length = 0;
    r.hello(0, OTHER);
    r.run(1);
    expect(hellosS(r)).toHaveLength(1);
    r.sent.length = 0;
    r.run(40);
    expect(hellosS(r)[0]! - first!).toBeCloseTo(30, 6);
  });

  it('answer a neighbour that is new or started anew, and no other', () => {
    const r = rig();
    for (const [generationId, answers] of [
      [7, 1],
      [7, 0],
      [8, 1],
    ] as const) {
      r.sent.length = 0;
      r.hello(0, OTHER, { generationId });
      r.run(0.2);
      expect(hellosS(r)).toHaveLength(answers);
    }
  });

  it.each([0.1, 5])('come first within a Triggered_Hello_Delay of %d s, and answer a new neighbour within it', (triggeredHelloS) => {
    const firstS: number[] = [];
    const answerS: number[] = [];
    const r = rig({ timers: { triggeredHelloS } });
    r.run(10);
    for (let i = 0; i < 50; i++) {
      r.pim.stop();
      r.sent.length = 0;
      const startS = r.clock.nowNs / NS_PER_S;
      r.pim.start();
      r.run(6);
      firstS.push(hellosS(r)[0]! - startS);
      r.sent.length = 0;
      r.hello(0, OTHER);
      const heardS = r.clock.nowNs / NS_PER_S;
      r.run(6);
      answerS.push(hellosS(r)[0]! - heardS);
    }
    for (const each of [firstS, answerS]) {
      expect(Math.max(...each)).toBeLessThanOrEqual(triggeredHelloS);
      expect(Math.max(...each)).toBeGreaterThan(triggeredHelloS * 0.9);
      expect(Math.min(...each)).toBeLessThan(triggeredHelloS * 0.1);
    }
  });

  it('have all options, a hold time of 3.5 periods, and a generation that a start changes', () => {
    const r = rig();
    const last = () => r.sent.findLast(({ message }) => message.kind === 'hello')!.message;
    r.run(30);
    const before = last();
    expect(before).toMatchObject({ holdtimeS: 105, drPriority: 1, addresses: [] });
    expect(before).toMatchObject({ lanPruneDelay: { propagationMs: 500, overrideMs: 2_500, tracking: false } });
    r.pim.stop();
    r.pim.start();
    r.run(1);
    expect(last()).not.toEqual(before);
  });
});

describe('the neighbour liveness timer (4.3.2)', () => {
  it.each([
    ['runs for the hold time', 20, 20],
    ['never ends with 0xffff', 0xffff, Infinity],
  ] as const)('%s', (_name, holdtimeS, endsS) => {
    const r = rig();
    const at = r.clock.nowNs;
    r.pim.receive(
      { kind: 'hello', holdtimeS, lanPruneDelay: null, drPriority: 1, generationId: 1, addresses: [], translationRouter: null },
      0,
      OTHER,
      '224.0.0.13',
    );
    const until = Math.min(endsS, 100_000);
    r.clock.runUntil(at + (until - 0.001) * NS_PER_S);
    expect(r.pim.neighbours[0]!.has(OTHER)).toBe(true);
    r.clock.runUntil(at + until * NS_PER_S);
    expect(r.pim.neighbours[0]!.has(OTHER)).toBe(endsS === Infinity);
  });

  it('ends at once with a hold time of 0', () => {
    const r = rig();
    r.hello(0, UP, { holdtimeS: 0 });
    expect(r.pim.neighbours[0]!.has(UP)).toBe(false);
  });
});

describe('LAN prune delay (4.3.3)', () => {
  const delay = (propagationMs: number, overrideMs: number, tracking = false) => ({
    lanPruneDelay: { propagationMs, overrideMs, tracking },
  });
  it.each([
    ['the own values where nobody tells more', [delay(100, 200), delay(100, 200)], 2_500, 3_000, true],
    ['the largest of each', [delay(900, 200), delay(100, 4_000)], 4_000, 4_900, true],
    ['the defaults where one neighbour tells none', [delay(900, 4_000), { lanPruneDelay: null }], 2_500, 3_000, true],
    ['no suppression where all track joins', [delay(500, 2_500, true), delay(500, 2_500, true)], 2_500, 3_000, false],
    ['suppression where one does not', [delay(500, 2_500, true), delay(500, 2_500)], 2_500, 3_000, true],
    ['suppression where one tells none', [delay(500, 2_500, true), { lanPruneDelay: null }], 2_500, 3_000, true],
  ] as const)('%s', (_name, [up, other], overrideMs, pendingMs, suppression) => {
    const r = rig();
    r.hello(0, UP, up);
    r.hello(0, OTHER, other);
    const { overrideNs, prunePendingNs, suppression: suppressed } = r.pim.neighbours[0]!;
    expect([overrideNs / 1e6, prunePendingNs / 1e6, suppressed]).toEqual([overrideMs, pendingMs, suppression]);
  });
});

describe('the designated router (4.3.2)', () => {
  it.each([
    ['the highest priority', [2, 5], '10.0.0.9', OTHER],
    ['the highest address of equal ones', [1, 1], '10.0.0.9', '10.0.0.9'],
    ['the highest address where one tells no priority', [null, 5], '10.0.0.9', '10.0.0.9'],
    ['this router', [0, 0], '10.0.0.9', '10.0.0.5'],
  ] as const)('is %s', (_name, [third, other], address, dr) => {
    const r = rig();
    r.hello(0, UP, { drPriority: 1 });
    r.hello(0, address, { drPriority: third });
    r.hello(0, OTHER, { drPriority: other });
    expect(r.pim.neighbours[0]!.dr).toBe(dr);
  });

  it('without one neighbour is found as if that were not there (RFC 5059 section 3.5)', () => {
    const r = rig();
    r.hello(0, UP, { drPriority: 1 });
    r.hello(0, OTHER, { drPriority: 0 });
    r.hello(0, '10.0.0.9', { drPriority: null });
    expect(r.pim.neighbours[0]!.isDrWithout('10.0.0.9')).toBe(true);
  });
});

describe('secondary addresses (4.3.4)', () => {
  const SECOND = '198.51.100.1';
  it('are those of the last Hello, none where it tells none', () => {
    const r = rig();
    const [link] = r.pim.neighbours;
    r.hello(0, UP, { addresses: [SECOND] });
    expect(link!.nameOf(SECOND)).toBe(UP);
    r.hello(0, UP, { addresses: ['198.51.100.2'] });
    expect([link!.nameOf(SECOND), link!.nameOf('198.51.100.2')]).toEqual(['', UP]);
    r.hello(0, UP);
    expect(link!.nameOf('198.51.100.2')).toBe('');
  });

  it('that two neighbours tell are of the one that told last, and counted', () => {
    const r = rig();
    const [link] = r.pim.neighbours;
    r.hello(0, UP, { addresses: [SECOND] });
    r.hello(0, OTHER, { addresses: [SECOND] });
    expect([link!.nameOf(SECOND), link!.conflicts]).toEqual([OTHER, 1]);
    r.hello(0, UP, { addresses: [SECOND, '198.51.100.3'] });
    expect([link!.nameOf(SECOND), link!.nameOf('198.51.100.3'), link!.conflicts]).toEqual([UP, UP, 2]);
    expect(link!.list().find(({ address }) => address === OTHER)!.hello.addresses).toEqual([]);
  });

  it('that two neighbours tell are logged, once a minute at most', () => {
    const r = rig();
    const warnings = () => r.notes.filter(({ kind }) => kind === 'warning').map(({ text }) => text);
    r.hello(0, UP, { addresses: [SECOND] });
    for (const from of [OTHER, UP, OTHER]) r.hello(0, from, { addresses: [SECOND] });
    expect(warnings()).toEqual([`${OTHER} tells ${SECOND}, which ${UP} told before`]);
    r.run(61);
    r.hello(0, UP, { addresses: [SECOND] });
    expect(warnings().length).toBeGreaterThanOrEqual(2);
    expect(r.notes.filter(({ kind }) => kind === 'warning').length).toBeLessThanOrEqual(3);
  });

  it('are no primary ones', () => {
    const r = rig();
    r.hello(0, UP, { addresses: [UP, SECOND] });
    expect(r.pim.neighbours[0]!.list()[0]!.hello.addresses).toEqual([SECOND]);
  });
});
