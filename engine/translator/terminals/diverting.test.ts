import { describe, expect, it } from 'vitest';
import type { ConvertersInput, ConvertersResult } from '../../contract/index.ts';
import { call, dual, phone4, phone6, run } from '../testing/terminals.ts';

/** Converters that reserved a session and were never told to let it go. */
function heldFor({ messages }: ConvertersResult): string[] {
  const released = messages.filter(({ name }) => name === 'RELEASE').map(({ to }) => to);
  return messages.filter(({ name, from }) => name === 'RESERVED' && !released.includes(from)).map(({ from }) => from);
}

describe('a converter that goes without a word (T-17)', () => {
  const terminals = [phone4, phone6, dual('nine'), dual('ten')];
  const first = run({ terminals, calls: [call] }).decisions[0]!.chosen;

  // The call is answered at about 1.05 s.
  it.each([1.06, 1.1, 1.15, 1.2, 1.5, 2.3, 3.01, 5.5])('at %f s: both parties hear nothing for at most 500 ms', (atS) => {
    const result = run({ terminals, calls: [call], events: [{ atS, kind: 'kill', terminal: first }] });
    expect(result.diverts).toHaveLength(1);
    const [divert] = result.diverts;
    expect(divert!.doneNs).toBeGreaterThan(0);
    expect(divert!.gapMs).toBeLessThanOrEqual(500);
    for (const direction of [0, 1] as const) {
      expect(divert!.firstNs[direction]! - divert!.lastNs[direction]!).toBeLessThanOrEqual(divert!.gapMs * 1e6 + 1);
      expect(divert!.lastNs[direction]).toBeGreaterThan(1e9);
    }
    expect(result.sessions[0]).toMatchObject({ state: 'ended', why: 'hung up' });
  });

  it('is not suspected because the way through the network is long', () => {
    const far = { rttMs: 300, jitterMs: 0 };
    const result = run({
      terminals: [{ ...phone4, link4: far }, { ...phone6, link6: far }, { ...dual('nine'), link4: far, link6: far }],
      switch: { answerMs: 1_000 },
      calls: [call],
    }); // prettier-ignore
    expect(result.messages.filter(({ name }) => name === 'MEDIA LOST')).toEqual([]);
    expect(result.sessions[0]).toMatchObject({ state: 'ended', diverts: 0 });
  });
});

describe('a call that ends while it changes its converter', () => {
  const input: Omit<ConvertersInput, 'name'> = {
    terminals: [phone4, phone6, dual('nine'), dual('ten')],
    calls: [call],
    switch: { selection: 'rendezvous' },
    media: { enabled: false },
  };
  const { converter, endedNs } = run(input).sessions[0]!;

  // The change takes about as long as these instants lie before the end.
  it.each([2, 5, 10, 20, 40, 60, 80, 120, 160, 250])('%i ms after it began: both converters are let go', (ms) => {
    const left = run({ ...input, events: [{ atS: (endedNs - ms * 1e6) / 1e9, kind: 'leave', terminal: converter }] });
    expect(left.sessions[0]).toMatchObject({ state: 'ended' });
    expect(heldFor(left)).toEqual([]);
    const gone = run({
      ...input,
      events: [
        { atS: (endedNs - 250e6) / 1e9, kind: 'leave', terminal: converter },
        { atS: (endedNs - 250e6 + ms * 1e6) / 1e9, kind: 'kill', terminal: 'bob' },
      ],
    });
    expect(heldFor(gone)).toEqual([]);
  });
});

describe('the ranking at hand (T-17)', () => {
  const converters = [dual('nine'), dual('ten', { enabled: false })];

  it('is followed by a new search where nobody of it is there any more', () => {
    for (const discovery of ['directory', 'multicast'] as const) {
      const result = run({
        terminals: [phone4, phone6, ...converters],
        calls: [call],
        switch: { discovery },
        events: [
          { atS: 2, kind: 'enable', terminal: 'ten' },
          { atS: 3, kind: 'kill', terminal: 'nine' },
        ],
      });
      expect(result.diverts, discovery).toMatchObject([{ cause: 'failure', from: 'nine', to: 'ten' }]);
      expect(result.diverts[0]!.gapMs).toBeLessThanOrEqual(500);
      expect(result.sessions[0]).toMatchObject({ state: 'ended', why: 'hung up' });
    }
  });

  it('is asked with what its candidates have announced since: one that was full then may be free now', () => {
    const near = { rttMs: 2, jitterMs: 0 };
    const result = run({
      terminals: [
        { id: 'four', count: 2, family: 'v4' },
        { id: 'six', count: 2, family: 'v6' },
        { ...dual('nine', { capacity: 1 }), link4: near, link6: near },
        dual('ten'),
      ],
      calls: [
        { atS: 1, from: 'four-1', to: 'six-1', holdS: 2 },
        { atS: 1.5, from: 'four-2', to: 'six-2', holdS: 9 },
      ],
      switch: { selection: 'rtt' },
      events: [{ atS: 6, kind: 'kill', terminal: 'ten' }],
    });
    expect(result.decisions[1]!.candidates[0]).toMatchObject({ id: 'nine', outcome: 'full' });
    expect(result.diverts).toMatchObject([{ session: 1, from: 'ten', to: 'nine' }]);
    expect(result.totals.failed).toEqual({});
  });

  it('costs little for candidates that are gone as well', () => {
    const terminals = [phone4, phone6, ...['nine', 'ten', 'eleven', 'twelve'].map((id) => dual(id))];
    const ranked = run({ terminals, calls: [call] }).decisions[0]!.candidates.map(({ id }) => id);
    const events = ranked.slice(0, 3).map((terminal) => ({ atS: 3, kind: 'kill' as const, terminal }));
    const result = run({ terminals, calls: [call], events });
    expect(result.diverts).toMatchObject([{ from: ranked[0], to: ranked[3] }]);
    expect(result.decisions.at(-1)!.candidates.map(({ outcome }) => outcome)).toEqual(['excluded', 'no answer', 'no answer', 'chosen']);
    expect(result.diverts[0]!.gapMs).toBeLessThan(400);
  });
});

describe('a network that fails', () => {
  const lost = (terminal: string, family: 'v4' | 'v6') => ({ atS: 1, kind: 'lose-family' as const, terminal, family });

  it.each([
    ['alice', 'carol', lost('alice', 'v4'), 'the caller has no network'],
    ['carol', 'alice', lost('alice', 'v4'), 'the callee has no network'],
    ['alice', 'bob', lost('bob', 'v6'), 'the callee has no network'],
  ])('%s calls %s: the call says who has none', (from, to, event, why) => {
    const result = run({
      terminals: [phone4, phone6, { id: 'carol', family: 'v4' }, dual('nine')],
      calls: [{ atS: 3, from, to, holdS: 2 }],
      events: [event],
    });
    expect(result.sessions).toMatchObject([{ state: 'failed', why }]);
  });

  it('that loses everything lets no message through: the call is not set up in time', () => {
    const result = run({ terminals: [{ ...phone4, link4: { lossPercent: 100 } }, phone6, dual('nine')], calls: [call] });
    expect(result.sessions).toMatchObject([{ state: 'failed', why: 'not set up in time', setUpMs: 0 }]);
    expect(result.sessions[0]!.endedNs - result.sessions[0]!.placedNs).toBe(32e9);
  });
});

it('a converter that is killed while it drains, and back at once, stays (T-16)', () => {
  const result = run({
    durationS: 4,
    terminals: [phone4, phone6, dual('nine')],
    events: [
      { atS: 1, kind: 'leave', terminal: 'nine' },
      { atS: 1.01, kind: 'kill', terminal: 'nine' },
      { atS: 1.05, kind: 'join', terminal: 'nine' },
    ],
    calls: [{ ...call, atS: 3 }],
  });
  expect(result.sessions).toMatchObject([{ converter: 'nine', state: 'ended' }]);
});

it('SIP messages to a switch are recorded when they come', () => {
  const atNs: number[] = [];
  run(
    { terminals: [{ ...phone4, link4: { rttMs: 100, jitterMs: 0 } }, phone6, dual('nine')], calls: [call], switch: { rttMs: 0 } },
    { recorder: (node, _family, tNs) => void (node.role === 'switch' && atNs.push(tNs)) },
  );
  expect(atNs[0]).toBe(1.05e9);
});

it('short silences of both parties, one after the other, are no failure of the converter (T-17)', () => {
  const lossy = { rttMs: 30, jitterMs: 0, lossPercent: 4 };
  const result = run({ terminals: [phone4, phone6, { ...dual('nine'), link6: lossy }], calls: [{ ...call, holdS: 120 }] });
  const silent = result.messages.filter(({ name }) => name === 'MEDIA LOST').map(({ from }) => from);
  expect(new Set(silent)).toEqual(new Set(['alice', 'bob']));
  expect(result.sessions[0]).toMatchObject({ why: 'hung up', diverts: 0 });
});
