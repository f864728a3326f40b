import { describe, expect, it } from 'vitest';
import { hex, putU16, putU32, u16, u32 } from '../base/index.ts';
import type { TranslatorInput } from '../contract/index.ts';
import { capturesMissing, haveCaptures } from '../testing/captures.ts';
import { readIpPackets } from '../testing/raw-captures.ts';
import { checksum, pseudoSum4, pseudoSum6, sum16, sumIsGood } from '../wire/index.ts';
import { isTranslated, REASON } from './reasons.ts';
import { newSink, siit, translated } from './test-support.ts';

if (!haveCaptures) process.stdout.write(`${capturesMissing}\n`);

const HOST6 = '20010db8000600000000000000000005';
const HOST4 = 0xc6336405;

describe.skipIf(!haveCaptures)('TAYGA between two hosts', () => {
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
    const list = readIpPackets('peer-recordings/nat64-tayga-nat64.pcap');
    const sink = newSink();
    let compared = 0;
    for (const [i, { side, bytes, wireLength }] of list.entries()) {
      // From one of the two hosts and not yet through the translator, or about to run out of hops there.
      const came = side === 6 ? hex(bytes.subarray(8, 24)) === HOST6 : u32(bytes, 12) === HOST4;
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

  it('what one host sent is what the other got, two routers and the translator between them', () => {
    const t = siit(config);
    const sink = newSink();
    const [near6, near4] = [hostPackets('g6'), hostPackets('g4')];
    const mss = segmentSizes([...near6, ...near4]);
    const got: { 4: string[]; 6: string[] } = { 4: [], 6: [] };
    // Nobody has this address: the router beside the IPv4 host drops what is for it.
    const nobody = 0xc633644d;
    const sent = [
      ...near6.filter((b) => hex(b.subarray(8, 24)) === HOST6 && u32(b, 36) !== nobody),
      ...near4.filter((b) => u32(b, 12) === HOST4 && isOfTayga(u32(b, 16))),
    ];
    for (const piece of sent.flatMap((b) => asSent(b, mss))) {
      sink.clear();
      const before = oneHop(piece);
      t.translate(before[0]! >> 4 === 6 ? 6 : 4, before, 0, before.length, before.length, sink, 0);
      for (let i = 0; i < sink.count; i++) {
        const after = oneHop(sink.packet(i));
        got[after[0]! >> 4 === 6 ? 6 : 4].push(hex(after));
      }
    }
    const came6 = near6.filter((b) => hex(b.subarray(24, 40)) === HOST6).map((b) => hex(b));
    const came4 = near4.filter((b) => u32(b, 16) === HOST4 && isOfTayga(u32(b, 12))).map((b) => hex(b));
    expect([got[6].length, got[4].length]).toEqual([87, 93]);
    expect(got[6].sort()).toEqual(came6.sort());
    expect(got[4].sort()).toEqual(came4.sort());
  });

  it('keeps every checksum valid', () => {
    const t = siit(config);
    for (const b of translated(t, readIpPackets('peer-recordings/nat64-tayga-nat64.pcap'))) {
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

/** Unicast packets between the two hosts, as one of them saw them: TCP, UDP, echoes and errors, cut to the length that the IP header gives. */
function hostPackets(name: string): Uint8Array[] {
  return readIpPackets(`peer-recordings/nat64-tayga-${name}.pcap`)
    .filter(({ side, bytes }) => (side === 6 ? u16(bytes, 8) === 0x2001 && bytes[24] !== 0xff && !isNeighbor(bytes) : true))
    .map(({ side, bytes }) => bytes.slice(0, side === 6 ? 40 + u16(bytes, 4) : u16(bytes, 2)));
}

/** 192.168.0.0/16, where the IPv6 host and the translator have their IPv4 addresses. */
const isOfTayga = (v4: number): boolean => v4 >>> 16 === 0xc0a8;

const isNeighbor = (b: Uint8Array): boolean => b[6] === 58 && b[40]! >= 133;

const transportOf = (b: Uint8Array): number => (b[0]! >> 4 === 6 ? 40 : 20);
const protocolOf = (b: Uint8Array): number => (b[0]! >> 4 === 6 ? b[6]! : b[9]!);

/** Payload of a full segment of each TCP connection, by the port of the client: the smaller MSS of both SYNs less the timestamps. */
function segmentSizes(packets: readonly Uint8Array[]): Map<number, number> {
  const out = new Map<number, number>();
  for (const b of packets) {
    const t = transportOf(b);
    if (protocolOf(b) !== 6 || (b[t + 13]! & 2) === 0 || u16(b, t + 20) !== 0x0204) continue;
    const client = u16(b, (b[t + 13]! & 0x10) === 0 ? t : t + 2);
    out.set(client, Math.min(out.get(client) ?? Number.MAX_SAFE_INTEGER, u16(b, t + 22) - 12));
  }
  return out;
}

/** The recordings were made above the network card, which cuts long TCP segments and completes checksums: what the card did of it. */
function asSent(b: Uint8Array, mss: ReadonlyMap<number, number>): Uint8Array[] {
  const t = transportOf(b);
  if (protocolOf(b) !== 6) return [summed(b.slice())];
  const data = t + (b[t + 12]! >> 4) * 4;
  const size = mss.get(u16(b, t)) ?? mss.get(u16(b, t + 2)) ?? b.length;
  const out: Uint8Array[] = [];
  for (let at = data; at === data || at < b.length; at += size) {
    const end = Math.min(b.length, at + size);
    const piece = new Uint8Array(data + end - at);
    piece.set(b.subarray(0, data));
    piece.set(b.subarray(at, end), data);
    putU16(piece, t === 40 ? 4 : 2, t === 40 ? piece.length - 40 : piece.length);
    putU32(piece, t + 4, (u32(b, t + 4) + at - data) >>> 0);
    if (end < b.length) piece[t + 13] = piece[t + 13]! & ~0x09;
    out.push(summed(piece));
  }
  return out;
}

/** With the checksums of IPv4 header, TCP and UDP. */
function summed(b: Uint8Array): Uint8Array {
  const t = transportOf(b);
  const protocol = protocolOf(b);
  if (t === 20) {
    putU16(b, 10, 0);
    putU16(b, 10, checksum(b, 0, 20));
  }
  if (protocol !== 6 && protocol !== 17) return b;
  const at = t + (protocol === 6 ? 16 : 6);
  putU16(b, at, 0);
  const pseudo = t === 40 ? pseudoSum6(b, 8, 24, protocol, b.length - t) : pseudoSum4(b, 12, 16, protocol, b.length - t);
  putU16(b, at, checksum(b, t, b.length, pseudo));
  return b;
}

/** Through one router. */
function oneHop(packet: Uint8Array): Uint8Array {
  const b = packet.slice();
  const at = transportOf(b) === 40 ? 7 : 8;
  b[at] = b[at]! - 1;
  if (at === 8) {
    putU16(b, 10, 0);
    putU16(b, 10, checksum(b, 0, 20));
  }
  return b;
}
