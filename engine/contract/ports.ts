import { checkMessage, decodeMessage, encodeMessage } from './codec.ts';
import type { Message, Port } from './messages.ts';

/** Path of the WebSocket below the served origin. The browser authenticates with the cookie the page came with. */
export const SOCKET_PATH = '/ws';
/** Subprotocol spoken on it. A program without a cookie offers `ringside.token.<token>` beside it. */
export const SOCKET_PROTOCOL = 'ringside.1';
export const SOCKET_TOKEN_PREFIX = 'ringside.token.';

/** Messages kept while a WebSocket is still connecting. The window sends a handful. */
const MAX_UNSENT = 1_024;

/** The listeners of one port, and what every adapter does with them. */
class Listeners {
  private readonly message: ((message: Message) => void)[] = [];
  private readonly closed: ((reason: string) => void)[] = [];
  private closedBecause: string | undefined;

  get isClosed(): boolean {
    return this.closedBecause !== undefined;
  }

  addMessage(listener: (message: Message) => void): void {
    this.message.push(listener);
  }

  /** A listener that comes after the end is told at once. */
  addClose(listener: (reason: string) => void): void {
    if (this.closedBecause !== undefined) listener(this.closedBecause);
    else this.closed.push(listener);
  }

  deliver(message: Message): void {
    if (this.closedBecause !== undefined) return;
    for (const listener of this.message) listener(message);
  }

  close(reason: string): void {
    if (this.closedBecause !== undefined) return;
    this.closedBecause = reason;
    for (const listener of this.closed.splice(0)) listener(reason);
  }
}

/** What a browser's WebSocket and that of the `ws` package have in common. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
}

const CONNECTING = 0;
const OPEN = 1;
/** Data that does not make sense: 1003 of RFC 6455 section 7.4.1, which a browser may not send; it has the private codes (section 7.4.2). */
const CLOSE_UNSUPPORTED = 4003;

/** A port on a WebSocket, open or still connecting. A malformed message closes it. */
export function webSocketPort(socket: WebSocketLike): Port {
  const listeners = new Listeners();
  const unsent: Uint8Array<ArrayBuffer>[] = [];
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => {
    for (const bytes of unsent.splice(0)) socket.send(bytes);
  });
  socket.addEventListener('message', ({ data }) => {
    const decoded = data instanceof ArrayBuffer ? decodeMessage(new Uint8Array(data)) : ({ ok: false, error: 'text message' } as const);
    if (decoded.ok) {
      listeners.deliver(decoded.value);
      return;
    }
    socket.close(CLOSE_UNSUPPORTED, decoded.error.slice(0, 100));
    listeners.close(`malformed message: ${decoded.error}`);
  });
  socket.addEventListener('close', ({ code, reason }) => {
    listeners.close(reason !== '' ? reason : `connection to the engine is gone (${String(code)})`);
  });
  // A close event follows every error event and carries the reason.
  socket.addEventListener('error', () => undefined);
  return {
    send(message) {
      if (listeners.isClosed) return;
      const bytes = encodeMessage(message);
      if (socket.readyState === OPEN) socket.send(bytes);
      else if (socket.readyState === CONNECTING && unsent.length < MAX_UNSENT) unsent.push(bytes);
    },
    onMessage(listener) {
      listeners.addMessage(listener);
    },
    onClose(listener) {
      listeners.addClose(listener);
    },
    close() {
      socket.close();
      listeners.close('closed');
    },
    get backlogBytes() {
      return socket.bufferedAmount;
    },
  };
}

/** For the window when it is served: `openSocket(location.origin)`. */
export function openSocket(origin: string): Port {
  const url = new URL(SOCKET_PATH, origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return webSocketPort(new WebSocket(url.href, SOCKET_PROTOCOL));
}

/** What a browser's MessagePort and that of `node:worker_threads` have in common. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: () => void): void;
  start(): void;
  close(): void;
}

/** A port on a MessagePort. Starts it when the first message listener comes. A malformed message closes it. */
export function messagePortPort(port: MessagePortLike): Port {
  const listeners = new Listeners();
  let started = false;
  port.addEventListener('message', ({ data }) => {
    const checked = checkMessage(data);
    if (checked.ok) {
      listeners.deliver(checked.value);
      return;
    }
    port.close();
    listeners.close(`malformed message: ${checked.error}`);
  });
  port.addEventListener('close', () => {
    listeners.close('connection to the engine is gone');
  });
  return {
    send(message, transfer = []) {
      if (!listeners.isClosed) port.postMessage(message, [...transfer]);
    },
    onMessage(listener) {
      listeners.addMessage(listener);
      if (!started) port.start();
      started = true;
    },
    onClose(listener) {
      listeners.addClose(listener);
    },
    close() {
      port.close();
      listeners.close('closed');
    },
  };
}

/** Electron's MessagePortMain: an EventEmitter, and a postMessage that transfers ports but no buffers. */
export interface MessagePortMainLike {
  postMessage(message: unknown): void;
  on(type: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
  on(type: 'close', listener: () => void): unknown;
  start(): void;
  close(): void;
}

/** A port on the utility process's end of a channel. */
export function messagePortMainPort(port: MessagePortMainLike): Port {
  return messagePortPort({
    postMessage(message) {
      port.postMessage(message);
    },
    addEventListener(type: 'message' | 'close', listener: (event: { readonly data: unknown }) => void): void {
      if (type === 'message') port.on('message', listener);
      else
        port.on('close', () => {
          listener({ data: undefined });
        });
    },
    start() {
      port.start();
    },
    close() {
      port.close();
    },
  });
}
