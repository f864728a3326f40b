import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  MAX_MESSAGE_BYTES,
  SOCKET_PROTOCOL,
  SOCKET_TOKEN_PREFIX,
  createClient,
  decodeMessage,
  encodeMessage,
  inputRefSchema,
  webSocketPort,
} from '../contract/index.ts';
import { createEngine, type Engine } from './engine.ts';
import { cookieName } from './http-guard.ts';
import { startWebServer, type WebServer } from './web-server.ts';

let folder: string;
let engine: Engine;
let server: WebServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-web-'));
  mkdirSync(join(folder, 'renderer/assets'), { recursive: true });
  writeFileSync(join(folder, 'renderer/index.html'), '<!doctype html><title>Ringside</title>');
  writeFileSync(join(folder, 'renderer/assets/app.js'), 'export {};');
  writeFileSync(join(folder, 'renderer/notes.secret'), 'not a served type');
  writeFileSync(join(folder, 'outside.txt'), 'outside');
  symlinkSync(join(folder, 'outside.txt'), join(folder, 'renderer/link.txt'));
  engine = createEngine({ configFolder: join(folder, 'config') });
  server = await startWebServer({ engine, folder: join(folder, 'renderer'), maxUploadBytes: 1_000 });
});

afterAll(async () => {
  await server.close();
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Plain requests, with any header and an untouched path: a browser's fetch would clean both. */
function send(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer; signedIn?: boolean } = {},
): Promise<Answer> {
  const cookie = options.signedIn === false ? {} : { Cookie: `other=1; ${cookieName(server.port)}=${server.token}` };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port: server.port, path, method: options.method ?? 'GET', headers: { ...cookie, ...options.headers } },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

describe('pages', () => {
  test('the printed address signs the browser in and takes the token out of the address', async () => {
    const { status, headers } = await send(new URL(server.url).pathname + new URL(server.url).search, { signedIn: false });
    expect(status).toBe(303);
    expect(headers.location).toBe('/');
    expect(headers['set-cookie']?.[0]).toContain('HttpOnly; SameSite=Strict');
  });

  test.each([['/?token=wrong'], ['/?token='], ['/'], ['/assets/app.js'], ['/download/x/y'], ['/upload']])(
    'nothing at %s without the token',
    async (path) => {
      expect((await send(path, { signedIn: false })).status).toBe(401);
    },
  );

  test('a cookie of another port does not do', async () => {
    const headers = { Cookie: `${cookieName(server.port + 1)}=${server.token}` };
    expect((await send('/', { signedIn: false, headers })).status).toBe(401);
  });

  test('the page comes with a policy that allows no foreign and no inline script', async () => {
    const { status, headers, body } = await send('/');
    expect(status).toBe(200);
    expect(body).toContain('Ringside');
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe-eval');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect((await send('/assets/app.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
  });

  test.each([
    ['/../outside.txt'],
    ['/..%2foutside.txt'],
    ['/%2e%2e/outside.txt'],
    ['/assets/../../outside.txt'],
    ['/assets/..%5c..%5coutside.txt'],
    ['//etc/passwd'],
    ['/%00index.html'],
    ['/%zz'],
    ['/link.txt'],
    ['/notes.secret'],
    ['/assets'],
  ])('%s leads nowhere', async (path) => {
    const { status, body } = await send(path);
    expect(status).toBe(404);
    expect(body).not.toContain('outside');
  });

  test('a foreign Host is refused: a name bound to 127.0.0.1 by its owner', async () => {
    for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1', `127.0.0.1:${server.port + 1}`]) {
      expect((await send('/', { headers: { Host: host } })).status).toBe(421);
    }
    expect((await send('/', { headers: { Host: `localhost:${server.port}` } })).status).toBe(200);
  });

  test('a foreign Origin is refused even with the cookie', async () => {
    for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${server.port + 1}`, `https://127.0.0.1:${server.port}`]) {
      expect((await send('/', { headers: { Origin: origin } })).status).toBe(403);
    }
    expect((await send('/', { headers: { Origin: `http://127.0.0.1:${server.port}` } })).status).toBe(200);
  });

  test('only reads are answered', async () => {
    for (const method of ['PUT', 'DELETE', 'POST', 'OPTIONS']) expect((await send('/', { method })).status).toBe(405);
    const { pathname, search } = new URL(server.url);
    for (const [path, signedIn] of [
      ['/', true],
      ['/', false],
      [pathname + search, false],
      ['/?token=wrong', false],
      ['/nothing', true],
      ['/upload', true],
    ] as const) {
      const get = await send(path, { signedIn });
      const head = await send(path, { signedIn, method: 'HEAD' });
      expect([path, head.status, head.headers['content-type'], head.headers.location, head.headers['set-cookie'], head.body]).toEqual(
        [path, get.status, get.headers['content-type'], get.headers.location, get.headers['set-cookie'], ''], // prettier-ignore
      );
    }
  });
});

describe('upload and download', () => {
  test('an upload becomes an input that can be opened, with a name that has no folder', async () => {
    const { status, body } = await send('/upload?name=..%2F..%2Fdeep%2Fmy%20capture.pcap', { method: 'POST', body: Buffer.alloc(100, 7) });
    expect(status).toBe(200);
    const input = inputRefSchema.parse(JSON.parse(body));
    expect(input).toMatchObject({ name: 'my capture.pcap', bytes: 100 });
    const { path } = engine.inputs.get(input.handle);
    expect(readFileSync(path)).toEqual(Buffer.alloc(100, 7));
    expect(engine.inputs.recent()).toEqual([]);
  });

  test('one that is too large is refused, with its length said or not, and leaves no file', async () => {
    const before = (await send('/upload?name=a', { method: 'POST', body: 'x' })).body;
    const kept = dirname(engine.inputs.get(inputRefSchema.parse(JSON.parse(before)).handle).path);
    const { readdirSync } = await import('node:fs');
    const count = readdirSync(kept).length;
    const said = await send('/upload?name=b', { method: 'POST', headers: { 'Content-Length': '5000' }, body: Buffer.alloc(5_000) });
    expect(said.status).toBe(413);
    const chunked = await send('/upload?name=c', {
      method: 'POST',
      headers: { 'Transfer-Encoding': 'chunked' },
      body: Buffer.alloc(5_000),
    });
    expect(chunked.status).toBe(413);
    expect(readdirSync(kept)).toHaveLength(count);
  });

  test('a cut upload leaves no file', async () => {
    const first = inputRefSchema.parse(JSON.parse((await send('/upload?name=a', { method: 'POST', body: 'x' })).body));
    const kept = dirname(engine.inputs.get(first.handle).path);
    const { readdirSync } = await import('node:fs');
    const count = readdirSync(kept).length;
    await new Promise<void>((resolve) => {
      const socket = tcpConnect(server.port, '127.0.0.1', () => {
        const head = `POST /upload?name=d HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${server.token}\r\nContent-Length: 500\r\n\r\n`;
        socket.write(head + 'partial');
        setTimeout(() => {
          socket.destroy();
          resolve();
        }, 50);
      });
    });
    await expect.poll(() => readdirSync(kept).length).toBe(count);
  });

  test('a download is given out as an attachment by its id only', async () => {
    const url = engine.downloads.add('rep"ort.html', '<p>report</p>');
    const { status, headers, body } = await send(url);
    expect(status).toBe(200);
    expect(body).toBe('<p>report</p>');
    expect(headers['content-disposition']).toBe("attachment; filename*=UTF-8''rep%22ort.html");
    expect((await send('/download/unknown/report.html')).status).toBe(404);
    expect((await send(url, { signedIn: false })).status).toBe(401);
  });

  test('all of it is gone with the server', async () => {
    const other = createEngine({ configFolder: join(folder, 'config') });
    const url = other.downloads.add('a.json', '{}');
    const path = other.downloads.get(url.split('/')[2]!)!.path;
    expect(existsSync(path)).toBe(true);
    await other.dispose();
    expect(existsSync(path)).toBe(false);
  });
});

describe('socket', () => {
  function open(headers: Record<string, string>, protocols: string[] = [SOCKET_PROTOCOL], path = '/ws'): Promise<WebSocket | number> {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, protocols, { headers });
    return new Promise((resolve) => {
      socket.on('open', () => {
        resolve(socket);
      });
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
      });
      socket.on('error', () => undefined);
    });
  }
  const signedIn = (): Record<string, string> => ({ Cookie: `${cookieName(server.port)}=${server.token}` });
  async function opened(): Promise<WebSocket> {
    const socket = await open(signedIn());
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    return socket;
  }

  test('is refused without token, with a wrong one, from another origin, under another name, at another path', async () => {
    expect(await open({})).toBe(401);
    expect(await open({ Cookie: `${cookieName(server.port)}=wrong` })).toBe(401);
    expect(await open({}, [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}wrong`])).toBe(401);
    expect(await open({ ...signedIn(), Origin: 'http://evil.example' })).toBe(403);
    expect(await open({ ...signedIn(), Host: 'evil.example' })).toBe(421);
    expect(await open(signedIn(), [SOCKET_PROTOCOL], '/other')).toBe(404);
  });

  test('carries calls and answers', async () => {
    const socket = await open({}, [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}${server.token}`]);
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    expect(socket.protocol).toBe(SOCKET_PROTOCOL);
    const client = createClient(webSocketPort(socket), { validate: true });
    const hello = await client.call('hello', {});
    expect(hello.features.nativeDialogs).toBe(false);
    await expect(client.call('session.open', { handle: '/etc/passwd' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.call('frame', { session: 'none' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.call('terminal.write', { terminal: 'none', data: 'x' })).rejects.toMatchObject({ code: 'not-found' });
    const lost = new Promise<string>((resolve) => {
      client.onClosed(resolve);
    });
    client.dispose();
    expect(await lost).toBe('closed');
  });

  test('a malformed message, a text message and one that is too large end the connection and nothing else', async () => {
    const ways: ((socket: WebSocket) => void)[] = [
      (socket) => {
        socket.send(Buffer.from('garbage that is no message'));
      },
      (socket) => {
        socket.send('{"kind":"call","id":1,"method":"hello","params":{}}');
      },
      (socket) => {
        socket.send(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
      },
    ];
    for (const misbehave of ways) {
      const socket = await opened();
      const closed = new Promise<number>((resolve) => {
        socket.on('close', resolve);
      });
      misbehave(socket);
      expect([4003, 1009, 1006]).toContain(await closed);
    }
    const socket = await opened();
    const answered = new Promise<unknown>((resolve) => {
      socket.on('message', (data: Buffer) => {
        resolve(decodeMessage(new Uint8Array(data)));
      });
    });
    socket.send(encodeMessage({ kind: 'call', id: 9, method: 'no-such' as 'hello', params: {} }));
    expect(await answered).toMatchObject({ ok: true, value: { kind: 'error', id: 9, error: { code: 'unsupported' } } });
    socket.close();
  });
});
