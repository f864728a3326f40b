/** What you open you dispose. Runs disposers last-in first-out, each exactly once. */
export class DisposableStack {
  private readonly disposers: (() => void)[] = [];
  private done = false;

  get disposed(): boolean {
    return this.done;
  }

  /** Registers a disposer; if the stack is already disposed it runs at once. */
  defer(dispose: () => void): void {
    if (this.done) dispose();
    else this.disposers.push(dispose);
  }

  use<T extends { dispose(): void }>(resource: T): T {
    this.defer(() => {
      resource.dispose();
    });
    return resource;
  }

  dispose(): void {
    if (this.done) return;
    this.done = true;
    for (let next = this.disposers.pop(); next !== undefined; next = this.disposers.pop()) next();
  }
}
