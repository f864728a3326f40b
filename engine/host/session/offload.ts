import { readFileSync } from 'node:fs';
import {
  EngineError,
  type CallContext,
  type CallName,
  type EngineHandlers,
  type OffloadCosts,
  type OffloadOverrides,
  type OffloadReport,
  type Scenario,
  type SuperPacket,
} from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import {
  COST_SAMPLE_PACKETS,
  OffloadRun,
  measureCosts,
  openSentPacket,
  openSuperPacket,
  prefixProblem,
  type OffloadOutput,
} from '../../lab/index.ts';
import type { SessionCore } from './core.ts';
import type { SessionInput } from './input.ts';

/** Packets between two looks at the thread's messages: a few milliseconds. */
const SLICE_PACKETS = 1_024;

interface RunContext extends Pick<CallContext, 'signal' | 'progress'> {
  readonly onOutput?: (packet: OffloadOutput) => void;
}

/** A finished run of an input through the offloads: its report, and its aggregates to open. */
export class OffloadResult {
  readonly report: OffloadReport;
  /** Of the run only this is kept: its buffers can be more than a hundred megabytes. */
  private readonly superPackets: OffloadRun['totals']['superPackets'];
  private readonly plan: OffloadRun['plan'];
  private readonly input: SessionInput;

  constructor(run: OffloadRun, input: SessionInput) {
    this.input = input;
    this.report = run.finish();
    this.superPackets = run.totals.superPackets;
    this.plan = run.plan;
  }

  /** Opens the aggregate or the cut packet that a packet is part of; EngineError `not-found` if it is part of none. */
  openPacket(number: number): SuperPacket {
    const found = this.superPackets.find(({ numbers }) => numbers.includes(number));
    if (found !== undefined) return this.open(found.row.index);
    throw new EngineError({
      code: 'not-found',
      message: `Packet ${number} was neither merged with another nor cut.`,
      fix: 'The list of the largest aggregates names packets that were. The card of the packet says why it was not.',
    });
  }

  /** EngineError `not-found` for an aggregate the run does not have. */
  open(index: number): SuperPacket {
    const known = this.superPackets[index];
    const { device, ports } = this.plan;
    const plan = ports.find(({ id }) => id === known?.row.port);
    if (known === undefined || plan === undefined) {
      const count = this.superPackets.length;
      throw new EngineError({
        code: 'not-found',
        message: count === 0 ? 'The run has no aggregate.' : `There is no aggregate ${index}; they are numbered 0 to ${count - 1}.`,
      });
    }
    const { row, numbers } = known;
    const read = (number: number, batch: RecordBatch): boolean => this.input.records.read(number, batch, 1) > 0;
    const sent = row.direction === 'tx';
    const opened = sent ? openSentPacket(row, numbers, { plan, device }, read) : openSuperPacket(row, numbers, plan.aggregate, read);
    if (opened !== undefined) return opened;
    throw new EngineError({
      code: 'bad-input',
      message: `Packets of aggregate ${index} cannot be read: the file has changed since it was opened.`,
      where: { file: this.input.path },
      fix: 'Open the file again.',
    });
  }
}

/** Runs an input through the offloads of a scenario, in slices. */
export async function runOffloads(
  input: SessionInput,
  scenario: Scenario,
  overrides: OffloadOverrides,
  context: RunContext,
): Promise<OffloadResult> {
  checkLocal(overrides.local ?? []);
  const run = new OffloadRun(scenario, { overrides, ...(context.onOutput && { onOutput: context.onOutput }) });
  const batch = new RecordBatch(SLICE_PACKETS);
  const total = input.packets;
  for (let next = 1; next <= total; next += batch.count) {
    if (input.records.read(next, batch) === 0) break;
    run.feed(batch);
    context.progress({ done: Math.min(total, next + batch.count - 1), total, unit: 'packets', message: 'offloads' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (context.signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  }
  return new OffloadResult(run, input);
}

/** Prefixes that are none would make nothing this machine's own, and nobody would know. */
function checkLocal(local: readonly string[]): void {
  for (const text of local) {
    const problem = prefixProblem(text);
    if (problem !== undefined) throw new EngineError({ code: 'bad-input', message: `Prefixes of this machine: ${problem}.` });
  }
}

/** Measures the modes on the first packets of an input. */
export function offloadCosts(input: SessionInput, scenario: Scenario, overrides: OffloadOverrides): OffloadCosts {
  const batch = new RecordBatch(COST_SAMPLE_PACKETS);
  const sample = new RecordBatch(COST_SAMPLE_PACKETS);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Reads may be short, and their bytes hold only until the next.
  for (let next = 1; next <= input.packets && sample.count < COST_SAMPLE_PACKETS; next += batch.count) {
    if (input.records.read(next, batch, COST_SAMPLE_PACKETS - sample.count) === 0) break;
    for (let i = 0; i < batch.count; i++) {
      const to = sample.count++;
      const part = batch.bytes.slice(batch.offset[i], batch.offset[i]! + batch.capLen[i]!);
      sample.offset[to] = bytes;
      sample.capLen[to] = batch.capLen[i]!;
      sample.origLen[to] = batch.origLen[i]!;
      sample.linkType[to] = batch.linkType[i]!;
      parts.push(part);
      bytes += part.length;
    }
  }
  sample.bytes = Buffer.concat(parts);
  return measureCosts(sample, scenario, overrides, { nowMs: () => performance.now(), cpuHz: cpuHz() });
}

/** Clock rate as /proc/cpuinfo gives it now, 0 where it does not. */
function cpuHz(): number {
  try {
    const text = /^cpu MHz\s*:\s*([\d.]+)/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1];
    return text === undefined ? 0 : Number(text) * 1e6;
  } catch {
    return 0;
  }
}

/** The calls of the Offload panel. The last run stays, so that its aggregates can be opened. */
export function offloadHandlers(core: () => SessionCore): Pick<EngineHandlers, Extract<CallName, `offload.${string}`>> {
  let last: OffloadResult | undefined;
  return {
    'offload.run': async ({ overrides }, context) => {
      last = await runOffloads(core().input, core().currentScenario, overrides, {
        signal: context.signal,
        progress: (p) => {
          context.progress(p);
        },
      });
      return last.report;
    },
    'offload.superPacket': ({ index }) => {
      if (last === undefined) throw new EngineError({ code: 'not-found', message: 'Run the offloads first.' });
      return last.open(index);
    },
    'offload.costs': ({ overrides }) => offloadCosts(core().input, core().currentScenario, overrides),
  };
}
