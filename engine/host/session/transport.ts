import { EngineError, type ReportModel, type Scenario, type StepUnit, type Transport } from '../../contract/index.ts';
import type { Replayer, VerdictSink } from '../../lab/index.ts';
import { Drive } from './drive.ts';
import type { SessionInput } from './input.ts';
import { Playhead } from './playhead.ts';
import type { Snapshots } from './snapshots.ts';

/** Work on a live capture between two looks at the thread's messages. */
const CATCH_UP_MS = 6;
const CATCH_UP_PACKETS = 1_024;

/** What a playhead runs: a scenario, with the snapshots and, in a live capture, the verdicts of its packets. */
export interface Replayed {
  readonly scenario: Scenario;
  readonly snapshots: Snapshots;
  readonly verdicts: VerdictSink | undefined;
}

export interface TransportHooks {
  /** When the rings run empty after the last packet, 0 until a run of the scenario has shown it. */
  drainedNs(): number;
  /** The finished run is not one of the scenario and the packets as they are now. */
  stale(): boolean;
  /** The transport changed in a way that people should see. */
  changed(transport: Transport): void;
  /** The file cannot be read any more. */
  failed(message: string): void;
}

/** The transport of a session: orders to the playhead, and following a live capture. */
export class SessionTransport {
  private readonly input: SessionInput;
  private readonly hooks: TransportHooks;
  private head: Playhead;
  private drive: Drive;
  /** A live capture is fed as it comes, until somebody pauses or seeks. */
  private following = false;

  constructor(input: SessionInput, replayed: Replayed, hooks: TransportHooks) {
    this.input = input;
    this.hooks = hooks;
    this.head = this.newPlayhead(replayed);
    this.drive = this.newDrive();
  }

  /** The playhead of the scenario as it is now; nothing of it may be kept or changed. */
  get playhead(): Playhead {
    return this.head;
  }

  /** The playhead moves by itself. */
  get moving(): boolean {
    return this.following || this.drive.replayer.state === 'playing';
  }

  state(): Transport {
    const { replayer } = this.drive;
    return {
      state: this.following ? 'live' : replayer.state,
      tNs: replayer.tNs,
      packet: replayer.packet,
      speed: replayer.speed,
      loop: replayer.loop,
      skipGapsNs: replayer.skipGapsNs,
      skipped: replayer.skipped,
      errorNs: replayer.errorNs,
      stale: this.hooks.stale(),
    };
  }

  /** What a timed replay came to, for a report. */
  paced(): ReportModel['paced'] {
    return this.drive.paced();
  }

  /** In a live capture, as fast as possible means to follow it. */
  async play(speed: number): Promise<Transport> {
    if (this.input.growing && speed === 0) return this.follow();
    return this.order((replayer) => {
      replayer.play(speed);
    });
  }

  pause(): Promise<Transport> {
    return this.order((replayer) => {
      replayer.pause();
    });
  }

  seek(tNs: number): Promise<Transport> {
    return this.order((replayer) => {
      replayer.seek(tNs);
    });
  }

  seekPacket(number: number): Promise<Transport> {
    return this.order((replayer) => {
      replayer.seekPacket(number);
    });
  }

  step(unit: StepUnit, direction: 1 | -1): Promise<Transport> {
    return this.order((replayer) => {
      replayer.step(unit, direction);
    });
  }

  setLoop(range: Transport['loop']): Promise<Transport> {
    return this.order((replayer) => {
      if (!replayer.setLoop(range)) throw new EngineError({ code: 'bad-input', message: 'A loop ends after it begins.' });
    });
  }

  /** Changes how a replay goes, not where the playhead is: a live capture goes on being followed. */
  skipGaps(longerThanNs: number | null): Transport {
    this.drive.replayer.setSkipGaps(longerThanNs);
    this.drive.wake();
    return this.state();
  }

  /** Starts again at the beginning with another scenario; loop and skipped gaps stay as they are set. */
  restart(replayed: Replayed): void {
    const { loop, skipGapsNs } = this.drive.replayer;
    const { revision } = this.head;
    this.drive.dispose();
    this.head = this.newPlayhead(replayed);
    this.head.revision = revision + 1;
    this.drive = this.newDrive();
    this.drive.replayer.setLoop(loop);
    this.drive.replayer.setSkipGaps(skipGapsNs);
  }

  /** Feeds what has been appended to the input since, at most a few milliseconds' worth. */
  catchUp(): void {
    if (!this.following) return;
    const until = performance.now() + CATCH_UP_MS;
    while (this.head.feed(this.input.packets, CATCH_UP_PACKETS) > 0) if (performance.now() > until) return;
  }

  follow(): Transport {
    this.drive.replayer.pause();
    this.following = true;
    this.tell();
    return this.state();
  }

  /** The capture has ended: the playhead stays where it is. */
  endFollowing(): void {
    this.following = false;
  }

  /** Tells people how the transport stands. */
  tell(): void {
    this.hooks.changed(this.state());
  }

  dispose(): void {
    this.drive.dispose();
  }

  /** Gives the transport an order and answers when the playhead stands where it shall. */
  private async order(give: (replayer: Replayer) => void): Promise<Transport> {
    this.following = false;
    const { drive } = this;
    give(drive.replayer);
    await drive.settled();
    return this.state();
  }

  private newPlayhead({ scenario, snapshots, verdicts }: Replayed): Playhead {
    return new Playhead(this.input, scenario, snapshots, () => this.hooks.drainedNs(), verdicts);
  }

  private newDrive(): Drive {
    const drive: Drive = new Drive(this.head, {
      changed: () => {
        if (this.drive === drive) this.tell();
      },
      failed: (message) => {
        this.hooks.failed(message);
      },
    });
    return drive;
  }
}
