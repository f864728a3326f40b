import { request as httpRequest } from 'node:http';
import { z } from 'zod';
import { EngineError, engineErrorSchema, runSummarySchema, sessionInfoSchema, transportSchema } from '../contract/index.ts';

/** What the window's engine says of its open session. */
const sessionAnswer = z.object({
  path: z.string(),
  info: sessionInfoSchema,
  summary: runSummarySchema.nullable(),
  transport: transportSchema,
});
export type OpenSessionAnswer = z.infer<typeof sessionAnswer>;

const envelope = z.object({ result: z.unknown().optional(), error: engineErrorSchema.optional() });

/** True in a shell of the terminal panel. */
export function insideWindow(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['RINGSIDE_URL'] !== undefined && env['RINGSIDE_TOKEN'] !== undefined;
}

/** Asks the engine of the window whose terminal this is. EngineErrors of the engine come through. */
export async function askWindow(name: 'open' | 'session' | 'run', body: object, signal: AbortSignal): Promise<unknown> {
  const { RINGSIDE_URL: url, RINGSIDE_TOKEN: token } = process.env;
  if (url === undefined || token === undefined) {
    throw new EngineError({
      code: 'unavailable',
      message: 'This shell belongs to no Ringside window.',
      fix: 'Use the terminal panel of the window, or name a file.',
    });
  }
  const { result, error } = envelope.parse(JSON.parse(await post(new URL(name, url), token, JSON.stringify(body), signal)));
  if (error !== undefined) throw new EngineError(error);
  return result;
}

export async function openSession(signal: AbortSignal): Promise<OpenSessionAnswer> {
  return sessionAnswer.parse(await askWindow('session', {}, signal));
}

function post(url: URL, token: string, body: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const gone = (reason: string): void => {
      reject(
        new EngineError({
          code: 'unavailable',
          message: `The window does not answer: ${reason}.`,
          fix: 'It may have been closed; open a new terminal.',
        }),
      );
    };
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const request = httpRequest(url, { method: 'POST', headers, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else gone(`it refused with ${response.statusCode ?? 0}`);
      });
    });
    request.on('error', (error) => {
      if (error.name === 'AbortError') reject(error);
      else gone(error.message);
    });
    request.end(body);
  });
}
