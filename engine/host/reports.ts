import { copyFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { EngineError, type CallContext, type EngineClient } from '../contract/index.ts';
import type { Downloads } from './downloads.ts';
import type { ShellHooks } from './engine.ts';
import { printPdf } from './pdf.ts';

export interface Delivered {
  readonly name: string;
  /** Path below the served origin, or a saved file's path for display. */
  readonly url: string;
  readonly bytes: number;
}

/** Hands files that a session made to the user: through the desktop's save dialog, or as a download. */
export class Reports {
  private readonly downloads: Downloads;
  private readonly shell: ShellHooks | undefined;

  constructor(downloads: Downloads, shell: ShellHooks | undefined) {
    this.downloads = downloads;
    this.shell = shell;
  }

  /** The session's thread writes the report; a PDF is printed from the HTML one. */
  async export(client: EngineClient, session: string, format: 'html' | 'json' | 'pdf', context: CallContext): Promise<Delivered> {
    const source = format === 'pdf' ? 'html' : format;
    const made = await client.call('report.export', { session, format: source }, { signal: context.signal });
    if (format !== 'pdf') return this.deliver(made.url, made.name, format);
    const name = made.name.replace(/\.html$/, '.pdf');
    context.progress({ done: 0, total: 1, unit: 'reports', message: 'printing' });
    try {
      if (this.shell !== undefined) return await this.printByShell(this.shell, made.url, name);
      const path = this.downloads.newPath();
      writeFileSync(path, await printPdf(readFileSync(made.url, 'utf8'), context.signal), { mode: 0o600 });
      return { name, url: this.downloads.addFile(name, path), bytes: statSync(path).size };
    } finally {
      rmSync(made.url, { force: true });
    }
  }

  /** Gives away the file at `path`; it is not there any more afterwards. */
  async deliver(path: string, name: string, format: string): Promise<Delivered> {
    const bytes = statSync(path).size;
    if (this.shell === undefined) {
      const kept = this.downloads.newPath();
      move(path, kept);
      return { name, url: this.downloads.addFile(name, kept), bytes };
    }
    const target = await this.shell.save(name, format);
    if (target === null) {
      rmSync(path, { force: true });
      throw new EngineError({ code: 'cancelled', message: 'Saving was cancelled.' });
    }
    move(path, target);
    return { name, url: target, bytes };
  }

  private async printByShell(shell: ShellHooks, html: string, name: string): Promise<Delivered> {
    const target = await shell.save(name, 'pdf');
    if (target === null) throw new EngineError({ code: 'cancelled', message: 'Saving was cancelled.' });
    await shell.print(html, target);
    return { name, url: target, bytes: statSync(target).size };
  }
}

/** Renames, or copies where source and target lie on different file systems. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    copyFileSync(from, to);
    rmSync(from, { force: true });
  }
}
