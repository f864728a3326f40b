import { basename } from 'node:path';
import { MAX_BURST_FLOWS, burstSettingsSchema, type BurstSettings, type MarkerSettings } from '../contract/index.ts';
import { analyseBurstsOfFile } from '../host/index.ts';
import { burstText, curveText, flowsText, queueText, type Paragraph } from './burst-text.ts';
import { printable, table } from './format.ts';
import { insideWindow, openSession } from './link-client.ts';
import { EXIT, UsageError, writable, type Output } from './output.ts';
import { startProgress } from './progress.ts';

export interface BurstOptions {
  /** ns. */
  readonly scale?: readonly number[];
  /** ns. */
  readonly gap?: number;
  /** Bits per second; the committed rate of a meter. */
  readonly rate?: number;
  /** Bytes. */
  readonly cbs?: number;
  readonly ebs?: number;
  readonly pir?: number;
  readonly pbs?: number;
  readonly colorAware?: boolean;
  readonly overhead?: number;
  readonly flow?: boolean;
  readonly top?: number;
}

/** Bursts of capture files; in the terminal panel without a file, of the window's input. A bad file does not stop the others. */
export async function burstCommand(files: readonly string[], options: BurstOptions, output: Output, signal: AbortSignal): Promise<number> {
  const settings = settingsOf(options);
  const paths = files.length > 0 ? files : [await windowFile(signal)];
  let failed = false;
  for (const [i, path] of paths.entries()) {
    if (i > 0 && !output.json) output.text('');
    failed = !(await oneFile(path, settings, options, output, signal)) || failed;
    await writable();
  }
  return failed ? EXIT.failed : EXIT.ok;
}

async function windowFile(signal: AbortSignal): Promise<string> {
  if (!insideWindow()) throw new UsageError('name a capture file: ringside burst FILE');
  return (await openSession(signal)).path;
}

async function oneFile(
  path: string,
  settings: BurstSettings,
  options: BurstOptions,
  output: Output,
  signal: AbortSignal,
): Promise<boolean> {
  const progress = await startProgress(output, printable(basename(path)));
  const wanted = options.flow === true ? Math.min(MAX_BURST_FLOWS, Math.max(1, settings.top)) : 0;
  try {
    const { report, flows } = await analyseBurstsOfFile(path, {
      settings,
      flows: wanted,
      signal,
      onProgress: (p) => {
        progress.update(p);
      },
    });
    progress.stop();
    if (output.json) {
      output.record({ file: path, flow: null, ...report });
      for (const { report: own, ...flow } of flows) output.record({ file: path, flow, ...own });
      return true;
    }
    output.text(output.paint.bold(printable(path)));
    print([...burstText(report), ...queueText(report), ...curveText(report), ...flowsText(flows)], output);
    return true;
  } catch (error) {
    progress.stop();
    if (signal.aborted) throw error;
    output.error(error);
    return false;
  }
}

function print(paragraphs: readonly Paragraph[], output: Output): void {
  for (const { title, rows, right, note } of paragraphs) {
    if (title !== undefined) {
      output.text('');
      output.text(`  ${output.paint.cyan(title)}`);
    }
    for (const [i, line] of table(rows, right).entries())
      output.text(`  ${title !== undefined && i === 0 && right !== undefined ? output.paint.dim(line) : line}`);
    if (note !== undefined) output.text(`  ${output.paint.dim(note)}`);
  }
}

function settingsOf(options: BurstOptions): BurstSettings {
  const marker = markerOf(options);
  return burstSettingsSchema.parse({
    ...(options.scale !== undefined && { scalesNs: options.scale }),
    ...(options.gap !== undefined && { listScaleNs: options.gap }),
    ...(options.overhead !== undefined && { overheadBytes: options.overhead }),
    ...(options.top !== undefined && { top: options.top }),
    rateBps: options.rate ?? null,
    marker,
    colourAware: options.colorAware === true,
  });
}

function markerOf({ rate, cbs, ebs, pir, pbs, colorAware }: BurstOptions): MarkerSettings | null {
  if (cbs === undefined) {
    if (ebs !== undefined || pir !== undefined || pbs !== undefined || colorAware === true)
      throw new UsageError('A meter needs --rate (CIR) and --cbs beside --ebs, --pir, --pbs and --color-aware.');
    return null;
  }
  if (rate === undefined) throw new UsageError('--cbs needs --rate, the committed information rate.');
  if (pir === undefined && pbs === undefined) {
    if (cbs === 0 && (ebs ?? 0) === 0) throw new UsageError('--cbs or --ebs is more than 0 (RFC 2697 section 2): no packet could conform.');
    return { kind: 'single', cirBps: rate, cbsBytes: cbs, ebsBytes: ebs ?? 0 };
  }
  if (pir === undefined || pbs === undefined) throw new UsageError('A two rate meter (RFC 2698) needs both --pir and --pbs.');
  if (ebs !== undefined)
    throw new UsageError('--ebs belongs to a single rate meter (RFC 2697), --pir and --pbs to one of two rates (RFC 2698).');
  if (pir < rate) throw new UsageError('--pir, the peak rate, is at least the committed --rate (RFC 2698 section 2).');
  if (cbs === 0 || pbs === 0) throw new UsageError('--cbs and --pbs are more than 0 (RFC 2698 section 2).');
  return { kind: 'two', cirBps: rate, cbsBytes: cbs, pirBps: pir, pbsBytes: pbs };
}
