import { createClient, messagePortPort, openSocket, type EngineClient, type Port } from '../../../engine/contract/index.ts';

/** What Electron's preload puts on the window; absent where the window is served. */
export interface RingsideShell {
  readonly platform: string;
  /** Handle for a file that was dropped on the window or picked: the host opens it by path, nothing is copied. */
  handleForFile(file: File): Promise<{ readonly handle: string; readonly name: string } | null>;
  /** Asks for a new engine port; it comes as a window message. */
  requestPort(): void;
}

declare global {
  interface Window {
    readonly ringsideShell?: RingsideShell;
  }
}

/** How long Electron's main process may take to hand over the port. Starting the engine process takes about a second. */
const PORT_WAIT_MS = 20_000;
export const PORT_MESSAGE = 'ringside:port';

/** Connects to the engine: over the MessagePort that Electron hands over, or over the WebSocket of the host that served this page. */
export async function connect(): Promise<EngineClient> {
  const shell = window.ringsideShell;
  const port = shell === undefined ? openSocket(location.origin) : await shellPort(shell);
  return createClient(port, { validate: import.meta.env.DEV });
}

function shellPort(shell: RingsideShell): Promise<Port> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      window.removeEventListener('message', onMessage);
      reject(new Error('The engine process did not answer. Close the window and start Ringside again.'));
    }, PORT_WAIT_MS);
    const onMessage = (event: MessageEvent<unknown>): void => {
      const port = event.ports[0];
      if (event.source !== window || event.data !== PORT_MESSAGE || port === undefined) return;
      clearTimeout(timer);
      window.removeEventListener('message', onMessage);
      resolve(messagePortPort(port));
    };
    window.addEventListener('message', onMessage);
    shell.requestPort();
  });
}
