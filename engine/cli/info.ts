import type { CaptureInfo } from '../contract/index.ts';
import { formatEpoch } from '../base/index.ts';
import { RecordBatch, openCapture, sha256File, type PacketSource } from '../files/index.ts';
import { captureInfoOf, failedInfo, type InputTotals } from '../host/index.ts';
import { bytes, count, duration, printable, table } from './format.ts';
import { EXIT, UsageError, cancelled, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import type { ProgressReport } from './progress-lines.ts';

export interface InfoOptions {
  readonly sha256?: boolean;
}

/** Between two looks at the clock and at Ctrl+C. */
const SLICE_MS = 40;

/** One summary a file; a bad file does not stop the others and makes the exit code 1. */
export async function infoCommand(files: readonly string[], options: InfoOptions, output: Output, signal: AbortSignal): Promise<number> {
  let failed = false;
  for (const [i, file] of files.entries()) {
    const progress = await startProgress(output, printable(file));
    const info = await describe(file, options, progress, signal);
    progress.stop();
    // Small files come one after the other without a pause in which Ctrl+C would be heard.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw cancelled();
    failed ||= info.error !== null;
    if (output.json) output.record(info);
    else print(info, output, i > 0);
  }
  return failed ? EXIT.failed : EXIT.ok;
}

/** Without a file in the terminal panel: the input of the window's session, as the window has it. */
export async function windowInfo(output: Output, signal: AbortSignal): Promise<number> {
  const { insideWindow, openSession } = await import('./link-client.ts');
  if (!insideWindow()) throw new UsageError('name a capture file: ringside info FILE');
  const { info } = await openSession(signal);
  if (output.json) output.record(info.capture);
  else print(info.capture, output, false);
  return EXIT.ok;
}

/** Summary of one file. Never rejects. */
export async function describe(file: string, options: InfoOptions, progress: ProgressReport, signal: AbortSignal): Promise<CaptureInfo> {
  const opened = await openCapture(file, { signal });
  if (!opened.ok) return failedInfo(file, opened.error.message);
  try {
    const totals = await readThrough(opened.value.source, progress, signal);
    const info = captureInfoOf(file, opened.value.compression, opened.value.source, totals);
    if (options.sha256 !== true || signal.aborted) return info;
    const hash = sha256File(file);
    return hash.ok ? { ...info, sha256: hash.value } : { ...info, error: hash.error.message };
  } finally {
    opened.value.close();
  }
}

async function readThrough(source: PacketSource, progress: ProgressReport, signal: AbortSignal): Promise<InputTotals> {
  const batch = new RecordBatch();
  const totals = { packets: 0, bytes: 0, capturedBytes: 0, minNs: Number.POSITIVE_INFINITY, maxNs: Number.NEGATIVE_INFINITY };
  let since = performance.now();
  while (!signal.aborted && source.nextBatch(batch)) {
    add(totals, batch);
    if (performance.now() - since < SLICE_MS) continue;
    const { bytesRead, bytesTotal } = source.progress();
    progress.update({ done: bytesRead, total: bytesTotal, unit: 'bytes', message: `${count(totals.packets)} packets` });
    await new Promise<void>((resolve) => setImmediate(resolve));
    since = performance.now();
  }
  return totals.packets === 0 ? { ...totals, minNs: 0, maxNs: 0 } : totals;
}

function add(totals: { packets: number; bytes: number; capturedBytes: number; minNs: number; maxNs: number }, batch: RecordBatch): void {
  const { tsNs, origLen, capLen } = batch;
  totals.packets += batch.count;
  for (let i = 0; i < batch.count; i++) {
    totals.bytes += origLen[i]!;
    totals.capturedBytes += capLen[i]!;
    if (tsNs[i]! < totals.minNs) totals.minNs = tsNs[i]!;
    if (tsNs[i]! > totals.maxNs) totals.maxNs = tsNs[i]!;
  }
}

function print(info: CaptureInfo, output: Output, separate: boolean): void {
  const { paint } = output;
  if (separate) output.text('');
  output.text(paint.bold(printable(info.file)));
  if (info.error !== null) {
    output.text(`  ${paint.red(printable(info.error))}`);
    return;
  }
  const rate = info.durationNs > 0 ? `, ${count(Math.round((info.packets - 1) / (info.durationNs / 1e9)))} packets/s` : '';
  const size =
    info.bytes === info.capturedBytes ? bytes(info.bytes) : `${bytes(info.bytes)} on the wire, ${bytes(info.capturedBytes)} captured`;
  const rows: [string, string][] = [
    ['format', info.format],
    ['packets', `${count(info.packets)}, ${size}`],
  ];
  if (info.firstNs !== null) rows.push(['first', formatEpoch(BigInt(info.firstNs))]);
  if (info.lastNs !== null) rows.push(['last', formatEpoch(BigInt(info.lastNs))]);
  if (info.packets > 0) rows.push(['duration', `${duration(info.durationNs)}${rate}`]);
  for (const each of info.interfaces) {
    const drops = each.captureDrops === null ? '' : `, ${count(each.captureDrops)} dropped while captured`;
    const name = printable(each.name === '' ? String(each.index) : each.name);
    rows.push([`interface`, `${name}: ${each.linkTypeName}, ${count(each.packets)} packets, snap length ${each.snapLen}${drops}`]);
  }
  if (info.sha256 !== undefined) rows.push(['sha256', info.sha256]);
  for (const comment of info.comments) rows.push(['comment', printable(comment)]);
  for (const line of table(rows)) output.text(`  ${line}`);
  for (const [reason, n] of Object.entries(info.skipped)) output.text(`  ${paint.yellow('skipped')}    ${reason}: ${count(n)}`);
  for (const finding of info.findings) {
    output.text(`  ${paint.yellow('!')} offset ${finding.fileOffset}: ${printable(finding.message)} ${paint.dim(`(${finding.reason})`)}`);
  }
}
