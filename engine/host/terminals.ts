import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type * as NodePty from 'node-pty';
import { EngineError } from '../contract/index.ts';
import { TempFolder } from '../files/index.ts';
import { cliFile, rootFolder } from './paths.ts';

/** Shells of one window. */
export const MAX_TERMINALS = 8;
/**
 * Output held for a window that is slow to take it. Beyond this the shell is paused, which in the end blocks the program that
 * writes: nothing is lost and memory stays bounded.
 */
export const MAX_PENDING_CHARS = 256 * 1024;
/** Output is sent together at most this often: one animation frame. */
const FLUSH_MS = 12;
/** A window this far behind is given nothing more until it has caught up. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** Characters of one event; a terminal draws that in a few milliseconds. */
const FLUSH_CHARS = 64 * 1024;

export interface TerminalSink {
  data(terminal: string, data: string): void;
  exit(terminal: string, code: number): void;
  /** Bytes on their way to the window. While they are many, output waits here. */
  backlogBytes(): number;
}

interface Shell {
  readonly pty: NodePty.IPty;
  readonly sink: TerminalSink;
  pending: string;
  paused: boolean;
  timer: NodeJS.Timeout | undefined;
}

const FIX = 'sudo apt-get install make g++ python3 && npm rebuild node-pty';

let pty: typeof NodePty | undefined;
let ptyProblem = '';

function loadPty(): typeof NodePty | undefined {
  if (pty !== undefined || ptyProblem !== '') return pty;
  try {
    // An optional, native dependency: resolved at run time, from the program's own folder.
    pty = createRequire(join(rootFolder, 'package.json'))('node-pty') as typeof NodePty;
  } catch (error) {
    ptyProblem = `The module node-pty was not compiled (${error instanceof Error ? error.message.split('\n')[0]! : String(error)}): ${FIX}`;
  }
  return pty;
}

export function terminalFeature(): { ok: boolean; why: string } {
  return loadPty() === undefined ? { ok: false, why: ptyProblem } : { ok: true, why: '' };
}

/** The shells of the terminal panel. A `ringside` launcher stands first in their PATH; `env` says how it finds the open window. */
export class Terminals {
  private readonly shells = new Map<string, Shell>();
  private launcher: TempFolder | undefined;

  open(
    size: { cols: number; rows: number },
    env: Readonly<Record<string, string>>,
    sink: TerminalSink,
  ): { terminal: string; shell: string } {
    const module = loadPty();
    if (module === undefined) throw new EngineError({ code: 'unavailable', message: ptyProblem, fix: FIX });
    if (this.shells.size >= MAX_TERMINALS) {
      throw new EngineError({ code: 'limit', message: `${MAX_TERMINALS} terminals are open; close one first.` });
    }
    const program = shellProgram();
    this.launcher ??= makeLauncher();
    const spawned = module.spawn(program, [], {
      name: 'xterm-256color',
      cols: size.cols,
      rows: size.rows,
      cwd: existsSync(homedir()) ? homedir() : '/',
      env: {
        ...inherited(),
        ...env,
        TERM: 'xterm-256color',
        COLORTERM: 'truecolor',
        PATH: `${this.launcher.path}${delimiter}${process.env['PATH'] ?? ''}`,
      },
    });
    const terminal = randomBytes(9).toString('base64url');
    const shell: Shell = { pty: spawned, sink, pending: '', paused: false, timer: undefined };
    this.shells.set(terminal, shell);
    spawned.onData((data) => {
      this.take(terminal, shell, data);
    });
    spawned.onExit(({ exitCode }) => {
      this.flush(terminal, shell, Infinity);
      if (this.shells.delete(terminal)) sink.exit(terminal, exitCode);
    });
    return { terminal, shell: program };
  }

  write(terminal: string, data: string): void {
    this.get(terminal).pty.write(data);
  }

  resize(terminal: string, cols: number, rows: number): void {
    this.get(terminal).pty.resize(cols, rows);
  }

  /** Ends a shell and what runs in it. Closing one that is gone is no error: it may have ended by itself. */
  close(terminal: string): void {
    const shell = this.shells.get(terminal);
    if (shell === undefined) return;
    this.shells.delete(terminal);
    clearTimeout(shell.timer);
    shell.pending = '';
    // SIGHUP, as a terminal window sends it when it is closed.
    shell.pty.kill();
  }

  dispose(): void {
    for (const terminal of [...this.shells.keys()]) this.close(terminal);
    this.launcher?.dispose();
    this.launcher = undefined;
  }

  private get(terminal: string): Shell {
    const shell = this.shells.get(terminal);
    if (shell === undefined) throw new EngineError({ code: 'not-found', message: 'This terminal has ended.' });
    return shell;
  }

  private take(terminal: string, shell: Shell, data: string): void {
    shell.pending += data;
    if (shell.pending.length > MAX_PENDING_CHARS && !shell.paused) {
      shell.paused = true;
      shell.pty.pause();
    }
    shell.timer ??= setTimeout(() => {
      this.flush(terminal, shell, FLUSH_CHARS);
    }, FLUSH_MS);
  }

  private flush(terminal: string, shell: Shell, chars: number): void {
    clearTimeout(shell.timer);
    shell.timer = undefined;
    if (shell.pending !== '' && shell.sink.backlogBytes() < MAX_BACKLOG_BYTES) {
      shell.sink.data(terminal, shell.pending.slice(0, chars));
      shell.pending = shell.pending.slice(chars);
    }
    if (shell.pending !== '') {
      shell.timer = setTimeout(() => {
        this.flush(terminal, shell, FLUSH_CHARS);
      }, FLUSH_MS);
    } else if (shell.paused) {
      shell.paused = false;
      shell.pty.resume();
    }
  }
}

function shellProgram(): string {
  if (process.platform === 'win32') return process.env['COMSPEC'] ?? 'cmd.exe';
  const named = process.env['SHELL'];
  if (named !== undefined && existsSync(named)) return named;
  return existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh';
}

/** The environment without what would make a shell's programs behave as if Electron or a test runner were their parent. */
function inherited(): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(ELECTRON_|NODE_OPTIONS$|NODE_CHANNEL|VITEST|npm_)/.test(name)) out[name] = value;
  }
  return out;
}

/** A folder with a `ringside` that runs the command line of this very program, with Electron's Node where there is no other. */
function makeLauncher(): TempFolder {
  const folder = new TempFolder('bin');
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const electron = process.versions['electron'] === undefined ? '' : 'ELECTRON_RUN_AS_NODE=1 ';
  if (process.platform === 'win32') {
    const set = electron === '' ? '' : 'set ELECTRON_RUN_AS_NODE=1\r\n';
    writeFileSync(join(folder.path, 'ringside.cmd'), `@echo off\r\n${set}"${process.execPath}" "${cliFile}" %*\r\n`);
  } else {
    writeFileSync(join(folder.path, 'ringside'), `#!/bin/sh\n${electron}exec ${quote(process.execPath)} ${quote(cliFile)} "$@"\n`, {
      mode: 0o700,
    });
  }
  return folder;
}
