import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders of this process that must not outlive it. */
const open = new Set<string>();
let hooked = false;

/**
 * A private folder (mode 0700) that goes when it is disposed of, and at the latest when the process exits. Processes that handle
 * signals end through `process.exit`, so the hook runs for them too.
 */
export class TempFolder {
  readonly path: string;

  constructor(purpose: string) {
    this.path = mkdtempSync(join(tmpdir(), `ringside-${purpose}-`));
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

function removeAll(): void {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
  open.clear();
}
