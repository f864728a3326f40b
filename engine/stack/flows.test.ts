import { describe, expect, test } from 'vitest';
import { FlowTable, META_TCP, META_TCP_FLAGS_SHIFT, META_FROM_B, META_FLOW, ROW_WORDS, hashRow } from '../wire/index.ts';
import {
  Arena,
  E_STATE,
  FLOW_COLD_WORDS,
  FLOW_ENTRY_WORDS,
  FLOW_MASKS,
  Ladder,
  META_WORDS,
  Netns,
  Nexus,
  PKT_ACK,
  PKT_META,
  PKT_PAYLOAD,
  PKT_SEQ,
  CompiledSelector,
  filterStats,
  statRecords,
  tcpStateText,
  trackTcp,
} from './index.ts';

const SYN = 2;
const ACK = 16;
const FIN = 1;
const RST = 4;

/** States after each segment of a conversation: [from B, flags, seq, ack, payload]. */
function states(segments: readonly (readonly [boolean, number, number, number, number])[]): string[] {
  const table = new FlowTable({ entryWords: FLOW_ENTRY_WORDS, coldWords: FLOW_COLD_WORDS, limit: 4 });
  const row = new Int32Array(ROW_WORDS);
  row[1] = 0x406;
  row[10] = hashRow(row);
  row[11] = META_FLOW;
  const id = table.intern(row, 0);
  const packet = new Int32Array(META_WORDS);
  return segments.map(([fromB, flags, seq, ack, payload]) => {
    packet[PKT_META] = META_TCP | (flags << META_TCP_FLAGS_SHIFT) | (fromB ? META_FROM_B : 0);
    packet[PKT_SEQ] = seq;
    packet[PKT_ACK] = ack;
    packet[PKT_PAYLOAD] = payload;
    trackTcp(table, id, packet, 0);
    return tcpStateText(table.entries[id * FLOW_ENTRY_WORDS + E_STATE]!, false);
  });
}

describe('TCP tracking (RFC 9293 section 3.3.2)', () => {
  test('a call, data, and an orderly end', () => {
    expect(
      states([
        [false, SYN, 100, 0, 0],
        [true, SYN | ACK, 300, 101, 0],
        [false, ACK, 101, 301, 0],
        [false, ACK, 101, 301, 50],
        [false, FIN | ACK, 151, 301, 0],
        [true, ACK, 301, 152, 0],
        [true, FIN | ACK, 301, 152, 0],
        [false, ACK, 152, 302, 0],
      ]),
    ).toEqual([
      'SYN-SENT/LISTEN',
      'ESTABLISHED/SYN-RECEIVED',
      'ESTABLISHED',
      'ESTABLISHED',
      'FIN-WAIT-1/CLOSE-WAIT',
      'FIN-WAIT-2/CLOSE-WAIT',
      'TIME-WAIT/LAST-ACK',
      'TIME-WAIT/CLOSED',
    ]);
  });

  test('both ends close at once (RFC 9293 figure 13)', () => {
    expect(
      states([
        [false, ACK, 10, 20, 5],
        [true, ACK, 20, 15, 5],
        [false, FIN | ACK, 15, 25, 0],
        [true, FIN | ACK, 25, 15, 0],
        [false, ACK, 16, 26, 0],
        [true, ACK, 26, 16, 0],
      ]),
    ).toEqual(['ESTABLISHED', 'ESTABLISHED', 'FIN-WAIT-1/CLOSE-WAIT', 'CLOSING', 'CLOSING/TIME-WAIT', 'TIME-WAIT']);
  });

  test('a reset, and both ends calling at once (figure 7)', () => {
    expect(
      states([
        [false, ACK, 1, 1, 0],
        [true, RST, 1, 0, 0],
      ]),
    ).toEqual(['ESTABLISHED', 'CLOSED']);
    expect(
      states([
        [false, SYN, 1, 0, 0],
        [true, SYN, 9, 0, 0],
        [false, SYN | ACK, 1, 10, 0],
      ]),
    ).toEqual(['SYN-SENT/LISTEN', 'SYN-RECEIVED', 'ESTABLISHED']);
  });
});

describe('mask ladder', () => {
  const key = (a: number, b: number, portA: number, portB: number): Int32Array => {
    const row = new Int32Array(ROW_WORDS);
    row[0] = (portA << 16) | portB;
    row[1] = 0x406;
    row[2] = a;
    row[6] = b;
    return row;
  };

  test('the most particular rule wins, masks without rules are not asked', () => {
    const ladder = new Ladder();
    const local = [0x0a000001, 0, 0, 0];
    const remote = [0x0a000002, 0, 0, 0];
    const base = { ipVersion: 4, protocol: 6 } as const;
    const row = key(0x0a000001, 0x0a000002, 80, 5_000);
    expect(ladder.find(row, 0, false)).toBe(-1);
    const rules = [
      { ...base },
      { ...base, localAddress: local },
      { ...base, localAddress: local, remoteAddress: remote },
      { ...base, localPort: 80 },
      { ...base, localAddress: local, localPort: 80 },
      { ...base, localAddress: local, localPort: 80, remotePort: 5_000 },
      { ...base, localAddress: local, localPort: 80, remoteAddress: remote, remotePort: 5_000 },
    ];
    rules.forEach((rule, port) => {
      expect(ladder.add(rule, port)).toBe(true);
      expect(ladder.add(rule, port)).toBe(false);
      expect(ladder.find(row, 0, false)).toBe(port);
      expect(ladder.lastMask).toBe(FLOW_MASKS.length - 1 - port);
    });
    expect(ladder.asked[0]).toBe(1);
    expect(ladder.find(row, 0, true)).toBe(0);
    for (let port = rules.length - 1; port > 0; port--) {
      expect(ladder.remove(rules[port]!)).toBe(true);
      expect(ladder.find(row, 0, false)).toBe(port - 1);
    }
    expect(ladder.add({ ...base, remotePort: 4 }, 1)).toBe(false);
  });
});

describe('nexus', () => {
  const who = { pid: 42, executable: '/bin/app' };
  const rings = [
    { kind: 'rx', queue: 0, slots: 1_024 },
    { kind: 'tx', queue: 0, slots: 256 },
  ] as const;

  test('ports open for who they are bound to, once at a time, and the schema says what is there', () => {
    const nexus = new Nexus();
    const arena = Arena.create(65_536);
    expect(nexus.addPort('host', 'host')).toMatchObject({ ok: true, value: { number: 1 } });
    expect(nexus.addPort('other', 'host').ok).toBe(false);
    expect(nexus.addPort('ch3', 'user')).toMatchObject({ ok: true, value: { number: 2 } });
    expect(nexus.open(1, who, rings, arena).ok).toBe(false);
    for (const binding of [{ pid: 7 }, { executable: '/bin/other' }, { key: 'k' }]) {
      nexus.bind(2, binding);
      expect(nexus.open(2, who, rings, arena).ok).toBe(false);
    }
    nexus.bind(2, { pid: 42, executable: '/bin/app', key: 'k' });
    const opened = nexus.open(2, { ...who, key: 'k' }, rings, arena);
    if (!opened.ok) throw new Error(opened.error);
    expect(opened.value.rings()).toEqual(rings);
    expect(nexus.open(2, { ...who, key: 'k' }, rings, arena)).toMatchObject({ ok: false, error: 'port ch3 is open already' });
    opened.value.close();
    expect(opened.value.active).toBe(false);
    expect(nexus.open(2, { ...who, key: 'k' }, rings, arena).ok).toBe(true);
    const full = Arena.create(1);
    while (full.region('input', 'x', 4_096) !== undefined);
    nexus.port(2)!.channel!.close();
    while (full.region('input', 'x', 4) !== undefined);
    expect(nexus.open(2, { ...who, key: 'k' }, rings, full)).toMatchObject({ ok: false, error: 'the arena is full' });
  });

  test('a local port belongs to one stack, and what a stack installed goes with it', () => {
    const nexus = new Nexus();
    nexus.addPort('host', 'host');
    nexus.addPort('ch3', 'user');
    const listener = { ipVersion: 4, protocol: 6, localPort: 443 } as const;
    const channel = nexus.open(2, who, rings, Arena.create(65_536));
    const first = nexus.addFlow(2, listener);
    expect(first.ok).toBe(true);
    expect(nexus.addFlow(2, listener)).toMatchObject({ ok: false, error: 'the same flow is installed already' });
    expect(nexus.addFlow(1, { ...listener, localAddress: [1, 0, 0, 0] })).toMatchObject({
      ok: false,
      error: 'tcp port 443 is owned by stack ch3',
    });
    expect(nexus.addFlow(2, { ...listener, localAddress: [1, 0, 0, 0], remoteAddress: [2, 0, 0, 0], remotePort: 9 }).ok).toBe(true);
    expect(nexus.addFlow(0, listener).ok).toBe(false);
    expect(nexus.netns.size).toBe(2);
    if (first.ok) expect(nexus.removeFlow(first.value.id)).toBe(true);
    expect(nexus.removeFlow(999)).toBe(false);
    if (channel.ok) channel.value.close();
    expect([nexus.flows.length, nexus.netns.size, nexus.ladder.size]).toEqual([0, 0, 0]);
    expect(nexus.addFlow(1, listener).ok).toBe(true);
  });

  test('reservations: any address conflicts with a particular one, reuse only for the same owner', () => {
    const netns = new Netns();
    const base = { protocol: 'udp', localPort: 53, owner: 'a' } as const;
    expect(netns.reserve({ ...base, address: '1' }).ok).toBe(true);
    expect(netns.reserve({ ...base, address: '2', owner: 'b' }).ok).toBe(true);
    expect(netns.reserve({ ...base, owner: 'b' }).ok).toBe(false);
    expect(netns.reserve({ ...base, address: '1', reuse: true }).ok).toBe(false);
    expect(netns.reserve({ ...base, protocol: 'tcp' }).ok).toBe(true);
    expect(netns.reserve({ ...base, localPort: 0 }).ok).toBe(false);
    expect(netns.releaseOwner('a')).toBe(2);
    expect(netns.size).toBe(1);
  });
});

test('selectors match both directions of what they name, and only that', () => {
  const row = new Int32Array(ROW_WORDS);
  row[0] = (443 << 16) | 5_000;
  row[1] = 0x406;
  row[2] = 0x0a000001;
  row[6] = 0xc0000201 | 0;
  const matches = (selector: object, fromB = false): boolean => new CompiledSelector(selector).matches(row, 0, fromB, 0);
  expect(
    [{}, { protocol: 'tcp' }, { protocol: 6 }, { port: 443 }, { port: 5_000 }, { prefix: '10.0.0.0/8' }, { ipVersion: 4 }].map((s) =>
      matches(s),
    ),
  ).not.toContain(false);
  expect(
    [{ protocol: 'udp' }, { port: 80 }, { prefix: '11.0.0.0/8' }, { ipVersion: 6 }, { prefix: '2001:db8::/32' }].map((s) => matches(s)),
  ).not.toContain(true);
  expect([matches({ sourcePort: 443 }), matches({ sourcePort: 443 }, true), matches({ destinationPort: 443 }, true)]).toEqual([
    true,
    false,
    true,
  ]);
  expect([matches({ source: '10.0.0.1' }), matches({ source: '10.0.0.1' }, true), matches({ destination: '192.0.2.0/24' })]).toEqual([
    true,
    false,
    true,
  ]);
});

test('statistics can be filtered by table, object and name', () => {
  const records = [...statRecords('ring', 'ch3.rx.0', { used: 1, drops: 2 }), ...statRecords('pool', 'ch3.pool.0', { used: 3 })];
  expect(filterStats(records, { object: 'ch3.', name: 'used' }).map((r) => r.value)).toEqual([1, 3]);
  expect(filterStats(records, { table: 'ring', name: 'drops' })).toEqual([{ table: 'ring', object: 'ch3.rx.0', name: 'drops', value: 2 }]);
});
