import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, type CaptureBackend } from '../contract/index.ts';
import { TempFolder } from '../files/index.ts';
import { TIMESTAMPS, listBackends } from './backends.ts';
import { listDevices } from './devices.ts';
import { checkFilter } from './filter-check.ts';
import { findProgram, helperPath } from './programs.ts';

export type BackendId = CaptureBackend['id'];

/** Bytes of each packet that are kept unless the caller says otherwise: whole packets, aggregated ones too. */
export const DEFAULT_SNAP_LEN = 262_144;
/** The spool file of one capture stops growing here and the capture ends with a message; a disk is not filled by an overnight capture. */
export const MAX_SPOOL_BYTES = 4 * 1024 * 1024 * 1024;
/** How much of a backend's error output is kept for the message. */
const MAX_STDERR_BYTES = 16_384;
/** tcpdump prints its counters when it gets SIGUSR1; asked for this often. */
const STATS_PERIOD_MS = 2_000;
/** After SIGINT a backend gets this long to write what it holds, then it is killed. */
const STOP_GRACE_MS = 3_000;

export interface LiveOptions {
  readonly device: string;
  readonly filter?: string;
  /** Without one, the first backend that can run, in the order of `listBackends`. */
  readonly backend?: BackendId;
  readonly snapLen?: number;
  /** Called after bytes were appended to the spool file, with its new length. */
  readonly onGrow?: (spoolBytes: number) => void;
  /** Called when the capture ended, whoever ended it. */
  readonly onEnd?: (end: LiveEnd) => void;
}

export interface LiveEnd {
  /** True when `stop` was called or the limit was reached; false when the helper died or the interface went away. */
  readonly asked: boolean;
  readonly message: string;
}

/**
 * One capture: a backend in a process of its own, whose pcap or pcapng stream is appended to a private spool file. Readers
 * follow the file; nothing is held in memory here.
 */
export class LiveCapture {
  readonly device: string;
  readonly backend: BackendId;
  readonly timestamps: string;
  readonly spoolPath: string;
  private readonly folder: TempFolder;
  private readonly options: LiveOptions;
  private readonly child: ChildProcess;
  private spool: number;
  private spoolLength = 0;
  private errorText = '';
  private asked = false;
  private limitReached = false;
  private writeError = '';
  private ended: LiveEnd | undefined;
  private drops: number | null = null;
  private readonly statsTimer: NodeJS.Timeout | undefined;
  private readonly whenEnded: Promise<LiveEnd>;

  private constructor(options: LiveOptions, backend: BackendId) {
    this.options = options;
    this.device = options.device;
    this.backend = backend;
    this.timestamps = TIMESTAMPS[backend];
    this.folder = new TempFolder('live');
    this.spoolPath = join(this.folder.path, backend === 'dumpcap' ? 'capture.pcapng' : 'capture.pcap');
    this.spool = openSync(this.spoolPath, 'wx', 0o600);
    const [program, args] = commandOf(backend, options);
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.append(chunk);
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.readErrors(text);
    });
    this.whenEnded = new Promise((resolve) => {
      let failure = '';
      this.child.on('error', (error) => {
        failure = error.message;
      });
      this.child.on('close', (code, signal) => {
        resolve(this.finish(code, signal, failure));
      });
    });
    if (backend === 'tcpdump') {
      this.statsTimer = setInterval(() => this.child.kill('SIGUSR1'), STATS_PERIOD_MS);
      this.statsTimer.unref();
    }
  }

  /**
   * Starts a capture. Errors are EngineErrors: `not-found` for an interface that is not there, `bad-input` for a filter,
   * `permission` or `unavailable` with the command that mends it.
   */
  static async start(options: LiveOptions): Promise<LiveCapture> {
    if (!listDevices().some((device) => device.name === options.device)) {
      const names = listDevices().map((device) => device.name);
      throw new EngineError({
        code: 'not-found',
        message: `There is no interface ${options.device}.`,
        fix: `Interfaces here: ${names.join(', ')}`,
      });
    }
    const check = await checkFilter(options.filter ?? '');
    if (!check.ok) {
      throw new EngineError({
        code: 'bad-input',
        message: `The capture filter is wrong: ${check.message}`,
        where: { field: 'filter' },
        fix: 'See the pcap-filter(7) manual page; an example is `tcp port 443 and host 192.0.2.1`.',
      });
    }
    const backends = await listBackends();
    const chosen = options.backend === undefined ? backends.find((b) => b.ok) : backends.find((b) => b.id === options.backend);
    if (chosen?.ok === true) return new LiveCapture(options, chosen.id);
    const blocked = chosen ?? backends[0]!;
    throw new EngineError({
      code: blocked.why.includes('install') || blocked.why.includes('compiled') ? 'unavailable' : 'permission',
      message: `Cannot capture on ${options.device}: ${blocked.why}`,
      fix: blocked.fix,
    });
  }

  get running(): boolean {
    return this.ended === undefined;
  }

  get spoolBytes(): number {
    return this.spoolLength;
  }

  /** Packets the kernel lost, as far as the backend tells: tcpdump while it runs, dumpcap at its end, cap never. */
  get kernelDrops(): number | null {
    return this.drops;
  }

  get end(): LiveEnd | undefined {
    return this.ended;
  }

  /** Process id of the backend. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Ends the capture and resolves once everything the backend had is in the spool file. */
  async stop(): Promise<LiveEnd> {
    if (this.ended === undefined) {
      this.asked = true;
      this.child.kill('SIGINT');
      const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
      await this.whenEnded;
      clearTimeout(killer);
    }
    return this.whenEnded;
  }

  /** Ends the capture and removes the spool file. */
  async dispose(): Promise<void> {
    await this.stop();
    this.folder.dispose();
  }

  private append(chunk: Buffer): void {
    if (this.limitReached || this.writeError !== '') return;
    try {
      for (let from = 0; from < chunk.length;) from += writeSync(this.spool, chunk, from);
    } catch (error) {
      this.writeError = error instanceof Error ? error.message : String(error);
      this.child.kill('SIGINT');
      return;
    }
    this.spoolLength += chunk.length;
    if (this.spoolLength >= MAX_SPOOL_BYTES) {
      this.limitReached = true;
      this.asked = true;
      this.child.kill('SIGINT');
    }
    this.options.onGrow?.(this.spoolLength);
  }

  private readErrors(text: string): void {
    this.errorText = (this.errorText + text).slice(-MAX_STDERR_BYTES);
    // tcpdump: "0 packets dropped by kernel", dumpcap: "Packets received/dropped on interface 'x': 10/0 (...)".
    const tcpdump = [...text.matchAll(/(\d+) packets? dropped by kernel/g)].at(-1)?.[1];
    const dumpcap = /Packets received\/dropped on interface .*: \d+\/(\d+)/.exec(text)?.[1];
    const drops = tcpdump ?? dumpcap;
    if (drops !== undefined) this.drops = Number(drops);
  }

  private finish(code: number | null, signal: NodeJS.Signals | null, failure: string): LiveEnd {
    clearInterval(this.statsTimer);
    closeSync(this.spool);
    this.spool = -1;
    const how = signal === null ? `code ${code ?? 'unknown'}` : `signal ${signal}`;
    let message: string;
    if (this.writeError !== '') message = `The capture could not be written (${this.writeError}) and was ended; what was written stays.`;
    else if (this.limitReached) message = `The capture reached its limit of ${MAX_SPOOL_BYTES / 1024 ** 3} GiB and was ended.`;
    else if (this.asked) message = 'Stopped.';
    else if (failure !== '') message = `${this.backend} could not be started: ${failure}`;
    else message = `${this.backend} ended by itself (${how})${reasonOf(this.errorText)}; what was captured until then stays.`;
    this.ended = { asked: this.asked && this.writeError === '', message };
    this.options.onEnd?.(this.ended);
    return this.ended;
  }
}

/** The line of a backend's error output that says why it ended. */
function reasonOf(text: string): string {
  const json = /"error":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  if (json !== undefined) return `: ${String(JSON.parse(json))}`;
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(tcpdump|dumpcap): /, '').trim())
    .filter((line) => line !== '' && !/^(Capturing on|File:|listening on|Packets:|\d+ packets? )/.test(line));
  return lines.length === 0 ? '' : `: ${lines.slice(-3).join(' ')}`;
}

function commandOf(backend: BackendId, options: LiveOptions): [string, string[]] {
  const filter = options.filter?.trim() ?? '';
  const snapLen = String(options.snapLen ?? DEFAULT_SNAP_LEN);
  if (backend === 'cap') {
    return [process.execPath, [helperPath('capture-helper.js'), options.device, snapLen, filter]];
  }
  const path = findProgram(backend)?.path ?? backend;
  if (backend === 'dumpcap') {
    return [path, ['-q', '-i', options.device, '-s', snapLen, '-w', '-', ...(filter === '' ? [] : ['-f', filter])]];
  }
  return [
    path,
    ['-n', '-U', '-i', options.device, '-s', snapLen, '--time-stamp-precision=nano', '-w', '-', ...(filter === '' ? [] : ['--', filter])],
  ];
}
