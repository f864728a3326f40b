import { EngineError, type Progress } from '../../contract/index.ts';
import { err, type Result } from '../../base/index.ts';
import { PcapWriter, PcapngWriter, RecordBatch, type ByteSink, type CaptureWriter } from '../../files/index.ts';
import { GeneratorSource } from './source.ts';
import type { GeneratorSpec } from './spec.ts';

const LINKTYPE_ETHERNET = 1;

/** The writer a spec asks for. Nothing of the machine or the time of day goes into the file. */
function writerFor(spec: GeneratorSpec, epochNs: bigint, sink: ByteSink): CaptureWriter {
  const interfaces = spec.interfaces.map((name) => ({ linkType: LINKTYPE_ETHERNET, snapLenBytes: spec.snapLen, name }));
  if (spec.format === 'pcap') return new PcapWriter(sink, epochNs, interfaces[0]!);
  const comment = `${spec.title === '' ? spec.name : spec.title}; generated traffic, seed ${String(spec.seed)}`;
  return new PcapngWriter(sink, epochNs, interfaces, { section: { application: 'ringside generate', comment } });
}

export interface GenerateOptions {
  /** Called once a batch. `done` and `total` are nanoseconds of the spec's duration. */
  readonly onProgress?: (progress: Progress, packets: number) => void;
  /** Asked once a batch; true gives up and leaves nothing behind. */
  readonly shouldCancel?: () => boolean;
}

/** Makes all packets of a spec and writes them in the spec's format. The same spec gives the same bytes. */
export function generateTo(
  spec: GeneratorSpec,
  sink: ByteSink,
  options: GenerateOptions = {},
): Result<{ packets: number; bytesWritten: number }, EngineError> {
  const source = new GeneratorSource(spec);
  const batch = new RecordBatch();
  let more = source.nextBatch(batch);
  // The writer is made after the first batch: only then is the time of the first packet known.
  const writer = writerFor(spec, source.epochNs, sink);
  for (; more; more = source.nextBatch(batch)) {
    if (options.shouldCancel?.() === true) {
      writer.abort();
      return err(new EngineError({ code: 'cancelled', message: 'The generator was cancelled; no file was written.' }));
    }
    const { bytes, offset, capLen, origLen, tsNs, iface } = batch;
    for (let i = 0; i < batch.count; i++) {
      writer.packet(tsNs[i]!, bytes, offset[i]!, capLen[i]!, origLen[i]!, iface[i]);
    }
    const at = source.progress();
    options.onProgress?.({ done: at.bytesRead, total: at.bytesTotal, unit: 'ns', message: 'generating' }, source.packets);
  }
  const finished = writer.finish();
  return finished.ok ? { ok: true, value: { packets: source.packets, bytesWritten: finished.value.bytesWritten } } : finished;
}
