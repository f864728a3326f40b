import { NS_PER_S } from '../../base/index.ts';
import { buildRtcp, parseRtcpSenderReport } from '../../wire/index.ts';
import { LINK_LOST } from './access-link.ts';
import type { Call } from './call.ts';
import { VOICE, datagram, headerBytes } from './datagram.ts';
import { isRelayed } from './kept-packets.ts';
import { EVENT, type Lab } from './lab.ts';
import { carryOver } from './media-flow.ts';
import type { Remote } from './media-source.ts';
import type { Family } from './node.ts';

/** Time between two reports at least, half of it before the first one (RFC 3550 section 6.2). */
const LEAST_INTERVAL_NS = 5 * NS_PER_S;
/** Both parties together report in so much of the media's rate. */
const RATE_SHARE = 0.05;
/** A drawn interval is divided by this, which is e - 3/2 (RFC 3550 section 6.3.1). */
const COMPENSATION = Math.E - 1.5;

/** A report under way. */
interface Flight {
  readonly call: Call;
  readonly direction: 0 | 1;
  readonly remote: Remote;
}

/**
 * RTCP of the calls (RFC 3550 section 6): each party says from time to time what it sent and what it heard, in packets of their own, one port above
 * the media and by the same way.
 */
export class ReportFlow {
  private readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  /** A party plans its first report, or sends one and plans the next; `index` is that of the stream it sends. */
  due(index: number, first: boolean): void {
    const { lab } = this;
    const call = lab.calls[index >> 1]!;
    const direction = (index & 1) as 0 | 1;
    const stream = call.streams[direction];
    if (!stream.running || stream.source.rtp === null || stream.remote === null || !stream.sender.alive) return;
    const bytes = first ? 0 : this.send({ call, direction, remote: stream.remote });
    lab.plan(lab.nowNs + this.intervalNs(call, bytes), EVENT.report, index);
  }

  /** RFC 3550 section 6.3.1; `bytes` of the last report, 0 before the first one. */
  private intervalNs({ streams }: Call, bytes: number): number {
    const leastNs = bytes === 0 ? LEAST_INTERVAL_NS / 2 : LEAST_INTERVAL_NS;
    const rateBps = RATE_SHARE * (streams[0].source.rateBps + streams[1].source.rateBps);
    const shareNs = (streams.length * 8 * bytes * NS_PER_S) / rateBps;
    return Math.round((Math.max(leastNs, shareNs) * (0.5 + this.lab.reportRandom.float())) / COMPENSATION);
  }

  /** Returns the bytes of the packet. */
  private send(flight: Flight): number {
    const { lab } = this;
    const { call, direction, remote } = flight;
    const { sender, senderPort, receiver } = call.streams[direction];
    const report = call.reports[direction];
    const payload = buildRtcp(report.next(lab.nowNs), `${sender.id}@example.net`);
    const packet = datagram(sender, senderPort + 1, { ...remote, port: remote.port + 1 }, payload, VOICE);
    report.sent++;
    lab.reportsInFlight++;
    const ready = sender.converter === null ? lab.nowNs : sender.converter.process(lab.nowNs, true);
    if (ready < 0) {
      this.lose(flight, 'processor of the sender');
      return packet.length;
    }
    const direct = remote.node === receiver;
    this.onward(flight, carryOver(sender, remote.node, remote.family, ready, packet.length, direct), () => {
      if (direct) this.arrive(flight, packet, remote.family);
      else this.atConverter(flight, packet);
    });
    return packet.length;
  }

  private onward(flight: Flight, atNs: number, then: () => void): void {
    if (atNs >= 0) this.lab.at(atNs, then);
    else this.lose(flight, atNs === LINK_LOST ? 'network' : 'link queue');
  }

  private lose({ call, direction }: Flight, reason: string): void {
    const { lab } = this;
    call.reports[direction].lost++;
    lab.reportsInFlight--;
    lab.lostReports.set(reason, (lab.lostReports.get(reason) ?? 0) + 1);
  }

  private atConverter(flight: Flight, packet: Uint8Array): void {
    const { lab } = this;
    const { node } = flight.remote;
    const done = node.alive && node.converter !== null ? node.converter.process(lab.nowNs, false) : 0;
    if (!node.alive || node.converter === null) this.lose(flight, 'converter gone');
    else if (done < 0) this.lose(flight, 'converter processor');
    else {
      lab.at(done, () => {
        this.relay(flight, packet);
      });
    }
  }

  /** The converter's processor has done a report: translated, or refused, like media. */
  private relay(flight: Flight, packet: Uint8Array): void {
    const { lab } = this;
    const { call, direction, remote } = flight;
    const { node } = remote;
    const stream = call.streams[direction];
    if (!node.alive || node.converter === null) {
      this.lose(flight, 'converter gone');
      return;
    }
    const { relay } = node.converter;
    const family: Family = remote.family === 4 ? 6 : 4;
    lab.recorder?.(node, remote.family, lab.nowNs, packet, 0, packet.length);
    relay.process(remote.family, packet, 0, packet.length, lab.nowNs);
    if (!isRelayed(relay.sink)) {
      this.lose(flight, call.state === 'active' ? 'refused by the converter' : 'after hang-up');
      return;
    }
    const relayed = relay.sink.packet(0);
    lab.recorder?.(node, family, lab.nowNs, relayed, 0, relayed.length);
    if (!stream.isFor(relayed, 0, family, false, stream.receiverPort + 1)) this.lose(flight, 'delivered to another party');
    else {
      this.onward(flight, carryOver(node, stream.receiver, family, lab.nowNs, relayed.length, true), () => {
        this.arrive(flight, relayed, family);
      });
    }
  }

  /** What the other party learns, it reads from the bytes that came. */
  private arrive(flight: Flight, packet: Uint8Array, family: Family): void {
    const { lab } = this;
    const { call, direction } = flight;
    const { receiver } = call.streams[direction];
    const heardNs = receiver.converter === null ? lab.nowNs : receiver.converter.process(lab.nowNs, true);
    const report = parseRtcpSenderReport(packet, headerBytes(family), packet.length);
    if (!receiver.alive) this.lose(flight, 'receiver gone');
    else if (heardNs < 0) this.lose(flight, 'processor of the receiver');
    else if (report === undefined) this.lose(flight, 'not understood');
    else {
      call.reports[direction].received++;
      lab.reportsInFlight--;
      call.reports[direction === 0 ? 1 : 0].hear(report, heardNs);
    }
  }
}
