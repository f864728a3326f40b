import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { SOCKET_PROTOCOL, SOCKET_TOKEN_PREFIX, createClient, webSocketPort, type EngineClient } from '../engine/contract/index.ts';

/** Starts a `ringside serve` of a file. */
export function startHost(file: string): ChildProcess {
  const cli = join(dirname(fileURLToPath(import.meta.url)), 'cli.js');
  return spawn(process.execPath, [cli, 'serve', file, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function addressOf(host: ChildProcess): Promise<URL> {
  let text = '';
  for await (const part of host.stdout as AsyncIterable<Buffer>) {
    text += part.toString();
    const line = text.split('\n', 1)[0] ?? '';
    if (text.includes('\n')) return new URL((JSON.parse(line) as { url: string }).url);
  }
  throw new Error('the host ended before it said its address');
}

/** Speaks to the host as a window does, once it listens. */
export async function connect(host: ChildProcess): Promise<EngineClient> {
  const url = await addressOf(host);
  const token = url.searchParams.get('token') ?? '';
  const socket = new WebSocket(`ws://${url.host}/ws`, [SOCKET_PROTOCOL, `${SOCKET_TOKEN_PREFIX}${token}`]);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return createClient(webSocketPort(socket));
}
