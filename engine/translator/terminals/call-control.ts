import { NS_PER_MS, NS_PER_S, putU32 } from '../../base/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { Call, DivertCause } from './call.ts';
import { Choosing, type Chosen } from './choosing.ts';
import { EVENT, MAX_DIVERTS, type Lab } from './lab.ts';
import type { MediaStream } from './media.ts';
import type { Remote } from './media-source.ts';
import { prefixOf, type Family, type Node } from './node.ts';
import { buildSdp, rewriteSip, sipMessage } from './sdp.ts';

/** Lost packets in a row after which a receiver says that it hears nothing; and how long one silent side alone is watched (T-17). */
export const SILENT_PACKETS = 3;
const ONE_SIDED_NS = 2 * NS_PER_S;
/** Target for the gap of a change of converter (T-17); after it a change that brought no media counts as failed. */
const DIVERT_NS = 500 * NS_PER_MS;
/** Longest time from the INVITE to the answer; SIP's timer B (RFC 3261 section 17.1.1.2) is 64 times T1. */
const SET_UP_NS = 32 * NS_PER_S;
/** A drain without a successor is tried again so often, a second apart, before the session is given up. */
const DRAIN_TRIES = 10;

const NOWHERE = new Uint8Array(16);

/** An IPv4 party inside a converter's prefix (RFC 6052 section 2.2, /96). */
function embedded(converter: Node, v4: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set(prefixOf(converter.index));
  putU32(address, 12, v4);
  return address;
}

const formatRemote = ({ family, address4, address6 }: Remote): string => (family === 4 ? formatIpv4U32(address4) : formatIpv6(address6, 0));

/** The switches: set-up, hang-up, and moving sessions from one converter to another (T-08 to T-10, T-16 to T-18). */
export class CallControl {
  private readonly lab: Lab;
  private readonly choosing: Choosing;

  constructor(lab: Lab) {
    this.lab = lab;
    this.choosing = new Choosing(lab);
  }

  /** The caller's INVITE is at the switch. */
  setUp(call: Call): void {
    const { from, to } = call;
    this.lab.after(SET_UP_NS, () => {
      if (call.state !== 'ringing') return;
      this.fail(call, 'not set up in time');
      this.releaseAll(call);
    });
    if (call.state !== 'ringing') return;
    if (!to.alive) this.fail(call, 'the callee is gone');
    else if (from.common(to) !== 0) {
      // T-10: a common family needs no converter.
      call.path = 'direct';
      this.invite(call);
    } else {
      this.choosing.choose(call, 'set-up', null, false, (chosen) => {
        if (chosen.node === null) this.fail(call, chosen.why);
        else if (call.state !== 'ringing') this.choosing.release(call, chosen.node);
        else {
          this.take(call, chosen);
          this.invite(call);
        }
      });
    }
  }

  private take(call: Call, chosen: Extract<Chosen, { node: Node }>): void {
    call.converter = chosen.node;
    call.converterPort = chosen.port;
    call.converterPort4 = chosen.port4;
    call.standIn4 = chosen.standIn4;
    call.path = chosen.node.role === 'gateway' ? 'gateway' : 'terminal';
  }

  /** INVITE on to the callee, its answer back to the caller; both with the converter's address where there is one (T-08, T-09). */
  private invite(call: Call): void {
    const { lab } = this;
    const { from, to, sw } = call;
    lab.signal(sw, to, 'INVITE', call, '', () => {
      lab.signal(to, sw, '200 OK', call, 'answered', () => {
        this.connect(call, () => {
          lab.signal(sw, from, '200 OK', call, '', () => { this.answered(call); }, this.sip(call, '200', to, from)); // prettier-ignore
        });
      });
    }, this.sip(call, 'INVITE', from, to)); // prettier-ignore
  }

  /** Tells the converter who the parties are, and waits until it has taken that. */
  private connect(call: Call, then: () => void): void {
    const { lab } = this;
    const { converter, sw } = call;
    if (converter === null) {
      then();
      return;
    }
    lab.signal(sw, converter, 'CONNECT', call, '', () => {
      const four = call.party(4);
      const six = call.party(6);
      converter.converter?.relay.connect(call.id, four.node.addr4, four.port, six.node.addr6, six.port);
      lab.signal(converter, sw, 'CONNECTED', call, '', then);
    });
  }

  private answered(call: Call): void {
    const { lab } = this;
    const { from, to, sw } = call;
    if (call.state !== 'ringing') return;
    call.state = 'active';
    call.answeredNs = lab.nowNs;
    this.start(call, 0);
    lab.signal(from, sw, 'ACK', call, '', () => {
      lab.signal(sw, to, 'ACK', call, '', () => {
        this.start(call, 1);
      });
    });
    lab.after(call.holdNs, () => {
      this.hangUp(call);
    });
  }

  /** Media in one direction begins. */
  private start(call: Call, direction: 0 | 1): void {
    const { lab } = this;
    const stream = call.streams[direction];
    if (call.state !== 'active' || stream.running || !lab.spec.media.enabled) return;
    stream.pointAt(this.remoteFor(call, stream, call.converter));
    stream.running = true;
    stream.startNs = lab.nowNs;
    if (stream.nextNs === Infinity) return;
    const index = 2 * call.id + direction;
    lab.queue.schedule(stream.nextNs, EVENT.send, index);
    lab.queue.schedule(lab.nowNs + ONE_SIDED_NS, EVENT.silence, index);
  }

  /** Where the sender of a stream has to send. */
  private remoteFor(call: Call, stream: MediaStream, converter: Node | null): Remote {
    const { sender, receiver } = stream;
    if (converter === null) {
      const family = sender.common(receiver) || sender.signalFamily;
      return { node: receiver, family, address4: receiver.addr4, address6: receiver.addr6, port: stream.receiverPort };
    }
    const family: Family = sender === call.party(4).node ? 4 : 6;
    const { converterPort, converterPort4, standIn4 } = call;
    if (converterPort > 0) {
      const port = family === 4 ? converterPort4 : converterPort;
      return { node: converter, family, address4: converter.reach4, address6: converter.addr6, port };
    }
    // Prefix mapping: the other party's own port, at an address that stands for it.
    const mapped = family === 6 ? embedded(converter, receiver.addr4) : NOWHERE;
    return { node: converter, family, address4: standIn4, address6: mapped, port: stream.receiverPort };
  }

  hangUp(call: Call): void {
    if (call.state !== 'active') return;
    const { lab } = this;
    const { from, to, sw } = call;
    this.end(call, 'ended', 'hung up');
    lab.signal(from, sw, 'BYE', call, '', () => {
      lab.signal(sw, to, 'BYE', call, '', () => undefined);
      this.releaseAll(call);
    });
  }

  /** Gives the session back at every converter that holds it, also at one that a change has not let go yet. */
  private releaseAll(call: Call): void {
    if (call.converter !== null) this.choosing.release(call, call.converter);
    for (const node of call.left) this.choosing.release(call, node);
    call.left.clear();
  }

  private fail(call: Call, why: string): void {
    const { lab } = this;
    this.end(call, 'failed', why);
    lab.signal(call.sw, call.from, '480 Temporarily Unavailable', call, why, () => undefined);
  }

  private end(call: Call, state: 'ended' | 'failed', why: string): void {
    if (call.state === 'ended' || call.state === 'failed') return;
    call.state = state;
    call.why = why;
    call.endedNs = this.lab.nowNs;
    this.lab.openCalls--;
    for (const stream of call.streams) stream.running = false;
    if (call.divert !== null) this.finishDivert(call, false);
    for (const node of [call.from, call.to]) {
      if (node.call !== call.id) continue;
      node.call = -1;
      this.announce(node);
    }
  }

  /** A terminal that takes part is gone, or has lost the family of the call. */
  partyGone(call: Call): void {
    if (call.state !== 'active' && call.state !== 'ringing') return;
    this.end(call, 'failed', 'a party is gone');
    this.releaseAll(call);
  }

  /** Current state of a converter to the registry (T-01). */
  announce(node: Node): void {
    const announcement = node.announcement(this.lab.nowNs);
    const sw = this.lab.nodes.switches[0]!;
    if (announcement === null || !node.alive || node.role === 'gateway') return;
    this.lab.signal(node, sw, 'ANNOUNCE', null, `${String(announcement.inUse)} of ${String(announcement.capacity)} in use${announcement.ownCall ? ', in a call of its own' : ''}${announcement.enabled ? '' : ', not converting'}`, () => {
      this.lab.registry.announce(announcement, this.lab.nowNs);
    }); // prettier-ignore
  }

  /**
   * A converter that went without a word is back, with nothing reserved. Where both parties had nothing to say meanwhile, nobody has
   * noticed: its sessions are moved (T-17).
   */
  restarted(node: Node): void {
    const { lab } = this;
    const { converter } = node;
    if (converter === null) return;
    const lostSessions = lab.calls.filter((call) => call.converter === node && call.state === 'active' && !converter.relay.has(call.id));
    if (lostSessions.length === 0) return;
    lab.signal(node, lab.nodes.switches[0]!, 'RESTARTED', null, `${String(lostSessions.length)} sessions are lost`, () => {
      for (const call of lostSessions) if (call.converter === node) this.move(call, 'failure', false);
    });
  }

  /** Moves a session to another converter. `quick` uses the ranking that is there (T-17). */
  move(call: Call, cause: DivertCause, quick: boolean, tries = 0): void {
    const { lab } = this;
    if (call.choosing || call.state !== 'active' || call.converter === null) return;
    const old = call.converter;
    call.choosing = true;
    const noticedNs = lab.nowNs;
    this.choosing.choose(call, cause, cause === 'renumber' ? null : old, quick && call.ranking.length > 0, (chosen) => {
      call.choosing = false;
      if (chosen.node === null) {
        this.noSuccessor(call, cause, chosen.why, tries);
        return;
      }
      if (call.state !== 'active') {
        this.choosing.release(call, chosen.node);
        return;
      }
      if (call.divert !== null) this.finishDivert(call, false);
      const { streams } = call;
      call.divert = {
        cause,
        tNs: noticedNs,
        from: old,
        to: chosen.node,
        lostBefore: call.lost,
        beforeNs: Float64Array.from(streams, (s) => s.lastArrivalNs),
        gapNs: new Float64Array(2).fill(-1),
      };
      call.diverts++;
      this.take(call, chosen);
      if (old !== chosen.node) call.left.add(old);
      this.reinvite(call);
    });
  }

  private noSuccessor(call: Call, cause: DivertCause, why: string, tries: number): void {
    const { lab } = this;
    if (cause !== 'failure' && tries < DRAIN_TRIES && call.converter?.alive === true) {
      lab.after(NS_PER_S, () => {
        this.move(call, cause, false, tries + 1);
      });
      return;
    }
    if (cause === 'overload') return;
    if (call.state === 'active') {
      this.end(call, 'failed', `no other converter: ${why}`);
      this.releaseAll(call);
    }
  }

  /** Both parties are told the new address, run on it, and whatever converter they used before is let go after the overlap (T-16). */
  private reinvite(call: Call): void {
    const { lab } = this;
    const { sw } = call;
    const next = call.converter;
    let told = 0;
    this.connect(call, () => {
      if (call.state !== 'active' || call.converter !== next) return;
      call.sequence++;
      for (const direction of [0, 1] as const) {
        const stream = call.streams[direction];
        const party = stream.sender;
        lab.signal(sw, party, 're-INVITE', call, `media by ${next?.id ?? ''}`, () => {
          if (call.state === 'active' && call.converter === next && stream.running) stream.pointAt(this.remoteFor(call, stream, next));
          lab.signal(party, sw, '200 OK', call, '', () => {
            if (++told < 2) return;
            lab.after(lab.spec.switch.overlapMs * NS_PER_MS, () => {
              this.letGo(call, next);
            });
          });
        }, this.sip(call, 'INVITE', stream.receiver, party)); // prettier-ignore
      }
      if (!lab.spec.media.enabled) this.finishDivert(call, true);
    });
  }

  /** The overlap is over: only `user` holds the session any more. A later change, or the end of the call, lets go for itself. */
  private letGo(call: Call, user: Node | null): void {
    if (call.converter !== user) return;
    for (const node of call.left) this.choosing.release(call, node);
    call.left.clear();
  }

  /** A packet of a stream came by the new converter. */
  diverted(call: Call, direction: 0 | 1, previousNs: number): void {
    const { divert } = call;
    if (divert === null || divert.gapNs[direction]! >= 0) return;
    divert.gapNs[direction] = this.lab.nowNs - Math.max(previousNs, 0);
    call.silent &= ~(1 << direction);
    if (divert.gapNs[0]! >= 0 && divert.gapNs[1]! >= 0) this.finishDivert(call, true);
  }

  private finishDivert(call: Call, done: boolean): void {
    const { divert } = call;
    if (divert === null) return;
    call.divert = null;
    if (done) call.silent = 0;
    const { lab } = this;
    if (lab.diverts.length >= MAX_DIVERTS) {
      lab.leaveOut('diverts');
      return;
    }
    lab.diverts.push({
      session: call.id,
      cause: divert.cause,
      tNs: divert.tNs,
      doneNs: done ? lab.nowNs : -1,
      from: divert.from.id,
      to: divert.to.id,
      gapMs: Math.max(0, divert.gapNs[0]!, divert.gapNs[1]!) / NS_PER_MS,
      lost: call.lost - divert.lostBefore,
    });
  }

  /** A receiver heard nothing for a while. Two silent sides are a failure at once, one after two seconds (T-17). */
  silent(call: Call, direction: 0 | 1): void {
    const { lab } = this;
    const { sw } = call;
    const party = call.streams[direction].receiver;
    if (call.converter === null || call.choosing) return;
    if (call.divert !== null) {
      // The new converter may be gone as well: it has as long as a change may take.
      if (lab.nowNs - call.divert.tNs < DIVERT_NS) return;
      this.finishDivert(call, false);
      call.silent = 0;
    }
    if ((call.silent & (1 << direction)) !== 0) return;
    call.silent |= 1 << direction;
    lab.signal(party, sw, 'MEDIA LOST', call, `nothing for ${String(SILENT_PACKETS)} packets`, () => {
      if (call.silent === 3) this.move(call, 'failure', true);
      else {
        const stream = call.streams[direction];
        const patienceNs = Math.max(ONE_SIDED_NS, SILENT_PACKETS * stream.source.periodNs);
        lab.after(patienceNs, () => {
          if (lab.nowNs - stream.heardNs > patienceNs) this.move(call, 'failure', true);
          else call.silent &= ~(1 << direction);
        });
      }
    });
  }

  /** A converter asks to be rid of sessions: its own call came first (T-18). The newest go first, and only as many as are too many. */
  overload(node: Node): void {
    const { converter } = node;
    if (converter === null) return;
    const over = converter.relay.sessions - converter.capacity(node.inOwnCall);
    if (over <= 0) return;
    const { lab } = this;
    const mine = lab.calls.filter((call) => call.converter === node && call.state === 'active' && !call.choosing);
    const newest = mine.sort((a, b) => b.id - a.id).slice(0, over);
    for (const call of newest) {
      lab.signal(node, call.sw, 'DIVERT', call, 'in a call of its own', () => {
        this.move(call, 'overload', false);
      });
    }
  }

  /** Drain (T-16): no new sessions, a successor for each one, then `left`. */
  drain(node: Node, left: () => void): void {
    const { lab } = this;
    const { converter } = node;
    if (converter === null || !node.alive) return;
    converter.draining = true;
    this.announce(node);
    lab.signal(node, lab.nodes.switches[0]!, 'DRAIN', null, `${String(converter.relay.sessions)} sessions`, () => {
      for (const call of lab.calls) if (call.converter === node && call.state === 'active') this.move(call, 'drain', false);
    });
    const whenEmpty = (): void => {
      if (converter.relay.sessions === 0) left();
      else lab.after(100 * NS_PER_MS, whenEmpty);
    };
    lab.after(100 * NS_PER_MS, whenEmpty);
  }

  /** SIP as the switch got it, and as it hands it on. Empty where nobody looks any more. */
  private sip(call: Call, what: 'INVITE' | '200', from: Node, to: Node): { before: string; after: string } {
    const { lab } = this;
    if (!lab.wantsSip) return { before: '', after: '' };
    const family: Family = from.has(6) ? 6 : 4;
    const port = from === call.from ? call.streams[0].senderPort : call.streams[1].senderPort;
    const before = new TextDecoder().decode(
      sipMessage({
        method: 'INVITE',
        status: what === '200' ? 200 : 0,
        reason: 'OK',
        callId: call.callId,
        from: what === '200' ? to.id : from.id,
        to: what === '200' ? from.id : to.id,
        sequence: call.sequence,
        address: from.address(family),
        family,
        body: buildSdp({ family, address: from.address(family), port }, call.id, call.sequence),
      }),
    );
    const { converter } = call;
    if (converter === null) return { before, after: before };
    const toFamily: Family = to === call.party(4).node ? 4 : 6;
    const stream = call.streams[to === call.from ? 0 : 1];
    const remote = this.remoteFor(call, stream, converter);
    const target = { family: toFamily, address: formatRemote(remote), port: remote.port };
    return { before, after: rewriteSip(before, { address: call.sw.address(toFamily), family: toFamily }, target) };
  }
}
