import { describe, expect, it } from 'vitest';
import { multicastScenarioSchema, type MulticastScenarioInput } from '../contract/index.ts';
import { MulticastNetwork, networkState, PrefixTable } from './index.ts';
import { multicastPrefixesSchema } from '../contract/index.ts';
import { unwrap } from '../base/index.ts';

/** Acceptance tests 11 to 14 of the lab. */

const SOURCE = '192.0.2.33';
const GROUP = '232.1.2.3';

/** r0 with the source; r3 translates; IPv4 over r1 with cost 3, IPv6 over r2 with cost 5. */
function diamond(change: Partial<MulticastScenarioInput> = {}): MulticastNetwork {
  const scenario = multicastScenarioSchema.parse({
    name: 'diamond',
    durationS: 30,
    choice: { holdDownS: 0 },
    routers: [
      { id: 'r0', kind: 'dual' },
      { id: 'r1', kind: 'v4' },
      { id: 'r2', kind: 'v6' },
      { id: 'r3', kind: 'translation' },
      { id: 'r4', kind: 'dual' },
    ],
    links: [
      { id: 'a4', ends: ['r0', 'r1'], families: 'v4', cost4: 1 },
      { id: 'b4', ends: ['r1', 'r3'], families: 'v4', cost4: 2 },
      { id: 'a6', ends: ['r0', 'r2'], families: 'v6', cost6: 2 },
      { id: 'b6', ends: ['r2', 'r3'], families: 'v6', cost6: 3 },
      { id: 'edge', ends: ['r3', 'r4'] },
    ],
    sources: [{ id: 's', at: 'r0', v4: SOURCE, v6: 'mapped', group: GROUP, ratePps: 50 }],
    receivers: [
      { id: 'h4', at: 'r4', protocol: 'igmpv3', group: GROUP, source: SOURCE, joinS: 1 },
      { id: 'h6', at: 'r4', protocol: 'mldv2', group: GROUP, source: SOURCE, joinS: 1 },
    ],
    ...change,
  } satisfies MulticastScenarioInput);
  return unwrap(MulticastNetwork.create(scenario));
}

const link = (network: MulticastNetwork, id: string) => network.links.find((each) => each.id === id)!;

describe('acceptance 11: address mapping', () => {
  const table = unwrap(PrefixTable.create(multicastPrefixesSchema.parse({})));

  it('round-trips groups and sources, for every prefix length', () => {
    for (const source of [
      '2001:db8::/32',
      '2001:db8:100::/40',
      '2001:db8:122::/48',
      '2001:db8:122:300::/56',
      '2001:db8:122:344::/64',
      '2001:db8:122:344::/96',
    ]) {
      const each = unwrap(PrefixTable.create(multicastPrefixesSchema.parse({ source })));
      for (const s4 of ['192.0.2.33', '10.1.2.3', '203.0.113.255', '1.0.0.1']) expect(each.sourceText4(each.sourceText6(s4)!)).toBe(s4);
    }
    for (const g4 of ['233.252.0.1', '232.1.2.3', '239.1.2.3', '239.192.1.1', '239.255.0.1', '224.0.1.1'])
      expect(table.groupText4(table.groupText6(g4)!)).toBe(g4);
    expect(table.groupText6('233.252.0.1')).toBe('ff0e::db8:e9fc:1');
    expect(table.groupText6('232.1.2.3')).toBe('ff3e::e801:203');
  });

  it('refuses reserved groups', () => {
    for (const g4 of ['224.0.0.1', '224.0.0.255', '192.0.2.1', '240.0.0.1']) expect(table.groupText6(g4)).toBeUndefined();
    for (const g6 of [
      'ff02::1',
      'ff01::1',
      'ff12::db8:e9fc:1',
      '2001:db8::1',
      'ff05::db8:e9fc:1',
      'ff0e::db8:c000:221',
      'ff0e::db8:e801:203',
    ]) {
      expect(table.group4(g6).ok, g6).toBe(false);
    }
  });
});

describe('acceptance 12: the shorter path', () => {
  it('joins over IPv4 with cost 3 against 5, and each receiver gets exactly one copy', () => {
    const network = diamond();
    network.runUntil(10e9);
    const { entries, receivers, conservation } = networkState(network, 1);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      router: 'r3',
      choice: 'v4',
      upstream4: 'joined',
      upstream6: 'not-joined',
      incoming4: 'b4',
      outgoing4: ['edge'],
      outgoing6: ['edge'],
    });
    expect(entries[0]!.path4.cost).toBe(3);
    expect(entries[0]!.path6.cost).toBe(5);
    expect(entries[0]!.reason).toBe('v4 chosen because its cost 3 is lower than 5 of v6');
    for (const each of receivers) expect(each).toMatchObject({ duplicates: 0, missing: 0 });
    for (const each of receivers) expect(each.received).toBeGreaterThan(440);
    expect(link(network, 'b6').counters.packets6 - link(network, 'b6').counters.control).toBe(0);
    expect(conservation.ok).toBe(true);
  });

  it('goes over IPv6 once a bias of 3 is added', () => {
    const network = diamond({ choice: { holdDownS: 0, bias4: 3 } });
    network.runUntil(10e9);
    const { entries, receivers } = networkState(network, 1);
    expect(entries[0]).toMatchObject({ choice: 'v6', upstream4: 'not-joined', upstream6: 'joined', incoming6: 'b6' });
    expect(entries[0]!.path4.cost).toBe(6);
    for (const each of receivers) expect(each).toMatchObject({ duplicates: 0, missing: 0 });
    for (const each of receivers) expect(each.received).toBeGreaterThan(440);
    expect(link(network, 'b4').counters.packets4 - link(network, 'b4').counters.control).toBe(0);
  });

  it('changes while it runs when the bias comes later', () => {
    const network = diamond({ events: [{ atS: 5, router: 'r3', bias4: 3 }] });
    network.runUntil(20e9);
    const { entries, receivers, switches } = networkState(network, 1);
    expect(entries[0]!.choice).toBe('v6');
    expect(switches).toHaveLength(1);
    // Make before break: nothing is lost, and no more than the packets of the overlap come twice.
    for (const each of receivers) expect(each.missing).toBe(0);
    for (const each of receivers) expect(each.duplicates).toBeLessThanOrEqual(2);
  });
});

describe('acceptance 13: the unchosen family', () => {
  it('drops and counts a packet of the right key on the other family', () => {
    const network = diamond();
    network.runUntil(3e9);
    const r3 = network.routers[3]!;
    const camera = network.sources[0]!;
    const before = networkState(network, 1).receivers.map(({ received, duplicates }) => [received, duplicates]);
    // The stream of the other family turns up on the link towards r2, as if somebody had joined it there.
    let sent: Uint8Array | undefined;
    const stub = link(network, 's-r0');
    const send = stub.send.bind(stub);
    stub.send = (from, packet, family, ...rest) => {
      if (family === 6) sent = packet;
      send(from, packet, family, ...rest);
    };
    network.runUntil(3.1e9);
    expect(camera.sent).toBeGreaterThan(100);
    r3.receive(1, sent!, 6);
    const row = networkState(network, 1).entries[0]!;
    expect(r3.forwarder.dropped('rpf_other_family')).toBe(1);
    expect(row.counters.otherFamilyDrops).toBe(1);
    expect(networkState(network, 1).totals.duplicateBytesDropped).toBe(sent!.length);
    network.runUntil(3.2e9);
    const after = networkState(network, 1).receivers;
    for (const [i, each] of after.entries()) expect(each.duplicates - before[i]![1]!).toBe(0);
  });
});

describe('acceptance 14: a withdrawn route', () => {
  // On a link of the translation router itself: the routers of a network whose route is gone could not join at all.
  const receivers = [
    { id: 'h4', at: 'r3', protocol: 'igmpv3' as const, group: GROUP, source: SOURCE, joinS: 1 },
    { id: 'h6', at: 'r3', protocol: 'mldv2' as const, group: GROUP, source: SOURCE, joinS: 1 },
  ];

  it('chooses again, and nothing comes twice', () => {
    const network = diamond({ receivers, events: [{ atS: 5, link: 'a4', up: false }] });
    network.runUntil(12e9);
    const { entries, receivers: ends, decisions } = networkState(network, 1);
    expect(entries[0]).toMatchObject({ choice: 'v6', upstream6: 'joined', upstream4: 'not-joined' });
    expect(decisions[0]).toMatchObject({ rule: 'only-route', trigger: 'route change', previous: 'v4' });
    for (const each of ends) expect(each.duplicates).toBe(0);
    // Lost: what was sent until routing had learned of it (50 ms at 50 packets a second) and the join had travelled.
    for (const each of ends) expect(each.missing).toBeLessThanOrEqual(5);
    for (const each of ends) expect(each.received).toBeGreaterThan(500);
  });

  it('keeps downstream state while both families are lost, and comes back', () => {
    const network = diamond({
      receivers,
      events: [
        { atS: 5, link: 'a4', up: false },
        { atS: 6, link: 'a6', up: false },
        { atS: 10, link: 'a4', up: true },
      ],
    });
    network.runUntil(8e9);
    expect(networkState(network, 1).entries[0]).toMatchObject({ choice: 'none', outgoing4: ['h4-r3'], outgoing6: ['h6-r3'] });
    network.runUntil(12e9);
    const { entries, receivers: ends } = networkState(network, 1);
    expect(entries[0]!.choice).toBe('v4');
    for (const each of ends) expect(each.received).toBeGreaterThan(300);
  });
});
