import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, cliFile } from './support/paths.ts';
import { Served, launchBrowser, openWindow } from './support/window.ts';
import { status } from './support/workbench.ts';

const executable = chromiumPath();
const SPEC = `name: downloads
seed: 5
durationS: 0.2
streams:
  - { kind: burst, flows: 4, tcpShare: 1, packetsMin: 60, packetsMax: 90, periodMs: 20, lineBps: 1000000000, bytes: 1500, acks: false }
`;

describe.skipIf(executable === undefined)('offloads in the whole program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-e2e-offload-'));
  let browser: Browser | undefined;
  let served: Served | undefined;

  beforeAll(async () => {
    const spec = join(folder, 'downloads.yaml');
    writeFileSync(spec, SPEC);
    const capture = join(folder, 'downloads.pcapng');
    execFileSync(process.execPath, [cliFile, 'generate', spec, '-o', capture]);
    served = await Served.start(capture);
    browser = await launchBrowser(executable!);
  });
  afterAll(async () => {
    await browser?.close();
    await served?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows reasons and an aggregate whose segments lead to their packets', async () => {
    const { page, complaints } = await openWindow(browser!, served!.url);
    await status(page, 'conserved', 60_000);
    await page.getByRole('button', { name: 'Offloads' }).first().click();
    const reasons = page.getByRole('table', { name: 'Why not aggregated' });
    await reasons.getByText('batch-end').waitFor();
    const segments = page.getByRole('listbox', { name: 'Segments of the aggregate' }).getByRole('option');
    await segments.nth(1).getByRole('button').click();
    const number = await segments.nth(1).getByRole('button').textContent();
    await page.getByRole('treeitem', { name: new RegExp(`Frame: ${String(number)}:`) }).waitFor();
    expect(complaints).toEqual([]);
  });
});
