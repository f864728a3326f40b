import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createClient } from './client.ts';
import { EngineError } from './engine-error.ts';
import { memoryPortPair } from './memory-port.ts';
import type { Message, Port } from './messages.ts';
import { messagePortPort } from './ports.ts';
import { serve, transferables } from './server.ts';
import { contract, type CallName, type EngineClient, type EngineHandlers, type Hello } from './index.ts';

/** Handlers that refuse everything, derived from the contract, with some replaced. */
function handlersWith(some: Partial<EngineHandlers>): EngineHandlers {
  const refuse = (name: string) => () => {
    throw new EngineError({ code: 'unsupported', message: `${name} is not part of this test.` });
  };
  const all = Object.fromEntries(Object.keys(contract.calls).map((name) => [name, refuse(name)]));
  return { ...(all as unknown as EngineHandlers), ...some };
}

const hello: Hello = {
  version: '1',
  runtime: 'test',
  platform: 'test',
  features: {
    terminal: { ok: false, why: '' },
    capture: { ok: false, why: '' },
    zstd: { ok: false, why: '' },
    pdf: { ok: false, why: '' },
    nativeDialogs: false,
  },
  samples: [],
  recent: [],
  scenarios: [],
  initial: null,
};

const transports: [string, () => readonly [Port, Port]][] = [
  ['memory', memoryPortPair],
  [
    'MessagePort',
    () => {
      const { port1, port2 } = new MessageChannel();
      const adapt = (port: typeof port1): Port => messagePortPort(port as unknown as Parameters<typeof messagePortPort>[0]);
      return [adapt(port1), adapt(port2)];
    },
  ],
];

describe.each(transports)('client and server over %s', (_name, pair) => {
  let client: EngineClient;
  let sent: Message[] = [];
  function connect(some: Partial<EngineHandlers>): ReturnType<typeof serve> {
    const [near, far] = pair();
    sent = [];
    const spy: Port = {
      ...near,
      send(message, transfer) {
        sent.push(message);
        near.send(message, transfer);
      },
      onMessage: (listener) => {
        near.onMessage(listener);
      },
      onClose: (listener) => {
        near.onClose(listener);
      },
      close: () => {
        near.close();
      },
    };
    client = createClient(spy, { validate: true });
    return serve(far, handlersWith(some));
  }
  afterEach(() => {
    client.dispose();
  });

  test('answers a call', async () => {
    connect({ hello: () => hello });
    await expect(client.call('hello', {})).resolves.toEqual(hello);
  });

  test('carries typed arrays and gives them away', async () => {
    const objects = new Uint32Array([1, 2, 3, 4, 5]);
    connect({ frame: () => ({ tNs: 1, packets: 2, bytes: 3, drops: 0, flows: 1, held: 0, objects, revision: 1 }) });
    const frame = await client.call('frame', { session: 's' });
    expect([...frame.objects]).toEqual([1, 2, 3, 4, 5]);
    expect(objects.length).toBe(0);
  });

  test('refuses a request that breaks the contract, naming the field', async () => {
    connect({});
    await expect(client.call('packets.rows', { session: 's', first: 0, count: 1 })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('first') as string,
    });
  });

  test('refuses a method that is not in the contract, also one of Object.prototype', async () => {
    connect({});
    for (const name of ['no.such', 'toString', '__proto__']) {
      await expect(client.call(name as CallName, {})).rejects.toMatchObject({ code: 'unsupported' });
    }
  });

  test('passes engine errors on whole and wraps others', async () => {
    const data = { code: 'not-found', message: 'No such file.', where: { file: 'x.pcap', offset: 4 }, fix: 'Look again.' } as const;
    connect({
      'session.open': () => {
        throw new EngineError(data);
      },
      'session.close': () => Promise.reject(new TypeError('a bug')),
    });
    await expect(client.call('session.open', { handle: 'h' })).rejects.toMatchObject({ data });
    await expect(client.call('session.close', { session: 's' })).rejects.toMatchObject({ code: 'internal', message: 'a bug' });
  });

  test('work without a known end is told, and breaks no connection', async () => {
    connect({
      hello: (_request, context) => {
        context.progress({ done: 5, total: Infinity, unit: 'ns', message: 'on' });
        context.progress({ done: Number.NaN, total: 9, unit: 'ns', message: 'on' });
        return hello;
      },
    });
    const seen: (readonly [number, number])[] = [];
    await client.call('hello', {}, { onProgress: ({ done, total }) => seen.push([done, total]) });
    expect(seen).toEqual([
      [5, 0],
      [0, 0],
    ]);
  });

  test('carries progress to the call it belongs to', async () => {
    connect({
      hello: (_q, context) => {
        for (let done = 1; done <= 3; done++) context.progress({ done, total: 3, unit: 'files', message: '' });
        return hello;
      },
    });
    const seen: number[] = [];
    await client.call('hello', {}, { onProgress: (p) => seen.push(p.done) });
    expect(seen).toEqual([1, 2, 3]);
  });

  test('cancels: the caller is answered at once and the handler hears of it', async () => {
    const stopped = vi.fn();
    connect({
      hello: (_q, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', stopped);
        }),
    });
    const controller = new AbortController();
    const call = client.call('hello', {}, { signal: controller.signal });
    setTimeout(() => {
      controller.abort();
    }, 5);
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => {
      expect(stopped).toHaveBeenCalledOnce();
    });
    await expect(client.call('hello', {}, { signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect(sent.filter((m) => m.kind === 'call')).toHaveLength(1);
  });

  test('delivers events until the listener goes', async () => {
    const served = connect({ hello: () => hello });
    const seen: string[] = [];
    const stop = client.on('terminal.data', ({ data }) => seen.push(data));
    served.event('terminal.data', { terminal: 't', data: 'a' });
    await vi.waitFor(() => {
      expect(seen).toEqual(['a']);
    });
    stop();
    served.event('terminal.data', { terminal: 't', data: 'b' });
    await client.call('hello', {});
    expect(seen).toEqual(['a']);
  });

  test('a lost connection rejects what is pending and what comes later, and cancels handlers', async () => {
    const stopped = vi.fn();
    const served = connect({
      hello: (_q, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', stopped);
        }),
    });
    const closed = vi.fn();
    client.onClosed(closed);
    const call = client.call('hello', {});
    call.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 10));
    served.close();
    await expect(call).rejects.toMatchObject({ code: 'unavailable' });
    await expect(client.call('hello', {})).rejects.toMatchObject({ code: 'unavailable' });
    expect(closed).toHaveBeenCalledOnce();
    expect(stopped).toHaveBeenCalledOnce();
    const late = vi.fn();
    client.onClosed(late);
    expect(late).toHaveBeenCalledOnce();
  });

  test('an answer that breaks the contract is an internal error when answers are checked', async () => {
    connect({ hello: () => ({ ...hello, version: 4 }) as unknown as Hello });
    await expect(client.call('hello', {})).rejects.toMatchObject({ code: 'internal' });
  });
});

test('only buffers that an array covers completely are given away', () => {
  const whole = new Uint32Array(4);
  const part = new Uint8Array(new ArrayBuffer(16), 4, 4);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  expect(transferables({ whole, part, shared, again: whole })).toEqual([whole.buffer]);
});

test('a malformed message on a MessagePort closes it with the reason', async () => {
  const { port1, port2 } = new MessageChannel();
  const port = messagePortPort(port1 as unknown as Parameters<typeof messagePortPort>[0]);
  const reason = new Promise<string>((resolve) => {
    port.onClose(resolve);
  });
  port.onMessage(() => undefined);
  port2.postMessage({ kind: 'call' });
  expect(await reason).toContain('malformed');
  port2.close();
});
