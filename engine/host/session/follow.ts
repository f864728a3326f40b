import { openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../contract/index.ts';
import {
  CHUNK_BYTES,
  PacketIndex,
  PushByteSource,
  RecordBatch,
  descriptorByteSource,
  detectFormat,
  openSource,
  type ByteSource,
  type PacketSource,
} from '../../files/index.ts';
import { Numbering, SessionInput } from './input.ts';

/** How often the spool file is looked at: a little more often than a person notices. */
const POLL_MS = 60;
/** A backend writes its header at once; one that has not after this has failed in a way of its own. */
const HEADER_TIMEOUT_MS = 15_000;
/** Bytes taken at one look, so that calls are answered in between. */
const MAX_BYTES_PER_LOOK = 4 * 1024 * 1024;

/** Follows the spool file of a live capture: appends what has come to the index. */
export class Follower {
  readonly input: SessionInput;
  private readonly file: ByteSource;
  private readonly pushed: PushByteSource;
  private readonly source: PacketSource;
  private readonly index: PacketIndex;
  private readonly numbering: Numbering;
  private readonly batch = new RecordBatch();
  private at = 0;
  private ended = false;

  private constructor(path: string, file: ByteSource, format: 'pcap' | 'pcapng') {
    this.file = file;
    this.pushed = new PushByteSource();
    const source = openSource(this.pushed, path, { format });
    if (!source.ok) throw source.error;
    this.source = source.value;
    this.index = new PacketIndex(this.source.recordHeaderBytes);
    this.numbering = new Numbering(this.index);
    this.input = new SessionInput({
      path,
      dataPath: path,
      compression: 'none',
      source: this.source,
      index: this.index,
      numbering: this.numbering,
      dispose: () => {
        this.source.close();
        this.file.close();
      },
    });
    this.input.growing = true;
  }

  /** Waits for the first bytes of the spool file, which tell its format. */
  static async open(path: string, signal: AbortSignal): Promise<Follower> {
    // A growing file has no length to go by: it is read by position until there is nothing for now.
    const file = descriptorByteSource(openSync(path, 'r'), Number.MAX_SAFE_INTEGER);
    const head = new Uint8Array(64);
    const until = Date.now() + HEADER_TIMEOUT_MS;
    for (;;) {
      const got = file.read(head, 0, head.length, 0);
      const detected = got >= 24 ? detectFormat(head.subarray(0, got)) : undefined;
      if (detected !== undefined && 'format' in detected && (detected.format === 'pcap' || detected.format === 'pcapng')) {
        return new Follower(path, file, detected.format);
      }
      if (signal.aborted || Date.now() > until) {
        file.close();
        throw new EngineError({
          code: 'unavailable',
          message: 'The capture program wrote nothing that can be read.',
          fix: 'Try another backend.',
        });
      }
      await sleep(POLL_MS);
    }
  }

  /** Takes in what has been appended since; true if there were packets. At most a few milliseconds of work. */
  take(): boolean {
    const before = this.index.count;
    let taken = 0;
    while (taken < MAX_BYTES_PER_LOOK) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const got = this.file.read(chunk, 0, chunk.length, this.at);
      if (got <= 0) break;
      this.at += got;
      taken += got;
      this.pushed.push(chunk.subarray(0, got));
      this.indexPushed();
    }
    return this.index.count > before;
  }

  /** The capture has ended: reads the rest. */
  end(): void {
    if (this.ended) return;
    while (this.take());
    this.ended = true;
    this.pushed.end();
    this.indexPushed();
    this.input.growing = false;
  }

  private indexPushed(): void {
    while (this.source.nextBatch(this.batch) && this.batch.count > 0) {
      const first = this.index.count + 1;
      this.index.append(this.batch);
      this.numbering.take(this.batch, first);
    }
  }
}

export const FOLLOW_POLL_MS = POLL_MS;
