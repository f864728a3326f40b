import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { parseIpv4U32, parseIpv6 } from '../wire/index.ts';
import { tsharkMissing, tsharkVersion } from '../testing/tshark.ts';
import { translatorSchema } from '../contract/index.ts';
import type { Alarm } from './alarms.ts';
import { JsonBindingLog, type BindingLog } from './binding-log.ts';
import { BindingTable } from './bindings.ts';
import { IpfixBindingLog } from './ipfix-log.ts';
import { layoutRecord } from './port-block-layout.ts';
import { PortBlocks } from './port-blocks.ts';
import { PortPools } from './port-pools.ts';

const EPOCH_NS = 1_700_000_000_000_000_000n;

function table(count: number): BindingTable {
  const bindings = new BindingTable(Math.max(16, count));
  for (let i = 0; i < count; i++) {
    bindings.add(
      i % 3 === 0 ? 6 : 17,
      parseIpv6(`2001:db8::${(i + 1).toString(16)}`)!,
      0,
      1_000 + i,
      parseIpv4U32('203.0.113.1'),
      2_000 + i,
      false,
    );
  }
  return bindings;
}

/** What one log wrote, message by message. */
function ipfix(count: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const log = new IpfixBindingLog((bytes, length) => messages.push(bytes.slice(0, length)), EPOCH_NS);
  const bindings = table(count);
  for (let i = 0; i < count; i++) log.log(i % 5 === 4 ? 'removed' : 'created', bindings, i, i * 1e6);
  log.finish();
  expect(log.records).toBe(count);
  return messages;
}

/** Logs a block of 64 ports taken by a host of 2001:db8:7::/64 and given back. */
function logBlock(log: BindingLog): void {
  const { nat64 } = translatorSchema.parse({
    nat64: { pool4: [{ prefix: '203.0.113.1', ports: [2_048, 2_111] }], portBlocks: { mode: 'dynamic', size: 64 } },
  });
  const pools = PortPools.compile(nat64);
  const blocks = pools.ok ? PortBlocks.compile(nat64, pools.value) : pools;
  if (!blocks.ok || blocks.value === undefined) throw new Error('configuration');
  const made = blocks.value;
  made.onBlock = (event, block, nowNs) => {
    log.block(event, made, block, nowNs);
  };
  expect(made.allocate(new BindingTable(16), 17, parseIpv6('2001:db8:7::9')!, 0, 5_000, 1e6)).toBe(0);
  made.release(17, made.address4, made.port4, 5e6, 5e6);
  log.finish();
}

describe('the IPFIX log (RFC 7011, RFC 8158)', () => {
  it.each([0, 1, 36, 37, 100])('of %i bindings is messages that add up: lengths, sequence numbers, template first', (count) => {
    const messages = ipfix(count);
    let records = 0;
    for (const [i, b] of messages.entries()) {
      expect([u16(b, 0), u16(b, 2), u32(b, 8)]).toEqual([10, b.length, records]);
      expect(u16(b, 16)).toBe(i === 0 ? 2 : 256);
      expect(u16(b, 18)).toBe(b.length - 16);
      if (i > 0) records += (b.length - 20) / 34;
    }
    expect(records).toBe(count);
  });

  test.skipIf(tsharkVersion === undefined)('is read by tshark with every field', () => {
    if (tsharkVersion === undefined) console.warn(tsharkMissing);
    const fields = ['nat_event', 'srcaddrv6', 'post_natsource_ipv4_address', 'protocol', 'srcport', 'post_naptsource_transport_port'];
    expect(readByTshark(ipfix(3), fields)).toEqual([
      '10,10,10',
      '2001:db8::1,2001:db8::2,2001:db8::3',
      '203.0.113.1,203.0.113.1,203.0.113.1',
      '6,17,17',
      '1000,1001,1002',
      '2000,2001,2002',
    ]);
    const messages: Uint8Array[] = [];
    logBlock(new IpfixBindingLog((bytes, length) => messages.push(bytes.slice(0, length)), EPOCH_NS));
    const block = [
      'nat_event',
      'srcaddrv6',
      'srcmaskv6',
      'post_natsource_ipv4_address',
      'port_range_start',
      'port_range_end',
      'port_range_num_ports',
    ];
    expect(readByTshark(messages, block)).toEqual([
      '16,17',
      '2001:db8:7::,2001:db8:7::',
      '64,64',
      '203.0.113.1,203.0.113.1',
      '2048,2048',
      '2111,2111',
      '64,64',
    ]);
  });
});

describe('limits in the log (RFC 8158 sections 4.4 to 4.6)', () => {
  const HOST = parseIpv6('2001:db8:7::9')!;
  const alarms: readonly Alarm[] = [
    { kind: 'sessions', limit: 100 },
    { kind: 'bindings', limit: 200 },
    { kind: 'subscriber', limit: 30, v6: HOST },
    { kind: 'subscribers', limit: 14 },
    { kind: 'fragments', limit: 256, v6: HOST },
    { kind: 'fragments', limit: 256, address4: parseIpv4U32('192.0.2.7') },
    { kind: 'ports', limit: 0, address4: parseIpv4U32('203.0.113.1'), protocol: 17 },
    { kind: 'addresses', limit: 0 },
    { kind: 'bindings-threshold', limit: 150 },
    { kind: 'subscriber-threshold', limit: 20, v6: HOST },
  ];

  it('every template has the mandatory elements of its table, by number and length', () => {
    const [first] = ipfix(0);
    const templates = new Map<number, string>();
    for (let at = 20; at < first!.length;) {
      const [id, count] = [u16(first!, at), u16(first!, at + 2)];
      const fields = Array.from({ length: count }, (_, i) => `${u16(first!, at + 4 + 4 * i)}:${u16(first!, at + 6 + 4 * i)}`);
      templates.set(id, fields.join(' '));
      at += 4 + 4 * count;
    }
    expect(Object.fromEntries(templates)).toEqual({
      256: '323:8 230:1 27:16 225:4 4:1 7:2 227:2',
      257: '323:8 230:1 27:16 225:4 29:1 361:2 362:2 363:2 364:2',
      258: '323:8 230:1 8:4 225:4 4:1 7:2 227:2',
      259: '323:8 230:1 283:4',
      260: '323:8 230:1 225:4 4:1',
      261: '323:8 230:1 466:4 471:4',
      262: '323:8 230:1 466:4 472:4',
      263: '323:8 230:1 466:4 473:4 27:16',
      264: '323:8 230:1 466:4 474:4',
      265: '323:8 230:1 466:4 475:4 27:16',
      266: '323:8 230:1 466:4 475:4 8:4',
      267: '323:8 230:1 467:4 478:4',
      268: '323:8 230:1 467:4 478:4 27:16',
    });
  });

  test.skipIf(tsharkVersion === undefined)('tshark reads each as its event', () => {
    const messages: Uint8Array[] = [];
    const log = new IpfixBindingLog((bytes, length) => messages.push(bytes.slice(0, length)), EPOCH_NS);
    for (const alarm of alarms) log.alarm(alarm, 1e6);
    const edge = new BindingTable(16);
    edge.add(17, parseIpv6('::ffff:192.168.1.9')!, 0, 1_000, parseIpv4U32('203.0.113.1'), 2_000, false);
    log.log('created', edge, 0, 2e6);
    log.finish();
    expect(log.records).toBe(alarms.length + 1);
    const shown = allByTshark(messages, ['nat_event', 'nat_quota_exceeded_event', 'nat_threshold_event', 'srcaddr', 'srcaddrv6']);
    expect(shown).toEqual([
      ['8', '', '', '192.168.1.9', ''],
      ['3', '', '', '', ''],
      ['12', '', '', '', ''],
      ['13', '1', '', '', ''],
      ['13', '2', '', '', ''],
      ['13', '3', '', '', '2001:db8:7::9'],
      ['13', '4', '', '', ''],
      ['13', '5', '', '', '2001:db8:7::9'],
      ['13', '5', '', '192.0.2.7', ''],
      ['18', '', '3', '', ''],
      ['18', '', '4', '', '2001:db8:7::9'],
    ]);
  });

  it('a JSON line says what ran out, what was exceeded, what was reached; the configuration stands first, and again each day', () => {
    const lines: Record<string, unknown>[] = [];
    const log = new JsonBindingLog((bytes, length) => lines.push(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as Record<string, unknown>), EPOCH_NS); // prettier-ignore
    log.configuration(layoutRecord(translatorSchema.parse({ nat64: { pool4: [{ prefix: '192.0.2.1/32' }], portBlocks: { mode: 'deterministic', size: 4_032, subscribers: ['2001:db8::/60'] } } }).nat64)); // prettier-ignore
    for (const [i, alarm] of alarms.entries()) log.alarm(alarm, i * 1e9);
    log.alarm(alarms[0]!, 86_400e9);
    expect(lines.map(({ event, of }) => [event, of].join(' '))).toEqual([
      'configuration ',
      'quota-exceeded sessions',
      'quota-exceeded bindings',
      'quota-exceeded subscriber',
      'quota-exceeded subscribers',
      'quota-exceeded fragments',
      'quota-exceeded fragments',
      'exhausted ports',
      'exhausted addresses',
      'threshold-reached bindings',
      'threshold-reached subscriber',
      'configuration ',
      'quota-exceeded sessions',
    ]);
    expect(lines[0]).toMatchObject({ tNs: 0, inside: ['2001:db8::/60'], outside: ['192.0.2.1/32'], overflowBlocks: 0, maxPorts: 4_032, algorithm: 'sequential', reserved: [['0-1023']] }); // prettier-ignore
    expect(lines[7]).toMatchObject({ v4: '203.0.113.1', protocol: 'udp' });
  });
});

/** The values of these fields of every data message, one row for each. */
function allByTshark(messages: readonly Uint8Array[], fields: readonly string[]): string[][] {
  return tsharkRows(messages, 'cflow.nat_event', fields);
}

/** Fields of the records with an IPv6 source, as tshark reads them; nothing of it may be malformed. */
function readByTshark(messages: readonly Uint8Array[], fields: readonly string[]): string[] {
  return tsharkRows(messages, 'cflow.srcaddrv6', fields)[0] ?? [];
}

function tsharkRows(messages: readonly Uint8Array[], filter: string, fields: readonly string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-test-ipfix-'));
  try {
    const file = join(folder, 'log.pcap');
    writeFileSync(file, inUdp(messages));
    const common = ['-r', file, '-n', '-d', 'udp.port==4739,cflow', '-Y'];
    const names = fields.flatMap((name) => ['-e', `cflow.${name}`]);
    const { stdout } = spawnSync('tshark', [...common, filter, '-T', 'fields', ...names], { encoding: 'utf8' });
    expect(spawnSync('tshark', [...common, '_ws.malformed'], { encoding: 'utf8' }).stdout).toBe('');
    return stdout.split('\n').filter((line) => line !== '').map((line) => line.split('\t')); // prettier-ignore
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A raw IPv4 capture with a UDP packet to port 4739 for each message. */
function inUdp(messages: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const head = new Uint8Array(24);
  for (const [i, word] of [0xa1b2c3d4, 0x00020004, 0, 0, 65_535, 101].entries()) putU32(head, 4 * i, word);
  parts.push(head);
  for (const message of messages) {
    const length = 28 + message.length;
    const b = new Uint8Array(16 + length);
    putU32(b, 8, length);
    putU32(b, 12, length);
    b[16] = 0x45;
    putU16(b, 18, length);
    b[24] = 64;
    b[25] = 17;
    putU32(b, 28, 0x7f000001);
    putU32(b, 32, 0x7f000001);
    putU16(b, 36, 4_739);
    putU16(b, 38, 4_739);
    putU16(b, 40, 8 + message.length);
    b.set(message, 44);
    parts.push(b);
  }
  return Buffer.concat(parts);
}

it('writes a JSON line for each binding made and gone', () => {
  const lines: unknown[] = [];
  const log = new JsonBindingLog((bytes, length) => lines.push(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)))), EPOCH_NS);
  const bindings = table(2);
  log.log('created', bindings, 1, 2_500_000);
  log.log('removed', bindings, 0, 3_000_000);
  expect(lines).toEqual([
    {
      event: 'created',
      tNs: 2_500_000,
      epochMs: 1_700_000_000_002,
      protocol: 'udp',
      v6: '2001:db8::2',
      port6: 1_001,
      v4: '203.0.113.1',
      port4: 2_001,
    },
    {
      event: 'removed',
      tNs: 3_000_000,
      epochMs: 1_700_000_000_003,
      protocol: 'tcp',
      v6: '2001:db8::1',
      port6: 1_000,
      v4: '203.0.113.1',
      port4: 2_000,
    },
  ]);
});

it('writes a JSON line for each port block given and taken back', () => {
  const lines: unknown[] = [];
  logBlock(new JsonBindingLog((bytes, length) => lines.push(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)))), EPOCH_NS));
  const block = { subscriber: '2001:db8:7::/64', v4: '203.0.113.1', firstPort: 2_048, lastPort: 2_111 };
  expect(lines).toEqual([
    { event: 'block-allocated', tNs: 1e6, epochMs: 1_700_000_000_001, ...block },
    { event: 'block-released', tNs: 5e6, epochMs: 1_700_000_000_005, ...block },
  ]);
});
