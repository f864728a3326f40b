import { randomBytes } from 'node:crypto';
import { MessageChannel, Worker } from 'node:worker_threads';
import {
  createClient,
  messagePortPort,
  type EngineClient,
  type MessagePortLike,
  type Progress,
  type SessionInfo,
} from '../contract/index.ts';
import { TempFolder } from '../files/index.ts';
import { sessionWorkerFile } from './paths.ts';

/**
 * Room for new objects in the thread, MB. It makes few: what it reads lies in typed arrays, and Node's own choice of three times 16
 * would only fill up.
 */
const YOUNG_MB = 8;

export function sessionId(): string {
  return randomBytes(9).toString('base64url');
}

/** What a session's thread is started with. */
export interface SessionStart {
  readonly id: string;
  readonly path: string;
  /** Name for display: an upload lies under another one. */
  readonly name: string;
  /** Set for a capture that is still growing. */
  readonly live: { readonly device: string; readonly timestamps: string } | null;
  /** Bundled scenario to start with. */
  readonly scenario: string;
}

export interface SessionWorkerData extends SessionStart {
  readonly port: MessagePortLike;
}

/**
 * One session and its thread. The thread speaks the contract itself, on a port of its own, so that calls about a session are
 * handed on as they are; a thread that must stop at once is ended with its lanes.
 */
export class SessionHost {
  readonly start: SessionStart;
  readonly client: EngineClient;
  private readonly worker: Worker;
  private readonly folder = new TempFolder('session');
  private closing = false;

  constructor(start: SessionStart, onLost: (message: string) => void, file: string = sessionWorkerFile) {
    this.start = start;
    const { port1, port2 } = new MessageChannel();
    const data = { ...start, port: port2 as unknown as MessagePortLike } satisfies SessionWorkerData;
    // Its temporary files (an unpacked capture) lie in a folder of ours: a thread that is ended has no chance to remove them.
    const env = { ...process.env, TMPDIR: this.folder.path, TEMP: this.folder.path, TMP: this.folder.path };
    this.worker = new Worker(file, {
      workerData: data,
      transferList: [port2],
      env,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      name: `session ${start.id}`,
    });
    // Node's MessagePort has the members; its listener types are those of Node's own events.
    this.client = createClient(messagePortPort(port1 as unknown as MessagePortLike));
    this.worker.on('error', (error) => {
      this.lost(`The session's thread failed: ${error.message}`, onLost);
    });
    this.worker.on('exit', () => {
      this.lost('The session ended.', onLost);
    });
  }

  /** Indexes the input. Cancelling ends the thread: reading does not look around. */
  async open(signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<SessionInfo> {
    try {
      return await this.client.call('session.open', { handle: this.start.id }, { signal, onProgress });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    this.client.dispose();
    await this.worker.terminate();
    this.folder.dispose();
  }

  private lost(message: string, onLost: (message: string) => void): void {
    if (this.closing) return;
    this.closing = true;
    this.client.dispose();
    this.folder.dispose();
    onLost(message);
  }
}
