import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** One run of a whole process. */
export interface Run {
  readonly seconds: number;
  /** Largest resident set in MiB; undefined where GNU time is not installed. */
  readonly peakMiB: number | undefined;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  readonly label: string;
  readonly program: string;
  readonly args: readonly string[];
}

/** How much of a program's output is kept. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
/** A run that takes longer is ended and counts as failed. */
const RUN_TIMEOUT_MS = 300_000;

export function which(program: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return undefined;
}

/**
 * Node reads the certificates of this variable at each start, whatever the program (65 ms of processor time for Debian's list): that is the
 * machine's setting and no part of what is compared.
 */
const ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

const gnuTime = which('time');
const TIME_MARK = 'ringside-peak-kib ';

/** Runs a command once and measures it from outside, by the wall clock. */
export function runOnce(command: Command): Promise<Run> {
  const [program, args] =
    gnuTime === undefined ? [command.program, command.args] : [gnuTime, ['-f', `${TIME_MARK}%M`, command.program, ...command.args]];
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_TIMEOUT_MS);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_OUTPUT_BYTES) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_OUTPUT_BYTES) stderr += text;
    });
    child.on('error', reject);
    let seconds = 0;
    child.on('exit', () => {
      seconds = Number(process.hrtime.bigint() - started) / 1e9;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const peak = new RegExp(`${TIME_MARK}(\\d+)`).exec(stderr)?.[1];
      resolve({ seconds, peakMiB: peak === undefined ? undefined : Number(peak) / 1024, code: code ?? 1, stdout, stderr });
    });
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export interface Comparison {
  /** Peer's seconds over ours, pair by pair: above 1 is faster than the peer. */
  readonly ratio: Spread;
  readonly ours: Spread;
  readonly peer: Spread;
  readonly oursPeakMiB: number | undefined;
  readonly peerPeakMiB: number | undefined;
}

/** Runs both commands in turn: one warm-up each, then `rounds` pairs. The order inside a pair alternates. */
export async function compare(ours: Command, peer: Command, rounds: number): Promise<Comparison> {
  const a: number[] = [];
  const b: number[] = [];
  let peakA: number | undefined;
  let peakB: number | undefined;
  for (let round = -1; round < rounds; round++) {
    const order = round % 2 === 0 ? [ours, peer] : [peer, ours];
    for (const command of order) {
      const run = await runOnce(command);
      if (run.code !== 0) throw new Error(`${command.label} ended with code ${run.code}: ${run.stderr.trim().slice(-400)}`);
      if (round < 0) continue;
      if (command === ours) {
        a.push(run.seconds);
        peakA = Math.max(peakA ?? 0, run.peakMiB ?? 0);
      } else {
        b.push(run.seconds);
        peakB = Math.max(peakB ?? 0, run.peakMiB ?? 0);
      }
    }
  }
  return {
    ratio: spread(b.map((seconds, i) => seconds / a[i]!)),
    ours: spread(a),
    peer: spread(b),
    oursPeakMiB: gnuTime === undefined ? undefined : peakA,
    peerPeakMiB: gnuTime === undefined ? undefined : peakB,
  };
}
