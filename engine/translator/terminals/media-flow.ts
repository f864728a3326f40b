import { LINK_LOST } from './access-link.ts';
import type { Diverting } from './diverting.ts';
import { KeptPackets, isRelayed } from './kept-packets.ts';
import { EVENT, type Lab } from './lab.ts';
import { SILENT_PACKETS, type MediaStream } from './media.ts';
import type { Family, Node } from './node.ts';

/** When a packet is at the other node, or why it is not. The terminal's own call goes ahead on its links where its role says so (T-07). */
export function carryOver(from: Node, to: Node, family: Family, tNs: number, bytes: number, toParty: boolean): number {
  const out = from.link(family)?.carry(tNs, bytes, 0, from.call >= 0 && from.converter?.spec.ownPriority === true) ?? LINK_LOST;
  if (out < 0) return out;
  return to.link(family)?.carry(out, bytes, 1, toParty && to.converter?.spec.ownPriority === true) ?? LINK_LOST;
}

/** Media on their way: from a party, through a converter or not, to the other party (T-11). Each packet is an event at each place it comes to. */
export class MediaFlow {
  private readonly lab: Lab;
  private readonly diverting: Diverting;
  readonly kept = new KeptPackets();

  constructor(lab: Lab, diverting: Diverting) {
    this.lab = lab;
    this.diverting = diverting;
  }

  /** The sender of a stream sends one packet, and plans the next. */
  send(index: number): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const stream = call.streams[(index & 1) as 0 | 1];
    const remote = stream.remote;
    if (!stream.running || remote === null || !stream.sender.alive) return;
    const now = lab.nowNs;
    const sequence = stream.send(now);
    const { nextNs } = stream;
    if (nextNs < Infinity) lab.plan(nextNs, EVENT.send, index);
    lab.inFlight++;
    const own = stream.sender.converter;
    const ready = own === null ? now : own.process(now, true);
    if (ready < 0) {
      this.lose(stream, 'processor of the sender');
      return;
    }
    const bytes = stream.packetBytes(sequence);
    const at = carryOver(stream.sender, remote.node, remote.family, ready, bytes, remote.node === stream.receiver);
    this.onward(stream, at, remote.node === stream.receiver ? EVENT.arrive : EVENT.atConverter, index, sequence);
  }

  /** A packet will be somewhere at `atNs`, or a link has lost it. */
  private onward(stream: MediaStream, atNs: number, kind: number, index: number, sequence: number): void {
    if (atNs < 0) this.lose(stream, atNs === LINK_LOST ? 'network' : 'link queue');
    else if (!this.lab.plan(atNs, kind, index, sequence)) this.lose(stream, 'no room for events');
  }

  private lose(stream: MediaStream, reason: string): void {
    stream.lost++;
    this.lab.inFlight--;
    this.lab.lose(reason);
  }

  /** A packet is at a converter: its processor takes it, if it can. */
  atConverter(index: number, sequence: number): void {
    const { lab } = this;
    const stream = lab.calls[index >> 1]!.streams[(index & 1) as 0 | 1];
    const node = lab.nodes.all[stream.viaOf(sequence)]!;
    if (!node.alive || node.converter === null) {
      this.lose(stream, 'converter gone');
      return;
    }
    const done = node.converter.process(lab.nowNs, false);
    if (node.converter.overloaded(lab.nowNs)) this.diverting.busy(node);
    if (done < 0) this.lose(stream, 'converter processor');
    else this.onward(stream, done, EVENT.relayed, index, sequence);
  }

  /** The processor has done a packet: translated, or refused. */
  relayed(index: number, sequence: number): void {
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
    if (!isRelayed(sink)) {
      const why = sink.count > 0 ? 'too long for the other side' : call.state === 'active' ? 'refused by the converter' : 'after hang-up';
      this.lose(stream, why);
      return;
    }
    const family: Family = remote.family === 4 ? 6 : 4;
    this.kept.note(index, lab.nowNs, node.id, sequence, remote.family, bytes, sink);
    if (!stream.isFor(sink.bytes, sink.offset[0]!, family, sink.count > 1)) {
      this.lose(stream, 'delivered to another party');
      return;
    }
    // A packet that left in fragments is there with the last of them.
    let at = 0;
    for (let i = 0; i < sink.count && at >= 0; i++) {
      lab.recorder?.(node, family, lab.nowNs, sink.bytes, sink.offset[i]!, sink.length[i]!);
      at = carryOver(node, stream.receiver, family, lab.nowNs, sink.length[i]!, true);
    }
    this.onward(stream, at, EVENT.arrive, index, sequence);
  }

  arrive(index: number, sequence: number): void {
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
    const previous = stream.missedSinceNs;
    // Silent is who hears nothing now: two short silences, one after the other, are no failure (T-17).
    call.silent &= ~(1 << direction);
    stream.arrived(sequence, heardNs);
    lab.inFlight--;
    const { divert } = call;
    if (divert !== null && stream.viaOf(sequence) === divert.to.index) this.diverting.diverted(call, direction, previous);
  }

  /** Looks whether a receiver still hears something, and looks again when that could have changed. */
  listen(index: number): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const direction = (index & 1) as 0 | 1;
    const stream = call.streams[direction];
    if (call.state !== 'active' || call.converter === null) return;
    // Nothing more will come: nobody misses it.
    if (stream.nextNs === Infinity) return;
    const due = stream.patienceEndNs;
    if (due > lab.nowNs) {
      lab.plan(due, EVENT.silence, index);
      return;
    }
    this.diverting.silent(call, direction);
    lab.plan(lab.nowNs + SILENT_PACKETS * stream.source.periodNs, EVENT.silence, index);
  }
}
