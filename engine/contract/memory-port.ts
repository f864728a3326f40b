import type { Message, Port } from './messages.ts';

/**
 * Two ends of a connection inside one program, for tests and for a host and a client in one process. Messages are cloned the way a
 * MessagePort clones them and arrive in a later microtask, so nothing that works here depends on shared objects.
 */
export function memoryPortPair(): readonly [Port, Port] {
  const a = new End();
  const b = new End();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class End implements Port {
  peer: End | undefined;
  private readonly inbox: Message[] = [];
  private readonly messageListeners: ((message: Message) => void)[] = [];
  private readonly closeListeners: ((reason: string) => void)[] = [];
  private closedBecause: string | undefined;

  send(message: Message, transfer: readonly ArrayBuffer[] = []): void {
    const { peer } = this;
    if (this.closedBecause !== undefined || peer === undefined) return;
    const copy = structuredClone(message, { transfer: [...transfer] });
    queueMicrotask(() => {
      peer.receive(copy);
    });
  }

  onMessage(listener: (message: Message) => void): void {
    this.messageListeners.push(listener);
    for (const message of this.inbox.splice(0)) this.receive(message);
  }

  onClose(listener: (reason: string) => void): void {
    if (this.closedBecause !== undefined) listener(this.closedBecause);
    else this.closeListeners.push(listener);
  }

  close(): void {
    this.end('closed');
    this.peer?.end('the other side closed the connection');
  }

  private receive(message: Message): void {
    if (this.closedBecause !== undefined) return;
    if (this.messageListeners.length === 0) this.inbox.push(message);
    for (const listener of this.messageListeners) listener(message);
  }

  private end(reason: string): void {
    if (this.closedBecause !== undefined) return;
    this.closedBecause = reason;
    for (const listener of this.closeListeners.splice(0)) listener(reason);
  }
}
