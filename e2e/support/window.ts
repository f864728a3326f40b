import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, WAIT_MS, ringside } from './command.ts';
import { cliFile } from './paths.ts';

/** The browser may not call home, and as root it has no sandbox. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The terminal then draws with elements, whose text a test can read.
  '--disable-3d-apis',
];

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGS });
}

/** A `ringside serve` of its own, with settings of its own. */
export class Served {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringside-e2e-'));
  readonly command: Command;
  url = '';

  private constructor(args: readonly string[], namespace?: string) {
    const config = join(this.folder, 'config');
    // A shell with a start file of its own: its prompt is known.
    writeFileSync(join(this.folder, '.bashrc'), "PS1='$ '\n");
    const env = { XDG_CONFIG_HOME: config, HOME: this.folder, TMPDIR: this.folder, SHELL: '/bin/bash', HISTFILE: '' };
    const serve = ['serve', '--json', ...args];
    this.command =
      namespace === undefined
        ? ringside(serve, { env })
        : new Command('ip', ['netns', 'exec', namespace, process.execPath, cliFile, ...serve], { env });
  }

  static start(...args: readonly string[]): Promise<Served> {
    return new Served(args).ready();
  }

  /** The same in a network namespace: only a browser in there can reach it. */
  static startIn(namespace: string, ...args: readonly string[]): Promise<Served> {
    return new Served(args, namespace).ready();
  }

  private async ready(): Promise<Served> {
    await this.command.until('the address', () => this.command.stdout.includes('\n'));
    this.url = (JSON.parse(this.command.stdout.split('\n')[0] ?? '') as { url: string }).url;
    return this;
  }

  async stop(): Promise<void> {
    await this.command.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One window and everything it complained about. */
export interface Window {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, uncaught exceptions, and violations of the content security policy. */
  readonly complaints: string[];
}

export interface WindowOptions {
  readonly theme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
}

/** Opens the address in a window without history. */
export async function openWindow(browser: Browser, url: string, options: WindowOptions = {}): Promise<Window> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1_600, height: options.height ?? 1_000 },
    colorScheme: options.theme ?? 'dark',
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  // From here on file dialogs are ours. Asked for only when a test waits for one, the order may reach the page behind the key press
  // that opens the dialog, and a browser without a screen cancels it at once.
  page.on('filechooser', () => undefined);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(url);
  return { page, context, complaints };
}
