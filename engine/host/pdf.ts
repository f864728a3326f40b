import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError } from '../contract/index.ts';
import { TempFolder } from '../files/index.ts';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];
const FIXED_PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Printing a report takes a second or two; a browser that needs longer hangs. */
const PRINT_TIMEOUT_MS = 60_000;

export const PDF_FIX = 'sudo apt-get install chromium';

/** An installed Chromium or Chrome, or the one RINGSIDE_CHROMIUM names. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['RINGSIDE_CHROMIUM'];
  if (named !== undefined && named !== '') return isProgram(named) ? named : undefined;
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    for (const program of PROGRAMS) {
      const path = join(folder, program);
      if (folder !== '' && isProgram(path)) return path;
    }
  }
  return FIXED_PLACES.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * A self-contained HTML document as PDF, printed by an installed browser in a private profile. Rejects with EngineError
 * `unavailable` (no browser; says what to install) or `internal` (the browser failed), `cancelled` on abort.
 */
export async function printPdf(html: string, signal?: AbortSignal): Promise<Buffer> {
  const browser = findChromium();
  if (browser === undefined) {
    throw new EngineError({ code: 'unavailable', message: 'A PDF needs an installed Chromium or Chrome.', fix: PDF_FIX });
  }
  const folder = new TempFolder('pdf');
  try {
    const page = join(folder.path, 'report.html');
    const pdf = join(folder.path, 'report.pdf');
    writeFileSync(page, html, { mode: 0o600 });
    const args = [
      '--headless',
      // Chromium's sandbox refuses to start for root; the page is our own and has no script.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-extensions',
      '--no-first-run',
      // The document is on disk and complete: the browser has no business on the network.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--disable-dev-shm-usage',
      `--user-data-dir=${join(folder.path, 'profile')}`,
      '--no-pdf-header-footer',
      `--print-to-pdf=${pdf}`,
      pathToFileURL(page).href,
    ];
    await run(browser, args, signal);
    return withoutTimes(readFileSync(pdf));
  } finally {
    folder.dispose();
  }
}

/** The same report gives the same bytes: the times of day that the browser writes are replaced by a fixed one of the same length. */
function withoutTimes(pdf: Buffer): Buffer {
  const text = pdf.toString('latin1').replace(/(\/(?:CreationDate|ModDate) \(D:)\d{14}/g, '$120000101000000');
  return Buffer.from(text, 'latin1');
}

function run(program: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { timeout: PRINT_TIMEOUT_MS, killSignal: 'SIGKILL', ...(signal !== undefined && { signal }) } as const;
    execFile(program, args, options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else if (signal?.aborted === true) reject(new EngineError({ code: 'cancelled', message: 'Printing was cancelled.' }));
      else {
        const last = stderr.trim().split('\n').at(-1) ?? '';
        reject(
          new EngineError({ code: 'internal', message: `${program} could not print the report: ${last !== '' ? last : error.message}` }),
        );
      }
    });
  });
}
