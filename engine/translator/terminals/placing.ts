import { NS_PER_S, type Random } from '../../base/index.ts';
import { Call } from './call.ts';
import type { CallControl } from './call-control.ts';
import type { Lab } from './lab.ts';
import { MediaStream } from './media.ts';
import { CapturedSource, RtpSource, type CapturedConversation, type MediaSource } from './media-source.ts';
import type { Node } from './node.ts';

/** First media port of a party: even, as RTP wants it. */
const FIRST_MEDIA_PORT = 40_000;
/** Time after the last packet of a conversation until its call is hung up: that packet arrives, late as it may be. */
const LAST_PACKET_NS = 2 * NS_PER_S;
/** Random pairs looked at before a call of the load is given up because everybody is busy. */
const PAIR_TRIES = 16;

/** Who calls whom and when: the calls of the file, the conversations of a capture, and the load. */
export class Placing {
  private readonly lab: Lab;
  private readonly control: CallControl;
  private readonly traffic: Random;
  private readonly byId: ReadonlyMap<string, Node>;

  constructor(lab: Lab, control: CallControl, traffic: Random, byId: ReadonlyMap<string, Node>) {
    this.lab = lab;
    this.control = control;
    this.traffic = traffic;
    this.byId = byId;
  }

  plan(conversations: readonly CapturedConversation[]): void {
    const { lab } = this;
    // Their parties are the last terminals, two of each.
    const parties = lab.nodes.terminals.slice(lab.nodes.terminals.length - 2 * conversations.length);
    for (const [i, conversation] of conversations.entries()) {
      lab.at(conversation.startNs, () => {
        this.placeConversation(conversation, parties[2 * i]!, parties[2 * i + 1]!);
      });
    }
    for (const { atS, from, to, holdS } of lab.spec.calls) {
      lab.at(Math.round(atS * NS_PER_S), () => {
        this.placeVoice(this.byId.get(from)!, this.byId.get(to)!, Math.round(holdS * NS_PER_S));
      });
    }
    this.nextLoadCall();
  }

  private nextLoadCall(): void {
    const { lab } = this;
    const { perS, holdS, untilS } = lab.spec.load;
    if (perS === 0) return;
    const atNs = lab.nowNs + Math.round(this.traffic.exponential(NS_PER_S / perS));
    if (atNs > Math.min(lab.durationNs, (untilS ?? Infinity) * NS_PER_S)) return;
    lab.at(atNs, () => {
      const pair = this.pair();
      const hold = Math.round(this.traffic.exponential(holdS * NS_PER_S));
      if (pair === undefined) lab.leaveOut('calls because everybody was busy');
      else this.placeVoice(pair[0], pair[1], Math.max(1, hold));
      this.nextLoadCall();
    });
  }

  private pair(): [Node, Node] | undefined {
    const { terminals } = this.lab.nodes;
    const draw = (): Node => terminals[this.traffic.int(0, terminals.length - 1)]!;
    for (let i = 0; i < PAIR_TRIES; i++) {
      const a = draw();
      const b = draw();
      if (a === b || a.call >= 0 || b.call >= 0 || !a.alive || !b.alive) continue;
      if (this.lab.spec.load.pairs === 'any') return [a, b];
      if (a.role !== b.role && a.role !== 'dual' && b.role !== 'dual') return [a, b];
    }
    return undefined;
  }

  private placeVoice(from: Node, to: Node, holdNs: number): void {
    const { payloadBytes, packetMs } = this.lab.spec.media;
    const voice = (direction: number): MediaSource => new RtpSource(2 * this.lab.calls.length + direction, payloadBytes, packetMs);
    this.place(from, to, holdNs, [voice(1), voice(2)], '');
  }

  /** The call lasts until the conversation's last packet is through. */
  private placeConversation({ name, startNs, lastNs, forward, backward }: CapturedConversation, from: Node, to: Node): void {
    const sources = [new CapturedSource(forward), new CapturedSource(backward)] as const;
    this.place(from, to, lastNs - startNs + LAST_PACKET_NS, sources, name);
  }

  private place(from: Node, to: Node, holdNs: number, sources: readonly [MediaSource, MediaSource], conversation: string): void {
    const { lab } = this;
    const { switch: sw } = lab.spec;
    const id = lab.calls.length;
    const port = FIRST_MEDIA_PORT + 2 * (id % 10_000);
    const streams = [new MediaStream(from, port, to, port + 2, sources[0]), new MediaStream(to, port + 2, from, port, sources[1])] as const;
    const call = new Call(id, from, to, holdNs, lab.nowNs, lab.nodes.switches[id % sw.count]!, streams, conversation);
    lab.calls.push(call);
    lab.openCalls++;
    const busy = from.call >= 0 ? from : to.call >= 0 ? to : undefined;
    if (busy !== undefined || !from.alive || !from.connected) {
      call.state = 'failed';
      call.why = !from.alive ? 'the caller is gone' : !from.connected ? 'the caller has no network' : busy === from ? 'the caller is busy' : 'the callee is busy'; // prettier-ignore
      call.endedNs = lab.nowNs;
      lab.openCalls--;
      return;
    }
    for (const node of [from, to]) {
      node.call = id;
      this.control.announce(node);
      this.control.diverting.overload(node);
    }
    this.control.place(call);
  }
}
