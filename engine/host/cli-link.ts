import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { EngineError, describeIssues, errorData } from '../contract/index.ts';
import { answer, authorised, hostAllowed } from './http-guard.ts';

/**
 * How the `ringside` command in the terminal panel shares the window's session: a small server on 127.0.0.1 with a token of its
 * own, both in that shell's environment only. Paths may be named here, unlike by the window: the shell could read them anyway.
 */
export const LINK_REQUESTS = {
  open: z.strictObject({ path: z.string().max(4_096) }),
  session: z.strictObject({}),
  run: z.strictObject({ lanes: z.int().min(1).max(16).optional() }),
} as const;

export type LinkName = keyof typeof LINK_REQUESTS;
export type LinkHandlers = {
  readonly [N in LinkName]: (request: z.output<(typeof LINK_REQUESTS)[N]>, signal: AbortSignal) => Promise<unknown>;
};

/** Bytes of one request; a path and a little JSON. */
const MAX_BODY_BYTES = 16_384;

export class CliLink {
  private readonly server: Server;
  private readonly token = randomBytes(24).toString('base64url');
  private readonly handlers: LinkHandlers;

  private constructor(handlers: LinkHandlers) {
    this.handlers = handlers;
    this.server = createServer((request, response) => {
      this.handle(request, response).catch((error: unknown) => {
        answer(response, 500, JSON.stringify({ error: errorData(error) }), 'application/json');
      });
    });
    this.server.unref();
  }

  static async start(handlers: LinkHandlers): Promise<CliLink> {
    const link = new CliLink(handlers);
    await new Promise<void>((resolve, reject) => {
      link.server.once('error', reject);
      link.server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  /** For the environment of a shell. */
  get env(): { readonly RINGSIDE_URL: string; readonly RINGSIDE_TOKEN: string } {
    return { RINGSIDE_URL: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`, RINGSIDE_TOKEN: this.token };
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const port = (this.server.address() as AddressInfo).port;
    // A browser sends Origin with every POST; no page has business here.
    if (!hostAllowed(request, port) || request.headers.origin !== undefined || !authorised(request, port, this.token)) {
      answer(response, 403, '');
      return;
    }
    const name = (request.url ?? '').slice(1);
    if (request.method !== 'POST' || !Object.hasOwn(LINK_REQUESTS, name)) {
      answer(response, 404, '');
      return;
    }
    const controller = new AbortController();
    response.on('close', () => {
      controller.abort();
    });
    try {
      const result = await this.run(name as LinkName, await readBody(request), controller.signal);
      answer(response, 200, JSON.stringify({ result }), 'application/json');
    } catch (error) {
      answer(response, 200, JSON.stringify({ error: errorData(error) }), 'application/json');
    }
  }

  private run(name: LinkName, body: unknown, signal: AbortSignal): Promise<unknown> {
    const parsed = LINK_REQUESTS[name].safeParse(body);
    if (!parsed.success) throw new EngineError({ code: 'bad-input', message: describeIssues(parsed.error.issues) });
    // Parsed by the schema the handler's parameter type is derived from.
    const handler = this.handlers[name] as (request: unknown, signal: AbortSignal) => Promise<unknown>;
    return handler(parsed.data, signal);
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new EngineError({ code: 'limit', message: 'The request is too large.' });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new EngineError({ code: 'bad-input', message: 'The request is no JSON.' });
  }
}
