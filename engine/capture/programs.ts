import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Capture programs often live where an ordinary user's PATH does not look. */
const EXTRA_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/local/bin'];

/** Full path of a program, or undefined. A program that exists but may not be run by this user is found too, with `runnable` false. */
export function findProgram(name: string): { readonly path: string; readonly runnable: boolean } | undefined {
  let present: string | undefined;
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), ...EXTRA_FOLDERS]) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.F_OK);
      present ??= path;
      accessSync(path, constants.X_OK);
      return { path, runnable: true };
    } catch {
      // Not in this folder, or not for this user.
    }
  }
  return present === undefined ? undefined : { path: present, runnable: false };
}

/** Path of the compiled `cap` module's package, or undefined where it was not built. */
export function findCap(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const entry = require.resolve('cap');
    accessSync(join(entry, '../../build/Release/cap.node'), constants.R_OK);
    return entry;
  } catch {
    return undefined;
  }
}

export interface ProgramOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell and never rejects. Code 127 means it could not be started, 124 that it took too long. */
export function runProgram(path: string, args: readonly string[], timeoutMs = 5_000): Promise<ProgramOutput> {
  return new Promise((resolve) => {
    execFile(path, [...args], { timeout: timeoutMs, maxBuffer: 1_048_576, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (error.killed === true) resolve({ code: 124, stdout, stderr });
      else resolve({ code: typeof error.code === 'number' ? error.code : 127, stdout, stderr: stderr === '' ? error.message : stderr });
    });
  });
}

/** A helper program of the build, also where this file runs from source. */
export function helperPath(name: string): string {
  const folder = dirname(fileURLToPath(import.meta.url));
  const beside = join(folder, name);
  return existsSync(beside) ? beside : join(folder, '../../dist', name);
}
