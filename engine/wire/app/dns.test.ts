import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../../base/index.ts';
import { buildDns, dnsQuery, dnsResponse } from './dns-build.ts';
import type { DnsData, DnsMessage, DnsRecord } from './dns-message.ts';
import { parseDns, readDns, readDnsName } from './dns-message.ts';
import { DNS_TYPE } from './dns-names.ts';
import { bytesOf, findings, payloadTree, values } from './app-testing.ts';
import { registerApplicationProtocols } from './index.ts';

beforeAll(registerApplicationProtocols);

const QUERY = '1234 0100 0001 0000 0000 0000 07 6578616d706c65 03 6f7267 00 0001 0001';
const RESPONSE =
  '1234 8180 0001 0002 0000 0000 07 6578616d706c65 03 6f7267 00 0001 0001 c00c 0005 0001 0000003c 0006 03777777 c00c c029 0001 0001 0000003c 0004 c0000201';

describe('dns dissector', () => {
  it('shows a query', () => {
    const tree = payloadTree('udp', bytesOf(QUERY), 40_000, 53);
    expect(tree.protocol).toBe('DNS');
    expect(tree.info).toBe('Standard query 0x1234 A example.org');
    expect(values(tree.root, 'dns.id')).toEqual([0x1234]);
    expect(values(tree.root, 'dns.flags.recdesired')).toEqual([true]);
    expect(values(tree.root, 'dns.qry.name')).toEqual(['example.org']);
    expect(values(tree.root, 'dns.qry.type')).toEqual([1]);
  });

  it('shows a response with compressed names and where each field lies', () => {
    const tree = payloadTree('udp', bytesOf(RESPONSE), 53, 40_000);
    expect(tree.info).toBe('Standard query response 0x1234 A example.org CNAME www.example.org A 192.0.2.1');
    expect(values(tree.root, 'dns.cname')).toEqual(['www.example.org']);
    expect(values(tree.root, 'dns.a')).toEqual(['192.0.2.1']);
    const layer = tree.root[0]!;
    const answers = layer.children!.find((node) => node.label === 'Answers')!;
    expect(answers.children![1]!.children!.at(-1)).toMatchObject({ name: 'dns.a', offset: 59, length: 4 });
  });

  it('names the reply code in the info column', () => {
    const bytes = bytesOf(QUERY);
    bytes[2] = 0x81;
    bytes[3] = 0x83;
    expect(payloadTree('udp', bytes, 53, 40_000).info).toBe('Standard query response 0x1234 No such name A example.org');
  });

  it('shows messages over TCP by their length, and a middle segment as bytes', () => {
    const message = bytesOf(QUERY);
    const bytes = new Uint8Array(2 * (message.length + 2));
    for (const at of [0, message.length + 2]) {
      bytes[at + 1] = message.length;
      bytes.set(message, at + 2);
    }
    const tree = payloadTree('tcp', bytes, 40_000, 53);
    expect(values(tree.root, 'dns.length')).toEqual([29, 29]);
    const middle = payloadTree('tcp', bytes.subarray(9), 40_000, 53);
    expect(middle.layers).toEqual(['data']);
  });

  it('reads multicast DNS bits out of the class', () => {
    const bytes = bytesOf(QUERY);
    bytes[bytes.length - 2] = 0x80;
    const tree = payloadTree('udp', bytes, 5353, 5353);
    expect(tree.protocol).toBe('MDNS');
    expect(values(tree.root, 'dns.qry.qu')).toEqual([true]);
    expect(values(tree.root, 'dns.qry.class')).toEqual([1]);
    expect(tree.info).toBe('Standard query 0x1234 A example.org, "QU" question');
  });

  it('says what is wrong and keeps what could be read', () => {
    const cut = payloadTree('udp', bytesOf(RESPONSE).subarray(0, 50), 53, 40_000);
    expect(values(cut.root, 'dns.cname')).toEqual(['www.example.org']);
    expect(findings(cut.root).join()).toContain('ends early');
  });
});

describe('dns names', () => {
  it('stops at a pointer loop, a forward pointer, a reserved label and a name that is too long', () => {
    expect(readDnsName(bytesOf('c000'), 0, 0, 2).error?.code).toBe('pointer');
    expect(readDnsName(bytesOf('c002 c000'), 0, 0, 4).error?.code).toBe('pointer');
    expect(readDnsName(bytesOf('0161 c000'), 0, 0, 4).error?.code).toBe('pointer');
    expect(readDnsName(bytesOf('41 00'), 0, 0, 2).error?.code).toBe('label');
    const long = new Uint8Array(400).fill(1);
    expect(readDnsName(long, 0, 0, long.length).error?.code).toBe('name');
  });

  it('keeps bytes that master files escape', () => {
    const bytes = bytesOf('03 61 2e ff 00');
    expect(readDnsName(bytes, 0, 0, 5).name).toBe('a\\.\\255');
    const message = dnsQuery(1, { name: 'a\\.\\255', type: 1, class: 1 });
    expect(unwrap(buildDns(message)).subarray(12, 17)).toEqual(bytes);
  });

  it('refuses names that cannot be written', () => {
    const build = (name: string): unknown => buildDns(dnsQuery(1, { name, type: 1, class: 1 }));
    expect(build('a..b')).toEqual({ ok: false, error: 'label' });
    expect(build('x'.repeat(64))).toEqual({ ok: false, error: 'label' });
    expect(build(Array.from({ length: 130 }, () => 'a').join('.'))).toEqual({ ok: false, error: 'long' });
    expect(build('a\\999')).toEqual({ ok: false, error: 'escape' });
  });
});

const label = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const some = (max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength: max });
const types = fc.uniqueArray(u16, { minLength: 1, maxLength: 12 }).map((list) => list.sort((a, b) => a - b));

const typed: fc.Arbitrary<{ type: number; data: DnsData }> = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((address) => ({ type: DNS_TYPE.A, data: { kind: 'address' as const, address } })),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((address) => ({ type: DNS_TYPE.AAAA, data: { kind: 'address' as const, address } })),
  fc.record({ type: fc.constantFrom(2, 5, 12, 39), data: fc.record({ kind: fc.constant('name' as const), name }) }),
  fc.record({
    type: fc.constant(DNS_TYPE.SOA),
    data: fc.record({
      kind: fc.constant('soa' as const),
      primary: name,
      mailbox: name,
      serial: u32,
      refresh: u32,
      retry: u32,
      expire: u32,
      minimum: u32,
    }),
  }),
  fc.record({ type: fc.constant(15), data: fc.record({ kind: fc.constant('mx' as const), preference: u16, exchange: name }) }),
  fc.record({
    type: fc.constant(16),
    data: fc.record({ kind: fc.constant('txt' as const), strings: fc.array(some(40), { minLength: 1, maxLength: 4 }) }),
  }),
  fc.record({
    type: fc.constant(33),
    data: fc.record({ kind: fc.constant('srv' as const), priority: u16, weight: u16, port: u16, target: name }),
  }),
  fc.record({
    type: fc.constant(35),
    data: fc.record({
      kind: fc.constant('naptr' as const),
      order: u16,
      preference: u16,
      flags: some(3),
      service: some(20),
      regexp: some(20),
      replacement: name,
    }),
  }),
  fc.record({
    type: fc.constant(41),
    data: fc.record({ kind: fc.constant('opt' as const), options: fc.array(fc.record({ code: u16, data: some(20) }), { maxLength: 4 }) }),
  }),
  fc.record({
    type: fc.constant(43),
    data: fc.record({ kind: fc.constant('ds' as const), keyTag: u16, algorithm: u8, digestType: u8, digest: some(32) }),
  }),
  fc.record({
    type: fc.constant(46),
    data: fc.record({
      kind: fc.constant('rrsig' as const),
      typeCovered: u16,
      algorithm: u8,
      labels: u8,
      originalTtl: u32,
      expiration: u32,
      inception: u32,
      keyTag: u16,
      signer: name,
      signature: some(64),
    }),
  }),
  fc.record({ type: fc.constant(47), data: fc.record({ kind: fc.constant('nsec' as const), next: name, types }) }),
  fc.record({
    type: fc.constant(50),
    data: fc.record({
      kind: fc.constant('nsec3' as const),
      algorithm: u8,
      flags: u8,
      iterations: u16,
      salt: some(8),
      next: some(20),
      types,
    }),
  }),
  fc.record({
    type: fc.constant(48),
    data: fc.record({ kind: fc.constant('dnskey' as const), flags: u16, protocol: u8, algorithm: u8, key: some(64) }),
  }),
  fc.record({
    type: fc.constant(52),
    data: fc.record({ kind: fc.constant('tlsa' as const), usage: u8, selector: u8, matching: u8, data: some(32) }),
  }),
  fc.record({
    type: fc.constantFrom(64, 65),
    data: fc.record({
      kind: fc.constant('svcb' as const),
      priority: u16,
      target: name,
      parameters: fc.array(fc.record({ key: u16, value: some(20) }), { maxLength: 4 }),
    }),
  }),
  fc.record({ type: fc.constant(257), data: fc.record({ kind: fc.constant('caa' as const), flags: u8, tag: some(10), value: some(30) }) }),
  fc.record({ type: fc.integer({ min: 1000, max: 30_000 }), data: fc.record({ kind: fc.constant('bytes' as const), bytes: some(50) }) }),
);

const record: fc.Arbitrary<DnsRecord> = fc
  .record({ name, class: u16, ttl: u32, typed })
  .map(({ typed: value, ...rest }) => ({ ...rest, ...value }));
const records = fc.array(record, { maxLength: 5 });
const bool = fc.boolean();
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: u16,
  response: bool,
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: bool,
  truncated: bool,
  recursionDesired: bool,
  recursionAvailable: bool,
  authenticData: bool,
  checkingDisabled: bool,
  rcode: fc.integer({ min: 0, max: 15 }),
  questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 3 }),
  answers: records,
  authorities: records,
  additionals: records,
});

describe('dns codec', () => {
  it('parses what it builds', () => {
    fc.assert(
      fc.property(message, (built) => {
        const bytes = unwrap(buildDns(built));
        expect(unwrap(parseDns(bytes, 0, bytes.length))).toEqual(built);
      }),
      { numRuns: 300 },
    );
  });

  it('survives any change of bytes and any cut', () => {
    fc.assert(
      fc.property(message, fc.array(fc.tuple(fc.nat(), u8), { maxLength: 6 }), fc.nat(), (built, changes, cut) => {
        const bytes = unwrap(buildDns(built));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const end = bytes.length - (cut % 20);
        const reading = readDns(bytes, 0, end);
        if (reading !== undefined) expect(reading.end).toBeLessThanOrEqual(bytes.length);
        expect(payloadTree('udp', bytes.subarray(0, Math.max(0, end)), 53, 1).refused).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses counts, lengths and tails that do not fit', () => {
    const bytes = bytesOf(QUERY);
    expect(parseDns(bytes, 0, 11)).toMatchObject({ ok: false, error: { code: 'header' } });
    expect(parseDns(Uint8Array.from([...bytes, 0]), 0, bytes.length + 1)).toMatchObject({ ok: false, error: { code: 'trailing' } });
    bytes[5] = 2;
    expect(parseDns(bytes, 0, bytes.length)).toMatchObject({ ok: false, error: { code: 'name' } });
    const shortA = bytesOf('0001 8000 0000 0001 0000 0000 00 0001 0001 00000000 0003 010203');
    expect(parseDns(shortA, 0, shortA.length)).toMatchObject({ ok: false, error: { code: 'data' } });
  });
});

describe('dns beside dns-packet', () => {
  it('reads what dns-packet writes', () => {
    const bytes = dnsPacket.encode({
      type: 'response',
      id: 77,
      questions: [{ type: 'ANY', name: 'example.org' }],
      answers: [
        { type: 'A', name: 'example.org', ttl: 5, data: '192.0.2.7' },
        { type: 'AAAA', name: 'example.org', ttl: 5, data: '2001:db8::7' },
        { type: 'MX', name: 'example.org', data: { preference: 10, exchange: 'mail.example.org' } },
        { type: 'SRV', name: '_sip._udp.example.org', data: { priority: 1, weight: 2, port: 5060, target: 'sip.example.org' } },
        { type: 'CAA', name: 'example.org', data: { flags: 0, tag: 'issue', value: 'ca.example' } },
        { type: 'TXT', name: 'example.org', data: ['v=spf1 -all', 'x'] },
      ],
    });
    const parsed = unwrap(parseDns(bytes, 0, bytes.length));
    expect(parsed.answers.map((answer) => answer.data)).toMatchObject([
      { kind: 'address', address: Uint8Array.of(192, 0, 2, 7) },
      { kind: 'address' },
      { kind: 'mx', preference: 10, exchange: 'mail.example.org' },
      { kind: 'srv', port: 5060, target: 'sip.example.org' },
      { kind: 'caa' },
      { kind: 'txt', strings: [Uint8Array.from(Buffer.from('v=spf1 -all')), Uint8Array.of(120)] },
    ]);
  });

  it('writes what dns-packet reads', () => {
    const query = dnsQuery(5, { name: 'www.example.org', type: DNS_TYPE.AAAA, class: 1 });
    const answer: DnsRecord = {
      name: 'www.example.org',
      type: 28,
      class: 1,
      ttl: 60,
      data: { kind: 'address', address: bytesOf('20010db8000000000000000000000001') },
    };
    const service: DnsRecord = {
      name: '_x.example.org',
      type: 33,
      class: 1,
      ttl: 60,
      data: { kind: 'srv', priority: 1, weight: 2, port: 3, target: 'y.example.org' },
    };
    const bytes = unwrap(buildDns(dnsResponse(query, [answer, service])));
    const read = dnsPacket.decode(Buffer.from(bytes));
    expect(read.questions[0]).toMatchObject({ name: 'www.example.org', type: 'AAAA' });
    expect(read.answers).toMatchObject([
      { name: 'www.example.org', type: 'AAAA', ttl: 60, data: '2001:db8::1' },
      { name: '_x.example.org', type: 'SRV', data: { priority: 1, weight: 2, port: 3, target: 'y.example.org' } },
    ]);
  });
});
