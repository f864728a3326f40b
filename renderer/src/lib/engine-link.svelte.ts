import type { CallAnswer, CallName, CallOptions, CallRequest, EngineClient } from '../../../engine/contract/index.ts';
import { Notices } from './notices.svelte.ts';

export type ConnectionState = 'connecting' | 'open' | 'lost';

/** The connection to the engine: its state, calls through it, and what the user is told about calls that fail or take long. */
export class EngineLink {
  connection = $state<ConnectionState>('connecting');
  /** Why the connection was lost. */
  lostReason = $state('');
  readonly notices = new Notices();

  #client: EngineClient | null = null;
  #undo: (() => void)[] = [];

  /** Takes a connected client and the subscriptions made on it. */
  protected link(client: EngineClient, undo: (() => void)[]): void {
    this.#client = client;
    this.#undo = undo;
  }

  /** Lets go of the client without closing it. */
  protected unlink(): EngineClient | null {
    const client = this.#client;
    for (const undo of this.#undo) undo();
    this.#undo = [];
    this.#client = null;
    return client;
  }

  /** Events that concern no one but a panel (terminal data), while it is mounted. */
  on: EngineClient['on'] = (event, listener) => (this.#client === null ? () => undefined : this.#client.on(event, listener));

  /** A call that may fail: the caller handles the EngineError. */
  call<M extends CallName>(method: M, request: CallRequest<M>, options?: CallOptions): Promise<CallAnswer<M>> {
    if (this.#client === null) return Promise.reject(new Error('The engine is not connected.'));
    return this.#client.call(method, request, options);
  }

  /** A call whose failure is shown to the user as a notice that begins with `doing`; the answer is null then. */
  async ask<M extends CallName>(doing: string, method: M, request: CallRequest<M>, options?: CallOptions): Promise<CallAnswer<M> | null> {
    try {
      return await this.call(method, request, options);
    } catch (error) {
      // A call that was under way when the connection went is explained by the screen that says so.
      if (this.connection !== 'lost') this.notices.error(doing, error);
      return null;
    }
  }

  /** A long call: progress and a cancel button while it runs. */
  async askLong<M extends CallName>(doing: string, method: M, request: CallRequest<M>): Promise<CallAnswer<M> | null> {
    const task = this.notices.startTask(doing);
    const answer = await this.ask(doing, method, request, {
      signal: task.controller.signal,
      onProgress: (progress) => {
        task.progress = progress;
      },
    });
    this.notices.endTask(task);
    return answer;
  }
}
