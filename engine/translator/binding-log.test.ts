import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { parseIpv4U32, parseIpv6 } from '../wire/index.ts';
import { tsharkMissing, tsharkVersion } from '../testing/tshark.ts';
import { translatorSchema } from '../contract/index.ts';
import { JsonBindingLog, type BindingLog } from './binding-log.ts';
import { BindingTable } from './bindings.ts';
import { IpfixBindingLog } from './ipfix-log.ts';
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

/** Fields of the records with an IPv6 source, as tshark reads them; nothing of it may be malformed. */
function readByTshark(messages: readonly Uint8Array[], fields: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-test-ipfix-'));
  try {
    const file = join(folder, 'log.pcap');
    writeFileSync(file, inUdp(messages));
    const common = ['-r', file, '-n', '-d', 'udp.port==4739,cflow', '-Y'];
    const names = fields.flatMap((name) => ['-e', `cflow.${name}`]);
    const { stdout } = spawnSync('tshark', [...common, 'cflow.srcaddrv6', '-T', 'fields', ...names], { encoding: 'utf8' });
    expect(spawnSync('tshark', [...common, '_ws.malformed'], { encoding: 'utf8' }).stdout).toBe('');
    return stdout.trim().split('\t');
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
