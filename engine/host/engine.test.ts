import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createClient, memoryPortPair, type EngineClient, type InputRef } from '../contract/index.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';
import { cliFile, samplesFolder, sessionWorkerFile } from './paths.ts';
import { terminalFeature } from './terminals.ts';

const built = existsSync(sessionWorkerFile) && existsSync(cliFile);
const notBuilt = 'the programs in dist/ are missing: npm run build';
const sample = join(samplesFolder, 'burst-lte.pcapng');

let folder: string;
let engine: Engine;
let client: EngineClient;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-engine-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  client.dispose();
  await engine.dispose();
});

function start(options: EngineOptions = {}): EngineClient {
  engine = createEngine({ configFolder: join(folder, 'config'), ...options });
  return connect();
}

function connect(): EngineClient {
  const [near, far] = memoryPortPair();
  engine.connect(far);
  client = createClient(near, { validate: true });
  return client;
}

/** Temporary folders of this process' sessions. */
const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('ringside-session-'));

describe('inputs', () => {
  test('hello names the bundled samples and scenarios, and what the host can do', async () => {
    const hello = await start({ initial: sample, initialScenario: 'small-rings' }).call('hello', {});
    expect(hello.samples.map(({ name }) => name)).toContain('burst-lte.pcapng');
    expect(hello.scenarios[0]?.id).toBe('default');
    expect(hello.initial).toMatchObject({ name: 'burst-lte.pcapng', scenario: 'small-rings' });
    for (const feature of [hello.features.terminal, hello.features.pdf, hello.features.capture])
      expect(feature.ok || feature.why !== '').toBe(true);
  });

  test('recent files are remembered between starts, newest first, bounded, and forgotten on request', async () => {
    start();
    const refs: InputRef[] = [];
    for (let i = 0; i < 15; i++) {
      const path = join(folder, `recent-${i}.pcap`);
      writeFileSync(path, 'x');
      refs.push(engine.inputs.add(path));
      engine.inputs.remember(refs.at(-1)!.handle);
    }
    engine.inputs.remember(refs[10]!.handle);
    await engine.dispose();
    const { recent } = await start().call('hello', {});
    expect(recent).toHaveLength(12);
    expect(recent.slice(0, 3).map(({ name }) => name)).toEqual(['recent-10.pcap', 'recent-14.pcap', 'recent-13.pcap']);
    await client.call('input.forget', { handle: recent[0]!.handle });
    rmSync(join(folder, 'recent-14.pcap'));
    expect((await client.call('hello', {})).recent[0]?.name).toBe('recent-13.pcap');
    expect(recent[0]!.handle).not.toContain('recent');
  });

  test('a damaged list of recent files is an empty one', async () => {
    start();
    await engine.dispose();
    writeFileSync(join(folder, 'config/recent.json'), '{"not": [');
    expect((await start().call('hello', {})).recent).toEqual([]);
  });

  test('native dialogs are asked where there are any', async () => {
    const shell = { pick: () => Promise.resolve(sample), save: () => Promise.resolve(null), print: () => Promise.resolve() };
    expect((await start({ shell }).call('input.pick', {}))?.name).toBe('burst-lte.pcapng');
    await engine.dispose();
    expect(await start().call('input.pick', {})).toBeNull();
  });
});

describe.runIf(built)('sessions in threads', () => {
  test('opens, runs in the background, and answers while it plays as fast as possible', async () => {
    start();
    const finished = new Promise<number>((resolve) => {
      client.on('run.finished', ({ summary }) => {
        resolve(summary.packets);
      });
    });
    const info = await client.call('session.open', { handle: engine.inputs.add(sample).handle });
    expect(info.capture.packets).toBeGreaterThan(1_000);
    expect(await finished).toBe(info.capture.packets);
    const session = info.id;
    await client.call('transport.play', { session, speed: 0 });
    const frame = await client.call('frame', { session });
    expect(frame.objects.length % 5).toBe(0);
    expect((await client.call('packets.rows', { session, first: 1, count: 10 })).rows).toHaveLength(10);
    await expect.poll(async () => (await client.call('transport.get', { session })).state).toBe('ended');
    await client.call('session.close', { session });
    await expect(client.call('frame', { session })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a file that is no capture is refused with what it is, and leaves no thread and no folder', async () => {
    start();
    const before = leftovers().length;
    const path = join(folder, 'picture.png');
    writeFileSync(path, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]));
    await expect(client.call('session.open', { handle: engine.inputs.add(path).handle })).rejects.toMatchObject({
      code: 'unsupported',
      data: { where: { file: 'picture.png' } },
    });
    expect(leftovers()).toHaveLength(before);
  });

  test('sessions end with the window that opened them', async () => {
    start();
    const first = client;
    const before = leftovers().length;
    const { id } = await first.call('session.open', { handle: engine.inputs.add(sample).handle });
    expect(leftovers()).toHaveLength(before + 1);
    const second = connect();
    expect((await second.call('session.info', { session: id })).id).toBe(id);
    first.dispose();
    await expect.poll(() => leftovers().length).toBe(before);
    await expect(second.call('session.info', { session: id })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a report can be downloaded, and is the same every time', async () => {
    start();
    const { id: session } = await client.call('session.open', { handle: engine.inputs.add(sample).handle });
    await client.call('run.start', { session });
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const made = await client.call('report.export', { session, format: 'html' });
      expect(made.name).toBe('burst-lte-report.html');
      const download = engine.downloads.get(made.url.split('/')[2]!);
      texts.push(readFileSync(download!.path, 'utf8'));
      expect(made.bytes).toBe(Buffer.byteLength(texts[i]!));
    }
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).toContain('<!doctype html>');
  });

  test.runIf(terminalFeature().ok)('the shell of a terminal has the ringside command and shares the session', async () => {
    start();
    const { id } = await client.call('session.open', { handle: engine.inputs.add(sample).handle });
    await client.call('run.start', { session: id });
    const { terminal } = await client.call('terminal.open', { session: id, cols: 200, rows: 50 });
    let text = '';
    client.on('terminal.data', (event) => {
      if (event.terminal === terminal) text += event.data;
    });
    await client.call('terminal.write', {
      terminal,
      data: 'ringside session --json | head -c 90; echo; ringside info | grep -c packets\r',
    });
    await expect.poll(() => text, { timeout: 30_000 }).toContain(`"path":"${sample}"`.slice(0, 60));
    const asked = new Promise<string>((resolve) => {
      client.on('input.open', ({ input }) => {
        resolve(input.name);
      });
    });
    await client.call('terminal.write', { terminal, data: `ringside open '${join(samplesFolder, 'mixed-lan.pcapng')}'\r` });
    expect(await asked).toBe('mixed-lan.pcapng');
    const exit = new Promise<number>((resolve) => {
      client.on('terminal.exit', ({ code }) => {
        resolve(code);
      });
    });
    await client.call('terminal.resize', { terminal, cols: 80, rows: 24 });
    await client.call('terminal.write', { terminal, data: 'exit 3\r' });
    expect(await exit).toBe(3);
    await expect(client.call('terminal.write', { terminal, data: 'x' })).rejects.toMatchObject({ code: 'not-found' });
  });

  test.runIf(terminalFeature().ok)("a window cannot write into another window's shell", async () => {
    const first = start();
    const { terminal } = await first.call('terminal.open', { session: null, cols: 80, rows: 24 });
    const second = connect();
    await expect(second.call('terminal.write', { terminal, data: 'exit\r' })).rejects.toMatchObject({ code: 'not-found' });
    first.dispose();
  });
});

if (!built) test.skip(`sessions in threads: ${notBuilt}`);
