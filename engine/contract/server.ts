import { contract, type CallContext, type CallName, type EngineHandlers, type EventData, type EventName, type Progress } from './calls.ts';
import { isTypedArray } from './codec.ts';
import { EngineError, type EngineErrorData } from './engine-error.ts';
import type { Port } from './messages.ts';

/** Calls of one connection that may run at the same time. The window keeps about ten in flight. */
export const MAX_CALLS_IN_FLIGHT = 256;

export interface Served {
  /** Sends an event to this connection. */
  event<E extends EventName>(event: E, data: EventData<E>): void;
  /** Bytes of events and answers that the other side has not taken yet, 0 where the connection cannot tell. */
  backlogBytes(): number;
  close(): void;
}

/** JSON has no infinity: work without a known end has the total 0. */
function finite(progress: Progress): Progress {
  const { done, total } = progress;
  return Number.isFinite(done) && Number.isFinite(total) ? progress : { ...progress, done: Number.isFinite(done) ? done : 0, total: 0 };
}

/**
 * Answers the calls that come in on a port: checks requests, runs handlers, carries progress and cancellation, and turns what a
 * handler throws into an error with a code. A closed connection cancels all of its calls.
 *
 * Typed arrays of an answer are given away: a handler hands out arrays that nobody else keeps. Those of events are cloned.
 */
export function serve(port: Port, handlers: EngineHandlers): Served {
  const running = new Map<number, AbortController>();

  async function run(id: number, method: string, params: unknown): Promise<void> {
    const problem = refuse(id, method);
    if (problem !== undefined) {
      port.send({ kind: 'error', id, error: problem });
      return;
    }
    const name = method as CallName;
    const request = contract.calls[name].request.safeParse(params);
    if (!request.success) {
      port.send({ kind: 'error', id, error: { code: 'bad-input', message: `${name}: ${describeIssues(request.error.issues)}` } });
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    const context: CallContext = {
      signal: controller.signal,
      progress(progress) {
        if (running.get(id) === controller) port.send({ kind: 'progress', id, progress: finite(progress) });
      },
    };
    try {
      // The request was parsed by the schema the handler's parameter type is derived from; TypeScript cannot follow that through the union.
      const handler = handlers[name] as (request: unknown, context: CallContext) => unknown;
      const result = await handler(request.data, context);
      if (!controller.signal.aborted) port.send({ kind: 'result', id, result }, transferables(result));
    } catch (error) {
      // The caller of a cancelled call has been answered by its own client.
      if (!controller.signal.aborted) port.send({ kind: 'error', id, error: errorData(error) });
    } finally {
      running.delete(id);
    }
  }

  function refuse(id: number, method: string): EngineErrorData | undefined {
    if (!Object.hasOwn(contract.calls, method)) return { code: 'unsupported', message: `There is no call named ${method.slice(0, 80)}.` };
    if (running.has(id)) return { code: 'bad-input', message: `Call ${String(id)} is still running.` };
    if (running.size >= MAX_CALLS_IN_FLIGHT) return { code: 'limit', message: `${String(MAX_CALLS_IN_FLIGHT)} calls are running already.` };
    return undefined;
  }

  port.onMessage((message) => {
    if (message.kind === 'call') void run(message.id, message.method, message.params);
    else if (message.kind === 'cancel') running.get(message.id)?.abort();
  });
  port.onClose(() => {
    for (const controller of running.values()) controller.abort();
  });

  return {
    event(event, data) {
      port.send({ kind: 'event', event, data });
    },
    backlogBytes: () => port.backlogBytes ?? 0,
    close() {
      for (const controller of running.values()) controller.abort();
      port.close();
    },
  };
}

/** What crosses the contract for something a handler threw. */
export function errorData(error: unknown): EngineErrorData {
  if (error instanceof EngineError) return error.data;
  if (error instanceof Error && error.name === 'AbortError') return { code: 'cancelled', message: 'The call was cancelled.' };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** `first: Too small: expected number to be >=1`, at most three findings. */
export function describeIssues(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
}

/**
 * Buffers of the typed arrays in an answer that can be moved instead of copied: those that an array covers completely. A view of
 * a part (a Node Buffer out of its pool) must stay, because moving it would take the rest away from its owner.
 */
export function transferables(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  collect(value, found, 0);
  return [...found];
}

/** Levels searched for typed arrays; they stand at the top of an answer or one below. */
const TRANSFER_DEPTH = 3;

function collect(value: unknown, found: Set<ArrayBuffer>, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > TRANSFER_DEPTH) return;
  if (isTypedArray(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) found.add(value.buffer);
    return;
  }
  if (Array.isArray(value)) return;
  for (const field of Object.values(value)) collect(field, found, depth + 1);
}
