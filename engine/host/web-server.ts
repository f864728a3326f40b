import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { EngineError, MAX_MESSAGE_BYTES, SOCKET_PATH, SOCKET_PROTOCOL, webSocketPort } from '../contract/index.ts';
import type { Engine } from './engine.ts';
import { answer, authorised, cookieName, hostAllowed, originAllowed, sameToken, secureHeaders } from './http-guard.ts';
import { rendererFolder } from './paths.ts';
import { resolveStatic, sendFile } from './static-files.ts';
import { Uploads } from './upload.ts';

/** Windows connected at the same time. */
export const MAX_CONNECTIONS = 16;
/** A request's head must arrive within this; uploads themselves may take long. */
const HEADERS_TIMEOUT_MS = 15_000;

export interface ServeOptions {
  readonly engine: Engine;
  /** 0 for a free port. */
  readonly port?: number;
  /** For tests; random otherwise. */
  readonly token?: string;
  readonly folder?: string;
  readonly maxUploadBytes?: number;
}

export interface WebServer {
  /** Address with the token, to open in a browser on this machine. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

/**
 * Serves the interface on 127.0.0.1. Whoever cannot show the token gets nothing; a page of another origin gets nothing even with
 * the cookie; a foreign host name bound to this address gets nothing.
 */
export async function startWebServer(options: ServeOptions): Promise<WebServer> {
  const token = options.token ?? randomBytes(24).toString('base64url');
  const uploads = new Uploads(options.engine.inputs, options.maxUploadBytes);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
  });
  const server = createServer();
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = 0;
  await listen(server, options.port ?? 0);
  const port = (server.address() as AddressInfo).port;
  const site: Site = { ...options, folder: options.folder ?? rendererFolder, token, port, uploads };
  server.on('request', (request, response) => {
    handle(site, request, response).catch((error: unknown) => {
      fail(response, error);
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrade(site, sockets, request, socket, head);
  });
  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    port,
    token,
    async close() {
      for (const client of sockets.clients) client.terminate();
      uploads.dispose();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
    },
  };
}

interface Site {
  readonly engine: Engine;
  readonly folder: string;
  readonly token: string;
  readonly port: number;
  readonly uploads: Uploads;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const message = taken ? `Port ${port} is in use.` : `The interface cannot be served: ${error.message}`;
      reject(new EngineError({ code: taken ? 'busy' : 'unavailable', message, fix: 'Without --port a free one is taken.' }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

const SIGN_IN = 'Open the address that `ringside serve` printed: it carries the token this page asks for.\n';

async function handle(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  secureHeaders(response, request.headers.host ?? '');
  if (!hostAllowed(request, site.port)) {
    answer(response, 421, 'This server answers on 127.0.0.1 only.\n');
    return;
  }
  if (!originAllowed(request)) {
    answer(response, 403, 'Requests of other pages are refused.\n');
    return;
  }
  const url = new URL(request.url ?? '/', `http://127.0.0.1:${site.port}`);
  if ((request.method === 'GET' || request.method === 'HEAD') && url.pathname === '/' && url.searchParams.has('token')) {
    signIn(site, url, response);
    return;
  }
  if (!authorised(request, site.port, site.token)) {
    answer(response, 401, SIGN_IN);
    return;
  }
  if (url.pathname === '/upload') await receiveUpload(site, request, response, url);
  else if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, 'GET only.\n');
  else if (url.pathname.startsWith('/download/')) sendDownload(site, url, request, response);
  else sendStatic(site, url, request, response);
}

/** Trades the token in the address for a cookie, so that it does not stay in the address bar or the history. */
function signIn(site: Site, url: URL, response: ServerResponse): void {
  if (!sameToken(url.searchParams.get('token') ?? '', site.token)) {
    answer(response, 401, SIGN_IN);
    return;
  }
  url.searchParams.delete('token');
  response.setHeader('Set-Cookie', `${cookieName(site.port)}=${site.token}; HttpOnly; SameSite=Strict; Path=/`);
  response.setHeader('Location', `/${url.search}`);
  answer(response, 303, '');
}

async function receiveUpload(site: Site, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  if (request.method !== 'POST') {
    answer(response, 405, 'POST only.\n');
    return;
  }
  const input = await site.uploads.receive(request, url.searchParams.get('name') ?? '');
  answer(response, 200, JSON.stringify(input), 'application/json; charset=utf-8');
}

function sendDownload(site: Site, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const download = site.engine.downloads.get(url.pathname.split('/')[2] ?? '');
  if (download === undefined) {
    answer(response, 404, 'This download is not there any more.\n');
    return;
  }
  response.setHeader('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(download.name)}`);
  sendFile(response, download.path, download.type, request.method === 'HEAD');
}

function sendStatic(site: Site, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const file = resolveStatic(site.folder, url.pathname);
  if (file === undefined) {
    answer(response, 404, url.pathname === '/' ? 'The interface has not been built: npm run build\n' : 'There is no such file.\n');
    return;
  }
  // File names of the bundle carry a hash of their content.
  if (url.pathname.startsWith('/assets/')) response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  sendFile(response, file.path, file.type, request.method === 'HEAD');
}

const STATUS: Partial<Record<string, number>> = { limit: 413, busy: 429, 'bad-input': 400, 'not-found': 404 };

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a refused body is not read.
  response.setHeader('Connection', 'close');
  if (error instanceof EngineError)
    answer(response, STATUS[error.code] ?? 500, error.data.fix === undefined ? error.message : `${error.message} ${error.data.fix}`);
  else answer(response, 500, 'The host failed to answer.\n');
}

function upgrade(site: Site, sockets: WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  const refuse = (status: string): void => {
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  const path = (request.url ?? '').split('?')[0];
  if (!hostAllowed(request, site.port)) refuse('421 Misdirected Request');
  else if (!originAllowed(request)) refuse('403 Forbidden');
  else if (!authorised(request, site.port, site.token)) refuse('401 Unauthorized');
  else if (path !== SOCKET_PATH) refuse('404 Not Found');
  else if (sockets.clients.size >= MAX_CONNECTIONS) refuse('503 Service Unavailable');
  else {
    sockets.handleUpgrade(request, socket, head, (client) => {
      connect(site.engine, client);
    });
  }
}

function connect(engine: Engine, client: WebSocket): void {
  engine.connect(webSocketPort(client));
}
