import type { PacketDetail, PacketRow, Scenario } from '../../contract/index.ts';
import { explainPacket, type Snapshot } from '../../lab/index.ts';
import type { SessionInput } from './input.ts';
import { readTree } from './tree.ts';

/**
 * One packet: tree and bytes from the file, and what the scenario did with it and why. The explanation replays the packet's queue from
 * the nearest snapshot, from the start where there is none.
 */
export function readDetail(input: SessionInput, row: PacketRow, scenario: Scenario, snapshots: readonly Snapshot[]): PacketDetail {
  const tree = readTree(input, row);
  const explained = explainPacket(input.records, scenario, row.number, snapshots);
  const after = explained?.steps.at(-1)?.after[0]?.bytes;
  return {
    row,
    ...tree,
    ...(after !== undefined && { after: after.slice() }),
    path: explained?.path ?? [],
    cards: explained?.cards ?? [],
    fileOffset: input.index.fileOffset(row.number),
  };
}
