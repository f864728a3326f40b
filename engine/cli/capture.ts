import { statSync } from 'node:fs';
import { LiveCapture, listBackends, listDevices, type BackendId } from '../capture/index.ts';
import { PcapngWriter, RecordBatch, atomicFile, openCapture, type CaptureFile } from '../files/index.ts';
import { bytes, count, printable, table } from './format.ts';
import { EXIT, type Output } from './output.ts';

/** Interfaces and what can capture on them. */
export async function interfacesCommand(output: Output): Promise<number> {
  const devices = listDevices();
  const backends = await listBackends();
  if (output.json) {
    output.record({ devices, backends });
    return EXIT.ok;
  }
  const { paint } = output;
  const rows = devices.map((device) => [
    paint.bold(device.name),
    device.up ? 'up' : 'down',
    device.addresses.join(' '),
    printable(device.description),
  ]);
  for (const line of table(rows)) output.text(line);
  output.text('');
  for (const backend of backends) {
    const state = backend.ok ? `${paint.green('✓')} ${backend.timestamps}` : `${paint.red('✕')} ${backend.why}`;
    output.text(`${backend.id.padEnd(8)} ${state}`);
    if (!backend.ok) output.text(`         ${paint.bold(backend.fix)}`);
  }
  return EXIT.ok;
}

export interface CaptureOptions {
  readonly filter?: string;
  readonly backend?: BackendId;
  readonly write?: string;
  readonly seconds?: number;
  readonly snaplen?: number;
}

/** How often the counters are shown. */
const STATUS_MS = 500;

/** Captures until Ctrl+C, the time is over or the interface goes away; saves as pcapng where asked to. Ctrl+C is the normal end. */
export async function captureCommand(device: string, options: CaptureOptions, output: Output, signal: AbortSignal): Promise<number> {
  const capture = await LiveCapture.start({
    device,
    ...(options.filter !== undefined && { filter: options.filter }),
    ...(options.backend !== undefined && { backend: options.backend }),
    ...(options.snaplen !== undefined && { snapLen: options.snaplen }),
  });
  if (!output.json) output.message(`Capturing on ${device} with ${capture.backend}: ${capture.timestamps}. Ctrl+C ends it.`);
  try {
    await untilEnd(capture, options.seconds, output, signal);
    const end = await capture.stop();
    const counted = await save(capture.spoolPath, options.write);
    const result = {
      device,
      backend: capture.backend,
      timestamps: capture.timestamps,
      filter: options.filter ?? '',
      ...counted,
      kernelDrops: capture.kernelDrops,
      file: options.write ?? null,
      ended: end.message,
    };
    if (output.json) output.record(result);
    else print(result, output);
    return end.asked ? EXIT.ok : EXIT.failed;
  } finally {
    await capture.dispose();
  }
}

function untilEnd(capture: LiveCapture, seconds: number | undefined, output: Output, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const done = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    if (signal.aborted) {
      done();
      return;
    }
    signal.addEventListener('abort', done, { once: true });
    if (seconds !== undefined) {
      const timer = setTimeout(done, seconds * 1_000);
      stops.push(() => {
        clearTimeout(timer);
      });
    }
    const status = setInterval(() => {
      if (!capture.running) done();
      else if (output.json)
        output.message(
          JSON.stringify({ progress: { title: capture.device, bytes: capture.spoolBytes, kernelDrops: capture.kernelDrops } }),
        );
      else if (process.stderr.isTTY) process.stderr.write(`\r${bytes(capture.spoolBytes)} captured `);
    }, STATUS_MS);
    stops.push(() => {
      clearInterval(status);
      if (!output.json && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    });
  });
}

/** Counts what was captured and writes it as pcapng where a path is given. */
async function save(spool: string, path: string | undefined): Promise<{ packets: number; bytes: number }> {
  if (statSync(spool).size === 0) return { packets: 0, bytes: 0 };
  const opened = await openCapture(spool);
  if (!opened.ok) throw opened.error;
  try {
    return copy(opened.value, path);
  } finally {
    opened.value.close();
  }
}

function copy({ source }: CaptureFile, path: string | undefined): { packets: number; bytes: number } {
  const batch = new RecordBatch();
  const totals = { packets: 0, bytes: 0 };
  const sink = path === undefined ? undefined : atomicFile(path);
  if (sink?.ok === false) throw sink.error;
  let writer: PcapngWriter | undefined;
  let known = 0;
  while (source.nextBatch(batch)) {
    if (sink !== undefined) writer ??= new PcapngWriter(sink.value, source.epochNs, [], { section: { application: 'ringside capture' } });
    for (; writer !== undefined && known < source.interfaces.length; known++) writer.addInterface(source.interfaces[known]!);
    for (let i = 0; i < batch.count; i++) {
      totals.packets++;
      totals.bytes += batch.origLen[i]!;
      writer?.packet(batch.tsNs[i]!, batch.bytes, batch.offset[i]!, batch.capLen[i]!, batch.origLen[i]!, batch.iface[i]);
    }
  }
  if (sink !== undefined)
    writer ??= new PcapngWriter(sink.value, source.epochNs, source.interfaces, { section: { application: 'ringside capture' } });
  const finished = writer?.finish();
  if (finished?.ok === false) throw finished.error;
  return totals;
}

function print(
  result: { device: string; packets: number; bytes: number; kernelDrops: number | null; file: string | null; ended: string },
  output: Output,
): void {
  const drops = result.kernelDrops === null ? 'drops unknown to this backend' : `${count(result.kernelDrops)} dropped by the kernel`;
  output.text(`${result.device}: ${count(result.packets)} packets, ${bytes(result.bytes)}, ${drops}`);
  if (result.file !== null) output.text(`Saved to ${printable(result.file)}`);
  if (result.ended !== 'Stopped.') output.message(result.ended);
}
