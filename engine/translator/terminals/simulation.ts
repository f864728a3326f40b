import { NS_PER_S, Random } from '../../base/index.ts';
import type { ConvertersResult, ConvertersSpec } from '../../contract/index.ts';
import { LINK_LOST } from './access-link.ts';
import { Call } from './call.ts';
import { CallControl, SILENT_PACKETS } from './call-control.ts';
import { EVENT, Lab, type PacketRecorder } from './lab.ts';
import { MediaStream } from './media.ts';
import { CapturedSource, RtpSource, type CapturedConversation, type MediaSource } from './media-source.ts';
import type { Family, Node } from './node.ts';
import { resultOf } from './result.ts';
import { calleeOf, callerOf, withConversations } from './conversations.ts';

export const LOAD_BINS = 240;
/** First media port of a party: even, as RTP wants it. */
const FIRST_MEDIA_PORT = 40_000;
/** Time after the last packet of a conversation until its call is hung up: that packet arrives, late as it may be. */
const LAST_PACKET_NS = 2 * NS_PER_S;
/** Random pairs looked at before a call of the load is given up because everybody is busy. */
const PAIR_TRIES = 16;

export interface ConvertersOptions {
  /** Conversations of a capture, run as calls in place of those of the scenario: see `withConversations`. */
  readonly conversations?: readonly CapturedConversation[];
  /** Packets of that capture that are in none of them, by reason; told with the result. */
  readonly leftOut?: Readonly<Record<string, number>>;
  /** Gets every packet at the legs of converters, and every SIP message at the switch. */
  readonly recorder?: PacketRecorder;
}

/** A run that its caller drives, so that it can show progress and be stopped. */
export interface ConvertersRun {
  /** The lab clock, ns. */
  readonly tNs: number;
  /** Runs up to so many events. False once the scenario is over. */
  advance(events: number): boolean;
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
  private readonly traffic: Random;
  private readonly converters: Node[];
  private readonly load: Uint16Array<ArrayBuffer>;
  private readonly byId: Map<string, Node>;

  constructor(spec: ConvertersSpec, options: ConvertersOptions) {
    this.options = options;
    this.lab = new Lab(spec, options.recorder ?? null);
    this.control = new CallControl(this.lab);
    this.traffic = new Random(spec.seed).fork('traffic');
    this.converters = this.lab.nodes.all.filter((node) => node.converter !== null);
    this.load = new Uint16Array(this.converters.length * LOAD_BINS);
    this.byId = new Map(this.lab.nodes.all.map((node) => [node.id, node]));
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

  result(): ConvertersResult {
    return resultOf(this.lab, this.converters, this.load, LOAD_BINS);
  }

  private dispatch(kind: number, a: number, b: number): void {
    switch (kind) {
      case EVENT.action:
        this.lab.runAction(a);
        break;
      case EVENT.send:
        this.send(a);
        break;
      case EVENT.atConverter:
        this.atConverter(a, b);
        break;
      case EVENT.relayed:
        this.relayed(a, b);
        break;
      case EVENT.arrive:
        this.arrive(a, b);
        break;
      case EVENT.silence:
        this.listen(a);
        break;
      default:
        for (const [i, node] of this.converters.entries()) this.load[i * LOAD_BINS + a] = node.converter!.relay.sessions;
    }
  }

  private plan(): void {
    const { lab } = this;
    const { spec, queue, durationNs } = lab;
    for (let bin = 0; bin < LOAD_BINS; bin++) queue.schedule(Math.round((bin * durationNs) / LOAD_BINS), EVENT.bin, bin);
    for (const node of lab.nodes.terminals) {
      if (node.converter === null) continue;
      // Spread over the interval, so that not all announce at once.
      const first = Math.round(this.traffic.float() * Math.min(spec.registry.refreshS, 1) * NS_PER_S * 0.5);
      lab.at(0, () => {
        lab.registry.announce(node.announcement(0)!, 0);
      });
      lab.at(first, () => {
        this.refresh(node);
      });
    }
    for (const [i, conversation] of (this.options.conversations ?? []).entries()) {
      lab.at(conversation.startNs, () => {
        this.placeConversation(conversation, i);
      });
    }
    for (const { atS, from, to, holdS } of spec.calls) {
      lab.at(Math.round(atS * NS_PER_S), () => {
        this.placeVoice(this.byId.get(from)!, this.byId.get(to)!, Math.round(holdS * NS_PER_S));
      });
    }
    for (const event of spec.events) {
      lab.at(Math.round(event.atS * NS_PER_S), () => {
        this.happen(event, this.byId.get(event.terminal)!);
      });
    }
    this.nextLoadCall();
    this.nextLeave();
    this.watch();
  }

  /** True while something can still happen by itself. */
  private get going(): boolean {
    const { lab } = this;
    return lab.nowNs < lab.durationNs || lab.openCalls > 0;
  }

  private refresh(node: Node): void {
    const { lab } = this;
    if (!this.going) return;
    if (node.alive) this.control.announce(node);
    lab.after(lab.spec.registry.refreshS * NS_PER_S, () => {
      this.refresh(node);
    });
  }

  /** A converter whose announcement ran out is taken for gone, and its sessions are moved (T-17: missed refresh). */
  private watch(): void {
    const { lab } = this;
    lab.after(lab.spec.registry.refreshS * NS_PER_S, () => {
      if (!this.going) return;
      const known = new Set(lab.registry.current(lab.nowNs).map((announcement) => announcement.node));
      for (const call of lab.calls) {
        const { converter } = call;
        if (call.state !== 'active' || converter === null || converter.role === 'gateway' || known.has(converter.index)) continue;
        if (converter.converter?.draining !== true) this.control.move(call, 'failure', true);
      }
      this.watch();
    });
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

  private nextLeave(): void {
    const { lab } = this;
    const { perMinute, gracefulShare, awayS } = lab.spec.churn;
    if (perMinute === 0) return;
    const atNs = lab.nowNs + Math.round(this.traffic.exponential((60 * NS_PER_S) / perMinute));
    if (atNs > lab.durationNs) return;
    lab.at(atNs, () => {
      const there = this.converters.filter(
        (node) => node.role === 'dual' && node.alive && node.converter!.enabled && !node.converter!.draining,
      );
      const graceful = this.traffic.float() < gracefulShare;
      const backNs = Math.round(this.traffic.exponential(awayS * NS_PER_S));
      const node = there[this.traffic.int(0, Math.max(0, there.length - 1))];
      if (node !== undefined) {
        const back = (): void => {
          lab.after(backNs, () => {
            this.join(node);
          });
        };
        if (graceful) {
          this.control.drain(node, () => {
            this.gone(node);
            back();
          });
        } else {
          this.gone(node);
          back();
        }
      }
      this.nextLeave();
    });
  }

  private placeVoice(from: Node, to: Node, holdNs: number): void {
    const { payloadBytes, packetMs } = this.lab.spec.media;
    const voice = (direction: number): MediaSource => new RtpSource(2 * this.lab.calls.length + direction, payloadBytes, packetMs);
    this.place(from, to, holdNs, [voice(1), voice(2)], '');
  }

  /** The call lasts until the conversation's last packet is through. */
  private placeConversation({ name, startNs, lastNs, forward, backward }: CapturedConversation, index: number): void {
    const from = this.byId.get(callerOf(index))!;
    const to = this.byId.get(calleeOf(index))!;
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
    if (busy !== undefined || !from.alive) {
      call.state = 'failed';
      call.why = busy === undefined ? 'the caller is gone' : busy === from ? 'the caller is busy' : 'the callee is busy';
      call.endedNs = lab.nowNs;
      lab.openCalls--;
      return;
    }
    for (const node of [from, to]) {
      node.call = id;
      this.control.announce(node);
      this.control.overload(node);
    }
    lab.signal(from, call.sw, 'INVITE', call, `to ${to.id}`, () => {
      this.control.setUp(call);
    });
  }

  private happen(event: ConvertersSpec['events'][number], node: Node): void {
    const { lab, control } = this;
    switch (event.kind) {
      case 'leave':
        control.drain(node, () => {
          this.gone(node);
        });
        break;
      case 'kill':
        this.gone(node);
        break;
      case 'join':
        this.join(node);
        break;
      case 'enable':
      case 'disable':
        if (node.converter === null) return;
        node.converter.enabled = event.kind === 'enable';
        control.announce(node);
        break;
      case 'own-call':
        node.ownCalls++;
        control.announce(node);
        control.overload(node);
        lab.after(event.holdS * NS_PER_S, () => {
          node.ownCalls--;
          control.announce(node);
        });
        break;
      case 'renumber':
        this.renumber(node);
        break;
      case 'lose-family':
      case 'regain-family':
        this.family(node, event.family === 'v4' ? 4 : 6, event.kind === 'regain-family');
        break;
    }
  }

  private gone(node: Node): void {
    const { lab } = this;
    node.alive = false;
    node.converter?.relay.clear();
    if (node.converter !== null) node.converter.draining = false;
    if (node.call >= 0) this.control.partyGone(lab.calls[node.call]!);
  }

  private join(node: Node): void {
    if (node.alive) return;
    node.alive = true;
    this.control.announce(node);
    this.control.restarted(node);
  }

  private renumber(node: Node): void {
    const { lab } = this;
    if (node.call >= 0) this.control.partyGone(lab.calls[node.call]!);
    node.renumber();
    this.control.announce(node);
    for (const call of lab.calls) if (call.converter === node && call.state === 'active') this.control.move(call, 'renumber', false);
  }

  private family(node: Node, family: Family, up: boolean): void {
    const { lab, control } = this;
    const link = node.link(family);
    if (link === null) return;
    link.up = up;
    control.announce(node);
    if (up) return;
    if (node.call >= 0) control.partyGone(lab.calls[node.call]!);
    for (const call of lab.calls) if (call.converter === node && call.state === 'active') control.move(call, 'failure', true);
  }

  /** The sender of a stream sends one packet, and plans the next. */
  private send(index: number): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const stream = call.streams[(index & 1) as 0 | 1];
    const remote = stream.remote;
    if (!stream.running || remote === null || !stream.sender.alive) return;
    const now = lab.nowNs;
    const sequence = stream.send(now);
    const { nextNs } = stream;
    if (nextNs < Infinity) lab.queue.schedule(nextNs, EVENT.send, index);
    lab.inFlight++;
    const own = stream.sender.converter;
    const ready = own === null ? now : own.process(now, true);
    if (ready < 0) {
      this.lose(stream, 'processor of the sender');
      return;
    }
    const bytes = stream.packetBytes(sequence);
    const out = stream.sender.link(remote.family)?.carry(ready, bytes, 0) ?? LINK_LOST;
    const at = out < 0 ? out : (remote.node.link(remote.family)?.carry(out, bytes, 1) ?? LINK_LOST);
    if (at < 0) this.lose(stream, at === LINK_LOST ? 'network' : 'link queue');
    else lab.queue.schedule(at, remote.node === stream.receiver ? EVENT.arrive : EVENT.atConverter, index, sequence);
  }

  private lose(stream: MediaStream, reason: string): void {
    stream.lost++;
    this.lab.inFlight--;
    this.lab.lose(reason);
  }

  /** A packet is at a converter: its processor takes it, if it can. */
  private atConverter(index: number, sequence: number): void {
    const { lab } = this;
    const stream = lab.calls[index >> 1]!.streams[(index & 1) as 0 | 1];
    const node = lab.nodes.all[stream.viaOf(sequence)]!;
    if (!node.alive || node.converter === null) {
      this.lose(stream, 'converter gone');
      return;
    }
    const done = node.converter.process(lab.nowNs, false);
    if (done < 0) this.lose(stream, 'converter processor');
    else lab.queue.schedule(done, EVENT.relayed, index, sequence);
  }

  /** The processor has done a packet: translated, or refused. */
  private relayed(index: number, sequence: number): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const stream = call.streams[(index & 1) as 0 | 1];
    const node = lab.nodes.all[stream.viaOf(sequence)]!;
    const path = stream.pathOf(sequence);
    if (!node.alive || path === null) {
      this.lose(stream, 'converter gone');
      return;
    }
    const { relay } = node.converter!;
    const { remote } = path;
    const bytes = path.packet(sequence);
    lab.recorder?.(node, remote.family, lab.nowNs, bytes, 0, bytes.length);
    relay.process(remote.family, bytes, 0, bytes.length, lab.nowNs);
    const { sink } = relay;
    if (sink.count === 0) {
      this.lose(stream, call.state === 'active' ? 'refused by the converter' : 'after hang-up');
      return;
    }
    const family: Family = remote.family === 4 ? 6 : 4;
    const offset = sink.offset[0]!;
    const length = sink.length[0]!;
    lab.recorder?.(node, family, lab.nowNs, sink.bytes, offset, length);
    if (!stream.isFor(sink.bytes, offset, family)) {
      this.lose(stream, 'delivered to another party');
      return;
    }
    const out = node.link(family)?.carry(lab.nowNs, length, 0) ?? LINK_LOST;
    const at = out < 0 ? out : (stream.receiver.link(family)?.carry(out, length, 1) ?? LINK_LOST);
    if (at < 0) this.lose(stream, at === LINK_LOST ? 'network' : 'link queue');
    else lab.queue.schedule(at, EVENT.arrive, index, sequence);
  }

  private arrive(index: number, sequence: number): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const direction = (index & 1) as 0 | 1;
    const stream = call.streams[direction];
    const own = stream.receiver.converter;
    const heardNs = own === null ? lab.nowNs : own.process(lab.nowNs, true);
    if (!stream.receiver.alive || heardNs < 0) {
      this.lose(stream, heardNs < 0 ? 'processor of the receiver' : 'receiver gone');
      return;
    }
    const previous = stream.lastArrivalNs;
    stream.arrived(sequence, heardNs);
    lab.inFlight--;
    const { divert } = call;
    if (divert !== null && stream.viaOf(sequence) === divert.to.index) this.control.diverted(call, direction, previous);
  }

  /** Looks whether a receiver still hears something, and looks again when that could have changed. */
  private listen(index: number): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const direction = (index & 1) as 0 | 1;
    const stream = call.streams[direction];
    if (call.state !== 'active' || call.converter === null) return;
    // Nothing more will come: nobody misses it.
    if (stream.nextNs === Infinity) return;
    const patience = SILENT_PACKETS * stream.source.periodNs;
    const due = stream.heardNs + patience;
    if (due > lab.nowNs) {
      lab.queue.schedule(due, EVENT.silence, index);
      return;
    }
    this.control.silent(call, direction);
    lab.queue.schedule(lab.nowNs + patience, EVENT.silence, index);
  }
}
