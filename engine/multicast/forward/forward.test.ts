import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPrefixesSchema, translatorSchema } from '../../contract/index.ts';
import { putU16, unwrap } from '../../base/index.ts';
import { compileSettings, PacketSink, PacketTranslator, type AddressMapper } from '../../translator/index.ts';
import { checksum, sum16, sumIsGood, parseIpv4U32 } from '../../wire/index.ts';
import { addressText } from '../addresses.ts';
import { PrefixTable } from '../mapping/index.ts';
import { dataPacket } from '../messages/index.ts';
import { Forwarder, ForwardingTable, ForwardSink, GroupMapper } from './index.ts';

const prefixes = unwrap(PrefixTable.create(multicastPrefixesSchema.parse({})));
const S4 = '192.0.2.33';
const G4 = '232.1.2.3';
const S6 = prefixes.sourceText6(S4)!;
const G6 = prefixes.groupText6(G4)!;

/** Interfaces 0 and 1 take data, 2 and 3 send it; interface 3 has a small MTU. */
function rig(change: { encapsulate?: number; threshold?: number } = {}) {
  const table = new ForwardingTable(2, 100);
  const native = new ForwardingTable(8, 100);
  const { encapsulate = 0, threshold = 1 } = change;
  const forwarder = new Forwarder({
    table,
    native,
    sets: prefixes.sets,
    mtu: [1_500, 1_500, 1_500, 1_280],
    encapsulate,
    threshold,
    translates: true,
  });
  const row = table.add(Uint32Array.of(parseIpv4U32(S4), parseIpv4U32(G4)));
  table.in4[row] = 0;
  table.setLists(row, 0b0100, 0b0100, 0, 0);
  return { table, native, forwarder, row, sink: new ForwardSink() };
}

const packet4 = (bytes = 100, change: object = {}): Uint8Array =>
  dataPacket(4, {
    source: S4,
    destination: G4,
    payload: new Uint8Array(bytes).fill(7),
    ttl: 9,
    sourcePort: 1,
    destinationPort: 2,
    ...change,
  });
const packet6 = (bytes = 100): Uint8Array =>
  dataPacket(6, { source: S6, destination: G6, payload: new Uint8Array(bytes).fill(7), ttl: 9, sourcePort: 1, destinationPort: 2 });

function send(r: ReturnType<typeof rig>, family: 4 | 6, iface: number, b: Uint8Array): { iface: number; bytes: Uint8Array }[] {
  r.sink.clear();
  r.forwarder.forward(family, iface, b, 0, b.length, r.sink);
  return Array.from({ length: r.sink.rows }, (_, i) => ({ iface: r.sink.iface[i]!, bytes: r.sink.packets.packet(r.sink.packet[i]!) }));
}

/** The addresses of the forwarding path, without its short way. */
function generalMapper(): AddressMapper {
  const mapper = new GroupMapper(prefixes.sets);
  mapper.source4 = parseIpv4U32(S4);
  mapper.destination4 = parseIpv4U32(G4);
  return {
    source4: mapper.source4,
    destination4: mapper.destination4,
    addresses6: mapper.addresses6,
    sourcePort: -1,
    destinationPort: -1,
    hairpin: false,
    map64: (view, inner) => mapper.map64(view, inner),
    map46: (view, inner) => mapper.map46(view, inner),
  };
}

/** An IPv4 packet of the stream around bytes that are taken for its transport. */
function ip4(data: Uint8Array, protocol: number, tos: number, fragment: number): Uint8Array {
  const b = packet4(data.length - 8);
  b.set(data, 20);
  b[1] = tos;
  putU16(b, 6, fragment);
  b[9] = protocol;
  putU16(b, 10, 0);
  putU16(b, 10, checksum(b, 0, 20));
  return b;
}

describe('the forwarding path', () => {
  it('makes one copy of each family, with the TTL lowered once and good checksums', () => {
    const [four, six] = send(rig(), 4, 0, packet4());
    expect(four!.bytes[8]).toBe(8);
    expect(sumIsGood(sum16(four!.bytes, 0, 20))).toBe(true);
    expect(addressText(six!.bytes, 8, 6)).toBe(S6);
    expect(addressText(six!.bytes, 24, 6)).toBe(G6);
    expect(six!.bytes[7]).toBe(8);
    expect(six!.bytes.slice(48)).toEqual(packet4().slice(28));
  });

  it('translates back what it translated, but for the hops', () => {
    const there = rig();
    const six = send(there, 4, 0, packet4())[1]!.bytes;
    const back = rig();
    back.table.in4[back.row] = -1;
    back.table.in6[back.row] = 1;
    back.table.setLists(back.row, 0, 0, 0b0100, 0);
    const four = send(back, 6, 1, six)[0]!.bytes;
    const wanted = packet4();
    expect(four.slice(12)).toEqual(wanted.slice(12));
    expect(four[8]).toBe(wanted[8]! - 2);
  });

  it('drops and counts the other family, the wrong interface, the unknown, the old and the damaged', () => {
    const r = rig({ threshold: 5 });
    expect(send(r, 6, 1, packet6())).toEqual([]);
    expect(r.forwarder.dropped('rpf_other_family')).toBe(1);
    expect(r.table.otherFamily[r.row]).toBe(1);
    send(r, 4, 1, packet4());
    expect(r.forwarder.dropped('rpf_interface')).toBe(1);
    send(r, 4, 0, packet4(10, { destination: '232.9.9.9' }));
    expect(r.forwarder.dropped('no_entry')).toBe(1);
    send(r, 4, 0, packet4(10, { ttl: 4 }));
    expect(r.forwarder.dropped('ttl_expired')).toBe(1);
    const damaged = packet4();
    damaged[9] = 1;
    send(r, 4, 0, damaged);
    expect(r.forwarder.dropped('bad_checksum')).toBe(1);
    send(r, 4, 0, packet4().subarray(0, 50));
    expect(r.forwarder.dropped('malformed')).toBe(1);
    expect(r.forwarder.packetsOut).toBe(0);
  });

  it('encapsulates with 40 bytes and unpacks to what went in (RFC 8114)', () => {
    const r = rig({ encapsulate: 0b0100 });
    const outer = send(r, 4, 0, packet4())[1]!.bytes;
    expect(outer.length).toBe(packet4().length + 40);
    expect(outer[6]).toBe(4);
    const edge = rig();
    edge.table.in4[edge.row] = -1;
    edge.table.in6[edge.row] = 1;
    edge.table.setLists(edge.row, 0, 0, 0b0100, 0b1000);
    const copies = send(edge, 6, 1, outer);
    expect(copies.map(({ iface }) => iface)).toEqual([3, 2]);
    expect(copies[1]!.bytes.slice(12)).toEqual(packet4().slice(12));
    expect(copies[1]!.bytes[8]).toBe(7);
    expect(edge.forwarder.decapsulated).toBe(1);
  });

  it('unpacks no packet whose inner header is too short, too long or damaged', () => {
    const outer = send(rig({ encapsulate: 0b0100 }), 4, 0, packet4())[1]!.bytes;
    const edge = rig();
    edge.table.in4[edge.row] = -1;
    edge.table.in6[edge.row] = 1;
    edge.table.setLists(edge.row, 0, 0, 0b0100, 0);
    const changed = (at: number, value: number): Uint8Array => {
      const b = outer.slice();
      b[40 + at] = value;
      return b;
    };
    expect(send(edge, 6, 1, changed(0, 0x40))).toEqual([]);
    expect(send(edge, 6, 1, changed(3, 19))).toEqual([]);
    expect(edge.forwarder.dropped('malformed')).toBe(2);
    expect(send(edge, 6, 1, changed(1, 0xff))).toEqual([]);
    expect(edge.forwarder.dropped('bad_checksum')).toBe(1);
    expect(edge.forwarder.decapsulated).toBe(0);
  });

  it('cuts what may be cut to the MTU, and drops and counts what may not (M-21)', () => {
    const r = rig();
    r.table.setLists(r.row, 0b1000, 0b1000, 0, 0);
    const copies = send(r, 4, 0, packet4(1_400));
    for (const { bytes } of copies) expect(bytes.length).toBeLessThanOrEqual(1_280);
    expect(copies).toHaveLength(4);
    expect(r.forwarder.fragments).toBe(4);
    expect(send(r, 4, 0, packet4(1_400, { dontFragment: true }))).toEqual([]);
    expect(r.forwarder.dropped('too_big')).toBe(2);
  });

  it('computes the UDP checksum that IPv4 left out (M-23)', () => {
    const six = send(rig(), 4, 0, packet4(100, { noChecksum: true }))[1]!.bytes;
    const pseudo = sum16(six, 8, 40) + 17 + (six.length - 40);
    expect(sumIsGood(sum16(six, 40, six.length, pseudo))).toBe(true);
  });

  it('gives the bytes of the general way of the translator, with a copy of the own family before it and without', () => {
    const general = new PacketTranslator(
      unwrap(compileSettings(translatorSchema.parse({ mtu4: 1_500, mtu6: 1_500, lowestIpv6Mtu: 1_500, badHeaderChecksum: 'forward' }))),
      generalMapper(),
    );
    const wanted = new PacketSink(10_000, 10);
    const r = rig();
    const protocols = fc.constantFrom(17, 17, 6, 33, 136, 132, 47);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 1_400 }),
        protocols,
        fc.nat(255),
        fc.nat(3),
        fc.boolean(),
        (data, protocol, tos, df, own) => {
          const packet = ip4(data, protocol, tos, (df & 1) * 0x4000 + (df & 2) * 0x1000);
          r.table.setLists(r.row, own ? 0b0100 : 0, 0b0100, 0, 0);
          wanted.clear();
          general.translate(4, packet, 0, packet.length, packet.length, wanted);
          const copies = send(r, 4, 0, packet).map(({ bytes }) => bytes);
          const last = wanted.count === 0 ? undefined : wanted.packet(0);
          expect(copies.filter((bytes) => bytes[0]! >>> 4 === 6)).toEqual(last === undefined ? [] : [last]);
          expect(copies.some((bytes) => bytes[0] === 0x45)).toBe(own);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('makes the same copies of a packet that lies inside a larger array', () => {
    const long = packet4(400);
    const larger = new Uint8Array(long.length + 50).fill(0xaa);
    larger.set(long, 17);
    for (const encapsulate of [0, 0b0100]) {
      const one = rig({ encapsulate });
      const another = rig({ encapsulate });
      another.forwarder.forward(4, 0, larger, 17, long.length + 20, another.sink);
      const copies = Array.from({ length: another.sink.rows }, (_, i) => another.sink.packets.packet(another.sink.packet[i]!));
      expect(copies).toEqual(send(one, 4, 0, long).map(({ bytes }) => bytes));
      expect(copies).toHaveLength(2);
    }
  });

  it('translates the same for interfaces of two MTUs, where nothing goes out in the own family', () => {
    const r = rig();
    r.table.setLists(r.row, 0, 0b1100, 0, 0);
    const [large, small] = send(r, 4, 0, packet4(700));
    expect([large!.iface, small!.iface]).toEqual([2, 3]);
    expect(small!.bytes).toEqual(large!.bytes);
  });

  it('keeps the whole table through growth, removal and reuse', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 30 })), { maxLength: 400 }),
        (steps) => {
          const table = new ForwardingTable(2, 1_000, 4);
          const model = new Map<string, number>();
          for (const [add, s, g] of steps) {
            const key = Uint32Array.of(s, g);
            if (add) {
              const row = table.add(key);
              const value = model.get(`${s} ${g}`) ?? s * 100 + g;
              table.to44[row] = value;
              model.set(`${s} ${g}`, value);
            } else {
              table.remove(table.find(key));
              model.delete(`${s} ${g}`);
            }
          }
          expect(table.used).toBe(model.size);
          for (let s = 0; s <= 60; s++) {
            for (let g = 0; g <= 30; g++) {
              const row = table.find2(s, g);
              expect(row < 0 ? undefined : table.to44[row]).toBe(model.get(`${s} ${g}`));
            }
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('never throws on any bytes', () => {
    const r = rig();
    fc.assert(
      fc.property(fc.constantFrom<4 | 6>(4, 6), fc.uint8Array({ maxLength: 120 }), fc.nat(), (family, noise, cut) => {
        const whole = family === 4 ? packet4(40) : packet6(40);
        const mixed = whole.slice(0, cut % (whole.length + 1));
        for (const b of [noise, mixed, Uint8Array.of(...whole.slice(0, 44), ...noise)]) send(r, family, 0, b);
      }),
      { numRuns: 300 },
    );
  });
});
