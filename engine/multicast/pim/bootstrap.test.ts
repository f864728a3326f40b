import { describe, expect, it } from 'vitest';
import { buildPim, type BootstrapGroup, type PimBootstrap, type PimCandidateRp } from '../messages/index.ts';
import { randOverrideNs } from './bootstrap-weight.ts';
import { MAX_OFFERS } from './offer-list.ts';
import { ASM, rig, RP, UP, type Rig } from './testing/rig.ts';

/** The machines of RFC 5059 section 3.1. The own address has the weight 64, 10.255.0.5; UP is the way to every bootstrap router. */

const OWN = '10.255.0.5';
const HIGHER = '10.255.0.9';
const LOWER = '10.255.0.2';
const RP_A = '10.255.0.7';
const ALL = '224.0.0.13';

const range = (change: Partial<BootstrapGroup> = {}): BootstrapGroup => ({
  group: '233.252.0.0',
  maskLength: 16,
  bidirectional: false,
  count: 1,
  rps: [{ address: RP_A, holdtimeS: 150, priority: 1 }],
  ...change,
});

let tags = 0;
const bsm = (bsr: string, change: Partial<PimBootstrap> = {}): PimBootstrap => ({
  kind: 'bootstrap',
  noForward: false,
  fragmentTag: ++tags & 0xffff,
  hashMaskLength: 30,
  priority: 64,
  bsr,
  groups: [range()],
  ...change,
});

const hear = (r: Rig, message: PimBootstrap, from = UP): void => {
  r.pim.receive(message, 0, from, ALL);
};
const offer = (r: Rig, change: Partial<PimCandidateRp> = {}): void => {
  const groups = [{ group: '233.252.0.0', maskLength: 16, bidirectional: false }];
  r.pim.receive({ kind: 'candidate-rp', priority: 1, holdtimeS: 150, rp: RP_A, groups, ...change }, 0, RP_A, OWN);
};

function router(candidate: boolean): Rig {
  const mine = { address: OWN, priority: 192, ranges: [{ prefix: '224.0.0.0', bits: 4 }] };
  const r = rig({ candidate: candidate ? mine : null });
  for (const address of [HIGHER, LOWER]) r.world.routes.set(address, { iface: 0, neighbour: UP, metric: 1, preference: 1 });
  r.world.own.add(OWN);
  r.hello(2, '10.0.2.1');
  return r;
}

const floods = (r: Rig): PimBootstrap[] => r.sent.flatMap(({ message }) => (message.kind === 'bootstrap' ? [message] : []));
/** What was flooded on interface 2, by its bootstrap router. */
function said(r: Rig): string[] {
  const list = r.sent.flatMap(({ iface, message }) => (iface === 2 && message.kind === 'bootstrap' ? [message.bsr] : []));
  r.sent.length = 0;
  return list;
}

type State = Rig['pim']['bootstrap']['state'];

function at(state: State): Rig {
  const candidate = state !== 'accept-any' && state !== 'accept-preferred';
  const r = router(candidate);
  if (candidate && state !== 'pending') r.run(1.1);
  if (state === 'pending') {
    r.pim.bootstrap.stop();
    r.pim.bootstrap.start();
  }
  if (state === 'candidate' || state === 'accept-preferred') hear(r, bsm(HIGHER));
  said(r);
  expect(r.pim.bootstrap.state).toBe(state);
  return r;
}

const TABLE: readonly (readonly [State, string, (r: Rig) => void, State, string[]])[] = [
  ['candidate', 'Receive Preferred BSM', (r) => hear(r, bsm(HIGHER)), 'candidate', [HIGHER]],
  ['candidate', 'Receive Non-preferred BSM', (r) => hear(r, bsm(LOWER)), 'candidate', []],
  ['candidate', 'Receive Non-preferred BSM from Elected BSR', (r) => hear(r, bsm(HIGHER, { priority: 1 })), 'pending', [HIGHER]],
  ['candidate', 'Bootstrap Timer Expires', (r) => r.run(130.1), 'pending', []],
  ['pending', 'Receive Preferred BSM', (r) => hear(r, bsm(HIGHER)), 'candidate', [HIGHER]],
  ['pending', 'Receive Non-preferred BSM', (r) => hear(r, bsm(LOWER)), 'pending', [LOWER]],
  ['pending', 'Bootstrap Timer Expires', (r) => r.run(1.1), 'elected', [OWN]],
  ['elected', 'Receive Preferred BSM', (r) => hear(r, bsm(HIGHER)), 'candidate', [HIGHER]],
  ['elected', 'Receive Non-preferred BSM', (r) => hear(r, bsm(LOWER)), 'elected', [OWN]],
  ['elected', 'Bootstrap Timer Expires', (r) => r.run(60.1), 'elected', [OWN]],
  ['accept-any', 'Receive BSM', (r) => hear(r, bsm(LOWER)), 'accept-preferred', [LOWER]],
  ['accept-preferred', 'Receive Preferred BSM', (r) => hear(r, bsm(HIGHER)), 'accept-preferred', [HIGHER]],
  [
    'accept-preferred',
    'Receive BSM of a lower weight from the same BSR',
    (r) => hear(r, bsm(HIGHER, { priority: 1 })),
    'accept-preferred',
    [HIGHER],
  ],
  ['accept-preferred', 'Receive Non-preferred BSM', (r) => hear(r, bsm(LOWER)), 'accept-preferred', []],
  ['accept-preferred', 'Bootstrap Timer Expires', (r) => r.run(130.1), 'accept-any', []],
];

describe('the bootstrap machines (RFC 5059 sections 3.1.1 and 3.1.2)', () => {
  it.each(TABLE)('in %s at "%s"', (state, _event, happen, next, flooded) => {
    const r = at(state);
    happen(r);
    expect(r.pim.bootstrap.state).toBe(next);
    expect(said(r)).toEqual(flooded);
  });

  it('one of a lower weight that was there first gives way', () => {
    const r = at('pending');
    hear(r, bsm(LOWER, { noForward: true }));
    expect(r.pim.bootstrap.state).toBe('pending');
    r.run(1.1);
    expect(r.pim.bootstrap.state).toBe('elected');
  });
});

describe('checks of a bootstrap message (section 3.1.3)', () => {
  it.each([
    ['from a neighbour that is not on the way to its origin', (r: Rig) => (r.hello(0, '10.0.0.3'), hear(r, bsm(HIGHER), '10.0.0.3'))],
    ['from nobody that said Hello', (r: Rig) => hear(r, bsm(HIGHER), '10.0.0.99')],
    ['for a new router, when a message has been accepted', (r: Rig) => (hear(r, bsm(LOWER)), hear(r, bsm(HIGHER, { noForward: true })))],
    ['for a new router, a minute after the start', (r: Rig) => (r.run(60), hear(r, bsm(HIGHER, { noForward: true })))],
  ])('%s: dropped', (_name, happen) => {
    const r = at('accept-any');
    happen(r);
    expect(said(r)).not.toContain(HIGHER);
  });

  it('goes on out of the interface it came in on where another neighbour is there (3.4), and a copy of it is not flooded again', () => {
    const r = at('accept-any');
    const message = bsm(HIGHER);
    hear(r, message);
    expect(r.sent.map(({ iface }) => iface)).toEqual([1, 2]);
    r.hello(0, '10.0.0.3');
    r.sent.length = 0;
    hear(r, message);
    expect(floods(r)).toEqual([]);
    hear(r, bsm(HIGHER));
    expect(r.sent.filter(({ message: m }) => m.kind === 'bootstrap').map(({ iface }) => iface)).toEqual([0, 1, 2]);
  });

  it('is told to a new neighbour by the designated router, or by the one that was it before (3.5)', () => {
    const r = at('accept-preferred');
    r.hello(2, '10.0.2.9');
    expect(r.pim.neighbours[2]!.isDr).toBe(false);
    expect(floods(r)).toEqual([expect.objectContaining({ bsr: HIGHER, noForward: true })]);
  });
});

const rps = (r: Rig): string[] => r.pim.bootstrap.mappings.map(({ prefix, bits, rp }) => `${prefix}/${bits} ${rp}`).sort();

describe('the RP-Set (sections 3.1.5 and 4.1.1)', () => {
  const two = [RP_A, '10.255.0.8'].map((address) => ({ address, holdtimeS: 150, priority: 1 }));

  it('is put together of fragments: whole ranges at once, a range in two when both have come', () => {
    const r = at('accept-any');
    const fragmentTag = 77;
    hear(r, bsm(HIGHER, { fragmentTag, groups: [range()] }));
    hear(r, bsm(HIGHER, { fragmentTag, groups: [range({ group: '239.0.0.0', maskLength: 8, count: 2, rps: two.slice(0, 1) })] }));
    expect(rps(r)).toEqual([`233.252.0.0/16 ${RP_A}`]);
    hear(r, bsm(HIGHER, { fragmentTag, groups: [range({ group: '239.0.0.0', maskLength: 8, count: 2, rps: two.slice(1) })] }));
    expect(rps(r)).toEqual([`233.252.0.0/16 ${RP_A}`, `239.0.0.0/8 ${two[1]!.address}`, `239.0.0.0/8 ${RP_A}`].sort());
    expect(said(r)).toEqual([HIGHER, HIGHER, HIGHER]);
  });

  it('forgets RPs that their range does not name any more, ranges without RPs, and those with a hold time of 0', () => {
    const r = at('accept-any');
    hear(r, bsm(HIGHER, { groups: [range({ count: 2, rps: two })] }));
    hear(r, bsm(HIGHER, { groups: [range({ rps: two.slice(1) })] }));
    expect(rps(r)).toEqual([`233.252.0.0/16 ${two[1]!.address}`]);
    hear(r, bsm(HIGHER, { groups: [] }));
    expect(rps(r)).toHaveLength(1);
    hear(r, bsm(HIGHER, { groups: [range({ rps: [{ ...two[1]!, holdtimeS: 0 }] })] }));
    expect(rps(r)).toEqual([]);
    hear(r, bsm(HIGHER));
    hear(r, bsm(HIGHER, { groups: [range({ count: 0, rps: [] })] }));
    expect(rps(r)).toEqual([]);
  });

  it('uses the hash mask of the message, and no range of bidirectional PIM (section 3.6)', () => {
    const r = at('accept-any');
    hear(r, bsm(HIGHER, { hashMaskLength: 24 }));
    expect(r.pim.bootstrap.rpSet.hashMaskBits).toBe(24);
    expect(r.pim.rp(ASM)).toBe(RP_A);
    hear(r, bsm(HIGHER, { groups: [range({ maskLength: 24, bidirectional: true })] }));
    expect(r.pim.rp(ASM)).toBe('');
    expect(r.pim.rp('224.1.2.3')).toBe(RP);
  });
});

describe('the bootstrap router (section 3.3)', () => {
  it('tells at most every 10 s, with hold times of 2.5 periods at least', () => {
    const r = at('elected');
    for (let i = 1; i < 100; i++) offer(r, { rp: `10.254.0.${i}`, holdtimeS: 5 });
    r.run(8);
    expect(floods(r)).toEqual([]);
    // By then those offers are over.
    r.run(2);
    expect(floods(r)[0]!.groups.map(({ group }) => group)).toEqual(['224.0.0.0']);
    offer(r, { holdtimeS: 70 });
    r.run(10.1);
    expect(
      floods(r)
        .at(-1)!
        .groups.find(({ group }) => group === '233.252.0.0')!.rps,
    ).toEqual([{ address: RP_A, holdtimeS: 150, priority: 1 }]);
  });

  it('withdraws a candidate that says so, and takes one without a range for all groups', () => {
    const r = at('elected');
    offer(r);
    r.run(10.1);
    r.sent.length = 0;
    offer(r, { holdtimeS: 0 });
    r.run(10.1);
    expect(floods(r)[0]!.groups.find(({ group }) => group === '233.252.0.0')!.rps[0]).toMatchObject({ address: RP_A, holdtimeS: 0 });
    offer(r, { groups: [] });
    r.run(10.1);
    expect(rps(r)).toContain(`224.0.0.0/4 ${RP_A}`);
  });

  it.each([
    ['sparse mode', [false], false],
    ['bidirectional PIM', [true], true],
    ['both, whichever came first', [false, true], true],
    ['both, the other way round', [true, false], true],
  ] as const)('tells a range of candidates for %s as one of bidirectional PIM: never as the other', (_name, offers, told) => {
    const r = at('elected');
    for (const [i, bidirectional] of offers.entries())
      offer(r, { rp: `10.254.0.${i}`, groups: [{ group: '233.252.0.0', maskLength: 16, bidirectional }] });
    r.run(10.1);
    const { rps, bidirectional } = floods(r)[0]!.groups.find(({ group }) => group === '233.252.0.0')!;
    expect(bidirectional).toBe(told);
    expect(rps.map(({ address }) => address)).toEqual([`10.254.0.${offers.indexOf(told as never)}`]);
    expect(r.pim.rp(ASM)).toBe(told ? '' : '10.254.0.0');
  });

  it('cuts a long list into fragments of one tag that are put together again (4.1.1), with 255 RPs of a range', () => {
    const r = at('elected');
    const other = at('accept-any');
    for (let i = 0; i < 300; i++) offer(r, { rp: `10.254.${i >> 8}.${i & 255}`, priority: i });
    for (let i = 0; i < 200; i++) offer(r, { groups: [{ group: `239.${i}.0.0`, maskLength: 16, bidirectional: false }] });
    r.run(10.1);
    const list = r.sent.flatMap(({ iface, message }) => (iface === 2 && message.kind === 'bootstrap' ? [message] : []));
    expect(list.length).toBeGreaterThan(3);
    expect(new Set(list.map(({ fragmentTag }) => fragmentTag)).size).toBe(1);
    for (const message of list) expect(buildPim(message, 4).length).toBeLessThanOrEqual(1_480);
    for (const message of list) hear(other, { ...message, bsr: HIGHER });
    expect(rps(other).filter((each) => each.startsWith('233.252.0.0/16'))).toHaveLength(255);
    expect(rps(other)).toHaveLength(255 + 200 + 1);
  });

  it('has room for so many offers', () => {
    const r = at('elected');
    for (let i = 0; i < MAX_OFFERS + 10; i++) offer(r, { rp: `10.${i >> 8}.${i & 255}.1` });
    expect(r.pim.bootstrap.offers.refused).toBe(11);
  });

  it('gets three offers within 9 s from a candidate, then one a minute (3.2)', () => {
    const r = at('pending');
    hear(r, bsm(HIGHER));
    r.run(9.1);
    expect(r.unicasts.map(({ message, destination }) => `${message.kind} ${destination}`)).toEqual(Array(3).fill(`candidate-rp ${HIGHER}`));
    hear(r, bsm(HIGHER));
    r.run(60);
    expect(r.unicasts).toHaveLength(4);
  });
});

describe('BS_Rand_Override (5)', () => {
  it.each([
    ['the best, or the only one', '10.255.0.5', '', 0, 5],
    ['the same priority and a lower address', '10.255.0.5', '10.255.0.8', 64, 5 + 2 / 16],
    ['a lower priority', '128.0.0.0', '10.255.0.8', 67, 5 + 4 + 1],
    ['the lowest weight', '0.0.0.1', '255.255.255.255', 64, 5 + 32 / 16],
    ['IPv6', '2001:db8::1', '2001:db8::8', 64, 5 + 3 / 64],
    ['IPv6, of a lower priority', '8000::', '2001:db8::8', 65, 5 + 2 + 1],
  ])('of %s is that of the formula', (_name, own, stored, priority, seconds) => {
    const value = randOverrideNs({ bsr: own, priority: 64 }, { bsr: stored, priority: stored === '' ? -1 : priority });
    expect(value / 1e9).toBeCloseTo(seconds, 6);
  });

  it('is how long a candidate waits at its start and after a loss, where it is told to wait by weight', () => {
    const mine = { address: OWN, priority: 192, ranges: [{ prefix: '224.0.0.0', bits: 4 }] };
    const r = rig({ candidate: mine, timers: { bsrOverride: 'weight' } });
    r.world.routes.set(HIGHER, { iface: 0, neighbour: UP, metric: 1, preference: 1 });
    r.world.own.add(OWN);
    r.run(3.9);
    expect(r.pim.bootstrap.state).toBe('pending');
    r.run(0.2);
    expect(r.pim.bootstrap.state).toBe('elected');
    hear(r, bsm(HIGHER, { priority: 80 }));
    r.run(130);
    expect(r.pim.bootstrap.state).toBe('pending');
    // 5 s, twice the logarithm of 17, and 2 less 10.255.0.5 in parts of 2^31.
    const waitS = 5 + 2 * Math.log2(17) + 2 - 0x0aff0005 / 2 ** 31;
    r.run(waitS - 0.1);
    expect(r.pim.bootstrap.state).toBe('pending');
    r.run(0.2);
    expect(r.pim.bootstrap.state).toBe('elected');
  });
});
