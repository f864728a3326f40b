/**
 * The engine in Electron's utility process. Windows come as MessagePorts from the main process; dialogs and printing go back to it as
 * questions. Everything else is the same engine that `ringside serve` runs.
 */
import { messagePortMainPort, type MessagePortMainLike } from '../engine/contract/index.ts';
import { createEngine } from '../engine/host/index.ts';
import type { FromEngine, ShellQuestion, ToEngine } from './shell-messages.ts';

interface ParentPort {
  postMessage(message: FromEngine): void;
  on(event: 'message', listener: (event: { readonly data: ToEngine; readonly ports: MessagePortMainLike[] }) => void): unknown;
}

const parent = (process as unknown as { readonly parentPort: ParentPort }).parentPort;
const waiting = new Map<number, (path: string | null) => void>();
let nextQuestion = 1;

function ask(question: ShellQuestion): Promise<string | null> {
  const id = nextQuestion++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    parent.postMessage({ kind: 'ask', id, question });
  });
}

const initial = process.argv[2] ?? '';
const engine = createEngine({
  runtime: `Electron ${process.versions['electron'] ?? 'unknown'}`,
  ...(initial !== '' && { initial }),
  shell: {
    pick: (file) => ask({ kind: 'pick', file }),
    save: (name, format) => ask({ kind: 'save', name, format }),
    async print(html, pdf) {
      if ((await ask({ kind: 'print', html, pdf })) === null) throw new Error('the report could not be printed');
    },
  },
  onRecent: (recent) => {
    const files = recent.map(({ handle, name }) => ({ path: engine.inputs.get(handle).path, name }));
    parent.postMessage({ kind: 'recent', files });
  },
});

parent.on('message', ({ data, ports }) => {
  switch (data.kind) {
    case 'client': {
      const port = ports[0];
      if (port !== undefined) engine.connect(messagePortMainPort(port));
      break;
    }
    case 'register':
      parent.postMessage({ kind: 'registered', id: data.id, input: register(data.path) });
      break;
    case 'open':
      try {
        engine.requestOpen(data.path);
      } catch {
        // The file went away between the dialog and here; the window shows the next one.
      }
      break;
    case 'answer': {
      const resolve = waiting.get(data.id);
      waiting.delete(data.id);
      resolve?.(data.path);
      break;
    }
  }
});

function register(path: string): ReturnType<typeof engine.inputs.add> | null {
  try {
    return engine.inputs.add(path);
  } catch {
    return null;
  }
}

parent.postMessage({ kind: 'ready' });
