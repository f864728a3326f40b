import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressText, type Family } from '../addresses.ts';
import { groupPacket, ipHead, parseGroupMessage, parsePim, pimPacket, type GroupMessage, type PimMessage } from './index.ts';

const family = fc.constantFrom<Family>(4, 6);
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });

function address(f: Family, multicast: boolean) {
  const length = f === 4 ? 4 : 16;
  return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
    if (multicast) bytes[0] = f === 4 ? 224 + (bytes[0]! & 15) : 0xff;
    else if (bytes[0] === 0) bytes[0] = 1;
    return addressText(bytes, 0, f);
  });
}

function groupMessage(f: Family): fc.Arbitrary<GroupMessage> {
  const group = address(f, true);
  const source = address(f, false);
  const old = f === 4 ? fc.constantFrom<1 | 2>(1, 2) : fc.constant<2>(2);
  return fc.oneof(
    fc.record({
      kind: fc.constant('report' as const),
      version: fc.constant<3>(3),
      records: fc.array(
        fc.record({ type: fc.constantFrom(1, 2, 3, 4, 5, 6) as fc.Arbitrary<1>, group, sources: fc.array(source, { maxLength: 4 }) }),
        { maxLength: 4 },
      ),
    }),
    fc
      .tuple(old, group)
      .map(([version, g]) => ({ kind: 'report' as const, version, records: [{ type: 2 as const, group: g, sources: [] }] })),
    group.map((g) => ({ kind: 'leave' as const, version: 2 as const, group: g })),
    fc.record({
      kind: fc.constant('query' as const),
      version: fc.constant<3>(3),
      group: fc.oneof(fc.constant(''), group),
      sources: fc.array(source, { maxLength: 4 }),
      maxResponseMs: fc.integer({ min: 1, max: 127 }).map((tenths) => tenths * 100),
      suppress: fc.boolean(),
      robustness: fc.integer({ min: 0, max: 7 }),
      intervalS: fc.integer({ min: 0, max: 127 }),
    }),
  );
}

function pimMessage(f: Family): fc.Arbitrary<PimMessage> {
  const group = address(f, true);
  const source = address(f, false);
  const maskLength = fc.integer({ min: 0, max: f === 4 ? 32 : 128 });
  const sources = fc.array(fc.record({ source, wildcard: fc.boolean(), rpt: fc.boolean() }), { maxLength: 5 });
  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
  return fc.oneof(
    fc.record({
      kind: fc.constant('hello' as const),
      holdtimeS: u16,
      lanPruneDelay: optional(fc.record({ propagationMs: fc.integer({ min: 0, max: 0x7fff }), overrideMs: u16, tracking: fc.boolean() })),
      drPriority: optional(u32),
      generationId: optional(u32),
      addresses: fc.array(source, { maxLength: 3 }),
      translationRouter: optional(u32),
    }),
    fc.record({
      kind: fc.constant('join-prune' as const),
      upstream: source,
      holdtimeS: u16,
      groups: fc.array(fc.record({ group, maskLength, joins: sources, prunes: sources }), { maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('register' as const),
      border: fc.boolean(),
      nullRegister: fc.boolean(),
      packet: fc.uint8Array({ maxLength: 60 }),
    }),
    fc.record({ kind: fc.constant('register-stop' as const), group, source }),
    fc.record({
      kind: fc.constant('assert' as const),
      group,
      source,
      rpt: fc.boolean(),
      preference: fc.integer({ min: 0, max: 0x7fffffff }),
      metric: u32,
    }),
    fc.record({
      kind: fc.constant('bootstrap' as const),
      noForward: fc.boolean(),
      fragmentTag: u16,
      hashMaskLength: fc.integer({ min: 0, max: 128 }),
      priority: fc.integer({ min: 0, max: 255 }),
      bsr: source,
      groups: fc.array(
        fc.record({
          group,
          maskLength,
          bidirectional: fc.boolean(),
          count: fc.integer({ min: 0, max: 255 }),
          rps: fc.array(fc.record({ address: source, holdtimeS: u16, priority: fc.integer({ min: 0, max: 255 }) }), { maxLength: 3 }),
        }),
        { maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant('candidate-rp' as const),
      priority: fc.integer({ min: 0, max: 255 }),
      holdtimeS: u16,
      rp: source,
      groups: fc.array(fc.record({ group, maskLength, bidirectional: fc.boolean() }), { maxLength: 3 }),
    }),
  );
}

const ends = (f: Family): [string, string] => (f === 4 ? ['192.0.2.1', '224.0.0.22'] : ['fe80::1', 'ff02::16']);

describe('messages', () => {
  it('of IGMP and MLD come back as they were built', () => {
    fc.assert(
      fc.property(
        family.chain((f) => fc.tuple(fc.constant(f), groupMessage(f))),
        ([f, message]) => {
          const packet = groupPacket(message, f, ...ends(f));
          const head = ipHead(packet, 0, packet.length)!;
          expect(head).toMatchObject({ family: f, ttl: 1, end: packet.length });
          expect(parseGroupMessage(packet, head.at, head.end, f, 8, 24)).toEqual(message);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of PIM come back as they were built', () => {
    fc.assert(
      fc.property(
        family.chain((f) => fc.tuple(fc.constant(f), pimMessage(f))),
        ([f, message]) => {
          const packet = pimPacket(message, f, ...ends(f));
          const head = ipHead(packet, 0, packet.length)!;
          expect(parsePim(packet, head.at, head.end, f, 8, 24)).toEqual(message);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('are refused when a byte is changed or missing, and never throw', () => {
    fc.assert(
      fc.property(
        family.chain((f) => fc.tuple(fc.constant(f), pimMessage(f), groupMessage(f))),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ([f, pim, membership], at, change) => {
          for (const [packet, parse] of [
            [pimPacket(pim, f, ...ends(f)), parsePim],
            [groupPacket(membership, f, ...ends(f)), parseGroupMessage],
          ] as const) {
            const head = ipHead(packet, 0, packet.length)!;
            for (let end = head.at; end < head.end; end++) parse(packet, head.at, end, f, 8, 24);
            // Beyond the first eight bytes a register is not covered by its checksum.
            const covered = pim.kind === 'register' && parse === parsePim ? head.at + 8 : head.end;
            const place = head.at + (at % (covered - head.at));
            packet[place] = packet[place]! ^ change;
            expect(['checksum', 'type', 'short']).toContain(parse(packet, head.at, head.end, f, 8, 24));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
