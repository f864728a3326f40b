import { describe, expect, it } from 'vitest';
import { betterAssert, embeddedRp, rpHash, selectRp, type AssertMetric } from './index.ts';
import { ASM, rig, S, sg, sgRpt, SSM, star, UP } from './testing/rig.ts';

describe('downstream and upstream state (RFC 7761 section 4.5)', () => {
  it('a Join makes state and a Join upstream, a Prune ends both at once where one neighbour is all there is', () => {
    const r = rig();
    r.jp(1, '10.0.1.1', [sg], []);
    r.run(0);
    expect(r.said()).toEqual([`0 join ${S}`]);
    expect(r.pim.olists.inherited(r.pim.find(S, SSM)!)).toBe(0b010);
    r.jp(1, '10.0.1.1', [], [sg]);
    r.run(0);
    expect(r.said()).toEqual([`0 prune ${S}`]);
    expect(r.pim.find(S, SSM)).toBeUndefined();
  });

  it('with more neighbours a Prune waits for objections, and a Join in time keeps the state (4.5.2)', () => {
    const r = rig();
    r.hello(1, '10.0.1.2');
    r.jp(1, '10.0.1.1', [sg], []);
    r.jp(1, '10.0.1.1', [], [sg]);
    r.run(2.9);
    expect(r.pim.find(S, SSM)!.down[0]!.state).toBe('prune-pending');
    r.jp(1, '10.0.1.2', [sg], []);
    r.run(10);
    expect(r.pim.find(S, SSM)!.down[0]!.state).toBe('join');
    r.said();
    r.jp(1, '10.0.1.1', [], [sg]);
    r.run(3.1);
    expect(r.pim.find(S, SSM)).toBeUndefined();
    // The PruneEcho of section 4.5.1 goes out on the link itself.
    expect(r.said().sort()).toEqual([`0 prune ${S}`, `1 prune ${S}`]);
  });

  it('state ends with its hold time, and joins are repeated every minute', () => {
    const r = rig();
    r.jp(1, '10.0.1.1', [sg], []);
    r.run(100);
    expect(r.said()).toEqual([`0 join ${S}`, `0 join ${S}`]);
    r.run(111);
    expect(r.pim.find(S, SSM)).toBeUndefined();
  });

  it('a Join of another router to the same neighbour suppresses ours, its Prune hastens it (4.5.5)', () => {
    const r = rig();
    r.hello(0, '10.0.0.7');
    r.jp(1, '10.0.1.1', [sg], []);
    r.run(50);
    r.said();
    r.jp(0, '10.0.0.7', [sg], [], SSM, UP);
    r.run(14);
    expect(r.said()).toEqual([]);
    r.jp(0, '10.0.0.7', [], [sg], SSM, UP);
    r.run(2.6);
    expect(r.said()).toEqual([`0 join ${S}`]);
  });

  it('a neighbour that starts anew hears the joins again soon, one that is gone is not joined', () => {
    const r = rig();
    r.jp(1, '10.0.1.1', [sg], []);
    r.run(10);
    r.said();
    r.hello(0, UP, { generationId: 8 });
    r.run(2.6);
    expect(r.said()).toEqual([`0 join ${S}`]);
    r.hello(0, UP, { holdtimeS: 0 });
    expect(r.pim.find(S, SSM)).toMatchObject({ joined: true, upNeighbour: '' });
    r.hello(0, UP);
    r.run(0);
    expect(r.said()).toEqual([`0 join ${S}`]);
  });

  it('of unknown neighbours, and of (*,G) in the source-specific range, nothing is taken', () => {
    const r = rig();
    r.jp(1, '10.0.1.9', [sg], []);
    r.jp(1, '10.0.1.1', [star], []);
    expect(r.pim.groups.size).toBe(0);
    expect(r.pim.counters.ignored).toBe(2);
  });

  it('(S,G,rpt) prunes take a source off the shared tree until a Join(*,G) comes without them (4.5.3)', () => {
    const r = rig();
    r.jp(1, '10.0.1.1', [star], [], ASM);
    expect(r.pim.olists.inheritedRpt(S, ASM)).toBe(0b010);
    r.jp(1, '10.0.1.1', [], [sgRpt], ASM);
    expect(r.pim.olists.inheritedRpt(S, ASM)).toBe(0);
    r.jp(1, '10.0.1.1', [star], [sgRpt], ASM);
    expect(r.pim.olists.inheritedRpt(S, ASM)).toBe(0);
    r.jp(1, '10.0.1.1', [star], [], ASM);
    expect(r.pim.olists.inheritedRpt(S, ASM)).toBe(0b010);
    r.run(0);
    expect(r.said()).toContain('0 join *');
  });

  it('local receivers join the shared tree, and the source tree at the first packet (4.2.1)', () => {
    const r = rig({ any: 0b100 });
    r.pim.membershipChanged(ASM, []);
    r.run(0);
    expect(r.said()).toEqual(['0 join *']);
    expect(r.pim.data(S, ASM, 0, new Uint8Array(20))).toMatchObject({ accepted: true, olist: 0b100, known: true });
    r.run(0);
    expect(r.said()).toEqual([`0 join ${S}`]);
    r.pim.data(S, ASM, 0, new Uint8Array(20));
    expect(r.pim.find(S, ASM)!.spt).toBe(true);
    expect(r.pim.data(S, ASM, 1, new Uint8Array(20)).accepted).toBe(false);
  });
});

describe('elections', () => {
  it.each([
    ['the higher address', [['10.0.1.9', 1]], '10.0.1.9'],
    [
      'the higher priority',
      [
        ['10.0.1.1', 5],
        ['10.0.1.9', 1],
      ],
      '10.0.1.1',
    ],
    [
      'the address where one tells no priority',
      [
        ['10.0.1.1', 5],
        ['10.0.1.3', null],
      ],
      '10.0.1.5',
    ],
  ] as const)('the designated router is the one of %s (4.3.2)', (_name, neighbours, dr) => {
    const r = rig();
    for (const [address, drPriority] of neighbours) r.hello(1, address, { drPriority });
    expect(r.pim.neighbours[1]!.dr).toBe(dr);
  });

  const metric = (change: Partial<AssertMetric>): AssertMetric => ({
    rpt: false,
    preference: 110,
    metric: 10,
    address: '10.0.0.5',
    ...change,
  });
  it.each([
    ['the source tree', metric({}), metric({ rpt: true, preference: 0 })],
    ['the lower preference', metric({ preference: 20, metric: 99 }), metric({})],
    ['the lower metric', metric({ metric: 9 }), metric({ address: '10.0.0.9' })],
    ['the higher address', metric({ address: '10.0.0.10' }), metric({ address: '10.0.0.9' })],
  ])('an assert is won by %s (4.6.3)', (_name, winner, loser) => {
    expect(betterAssert(winner, loser)).toBe(true);
    expect(betterAssert(loser, winner)).toBe(false);
  });

  it('data on an outgoing interface makes an assert; a better one makes this router silent there until it is gone', () => {
    const r = rig();
    r.hello(1, '10.0.1.2');
    r.jp(1, '10.0.1.1', [sg], []);
    r.pim.data(S, SSM, 0, new Uint8Array(20));
    r.sent.length = 0;
    r.pim.data(S, SSM, 1, new Uint8Array(20));
    expect(r.sent.at(-1)!.message).toMatchObject({ kind: 'assert', source: S, metric: 10, preference: 110 });
    const heard = { kind: 'assert', group: SSM, source: S, rpt: false, preference: 110, metric: 5 } as const;
    r.pim.receive(heard, 1, '10.0.1.2', '224.0.0.13');
    expect(r.pim.olists.inherited(r.pim.find(S, SSM)!)).toBe(0);
    r.hello(1, '10.0.1.2', { holdtimeS: 0 });
    expect(r.pim.olists.inherited(r.pim.find(S, SSM)!)).toBe(0b010);
  });
});

describe('rendezvous points', () => {
  it('are read from the group (RFC 3956)', () => {
    expect(embeddedRp('ff7e:140:2001:db8:beef:feed::1234')).toBe('2001:db8:beef:feed::1');
    expect(embeddedRp('ff7e:120:2001:db8::4321')).toBe('2001:db8::1');
    for (const group of ['ff7e:40:2001:db8:beef:feed::1', 'ff7e:100::1', 'ff7e:141:2001:db8::1', 'ff3e:140:2001:db8::1', 'ff0e::1'])
      expect(embeddedRp(group)).toBeUndefined();
  });

  it('are chosen by range, priority, hash and address (4.7)', () => {
    const rp = (prefix: string, bits: number, address: string, priority = 192) => ({ prefix, bits, rp: address, priority });
    const wide = rp('224.0.0.0', 4, '10.0.0.1', 0);
    const narrow = rp('233.252.0.0', 16, '10.0.0.2');
    expect(selectRp(ASM, 4, [wide, narrow], 30)).toBe('10.0.0.2');
    expect(selectRp('239.1.1.1', 4, [wide, narrow], 30)).toBe('10.0.0.1');
    expect(selectRp(ASM, 4, [narrow, rp('233.252.0.0', 16, '10.0.0.3', 10)], 30)).toBe('10.0.0.3');
    const two = ['10.0.0.7', '10.0.0.8'].map((address) => rp('224.0.0.0', 4, address));
    const wins = new Set<string | undefined>();
    for (let i = 0; i < 64; i += 4) {
      const group = `239.0.0.${i}`;
      const best = selectRp(group, 4, two, 30);
      wins.add(best);
      const [a, b] = two.map((each) => rpHash(group, 30, each.rp));
      expect(best).toBe(a! > b! ? '10.0.0.7' : '10.0.0.8');
      // Four groups in a row share a rendezvous point with a hash mask of 30 bits.
      for (let k = 1; k < 4; k++) expect(selectRp(`239.0.0.${i + k}`, 4, two, 30)).toBe(best);
    }
    expect(wins.size).toBe(2);
  });
});
