import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldNode } from '../contract/index.ts';
import { formatIpv4, formatIpv6, formatMac } from './address.ts';
import { arpView, emitArp } from './arp.ts';
import { checksum } from './checksum.ts';
import { dissectPacket, summarize, type Dissection } from './dissect.ts';
import { emitEthernet, ethernetView } from './ethernet.ts';
import { emitGre, greView } from './gre.ts';
import { extensionsAt } from './icmp-extensions.ts';
import { emitIcmp, icmpView } from './icmp.ts';
import { emitIpv4, ipv4View } from './ipv4.ts';
import { emitFragment, fragmentView } from './ipv6-extensions.ts';
import { emitIpv6, ipv6View } from './ipv6.ts';
import { emitMpls, mplsView } from './mpls.ts';
import { emitPppoe, pppoeView } from './pppoe.ts';
import { ipv4Packet, samplePackets, tcpInIp, udpInIp } from './sample-packets.ts';
import { emitSctp, sctpView } from './sctp.ts';
import { emitTcp, tcpView } from './tcp.ts';
import { emitUdp, udpView } from './udp.ts';
import { emitVlan, vlanView } from './vlan.ts';
import { emitVxlan, vxlanView } from './vxlan.ts';

const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffffffff });
const u8 = fc.nat({ max: 255 });
const bytesOf = (n: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: n, maxLength: n });

function fieldsOf(dissection: Dissection): Map<string, (string | number | boolean)[]> {
  const out = new Map<string, (string | number | boolean)[]>();
  const walk = (nodes: readonly FieldNode[]): void => {
    for (const node of nodes) {
      if (node.raw !== undefined) out.set(node.name, [...(out.get(node.name) ?? []), node.raw]);
      walk(node.children ?? []);
    }
  };
  walk(dissection.layers);
  return out;
}

function dissect(bytes: Uint8Array, linkType: number): Map<string, (string | number | boolean)[]> {
  return fieldsOf(dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 }));
}

describe('views read what builders write', () => {
  const b = new Uint8Array(128);

  it('Ethernet, VLAN, MPLS and PPPoE', () => {
    fc.assert(
      fc.property(bytesOf(6), bytesOf(6), u16, u16, u8, (source, destination, type, id, bits) => {
        expect(emitEthernet(b, 3, { source, destination, type })).toBe(14);
        expect([ethernetView.source(b, 3), ethernetView.destination(b, 3), ethernetView.type(b, 3)]).toEqual([
          formatMac(source, 0),
          formatMac(destination, 0),
          type,
        ]);
        const tag = { priority: bits & 7, dropEligible: bits > 128, id: id & 0xfff, type };
        emitVlan(b, 3, tag);
        expect({
          priority: vlanView.priority(b, 3),
          dropEligible: vlanView.dropEligible(b, 3),
          id: vlanView.id(b, 3),
          type: vlanView.type(b, 3),
        }).toEqual(tag);
        const label = { label: (id << 4) | (bits & 15), trafficClass: bits & 7, bottom: bits > 99, ttl: bits };
        emitMpls(b, 3, label);
        expect({
          label: mplsView.label(b, 3),
          trafficClass: mplsView.trafficClass(b, 3),
          bottom: mplsView.bottom(b, 3),
          ttl: mplsView.ttl(b, 3),
        }).toEqual(label);
        const session = { code: bits, sessionId: id, payloadLength: type };
        emitPppoe(b, 3, session);
        expect({ code: pppoeView.code(b, 3), sessionId: pppoeView.sessionId(b, 3), payloadLength: pppoeView.payloadLength(b, 3) }).toEqual(
          session,
        );
      }),
    );
  });

  it('ARP', () => {
    fc.assert(
      fc.property(u16, bytesOf(6), bytesOf(4), bytesOf(6), bytesOf(4), (opcode, senderMac, senderIp, targetMac, targetIp) => {
        emitArp(b, 0, { opcode, senderMac, senderIp, targetMac, targetIp });
        expect(arpView.check(b, 0, 28)).toBe(true);
        expect(arpView.check(b, 0, 27)).toBe(false);
        expect(arpView.opcode(b, 0)).toBe(opcode);
        expect(b.slice(arpView.senderHardware(b, 0), arpView.senderHardware(b, 0) + 6)).toEqual(senderMac);
        expect(b.slice(arpView.senderProtocol(b, 0), arpView.senderProtocol(b, 0) + 4)).toEqual(senderIp);
        expect(b.slice(arpView.targetHardware(b, 0), arpView.targetHardware(b, 0) + 6)).toEqual(targetMac);
        expect(b.slice(arpView.targetProtocol(b, 0), arpView.targetProtocol(b, 0) + 4)).toEqual(targetIp);
      }),
    );
  });

  it('IPv4 with options, and IPv6', () => {
    fc.assert(
      fc.property(bytesOf(4), bytesOf(4), u8, u8, u16, fc.nat({ max: 40 }), (source, destination, protocol, ttl, identification, size) => {
        const options = new Uint8Array(size).fill(1);
        const fields = {
          source,
          destination,
          protocol,
          ttl,
          identification,
          payloadLength: 11,
          fragmentOffset: 1480,
          moreFragments: true,
          options,
        };
        const length = emitIpv4(b, 0, fields);
        expect(length).toBe(20 + Math.ceil(size / 4) * 4);
        expect(ipv4View.check(b, 0, length)).toBe(true);
        expect(ipv4View.check(b, 0, length - 1)).toBe(false);
        expect([ipv4View.totalLength(b, 0), ipv4View.protocol(b, 0), ipv4View.ttl(b, 0), ipv4View.identification(b, 0)]).toEqual([
          length + 11,
          protocol,
          ttl,
          identification,
        ]);
        expect([ipv4View.fragmentOffset(b, 0), ipv4View.moreFragments(b, 0), ipv4View.dontFragment(b, 0)]).toEqual([1480, true, false]);
        expect([ipv4View.source(b, 0), ipv4View.destination(b, 0)]).toEqual([formatIpv4(source, 0), formatIpv4(destination, 0)]);
      }),
    );
    fc.assert(
      fc.property(
        bytesOf(16),
        bytesOf(16),
        u8,
        u8,
        u16,
        fc.nat({ max: 0xfffff }),
        (source, destination, nextHeader, hopLimit, payloadLength, flowLabel) => {
          emitIpv6(b, 0, { source, destination, nextHeader, hopLimit, payloadLength, flowLabel, trafficClass: hopLimit });
          expect([ipv6View.version(b, 0), ipv6View.trafficClass(b, 0), ipv6View.flowLabel(b, 0)]).toEqual([6, hopLimit, flowLabel]);
          expect([ipv6View.nextHeader(b, 0), ipv6View.hopLimit(b, 0), ipv6View.payloadLength(b, 0)]).toEqual([
            nextHeader,
            hopLimit,
            payloadLength,
          ]);
          expect([ipv6View.source(b, 0), ipv6View.destination(b, 0)]).toEqual([formatIpv6(source, 0), formatIpv6(destination, 0)]);
        },
      ),
    );
  });

  it('the IPv6 fragment header', () => {
    fc.assert(
      fc.property(u8, fc.nat({ max: 0x1fff }), fc.boolean(), u32, (nextHeader, units, more, identification) => {
        emitFragment(b, 0, { nextHeader, offset: units * 8, more, identification });
        expect([
          fragmentView.nextHeader(b, 0),
          fragmentView.offset(b, 0),
          fragmentView.more(b, 0),
          fragmentView.identification(b, 0),
        ]).toEqual([nextHeader, units * 8, more, identification]);
      }),
    );
  });

  it('TCP, UDP, SCTP, ICMP, GRE and VXLAN', () => {
    fc.assert(
      fc.property(u16, u16, u32, u32, fc.nat({ max: 0xfff }), (sourcePort, destinationPort, sequence, acknowledgment, flags) => {
        const length = emitTcp(b, 1, {
          sourcePort,
          destinationPort,
          sequence,
          acknowledgment,
          flags,
          window: sourcePort,
          options: new Uint8Array([1, 1, 1]),
        });
        expect(tcpView.check(b, 1, 1 + length)).toBe(true);
        expect([tcpView.sourcePort(b, 1), tcpView.destinationPort(b, 1), tcpView.sequence(b, 1), tcpView.acknowledgment(b, 1)]).toEqual([
          sourcePort,
          destinationPort,
          sequence,
          acknowledgment,
        ]);
        expect([tcpView.flags(b, 1), tcpView.window(b, 1), tcpView.headerLength(b, 1)]).toEqual([flags, sourcePort, 24]);
        emitUdp(b, 1, { sourcePort, destinationPort, payloadLength: 5 });
        expect([udpView.sourcePort(b, 1), udpView.destinationPort(b, 1), udpView.length(b, 1)]).toEqual([sourcePort, destinationPort, 13]);
        emitSctp(b, 1, { sourcePort, destinationPort, verificationTag: sequence });
        expect([sctpView.sourcePort(b, 1), sctpView.destinationPort(b, 1), sctpView.verificationTag(b, 1)]).toEqual([
          sourcePort,
          destinationPort,
          sequence,
        ]);
        emitIcmp(b, 1, { type: flags & 255, code: 3, rest: sequence });
        expect([icmpView.type(b, 1), icmpView.code(b, 1), icmpView.identifier(b, 1), icmpView.sequence(b, 1)]).toEqual([
          flags & 255,
          3,
          sequence >>> 16,
          sequence & 0xffff,
        ]);
        const gre = emitGre(b, 1, { protocol: sourcePort, key: sequence });
        expect([gre, greView.headerLength(b, 1), greView.protocol(b, 1), greView.version(b, 1)]).toEqual([8, 8, sourcePort, 0]);
        emitVxlan(b, 1, sequence & 0xffffff);
        expect([vxlanView.vni(b, 1), vxlanView.hasVni(b, 1)]).toEqual([sequence & 0xffffff, true]);
      }),
    );
  });
});

describe('dissectors read what builders write', () => {
  it('has good checksums in every sample packet and no finding of malformed bytes', () => {
    for (const { name, linkType, bytes } of samplePackets()) {
      const dissection = dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 });
      const fields = fieldsOf(dissection);
      expect(dissection.bug, name).toBeUndefined();
      expect(fields.has('_ws.malformed') && !['pptp', 'ipv4-fragment'].includes(name), name).toBe(false);
      for (const field of [
        'ip.checksum.status',
        'icmpv6.checksum.status',
        'igmp.checksum.status',
        'sctp.checksum.status',
        'gre.checksum.status',
      ]) {
        for (const status of fields.get(field) ?? []) expect([1, 2], `${name} ${field}`).toContain(status);
      }
    }
  });

  it('TCP and UDP over both versions, with a verdict on the checksum', () => {
    fc.assert(
      fc.property(fc.constantFrom(4 as const, 6 as const), fc.uint8Array({ maxLength: 90 }), fc.nat(), (version, payload, at) => {
        const packet = udpInIp(version, 9, payload);
        expect(dissect(packet, 101).get('udp.checksum.status')).toEqual([1]);
        const header = version === 4 ? 20 : 40;
        const changed = tcpInIp(version, 0x18, new Uint8Array(0), payload);
        expect(dissect(changed, 101).get('tcp.checksum.status')).toEqual([1]);
        expect(dissect(changed, 101).get('tcp.len')).toEqual([payload.length]);
        const where = header + 4 + (at % 8);
        changed[where] = changed[where]! ^ 0x55;
        expect(dissect(changed, 101).get('tcp.checksum.status')).toEqual([0]);
      }),
    );
  });

  it('says that a cut packet was cut, and leaves its checksum unverified', () => {
    const packet = tcpInIp(4, 0x18, new Uint8Array(0), new Uint8Array(100));
    const dissection = dissectPacket(packet.subarray(0, 60), 101, 60, packet.length, { number: 1 });
    const fields = fieldsOf(dissection);
    expect(fields.get('tcp.checksum.status')).toEqual([2]);
    expect(fields.get('tcp.len')).toEqual([100]);
    expect(fields.get('frame.cap_len')).toEqual([60]);
    expect(fields.get('frame.len')).toEqual([packet.length]);
    const inHeader = dissectPacket(packet.subarray(0, 30), 101, 30, packet.length, { number: 1 });
    const names = inHeader.layers.flatMap((layer) => layer.children?.map((child) => child.name) ?? []);
    expect(names).toContain('_ws.short');
    const honest = dissectPacket(packet.subarray(0, 30), 101, 30, 30, { number: 1 });
    expect(honest.layers.flatMap((layer) => layer.children?.map((child) => child.name) ?? [])).toContain('_ws.malformed');
  });

  it('keeps every byte range inside the packet and inside order', () => {
    for (const { name, linkType, bytes } of samplePackets()) {
      const walk = (nodes: readonly FieldNode[]): void => {
        for (const node of nodes) {
          expect(node.offset >= 0 && node.length >= 0 && node.offset + node.length <= bytes.length, `${name} ${node.name}`).toBe(true);
          walk(node.children ?? []);
        }
      };
      walk(dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 }).layers);
    }
  });

  it('reads what options and extensions of the samples hold', () => {
    const fields = (name: string): Map<string, (string | number | boolean)[]> => {
      const sample = samplePackets().find((packet) => packet.name === name)!;
      return dissect(sample.bytes, sample.linkType);
    };
    const advertisement = fields('icmpv6-ra');
    expect(advertisement.get('icmpv6.opt.prefix')).toEqual(['2001:db8::', '2001:db8::', '64:ff9b::']);
    expect(advertisement.get('icmpv6.opt.mtu')).toEqual([1500]);
    expect(advertisement.get('icmpv6.opt.rdnss')).toEqual(['2001:db8::53']);
    expect(advertisement.get('icmpv6.opt.dnssl')).toEqual(['example.com']);
    expect(advertisement.get('icmpv6.opt.pref64.plc')).toEqual([0]);
    const error = fields('icmp-extensions');
    expect(error.get('icmp.ext.checksum.status')).toEqual([1]);
    expect(error.get('icmp.mpls.label')).toEqual([0x12345]);
    expect(error.get('udp.dstport')).toEqual([9]);
    const hello = fields('pim-hello');
    expect(hello.get('pim.holdtime')).toEqual([105]);
    expect(hello.get('pim.override_interval')).toEqual([2500]);
    expect(hello.get('pim.generation_id')).toEqual([0x12345678]);
    expect(hello.get('pim.address_list')).toEqual(['10.0.0.2']);
    expect(fields('pim-bootstrap').get('pim.rp')).toEqual(['10.0.0.3']);
    expect(fields('igmpv3-report').get('igmp.maddr')).toEqual(['225.1.1.1']);
    expect(fields('ipv6-jumbo').get('ipv6.opt.jumbo')).toEqual([0x28]);
    expect(fields('teredo').get('teredo.orig.addr')).toEqual(['192.0.2.1']);
    expect(fields('tcp-options').get('tcp.options.mss_val')).toEqual([1460]);
    expect(fields('vxlan').get('vxlan.vni')).toEqual([77]);
  });

  it('takes extensions of an error that says no length only with a good checksum (RFC 4884 section 5.5)', () => {
    const quote = new Uint8Array(128 + 12);
    quote.set([0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4], 128);
    expect(extensionsAt(quote, 0, quote.length, 128)).toBe(128);
    expect(extensionsAt(quote, 0, quote.length, 0)).toBe(-1);
    const sum = checksum(quote, 128, quote.length);
    quote.set([sum >>> 8, sum & 255], 130);
    expect(extensionsAt(quote, 0, quote.length, 0)).toBe(128);
  });

  it('summarizes as it dissects', () => {
    for (const { name, linkType, bytes } of samplePackets()) {
      const { columns } = dissectPacket(bytes, linkType, bytes.length, bytes.length, { number: 1 });
      expect(summarize(bytes, linkType, bytes.length, bytes.length), name).toEqual(columns);
    }
  });

  it('shows an unknown protocol as bytes', () => {
    const dissection = dissectPacket(ipv4Packet(200, new Uint8Array(5)), 101, 25, 25, { number: 1 });
    expect(dissection.layerNames).toEqual(['raw', 'ip', 'data']);
    expect(dissectPacket(new Uint8Array(9), 999, 9, 9, { number: 1 }).layerNames).toEqual(['data']);
  });
});
