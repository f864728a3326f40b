import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { multicastPortSchema, multicastScenarioSchema } from '../../contract/index.ts';
import { groupPacket, pimPacket, RECORD, dataPacket, type PimHello, type PimMessage } from '../messages/index.ts';
import { checksum } from '../../wire/index.ts';
import { MulticastNetwork, networkState, PortRouter } from './index.ts';
import type { RouterNode } from './router-node.ts';

/** What a stranger on a link can do to a router: messages as bytes, on interface 0, whose own address is known to all. */

const LIMITS = { entries: 64, unknownSources: 16, neighbours: 8, groupsPerInterface: 32 };
const ALL4 = '224.0.0.13';
const STRANGER = '10.200.0.1';
const group = (n: number): string => `233.252.${n >> 8}.${n & 255}`;

function victim(limits: object = {}): { readonly network: MulticastNetwork; readonly router: RouterNode } {
  const scenario = multicastScenarioSchema.parse({
    name: 'victim',
    durationS: 400,
    limits: { ...LIMITS, ...limits },
    routers: [
      { id: 'r', kind: 'translation' },
      { id: 'up', kind: 'dual' },
    ],
    links: [{ id: 'l', ends: ['r', 'up'], families: 'both' }],
    sources: [{ id: 's', at: 'up', v4: '192.0.2.33', v6: 'mapped', group: '232.1.2.3', startS: 399 }],
    rps: [{ router: 'up', family: 'v4' }],
  });
  const network = unwrap(MulticastNetwork.create(scenario));
  network.runUntil(1e9);
  return { network, router: network.routers[0]! };
}

const hello: PimHello = {
  kind: 'hello',
  holdtimeS: 105,
  lanPruneDelay: null,
  drPriority: 0,
  generationId: 1,
  addresses: [],
  translationRouter: null,
};

function say(router: RouterNode, message: PimMessage, from = STRANGER): void {
  router.receive(0, pimPacket(message, 4, from, ALL4), 4);
}

function join(router: RouterNode, n: number, source = '192.0.2.33'): void {
  const upstream = router.interfaces[0]!.address[4];
  const joins = [{ source, wildcard: false, rpt: false }];
  say(router, { kind: 'join-prune', upstream, holdtimeS: 210, groups: [{ group: group(n), maskLength: 32, joins, prunes: [] }] });
}

const refused = (network: MulticastNetwork): Record<string, number> => networkState(network, 1).counters['r']!.refused;

describe('a flood (M-24)', () => {
  it('of joins fills the trees and no more', () => {
    const { network, router } = victim();
    say(router, hello);
    for (let n = 0; n < 1_000; n++) join(router, n);
    const { pim } = router.side(4)!;
    expect(pim.counters.trees).toBe(LIMITS.entries + LIMITS.unknownSources);
    expect(pim.groups.size).toBe(LIMITS.entries + LIMITS.unknownSources);
    expect(refused(network)['entries']).toBeGreaterThanOrEqual(1_000 - 80);
    network.runUntil(300e9);
    expect(pim.counters.trees).toBe(0);
  });

  it('of joins a second meets the rate of the interface, joins that are known already do not', () => {
    const { network, router } = victim({ joinsPerSecond: 10 });
    say(router, hello);
    for (let n = 0; n < 100; n++) join(router, n % 20);
    expect(router.side(4)!.pim.counters.trees).toBe(10);
    expect(refused(network)['joinsPerSecond']).toBe(50);
  });

  it('of Hellos fills the neighbours and no more', () => {
    const { network, router } = victim();
    for (let n = 1; n < 200; n++) say(router, hello, `10.200.0.${n}`);
    expect(router.side(4)!.pim.neighbours[0]!.size).toBe(LIMITS.neighbours);
    expect(refused(network)['neighbours']).toBe(199 - (LIMITS.neighbours - 1));
  });

  it('of the same messages leaves no timers behind', () => {
    const { network, router } = victim();
    const report = { kind: 'report', version: 3, records: [{ type: RECORD.toExclude, group: group(1), sources: [] }] } as const;
    const round = (): void => {
      say(router, hello);
      join(router, 1);
      router.receive(0, groupPacket(report, 4, '10.200.0.9', '224.0.0.22'), 4);
    };
    round();
    network.runUntil(3e9);
    const before = network.clock.pending;
    for (let i = 0; i < 500; i++) round();
    expect(network.clock.pending).toBeLessThan(before + 10);
  });
});

describe('messages that are not for a router', () => {
  const report = (to: string) => ({ kind: 'report', version: 3, records: [{ type: RECORD.toExclude, group: to, sources: [] }] }) as const;

  it('MLD from beyond the link does not count (RFC 9777 sections 5.1.14 and 5.2.13)', () => {
    const { router } = victim();
    const ports = router.side(6)!.ports;
    for (const [from, hops] of [
      ['2001:db8::1', 1],
      ['::', 1],
      ['fe80::1', 64],
    ] as const) {
      const packet = groupPacket(report('ff0e::1:2'), 6, from, 'ff02::16');
      packet[7] = hops;
      router.receive(0, packet, 6);
    }
    expect(ports[0]!.groupCount).toBe(0);
    expect(router.counters.badMessages).toBe(3);
    router.receive(0, groupPacket(report('ff0e::1:2'), 6, 'fe80::1', 'ff02::16'), 6);
    expect(ports[0]!.groupCount).toBe(1);
  });

  it.each([
    ['of the link', '10.0.0.9', true, true],
    ['without an address', '0.0.0.0', true, true],
    ['of another network', STRANGER, true, false],
    ['of another network, where the router does not look', STRANGER, false, true],
  ] as const)('IGMP of a host %s (RFC 3376 section 9.2, RFC 4607 section 7.3)', (_name, from, attachedOnly, counts) => {
    const { router } = victim({ attachedOnly });
    router.receive(0, groupPacket(report(group(1)), 4, from, '224.0.0.22'), 4);
    expect([router.side(4)!.ports[0]!.groupCount, router.counters.badMessages]).toEqual(counts ? [1, 0] : [0, 1]);
  });

  it('IGMP of a host beyond the networks of a port does not count where the port looks', () => {
    const interfaces = [{ id: 'lan', addresses: ['198.51.100.1'], networks: ['198.51.100.0/24', '2001:db8::/32'] }];
    const port = unwrap(PortRouter.create('m', multicastPortSchema.parse({ interfaces, limits: { attachedOnly: true } })));
    for (const from of ['198.51.101.9', '198.51.100.9']) {
      expect(port.take(0, groupPacket(report(group(from.endsWith('100.9') ? 1 : 2)), 4, from, '224.0.0.22'), 1_000)).toBe('membership');
    }
    expect(port.state().memberships.map((each) => each.group)).toEqual([group(1)]);
  });

  it('MLD without router alert does not count (RFC 3810 sections 7.4 and 7.6)', () => {
    const { router } = victim();
    const ports = router.side(6)!.ports;
    const packet = groupPacket(report('ff0e::1:2'), 6, 'fe80::1', 'ff02::16');
    // Another option of the same length, and no hop-by-hop header at all.
    const other = packet.slice();
    other[42] = 0x1e;
    const bare = new Uint8Array(packet.length - 8);
    bare.set(packet.subarray(0, 40));
    bare.set(packet.subarray(48), 40);
    bare[5] = bare.length - 40;
    bare[6] = 58;
    for (const each of [other, bare]) router.receive(0, each, 6);
    expect([ports[0]!.groupCount, router.counters.badMessages]).toEqual([0, 2]);
    // The alert may stand behind padding.
    const padded = packet.slice();
    padded.set([1, 0, 5, 2, 0, 0], 42);
    router.receive(0, padded, 6);
    expect(ports[0]!.groupCount).toBe(1);
  });

  it('IGMP to another host is passed on, IGMP to this router counts (RFC 3376 section 4.2.14)', () => {
    const { router } = victim();
    const ports = router.side(4)!.ports;
    router.receive(0, groupPacket(report(group(1)), 4, STRANGER, '10.9.9.9'), 4);
    expect([ports[0]!.groupCount, router.took]).toEqual([0, 'other']);
    router.receive(0, groupPacket(report(group(1)), 4, STRANGER, router.interfaces[0]!.address[4]), 4);
    expect(ports[0]!.groupCount).toBe(1);
  });

  it.each<readonly [string, PimMessage, string, boolean]>([
    ['Hello', hello, 'all', true],
    ['Hello', hello, 'own', false],
    ['Hello', hello, '224.0.0.2', false],
    ['Register-Stop', { kind: 'register-stop', group: group(1), source: STRANGER }, 'own', true],
    ['Register-Stop', { kind: 'register-stop', group: group(1), source: STRANGER }, 'all', false],
    ['Candidate-RP', { kind: 'candidate-rp', priority: 1, holdtimeS: 1, rp: STRANGER, groups: [] }, 'own', true],
    ['Candidate-RP', { kind: 'candidate-rp', priority: 1, holdtimeS: 1, rp: STRANGER, groups: [] }, 'all', false],
    ['Register', { kind: 'register', border: false, nullRegister: true, packet: new Uint8Array(20) }, 'all', false],
  ])('a PIM %s counts where its destination fits it (RFC 7761 section 4.9)', (_name, message, to, counts) => {
    const { router } = victim();
    const { pim } = router.side(4)!;
    const destination = to === 'all' ? ALL4 : to === 'own' ? router.loopback[4] : to;
    router.receive(0, pimPacket(message, 4, STRANGER, destination), 4);
    expect(pim.counters.ignored).toBe(counts ? 0 : 1);
    if (message.kind === 'hello') expect(pim.neighbours[0]!.has(STRANGER)).toBe(counts);
  });

  it('PIM that is discarded is logged, each kind once a minute at most (RFC 7761 section 4.9)', () => {
    const { network, router } = victim();
    const warnings = () => network.recorder.log.filter(({ kind }) => kind === 'warning').map(({ link, text }) => [link, text]);
    const strange = pimPacket(hello, 4, STRANGER, ALL4);
    strange[20] = 0x2c;
    strange[22]! -= 0x0c;
    const told = [
      ['l', `a PIM hello of ${STRANGER} to 224.0.0.2 was discarded`],
      ['l', `a PIM message of ${STRANGER} was discarded: its version or type is not known`],
    ];
    for (let i = 0; i < 5; i++) {
      router.receive(0, pimPacket(hello, 4, STRANGER, '224.0.0.2'), 4);
      router.receive(0, strange, 4);
    }
    expect(warnings()).toEqual(told);
    network.runUntil(62e9);
    router.receive(0, pimPacket(hello, 4, STRANGER, '224.0.0.2'), 4);
    expect(warnings()).toEqual([...told, told[0]]);
  });

  it('a registered packet gets the ECN bits of the Register (RFC 7761 section 4.4.2)', () => {
    const { router } = victim();
    const data = dataPacket(4, { source: STRANGER, destination: group(1), payload: new Uint8Array(8), ttl: 9, sourcePort: 1, destinationPort: 2 }); // prettier-ignore
    const outer = pimPacket({ kind: 'register', border: false, nullRegister: false, packet: data }, 4, STRANGER, router.loopback[4]);
    outer[1] = 0x03;
    let seen: PimMessage | undefined;
    router.side(4)!.pim.receive = (message) => void (seen = message);
    router.receive(0, outer, 4);
    const inner = seen?.kind === 'register' ? seen.packet : data;
    expect([inner[1], checksum(inner, 0, 20)]).toEqual([0x03, 0]);
  });

  it('records and joins about an address that is no group are refused, counted, and told so', () => {
    const { network, router } = victim();
    say(router, hello);
    router.receive(0, groupPacket(report('1.3.5.7'), 4, STRANGER, '224.0.0.22'), 4);
    const joins = [{ source: '192.0.2.33', wildcard: false, rpt: false }];
    const upstream = router.interfaces[0]!.address[4];
    say(router, { kind: 'join-prune', upstream, holdtimeS: 210, groups: [{ group: '1.3.5.7', maskLength: 32, joins, prunes: [] }] });
    expect(router.side(4)!.ports[0]!.groupCount).toBe(0);
    expect(router.side(4)!.pim.counters).toMatchObject({ trees: 0, ignored: 1 });
    expect(router.notGroups).toBe(1);
    const rows = network.recorder.log.filter(({ router: id, text }) => id === 'r' && text.includes('1.3.5.7'));
    expect(rows.map(({ protocol, kind, group: about, text }) => [protocol, kind, about, text])).toEqual([
      ['IGMPv3', 'refused', '', `report of 1.3.5.7, which is no group; to exclude {} from ${STRANGER}`],
      ['PIM', 'refused', '', `join of 1.3.5.7, which is no group; to ${upstream}`],
    ]);
  });

  it('groups of the link make no state, whatever asks for them, and are not registered (M-22)', () => {
    const { network, router } = victim();
    const local = '224.0.0.251';
    const { pim, ports } = router.side(4)!;
    say(router, hello);
    const source = router.interfaces[0]!.address[4];
    router.receive(0, groupPacket(report(local), 4, STRANGER, '224.0.0.22'), 4);
    const groups = [{ group: local, maskLength: 32, joins: [{ source: STRANGER, wildcard: false, rpt: false }], prunes: [] }];
    say(router, { kind: 'join-prune', upstream: source, holdtimeS: 210, groups });
    const ends = { source: STRANGER, destination: local, payload: new Uint8Array(8), sourcePort: 5353, destinationPort: 5353 };
    router.receive(0, dataPacket(4, { ...ends, ttl: 255 }), 4);
    network.runUntil(5e9);
    expect(ports[0]!.groupCount).toBe(0);
    expect(pim.counters.trees).toBe(0);
    expect(pim.registering.counters.sent).toBe(0);
    expect(networkState(network, 1).drops).toMatchObject([{ router: 'r', group: local, reason: 'scope' }]);
    expect(pim.rp(local)).toBe('');
  });

  it('any bytes leave the router standing, and its accounts whole', () => {
    const { network, router } = victim();
    const seeds = [
      pimPacket(hello, 4, STRANGER, ALL4),
      pimPacket(hello, 6, 'fe80::1', 'ff02::d'),
      groupPacket(report(group(1)), 4, STRANGER, '224.0.0.22'),
      groupPacket(report('ff0e::1:2'), 6, 'fe80::1', 'ff02::16'),
      dataPacket(4, { source: STRANGER, destination: group(1), payload: new Uint8Array(40), ttl: 9, sourcePort: 1, destinationPort: 2 }),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat(),
        (seed, changes, cut) => {
          const packet = seed.slice(0, seed.length - (cut % 12));
          for (const [at, value] of changes) packet[at % packet.length] = value;
          router.receive(0, packet, seed[0]! >> 4 === 4 ? 4 : 6);
          network.runUntil(network.clock.nowNs + 1e6);
        },
      ),
      { numRuns: 600 },
    );
    expect(networkState(network, 1).conservation.ok).toBe(true);
  });
});
