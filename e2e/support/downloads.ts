import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliFile } from './paths.ts';

const SPEC = `name: downloads
seed: 5
durationS: 0.2
streams:
  - { kind: burst, flows: 4, tcpShare: 1, packetsMin: 60, packetsMax: 90, periodMs: 20, lineBps: 1000000000, bytes: 1500, acks: false }
`;

/** Downloads in lumps, with all their bytes: the samples are cut short, and what is cut cannot be merged. */
export class Downloads {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ringside-downloads-'));

  /** The capture, made now. */
  make(): string {
    const spec = join(this.#folder, 'downloads.yaml');
    const capture = join(this.#folder, 'downloads.pcapng');
    writeFileSync(spec, SPEC);
    execFileSync(process.execPath, [cliFile, 'generate', spec, '-o', capture]);
    return capture;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
