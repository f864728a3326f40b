import { PcapngWriter, RecordBatch, atomicFile } from '../../files/index.ts';
import type { SessionInput } from './input.ts';

/** Writes all packets of an input as pcapng, with its interfaces and comments. EngineErrors say why it could not be written. */
export function savePcapng(input: SessionInput, path: string): void {
  const sink = atomicFile(path);
  if (!sink.ok) throw sink.error;
  const { source, records } = input;
  const interfaces = source.interfaces.map(({ linkType, snapLenBytes, name, description, filter, os }) => ({
    linkType,
    snapLenBytes,
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(filter !== undefined && { filter }),
    ...(os !== undefined && { os }),
  }));
  const writer = new PcapngWriter(sink.value, source.epochNs, interfaces, { section: { application: 'Ringside' } });
  const batch = new RecordBatch();
  for (let number = 1; number <= input.packets; number += batch.count) {
    if (records.read(number, batch) === 0) break;
    for (let i = 0; i < batch.count; i++) {
      const comment = source.side.packetComments.get(number + i)?.join('\n');
      writer.packet(batch.tsNs[i]!, batch.bytes, batch.offset[i]!, batch.capLen[i]!, batch.origLen[i]!, batch.iface[i], comment);
    }
  }
  const finished = writer.finish();
  if (!finished.ok) throw finished.error;
}
