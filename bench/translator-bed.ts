import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { addIpv6Link, IPV6_LINK, makeNamespacePair, namespacesAvailable, type NamespacePair } from '../e2e/netns.ts';
import { MemorySink, PcapWriter } from '../engine/files/index.ts';
import { checksum, parseIpv6, parseMac, pseudoSum6 } from '../engine/wire/index.ts';
import { putU16, putU32 } from '../engine/base/index.ts';
import { which } from './measure.ts';

const PREFIX = '2001:db8:1:ffff::';
const POOL = '192.168.255.0/24';
const TUN = 'nat64';
const HOST4 = '192.0.2.1';
/** Discard: nobody listens, the kernel counts those whose checksum is good. */
const PORT = 9;
const FLOWS = 256;
const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
/** What is still in queues after the last packet was sent. */
const DRAIN_MS = 300;
const START_MS = 20_000;
const STEP_MS = 50;

/** What a translator did with packets of one size. */
export interface BedRun {
  readonly sent: number;
  readonly delivered: number;
  /** Seconds in which they were sent. */
  readonly seconds: number;
  /** User and system time of the translator's processes. */
  readonly cpuSeconds: number;
}

const processors = cpus().length;
/** The sender has a core of its own, and so have all processes of the translator, where there are two. */
const pinned = (core: number, program: string, args: readonly string[]): [string, string[]] =>
  processors > 1 && which('taskset') !== undefined ? ['taskset', ['-c', String(core), program, ...args]] : [program, [...args]];

/** Why translators cannot be compared here; undefined where they can. */
export function bedMissing(): string | undefined {
  const missing = [
    ['tayga', 'tayga'],
    ['ip', 'iproute2'],
    ['tcpreplay', 'tcpreplay'],
    ['tcpdump', 'tcpdump'],
  ].filter(([program]) => which(program!) === undefined);
  if (missing.length > 0) return `not installed: ${missing.map(([, name]) => name).join(', ')}`;
  const { ok, why } = namespacesAvailable();
  return ok ? undefined : why;
}

/**
 * Two namespaces joined by two veth pairs: hosts of both families in the first, a translator in the second with one interface for each side.
 * Removed by `dispose`, and where this process is ended.
 */
export class TranslatorBed {
  private readonly folder = mkdtempSync(join(tmpdir(), 'ringside-translator-'));
  private readonly pair: NamespacePair = makeNamespacePair();
  private translator: ChildProcess | undefined;
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    this.dispose();
    process.exit(128 + constants.signals[signal]);
  };

  constructor() {
    process.on('SIGINT', this.onSignal);
    process.on('SIGTERM', this.onSignal);
    addIpv6Link(this.pair);
    const { a } = this.pair;
    this.ip(a, `-6 route add default via ${IPV6_LINK.addressB}`);
    this.ip(a, `route add ${POOL} via ${this.pair.addressB}`);
  }

  private ip(namespace: string, words: string): void {
    this.pair.run(namespace, 'ip', words.split(' '));
  }

  private mac(namespace: string, device: string): Uint8Array {
    return parseMac(this.pair.run(namespace, 'cat', [`/sys/class/net/${device}/address`]).trim()) ?? new Uint8Array(6);
  }

  private forwarding(on: boolean): void {
    const value = on ? '1' : '0';
    const files = ['/proc/sys/net/ipv4/conf/all/forwarding', '/proc/sys/net/ipv6/conf/all/forwarding'];
    this.pair.run(this.pair.b, 'sh', ['-c', files.map((file) => `echo ${value} >${file}`).join('; ')]);
  }

  /** TAYGA between the two interfaces, by way of its tun device and the kernel's forwarding. */
  async startTayga(): Promise<void> {
    const { b } = this.pair;
    this.forwarding(true);
    const config = join(this.folder, 'tayga.conf');
    const lines = [
      `tun-device ${TUN}`,
      'ipv4-addr 192.168.255.1',
      `prefix ${PREFIX}/96`,
      `dynamic-pool ${POOL}`,
      `data-dir ${this.folder}`,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    this.start(which('tayga') ?? 'tayga', ['-c', config, '--nodetach']);
    await this.until('tayga', () => this.pair.run(b, 'cat', ['/proc/net/dev']).includes(`${TUN}:`));
    this.ip(b, `link set ${TUN} up`);
    this.ip(b, `route add ${POOL} dev ${TUN}`);
    this.ip(b, `-6 route add ${PREFIX}/96 dev ${TUN}`);
  }

  /** Ringside between the same two interfaces; the kernel forwards nothing and drops without an answer what it is not asked to. */
  async startRingside(cli: string): Promise<void> {
    const { b, ifaceB } = this.pair;
    this.forwarding(false);
    this.ip(b, `-6 route add blackhole ${PREFIX}/96`);
    const config = join(this.folder, 'nat64.yaml');
    writeFileSync(config, `mode: nat64\npool6: ['${PREFIX}/96']\nnat64: { pool4: [{ prefix: 192.168.255.2/32 }] }\n`);
    const sides = ['--live6', IPV6_LINK.ifaceB, '--next6', IPV6_LINK.addressA, '--live4', ifaceB, '--next4', HOST4];
    const child = this.start(process.execPath, [cli, 'translate', '-c', config, ...sides]);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    await this.until(
      'ringside',
      () => said.includes('Translating'),
      () => said,
    );
  }

  private start(program: string, args: readonly string[]): ChildProcess {
    const child = this.pair.start(this.pair.b, ...pinned(1, program, args));
    child.stdout?.resume();
    child.stderr?.resume();
    this.translator = child;
    return child;
  }

  private async until(name: string, ready: () => boolean, said: () => string = () => ''): Promise<void> {
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += STEP_MS) {
      if (ready()) return;
      const code = this.translator?.exitCode ?? null;
      if (code !== null) throw new Error(`${name} ended with code ${String(code)}: ${said()}`);
      await wait(STEP_MS);
    }
    throw new Error(`${name} was not ready within ${String(START_MS / 1_000)} s`);
  }

  /** Packets of some flows as a capture that the sender repeats. */
  private capture(bytes: number): string {
    const path = join(this.folder, `${String(bytes)}.pcap`);
    const sink = new MemorySink();
    const writer = new PcapWriter(sink, 0n, { linkType: 1 });
    const frame = new Uint8Array(ETHERNET_BYTES + bytes);
    frame.set(this.mac(this.pair.b, IPV6_LINK.ifaceB), 0);
    frame.set(this.mac(this.pair.a, IPV6_LINK.ifaceA), 6);
    putU16(frame, 12, 0x86dd);
    for (let flow = 0; flow < FLOWS; flow++) {
      udp6(frame, ETHERNET_BYTES, bytes, 20_000 + flow);
      writer.packet(flow, frame, 0, frame.length, frame.length);
    }
    writer.finish();
    writeFileSync(path, sink.bytes());
    return path;
  }

  /** UDP packets that came to the IPv4 host with a good checksum; those with a bad one are a mistake of the translator. */
  private delivered(): number {
    const rows = this.pair.run(this.pair.a, 'cat', ['/proc/net/snmp']).split('\n');
    const [names, values] = rows.filter((row) => row.startsWith('Udp:')).map((row) => row.split(' '));
    const of = (name: string): number => Number(values?.[names?.indexOf(name) ?? -1] ?? 0);
    if (of('InCsumErrors') > 0) throw new Error(`${String(of('InCsumErrors'))} packets came with a bad checksum`);
    return of('NoPorts');
  }

  /** Sends as fast as the sender can for some seconds. */
  async measure(bytes: number, seconds: number): Promise<BedRun> {
    const pid = this.translator?.pid ?? 0;
    const file = this.capture(bytes);
    const before = this.delivered();
    const cpuBefore = cpuSecondsOf(pid);
    const args = [
      '-i',
      IPV6_LINK.ifaceA,
      '--topspeed',
      '--preload-pcap',
      '--loop',
      '0',
      '--duration',
      String(seconds),
      '--no-flow-stats',
      file,
    ];
    const sender = this.pair.start(this.pair.a, ...pinned(0, which('tcpreplay') ?? 'tcpreplay', args));
    let said = '';
    sender.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    sender.stderr?.resume();
    await once(sender, 'close');
    const [, sent, took] = /Actual: (\d+) packets .* sent in ([\d.]+) seconds/.exec(said) ?? [];
    if (sent === undefined) throw new Error(`tcpreplay ended with code ${String(sender.exitCode)}: ${said.slice(-400)}`);
    await wait(DRAIN_MS);
    const run = {
      sent: Number(sent),
      seconds: Number(took),
      delivered: this.delivered() - before,
      cpuSeconds: cpuSecondsOf(pid) - cpuBefore,
    };
    if (run.delivered === 0 || run.cpuSeconds === 0)
      throw new Error(`nothing was delivered of ${String(sent)} packets of ${String(bytes)} bytes`);
    return run;
  }

  dispose(): void {
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
    this.pair.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A UDP packet of `bytes` bytes from the IPv6 host to the IPv4 host behind the prefix. */
function udp6(b: Uint8Array, o: number, bytes: number, port: number): void {
  const t = o + IPV6_BYTES;
  const length = bytes - IPV6_BYTES;
  b.fill(0, o);
  putU32(b, o, 0x60000000);
  putU16(b, o + 4, length);
  b[o + 6] = 17;
  b[o + 7] = 64;
  b.set(parseIpv6(IPV6_LINK.addressA) ?? [], o + 8);
  b.set(parseIpv6(PREFIX + HOST4) ?? [], o + 24);
  putU16(b, t, port);
  putU16(b, t + 2, PORT);
  putU16(b, t + 4, length);
  putU16(b, t + 6, checksum(b, t, t + length, pseudoSum6(b, o + 8, o + 24, 17, length)));
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of a process and of those it started: fields 14 and 15, counted from behind its name, which may hold anything. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'latin1')
    .trim()
    .split(' ')
    .filter(Boolean);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond + children.reduce((sum, child) => sum + cpuSecondsOf(Number(child)), 0);
}
