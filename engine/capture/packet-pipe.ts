import { spawn, type ChildProcess } from 'node:child_process';
import { PIPE_SNAP_BYTES, PipedPackets } from './piped-packets.ts';
import { findProgram } from './programs.ts';

/** What the kernel holds for us while this process is busy, in KiB: half a second of 0.1 M packets a second of the Internet mix. */
const KERNEL_BUFFER_KIB = 16_384;
const MAX_STDERR_BYTES = 4_096;
/** tcpdump gets this long to end after SIGINT, then it is killed. */
const STOP_GRACE_MS = 3_000;

export interface PacketPipeOptions {
  readonly device: string;
  readonly filter: string;
  /** Second since 1970 that counts as 0. */
  readonly originS: number;
  readonly onPackets: (packets: PipedPackets) => void;
  /** Called once when the interface is open: no packet after that is missed. */
  readonly onListening: () => void;
  /** Called once, with what tcpdump said last where it ended by itself. */
  readonly onEnd: (message: string) => void;
}

/**
 * Packets of an interface as they come, without a file between: tcpdump in a process of its own hands over each packet at once, through a
 * pipe. Packets that this process cannot take wait in the pipe and then in the kernel's buffer, which counts what it loses.
 */
export class PacketPipe {
  /** Packets the kernel lost; known when the pipe has ended. */
  kernelDrops: number | null = null;
  private readonly child: ChildProcess;
  private readonly packets: PipedPackets;
  private readonly options: PacketPipeOptions;
  private errorText = '';
  private asked = false;
  private readonly ended: Promise<void>;

  constructor(options: PacketPipeOptions) {
    this.options = options;
    this.packets = new PipedPackets(options.originS, options.onPackets);
    const program = findProgram('tcpdump')?.path ?? 'tcpdump';
    const take = ['--immediate-mode', '-U', '-s', String(PIPE_SNAP_BYTES), '-B', String(KERNEL_BUFFER_KIB)];
    const args = ['-n', '-i', options.device, ...take, '--time-stamp-precision=nano', '-w', '-', '--', options.filter];
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.take(chunk);
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errorText = (this.errorText + text).slice(-MAX_STDERR_BYTES);
    });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.errorText = error.message;
      });
      this.child.on('close', () => {
        const drops = /(\d+) packets? dropped by kernel/.exec(this.errorText)?.[1];
        if (drops !== undefined) this.kernelDrops = Number(drops);
        options.onEnd(this.asked ? '' : `tcpdump on ${options.device} ended by itself: ${this.errorText.trim().split('\n').at(-1) ?? ''}`);
        resolve();
      });
    });
  }

  /** Process id of tcpdump. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** True when tcpdump has opened the interface. */
  get listening(): boolean {
    return this.packets.begun;
  }

  /** Ends it; packets that tcpdump still had are handed over before. */
  async stop(): Promise<void> {
    this.asked = true;
    this.child.kill('SIGINT');
    const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.ended;
    clearTimeout(killer);
  }

  private take(chunk: Uint8Array): void {
    const begun = this.packets.begun;
    this.packets.take(chunk);
    if (!begun && this.packets.begun) this.options.onListening();
    if (this.packets.damaged) this.child.kill('SIGKILL');
  }
}
