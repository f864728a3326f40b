import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cliFile, root } from './paths.ts';

const POLL_MS = 25;
/** The longest a program or a window is waited for. The limit only ends a test that would hang, on a machine of any speed. */
export const WAIT_MS = 45_000;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs, with everything it has said so far. */
export class Command {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly finished: Promise<Finished>;

  constructor(program: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}) {
    const env = { ...process.env, NO_COLOR: '1', ...options.env };
    this.child = spawn(program, [...args], { cwd: options.cwd ?? root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.finished = once(this.child, 'close').then(() => ({
      code: this.child.exitCode,
      signal: this.child.signalCode,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when what the program has said satisfies `ready`; rejects when it ends before. */
  async until(what: string, ready: () => boolean, timeoutMs = WAIT_MS): Promise<void> {
    await until(what, () => ready() || !this.running, timeoutMs);
    if (!ready()) throw new Error(`${what}: the program ended with code ${String(this.child.exitCode)}\n${this.stdout}\n${this.stderr}`);
  }

  /** Asks it to end, and makes it end where it does not. */
  async stop(graceMs = 5_000): Promise<Finished> {
    if (this.running) this.child.kill('SIGTERM');
    const killer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    const result = await this.finished;
    clearTimeout(killer);
    return result;
  }
}

/** The `ringside` command as it was built. */
export function ringside(args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Command {
  return new Command(process.execPath, [cliFile, ...args], options);
}

/** Waits for a condition of the world; the limit only ends a test that would hang. */
export async function until(what: string, ready: () => boolean | Promise<boolean>, timeoutMs = WAIT_MS): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await ready())) {
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs / 1_000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
