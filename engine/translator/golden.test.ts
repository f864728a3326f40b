import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { translatorSchema, type AddressMapSpec, type TranslatorInput } from '../contract/index.ts';
import { hex, putU16, u16, u32 } from '../base/index.ts';
import { checksum, pseudoSum6, sumIsGood, pseudoSum4, sum16 } from '../wire/index.ts';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { readRawCapture } from '../testing/raw-captures.ts';
import { isTranslated, REASON } from './reasons.ts';
import { Nat64 } from './nat64.ts';
import { compileSettings } from './settings.ts';
import { newSink, siit } from './test-support.ts';
import type { PacketTranslator } from './translator.ts';

/** Packet of one side, from its IP header on. */
interface IpPacket {
  readonly side: 4 | 6;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** IP packets of a capture of Ethernet (with VLAN tags) or raw IP; anything else in it is left out. An absent file has none. */
function ipPackets(path: string): IpPacket[] {
  const file = capture(path);
  if (!existsSync(file)) return [];
  const out: IpPacket[] = [];
  for (const { linkType, bytes, origLenBytes } of readRawCapture(file, 200_000)) {
    let at = linkType === 1 ? 12 : 0;
    if (linkType === 1) {
      while (bytes[at] === 0x81 && bytes[at + 1] === 0) at += 4;
      const type = (bytes[at]! << 8) | bytes[at + 1]!;
      if (type !== 0x0800 && type !== 0x86dd) continue;
      at += 2;
    }
    // By the EtherType where there is one: a broken version field is then still told.
    const side = (linkType === 1 ? bytes[at - 1] === 0xdd : bytes[at]! >> 4 === 6) ? 6 : 4;
    out.push({ side, bytes: bytes.subarray(at), wireLength: origLenBytes - at });
  }
  return out;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(capture(path), 'utf8'));
}

/** Folder of the translator units of YANET among the captures. */
const YANET_UNITS = 'yanet/autotest/units/001_one_port';

interface YanetTranslation {
  readonly ipv6Address: string;
  readonly ipv6DestinationAddress: string;
  readonly ipv4Address: string;
}

interface YanetModule {
  readonly type: string;
  readonly translations?: readonly (YanetTranslation | string)[];
}

function translationsOf(unit: string, list: readonly (YanetTranslation | string)[]): YanetTranslation[] {
  return list.flatMap((item) =>
    typeof item === 'string'
      ? translationsOf(unit, readJson(`${YANET_UNITS}/${unit}/${item.replace(/^\//, '')}`) as YanetTranslation[])
      : [item],
  );
}

/**
 * Configuration of ours that does what a unit's `nat64stateless` modules do together: each translation is an explicit map that
 * belongs to its destination prefix. YANET sets neither identification nor DF, answers nothing and looks at no MTU.
 */
function yanetConfig(unit: string, more: TranslatorInput = {}): TranslatorInput {
  const { modules } = readJson(`${YANET_UNITS}/${unit}/controlplane.conf`) as { modules: Record<string, YanetModule> };
  const maps: AddressMapSpec[] = [];
  for (const module of Object.values(modules)) {
    if (module.type !== 'nat64stateless') continue;
    for (const item of translationsOf(unit, module.translations ?? [])) {
      maps.push({ v4: item.ipv4Address, v6: item.ipv6Address, pool6: `${item.ipv6DestinationAddress}/96` });
    }
  }
  return {
    pool6: [...new Set(maps.map((map) => map.pool6 ?? ''))],
    maps,
    hairpin: 'off',
    reservedOctet: 'any',
    df: 'never',
    identification: 'zero',
    mtu4: 65_535,
    mtu6: 65_535,
    lowestIpv6Mtu: 65_535,
    ...more,
  };
}

/** Numbers of the steps of a unit that have something to send or to expect. */
function yanetSteps(unit: string): string[] {
  return [
    ...new Set(readdirSync(capture(`${YANET_UNITS}/${unit}`)).flatMap((name) => /^(\d+)-(?:send|expect)\.pcap$/.exec(name)?.[1] ?? [])),
  ].sort();
}

const run = describe.skipIf(!haveCaptures);
if (!haveCaptures) process.stdout.write(`${capturesMissing}\n`);

/** All output of one translator for these packets, in order. */
function outputs(t: PacketTranslator, packets: readonly IpPacket[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  const sink = newSink();
  for (const { side, bytes, wireLength } of packets) {
    sink.clear();
    t.translate(side, bytes, 0, bytes.length, wireLength, sink);
    for (let i = 0; i < sink.count; i++) out.push(sink.packet(i));
  }
  return out;
}

const step = (unit: string, number: string, what: 'send' | 'expect'): IpPacket[] =>
  ipPackets(`${YANET_UNITS}/${unit}/${number}-${what}.pcap`);

run('units of YANET, byte for byte', () => {
  it.each([
    ['009_nat64stateless', ['001', '002', '003', '004', '007', '008', '009', '010'], {}],
    ['011_nat64stateless_pool', ['001', '002'], {}],
    ['012_decap_nat64stateless', ['002'], {}],
    ['013_nat64stateless_multi_pool', ['001', '002'], {}],
    ['015_nat64stateless_firewall', ['002', '003'], {}],
    // Peers of this unit are 1.x.x.x; what goes to an address of 10.0.0.0/8 without a translation is dropped there.
    ['017_nat64stateless_1toN', ['001', '002'], { deny4: ['10.0.0.0/8'] }],
    ['020_acls_decap_nat64stateless_route', ['001', '004'], {}],
  ] as const)('%s', (unit, steps, more) => {
    for (const number of steps) {
      const t = siit(yanetConfig(unit, { ...more, deny4: [...('deny4' in more ? more.deny4 : [])] }));
      const ours = outputs(t, step(unit, number, 'send'));
      expect(
        ours.map((b) => hex(b)),
        number,
      ).toEqual(step(unit, number, 'expect').map(({ bytes }) => hex(bytes)));
    }
    expect(yanetSteps(unit)).toEqual(expect.arrayContaining([...steps]));
  });

  it('005_nat64stateless_dscp: the packets whose mark is left alone', () => {
    // The three modules of the unit differ by VLAN; the third never marks, its peers are 1.3.0.0/24.
    const config = { ...yanetConfig('005_nat64stateless_dscp'), maps: [{ v4: '100.0.0.0', v6: '2000::', pool6: '1:2:3:1:2:3::/96' }] };
    const toThird = ({ bytes }: IpPacket): boolean => bytes[0]! >> 4 === 6 && u16(bytes, 36) === 0x0103;
    const ours = outputs(siit(config), step('005_nat64stateless_dscp', '001', 'send').filter(toThird));
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
      const ours = outputs(t, send);
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
    const sent = expected.map(({ bytes }): IpPacket => {
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
    const ours = outputs(t, sent);
    const differing = ours.filter((b, i) => hex(b) !== hex(expected[i]!.bytes));
    expect(differing).toEqual([]);
    const back = outputs(t, step('010_nat64stateless_checksum', '004', 'send'));
    expect(back.length).toBeGreaterThan(60_000);
    expect(back.filter((b) => !sumIsGood(sum16(b, 40, b.length, pseudoSum6(b, 8, 24, 17, b.length - 40))))).toEqual([]);
  });
});

run('stateful units of YANET', () => {
  it('061_nat64stateful: what is sent in from one host comes out byte for byte', () => {
    const settings = compileSettings(
      translatorSchema.parse({
        mode: 'nat64',
        df: 'never',
        identification: 'zero',
        // YANET answers nothing about protocols it does not translate.
        icmpErrors: { send: false },
        nat64: {
          pool4: [{ prefix: '153.153.153.153', ports: [0, 65_535] }],
          filtering: 'address-dependent',
          maxSessions: 256,
          maxBindings: 256,
        },
      }),
    );
    const nat = settings.ok ? Nat64.create(settings.value) : undefined;
    if (nat?.ok !== true) throw new Error('configuration');
    const sink = newSink();
    let time = 0;
    for (const number of ['001', '002', '007', '008', '009', '010', '012']) {
      const ours: string[] = [];
      for (const { side, bytes, wireLength } of step('061_nat64stateful', number, 'send')) {
        sink.clear();
        nat.value.translate(side, bytes, 0, bytes.length, wireLength, sink, time++);
        for (let i = 0; i < sink.count; i++) ours.push(hex(sink.packet(i)));
      }
      const theirs = step('061_nat64stateful', number, 'expect').map(({ bytes }) => hex(bytes));
      expect(ours.slice(0, theirs.length), number).toEqual(theirs);
      // YANET filters by the peer's port too; RFC 6146 section 3.5.2.2 knows addresses only, so packets from other ports of known peers pass.
      expect([number, ours.length - theirs.length]).toEqual([number, number === '002' ? 2 : 0]);
    }
  });
});

run('TAYGA between two hosts', () => {
  const config: TranslatorInput = {
    pool6: ['2001:db8:64:ff9b::/96'],
    maps: [{ v4: '192.168.255.241', v6: '2001:db8:6::5' }],
    // TAYGA follows RFC 6145: DF is set and the identification zero, whatever the size.
    df: 'always',
    identification: 'zero',
    own4: '192.168.255.1',
    own6: '2001:db8:64:ff9b::c0a8:ff01',
  };

  it('sends what the peer sent for every packet that came to it', () => {
    const t = siit(config);
    const list = ipPackets('peer-recordings/nat64-tayga-nat64.pcap');
    const sink = newSink();
    let compared = 0;
    for (const [i, { side, bytes, wireLength }] of list.entries()) {
      // From one of the two hosts and not yet through the translator, or about to run out of hops there.
      const came = side === 6 ? hex(bytes.subarray(8, 24)) === '20010db8000600000000000000000005' : u32(bytes, 12) === 0xc6336405;
      const hops = side === 6 ? bytes[7]! : bytes[8]!;
      if (!came || (hops !== 63 && hops !== 1)) continue;
      sink.clear();
      const code = t.translate(side, bytes, 0, bytes.length, wireLength, sink);
      expect(isTranslated(code) || code === REASON.hopLimitExpired).toBe(true);
      expect(sink.count).toBe(1);
      const ours = hex(sink.packet(0));
      expect(
        list.slice(i + 1, i + 64).some((later) => hex(later.bytes) === ours),
        `packet ${i + 1}`,
      ).toBe(true);
      compared++;
    }
    expect(compared).toBe(181);
  });

  it('keeps every checksum valid', () => {
    const t = siit(config);
    for (const b of outputs(t, ipPackets('peer-recordings/nat64-tayga-nat64.pcap'))) {
      const six = b[0]! >> 4 === 6;
      if (!six) expect(sumIsGood(sum16(b, 0, 20))).toBe(true);
      const t0 = six ? 40 : 20;
      const protocol = six ? b[6]! : b[9]!;
      const pseudo = six
        ? pseudoSum6(b, 8, 24, protocol, b.length - t0)
        : protocol === 1
          ? 0
          : pseudoSum4(b, 12, 16, protocol, b.length - t0);
      expect(sumIsGood(sum16(b, t0, b.length, pseudo))).toBe(true);
    }
  });
});
