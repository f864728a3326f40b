import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AddressMapSpec, TranslatorInput } from '../contract/index.ts';
import { hex, putU16, u16, u32 } from '../base/index.ts';
import { checksum, pseudoSum6, sumIsGood, sum16 } from '../wire/index.ts';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { readIpPackets, type RawIpPacket } from '../testing/raw-captures.ts';
import { REASON } from './reasons.ts';
import { siit, translated, translatorOf } from './test-support.ts';

const run = describe.skipIf(!haveCaptures);
if (!haveCaptures) process.stdout.write(`${capturesMissing}\n`);

/** Folder of the translator units of YANET among the captures. */
const YANET_UNITS = 'yanet/autotest/units/001_one_port';

interface YanetTranslation {
  readonly ipv6Address: string;
  readonly ipv6DestinationAddress: string;
  readonly ipv4Address: string;
  /** First and last port of the host, and of the IPv4 address that stands for it: `2001-2004`. */
  readonly ingressPortRange?: string;
  readonly egressPortRange?: string;
}

interface YanetModule {
  readonly type: string;
  readonly translations?: readonly (YanetTranslation | string)[];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(capture(path), 'utf8'));
}

function modulesOf(unit: string): YanetModule[] {
  const { modules } = readJson(`${YANET_UNITS}/${unit}/controlplane.conf`) as { modules: Record<string, YanetModule> };
  return Object.values(modules);
}

function translationsOf(unit: string, list: readonly (YanetTranslation | string)[]): YanetTranslation[] {
  return list.flatMap((item) =>
    typeof item === 'string'
      ? translationsOf(unit, readJson(`${YANET_UNITS}/${unit}/${item.replace(/^\//, '')}`) as YanetTranslation[])
      : [item],
  );
}

/** YANET sets neither identification nor DF, answers nothing and looks at no MTU. */
const YANET = {
  reservedOctet: 'any',
  df: 'never',
  identification: 'zero',
  mtu4: 65_535,
  mtu6: 65_535,
  lowestIpv6Mtu: 65_535,
} satisfies TranslatorInput;

/**
 * Configuration of ours that does what a unit's `nat64stateless` modules do together: each translation is an explicit map that
 * belongs to its destination prefix.
 */
function yanetConfig(unit: string, more: TranslatorInput = {}): TranslatorInput {
  const maps: AddressMapSpec[] = [];
  for (const module of modulesOf(unit)) {
    if (module.type !== 'nat64stateless') continue;
    for (const item of translationsOf(unit, module.translations ?? [])) {
      maps.push({ v4: item.ipv4Address, v6: item.ipv6Address, pool6: `${item.ipv6DestinationAddress}/96` });
    }
  }
  return {
    pool6: [...new Set(maps.map((map) => map.pool6 ?? ''))],
    maps,
    hairpin: 'off',
    ...YANET,
    ...more,
  };
}

/**
 * The same for port ranges: a NAT64 with a static binding for each port, without a pool. Each of the unit's prefixes is a translator of
 * its own, for RFC 6146 gives a host's port one binding whatever the peer.
 */
function rangeTranslators(unit: string) {
  const list = modulesOf(unit).flatMap(({ translations = [] }) => translationsOf(unit, translations));
  return [...new Set(list.map(({ ipv6DestinationAddress: prefix }) => prefix))].map((prefix) => {
    const bindings = list.filter((item) => item.ipv6DestinationAddress === prefix).flatMap(bindingsOf);
    return translatorOf({
      mode: 'nat64',
      ...YANET,
      icmpErrors: { send: false },
      pool6: [`${prefix}/96`],
      nat64: { bindings, hairpin: false, maxSessions: 4_096, maxBindings: 4_096 },
    });
  });
}

function bindingsOf({ ipv6Address: v6, ipv4Address: v4, ingressPortRange = '', egressPortRange = '' }: YanetTranslation) {
  const [first, last] = ingressPortRange.split('-').map(Number) as [number, number];
  const first4 = Number(egressPortRange.split('-')[0]);
  return Array.from({ length: last - first + 1 }, (_, i) => i).flatMap((i) =>
    (['tcp', 'udp', 'icmp'] as const).map((protocol) => ({ protocol, v6, port6: first + i, v4, port4: first4 + i })),
  );
}

const step = (unit: string, number: string, what: 'send' | 'expect'): RawIpPacket[] =>
  readIpPackets(`${YANET_UNITS}/${unit}/${number}-${what}.pcap`);
const expected = (unit: string, number: string): string[] => step(unit, number, 'expect').map(({ bytes }) => hex(bytes));

/** Without the identification, where YANET and the RFC differ (009 below holds what the RFC says), and the checksum over it. */
function withoutIdentification(packet: string): string {
  if (packet.startsWith('4')) return `${packet.slice(0, 8)}0000${packet.slice(12, 20)}0000${packet.slice(24)}`;
  return packet.slice(12, 14) === '2c' ? `${packet.slice(0, 88)}00000000${packet.slice(96)}` : packet;
}

/** Steps compared whole, unit by unit, in one translator a step. */
const STATELESS = [
  ['009_nat64stateless', ['001', '002', '003', '004', '007', '008', '009', '010'], {}],
  ['011_nat64stateless_pool', ['001', '002'], {}],
  ['012_decap_nat64stateless', ['002'], {}],
  ['013_nat64stateless_multi_pool', ['001', '002'], {}],
  ['015_nat64stateless_firewall', ['002', '003'], {}],
  // Peers of this unit are 1.x.x.x; what goes to an address of 10.0.0.0/8 without a translation is dropped there.
  ['017_nat64stateless_1toN', ['001', '002'], { deny4: ['10.0.0.0/8'] }],
  ['020_acls_decap_nat64stateless_route', ['001', '004'], {}],
  ['028_acls_nodecap_nat64stateless_route', ['001', '004'], {}],
] as const;

/** Steps compared below otherwise: some of their packets, or but for what the RFC says otherwise. */
const IN_PART: Readonly<Record<string, readonly string[]>> = {
  '005_nat64stateless_dscp': ['001'],
  '009_nat64stateless': ['005', '006'],
  '010_nat64stateless_checksum': ['003', '004'],
  '012_decap_nat64stateless': ['001'],
  '015_nat64stateless_firewall': ['001'],
  '022_nat64stateless_range_ports': ['001', '002', '003', '004'],
  '025_nat64stateless_range_ports_firewall': ['001', '002', '003'],
  '026_nat64stateless_range_ports_fragmentation': ['001', '002', '003', '004', '005', '006'],
  '030_repeat_decap_and_nat64stateless': ['001'],
  '061_nat64stateful': ['001', '002', '003', '005', '007', '008', '009', '010', '011', '012', '013', '014', '015'],
  '064_nat64stateful_egresstunnel': ['001', '002'],
};

/** Steps that are not compared, and why. */
const NOT_COMPARED: Readonly<Record<string, readonly string[]>> = {
  'no packet of the step is translated: it routes, decapsulates or drops': [
    '020_acls_decap_nat64stateless_route/002',
    '020_acls_decap_nat64stateless_route/003',
    '020_acls_decap_nat64stateless_route/005',
    '020_acls_decap_nat64stateless_route/006',
    '020_acls_decap_nat64stateless_route/007',
    '021_acls_decap_nat64stateless/006',
    '021_acls_decap_nat64stateless/007',
    '021_acls_decap_nat64stateless/008',
    '028_acls_nodecap_nat64stateless_route/002',
    '028_acls_nodecap_nat64stateless_route/003',
    '028_acls_nodecap_nat64stateless_route/005',
    '028_acls_nodecap_nat64stateless_route/007',
    '028_acls_nodecap_nat64stateless_route/008',
  ],
  'what was sent is not in the folder': ['061_nat64stateful/004'],
};

/** ::1 */
const LOOPBACK = `${'00'.repeat(15)}01`;

/** Steps above that are compared, whole or in part. */
const COMPARED_STEPS = 57;

run('units of YANET, byte for byte', () => {
  it('every step of every unit with a NAT64 module is compared, or said why not', () => {
    const units = readdirSync(capture(YANET_UNITS)).filter((unit) => modulesOf(unit).some(({ type }) => type.startsWith('nat64')));
    const steps = units.flatMap((unit) =>
      readdirSync(capture(`${YANET_UNITS}/${unit}`)).flatMap((name) => {
        const number = /^(\d+)-(?:send|expect)\.pcap$/.exec(name)?.[1];
        return number === undefined ? [] : [`${unit}/${number}`];
      }),
    );
    const compared = [...STATELESS.map(([unit, numbers]) => [unit, numbers] as const), ...Object.entries(IN_PART)].flatMap(
      ([unit, numbers]) => numbers.map((number) => `${unit}/${number}`),
    );
    const said = [...compared, ...Object.values(NOT_COMPARED).flat()].sort();
    expect(said).toEqual([...new Set(steps)].sort());
    expect(compared).toHaveLength(COMPARED_STEPS);
  });

  it.each(STATELESS)('%s', (unit, steps, more) => {
    for (const number of steps) {
      const t = siit(yanetConfig(unit, { ...more, deny4: [...('deny4' in more ? more.deny4 : [])] }));
      const ours = translated(t, step(unit, number, 'send'));
      expect(
        ours.map((b) => hex(b)),
        number,
      ).toEqual(expected(unit, number));
      expect(ours.length).toBeGreaterThan(0);
    }
  });

  it('005_nat64stateless_dscp: the packets whose mark is left alone', () => {
    // The three modules of the unit differ by VLAN; the third never marks, its peers are 1.3.0.0/24.
    const config = { ...yanetConfig('005_nat64stateless_dscp'), maps: [{ v4: '100.0.0.0', v6: '2000::', pool6: '1:2:3:1:2:3::/96' }] };
    const toThird = ({ bytes }: RawIpPacket): boolean => bytes[0]! >> 4 === 6 && u16(bytes, 36) === 0x0103;
    const ours = translated(siit(config), step('005_nat64stateless_dscp', '001', 'send').filter(toThird));
    const theirs = step('005_nat64stateless_dscp', '001', 'expect').filter(({ bytes }) => u16(bytes, 16) === 0x0103);
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.map((b) => hex(b))).toEqual(theirs.map(({ bytes }) => hex(bytes)));
  });

  it('009 steps 005 and 006: fragments, but for the identification, where the RFC says otherwise', () => {
    for (const number of ['005', '006']) {
      const t = siit(yanetConfig('009_nat64stateless'));
      const send = step('009_nat64stateless', number, 'send');
      // RFC 7915 section 1.2: fragmented ICMP is not translated; YANET does.
      const plain = send.filter(({ bytes, side }) => (side === 6 ? bytes[40] !== 58 : bytes[9] !== 1));
      const ours = translated(t, send);
      expect(t.counts[REASON.fragmentedIcmp]).toBe(send.length - plain.length);
      expect(ours.length).toBe(plain.length);
      const theirs = step('009_nat64stateless', number, 'expect').slice(0, ours.length);
      ours.forEach((b, i) => {
        const other = theirs[i]!.bytes.slice();
        // Section 5.1.1: the low 16 bits; section 4.1: 16 zero bits and the 16 bits. YANET hashes one way and shifts the other.
        if (b[0]! >> 4 === 4) {
          expect(u16(b, 4)).toBe(u32(plain[i]!.bytes, 44) & 0xffff);
          putU16(other, 4, u16(b, 4));
          putU16(other, 10, 0);
          putU16(other, 10, checksum(other, 0, 20));
        } else {
          expect(u32(b, 44)).toBe(u16(plain[i]!.bytes, 4));
          expect(u32(other, 44)).toBe(u16(plain[i]!.bytes, 4) * 65_536);
          other.set(b.subarray(44, 48), 44);
        }
        expect(hex(b)).toBe(hex(other));
      });
    }
  });

  it('010_nat64stateless_checksum: every checksum there is, updated by difference', () => {
    const t = siit(yanetConfig('010_nat64stateless_checksum'));
    const expected = step('010_nat64stateless_checksum', '003', 'expect');
    expect(expected.length).toBeGreaterThan(60_000);
    // The packets that must have been sent: the same UDP between the IPv6 addresses, with its right checksum.
    const sent = expected.map(({ bytes }): RawIpPacket => {
      const b = new Uint8Array(40 + bytes.length - 20);
      b.set([0x60, 0, 0, 0, 0, bytes.length - 20, 17, 64]);
      b.fill(0xaa, 8, 24);
      b.fill(0x55, 24, 36);
      b.set(bytes.subarray(16, 20), 36);
      b.set(bytes.subarray(20), 40);
      putU16(b, 46, 0);
      const sum = checksum(b, 40, b.length, pseudoSum6(b, 8, 24, 17, b.length - 40));
      putU16(b, 46, sum === 0 ? 0xffff : sum);
      return { side: 6, bytes: b, wireLength: b.length };
    });
    const ours = translated(t, sent);
    const differing = ours.filter((b, i) => hex(b) !== hex(expected[i]!.bytes));
    expect(differing).toEqual([]);
    const back = translated(t, step('010_nat64stateless_checksum', '004', 'send'));
    expect(back.length).toBeGreaterThan(60_000);
    expect(back.filter((b) => !sumIsGood(sum16(b, 40, b.length, pseudoSum6(b, 8, 24, 17, b.length - 40))))).toEqual([]);
  });

  it.each([
    // The other packet of this step is decapsulated.
    ['012_decap_nat64stateless', 1, 1, 1],
    // Five more pass here: a packet filter stands in front of the translator there.
    ['015_nat64stateless_firewall', 5, 10, 0],
  ])('%s step 001: what is translated there', (unit, both, ours, missing) => {
    const mine = translated(siit(yanetConfig(unit)), step(unit, '001', 'send')).map((b) => hex(b));
    const theirs = expected(unit, '001');
    expect(mine).toHaveLength(ours);
    expect(theirs.filter((packet) => mine.includes(packet))).toHaveLength(both);
    expect(theirs.filter((packet) => !mine.includes(packet))).toHaveLength(missing);
  });

  it('030_repeat_decap_and_nat64stateless: the packet inside the tunnel', () => {
    const unit = '030_repeat_decap_and_nat64stateless';
    const inside = step(unit, '001', 'send').map(({ bytes, wireLength }) => {
      expect(bytes[6]).toBe(4);
      return { side: 4, bytes: bytes.subarray(40), wireLength: wireLength - 40 } as const;
    });
    expect(translated(siit(yanetConfig(unit)), inside).map((b) => hex(b))).toEqual(expected(unit, '001'));
  });
});

run('port ranges of YANET, as static bindings', () => {
  /** Sorted, as two prefixes are two translators here. */
  const compare = (unit: string, number: string): { ours: string[]; theirs: string[] } => {
    const send = step(unit, number, 'send');
    const ours = rangeTranslators(unit).flatMap((t) => translated(t, send).map((b) => withoutIdentification(hex(b))));
    return { ours: ours.sort(), theirs: expected(unit, number).map(withoutIdentification).sort() };
  };
  /** Takes the packets of `from` out of `list`, each once. */
  const without = (list: readonly string[], from: readonly string[]): string[] => {
    const rest = [...list];
    for (const packet of from) {
      const at = rest.indexOf(packet);
      if (at >= 0) rest.splice(at, 1);
    }
    return rest;
  };

  it.each([
    ['022_nat64stateless_range_ports', '003', 3],
    ['022_nat64stateless_range_ports', '004', 7],
    ['025_nat64stateless_range_ports_firewall', '002', 0],
    ['025_nat64stateless_range_ports_firewall', '003', 24],
    ['026_nat64stateless_range_ports_fragmentation', '005', 6],
    ['026_nat64stateless_range_ports_fragmentation', '006', 9],
  ])('%s step %s', (unit, number, packets) => {
    const { ours, theirs } = compare(unit, number);
    expect(ours).toEqual(theirs);
    expect(ours).toHaveLength(packets);
  });

  it.each([
    // Echo replies from inside and requests from outside: RFC 6146 section 3.5.3 translates them where there is a binding.
    ['022_nat64stateless_range_ports', '001', /^4.{39}00/, 48],
    ['022_nat64stateless_range_ports', '002', /^6.{79}80/, 48],
    // A packet filter there.
    ['025_nat64stateless_range_ports_firewall', '001', /^6/, 24],
    // Fragments of packets with gaps and overlaps, or twice: RFC 6146 section 3.4 leaves them to the receiver.
    ['026_nat64stateless_range_ports_fragmentation', '004', /^6.{11}2c/, 18],
  ])('%s step %s: all of it, and what YANET keeps back', (unit, number, kept, more) => {
    const { ours, theirs } = compare(unit, number);
    expect(without(theirs, ours)).toEqual([]);
    const extra = without(ours, theirs);
    expect(extra).toHaveLength(more);
    expect(extra.filter((packet) => !kept.test(packet))).toEqual([]);
  });

  it.each([
    ['001', 12, 6],
    ['002', 12, 6],
    ['003', 0, 12],
  ])('026_nat64stateless_range_ports_fragmentation step %s: all but fragmented ICMP (RFC 7915 section 1.2)', (number, both, icmp) => {
    const { ours, theirs } = compare('026_nat64stateless_range_ports_fragmentation', number);
    expect(ours).toHaveLength(both);
    expect(without(ours, theirs)).toEqual([]);
    const missing = without(theirs, ours);
    expect(missing).toHaveLength(icmp);
    // Protocol of the IPv4 header, next header behind the fragment header.
    expect(missing.filter((packet) => (packet.startsWith('4') ? packet.slice(18, 20) !== '01' : packet.slice(80, 82) !== '3a'))).toEqual(
      [],
    );
  });
});

/** A NAT64 as those of YANET are set up; ports that its hash gave are static bindings. */
const stateful = (v4: string, ports: readonly (readonly ['tcp' | 'icmp', number, number])[] = []) =>
  translatorOf({
    mode: 'nat64',
    df: 'never',
    identification: 'zero',
    // YANET answers nothing about protocols it does not translate.
    icmpErrors: { send: false },
    nat64: {
      pool4: [{ prefix: v4, ports: [0, 65_535] }],
      bindings: ports.map(([protocol, port6, port4]) => ({ protocol, v6: SECOND_HOST, port6, v4, port4 })),
      filtering: 'address-dependent',
      maxSessions: 256,
      maxBindings: 256,
    },
  });
const SECOND_HOST = 'aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:bbbb';

run('stateful units of YANET', () => {
  it('061_nat64stateful: what is sent in comes out byte for byte, in one run over all steps', () => {
    const unit = '061_nat64stateful';
    const nat = stateful('153.153.153.153', [
      ['tcp', 2_048, 6_070],
      ['tcp', 8_000, 12_022],
      ['icmp', 4_660, 8_682],
    ]);
    let time = 0;
    const pass = (number: string): string[] => {
      const send = step(unit, number, 'send');
      time += send.length;
      return translated(nat, send, time - send.length).map((b) => hex(b));
    };
    // YANET filters by the peer's port too; RFC 6146 section 3.5.2.2 knows addresses only, so packets from other ports of known peers pass.
    const beyond: Readonly<Record<string, number>> = { '002': 2, '013': 2 };
    for (const number of ['001', '002', '007', '008', '009', '010', '012', '013', '014', '015']) {
      // 013 expects what 011 sent, once 012 has made the bindings.
      const ours = pass(number === '013' ? '011' : number);
      const theirs = expected(unit, number);
      expect(ours.slice(0, theirs.length), number).toEqual(theirs);
      expect([number, ours.length - theirs.length]).toEqual([number, beyond[number] ?? 0]);
    }
  });

  it('061 steps 003, 005 and 011: nothing is expected of them, or less than the RFC says', () => {
    const unit = '061_nat64stateful';
    const nat = stateful('153.153.153.153');
    // Nothing from outside before anything from inside.
    expect(translated(nat, step(unit, '011', 'send'))).toEqual([]);
    // The folder has no file of what is expected of 003, whose five SYNs differ in their traffic class: it is the TOS (RFC 7915 section 5.1).
    expect(translated(nat, step(unit, '003', 'send'), 100).map((b) => b[1])).toEqual([0x01, 0x02, 0x04, 0x80, 0xff]);
    // YANET drops fragments but the atomic one; section 3.4 translates those of TCP and UDP.
    const ours = translated(nat, step(unit, '005', 'send'), 200).map((b) => withoutIdentification(hex(b)));
    expect(ours).toHaveLength(7);
    expect(ours.at(-1)).toBe(withoutIdentification(expected(unit, '005')[0]!));
  });

  it('064_nat64stateful_egresstunnel: in front of the tunnels, and the packets inside them', () => {
    const unit = '064_nat64stateful_egresstunnel';
    const pool = '153.153.153.200';
    expect(translated(stateful(pool), step(unit, '001', 'send')).map((b) => hex(b))).toEqual(expected(unit, '001'));
    // Behind IPv4, UDP and MPLS.
    const inside = step(unit, '002', 'expect').map(({ bytes }) => hex(bytes.subarray(32)));
    const sent = step(unit, '002', 'send');
    // YANET gives the hosts one port together, as their peers differ; a NAT64 by the RFC does not, so each has its own here.
    for (const host of new Set(sent.map(({ bytes }) => hex(bytes.subarray(8, 24))))) {
      const mine = sent.flatMap((packet, i) => (hex(packet.bytes.subarray(8, 24)) === host ? [i] : []));
      const ours = translated(
        stateful(pool),
        mine.map((i) => sent[i]!),
      );
      // Nothing comes from the loopback address (RFC 7915 section 5.1); YANET does not look.
      expect(ours.map((b) => hex(b))).toEqual(host === LOOPBACK ? [] : mine.map((i) => inside[i]));
    }
    expect(inside.length).toBe(12);
  });
});
