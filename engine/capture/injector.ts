import { spawn, type ChildProcess } from 'node:child_process';
import { helperPath } from './programs.ts';

/** Each frame goes to the helper behind its length: 32 bits, the lower byte first. */
export const FRAME_HEADER_BYTES = 4;
/** The longest frame that is sent: a packet of 65,535 bytes and its Ethernet header. */
export const MAX_FRAME_BYTES = 65_549;
/** Frames are handed over when this many bytes have come together, or at `flush`. */
const BATCH_BYTES = 128 * 1024;
/** Memory taken at a time: batches lie in it one behind another. */
const SLAB_BYTES = 1024 * 1024;
/** Bytes that wait for the helper; frames that come on top are dropped and counted, as a full ring of a network card does. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** The helper sends what it still has when its input ends; then it is ended. */
const STOP_GRACE_MS = 3_000;

/** What the helper tells at its end. */
export interface SendEnd {
  sent: number;
  /** Frames that the kernel did not take: its queue was full, or the interface is down. */
  refused: number;
  /** What it said last. */
  why: string;
}

/** Sends whole Ethernet frames on an interface, by a helper process around `cap`. */
export class Injector {
  /** Frames dropped because the helper did not keep up. */
  dropped = 0;
  private readonly child: ChildProcess;
  private readonly ready: Promise<void>;
  private readonly ended: Promise<void>;
  private batch = Buffer.allocUnsafe(SLAB_BYTES);
  private filled = 0;
  private said = '';
  private errorText = '';

  constructor(device: string) {
    this.child = spawn(process.execPath, [helperPath('capture-helper.js'), '--send', device], { stdio: ['pipe', 'pipe', 'pipe'] });
    // A helper that has gone takes no more; `end` tells how many it took.
    this.child.stdin?.on('error', () => undefined);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errorText += text));
    this.ended = new Promise((resolve) => {
      this.child.on('error', () => undefined);
      this.child.on('close', () => {
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
        if (this.said.includes('"ready"')) resolve();
      });
      void this.ended.then(() => {
        reject(new Error(/"error":"([^"]*)"/.exec(this.errorText)?.[1] ?? this.errorText.trim()));
      });
    });
    this.ready.catch(() => undefined);
  }

  /** Resolves when the interface is open; rejects with the reason where it cannot be. */
  opened(): Promise<void> {
    return this.ready;
  }

  /** Process id of the helper. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Takes the first `lengthBytes` of `frame` to be sent; false where too many wait already, which is counted. */
  send(frame: Uint8Array, lengthBytes: number): boolean {
    if (lengthBytes > MAX_FRAME_BYTES || (this.child.stdin?.writableLength ?? 0) > MAX_WAITING_BYTES) {
      this.dropped++;
      return false;
    }
    if (this.filled + FRAME_HEADER_BYTES + lengthBytes > BATCH_BYTES) this.flush();
    this.batch.writeUInt32LE(lengthBytes, this.filled);
    this.batch.set(frame.length === lengthBytes ? frame : frame.subarray(0, lengthBytes), this.filled + FRAME_HEADER_BYTES);
    this.filled += FRAME_HEADER_BYTES + lengthBytes;
    return true;
  }

  /** Hands over what has come together. */
  flush(): void {
    if (this.filled === 0) return;
    this.child.stdin?.write(this.batch.subarray(0, this.filled));
    // What was handed over belongs to the stream until it is written.
    this.batch = this.batch.subarray(this.filled);
    if (this.batch.length < BATCH_BYTES) this.batch = Buffer.allocUnsafe(SLAB_BYTES);
    this.filled = 0;
  }

  /** Sends what is left and ends the helper; undefined where it ended without telling. */
  async end(): Promise<SendEnd | undefined> {
    this.flush();
    this.child.stdin?.end();
    const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.ended;
    clearTimeout(killer);
    const last = this.said.trim().split('\n').at(-1) ?? '';
    return last.includes('"sent"') ? (JSON.parse(last) as SendEnd) : undefined;
  }
}
