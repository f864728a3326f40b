import type { EngineErrorData } from './engine-error.ts';
import type { CallName, EventName, Progress } from './calls.ts';

/** What travels between window and engine. Typed arrays may stand anywhere in `params`, `result` and `data`. */
export type Message =
  | { readonly kind: 'call'; readonly id: number; readonly method: CallName; readonly params: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: EngineErrorData }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'event'; readonly event: EventName; readonly data: unknown };

/** One end of a connection. A MessagePort, a WebSocket and a pair of in-memory ends in tests all look like this. */
export interface Port {
  send(message: Message, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: Message) => void): void;
  onClose(listener: (reason: string) => void): void;
  close(): void;
  /** Bytes sent but not taken by the other side yet, where the connection can tell. */
  readonly backlogBytes?: number;
}

/** Largest message accepted from the other side, in bytes. A terminal paste is the largest honest one. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
