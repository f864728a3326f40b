import { describe, expect, it } from 'vitest';
import { multicastScenarioSchema, type MulticastEntryInfo, type MulticastScenarioInput } from '../contract/index.ts';
import { unwrap } from '../base/index.ts';
import { MulticastNetwork, networkState } from './index.ts';

/** The edge cases that the specification lists after M-26, each in a small network around one translation router. */

const S4 = '192.0.2.33';
const SSM = '232.1.2.3';
const ASM = '233.252.0.7';

type Receivers = NonNullable<MulticastScenarioInput['receivers']>;
const h4: Receivers[number] = { id: 'h4', at: 'r3', protocol: 'igmpv3', group: SSM, source: S4, joinS: 1 };
const h6: Receivers[number] = { id: 'h6', at: 'r3', protocol: 'mldv2', group: SSM, source: S4, joinS: 1 };

/** r0 with the source; r3 translates; IPv4 over r1 with cost 3, IPv6 over r2 with cost 5. */
function diamond(change: Partial<MulticastScenarioInput> = {}): MulticastNetwork {
  const scenario = multicastScenarioSchema.parse({
    name: 'edge',
    durationS: 60,
    choice: { holdDownS: 0 },
    routers: [
      { id: 'r0', kind: 'dual' },
      { id: 'r1', kind: 'v4' },
      { id: 'r2', kind: 'v6' },
      { id: 'r3', kind: 'translation' },
    ],
    links: [
      { id: 'a4', ends: ['r0', 'r1'], families: 'v4', cost4: 1 },
      { id: 'b4', ends: ['r1', 'r3'], families: 'v4', cost4: 2 },
      { id: 'a6', ends: ['r0', 'r2'], families: 'v6', cost6: 2 },
      { id: 'b6', ends: ['r2', 'r3'], families: 'v6', cost6: 3 },
    ],
    sources: [{ id: 's', at: 'r0', v4: S4, v6: 'mapped', group: SSM, ratePps: 50 }],
    receivers: [h4, h6],
    ...change,
  } satisfies MulticastScenarioInput);
  return unwrap(MulticastNetwork.create(scenario));
}

function after(network: MulticastNetwork, seconds: number) {
  expect(network.runUntil(seconds * 1e9)).toBe(true);
  const state = networkState(network, 1);
  expect(state.conservation.ok).toBe(true);
  const received = (id: string) => state.receivers.find((each) => each.id === id)!;
  return { ...state, received };
}

const keys = (entries: readonly MulticastEntryInfo[]): string[] =>
  entries.map(({ router, key, choice }) => `${router} ${key.text} ${choice}`);

describe('a receiver of IPv6 that joins before there is an IPv4 path', () => {
  it('is served by IPv6, and by IPv4 once that path is there and better', () => {
    const network = diamond({
      receivers: [h6],
      events: [
        { atS: 0.2, link: 'b4', up: false },
        { atS: 5, link: 'b4', up: true },
      ],
    });
    expect(keys(after(network, 4).entries)).toEqual([`r3 (${S4}, ${SSM}) v6`]);
    const { entries, switches, received } = after(network, 12);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) v4`]);
    expect(switches.map(({ from, to }) => `${from} ${to}`)).toEqual(['v6 v4']);
    expect(received('h6')).toMatchObject({ missing: 0 });
  });
});

describe('SSM and ASM that do not match', () => {
  it('a report for any source of a source-specific group makes no state (RFC 4604 section 2.2.1)', () => {
    const network = diamond({ receivers: [{ id: 'h4', at: 'r3', protocol: 'igmpv2', group: SSM, joinS: 1 }] });
    const { entries, received } = after(network, 5);
    expect(entries).toEqual([]);
    expect(received('h4').received).toBe(0);
  });

  it('a source-specific join of an any-source group is served without a rendezvous point', () => {
    const network = diamond({
      sources: [{ id: 's', at: 'r0', v4: S4, v6: 'mapped', group: ASM, ratePps: 50 }],
      receivers: [
        { ...h4, group: ASM },
        { ...h6, group: ASM },
      ],
    });
    const { entries, received } = after(network, 5);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${ASM}) v4`]);
    for (const id of ['h4', 'h6']) expect(received(id)).toMatchObject({ duplicates: 0, missing: 0 });
    expect(received('h6').received).toBeGreaterThan(150);
  });
});

describe('a rendezvous point in one family only', () => {
  it.each([
    ['v4', 'v4', 'b4'],
    ['v6', 'v6', 'b6'],
  ] as const)('of %s: receivers of both are served by that family', (family, choice, link) => {
    const network = diamond({
      sources: [{ id: 's', at: 'r0', v4: S4, v6: 'mapped', group: ASM, ratePps: 50 }],
      rps: [{ router: family === 'v4' ? 'r1' : 'r2', family }],
      routers: [
        { id: 'r0', kind: 'dual', spt: 'never' },
        { id: 'r1', kind: 'v4', spt: 'never' },
        { id: 'r2', kind: 'v6', spt: 'never' },
        { id: 'r3', kind: 'translation', spt: 'never' },
      ],
      receivers: [
        { id: 'h4', at: 'r3', protocol: 'igmpv2', group: ASM, joinS: 1 },
        { id: 'h6', at: 'r3', protocol: 'mldv1', group: ASM, joinS: 1 },
      ],
    });
    const { entries, received } = after(network, 8);
    const star = entries.find(({ key }) => key.source4 === null)!;
    expect(star).toMatchObject({ router: 'r3', choice, [family === 'v4' ? 'incoming4' : 'incoming6']: link });
    expect(star.reason).toContain(family === 'v4' ? 'v6 has no route' : 'v4 has no route');
    for (const id of ['h4', 'h6']) {
      expect(received(id).received).toBeGreaterThan(150);
      expect(received(id)).toMatchObject({ duplicates: 0 });
    }
  });
});

describe('sources of IPv6 only', () => {
  it('with a group that has an IPv4 form, but no IPv4-converted address: ordinary IPv6, no entry (M-07)', () => {
    const network = diamond({
      sources: [{ id: 's', at: 'r0', v6: '2001:db8:7::1', group: SSM, ratePps: 50 }],
      receivers: [{ ...h6, source: '2001:db8:7::1' }],
    });
    const { entries, received } = after(network, 5);
    expect(entries).toEqual([]);
    expect(received('h6').received).toBeGreaterThan(150);
  });

  it('with an IPv4-converted address: receivers of IPv4 get it translated', () => {
    const network = diamond({
      sources: [{ id: 's', at: 'r0', v6: '2001:db8:64::c000:221', group: SSM, ratePps: 50 }],
      receivers: [h4, h6],
    });
    const { entries, received } = after(network, 5);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) v6`]);
    expect(entries[0]!.reason).toContain('v4 has no route');
    for (const id of ['h4', 'h6']) expect(received(id).received).toBeGreaterThan(150);
  });
});

describe('two sets of prefixes at once', () => {
  const prefixes = { more: [{ asm: 'ff1e::db8:1:0:0/96', ssm: 'ff3e:0:0:1::/96', source: '2001:db8:65::/96' }] };

  const second: Receivers[number] = { ...h6, id: 'p6', group: 'ff3e:0:0:1::e801:203', source: '2001:db8:65::c000:221' };

  it('receivers under a further set are served over IPv6: copies of IPv4 data leave under the first one', () => {
    const sources = [{ id: 's', at: 'r0', v6: '2001:db8:65::c000:221', group: 'ff3e:0:0:1::e801:203', ratePps: 50 }];
    const { entries, received } = after(diamond({ prefixes, sources, receivers: [second, { ...h4, joinS: 2 }] }), 5);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) v6`]);
    for (const id of ['p6', 'h4']) expect(received(id).received).toBeGreaterThan(100);
    const alone = after(diamond({ prefixes, receivers: [second] }), 5);
    expect(alone.entries[0]).toMatchObject({ choice: 'none' });
    expect(alone.entries[0]!.reason).toContain('leave under the first set of prefixes');
  });

  it('of receivers under both, those of the first join are served: one key has one entry (M-08)', () => {
    const network = diamond({ prefixes, receivers: [h6, { ...second, joinS: 2 }] });
    const { entries, received } = after(network, 5);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) v4`]);
    expect(received('h6').received).toBeGreaterThan(150);
    expect(received('p6').received).toBe(0);
    expect(network.routers[3]!.coupling!.counters.otherPrefix).toBeGreaterThan(0);
  });
});

describe('groups of IPv6 inside the range of mPrefix64', () => {
  it.each([
    ['whose last 32 bits are no IPv4 group', 'ff3e::8000:1'],
    ['of the source-specific range with an any-source IPv4 group', 'ff3e::e9fc:7'],
  ])('%s are ordinary IPv6', (_name, group) => {
    const network = diamond({
      sources: [{ id: 's', at: 'r0', v6: '2001:db8:7::1', group, ratePps: 50 }],
      receivers: [{ id: 'h6', at: 'r3', protocol: 'mldv2', group, source: '2001:db8:7::1', joinS: 1 }, h4],
    });
    const { entries, received } = after(network, 5);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) none`]);
    expect(received('h6')).toMatchObject({ duplicates: 0, missing: 0 });
    expect(received('h6').received).toBeGreaterThan(150);
    expect(received('h4').received).toBe(0);
  });

  it('a native stream and a mapped one beside it do not mix', () => {
    const network = diamond({
      sources: [
        { id: 's', at: 'r0', v4: S4, v6: 'mapped', group: SSM, ratePps: 50 },
        { id: 'n', at: 'r0', v6: '2001:db8:7::1', group: 'ff3e::e801:203', ratePps: 50 },
      ],
      receivers: [h4, h6, { id: 'native', at: 'r3', protocol: 'mldv2', group: 'ff3e::e801:203', source: '2001:db8:7::1', joinS: 1 }],
    });
    const { entries, received } = after(network, 5);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) v4`]);
    for (const id of ['h4', 'h6', 'native']) {
      expect(received(id)).toMatchObject({ duplicates: 0, missing: 0 });
      expect(received(id).received).toBeGreaterThan(150);
    }
  });
});

describe('a router that starts anew', () => {
  it('the upstream one, without its Hellos having run out: the joins are told to the new generation', () => {
    const network = diamond({
      events: [
        { atS: 5, router: 'r1', up: false },
        { atS: 5.02, router: 'r1', up: true },
      ],
    });
    const { entries, received, decisions } = after(network, 20);
    expect(entries[0]).toMatchObject({ choice: 'v4' });
    expect(decisions.length).toBeGreaterThan(0);
    for (const id of ['h4', 'h6']) {
      expect(received(id).longestGapNs).toBeLessThan(4e9);
      expect(received(id).duplicates).toBe(0);
    }
    const joins = network.recorder.log.filter(({ router, kind, direction, tNs }) => router === 'r3' && kind === 'join' && direction === 'sent' && tNs > 5e9 && tNs < 9e9); // prettier-ignore
    expect(joins.length).toBeGreaterThan(0);
  });

  it('the translation router itself: entries come again with the next answers of its receivers', () => {
    const network = diamond({
      timers: { queryS: 4, responseS: 1 },
      events: [
        { atS: 5, router: 'r3', up: false },
        { atS: 6, router: 'r3', up: true },
      ],
    });
    expect(after(network, 5.5).entries).toEqual([]);
    const { entries, received } = after(network, 20);
    expect(keys(entries)).toEqual([`r3 (${S4}, ${SSM}) v4`]);
    for (const id of ['h4', 'h6']) expect(received(id).longestGapNs).toBeLessThan(4e9);
  });
});

describe('equal costs that flap', () => {
  /** The IPv4 cost goes from 5, which is that of IPv6, to 4 and back, every second. */
  const events = Array.from({ length: 20 }, (_, i) => ({ atS: 5 + i, link: 'b4', cost4: i % 2 === 0 ? 3 : 4 }));
  const links: MulticastScenarioInput['links'] = [
    { id: 'a4', ends: ['r0', 'r1'], families: 'v4', cost4: 1 },
    { id: 'b4', ends: ['r1', 'r3'], families: 'v4', cost4: 4 },
    { id: 'a6', ends: ['r0', 'r2'], families: 'v6', cost6: 2 },
    { id: 'b6', ends: ['r2', 'r3'], families: 'v6', cost6: 3 },
  ];

  it.each([
    ['a gain of more than the difference', { holdDownS: 0, switchGain: 2 }, 0],
    ['a hold-down longer than the period', { holdDownS: 3, switchGain: 1 }, 0],
    ['neither: one change, for equal costs are no gain', { holdDownS: 0, switchGain: 1 }, 1],
  ])('with %s', (_name, choice, changes) => {
    const network = diamond({ links, events, choice, receivers: [{ ...h6, joinS: 1 }] });
    const { switches, received } = after(network, 30);
    expect(switches).toHaveLength(changes);
    expect(received('h6')).toMatchObject({ missing: 0 });
  });

  it('at the first join the family of the join wins the tie, whichever it is (M-15)', () => {
    for (const [first, choice] of [
      [h4, 'v4'],
      [h6, 'v6'],
    ] as const) {
      const { entries } = after(diamond({ links, receivers: [first] }), 3);
      expect(entries[0]).toMatchObject({ choice });
    }
  });
});

describe('the reason of an entry', () => {
  it.each([
    ['a dearer path that still wins', {}, { atS: 5, link: 'b4', cost4: 3 }, 'v4 chosen because its cost 4 is lower than 5 of v6'],
    ['the loss of the other path', {}, { atS: 5, link: 'b6', up: false }, 'v4 chosen because v6 has no route to the source'],
    ['a gain that is too small', { switchGain: 2 }, { atS: 5, link: 'b4', cost4: 5 }, 'v4 stays, for a gain of 1 is less than choice.switchGain, 2: else v6 chosen because its cost 5 is lower than 6 of v4'],
    ['a gain that must last', { holdDownS: 9 }, { atS: 5, link: 'b4', cost4: 9 }, 'v4 stays until the gain of 5 has lasted for choice.holdDownS, 9 s: then v6 chosen because its cost 5 is lower than 10 of v4'],
  ])('is that of the costs as they are, after %s', (_name, choice, event, reason) => {
    const { entries } = after(diamond({ choice: { holdDownS: 0, ...choice }, events: [event] }), 7);
    expect(entries[0]).toMatchObject({ choice: 'v4', reason });
  }); // prettier-ignore
});

describe('an asymmetric unicast route', () => {
  it('data that comes by another interface than the one towards its source is dropped, and does not move the entry', () => {
    const network = diamond({ links: [
        { id: 'a4', ends: ['r0', 'r1'], families: 'v4', cost4: 1 },
        { id: 'b4', ends: ['r1', 'r3'], families: 'v4', cost4: 2 },
        { id: 'x4', ends: ['r0', 'r3'], families: 'v4', cost4: 50 },
        { id: 'a6', ends: ['r0', 'r2'], families: 'v6', cost6: 2 },
        { id: 'b6', ends: ['r2', 'r3'], families: 'v6', cost6: 3 },
      ] }); // prettier-ignore
    after(network, 3);
    const r3 = network.routers[3]!;
    const x4 = r3.interfaces.findIndex(({ link }) => link.id === 'x4');
    const b4 = network.links.find(({ id }) => id === 'b4')!;
    const send = b4.send.bind(b4);
    // The source's routers send the same packets over the link that their own routes prefer.
    b4.send = (from, packet, family, control, ...rest) => {
      if (!control && from.node.id === 'r1') r3.receive(x4, packet, family);
      send(from, packet, family, control, ...rest);
    };
    const { entries, received, counters } = after(network, 5);
    expect(counters['r3']!.drops['rpf_interface']).toBeGreaterThan(80);
    expect(entries[0]).toMatchObject({ choice: 'v4', incoming4: 'b4' });
    expect(entries[0]!.counters.otherInterfaceDrops).toBe(counters['r3']!.drops['rpf_interface']);
    for (const id of ['h4', 'h6']) expect(received(id)).toMatchObject({ duplicates: 0, missing: 0 });
  });
});

describe('an anycast source', () => {
  it('is joined at the nearest of its hosts, and at the other when that is gone', () => {
    const network = diamond({
      sources: [
        { id: 'near', at: 'r1', v4: S4, group: SSM, ratePps: 50 },
        { id: 'far', at: 'r0', v4: S4, group: SSM, ratePps: 50 },
      ],
      receivers: [h4, h6],
      events: [{ atS: 5, link: 'b4', up: false }],
      links: [
        { id: 'a4', ends: ['r0', 'r1'], families: 'v4', cost4: 1 },
        { id: 'b4', ends: ['r1', 'r3'], families: 'v4', cost4: 2 },
        { id: 'x4', ends: ['r0', 'r3'], families: 'v4', cost4: 9 },
        { id: 'a6', ends: ['r0', 'r2'], families: 'v6', cost6: 2 },
        { id: 'b6', ends: ['r2', 'r3'], families: 'v6', cost6: 3 },
      ],
    });
    expect(after(network, 4).entries[0]).toMatchObject({ incoming4: 'b4', path4: { metric: 2 } });
    const { entries, received } = after(network, 10);
    expect(entries[0]).toMatchObject({ choice: 'v4', incoming4: 'x4', path4: { metric: 9 } });
    for (const id of ['h4', 'h6']) expect(received(id).received).toBeGreaterThan(400);
  });
});

describe('the announcement of uPrefix64 (M-18)', () => {
  /** s - r1 (v4) - t (translation) - r6 (v6) with the receiver. */
  const network = (change: Partial<MulticastScenarioInput> = {}) =>
    diamond({
      choice: { holdDownS: 0, translateCost: 4 },
      routers: [
        { id: 'r1', kind: 'v4' },
        { id: 't', kind: 'translation' },
        { id: 'r6', kind: 'v6' },
      ],
      links: [
        { id: 'v4', ends: ['r1', 't'], families: 'v4', cost4: 3 },
        { id: 'v6', ends: ['t', 'r6'], families: 'v6', cost6: 2 },
      ],
      sources: [{ id: 's', at: 'r1', v4: S4, group: SSM, ratePps: 50 }],
      receivers: [{ ...h6, at: 'r6' }],
      ...change,
    });

  it('has the metric of the IPv4 path and of translation, and brings the joins of IPv6 routers', () => {
    const announced = network();
    const { received } = after(announced, 5);
    expect(announced.routing.lookup(2, '2001:db8:64::c000:221')).toMatchObject({ metric: 2 + 3 + 4, announcer: 1 });
    // The announcer itself has no IPv6 route by it (M-17).
    expect(announced.routing.lookup(1, '2001:db8:64::c000:221')).toBeUndefined();
    expect(received('h6').received).toBeGreaterThan(150);
    expect(received('h6')).toMatchObject({ duplicates: 0, missing: 0 });
  });

  it('is withdrawn with the IPv4 path, and is not there where it is switched off', () => {
    const lost = network({ events: [{ atS: 3, link: 'v4', up: false }] });
    after(lost, 5);
    expect(lost.routing.lookup(2, '2001:db8:64::c000:221')).toBeUndefined();
    const silent = network({ choice: { announce: false } });
    expect(after(silent, 4).received('h6').received).toBe(0);
  });
});

describe('a scope boundary (M-22)', () => {
  it.each([
    ['239.255.0.1', 3, 0],
    ['239.192.1.1', 8, 0],
    ['239.192.1.1', 5, 150],
    [SSM, 8, 150],
  ])('group %s at a boundary of scope %i', (group, scopeBoundary, least) => {
    const source = { id: 's', at: 'r0', v4: S4, group, ratePps: 50 };
    const links: MulticastScenarioInput['links'] = [
      { id: 'a4', ends: ['r0', 'r1'], families: 'v4', scopeBoundary },
      { id: 'b4', ends: ['r1', 'r3'], families: 'v4' },
    ];
    const { received } = after(diamond({ links, sources: [source], receivers: [{ ...h4, group }] }), 5);
    if (least === 0) expect(received('h4').received).toBe(0);
    else expect(received('h4').received).toBeGreaterThan(least);
  });
});
