import { EngineError, type FieldNode, type PacketRow } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { dissectPacket } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/** What the file has of one packet, and the tree that the dissectors make of it. */
export interface PacketTree {
  readonly layers: FieldNode[];
  /** A copy of the captured bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly comments: string[];
}

/** Reads one packet, into `batch` where the caller has one for all. EngineError `bad-input` where the file has become shorter since it was opened. */
export function readTree(
  input: SessionInput,
  { number, tNs }: Pick<PacketRow, 'number' | 'tNs'>,
  batch: RecordBatch = new RecordBatch(1),
): PacketTree {
  const { source, index } = input;
  if (input.records.read(number, batch, 1) === 0) {
    throw new EngineError({
      code: 'bad-input',
      message: `Packet ${number} cannot be read: the file has become shorter since it was opened.`,
      where: { file: input.path, offset: index.fileOffset(number) },
      fix: 'Open the file again.',
    });
  }
  const start = batch.offset[0]!;
  const bytes = batch.bytes.slice(start, start + batch.capLen[0]!);
  const iface = source.interfaces[index.iface(number)];
  const comments = [...(source.side.packetComments.get(number) ?? [])];
  const { layers } = dissectPacket(bytes, batch.linkType[0]!, bytes.length, batch.origLen[0]!, {
    number,
    timeRelativeNs: tNs,
    ...(source.hasEpoch && { timeEpoch: epochText(source.epochNs + BigInt(tNs)) }),
    interfaceId: index.iface(number),
    ...(iface?.name !== undefined && { interfaceName: iface.name }),
    comments,
  });
  return { layers, bytes, comments };
}

/** `1700000000.123456789`. */
function epochText(ns: bigint): string {
  const negative = ns < 0n;
  const abs = negative ? -ns : ns;
  return `${negative ? '-' : ''}${abs / 1_000_000_000n}.${(abs % 1_000_000_000n).toString().padStart(9, '0')}`;
}
