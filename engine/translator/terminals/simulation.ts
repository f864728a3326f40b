import { Random } from '../../base/index.ts';
import type { ConvertersResult, ConvertersSpec, TranslationPair } from '../../contract/index.ts';
import { CallControl } from './call-control.ts';
import { withConversations } from './conversations.ts';
import { EVENT, Lab, type PacketRecorder } from './lab.ts';
import { MediaFlow } from './media-flow.ts';
import type { CapturedConversation } from './media-source.ts';
import type { Node } from './node.ts';
import { Placing } from './placing.ts';
import { Presence } from './presence.ts';
import { ReportFlow } from './report-flow.ts';
import { resultOf } from './result.ts';

export const LOAD_BINS = 240;

export interface ConvertersOptions {
  /** Conversations of a capture, run as calls in place of those of the scenario: see `withConversations`. */
  readonly conversations?: readonly CapturedConversation[];
  /** Packets of that capture that are in none of them, by reason; told with the result. */
  readonly leftOut?: Readonly<Record<string, number>>;
  /** Gets every packet at the legs of converters, every SIP message at the switch, and queries and answers at both. */
  readonly recorder?: PacketRecorder;
}

/** A run that its caller drives, so that it can show progress and be stopped. */
export interface ConvertersRun {
  /** The lab clock, ns. */
  readonly tNs: number;
  /** Runs up to so many events. False once the scenario is over. */
  advance(events: number): boolean;
  /** A media packet of a call around an instant, as it came to its converter and as it left; null where none was kept. */
  packetAt(call: number, direction: 0 | 1, tNs: number): TranslationPair | null;
  /** What the run came to; before its end, how far it came. */
  result(): ConvertersResult;
}

/** Starts a scenario of terminals as converters (T-01 to T-20). The spec has passed `checkConverters`. */
export function startConverters(spec: ConvertersSpec, options: ConvertersOptions = {}): ConvertersRun {
  const { conversations = [] } = options;
  return new Simulation(conversations.length === 0 ? spec : withConversations(spec, conversations), options);
}

/** Runs a scenario to its end. */
export function runConverters(spec: ConvertersSpec, options: ConvertersOptions = {}): ConvertersResult {
  const run = startConverters(spec, options);
  while (run.advance(EVENTS_AT_ONCE));
  return run.result();
}

const EVENTS_AT_ONCE = 65_536;

class Simulation implements ConvertersRun {
  private readonly lab: Lab;
  private readonly control: CallControl;
  private readonly options: ConvertersOptions;
  private readonly media: MediaFlow;
  private readonly reports: ReportFlow;
  private readonly converters: Node[];
  private readonly load: Uint16Array<ArrayBuffer>;
  private readonly room: Uint16Array<ArrayBuffer>;

  constructor(spec: ConvertersSpec, options: ConvertersOptions) {
    this.options = options;
    this.lab = new Lab(spec, options.recorder ?? null);
    this.control = new CallControl(this.lab);
    this.media = new MediaFlow(this.lab, this.control.diverting);
    this.reports = new ReportFlow(this.lab);
    this.converters = this.lab.nodes.all.filter((node) => node.converter !== null);
    this.load = new Uint16Array(this.converters.length * LOAD_BINS);
    this.room = new Uint16Array(this.load.length);
    Object.assign(this.lab.leftOut, options.leftOut);
    this.plan();
  }

  get tNs(): number {
    return this.lab.nowNs;
  }

  advance(events: number): boolean {
    const { queue } = this.lab;
    for (let n = 0; n < events; n++) {
      if (!queue.next()) return false;
      this.dispatch(queue.kind, queue.a, queue.b);
    }
    return true;
  }

  packetAt(call: number, direction: 0 | 1, tNs: number): TranslationPair | null {
    return this.media.kept.at(2 * call + direction, tNs);
  }

  result(): ConvertersResult {
    const { leftOut } = this.media.kept;
    if (leftOut > 0) this.lab.leftOut['packets kept to look at'] = leftOut;
    return resultOf(this.lab, this.converters, { bins: LOAD_BINS, sessions: this.load, capacity: this.room });
  }

  private dispatch(kind: number, a: number, b: number): void {
    switch (kind) {
      case EVENT.action:
        this.lab.runAction(a);
        break;
      case EVENT.send:
        this.media.send(a);
        break;
      case EVENT.atConverter:
        this.media.atConverter(a, b);
        break;
      case EVENT.relayed:
        this.media.relayed(a, b);
        break;
      case EVENT.arrive:
        this.media.arrive(a, b);
        break;
      case EVENT.silence:
        this.media.listen(a);
        break;
      case EVENT.firstReport:
      case EVENT.report:
        this.reports.due(a, kind === EVENT.firstReport);
        break;
      default:
        this.note(a);
    }
  }

  private plan(): void {
    const { lab } = this;
    for (let bin = 0; bin < LOAD_BINS; bin++) lab.queue.schedule(Math.round((bin * lab.durationNs) / LOAD_BINS), EVENT.bin, bin);
    const traffic = new Random(lab.spec.seed).fork('traffic');
    const byId = new Map(lab.nodes.all.map((node) => [node.id, node]));
    const presence = new Presence(lab, this.control, traffic, byId, this.converters);
    presence.planAnnouncements();
    new Placing(lab, this.control, traffic, byId).plan(this.options.conversations ?? []);
    presence.planEvents();
    presence.planChurn();
  }

  private note(bin: number): void {
    for (const [i, node] of this.converters.entries()) {
      const converter = node.converter!;
      const converts = node.canConvert && converter.enabled && !converter.draining;
      this.load[i * LOAD_BINS + bin] = converter.relay.sessions;
      this.room[i * LOAD_BINS + bin] = converts ? converter.capacity(node.inOwnCall) : 0;
    }
  }
}
