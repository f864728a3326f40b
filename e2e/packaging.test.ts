import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const sevenZip = ['/usr/bin/7za', '/usr/bin/7zz', '/usr/bin/7z'].find((path) => existsSync(path));
const linux = process.platform === 'linux' && process.arch === 'x64';

/** What marks the fuse wire in Electron's binary, followed by version, length and one character for each fuse. */
const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const FUSES = 9;

/**
 * A folder that looks like Electron's runtime to the packager: Electron's own cannot be downloaded everywhere a test runs.
 * Its program is a script with a fuse wire behind its end, so that the fuses can be set and read back.
 */
function standInRuntime(folder: string): void {
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'));
  const wire = Buffer.concat([Buffer.from(FUSE_SENTINEL, 'latin1'), Buffer.from([1, FUSES]), Buffer.alloc(FUSES, '0')]);
  writeFileSync(join(folder, 'electron'), Buffer.concat([Buffer.from('#!/bin/sh\necho stand-in\nexit 0\n'), wire]));
  chmodSync(join(folder, 'electron'), 0o755);
  writeFileSync(join(folder, 'version'), '45.4.1');
  for (const name of [
    'LICENSE',
    'LICENSES.chromium.html',
    'chrome_100_percent.pak',
    'resources.pak',
    'icudtl.dat',
    'chrome-sandbox',
    'chrome_crashpad_handler',
  ]) {
    writeFileSync(join(folder, name), name);
  }
  writeFileSync(join(folder, 'locales', 'en-US.pak'), 'en');
}

describe.skipIf(!linux)('packages', () => {
  let work = '';
  let output = '';
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'ringside-package-'));
    output = join(work, 'release');
    standInRuntime(join(work, 'runtime'));
    // Packed from a copy: the packager writes into its project folder.
    const project = join(work, 'project');
    mkdirSync(project);
    for (const name of ['package.json', 'package-lock.json', 'electron-builder.yml', 'dist', 'resources', 'LICENSE'])
      cpSync(join(root, name), join(project, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
    const args = [
      join(root, 'node_modules/electron-builder/cli.js'),
      ...['--linux', 'dir', ...(sevenZip === undefined ? [] : ['tar.gz']), '--x64', '--publish', 'never'],
      `-c.electronDist=${join(work, 'runtime')}`,
      `-c.directories.output=${output}`,
    ];
    const env = { ...process.env, ...(sevenZip !== undefined && { ELECTRON_BUILDER_7ZIP_PATH: sevenZip }) };
    await run(process.execPath, args, { cwd: project, env, timeout: 240_000, maxBuffer: 16_000_000 });
  }, 300_000);
  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  test('the folder has the program, its archive, and the workers beside it', () => {
    const app = join(output, 'linux-unpacked');
    expect(existsSync(join(app, 'ringside'))).toBe(true);
    expect(existsSync(join(app, 'resources/app.asar'))).toBe(true);
    for (const name of ['cli.js', 'session-worker.js', 'lane-worker.cjs', 'replay-core.cjs', 'translate-core.cjs', 'capture-helper.js']) {
      expect(existsSync(join(app, 'resources/app.asar.unpacked/dist', name)), name).toBe(true);
    }
  });

  test('the fuses are set: no Node mode, no inspector, only the packed program', () => {
    const binary = readFileSync(join(output, 'linux-unpacked/ringside'));
    const at = binary.indexOf(FUSE_SENTINEL, 0, 'latin1') + FUSE_SENTINEL.length + 2;
    const fuse = (index: number): string => String.fromCharCode(binary[at + index] ?? 0);
    // Order of Electron's FuseV1Options.
    expect({
      runAsNode: fuse(0),
      cookieEncryption: fuse(1),
      nodeOptions: fuse(2),
      inspect: fuse(3),
      asarIntegrity: fuse(4),
      onlyAsar: fuse(5),
      fileProtocol: fuse(7),
    }).toEqual({
      runAsNode: '0',
      cookieEncryption: '1',
      nodeOptions: '0',
      inspect: '0',
      asarIntegrity: '1',
      onlyAsar: '1',
      fileProtocol: '0',
    });
  });

  test('the archive holds the built program and no sources, tests or captures from elsewhere', async () => {
    const { stdout } = await run(
      process.execPath,
      [join(root, 'node_modules/@electron/asar/bin/asar.js'), 'list', join(output, 'linux-unpacked/resources/app.asar')],
      {
        maxBuffer: 16_000_000,
      },
    );
    const names = stdout.split('\n');
    expect(names).toContain('/dist/electron/main.js');
    expect(names).toContain('/dist/electron/preload.cjs');
    expect(names).toContain('/dist/renderer/index.html');
    expect(names.filter((name) => /\.test\.|\/engine\/|\.ts$|bench\.js/.test(name))).toEqual([]);
  });

  test.skipIf(sevenZip === undefined)('the tar.gz unpacks to the same program', async () => {
    const archive = join(
      output,
      `ringside-${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}.tar.gz`,
    );
    const { stdout } = await run('tar', ['-tzf', archive], { maxBuffer: 16_000_000 });
    expect(stdout).toMatch(/\/ringside\n/);
    expect(stdout).toContain('resources/app.asar\n');
  });
});
