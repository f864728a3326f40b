import { spawn, type ChildProcess } from 'node:child_process';
import { FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from './pcap-stream.ts';
import { findProgram } from './programs.ts';

/** Whole packets: a packet that is cut cannot be sent on. */
const SNAP_BYTES = 65_535;
/** What the kernel holds for us while this process is busy, in KiB: half a second of 0.1 M packets a second of the Internet mix. */
const KERNEL_BUFFER_KIB = 16_384;
/** Records that lie ready; a record is never longer than SNAP_BYTES. */
const BUFFER_BYTES = 512 * 1024;
/** Packets handed over at a time. */
const MAX_PACKETS = 1_024;
const MAX_STDERR_BYTES = 4_096;
/** tcpdump gets this long to end after SIGINT, then it is killed. */
const STOP_GRACE_MS = 3_000;

/** Packets that came, of which the first `count` entries hold. The arrays are used again after the call. */
export class PipedPackets {
  readonly bytes = new Uint8Array(BUFFER_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  readonly offset = new Uint32Array(MAX_PACKETS);
  readonly capLen = new Uint32Array(MAX_PACKETS);
  readonly origLen = new Uint32Array(MAX_PACKETS);
  /** ns since the first packet of the first pipe: see PacketPipe. */
  readonly tNs = new Float64Array(MAX_PACKETS);
  count = 0;
}

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
  private readonly packets = new PipedPackets();
  private readonly options: PacketPipeOptions;
  private filled = 0;
  private inHeader = true;
  private errorText = '';
  private asked = false;
  private readonly ended: Promise<void>;

  constructor(options: PacketPipeOptions) {
    this.options = options;
    const program = findProgram('tcpdump')?.path ?? 'tcpdump';
    const take = ['--immediate-mode', '-U', '-s', String(SNAP_BYTES), '-B', String(KERNEL_BUFFER_KIB)];
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
    return !this.inHeader;
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
    for (let from = 0; from < chunk.length;) {
      const { bytes } = this.packets;
      const take = Math.min(chunk.length - from, bytes.length - this.filled);
      bytes.set(chunk.subarray(from, from + take), this.filled);
      this.filled += take;
      from += take;
      this.handOver();
    }
  }

  /** Hands over the whole records and moves the rest to the front. */
  private handOver(): void {
    const { packets } = this;
    let at = 0;
    if (this.inHeader) {
      if (this.filled < FILE_HEADER_BYTES) return;
      this.inHeader = false;
      at = FILE_HEADER_BYTES;
      this.options.onListening();
    }
    for (let next = this.record(at); next > at; next = this.record(at)) {
      at = next;
      if (packets.count === MAX_PACKETS) this.deliver();
    }
    this.deliver();
    if (at > 0) packets.bytes.copyWithin(0, at, this.filled);
    this.filled -= at;
  }

  /** Notes the record at `at` and returns its end; `at` where it is not there whole. tcpdump writes in the byte order of the machine. */
  private record(at: number): number {
    const { packets } = this;
    if (this.filled - at < RECORD_HEADER_BYTES) return at;
    const { view } = packets;
    const capLen = view.getUint32(at + 8, LITTLE_ENDIAN);
    if (capLen > SNAP_BYTES) {
      // Never written by tcpdump: what follows cannot be read.
      this.child.kill('SIGKILL');
      return at;
    }
    const end = at + RECORD_HEADER_BYTES + capLen;
    if (end > this.filled) return at;
    const i = packets.count++;
    packets.offset[i] = at + RECORD_HEADER_BYTES;
    packets.capLen[i] = capLen;
    packets.origLen[i] = view.getUint32(at + 12, LITTLE_ENDIAN);
    packets.tNs[i] = (view.getUint32(at, LITTLE_ENDIAN) - this.options.originS) * 1e9 + view.getUint32(at + 4, LITTLE_ENDIAN);
    return end;
  }

  private deliver(): void {
    if (this.packets.count > 0) this.options.onPackets(this.packets);
    this.packets.count = 0;
  }
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
