import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TempFolder } from '../files/index.ts';

/** Files kept for the browser to fetch. A report is fetched at once; the oldest goes first. */
export const MAX_DOWNLOADS = 16;

export interface Download {
  readonly name: string;
  readonly type: string;
  readonly path: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  pdf: 'application/pdf',
  pcapng: 'application/x-pcapng',
};

/** Files that the host made for a browser: reports and saved captures, by unguessable ids, gone with the process. */
export class Downloads {
  private readonly files = new Map<string, Download>();
  private folder: TempFolder | undefined;

  /** Keeps some bytes; the answer is the path below the served origin. */
  add(name: string, bytes: Uint8Array | string): string {
    const path = this.newPath();
    writeFileSync(path, bytes, { mode: 0o600 });
    return this.addFile(name, path);
  }

  /** Path for a file that `addFile` will be told about. */
  newPath(): string {
    this.folder ??= new TempFolder('download');
    return join(this.folder.path, randomBytes(9).toString('hex'));
  }

  addFile(name: string, path: string): string {
    const id = randomBytes(18).toString('base64url');
    this.files.set(id, { name, type: TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream', path });
    for (const [oldest, { path: old }] of this.files) {
      if (this.files.size <= MAX_DOWNLOADS) break;
      this.files.delete(oldest);
      void rm(old, { force: true });
    }
    return `/download/${id}/${encodeURIComponent(name)}`;
  }

  get(id: string): Download | undefined {
    return this.files.get(id);
  }

  dispose(): void {
    this.files.clear();
    this.folder?.dispose();
    this.folder = undefined;
  }
}
