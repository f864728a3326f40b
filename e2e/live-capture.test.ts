import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeNamespacePair, namespacesAvailable, type NamespacePair } from './netns.ts';
import { Command, WAIT_MS, ringside, until } from './support/command.ts';
import { chromiumPath, cliFile, programPath, root } from './support/paths.ts';
import { Served, launchBrowser, openWindow } from './support/window.ts';
import { rowTexts, status } from './support/workbench.ts';

/** Live capture with real traffic: two network namespaces, a veth pair between them, tcpdump beside us as the witness. */
const NEEDED = ['ip', 'tcpdump', 'dumpcap', 'ping', 'curl', 'capinfos'];
const missing = NEEDED.filter((name) => programPath(name) === undefined);
const namespaces = namespacesAvailable();
const why = missing.length > 0 ? `not installed: ${missing.join(', ')}` : namespaces.why;
if (why !== '') console.warn(`e2e: live capture is skipped, ${why}`);

const capBuilt = existsSync(join(root, 'node_modules/cap/build/Release/cap.node'));
if (!capBuilt)
  console.warn('e2e: the backend cap is not tested, it was not compiled: apt-get install libpcap-dev g++ make && npm rebuild cap');
const BACKENDS = ['dumpcap', 'tcpdump', ...(capBuilt ? ['cap'] : [])];

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const FILTER = 'icmp or tcp';
const PORT = 8_080;
const BODY_BYTES = 300_000;
/** The payload of the last ping: when it is in a file, everything before it is. A frame holds it twice, a ping is two frames. */
const MARK = 'RINGSIDERINGSIDE';
const MARKS = 4;

interface Result {
  readonly packets: number;
  readonly bytes: number;
  readonly ended: string;
  readonly backend: string;
  readonly timestamps: string;
  readonly file: string | null;
}

const marksIn = (path: string): number => (existsSync(path) ? readFileSync(path).toString('latin1').split(MARK).length - 1 : 0);

describe.skipIf(why !== '')('live capture', () => {
  let folder: string;
  const pairs: NamespacePair[] = [];
  const commands: Command[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringside-live-e2e-'));
  });
  afterAll(async () => {
    for (const command of commands) await command.stop(500);
    for (const pair of pairs) pair.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function inside(namespace: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Command {
    const command = new Command('ip', ['netns', 'exec', namespace, program, ...args], { env });
    commands.push(command);
    return command;
  }

  /** Two namespaces with a web server in the second. */
  async function makeNetwork(): Promise<NamespacePair> {
    const pair = makeNamespacePair();
    pairs.push(pair);
    const script = `require('http').createServer((q,s)=>s.end('x'.repeat(${BODY_BYTES}))).listen(${PORT},'${pair.addressB}',()=>console.log('up'))`;
    const server = inside(pair.b, process.execPath, ['-e', script]);
    await server.until('the web server', () => server.stdout.includes('up'));
    return pair;
  }

  function makeTraffic(pair: NamespacePair): void {
    pair.run(pair.a, 'ping', ['-q', '-c', '5', '-i', '0.02', pair.addressB]);
    pair.run(pair.a, 'curl', ['-s', '-o', '/dev/null', `http://${pair.addressB}:${PORT}/`]);
  }
  function mark(pair: NamespacePair): void {
    pair.run(pair.a, 'ping', ['-q', '-c', '1', '-p', Buffer.from('RINGSIDE').toString('hex'), pair.addressB]);
  }

  /** A capture of ours that is listening, with a temporary folder of its own so that its spool file is found. */
  async function capture(
    pair: NamespacePair,
    backend: string,
    name: string,
  ): Promise<{ command: Command; file: string; spool: () => string }> {
    const temp = mkdtempSync(join(folder, 'temp-'));
    const file = join(folder, `${name}.pcapng`);
    const args = [cliFile, 'capture', pair.ifaceA, '--backend', backend, '--filter', FILTER, '-w', file, '--json'];
    const command = inside(pair.a, process.execPath, args, { TMPDIR: temp });
    const spool = (): string => {
      const [live] = readdirSync(temp);
      const [capturePath] = live === undefined ? [] : readdirSync(join(temp, live));
      return capturePath === undefined ? '' : join(temp, live ?? '', capturePath);
    };
    // A backend writes its file header once it has opened the interface.
    await command.until('the capture', () => /"bytes":[1-9]/.test(command.stderr));
    return { command, file, spool };
  }

  /** The program that captures for us: the one child of our process. */
  function backendPid(command: Command): number {
    const { pid } = command.child;
    const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
      .trim()
      .split(' ');
    expect(children).toHaveLength(1);
    return Number(children[0]);
  }

  const resultOf = (stdout: string): Result => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result;

  async function count(file: string): Promise<{ packets: number; bytes: number }> {
    const { stdout, code } = await ringside(['info', '--json', file]).finished;
    expect(code).toBe(0);
    const { packets, bytes } = JSON.parse(stdout) as { packets: number; bytes: number };
    return { packets, bytes };
  }

  /** Packets and bytes as capinfos counts them. */
  async function capinfos(file: string): Promise<{ packets: number; bytes: number }> {
    const { stdout } = await new Command('capinfos', ['-M', '-c', '-d', file]).finished;
    const figure = (label: RegExp): number => Number(label.exec(stdout)?.[1] ?? 'NaN');
    return { packets: figure(/Number of packets:\s+(\d+)/), bytes: figure(/Data size:\s+(\d+)/) };
  }

  describe.each(BACKENDS)('through %s', (backend) => {
    let pair: NamespacePair;
    beforeAll(async () => {
      pair = await makeNetwork();
    });

    test('the same pings and the same download as tcpdump beside it', async () => {
      const reference = join(folder, `${backend}-reference.pcap`);
      const witness = inside(pair.a, 'tcpdump', ['-n', '-U', '-Z', 'root', '-i', pair.ifaceA, '-w', reference, FILTER]);
      await witness.until('tcpdump', () => witness.stderr.includes('listening on'));
      const { command, file, spool } = await capture(pair, backend, `${backend}-whole`);
      makeTraffic(pair);
      mark(pair);
      await until('the last packet in both files', () => marksIn(reference) >= MARKS && marksIn(spool()) >= MARKS);
      command.child.kill('SIGINT');
      const { code, stdout } = await command.finished;
      await witness.stop();
      expect(code).toBe(0);
      const wanted = await count(reference);
      expect(wanted.packets).toBeGreaterThan(15);
      expect(wanted.bytes).toBeGreaterThan(BODY_BYTES);
      expect(resultOf(stdout)).toMatchObject({ ...wanted, backend, ended: 'Stopped.', file });
      expect(resultOf(stdout).timestamps).toContain(backend);
      expect(await count(file)).toEqual(wanted);
      expect(await capinfos(file)).toEqual(wanted);
      expect(existsSync(spool())).toBe(false);
    });

    test('its helper killed in the middle: said, and what was captured stays', async () => {
      const { command, file, spool } = await capture(pair, backend, `${backend}-killed`);
      makeTraffic(pair);
      mark(pair);
      await until('the traffic in the spool file', () => marksIn(spool()) >= MARKS);
      process.kill(backendPid(command), 'SIGKILL');
      const { code, stdout } = await command.finished;
      expect(code).toBe(1);
      expect(resultOf(stdout).ended).toMatch(new RegExp(`^${backend} ended by itself \\(signal SIGKILL\\).*stays`));
      expect((await count(file)).packets).toBe(resultOf(stdout).packets);
      expect(resultOf(stdout).packets).toBeGreaterThan(15);
    });

    test('its interface deleted in the middle: said, and what was captured stays', async () => {
      const own = await makeNetwork();
      const { command, file, spool } = await capture(own, backend, `${backend}-gone`);
      makeTraffic(own);
      mark(own);
      await until('the traffic in the spool file', () => marksIn(spool()) >= MARKS);
      own.run(own.a, 'ip', ['link', 'del', own.ifaceA]);
      const { code, stdout } = await command.finished;
      expect(code).toBe(1);
      expect(resultOf(stdout).ended).toMatch(/ended by itself|is gone/);
      expect(resultOf(stdout).ended).toContain('stays');
      expect((await count(file)).packets).toBe(resultOf(stdout).packets);
      expect(resultOf(stdout).packets).toBeGreaterThan(15);
    });
  });

  test('ends by itself after --seconds, with a file that holds nothing but is one', async () => {
    const pair = await makeNetwork();
    const file = join(folder, 'quiet.pcapng');
    const args = [cliFile, 'capture', pair.ifaceA, '--filter', 'udp port 9', '--seconds', '1', '-w', file, '--json'];
    const { code, stdout } = await inside(pair.a, process.execPath, args).finished;
    expect(code).toBe(0);
    expect(resultOf(stdout)).toMatchObject({ packets: 0, bytes: 0, ended: 'Stopped.' });
    expect(await count(file)).toEqual({ packets: 0, bytes: 0 });
  });

  test('a wrong filter and a wrong interface are said before anything is opened', async () => {
    const filter = await ringside(['capture', 'lo', '--filter', 'tcp prot 80']).finished;
    expect(filter.code).toBe(2);
    expect(filter.stderr).toContain('syntax error');
    expect(filter.stderr).toContain('pcap-filter');
    const device = await ringside(['capture', 'nosuch0']).finished;
    expect(device.code).toBe(1);
    expect(device.stderr).toContain('There is no interface nosuch0.');
    expect(device.stderr).toContain('lo');
  });

  const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const NO_CAPABILITIES = ['--bounding-set=-all', '--inh-caps=-all'];
  const setpriv = programPath('setpriv') ?? 'setpriv';
  // A clone in root's home is for root alone.
  const readable = ((): boolean => {
    try {
      execFileSync(setpriv, [...NOBODY, process.execPath, cliFile, '--version'], { stdio: 'ignore', cwd: '/', timeout: 30_000 });
      return true;
    } catch {
      console.warn(`e2e: capture by an unprivileged user is not tested, nobody may read ${root}`);
      return false;
    }
  })();

  async function refused(privileges: readonly string[], fix: RegExp): Promise<void> {
    const temp = mkdtempSync(join(tmpdir(), 'ringside-nobody-'));
    chmodSync(temp, 0o777);
    try {
      for (const backend of BACKENDS) {
        const args = [...privileges, process.execPath, cliFile, 'capture', 'lo', '--backend', backend, '--seconds', '1'];
        const { code, stderr } = await new Command(setpriv, args, { cwd: '/', env: { TMPDIR: temp, HOME: temp } }).finished;
        expect(code, stderr).toBe(1);
        expect(stderr).toMatch(fix);
      }
    } finally {
      rmSync(temp, { recursive: true, force: true });
    }
  }

  test.skipIf(!readable)('without privilege, the command that mends it is printed', async () => {
    await refused(NOBODY, /sudo (setcap cap_net_raw|usermod -aG wireshark)/);
  });

  test('as root without the capability, the option that gives it is printed', async () => {
    await refused(NO_CAPABILITIES, /docker run --cap-add=NET_RAW/);
  });

  const chromium = chromiumPath();
  test.skipIf(chromium === undefined)('from the window: rows grow, it stops, and the capture is saved', async () => {
    const pair = await makeNetwork();
    // Server and browser both live in the namespace: the server answers on its loopback only.
    const browserFile = join(folder, 'chromium');
    writeFileSync(browserFile, `#!/bin/sh\nexec ip netns exec ${pair.a} ${chromium ?? ''} "$@"\n`, { mode: 0o755 });
    const served = await Served.startIn(pair.a);
    const browser = await launchBrowser(browserFile);
    try {
      const { page, complaints } = await openWindow(browser, served.url);
      await page.getByRole('heading', { name: 'Samples' }).waitFor();
      await page.keyboard.press('Control+e');
      await page.getByRole('radio', { name: pair.ifaceA }).check();
      const filter = page.getByPlaceholder('tcp port 443 or icmp6');
      await filter.fill('icmp or or tcp');
      await page.getByText(/syntax error/).waitFor();
      await filter.fill(FILTER);
      await page.getByText('✓ valid').waitFor();
      await page.getByRole('button', { name: `Capture ${pair.ifaceA}` }).click();
      await status(page, 'capturing');
      makeTraffic(pair);
      await expect.poll(async () => (await rowTexts(page, 'packet-grid')).length, { timeout: WAIT_MS }).toBeGreaterThan(9);
      const rows = (): Promise<number> => page.getByRole('grid', { name: 'Packets' }).getAttribute('aria-rowcount').then(Number);
      const before = await rows();
      makeTraffic(pair);
      await expect.poll(rows, { timeout: WAIT_MS }).toBeGreaterThan(before + 10);
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export report' }).click();
      await page.getByRole('menuitem', { name: 'Capture as pcapng' }).click();
      const saved = join(folder, 'window.pcapng');
      await (await download).saveAs(saved);
      const { packets } = await capinfos(saved);
      await expect.poll(rows, { timeout: WAIT_MS }).toBe(packets + 1);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await served.stop();
    }
  });
});
