import type { ExplainCard, Scenario, TraceRecord } from '../contract/index.ts';
import { RecordBatch } from '../files/index.ts';
import { compileSettings, explainTranslation } from '../translator/index.ts';
import { ClassifiedBatch, META_FLOW, ROW_HASH, ROW_META, classifyBatch, classifyRange, queueOfHash } from '../wire/index.ts';
import { explainCards } from './explain-cards.ts';
import { offloadCard, tellsOffloads } from './offload/explain-offload.ts';
import { OFFLOAD_HISTORY, PollMemory } from './offload/poll-memory.ts';
import { offloadPlan } from './offload/settings.ts';
import { multicastCard } from './multicast/port-view.ts';
import type { MulticastStep } from './multicast/port.ts';
import { Pipeline } from './pipeline.ts';
import { withHostPort } from './host-port.ts';
import { TranslatingWorld, type TranslationStep } from './translate/world.ts';
import type { PipelineOptions, RecordAccess, Snapshot, TraceSink } from './types.ts';

/** What the replay did with one packet, step by step, and why. */
export interface Explanation {
  readonly path: TraceRecord[];
  readonly cards: ExplainCard[];
  readonly queue: number;
  /** How it ended: `delivered`, `dropped`, or `held` if it is still inside when the input ends. */
  readonly verdict: 'delivered' | 'dropped' | 'held' | 'refused';
  /** What translator ports did with it. */
  readonly steps: readonly TranslationStep[];
  /** What a multicast port did with it. */
  readonly routed: readonly MulticastStep[];
}

/** Steps kept of one packet; a packet meets about ten. */
const MAX_STEPS = 64;

/** Collects the steps of one packet. */
class PacketTrace implements TraceSink {
  readonly path: TraceRecord[] = [];
  verdict: Explanation['verdict'] = 'held';
  private readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  wants(number: number): boolean {
    return number === this.number;
  }

  record(record: TraceRecord): void {
    if (this.path.length < MAX_STEPS) this.path.push(record);
    if (record.event === 'refuse' && record.fields['out'] === 0) this.verdict = 'refused';
    if (record.event === 'drop') this.verdict = 'dropped';
    if (record.layer === 'multicast' && record.event === 'take') this.verdict = 'delivered';
    if (record.event === 'read' || record.event === 'transmit') this.verdict = 'delivered';
  }
}

/**
 * Runs the packet's queue again, from the nearest snapshot at or before the packet (from the start where there is none), with
 * the trace on for this packet, until its end is known. The run is the same to the nanosecond, so what is told is what happened.
 * Returns undefined if there is no packet of that number or it cannot be read.
 */
export function explainPacket(
  access: RecordAccess,
  scenario: Scenario,
  number: number,
  snapshots: readonly Snapshot[] = [],
): Explanation | undefined {
  if (!Number.isInteger(number) || number < 1 || number > access.packets) return undefined;
  const batch = new RecordBatch();
  const classified = new ClassifiedBatch(batch.capacity);
  if (access.read(number, batch) === 0) return undefined;
  classifyRange(batch, 0, 1, classified.rows, 0);
  const row = classified.rows.slice(0, 16);
  const flow = (row[ROW_META]! & META_FLOW) !== 0;
  const queue = flow ? queueOfHash(row[ROW_HASH]!, scenario.device.queues) : 0;

  const trace = new PacketTrace(number);
  const offloads = tellsOffloads(scenario);
  const start = nearest(snapshots, offloads ? number - OFFLOAD_HISTORY : number, queue);
  const polls = offloads ? pollMemory(scenario, number, start === undefined) : undefined;
  const options = { trace, ...(polls && { polls }) };
  const run = (pipeline: Pipeline): Pick<Explanation, 'steps' | 'routed'> => {
    let nowNs = 0;
    const open = (): boolean => trace.verdict === 'held' || polls?.waits(nowNs) === true;
    for (let next = pipeline.fed + 1; open() && next <= access.packets; next += batch.count) {
      if (access.read(next, batch) === 0) break;
      nowNs = batch.tsNs[batch.count - 1]!;
      classifyBatch(batch, classified);
      pipeline.feed(batch, classified, 0, batch.count, next);
    }
    if (trace.verdict === 'held') pipeline.finish();
    const worlds = pipeline.worlds.filter((world) => world instanceof TranslatingWorld);
    return { steps: worlds.flatMap((world) => world.steps), routed: worlds.flatMap((world) => world.routed) };
  };
  const { steps, routed } = replayed(scenario, queue, start, options, run);
  const path = trace.path;
  const cards = explainCards(withHostPort(scenario), path, row, queue);
  const card = polls === undefined ? undefined : offloadCard(access, withHostPort(scenario), number, polls);
  if (card !== undefined) cards.push(card);
  cards.push(...steps.map((step) => translationCard(scenario, step)), ...routed.map(multicastCard));
  return { path, queue, verdict: trace.verdict, cards, steps, routed };
}

/** Runs a pipeline from a snapshot: that of the snapshot itself where no other can, which is then as it was. */
function replayed<T>(
  scenario: Scenario,
  queue: number,
  start: Snapshot | undefined,
  options: Pick<PipelineOptions, 'trace' | 'polls'>,
  run: (pipeline: Pipeline) => T,
): T {
  const own = start?.own?.pipeline;
  if (start !== undefined && own !== undefined) return own.aside(start, options, () => run(own));
  const pipeline = new Pipeline(scenario, { queues: [queue], ...options });
  if (start !== undefined) pipeline.restore(start);
  return run(pipeline);
}

function pollMemory(scenario: Scenario, number: number, fromStart: boolean): PollMemory {
  const { device, ports } = offloadPlan(withHostPort(scenario));
  const holdNs = Math.max(...ports.map(({ release }) => release.timeoutNs));
  return new PollMemory(number, { joinNs: device.gsoJoinUs * 1_000, holdNs, batch: scenario.flowSwitch.batch, fromStart });
}

/** The card of a translator port; its parameters are those of the port in the scenario. */
function translationCard(scenario: Scenario, { port, code, side, before, after }: TranslationStep): ExplainCard {
  const index = scenario.ports.findIndex(({ id }) => id === port);
  const spec = scenario.ports[index]?.translator;
  const settings = spec === undefined ? undefined : compileSettings(spec);
  const card = explainTranslation({
    code,
    side,
    before,
    after: after[0]?.bytes,
    settings: settings?.ok === true ? settings.value : undefined,
  });
  const at = `ports.${String(index)}.translator`;
  const lines = card.lines.map((line) => (line.parameter === undefined ? line : { ...line, parameter: `${at}.${line.parameter}` }));
  return { ...card, title: `${port}: ${card.title}`, lines };
}

function nearest(snapshots: readonly Snapshot[], number: number, queue: number): Snapshot | undefined {
  let best: Snapshot | undefined;
  for (const s of snapshots) {
    if (s.nextNumber <= number && s.queues.includes(queue) && (best === undefined || s.nextNumber > best.nextNumber)) best = s;
  }
  return best;
}
