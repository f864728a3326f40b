import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPortSchema, multicastScenarioSchema, type MulticastScenarioInput } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { writeRawPcapng } from '../../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../../testing/tshark.ts';
import { dataPacket, groupPacket, ipHead, RECORD } from '../messages/index.ts';
import { MulticastNetwork, networkState, PortRouter } from './index.ts';
import { packetTooBig, TooBig, tooBigMtu } from './too-big.ts';

if (tsharkVersion === undefined) console.warn(tsharkMissing);

const SOURCE6 = '2001:db8:7::1';
const GROUP6 = 'ff3e::8000:1';
const OWN = '2001:db8:ffff::1';

const data6 = (bytes: number, source = SOURCE6): Uint8Array =>
  dataPacket(6, {
    source,
    destination: GROUP6,
    payload: new Uint8Array(bytes - 48),
    ttl: 9,
    sourcePort: 1,
    destinationPort: 2,
    identification: 1,
  });

/** A source two routers away from a link of 1,400 bytes. */
function narrow(change: Partial<MulticastScenarioInput> = {}): MulticastNetwork {
  const scenario = multicastScenarioSchema.parse({
    name: 'narrow',
    durationS: 5,
    routers: [
      { id: 'a', kind: 'v6' },
      { id: 'b', kind: 'v6' },
      { id: 'c', kind: 'v6', drPriority: 0 },
    ],
    links: [
      { id: 'ab', ends: ['a', 'b'], families: 'v6' },
      { id: 'lan', ends: ['b', 'c'], families: 'v6', mtu: 1_400 },
    ],
    sources: [{ id: 's', at: 'a', v6: SOURCE6, group: GROUP6, ratePps: 50, bytes: 1_420 }],
    receivers: [{ id: 'h', at: 'lan', protocol: 'mldv2', group: GROUP6, source: SOURCE6, joinS: 1 }],
    ...change,
  } satisfies MulticastScenarioInput);
  return unwrap(MulticastNetwork.create(scenario, { record: true }));
}

describe('Packet Too Big about data to a group (RFC 4443 section 2.4 e.3)', () => {
  it('goes to the source with the MTU of the link, at most so many in a second', () => {
    const network = narrow({ limits: { icmpErrorsPerSecond: 4 } });
    network.runUntil(3e9);
    const { counters } = networkState(network, 1);
    const b = counters['b']!;
    expect(b.drops['too_big']).toBeGreaterThan(90);
    // Four at once and four a second for nearly two seconds.
    expect(b.tooBigSent).toBeGreaterThanOrEqual(10);
    expect(b.tooBigSent).toBeLessThanOrEqual(12);
    expect(b.refused['icmpErrorsPerSecond']).toBe(b.drops['too_big']! - b.tooBigSent);
    expect(counters['a']!.tooBigSent).toBe(0);
    expect(network.sources[0]).toMatchObject({ tooBig: b.tooBigSent, pathMtu: 1_400 });
    expect(network.routers[0]!.counters.unicastDropped).toBe(0);
    const row = network.recorder.log.find(({ kind }) => kind === 'packet-too-big');
    expect(row).toMatchObject({
      router: 'b',
      link: 'ab',
      protocol: 'ICMPv6',
      source: SOURCE6,
      group: GROUP6,
      text: '1440 bytes, MTU 1400',
    });
  });

  /** A source one router away from the rendezvous point, over a link of this MTU, and a receiver on another link of that router. */
  const registering = (mtu: number, bytes: number): MulticastNetwork =>
    narrow({
      routers: [
        { id: 'a', kind: 'v6' },
        { id: 'b', kind: 'v6' },
        { id: 'c', kind: 'v6' },
      ],
      links: [
        { id: 'ab', ends: ['a', 'b'], families: 'v6' },
        { id: 'bc', ends: ['b', 'c'], families: 'v6', mtu },
      ],
      rps: [{ router: 'c', family: 'v6' }],
      sources: [{ id: 's', at: 'a', v6: SOURCE6, group: 'ff0e::1:2', ratePps: 50, bytes }],
      receivers: [],
    });

  it.each([
    // Lengths with the IPv6 header; a register has 48 bytes more.
    [1_500, 1_452, false, 0],
    [1_500, 1_453, true, 1_452],
    [1_400, 1_352, false, 0],
    [1_400, 1_353, true, 1_352],
    [1_300, 1_280, false, 0],
    [1_300, 1_281, true, 1_280],
  ] as const)(
    'on a way of %i bytes to the rendezvous point, about a packet of %i: %s (RFC 7761 section 4.4.1)',
    (mtu, bytes, large, told) => {
      const network = registering(mtu, bytes - 20);
      network.runUntil(3e9);
      const [a, , c] = network.routers;
      const { sent, tooBig } = a!.side(6)!.pim.registering.counters;
      expect([sent > 0, tooBig > 0]).toEqual([!large, large]);
      expect(c!.side(6)!.pim.registering.counters.received > 0).toBe(!large);
      expect(a!.dataPath.tooBig.sent + a!.dataPath.tooBig.limited).toBe(tooBig);
      expect(network.sources[0]!.pathMtu).toBe(large ? told : Infinity);
    },
  );

  it('is not sent about IPv4, which is cut or dropped', () => {
    const network = narrow({
      routers: [
        { id: 'a', kind: 'v4' },
        { id: 'b', kind: 'v4' },
        { id: 'c', kind: 'v4', drPriority: 0 },
      ],
      links: [
        { id: 'ab', ends: ['a', 'b'], families: 'v4' },
        { id: 'lan', ends: ['b', 'c'], families: 'v4', mtu: 1_400 },
      ],
      sources: [{ id: 's', at: 'a', v4: '192.0.2.33', group: '232.1.2.3', bytes: 1_420, dontFragment: true }],
      receivers: [{ id: 'h', at: 'lan', protocol: 'igmpv3', group: '232.1.2.3', source: '192.0.2.33', joinS: 1 }],
    });
    network.runUntil(3e9);
    const b = networkState(network, 1).counters['b']!;
    expect(b.drops['too_big']).toBeGreaterThan(20);
    expect(b.tooBigSent).toBe(0);
  });

  it('tells 20 bytes more where the link is one of IPv4 behind a translation', () => {
    const network = narrow({
      routers: [
        { id: 'a', kind: 'dual' },
        { id: 'b', kind: 'translation' },
        { id: 'c', kind: 'v4', drPriority: 0 },
      ],
      links: [
        { id: 'ab', ends: ['a', 'b'], families: 'v6' },
        { id: 'lan', ends: ['b', 'c'], families: 'v4', mtu: 1_400 },
      ],
      sources: [{ id: 's', at: 'a', v4: '192.0.2.33', v6: 'mapped', group: '232.1.2.3', bytes: 1_460 }],
      receivers: [{ id: 'h', at: 'lan', protocol: 'igmpv3', group: '232.1.2.3', source: '192.0.2.33', joinS: 1 }],
    });
    network.runUntil(3e9);
    const b = networkState(network, 1).counters['b']!;
    expect(b.tooBigSent).toBeGreaterThan(0);
    expect(network.sources[0]!.pathMtu).toBe(1_420);
  });

  it.skipIf(tsharkVersion === undefined)('is read by tshark on the interface it leaves by, with a good checksum', () => {
    const network = narrow();
    network.runUntil(1.5e9);
    const at = network.recorder.interfaces.indexOf('b ab');
    const packets = network.recorder.packets.filter(({ iface }) => iface === at);
    const file = writeRawPcapng(packets.map(({ frame }) => ({ linkType: 1, origLenBytes: frame.length, bytes: frame })));
    const rows = tsharkFields(file, {
      fields: ['icmpv6.type', 'icmpv6.mtu', 'icmpv6.checksum.status', '_ws.malformed', 'ipv6.dst'],
      protocols: ['frame', 'eth', 'ethertype', 'ip', 'ipv6', 'ipv6.hopopts', 'udp', 'icmpv6', 'pim', 'data'],
    });
    const told = rows.filter(([type]) => type?.[0] === '2');
    expect(told).toHaveLength(network.routers[1]!.dataPath.tooBig.sent);
    for (const [, mtu, status, malformed, destination] of told) {
      expect([mtu, status, malformed, destination?.[0]]).toEqual([['1400'], ['1'], [], SOURCE6]);
    }
  });

  it('leaves a multicast port of the switch too', () => {
    const spec = multicastPortSchema.parse({
      kind: 'dual',
      interfaces: [
        { id: 'up', addresses: ['2001:db8:7::5'], networks: ['2001:db8:7::/64'] },
        { id: 'lan', addresses: ['2001:db8:8::5'], networks: ['2001:db8:8::/64', 'fe80::9/128'], mtu: 1_300 },
      ],
    });
    const port = unwrap(PortRouter.create('m', spec));
    const records = [{ type: RECORD.allow, group: GROUP6, sources: [SOURCE6] }];
    port.take(0, groupPacket({ kind: 'report', version: 3, records }, 6, 'fe80::9', 'ff02::16'), 1_000);
    port.emptied();
    expect(port.take(0, data6(1_400), 2_000)).toBe('refused');
    const { out } = port;
    const told = Array.from({ length: out.count }, (_, row) => row).filter((row) => tooBigMtu(out.packet(row)) !== undefined);
    expect(told.map((row) => [out.iface[row], out.family(row), out.isMessage(row)])).toEqual([[0, 6, true]]);
    expect(tooBigMtu(out.packet(told[0]!))).toBe(1_300);
    expect(port.state().counters['m']!.tooBigSent).toBe(1);
  });

  it.each([
    ['an error', packetTooBig(data6(200), 1_280, SOURCE6)],
    ['the unspecified source', data6(200, '::')],
    ['a source that is a group', data6(200, 'ff02::1')],
  ])('is not sent about %s', (_name, packet) => {
    expect(new TooBig(10).about(packet, 1_280, OWN, 0)).toBeUndefined();
  });

  it('has 1,280 bytes at most, tells no less than that, and never throws on any packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 1_600 }), fc.integer({ min: 0, max: 9_000 }), (noise, mtu) => {
        noise[0] = 0x60;
        const told = new TooBig(1).about(noise, mtu, OWN, 0);
        tooBigMtu(noise);
        if (told === undefined) return;
        expect(told.length).toBe(Math.min(1_280, 48 + noise.length));
        expect(tooBigMtu(told)).toBe(Math.max(1_280, mtu));
        expect(ipHead(told, 0, told.length)).toMatchObject({ protocol: 58, ttl: 64 });
      }),
    );
  });
});
