import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { EngineError, type InputRef } from '../contract/index.ts';
import { displayFolder, samplesFolder } from './paths.ts';

/** Files remembered between starts; as many as a welcome screen shows without scrolling. */
export const MAX_RECENT = 12;
/** Handles of one process. A window makes one for each file it is given. */
export const MAX_INPUTS = 4_096;

const recentSchema = z.array(z.string()).max(1_000);
const sampleSchema = z.object({
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  title: z.string(),
  description: z.string(),
  scenario: z.string().optional(),
});
const samplesSchema = z.union([z.array(sampleSchema), z.object({ samples: z.array(sampleSchema) }).transform((index) => index.samples)]);

/** A file the window may open, by its handle. */
interface Entry {
  readonly ref: InputRef;
  readonly path: string;
  /** Of `byKey`. */
  readonly key: string;
  /** Uploaded copies are gone after the process and do not belong into the list of recent files. */
  readonly temporary: boolean;
}

export interface AddOptions {
  readonly name?: string;
  readonly folder?: string;
  readonly temporary?: boolean;
  readonly title?: string;
  readonly description?: string;
  readonly scenario?: string;
}

/**
 * Files that a dialog, a drop, an upload, the command line or the list of recent files gave the program, by opaque handles. The window
 * knows handles only: a page cannot name a path.
 */
export class Inputs {
  private readonly byHandle = new Map<string, Entry>();
  private readonly byKey = new Map<string, string>();
  private readonly recentFile: string;
  private recentPaths: string[];

  constructor(configFolder: string) {
    this.recentFile = join(configFolder, 'recent.json');
    this.recentPaths = this.readRecent();
  }

  /** A reference to a file that exists; EngineError `not-found`, `permission` or `bad-input` otherwise. */
  add(path: string, options: AddOptions = {}): InputRef {
    const full = resolve(path);
    const bytes = fileSize(full);
    // One file may be given with different scenarios: named on the command line, and as a sample with its own.
    const key = `${options.scenario ?? ''}\n${full}`;
    const known = this.byKey.get(key);
    const handle = known ?? randomBytes(12).toString('base64url');
    if (known === undefined && this.byHandle.size >= MAX_INPUTS) this.dropOldest();
    const ref: InputRef = {
      handle,
      name: options.name ?? basename(full),
      folder: options.folder ?? displayFolder(dirname(full)),
      bytes,
      ...(options.title !== undefined && { title: options.title }),
      ...(options.description !== undefined && { description: options.description }),
      ...(options.scenario !== undefined && { scenario: options.scenario }),
    };
    this.byHandle.set(handle, { ref, path: full, key, temporary: options.temporary ?? false });
    this.byKey.set(key, handle);
    return ref;
  }

  /** Path and reference behind a handle; EngineError `not-found` for one that was never given out. */
  get(handle: string): { readonly path: string; readonly ref: InputRef } {
    const entry = this.byHandle.get(handle);
    if (entry === undefined) {
      throw new EngineError({ code: 'not-found', message: 'This input is not known any more.', fix: 'Open the file again.' });
    }
    return entry;
  }

  /** Puts an opened file at the top of the list of recent files. */
  remember(handle: string): void {
    const entry = this.byHandle.get(handle);
    if (entry === undefined || entry.temporary || dirname(entry.path) === samplesFolder) return;
    this.recentPaths = [entry.path, ...this.recentPaths.filter((path) => path !== entry.path)].slice(0, MAX_RECENT);
    this.writeRecent();
  }

  forget(handle: string): void {
    const entry = this.byHandle.get(handle);
    if (entry === undefined) return;
    this.recentPaths = this.recentPaths.filter((path) => path !== entry.path);
    this.writeRecent();
  }

  /** Recent files that still exist, newest first. */
  recent(): InputRef[] {
    return this.recentPaths.flatMap((path) => this.tryAdd(path, {}));
  }

  /** The bundled samples, in the order of their index. */
  samples(folder: string = samplesFolder): InputRef[] {
    const parsed = samplesSchema.safeParse(readJson(join(folder, 'index.json')));
    if (!parsed.success) return [];
    return parsed.data.flatMap(({ file, title, description, scenario }) =>
      this.tryAdd(join(folder, file), { title, description, ...(scenario !== undefined && { scenario }) }),
    );
  }

  private tryAdd(path: string, options: AddOptions): InputRef[] {
    try {
      return [this.add(path, options)];
    } catch (error) {
      // A file that is gone is left out of a list; opening it by name says why.
      if (error instanceof EngineError) return [];
      throw error;
    }
  }

  private dropOldest(): void {
    for (const [handle, { key }] of this.byHandle) {
      this.byHandle.delete(handle);
      this.byKey.delete(key);
      return;
    }
  }

  private readRecent(): string[] {
    const parsed = recentSchema.safeParse(readJson(this.recentFile));
    return parsed.success ? parsed.data.slice(0, MAX_RECENT) : [];
  }

  private writeRecent(): void {
    try {
      mkdirSync(dirname(this.recentFile), { recursive: true, mode: 0o700 });
      const draft = `${this.recentFile}.${process.pid}`;
      writeFileSync(draft, JSON.stringify(this.recentPaths, null, 2), { mode: 0o600 });
      renameSync(draft, this.recentFile);
    } catch {
      // A home folder that cannot be written costs the list of recent files and nothing else.
    }
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function fileSize(path: string): number {
  try {
    const stat = statSync(path);
    if (stat.isDirectory())
      throw new EngineError({ code: 'bad-input', message: 'This is a folder, not a capture file.', where: { file: path } });
    return stat.size;
  } catch (error) {
    throw fileError(error, path);
  }
}

/** An error of the file system as an EngineError that names the file and says what to do. */
export function fileError(error: unknown, path: string): EngineError {
  if (error instanceof EngineError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const where = { file: path };
  if (code === 'ENOENT' || code === 'ENOTDIR') return new EngineError({ code: 'not-found', message: `There is no file ${path}.`, where });
  if (code === 'EACCES' || code === 'EPERM') {
    return new EngineError({
      code: 'permission',
      message: `${path} may not be read by this user.`,
      where,
      fix: `sudo chmod a+r '${path}'`,
    });
  }
  if (code === 'EISDIR') return new EngineError({ code: 'bad-input', message: 'This is a folder, not a file.', where });
  return new EngineError({ code: 'bad-input', message: error instanceof Error ? error.message : String(error), where });
}
