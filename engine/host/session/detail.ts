import { EngineError, type PacketDetail, type PacketRow, type Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { explainPacket, type Snapshot } from '../../lab/index.ts';
import { dissectPacket } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/**
 * One packet: tree and bytes from the file, and what the scenario did with it and why. The explanation replays the packet's queue from
 * the nearest snapshot, from the start where there is none.
 */
export function readDetail(input: SessionInput, row: PacketRow, scenario: Scenario, snapshots: readonly Snapshot[]): PacketDetail {
  const batch = new RecordBatch(1);
  if (input.records.read(row.number, batch, 1) === 0) {
    throw new EngineError({
      code: 'bad-input',
      message: `Packet ${row.number} cannot be read: the file has become shorter since it was opened.`,
      where: { file: input.path, offset: input.index.fileOffset(row.number) },
      fix: 'Open the file again.',
    });
  }
  const { source, index } = input;
  const start = batch.offset[0]!;
  const bytes = batch.bytes.slice(start, start + batch.capLen[0]!);
  const iface = source.interfaces[index.iface(row.number)];
  const comments = source.side.packetComments.get(row.number) ?? [];
  const dissection = dissectPacket(bytes, batch.linkType[0]!, bytes.length, batch.origLen[0]!, {
    number: row.number,
    timeRelativeNs: row.tNs,
    ...(source.hasEpoch && { timeEpoch: epochText(source.epochNs + BigInt(row.tNs)) }),
    interfaceId: index.iface(row.number),
    ...(iface?.name !== undefined && { interfaceName: iface.name }),
    comments,
  });
  const explained = explainPacket(input.records, scenario, row.number, snapshots);
  const after = explained?.steps.at(-1)?.after[0]?.bytes;
  return {
    row,
    layers: dissection.layers,
    bytes,
    ...(after !== undefined && { after: after.slice() }),
    path: explained?.path ?? [],
    cards: explained?.cards ?? [],
    fileOffset: index.fileOffset(row.number),
    comments,
  };
}

/** `1700000000.123456789`. */
function epochText(ns: bigint): string {
  const negative = ns < 0n;
  const abs = negative ? -ns : ns;
  return `${negative ? '-' : ''}${abs / 1_000_000_000n}.${(abs % 1_000_000_000n).toString().padStart(9, '0')}`;
}
