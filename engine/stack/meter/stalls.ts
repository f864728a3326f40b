import { NS_PER_MS } from '../../base/index.ts';
import type { SocketsSpec } from '../../contract/index.ts';

interface Stalls {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

/** When applications do not read: stalls of all of them, and of one socket. */
export class ReaderStalls {
  private readonly all: Stalls;
  private readonly own = new Map<number, Stalls>();

  constructor(spec: SocketsSpec['stalls']) {
    this.all = stallsOf(spec.filter((s) => s.socket === undefined));
    for (const socket of new Set(spec.map((s) => s.socket))) {
      if (socket !== undefined) this.own.set(socket, stallsOf(spec.filter((s) => s.socket === socket)));
    }
  }

  /** The first instant at or after `tNs` at which the application of a socket reads. */
  readyAt(socket: number, tNs: number): number {
    let t = afterStalls(this.all, tNs);
    if (this.own.size === 0) return t;
    const own = this.own.get(socket);
    if (own === undefined) return t;
    for (let before = -1; before !== t;) {
      before = t;
      t = afterStalls(own, afterStalls(this.all, t));
    }
    return t;
  }
}

function stallsOf(spec: SocketsSpec['stalls']): Stalls {
  const sorted = [...spec].sort((a, b) => a.atMs - b.atMs);
  return {
    starts: Float64Array.from(sorted, (s) => Math.round(s.atMs * NS_PER_MS)),
    ends: Float64Array.from(sorted, (s) => Math.round((s.atMs + s.forMs) * NS_PER_MS)),
  };
}

function afterStalls({ starts, ends }: Stalls, tNs: number): number {
  let t = tNs;
  for (let i = 0; i < starts.length && starts[i]! <= t; i++) if (ends[i]! > t) t = ends[i]!;
  return t;
}
