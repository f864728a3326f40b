import type { CallContext, FieldNode, PacketRow } from '../contract/index.ts';
import { RecordBatch } from '../files/index.ts';
import { SessionInput } from './session/input.ts';
import { NO_FATES, PacketRows } from './session/packets.ts';
import { readTree } from './session/tree.ts';

/** The packets of a file without a window and without a run: rows and trees by number. */
export class PacketListing {
  readonly input: SessionInput;
  private readonly rows: PacketRows;
  private readonly one = new RecordBatch(1);

  private constructor(input: SessionInput) {
    this.input = input;
    this.rows = new PacketRows(input);
  }

  static async open(path: string, context: Pick<CallContext, 'signal' | 'progress'>): Promise<PacketListing> {
    return new PacketListing(await SessionInput.open(path, context));
  }

  get packets(): number {
    return this.input.packets;
  }

  page(first: number, count: number): PacketRow[] {
    return this.rows.read(first, count, NO_FATES);
  }

  /** The tree of a packet of the input. */
  tree(number: number): readonly FieldNode[] {
    return readTree(this.input, { number, tNs: this.input.index.tsNs(number) }, this.one).layers;
  }

  dispose(): void {
    this.input.dispose();
  }
}
