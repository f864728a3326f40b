import {
  createClient,
  messagePortPort,
  openSocket,
  SHELL_PORT,
  SHELL_PORT_REQUEST,
  type EngineClient,
  type Port,
  type RingsideShell,
} from '../../../engine/contract/index.ts';

declare global {
  interface Window {
    /** Put there by the desktop shell's preload script; absent where the window is served. */
    readonly ringsideShell?: RingsideShell;
  }
}

/** How long the desktop shell may take to hand over the port. Starting the engine process takes about a second. */
const PORT_WAIT_MS = 20_000;

/** Connects to the engine: over the MessagePort of the desktop shell, or over the WebSocket of the host that served this page. */
export async function connect(): Promise<EngineClient> {
  const port = window.ringsideShell === undefined ? openSocket(location.origin) : await shellPort();
  return createClient(port, { validate: import.meta.env.DEV });
}

function shellPort(): Promise<Port> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      window.removeEventListener('message', onMessage);
      reject(new Error('The engine process did not answer. Close the window and start Ringside again.'));
    }, PORT_WAIT_MS);
    const onMessage = (event: MessageEvent<unknown>): void => {
      const port = event.ports[0];
      if (event.source !== window || event.data !== SHELL_PORT || port === undefined) return;
      clearTimeout(timer);
      window.removeEventListener('message', onMessage);
      resolve(messagePortPort(port));
    };
    window.addEventListener('message', onMessage);
    window.postMessage(SHELL_PORT_REQUEST, location.origin);
  });
}
