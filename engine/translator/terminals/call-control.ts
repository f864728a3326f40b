import { NS_PER_S, putU32 } from '../../base/index.ts';
import { formatIpv4U32, formatIpv6 } from '../../wire/index.ts';
import type { LinkFacts } from './access-link.ts';
import type { Call } from './call.ts';
import { handedOn, saidBySwitch, saidToSwitch, type Said, type SipTexts } from './call-sip.ts';
import { Choosing, type Chosen } from './choosing.ts';
import { Diverting } from './diverting.ts';
import { EVENT, type Lab } from './lab.ts';
import type { MediaStream } from './media.ts';
import type { Remote } from './media-source.ts';
import { prefixOf, type Family, type Node } from './node.ts';
import type { Announcement } from './registry.ts';

/** Longest time from the INVITE to the answer; SIP's timer B (RFC 3261 section 17.1.1.2) is 64 times T1. */
const SET_UP_NS = 32 * NS_PER_S;

/** Nobody waits longer for the first packet of a call (T-17). */
const LONGEST_FIRST_WAIT_NS = 2 * NS_PER_S;

const NOWHERE = new Uint8Array(16);

/** An IPv4 party inside a converter's prefix (RFC 6052 section 2.2, /96). */
function embedded(converter: Node, v4: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set(prefixOf(converter.index));
  putU32(address, 12, v4);
  return address;
}

const same = (text: string): SipTexts => ({ before: text, after: text });
/** Name of a message in the log: the status of an answer, otherwise the method. */
const nameOf = ({ method, status = 0 }: Said): string =>
  status === 0 ? method : status === 200 ? '200 OK' : `${String(status)} Temporarily Unavailable`;

/** An announcement in words (T-01). */
function announcementText({ addr4, addr6, capacity, inUse, ownCall, enabled, link4, link6, charge, lifetimeNs }: Announcement): string {
  const link = (address: string, facts: LinkFacts | null): string =>
    facts === null ? 'family gone' : `${address} (${facts.kind}, ${facts.rttMs.toFixed(1)} ms)`;
  return [
    `${link(formatIpv4U32(addr4), link4)} and ${link(formatIpv6(addr6, 0), link6)}`,
    `${String(inUse)} of ${String(capacity)} in use`,
    ...(ownCall ? ['in a call of its own'] : []),
    ...(enabled ? [] : ['not converting']),
    ...(charge === undefined ? [] : [`battery ${String(charge)} %`]),
    `for ${String(lifetimeNs / NS_PER_S)} s`,
  ].join(', ');
}

/** The switches: set-up and hang-up of calls, and what they are told of converters (T-08 to T-10). */
export class CallControl {
  private readonly lab: Lab;
  readonly choosing: Choosing;
  readonly diverting: Diverting;

  constructor(lab: Lab) {
    this.lab = lab;
    this.choosing = new Choosing(lab);
    this.diverting = new Diverting(lab, this);
  }

  /** The caller sends its INVITE. */
  place(call: Call): void {
    const { from, to } = call;
    this.lab.after(SET_UP_NS, () => {
      if (call.state !== 'ringing') return;
      this.fail(call, 'not set up in time');
      this.releaseAll(call);
    });
    const atSwitch = (): void => {
      this.setUp(call);
    };
    this.say(call, { method: 'INVITE', party: from, sdp: true }, atSwitch, `to ${to.id}`);
  }

  private setUp(call: Call): void {
    const { from, to } = call;
    if (call.state !== 'ringing') return;
    if (!to.alive) this.fail(call, 'the callee is gone');
    else if (!to.connected) this.fail(call, 'the callee has no network');
    else if (from.common(to) !== 0) {
      // T-10: a common family needs no converter.
      call.path = 'direct';
      this.invite(call);
    } else {
      call.callerFamily = from.signalFamily;
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

  take(call: Call, chosen: Extract<Chosen, { node: Node }>): void {
    call.converter = chosen.node;
    call.converterPort = chosen.port;
    call.converterPort4 = chosen.port4;
    call.standIn4 = chosen.standIn4;
    call.path = chosen.node.role === 'gateway' ? 'gateway' : 'terminal';
  }

  /** INVITE on to the callee, its answer back to the caller; both with the converter's address where there is one (T-08, T-09). */
  private invite(call: Call): void {
    const { from, to } = call;
    this.handOn(call, { method: 'INVITE', party: from, sdp: true }, () => {
      const answer = { method: 'INVITE', status: 200, party: to, sdp: true } as const;
      this.say(call, answer, () => {
        this.connect(call, () => {
          this.handOn(call, answer, () => {
            this.answered(call);
          });
        });
      });
    });
  }

  /** A party says something to its switch. */
  say(call: Call, said: Said, then: () => void, text = ''): void {
    const { lab } = this;
    const sip = lab.wantsSip ? same(saidToSwitch(call, said)) : undefined;
    lab.signal(said.party, call.sw, nameOf(said), call, text, then, sip);
  }

  /** The switch hands on what a party said, with the converter's address where there is one (T-09). */
  private handOn(call: Call, said: Said, then: () => void): void {
    const { lab } = this;
    const to = said.party === call.from ? call.to : call.from;
    const remote = call.converter === null ? null : this.remoteFor(call, call.streams[to === call.from ? 0 : 1], call.converter);
    lab.signal(call.sw, to, nameOf(said), call, '', then, lab.wantsSip ? handedOn(call, said, to, remote) : undefined);
  }

  /** The switch says something to a party in the name of the other one. */
  tell(call: Call, to: Node, said: Said, then: () => void, text = ''): void {
    const { lab } = this;
    lab.signal(call.sw, to, nameOf(said), call, text, then, lab.wantsSip ? same(saidBySwitch(call, said, to)) : undefined);
  }

  /** Tells the converter who the parties are, and waits until it has taken that. */
  connect(call: Call, then: () => void): void {
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
    const { from } = call;
    if (call.state !== 'ringing') return;
    call.state = 'active';
    call.answeredNs = lab.nowNs;
    this.start(call, 0);
    const ack = { method: 'ACK', party: from } as const;
    this.say(call, ack, () => {
      this.handOn(call, ack, () => {
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
    stream.firstWaitNs = Math.min(call.answeredNs - call.placedNs, LONGEST_FIRST_WAIT_NS);
    if (stream.nextNs === Infinity) return;
    const index = 2 * call.id + direction;
    lab.plan(stream.nextNs, EVENT.send, index);
    lab.plan(stream.patienceEndNs, EVENT.silence, index);
    if (lab.spec.media.rtcp) lab.plan(lab.nowNs, EVENT.firstReport, index);
  }

  /** Where the sender of a stream has to send. */
  remoteFor(call: Call, stream: MediaStream, converter: Node | null): Remote {
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
    const { from, to } = call;
    this.end(call, 'ended', 'hung up');
    call.sequence++;
    const bye = { method: 'BYE', party: from } as const;
    this.say(call, bye, () => {
      this.releaseAll(call);
      this.handOn(call, bye, () => {
        const answer = { method: 'BYE', status: 200, party: to } as const;
        this.say(call, answer, () => {
          this.handOn(call, answer, () => undefined);
        });
      });
    });
  }

  /** Gives the session back at every converter that holds it, also at one that a change has not let go yet. */
  releaseAll(call: Call): void {
    if (call.converter !== null) this.choosing.release(call, call.converter);
    for (const node of call.left) this.choosing.release(call, node);
    call.left.clear();
  }

  private fail(call: Call, why: string): void {
    const { from, to } = call;
    this.end(call, 'failed', why);
    this.tell(call, from, { method: 'INVITE', status: 480, party: to }, () => {
      this.say(call, { method: 'ACK', party: from }, () => undefined);
    }, why); // prettier-ignore
  }

  end(call: Call, state: 'ended' | 'failed', why: string): void {
    if (call.state === 'ended' || call.state === 'failed') return;
    call.state = state;
    call.why = why;
    call.endedNs = this.lab.nowNs;
    this.lab.openCalls--;
    for (const stream of call.streams) stream.running = false;
    if (call.divert !== null) this.diverting.finishDivert(call, false);
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

  /** A party of a call has new addresses: it says so, the converter or the other party is told, and media go on. */
  partyMoved(call: Call, party: Node): void {
    if (call.state !== 'active') {
      this.partyGone(call);
      return;
    }
    const other = party === call.from ? call.to : call.from;
    const toward = (stream: MediaStream): void => {
      if (call.state === 'active' && stream.running) stream.pointAt(this.remoteFor(call, stream, call.converter));
    };
    // Its own packets leave from the new address at once.
    toward(call.streams[party === call.from ? 0 : 1]);
    call.sequence++;
    const invite = { method: 'INVITE', party, sdp: true } as const;
    this.say(
      call,
      invite,
      () => {
        this.connect(call, () => {
          // The converter's address stays, so the other party has nothing to learn.
          if (call.converter !== null) return;
          this.handOn(call, invite, () => {
            toward(call.streams[party === call.from ? 1 : 0]);
            this.say(call, { method: 'INVITE', status: 200, party: other, sdp: true }, () => undefined);
          });
        });
        this.handOn(call, { method: 'INVITE', status: 200, party: other, sdp: true }, () => {
          this.say(call, { method: 'ACK', party }, () => undefined);
        });
      },
      `new addresses of ${party.id}`,
    );
  }

  /** Current state of a converter to the registry (T-01). */
  announce(node: Node): void {
    const announcement = node.announcement();
    const sw = this.lab.nodes.switches[0]!;
    if (announcement === null || !node.alive || node.role === 'gateway') return;
    this.lab.signal(node, sw, 'ANNOUNCE', null, announcementText(announcement), () => {
      this.lab.registry.announce(announcement, this.lab.nowNs);
    }); // prettier-ignore
  }
}
