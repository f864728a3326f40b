import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TempFolder, sweepTempFolders } from './temp-folder.ts';

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sweep-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A pid that was used and is free again. */
async function gonePid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

test('folders of processes that are gone are swept, all others are left', async () => {
  const folder = place();
  const mine = new TempFolder('session');
  const name = basename(mine.path);
  expect(name).toMatch(new RegExp(`^ringside-session-\\d+\\.${process.pid}-\\w{6}$`));
  mine.dispose();
  const gone = String(await gonePid());
  const left = name.replace(`.${process.pid}-`, `.${gone}-`);
  const kept = [
    name,
    name.replace(/-\d+\./, '-1.').replace(`.${process.pid}-`, `.${gone}-`),
    'ringside-notes',
    `ringside-session-${gone}`,
    'other',
  ];
  for (const each of [left, ...kept]) {
    mkdirSync(join(folder, each));
    writeFileSync(join(folder, each, 'capture'), 'x');
  }
  expect(sweepTempFolders(folder)).toBe(1);
  expect(readdirSync(folder).toSorted()).toEqual(kept.toSorted());
  expect(sweepTempFolders(join(folder, 'nothere'))).toBe(0);
});

test('a folder is private and goes with dispose', () => {
  const made = new TempFolder('pdf');
  expect(existsSync(made.path)).toBe(true);
  made.dispose();
  expect(existsSync(made.path)).toBe(false);
});
