import type { PortQueue } from '../port-queue.ts';
import { WorldTrace } from '../trace.ts';
import type { TraceSink } from '../types.ts';
import type { QueueWorld } from '../world.ts';

/** Told what the flow switch takes from rings, packet by packet; packets of one queue and one instant are one poll. */
export interface PollSink {
  /** The switch hands a received packet to a port (its place among the scenario's ports). */
  received(queue: number, tNs: number, number: number, port: number): void;
  /** A stack of this machine has put a packet on its port's TX ring. */
  queued(queue: number, tNs: number, number: number, port: number): void;
  /** The switch hands a packet of this machine to the device. */
  sent(queue: number, tNs: number, number: number): void;
  dropped(number: number): void;
}

const NO_TRACE: TraceSink = {
  wants: () => false,
  record: () => undefined,
};

/** A world's trace that also tells a sink of the polls: the pipeline itself knows nothing of it. */
export class PollTrace extends WorldTrace {
  private readonly polls: PollSink;

  constructor(polls: PollSink, sink: TraceSink | undefined, portIds: readonly string[]) {
    super(sink ?? NO_TRACE, portIds);
    this.polls = polls;
  }

  override switched(world: QueueWorld, tNs: number, number: number, flow: number, port: number): void {
    super.switched(world, tNs, number, flow, port);
    this.polls.received(world.queue, tNs, number, port);
  }

  override sent(world: QueueWorld, port: PortQueue, tNs: number, number: number, flow: number, lenBytes: number): void {
    super.sent(world, port, tNs, number, flow, lenBytes);
    this.polls.queued(world.queue, tNs, number, world.ports.indexOf(port));
  }

  override queuedForLink(world: QueueWorld, tNs: number, number: number): void {
    super.queuedForLink(world, tNs, number);
    this.polls.sent(world.queue, tNs, number);
  }

  override dropped(layer: string, obj: string, tNs: number, number: number, code: number): void {
    super.dropped(layer, obj, tNs, number, code);
    this.polls.dropped(number);
  }
}
