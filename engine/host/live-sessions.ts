import { EngineError, type EngineClient, type LiveStatus, type SessionInfo } from '../contract/index.ts';
import { LiveCapture, type BackendId } from '../capture/index.ts';
import type { Reports } from './reports.ts';
import { DEFAULT_SCENARIO } from './compiled-scenario.ts';
import { sessionId, type SessionHost, type SessionStart } from './session-host.ts';

interface Live {
  readonly capture: LiveCapture;
  readonly client: EngineClient;
}

export interface LiveRequest {
  readonly device: string;
  readonly filter: string;
  readonly backend?: BackendId | undefined;
}

/** Captures that feed sessions. The backend appends to a spool file; the session's thread follows that file. */
export class LiveSessions {
  private readonly running = new Map<string, Live>();

  /** Starts a capture and a session on its spool file. If the session fails, the capture goes too. */
  async start(
    request: LiveRequest,
    open: (start: SessionStart) => Promise<{ readonly info: SessionInfo; readonly host: SessionHost }>,
  ): Promise<SessionInfo> {
    const id = sessionId();
    const capture = await LiveCapture.start({
      device: request.device,
      filter: request.filter,
      ...(request.backend !== undefined && { backend: request.backend }),
      onEnd: () => {
        void this.tellEnd(id);
      },
    });
    try {
      const live = { device: capture.device, timestamps: capture.timestamps };
      const { info, host } = await open({ id, path: capture.spoolPath, name: capture.device, live, scenario: DEFAULT_SCENARIO });
      this.running.set(id, { capture, client: host.client });
      if (!capture.running) await this.tellEnd(id);
      return info;
    } catch (error) {
      await capture.dispose();
      throw error;
    }
  }

  /** Ends the capture; resolves when all that was captured is in the session. */
  async stop(session: string): Promise<LiveStatus> {
    const live = this.get(session);
    await live.capture.stop();
    await this.tellEnd(session);
    return this.status(session);
  }

  async status(session: string): Promise<LiveStatus> {
    const { capture, client } = this.get(session);
    const counted = await client.call('live.status', { session });
    return {
      ...counted,
      device: capture.device,
      backend: capture.backend,
      running: capture.running,
      kernelDrops: capture.kernelDrops,
      message: capture.end?.message ?? counted.message,
    };
  }

  async save(session: string, reports: Reports): Promise<{ name: string; url: string }> {
    const made = await this.get(session).client.call('live.save', { session });
    const { name, url } = await reports.deliver(made.url, made.name, 'pcapng');
    return { name, url };
  }

  async dispose(session: string): Promise<void> {
    const live = this.running.get(session);
    this.running.delete(session);
    await live?.capture.dispose();
  }

  private get(session: string): Live {
    const live = this.running.get(session);
    if (live === undefined) throw new EngineError({ code: 'not-found', message: 'This session is not a live capture.' });
    return live;
  }

  /** The session's thread reads what is left and stops following. Telling it twice is no harm. */
  private async tellEnd(session: string): Promise<void> {
    const client = this.running.get(session)?.client;
    await client?.call('live.stop', { session }).catch((error: unknown) => {
      // A session that was closed in the meantime has nothing to be told.
      if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error;
    });
  }
}
