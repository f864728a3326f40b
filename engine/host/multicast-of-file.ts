import { EngineError, type CallContext, type Scenario } from '../contract/index.ts';
import { RecordBatch, type PacketSource } from '../files/index.ts';
import { CaptureListener } from '../lab/index.ts';
import type { PortRouter } from '../multicast/index.ts';
import { PortRun } from './session/capture-router.ts';
import { SessionInput } from './session/input.ts';

type Context = Pick<CallContext, 'signal' | 'progress'>;

export interface MulticastOfFile {
  readonly router: PortRouter;
  /** Packets of the capture up to the instant. */
  readonly packets: number;
  /** The instant: that asked for, or the capture's end. */
  readonly tNs: number;
  /** What could not be read of the file, by reason. */
  readonly skipped: PacketSource['skipped'];
}

/**
 * The router of a capture at an instant, or at the capture's end: the multicast port of a scenario, with the rings and the switch before it, or
 * without a scenario one that only listens. `record` keeps what passes its interfaces.
 */
export async function multicastOfFile(
  path: string,
  scenario: Scenario | undefined,
  { untilNs, record }: { readonly untilNs: number; readonly record: boolean },
  context: Context,
): Promise<MulticastOfFile> {
  const input = await SessionInput.open(path, context);
  const tNs = Math.min(untilNs, input.endNs);
  try {
    if (scenario === undefined) return await listened(input, tNs, context);
    const run = new PortRun(input, scenario, record);
    const { router } = await run.to(tNs, context);
    return { router, packets: run.packets, tNs, skipped: input.source.skipped };
  } finally {
    input.dispose();
  }
}

async function listened(input: SessionInput, tNs: number, { signal, progress }: Context): Promise<MulticastOfFile> {
  const listener = new CaptureListener();
  const batch = new RecordBatch();
  for (let number = 1; number <= input.packets; number += batch.count) {
    if (input.records.read(number, batch) === 0) break;
    for (let row = 0; row < batch.count; row++) if (batch.tsNs[row]! <= tNs) listener.feed(batch, row);
    progress({ done: number, total: input.packets, unit: 'packets', message: '' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  }
  listener.router.runUntil(tNs);
  return { router: listener.router, packets: listener.packets, tNs, skipped: input.source.skipped };
}
