import type { PacketDetail, PacketRow, Scenario } from '../contract/index.ts';
import { readDetail } from './session/detail.ts';
import { SessionInput } from './session/input.ts';
import { PacketRows, newVerdicts, noPacket } from './session/packets.ts';

/** The packets of a file without a window: rows and details by number. */
export class PacketListing {
  private readonly input: SessionInput;
  private readonly rows: PacketRows;
  private readonly scenario: Scenario;
  private readonly verdicts = newVerdicts(0);

  private constructor(input: SessionInput, scenario: Scenario) {
    this.input = input;
    this.rows = new PacketRows(input);
    this.scenario = scenario;
  }

  static async open(path: string, scenario: Scenario, signal: AbortSignal): Promise<PacketListing> {
    return new PacketListing(await SessionInput.open(path, { signal, progress: () => undefined }), scenario);
  }

  get packets(): number {
    return this.input.packets;
  }

  page(first: number, count: number): PacketRow[] {
    return this.rows.read(first, count, this.verdicts, this.scenario);
  }

  /** EngineError `not-found` for a number the input does not have. */
  detail(number: number): PacketDetail {
    const row = number <= this.input.packets ? this.page(number, 1)[0] : undefined;
    if (row === undefined) throw noPacket(number, this.input.packets);
    const detail = readDetail(this.input, row, this.scenario, []);
    // Nothing has run through this listing, so the row takes its verdict from the explanation.
    const drop = detail.path.find(({ event }) => event === 'drop');
    const end = detail.path.findLast(({ event }) => event === 'read' || event === 'transmit');
    if (drop !== undefined) return { ...detail, row: { ...row, verdict: 'dropped', verdictText: String(drop.fields['reason'] ?? '') } };
    if (end !== undefined) return { ...detail, row: { ...row, verdict: 'delivered', verdictText: end.obj.split('.')[0] ?? '' } };
    return { ...detail, row: { ...row, verdict: 'held' } };
  }

  dispose(): void {
    this.input.dispose();
  }
}
