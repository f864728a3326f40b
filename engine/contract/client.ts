import {
  contract,
  type CallAnswer,
  type CallName,
  type CallOptions,
  type CallRequest,
  type EngineClient,
  type EventData,
  type EventName,
  type Progress,
} from './calls.ts';
import { EngineError } from './engine-error.ts';
import type { Message, Port } from './messages.ts';

export interface ClientOptions {
  /**
   * Check every answer and event against the contract. Off by default, because the other side is the same program and a frame
   * is checked 60 times a second otherwise; development builds and tests turn it on.
   */
  readonly validate?: boolean;
}

interface Pending {
  readonly method: CallName;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: EngineError) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly release: () => void;
}

const cancelled = (): EngineError => new EngineError({ code: 'cancelled', message: 'The call was cancelled.' });
const unavailable = (reason: string): EngineError =>
  new EngineError({ code: 'unavailable', message: `The engine cannot be reached: ${reason}.` });

/** The engine as the window sees it, at the end of a port. Owns the port: disposing of the client closes it. */
export function createClient(port: Port, options: ClientOptions = {}): EngineClient {
  const validate = options.validate ?? false;
  const pending = new Map<number, Pending>();
  const listeners = new Map<EventName, Set<(data: unknown) => void>>();
  const closeListeners = new Set<(reason: string) => void>();
  let nextId = 1;
  let closedBecause: string | undefined;

  function settle(id: number): Pending | undefined {
    const call = pending.get(id);
    if (call === undefined) return undefined;
    pending.delete(id);
    call.release();
    return call;
  }

  function shutDown(reason: string): void {
    if (closedBecause !== undefined) return;
    closedBecause = reason;
    for (const id of [...pending.keys()]) settle(id)?.reject(unavailable(reason));
    for (const listener of closeListeners) listener(reason);
    closeListeners.clear();
    listeners.clear();
  }

  function onResult(id: number, result: unknown): void {
    const call = settle(id);
    if (call === undefined) return;
    if (validate) {
      const checked = contract.calls[call.method].answer.safeParse(result);
      if (!checked.success) {
        call.reject(
          new EngineError({ code: 'internal', message: `The answer to ${call.method} breaks the contract: ${checked.error.message}` }),
        );
        return;
      }
    }
    call.resolve(result);
  }

  function onEvent(event: EventName, data: unknown): void {
    if (validate && !contract.events[event].safeParse(data).success) return;
    for (const listener of [...(listeners.get(event) ?? [])]) listener(data);
  }

  port.onMessage((message: Message) => {
    switch (message.kind) {
      case 'result':
        onResult(message.id, message.result);
        break;
      case 'error':
        settle(message.id)?.reject(new EngineError(message.error));
        break;
      case 'progress':
        pending.get(message.id)?.onProgress?.(message.progress);
        break;
      case 'event':
        if (Object.hasOwn(contract.events, message.event)) onEvent(message.event, message.data);
        break;
      case 'call':
      case 'cancel':
        // Only the other side makes calls.
        break;
    }
  });
  port.onClose(shutDown);

  function call<M extends CallName>(method: M, request: CallRequest<M>, callOptions: CallOptions = {}): Promise<CallAnswer<M>> {
    const { signal, onProgress } = callOptions;
    if (closedBecause !== undefined) return Promise.reject(unavailable(closedBecause));
    if (signal?.aborted === true) return Promise.reject(cancelled());
    const id = nextId++;
    return new Promise<CallAnswer<M>>((resolve, reject) => {
      const abort = (): void => {
        port.send({ kind: 'cancel', id });
        settle(id)?.reject(cancelled());
      };
      signal?.addEventListener('abort', abort, { once: true });
      pending.set(id, {
        method,
        resolve: (value) => {
          resolve(value as CallAnswer<M>);
        },
        reject,
        onProgress,
        release: () => {
          signal?.removeEventListener('abort', abort);
        },
      });
      port.send({ kind: 'call', id, method, params: request });
    });
  }

  return {
    call,
    on<E extends EventName>(event: E, listener: (data: EventData<E>) => void): () => void {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set);
      const untyped = (data: unknown): void => {
        listener(data as EventData<E>);
      };
      set.add(untyped);
      return () => {
        set.delete(untyped);
      };
    },
    onClosed(listener) {
      if (closedBecause !== undefined) {
        listener(closedBecause);
        return () => undefined;
      }
      closeListeners.add(listener);
      return () => {
        closeListeners.delete(listener);
      };
    },
    dispose() {
      shutDown('closed');
      port.close();
    },
  };
}
