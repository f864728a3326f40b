import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addIpv6Link, IPV6_LINK, makeNamespacePair, namespacesAvailable, type NamespacePair } from './netns.ts';
import { Command } from './support/command.ts';
import { cliFile, programPath, root } from './support/paths.ts';

/** Live translation with real traffic: hosts of both families in one namespace, Ringside between them in another. */
const NEEDED = ['ip', 'tcpdump', 'ping', 'ethtool'];
const missing = NEEDED.filter((name) => programPath(name) === undefined);
const capBuilt = existsSync(join(root, 'node_modules/cap/build/Release/cap.node'));
const namespaces = namespacesAvailable();
const why =
  missing.length > 0 ? `not installed: ${missing.join(', ')}` : capBuilt ? namespaces.why : 'the module cap, which sends, was not compiled';
if (why !== '') console.warn(`e2e: live translation is skipped, ${why}`);

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PREFIX = '64:ff9b::/96';
const CONFIG = `mode: nat64\npool6: ['${PREFIX}']\nwellKnownPrivate: allow\nown4: 203.0.113.1\nnat64: { pool4: [{ prefix: 203.0.113.7/32 }] }\n`;
/** 192.0.2.1 behind the prefix. */
const HOST = '64:ff9b::c000:201';
const PINGS = 5;
const ECHO_BYTES = 200_000;
const PORT = 7_777;
const ECHO = `
const net = require('net');
const server = net.createServer((c) => c.pipe(c)).listen(${PORT}, '192.0.2.1', () => {
  const c = net.connect(${PORT}, '${HOST}');
  let got = 0;
  c.write(Buffer.alloc(${ECHO_BYTES}, 7));
  c.on('data', (d) => {
    got += d.length;
    if (!d.every((byte) => byte === 7)) throw new Error('other bytes');
    if (got === ${ECHO_BYTES}) { console.log('echoed'); process.exit(0); }
  });
});`;

interface Side {
  readonly received: number;
  readonly sent: number;
  readonly notSent: number;
}

interface Result {
  readonly summary: { readonly side6: Side; readonly side4: Side; readonly tables: { readonly sessions: number }; readonly ended: string };
}

describe.skipIf(why !== '')('live translation', () => {
  let folder: string;
  let config: string;
  let pair: NamespacePair;
  const commands: Command[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringside-live-translate-'));
    config = join(folder, 'nat64.yaml');
    writeFileSync(config, CONFIG);
    pair = makeNamespacePair();
    addIpv6Link(pair);
    const { a, ifaceA, addressB } = pair;
    pair.run(a, 'ip', ['-6', 'route', 'add', PREFIX, 'via', IPV6_LINK.addressB]);
    pair.run(a, 'ip', ['route', 'add', '203.0.113.0/24', 'via', addressB]);
    // The hosts must finish their checksums: a veth pair would leave them to a network card that is not there.
    for (const device of [ifaceA, IPV6_LINK.ifaceA]) pair.run(a, 'ethtool', ['-K', device, 'tx', 'off']);
  });
  afterAll(async () => {
    for (const command of commands) await command.stop(2_000);
    pair.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function translate(...more: readonly string[]): Command {
    const sides = ['--live6', IPV6_LINK.ifaceB, '--next6', IPV6_LINK.addressA, '--live4', pair.ifaceB, '--next4', pair.addressA];
    const command = new Command('ip', ['netns', 'exec', pair.b, process.execPath, cliFile, 'translate', '-c', config, ...sides, ...more]);
    commands.push(command);
    return command;
  }

  test('says which route makes the kernel keep quiet, before it begins', async () => {
    const { code, stderr } = await translate().finished;
    expect(code).toBe(2);
    expect(stderr).toContain(`ip -6 route add blackhole ${PREFIX}`);
    pair.run(pair.b, 'ip', ['-6', 'route', 'add', 'blackhole', PREFIX]);
  });

  test('refuses an interface that the kernel forwards from, and a next hop that does not answer', async () => {
    const file = `/proc/sys/net/ipv4/conf/${pair.ifaceB}/forwarding`;
    pair.run(pair.b, 'sh', ['-c', `echo 1 >${file}`]);
    const forwards = await translate().finished;
    expect([forwards.code, forwards.stderr.includes(`sysctl -w net.ipv4.conf.${pair.ifaceB}.forwarding=0`)]).toEqual([2, true]);
    pair.run(pair.b, 'sh', ['-c', `echo 0 >${file}`]);
    const silent = await translate('--next4', '192.0.2.77').finished;
    expect([silent.code, silent.stderr.includes('192.0.2.77 does not answer')]).toEqual([2, true]);
  });

  test('an IPv6 host pings an IPv4 host and talks TCP with it; what was sent is told', async () => {
    const ringside = translate('--json');
    await ringside.until('the interfaces to be open', () => ringside.stderr.includes('translating'));
    const pinged = pair.run(pair.a, 'ping', ['-q', '-c', String(PINGS), '-i', '0.1', '-W', '5', HOST]);
    expect(pinged).toContain(`${PINGS} received`);
    expect(pair.run(pair.a, process.execPath, ['-e', ECHO])).toContain('echoed');
    const { code, stdout } = await ringside.stop(10_000);
    const { summary } = JSON.parse(stdout) as Result;
    expect([code, summary.ended]).toEqual([0, '']);
    expect(summary.tables.sessions).toBe(2);
    expect(summary.side4.sent).toBe(summary.side6.received);
    expect(summary.side6.sent).toBe(summary.side4.received);
    expect(summary.side6.received).toBeGreaterThan(PINGS + 3);
    expect([summary.side4.notSent, summary.side6.notSent]).toEqual([0, 0]);
  });

  test('an interface that goes away ends it with the reason, and nothing is left behind', async () => {
    const ringside = translate('--json');
    await ringside.until('the interfaces to be open', () => ringside.stderr.includes('translating'));
    pair.run(pair.b, 'ip', ['link', 'del', IPV6_LINK.ifaceB]);
    const { code, stdout } = await ringside.finished;
    const { summary } = JSON.parse(stdout) as Result;
    expect(code).toBe(1);
    expect(summary.ended).toContain(IPV6_LINK.ifaceB);
    expect(pair.run(pair.b, 'sh', ['-c', 'ip netns pids $(ip netns identify $$)']).trim().split('\n').length).toBeLessThanOrEqual(2);
  });
});
