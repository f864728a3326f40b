import { spawn } from 'node:child_process';
import { createEngine, findChromium, startWebServer } from '../host/index.ts';
import { EXIT, type Output } from './output.ts';

export interface ServeCommandOptions {
  readonly port?: number;
  readonly open?: boolean;
  readonly scenario?: string;
}

/** Serves the interface on loopback until Ctrl+C, which is the normal end. */
export async function serveCommand(
  file: string | undefined,
  options: ServeCommandOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const engine = createEngine({
    ...(file !== undefined && { initial: file }),
    ...(options.scenario !== undefined && { initialScenario: options.scenario }),
  });
  const server = await startWebServer({ engine, ...(options.port !== undefined && { port: options.port }) });
  if (output.json) output.record({ url: server.url, port: server.port });
  else output.text(`Ringside is at ${output.paint.bold(server.url)}\nThe address carries a token: keep it to yourself. Ctrl+C ends it.`);
  if (options.open === true) openBrowser(server.url, output);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener('abort', () => {
        resolve();
      });
  });
  await server.close();
  await engine.dispose();
  return EXIT.ok;
}

/** Opens the address as an application window, detached: the browser outlives nothing of ours and we outlive it. */
function openBrowser(url: string, output: Output): void {
  const browser = findChromium();
  if (browser === undefined) {
    output.message('No Chromium or Chrome was found: open the address yourself.');
    return;
  }
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const child = spawn(browser, [...root, `--app=${url}`], { stdio: 'ignore', detached: true });
  child.on('error', (error) => {
    output.message(`${browser} could not be started: ${error.message}`);
  });
  child.unref();
}
