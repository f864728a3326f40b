import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { ConvertersInput, ConvertersResult } from '../../contract/index.ts';
import { call, dual, lossless, phone4, phone6, run } from '../testing/terminals.ts';

describe.each(['binding', 'prefix'] as const)('%s', (style) => {
  it('lets IPv4-only and IPv6-only parties talk through a terminal that keeps its own call (acceptance 8)', () => {
    const result = run({
      style,
      terminals: [phone4, phone6, dual('nine'), { id: 'carol', family: 'v4' }],
      calls: [{ atS: 0.5, from: 'nine', to: 'carol', holdS: 8 }, call],
    });
    const [own, converted] = result.sessions;
    expect([own?.path, own?.state, converted?.path, converted?.state, converted?.converter]).toEqual([
      'direct',
      'ended',
      'terminal',
      'ended',
      'nine',
    ]);
    lossless(own!);
    lossless(converted!);
    expect(result.totals.conserved).toBe(true);
    expect(result.nodes.find((node) => node.id === 'nine')).toMatchObject({
      sessions: 1,
      relayed: [converted!.forward, converted!.backward].reduce((sum, { sent, reports }) => sum + sent + reports.sent, 0),
    });
  });

  it('moves the session when the converter is killed, within the gap target (acceptance 9, T-17)', () => {
    const terminals = [phone4, phone6, dual('nine'), dual('ten')];
    const first = run({ style, terminals, calls: [call] }).decisions[0]!.chosen;
    const killed = run({ style, terminals, calls: [call], events: [{ atS: 3, kind: 'kill', terminal: first }] });
    expect(killed.diverts).toHaveLength(1);
    const [divert] = killed.diverts;
    expect(divert).toMatchObject({ cause: 'failure', from: first });
    expect(divert!.doneNs).toBeGreaterThan(0);
    expect(divert!.gapMs).toBeLessThanOrEqual(500);
    expect(divert!.lost).toBeGreaterThan(0);
    expect(killed.sessions[0]).toMatchObject({ state: 'ended', diverts: 1 });
    expect(killed.totals.conserved).toBe(true);
  });

  it('loses nothing when the converter leaves gracefully (acceptance 9, T-16)', () => {
    const terminals = [phone4, phone6, dual('nine'), dual('ten')];
    const first = run({ style, terminals, calls: [call] }).decisions[0]!.chosen;
    const result = run({ style, terminals, calls: [call], events: [{ atS: 3, kind: 'leave', terminal: first }] });
    expect(result.diverts).toMatchObject([{ cause: 'drain', from: first, lost: 0 }]);
    lossless(result.sessions[0]!);
    expect(result.totals.mediaLost).toEqual({});
  });
});

describe('choosing', () => {
  it('uses no converter where a family is common (T-10), nor one that is not enabled (T-03)', () => {
    const result = run({
      terminals: [phone4, phone6, dual('nine', { enabled: false }), { id: 'dan', family: 'dual' }],
      calls: [
        { ...call, to: 'dan' },
        { ...call, from: 'bob', to: 'alice', atS: 10 },
      ],
    });
    expect(result.sessions.map(({ path, state, why }) => [path, state, why])).toEqual([
      ['direct', 'ended', 'hung up'],
      ['none', 'failed', 'no converter is known'],
    ]);
    expect(result.decisions.map(({ candidates }) => candidates)).toEqual([[]]);
  });

  it('goes to the gateway when candidates are full or refuse, and says why each lost (T-06, T-20)', () => {
    const calls = [1, 2, 3].map((i) => ({ atS: i, from: `four-${String(i)}`, to: `six-${String(i)}`, holdS: 20 }));
    const result = run({
      gateway: {},
      terminals: [
        { id: 'four', count: 3, family: 'v4' },
        { id: 'six', count: 3, family: 'v6' },
        dual('nine', { capacity: 1 }),
        dual('ten', { capacity: 1 }),
      ],
      calls,
    });
    expect(result.sessions.map(({ path }) => path)).toEqual(['terminal', 'terminal', 'gateway']);
    const [, second, third] = result.decisions;
    const full = second!.candidates.find(({ outcome }) => outcome !== 'chosen')!;
    expect([full.outcome, second!.candidates.length]).toEqual([full.id === result.decisions[0]!.chosen ? 'full' : 'not asked', 2]);
    expect(third!.sentence).toMatch(/^The gateway, because/);
    for (const { why } of third!.candidates) expect(why).toMatch(/full/);
    expect(result.totals).toMatchObject({ byTerminal: 2, byGateway: 1 });
  });

  it('says of a call that fails that the gateway is gone, not only that nobody else converts', () => {
    const result = run({
      gateway: {},
      switch: { converters: 'gateway' },
      terminals: [phone4, phone6],
      calls: [call],
      events: [{ atS: 0.5, kind: 'kill', terminal: 'gateway' }],
    });
    expect(result.sessions[0]).toMatchObject({ state: 'failed', why: 'only the gateway converts in this scenario; the gateway is gone' });
    expect(result.decisions[0]!.sentence).toBe('No converter: only the gateway converts in this scenario; the gateway is gone.');
  });

  it('asks the next one when a candidate refuses or does not answer', () => {
    const far = { rttMs: 200 };
    const converter = { capacity: 5 };
    const terminals = [
      phone4,
      phone6,
      { id: 'nine', family: 'dual', link4: far, link6: far, converter },
      dual('ten', { chargePercent: 0 }),
    ] as const;
    const late = { ...call, atS: 3 };
    for (const kind of ['disable', 'kill'] as const) {
      // What nine has to say of this reaches the switch after the call.
      const result = run({
        terminals: [...terminals],
        calls: [late],
        switch: { weights: { battery: 50, rtt: 0 }, answerMs: 400 },
        events: [{ atS: 3, kind, terminal: 'nine' }],
      });
      expect(result.decisions[0]!.candidates.map(({ id, outcome, why }) => [id, outcome, why])).toEqual([
        kind === 'kill' ? ['nine', 'no answer', 'did not answer in time'] : ['nine', 'refused', 'refused: disabled'],
        ['ten', 'chosen', 'highest score of those that took it'],
      ]);
      expect(result.sessions[0]).toMatchObject({ state: 'ended', converter: 'ten' });
    }
  });

  it('logs how many candidates it does not list, and who was none and why (T-20), with the conditions of both legs (T-04)', () => {
    const result = run({
      terminals: [
        phone4,
        phone6,
        dual('off', { enabled: false }),
        { id: 'both', count: 20, family: 'dual', link6: { kind: 'lte', rttMs: 50, bandwidthBps: 1e6, lossPercent: 0.5, jitterMs: 3 }, converter: {} },
      ],
      calls: [call],
    }); // prettier-ignore
    const [decision] = result.decisions;
    expect(decision).toMatchObject({ others: 4, apart: { 'not configured to convert now': 1 } });
    expect(decision!.candidates).toHaveLength(16);
    expect(decision!.candidates[0]!.legs).toEqual([
      { family: 4, kind: 'ethernet', rttMs: 20, lossPercent: 0, jitterMs: 1, bandwidthBps: 1e8 },
      { family: 6, kind: 'lte', rttMs: 60, lossPercent: 0.5, jitterMs: 3.5, bandwidthBps: 1e6 },
    ]);
  });

  it('two switches that choose the same converter at once: its admission lets one in (T-06)', () => {
    const terminals = [
      { id: 'four', count: 2, family: 'v4' },
      { id: 'six', count: 2, family: 'v6' },
      dual('nine', { capacity: 1 }),
      dual('ten', { capacity: 1, chargePercent: 0 }),
    ] as const;
    const calls = [1, 2].map((i) => ({ atS: 1, from: `four-${String(i)}`, to: `six-${String(i)}`, holdS: 3 }));
    const outcomes = (count: number): string[] =>
      run({ terminals: [...terminals], calls, switch: { count, weights: { battery: 50 } } })
        .decisions.map(({ candidates }) => candidates.map(({ id, outcome }) => `${id} ${outcome}`).join(', '))
        .sort();
    expect(outcomes(2)).toEqual(['nine chosen, ten not asked', 'nine refused, ten chosen']);
    // One switch knows what it is asking for, and does not ask nine twice.
    expect(outcomes(1)).toEqual(['nine chosen, ten not asked', 'nine full, ten chosen']);
  });

  it('gives sessions away when its processor has too much to do, and takes none until that is over (T-18)', () => {
    const ids = [1, 2, 3, 4, 5];
    const result = run({
      durationS: 8,
      terminals: [
        { id: 'four', count: 5, family: 'v4' },
        { id: 'six', count: 5, family: 'v6' },
        // Busy for 28 % of the time with each session of 100 packets/s.
        dual('nine', { capacity: 9, relayUs: 2_800 }),
        dual('ten', { capacity: 9, chargePercent: 0 }),
      ],
      switch: { weights: { battery: 5 } },
      calls: ids.map((i) => ({ atS: i < 5 ? 0.1 * i : 6, from: `four-${String(i)}`, to: `six-${String(i)}`, holdS: 8 })),
    });
    // One at a time, the newest first, past the upper mark down to the lower one; nothing comes back, and three are no reason to begin again.
    expect(result.diverts.map(({ session, cause, from, to }) => [session, cause, from, to])).toEqual([
      [3, 'overload', 'nine', 'ten'],
      [2, 'overload', 'nine', 'ten'],
    ]);
    expect(result.decisions.find(({ session }) => session === 4)!.chosen).toBe('nine');
    expect(result.nodes.find(({ id }) => id === 'nine')!.refusals).toEqual({});
  });

  it('keeps the bandwidth of a call of its owner (T-07)', () => {
    // Voice is 88 kbit/s each way: room for its own call and two more.
    const narrow = { bandwidthBps: 300_000 };
    const result = run({
      terminals: [
        { id: 'four', count: 3, family: 'v4' },
        { id: 'six', count: 3, family: 'v6' },
        { id: 'nine', family: 'dual', link4: narrow, link6: narrow, converter: { capacity: 9 } },
      ],
      calls: [1, 2, 3].map((i) => ({ atS: 0.5 * i, from: `four-${String(i)}`, to: `six-${String(i)}`, holdS: 5 })),
    });
    expect(result.sessions.map(({ path }) => path)).toEqual(['terminal', 'terminal', 'none']);
    expect(result.nodes[6]!.refusals).toEqual({ 'no bandwidth beside a call of its own': 1 });
  });

  it('goes on when a party has new addresses', () => {
    for (const terminal of ['alice', 'bob']) {
      const result = run({ terminals: [phone4, phone6, dual('nine')], calls: [call], events: [{ atS: 3, kind: 'renumber', terminal }] });
      const [session] = result.sessions;
      expect(session).toMatchObject({ state: 'ended', why: 'hung up', diverts: 0 });
      for (const { sent, received } of [session!.forward, session!.backward]) expect(sent - received).toBeLessThan(10);
      expect(result.totals.conserved).toBe(true);
    }
    const direct = run({ terminals: [phone4, { id: 'dan', family: 'v4' }], calls: [{ ...call, to: 'dan' }], events: [{ atS: 3, kind: 'renumber', terminal: 'dan' }] }); // prettier-ignore
    expect(direct.sessions[0]).toMatchObject({ state: 'ended', path: 'direct' });
  });

  it('reduces the capacity while in a call of its own, not to zero, and diverts the newest sessions (T-07, T-18)', () => {
    const ids = [1, 2, 3, 4];
    const result = run({
      terminals: [
        { id: 'four', count: 4, family: 'v4' },
        { id: 'six', count: 4, family: 'v6' },
        dual('nine', { capacity: 4 }),
        dual('ten', { capacity: 4, chargePercent: 1 }),
      ],
      switch: { weights: { battery: 50 } },
      calls: ids.map((i) => ({ atS: i * 0.1, from: `four-${String(i)}`, to: `six-${String(i)}`, holdS: 10 })),
      events: [{ atS: 3, kind: 'own-call', terminal: 'nine', holdS: 3 }],
    });
    expect(result.diverts.map(({ session, cause, from, to }) => [session, cause, from, to]).sort()).toEqual([
      [2, 'overload', 'nine', 'ten'],
      [3, 'overload', 'nine', 'ten'],
    ]);
    for (const row of result.sessions) lossless(row);
  });

  it('moves sessions when the converter gets new addresses or loses a family', () => {
    for (const event of [{ kind: 'renumber' }, { kind: 'lose-family', family: 'v6' }] as const) {
      const terminals = [phone4, phone6, dual('nine'), dual('ten', { chargePercent: 0 })];
      const result = run({
        terminals,
        calls: [call],
        switch: { weights: { battery: 5 } },
        events: [{ atS: 3, terminal: 'nine', ...event }],
      });
      expect(result.diverts, event.kind).toHaveLength(1);
      expect(result.diverts[0]).toMatchObject(
        event.kind === 'renumber' ? { cause: 'renumber', to: 'nine' } : { cause: 'failure', to: 'ten' },
      );
      expect(result.sessions[0]).toMatchObject({ state: 'ended', why: 'hung up' });
      expect(result.totals.conserved).toBe(true);
    }
  });

  it('works by multicast query, with several switches, and with no media at all', () => {
    const result = run({
      durationS: 30,
      terminals: [
        { id: 'four', count: 40, family: 'v4' },
        { id: 'six', count: 40, family: 'v6' },
        { id: 'both', count: 40, family: 'dual', converter: { capacity: 2 }, rttSpreadPercent: 80 },
      ],
      switch: { discovery: 'multicast', count: 3 },
      media: { enabled: false },
      load: { perS: 4, holdS: 8, pairs: 'mixed' },
    });
    expect(result.totals.calls).toBeGreaterThan(60);
    expect(result.totals.byTerminal).toBe(result.totals.connected);
    for (const node of result.nodes) expect(node.peak).toBeLessThanOrEqual(Math.max(2, node.capacity));
  });
});

test('any mix of calls, churn and loss conserves packets, repeats, and never exceeds a capacity', () => {
  const spec = fc.record({
    seed: fc.integer({ min: 0, max: 1e6 }),
    style: fc.constantFrom('binding' as const, 'prefix' as const),
    gateway: fc.constantFrom(null, {}),
    durationS: fc.constant(6),
    terminals: fc.constant<ConvertersInput['terminals']>([
      { id: 'four', count: 5, family: 'v4' as const, link4: { lossPercent: 1, jitterMs: 8, bandwidthBps: 2e6 } },
      { id: 'six', count: 5, family: 'v6' as const },
      { id: 'both', count: 4, family: 'dual' as const, converter: { capacity: 2, relayUs: 2_000, queuePackets: 2 }, rttSpreadPercent: 50 },
    ]),
    switch: fc.record({
      selection: fc.constantFrom('score' as const, 'random' as const, 'rtt' as const, 'least-loaded' as const, 'rendezvous' as const),
      discovery: fc.constantFrom('directory' as const, 'multicast' as const),
    }),
    load: fc.record({ perS: fc.integer({ min: 1, max: 5 }), holdS: fc.constant(2) }),
    churn: fc.record({ perMinute: fc.integer({ min: 0, max: 90 }), gracefulShare: fc.constantFrom(0, 0.5, 1), awayS: fc.constant(1) }),
  });
  fc.assert(
    fc.property(spec, (input) => {
      const result = run(input);
      expect(result.totals.conserved).toBe(true);
      expect(Object.keys(result.totals.mediaLost)).not.toContain('delivered to another party');
      for (const node of result.nodes) if (node.capable) expect(node.peak).toBeLessThanOrEqual(node.capacity);
      for (const row of result.sessions) expect(['ended', 'failed']).toContain(row.state);
      expect(run(input)).toEqual(result);
    }),
    { numRuns: 15 },
  );
});

describe('a converter behind an IPv4 NAT', () => {
  const behind = (nat: 'endpoint-independent' | 'peer-dependent', style: 'binding' | 'prefix' = 'binding'): ConvertersResult =>
    run({ style, terminals: [phone4, phone6, dual('nine', { nat }), dual('ten', { chargePercent: 1 })], calls: [call] });

  it('converts where the NAT maps alike for every peer, and is known by the address of the NAT', () => {
    const result = behind('endpoint-independent');
    const [session] = result.sessions;
    expect([session?.converter, session?.state]).toEqual(['nine', 'ended']);
    lossless(session!);
    const [four, six] = session!.legs;
    const nine = result.nodes.find(({ id }) => id === 'nine')!;
    expect(nine.address4).toMatch(/^10\./);
    expect(four!.local).toMatch(/^198\.18\./);
    expect([six!.local, four!.localPort === six!.localPort]).toEqual([nine.address6, false]);
  });

  it('refuses where it cannot be reached, says why, and the next one takes the call', () => {
    for (const [result, why] of [
      [behind('peer-dependent'), 'another port'],
      [behind('endpoint-independent', 'prefix'), 'prefix mapping'],
    ] as const) {
      expect(result.sessions[0]).toMatchObject({ converter: 'ten', state: 'ended' });
      const refused = result.decisions[0]!.candidates.find(({ id }) => id === 'nine');
      expect(refused).toMatchObject({ outcome: 'refused', why: expect.stringContaining(why) as unknown });
    }
  });
});
