import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multicastPrefixesSchema } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { parseIpv4U32, parseIpv6 } from '../../wire/index.ts';
import { PrefixTable } from '../mapping/index.ts';
import { dataPacket } from '../messages/index.ts';
import { Forwarder, ForwardingTable, ForwardSink, StreamPlace } from './index.ts';

const prefixes = unwrap(PrefixTable.create(multicastPrefixesSchema.parse({})));
const SOURCE = '192.0.2.33';
const STREAMS = 12;
const INTERFACES = 4;

interface Rig {
  readonly table: ForwardingTable;
  readonly native: ForwardingTable;
  readonly forwarder: Forwarder;
  readonly sink: ForwardSink;
}

function rig(): Rig {
  const table = new ForwardingTable(2, 100, 4);
  const native = new ForwardingTable(8, 100, 4);
  const mtu = [1_500, 1_500, 1_280, 1_500];
  const options = { table, native, sets: prefixes.sets, mtu, encapsulate: 0b1000, threshold: 1, translates: true };
  return { table, native, forwarder: new Forwarder(options), sink: new ForwardSink() };
}

/** Streams below STREAMS have both forms, later ones are of IPv6 alone. */
const isNative = (stream: number): boolean => stream >= STREAMS;
const group4 = (stream: number): string => `232.1.2.${stream}`;
const source6 = (stream: number): string => (isNative(stream) ? '2001:db8:1::33' : prefixes.sourceText6(SOURCE)!);
const group6 = (stream: number): string => (isNative(stream) ? `ff3e::1:${stream.toString(16)}` : prefixes.groupText6(group4(stream))!);

function packetOf(stream: number, family: 4 | 6, bytes: number): Uint8Array {
  const common = { payload: new Uint8Array(bytes).fill(stream), ttl: 9, sourcePort: 1, destinationPort: 2 };
  if (family === 4) return dataPacket(4, { ...common, source: SOURCE, destination: group4(stream) });
  return dataPacket(6, { ...common, source: source6(stream), destination: group6(stream) });
}

function keyOf(stream: number): Uint32Array {
  if (!isNative(stream)) return Uint32Array.of(parseIpv4U32(SOURCE), parseIpv4U32(group4(stream)));
  const words = [source6(stream), group6(stream)].flatMap((text) => {
    const view = new DataView(parseIpv6(text)!.buffer);
    return [0, 4, 8, 12].map((at) => view.getUint32(at));
  });
  return Uint32Array.from(words);
}

type Step =
  | { readonly kind: 'packet'; readonly stream: number; readonly family: 4 | 6; readonly iface: number; readonly bytes: number }
  | { readonly kind: 'row'; readonly stream: number; readonly in4: number; readonly in6: number; readonly lists: readonly number[] }
  | { readonly kind: 'remove'; readonly stream: number };

const stream = fc.integer({ min: 0, max: STREAMS + 3 });
const iface = fc.integer({ min: 0, max: INTERFACES - 1 });
const lists = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 4, maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('packet' as const),
      stream,
      family: fc.constantFrom(4 as const, 6 as const),
      iface,
      bytes: fc.constantFrom(20, 300, 1_400),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('row' as const),
      stream,
      in4: fc.integer({ min: -1, max: INTERFACES - 1 }),
      in6: fc.integer({ min: -1, max: INTERFACES - 1 }),
      lists,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), stream }) },
);

/** What a rig sends for a packet, as text; places are those of the streams, or none. */
function sent(r: Rig, one: Extract<Step, { kind: 'packet' }>, place: StreamPlace | undefined): string[] {
  const family = isNative(one.stream) ? 6 : one.family;
  const b = packetOf(one.stream, family, one.bytes);
  r.sink.clear();
  r.forwarder.forward(family, one.iface, b, 0, b.length, r.sink, place);
  return Array.from(
    { length: r.sink.rows },
    (_, i) => `${r.sink.iface[i]} ${Buffer.from(r.sink.packets.packet(r.sink.packet[i]!)).toString('hex')}`,
  );
}

function change(r: Rig, one: Exclude<Step, { kind: 'packet' }>): void {
  const table = isNative(one.stream) ? r.native : r.table;
  if (one.kind === 'remove') {
    table.remove(table.find(keyOf(one.stream)));
    return;
  }
  const row = table.add(keyOf(one.stream));
  table.in4[row] = one.in4;
  table.in6[row] = one.in6;
  table.setLists(row, one.lists[0]!, one.lists[1]!, one.lists[2]!, one.lists[3]!);
}

describe('the place of a stream', () => {
  it('changes no packet and no counter, whatever becomes of the table', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 120 }), (steps) => {
        const [plain, kept] = [rig(), rig()];
        const places = new Map<string, StreamPlace>();
        for (const one of steps) {
          if (one.kind !== 'packet') {
            change(plain, one);
            change(kept, one);
            continue;
          }
          const name = `${one.stream} ${one.family}`;
          const place = places.get(name) ?? new StreamPlace();
          places.set(name, place);
          expect(sent(kept, one, place)).toEqual(sent(plain, one, undefined));
          expect([kept.forwarder.source4, kept.forwarder.group4]).toEqual([plain.forwarder.source4, plain.forwarder.group4]);
        }
        expect(kept.forwarder.drops).toEqual(plain.forwarder.drops);
        expect(kept.table.packets).toEqual(plain.table.packets);
        expect(kept.native.packets).toEqual(plain.native.packets);
      }),
      { numRuns: 60 },
    );
  });
});
