import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { makeNamespacePair, namespacesAvailable, type NamespacePair } from '../e2e/netns.ts';
import { spread, which, type Spread } from './measure.ts';
import { MemoryRun } from './translation-memory.ts';

const PREFIX = '2001:db8:1:ffff::';
const TUN = 'nat64';
const POOL = '192.168.255.0/24';
/** Discard: nobody listens, the kernel counts. */
const PORT = 9;
const IPV6_UDP_BYTES = 48;
const SIZES = [64, 576, 1_500];
const SEND_SECONDS = 3;
/** Packets given to the kernel before the sender looks at the time and its socket again. */
const SEND_BURST = 64;
/** What is still in queues after the last packet was sent. */
const DRAIN_MS = 200;
const START_MS = 5_000;
const STEP_MS = 50;
const SESSIONS = 10_000;
const OWN_PACKETS = 1_000_000;

export const TAYGA_NOTE =
  'About 90 % of the processor time of TAYGA is reading and writing its tun device, and it forwards live; ours translates in memory.';

/** What TAYGA did with packets of one size. */
interface TaygaRun {
  readonly delivered: number;
  /** User and system time of its process. */
  readonly cpuSeconds: number;
}

export interface TaygaRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  readonly unit: string;
  /** Our packets a CPU second over TAYGA's: the median of the rounds. */
  readonly value?: number;
  readonly spread?: Spread;
  readonly skipped?: string;
}

/** Sends UDP as fast as one process can; run inside the namespace of the hosts. `what` is address,payload bytes,seconds. */
export async function sendUdp(what: string): Promise<void> {
  const [address = '', bytes, seconds] = what.split(',');
  const socket = createSocket('udp6');
  // The far side says that nobody listens; full queues are part of the measurement.
  socket.on('error', () => undefined);
  socket.connect(PORT, address);
  await once(socket, 'connect');
  const payload = new Uint8Array(Number(bytes));
  const endNs = process.hrtime.bigint() + BigInt(Math.round(Number(seconds) * 1e9));
  while (process.hrtime.bigint() < endNs) {
    for (let i = 0; i < SEND_BURST; i++) socket.send(payload);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.close();
}

/** Two namespaces, hosts of both families in the first and TAYGA in the second. Removed by `dispose`, and where this process is ended. */
class TaygaBed {
  private readonly folder = mkdtempSync(join(tmpdir(), 'ringside-tayga-'));
  private readonly pair: NamespacePair = makeNamespacePair();
  private pid = 0;
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    this.dispose();
    process.exit(128 + constants.signals[signal]);
  };

  constructor() {
    process.on('SIGINT', this.onSignal);
    process.on('SIGTERM', this.onSignal);
  }

  private ip(namespace: string, words: string): void {
    this.pair.run(namespace, 'ip', words.split(' '));
  }

  private forwards(namespace: string): void {
    this.pair.run(namespace, 'sh', ['-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding']);
  }

  async start(tayga: string): Promise<void> {
    const { a, b, ifaceA, ifaceB, addressB } = this.pair;
    this.forwards(b);
    this.ip(a, `-6 addr add 2001:db8::2/64 dev ${ifaceA} nodad`);
    this.ip(b, `-6 addr add 2001:db8::1/64 dev ${ifaceB} nodad`);
    this.ip(a, `-6 route add default via 2001:db8::1`);
    this.ip(a, `route add ${POOL} via ${addressB}`);
    const config = join(this.folder, 'tayga.conf');
    const lines = [
      `tun-device ${TUN}`,
      'ipv4-addr 192.168.255.1',
      `prefix ${PREFIX}/96`,
      `dynamic-pool ${POOL}`,
      `data-dir ${this.folder}`,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const child = this.pair.start(b, tayga, ['-c', config, '--nodetach']);
    child.stdout?.resume();
    child.stderr?.resume();
    this.pid = child.pid ?? 0;
    await this.untilTun(b, () => child.exitCode);
    this.ip(b, `link set ${TUN} up`);
    this.ip(b, `route add ${POOL} dev ${TUN}`);
    this.ip(b, `-6 route add ${PREFIX}/96 dev ${TUN}`);
  }

  private async untilTun(namespace: string, ended: () => number | null): Promise<void> {
    for (let waitedMs = 0; waitedMs < START_MS; waitedMs += STEP_MS) {
      if (this.pair.run(namespace, 'cat', ['/proc/net/dev']).includes(`${TUN}:`)) return;
      const code = ended();
      if (code !== null) throw new Error(`tayga ended with code ${String(code)}: it may not make a tun device here (/dev/net/tun)`);
      await wait(STEP_MS);
    }
    throw new Error(`tayga made no tun device within ${String(START_MS / 1_000)} s`);
  }

  /** UDP packets that came to the IPv4 host. */
  private delivered(): number {
    const rows = this.pair.run(this.pair.a, 'cat', ['/proc/net/snmp']).split('\n');
    const [names, values] = rows.filter((row) => row.startsWith('Udp:')).map((row) => row.split(' '));
    const of = (name: string): number => Number(values?.[names?.indexOf(name) ?? -1] ?? 0);
    return of('InDatagrams') + of('NoPorts') + of('InErrors');
  }

  async measure(bytes: number, seconds: number): Promise<TaygaRun> {
    const { a, addressA } = this.pair;
    const before = this.delivered();
    const cpuBefore = cpuSecondsOf(this.pid);
    const address = PREFIX + addressA;
    const sender = this.pair.start(a, process.execPath, [
      process.argv[1] ?? '',
      '--udp-sender',
      [address, bytes - IPV6_UDP_BYTES, seconds].join(','),
    ]);
    sender.stdout?.resume();
    sender.stderr?.resume();
    const [code] = (await once(sender, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`the sender of UDP packets ended with code ${String(code)}`);
    await wait(DRAIN_MS);
    return { delivered: this.delivered() - before, cpuSeconds: cpuSecondsOf(this.pid) - cpuBefore };
  }

  dispose(): void {
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
    this.pair.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const ticksPerSecond = (): number => Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of a process: fields 14 and 15, counted from behind its name, which may hold anything. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond();
}

function missing(): string | undefined {
  if (which('tayga') === undefined) return 'not installed: tayga';
  if (which('ip') === undefined) return 'not installed: iproute2';
  const { ok, why } = namespacesAvailable();
  return ok ? undefined : why;
}

async function taygaRuns(bytes: number, rounds: number): Promise<TaygaRun[]> {
  const bed = new TaygaBed();
  try {
    await bed.start(which('tayga') ?? 'tayga');
    // The first packets find the neighbours and make the mapping.
    await bed.measure(bytes, 0.2);
    const runs: TaygaRun[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await bed.measure(bytes, SEND_SECONDS));
    return runs;
  } finally {
    bed.dispose();
  }
}

/** Packets for each second of processor time: ours in memory, through the session tables, over TAYGA's. */
export async function* taygaRows(rounds: number): AsyncGenerator<TaygaRow> {
  const base = { atLeast: 10, aim: 40, unit: 'x' };
  const why = missing();
  if (why !== undefined) {
    yield { ...base, id: 'translate-tayga', title: 'NAT64 in memory against TAYGA, a CPU second', skipped: why };
    return;
  }
  for (const bytes of SIZES) {
    const theirs = await taygaRuns(bytes, rounds);
    if (theirs.some(({ delivered, cpuSeconds }) => delivered === 0 || cpuSeconds === 0)) throw new Error('TAYGA delivered nothing');
    const run = new MemoryRun('nat64', SESSIONS, bytes);
    const ours = theirs.map(() => run.measure(OWN_PACKETS).perCpuSecond);
    const rates = theirs.map(({ delivered, cpuSeconds }) => delivered / cpuSeconds / 1e6);
    const ratio = spread(rates.map((rate, i) => ours[i]! / rate));
    const packets = theirs.reduce((sum, { delivered }) => sum + delivered, 0);
    const cpuSeconds = theirs.reduce((sum, each) => sum + each.cpuSeconds, 0);
    const title =
      `${String(bytes)} bytes a CPU second: NAT64 in memory ${spread(ours).median.toFixed(2)} M, TAYGA ${spread(rates).median.toFixed(3)} M` +
      ` (${packets.toLocaleString('en')} in ${cpuSeconds.toFixed(2)} s; ratio ${ratio.min.toFixed(1)}-${ratio.max.toFixed(1)})`;
    yield { ...base, id: `translate-tayga-${String(bytes)}`, title, value: ratio.median, spread: ratio };
  }
}
