import { chmodSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders of this process that must not outlive it. */
const open = new Set<string>();
let hooked = false;

/** `ringside-session-4026531836.1234-Ab3dEf`: what for, whose pid in which pid namespace, and what makes it unique. */
const NAME = /^ringside-[a-z]+-(\d+)\.(\d+)-\w{6}$/;

/**
 * A private folder (mode 0700) that goes when it is disposed of, and at the latest when the process exits. Processes that handle
 * signals end through `process.exit`, so the hook runs for them too. One that is killed leaves its folders: `sweepTempFolders` of a
 * later start removes them.
 */
export class TempFolder {
  readonly path: string;

  constructor(purpose: string) {
    this.path = mkdtempSync(join(tmpdir(), `ringside-${purpose}-${pidNamespace()}.${String(process.pid)}-`));
    chmodSync(this.path, 0o700);
    open.add(this.path);
    if (!hooked) process.on('exit', removeAll);
    hooked = true;
  }

  dispose(): void {
    open.delete(this.path);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/**
 * Removes folders that processes of this user left which are gone now. Processes of another pid namespace (a container with the same
 * temporary folder) cannot be seen from here, so theirs are left alone. Returns how many went; what cannot be removed stays.
 */
export function sweepTempFolders(folder: string = tmpdir()): number {
  let removed = 0;
  for (const name of namesIn(folder)) {
    const [, namespace, pid] = NAME.exec(name) ?? [];
    if (namespace !== pidNamespace() || isRunning(Number(pid))) continue;
    const path = join(folder, name);
    try {
      if (lstatSync(path).uid !== process.getuid?.()) continue;
      rmSync(path, { recursive: true, force: true });
      removed++;
    } catch {
      // Another start was faster, or it is not ours to remove.
    }
  }
  return removed;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not permitted: there is one, of another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Number of the pid namespace; 0 where there are none. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function removeAll(): void {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
  open.clear();
}
