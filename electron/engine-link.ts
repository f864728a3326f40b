import type { InputRef } from '../engine/contract/index.ts';
import type { FromEngine, ShellQuestion, ToEngine } from './shell-messages.ts';

/** The part of Electron's UtilityProcess that is used, so that a double can stand in for it. */
export interface EngineChild<P> {
  postMessage(message: ToEngine, transfer?: P[]): void;
  on(event: 'message', listener: (message: FromEngine) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  kill(): boolean;
}

export interface EngineLinkOptions<P> {
  readonly start: () => EngineChild<P>;
  /** Answers what only the main process can do. */
  readonly ask: (question: ShellQuestion) => Promise<string | null>;
  readonly onRecent: (files: readonly { readonly path: string; readonly name: string }[]) => void;
  /** The engine ended by itself; windows must be told and given new ports after `restart`. */
  readonly onLost: (code: number) => void;
}

/** Registrations waiting for an answer. A person drops a handful of files at once. */
const MAX_WAITING = 1_000;

/** Owns the engine's process: starts it, carries ports and questions, and starts it again when it died. */
export class EngineLink<P> {
  private readonly options: EngineLinkOptions<P>;
  private child: EngineChild<P> | undefined;
  private readonly waiting = new Map<number, (input: InputRef | null) => void>();
  private nextId = 1;
  private closing = false;

  constructor(options: EngineLinkOptions<P>) {
    this.options = options;
    this.restart();
  }

  /** Starts the engine where none runs. */
  restart(): void {
    if (this.child !== undefined || this.closing) return;
    const child = this.options.start();
    this.child = child;
    child.on('message', (message) => {
      if (this.child === child) this.receive(message);
    });
    child.on('exit', (code) => {
      if (this.child !== child) return;
      this.child = undefined;
      for (const resolve of this.waiting.values()) resolve(null);
      this.waiting.clear();
      if (!this.closing) this.options.onLost(code);
    });
  }

  /** Hands a window's end of a channel to the engine. */
  connect(port: P): void {
    this.restart();
    this.child?.postMessage({ kind: 'client' }, [port]);
  }

  /** Handle for a path that a dialog, a drop or the operating system gave; null where it cannot be read. */
  register(path: string): Promise<InputRef | null> {
    if (this.child === undefined || this.waiting.size >= MAX_WAITING) return Promise.resolve(null);
    const id = this.nextId++;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.child?.postMessage({ kind: 'register', id, path });
    });
  }

  /** Asks the windows, through the engine, to open a path. */
  open(path: string): void {
    this.child?.postMessage({ kind: 'open', path });
  }

  close(): void {
    this.closing = true;
    this.child?.kill();
    this.child = undefined;
  }

  private receive(message: FromEngine): void {
    switch (message.kind) {
      case 'ready':
        break;
      case 'registered': {
        const resolve = this.waiting.get(message.id);
        this.waiting.delete(message.id);
        resolve?.(message.input);
        break;
      }
      case 'ask': {
        const { id } = message;
        this.options.ask(message.question).then(
          (path) => this.child?.postMessage({ kind: 'answer', id, path }),
          () => this.child?.postMessage({ kind: 'answer', id, path: null }),
        );
        break;
      }
      case 'recent':
        this.options.onRecent(message.files);
        break;
    }
  }
}
