import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  EngineError,
  type OffloadCosts,
  type OffloadOverrides,
  type OffloadReport,
  type Progress,
  type Scenario,
  type SuperPacket,
} from '../contract/index.ts';
import { PcapngWriter, atomicFile } from '../files/index.ts';
import type { OffloadOutput } from '../lab/index.ts';
import { SessionInput } from './session/input.ts';
import { offloadCosts, runOffloads, type OffloadResult } from './session/offload.ts';

export interface OffloadFileRequest {
  readonly path: string;
  readonly scenario: Scenario;
  readonly overrides: OffloadOverrides;
  /** Writes the packets as they leave the offloads. */
  readonly output?: string | undefined;
  /** Packet whose aggregate is opened. */
  readonly open?: number | undefined;
  /** Measure the modes too. */
  readonly costs: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export interface OffloadFileResult {
  readonly report: OffloadReport;
  /** Undefined where they were not asked for. */
  readonly costs: OffloadCosts | undefined;
  readonly opened: SuperPacket | undefined;
  /** Why the packet that was to be opened was not. */
  readonly notOpened: EngineError | undefined;
  readonly written: number;
}

/** A capture file through the offloads of a scenario, without a window. */
export async function offloadFile(request: OffloadFileRequest): Promise<OffloadFileResult> {
  const { path, scenario, overrides, signal, onProgress } = request;
  if (request.output !== undefined && isSameFile(request.output, path)) {
    throw new EngineError({
      code: 'bad-input',
      message: 'The output is the input.',
      where: { file: path },
      fix: 'Name another file for the output.',
    });
  }
  const input = await SessionInput.open(path, { signal, progress: onProgress });
  try {
    if (request.open !== undefined && (request.open < 1 || request.open > input.packets)) {
      const message = `There is no packet ${request.open}; the file has ${input.packets}.`;
      throw new EngineError({ code: 'not-found', message, where: { file: path } });
    }
    const writer = request.output === undefined ? undefined : new OutputWriter(request.output, input);
    let result: OffloadResult;
    try {
      const write = writer && { onOutput: (packet: OffloadOutput): void => void writer.write(packet) };
      result = await runOffloads(input, scenario, overrides, { signal, progress: onProgress, ...write });
    } catch (error) {
      writer?.abort();
      throw error;
    }
    const written = writer?.finish() ?? 0;
    const costs = request.costs ? offloadCosts(input, scenario, overrides) : undefined;
    return { report: result.report, costs, ...openedOf(result, request.open), written };
  } finally {
    input.dispose();
  }
}

/** The report stands whether the packet is part of an aggregate or not. */
function openedOf(result: OffloadResult, number: number | undefined): Pick<OffloadFileResult, 'opened' | 'notOpened'> {
  try {
    return { opened: number === undefined ? undefined : result.openPacket(number), notOpened: undefined };
  } catch (error) {
    if (error instanceof EngineError) return { opened: undefined, notOpened: error };
    throw error;
  }
}

function isSameFile(a: string, b: string): boolean {
  if (resolve(a) === resolve(b)) return true;
  const [one, other] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}

/** Writes packets with one interface for each link type and direction. */
class OutputWriter {
  private readonly writer: PcapngWriter;
  private readonly interfaces = new Map<string, number>();
  private packets = 0;

  constructor(path: string, input: SessionInput) {
    const sink = atomicFile(path);
    if (!sink.ok) throw sink.error;
    this.writer = new PcapngWriter(sink.value, input.source.epochNs, [], { section: { application: 'Ringside' } });
  }

  write({ tNs, direction, port, linkType, bytes, origLen, numbers }: OffloadOutput): void {
    const key = `${direction} ${port} ${linkType}`;
    let iface = this.interfaces.get(key);
    if (iface === undefined) {
      iface = this.writer.addInterface({ linkType, name: direction === 'rx' ? port : 'device' });
      this.interfaces.set(key, iface);
    }
    const from = numbers.length === 1 ? '' : `packets ${numbers.slice(0, 20).join(', ')}${numbers.length > 20 ? ', ...' : ''}`;
    this.writer.packet(tNs, bytes, 0, bytes.length, Math.max(origLen, bytes.length), iface, from === '' ? undefined : from);
    this.packets++;
  }

  finish(): number {
    const done = this.writer.finish();
    if (!done.ok) throw done.error;
    return this.packets;
  }

  abort(): void {
    this.writer.abort();
  }
}
