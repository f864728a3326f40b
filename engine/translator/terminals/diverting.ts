import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import type { Call, Divert, DivertCause } from './call.ts';
import type { CallControl } from './call-control.ts';
import { handedOn } from './call-sip.ts';
import { MAX_DIVERTS, type Lab } from './lab.ts';
import { SILENT_PACKETS } from './media.ts';
import type { Node } from './node.ts';

/** How long one silent side alone is watched (T-17). */
const ONE_SIDED_NS = 2 * NS_PER_S;
/** Target for the gap of a change of converter (T-17); after it a change that brought no media counts as failed. */
const DIVERT_NS = 500 * NS_PER_MS;
/** A drain without a successor is tried again so often, a second apart, before the session is given up. */
const DRAIN_TRIES = 10;

/** Moving sessions from one converter to another: drain, failure, overload, new addresses (T-16 to T-18). */
export class Diverting {
  private readonly lab: Lab;
  private readonly control: CallControl;

  constructor(lab: Lab, control: CallControl) {
    this.lab = lab;
    this.control = control;
  }

  /** Moves a session to another converter. `quick` uses the ranking that is there (T-17). */
  move(call: Call, cause: DivertCause, quick: boolean, tries = 0): void {
    const { lab } = this;
    if (call.choosing || call.state !== 'active' || call.converter === null) return;
    const old = call.converter;
    call.choosing = true;
    const noticedNs = lab.nowNs;
    this.control.choosing.choose(call, cause, cause === 'renumber' ? null : old, quick && call.ranking.length > 0, (chosen) => {
      call.choosing = false;
      if (chosen.node === null) {
        this.noSuccessor(call, cause, chosen.why, tries);
        return;
      }
      if (call.state !== 'active') {
        this.control.choosing.release(call, chosen.node);
        return;
      }
      if (call.divert !== null) this.finishDivert(call, false);
      call.divert = {
        cause,
        tNs: noticedNs,
        from: old,
        to: chosen.node,
        lostBefore: call.lost,
        toldNs: -1,
        lastNs: [-1, -1],
        firstNs: [-1, -1],
      };
      call.diverts++;
      this.control.take(call, chosen);
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
      this.control.end(call, 'failed', `no other converter: ${why}`);
      this.control.releaseAll(call);
    }
  }

  /** Both parties are told the new address, run on it, and whatever converter they used before is let go after the overlap (T-16). */
  private reinvite(call: Call): void {
    const { lab } = this;
    const { sw } = call;
    const next = call.converter;
    let told = 0;
    this.control.connect(call, () => {
      if (call.state !== 'active' || call.converter !== next) return;
      call.sequence++;
      for (const direction of [0, 1] as const) {
        const stream = call.streams[direction];
        const party = stream.sender;
        const other = stream.receiver;
        lab.signal(sw, party, 're-INVITE', call, `media by ${next?.id ?? ''}`, () => {
          if (call.state === 'active' && call.converter === next && stream.running) stream.pointAt(this.control.remoteFor(call, stream, next));
          this.control.say(call, { method: 'INVITE', status: 200, party, sdp: true }, () => {
            this.control.tell(call, party, { method: 'ACK', party: other }, () => undefined);
            if (++told < 2) return;
            if (call.divert?.to === next) call.divert.toldNs = lab.nowNs;
            lab.after(lab.spec.switch.overlapMs * NS_PER_MS, () => {
              this.letGo(call, next);
            });
          });
        }, handedOn(call, { method: 'INVITE', party: other, sdp: true }, party, this.control.remoteFor(call, stream, next))); // prettier-ignore
      }
      if (!lab.spec.media.enabled) this.finishDivert(call, true);
    });
  }

  /** The overlap is over: only `user` holds the session any more. A later change, or the end of the call, lets go for itself. */
  private letGo(call: Call, user: Node | null): void {
    if (call.converter !== user) return;
    for (const node of call.left) this.control.choosing.release(call, node);
    call.left.clear();
  }

  /** A packet of a stream came by the new converter; `previousNs` is when one came before, -1 for never. */
  diverted(call: Call, direction: 0 | 1, previousNs: number): void {
    const { divert } = call;
    if (divert === null || divert.firstNs[direction] >= 0) return;
    divert.firstNs[direction] = this.lab.nowNs;
    // Media that had not begun was missed from its first instant on.
    divert.lastNs[direction] = previousNs < 0 ? call.streams[direction].startNs : Math.min(previousNs, this.lab.nowNs);
    call.silent &= ~(1 << direction);
    if (divert.firstNs[0] >= 0 && divert.firstNs[1] >= 0) this.finishDivert(call, true);
  }

  /** Notes a change of converter, or that it came to nothing. */
  finishDivert(call: Call, done: boolean): void {
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
      gapMs: Math.max(divert.firstNs[0] - divert.lastNs[0], divert.firstNs[1] - divert.lastNs[1]) / NS_PER_MS,
      lost: call.lost - divert.lostBefore,
      lastNs: divert.lastNs,
      firstNs: divert.firstNs,
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
      if (lab.nowNs < this.dueNs(call, call.divert, direction)) return;
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
        });
      }
    });
  }

  /** When media should have come by the new converter: on their way since both parties know of it, or as long as a change may take. */
  private dueNs(call: Call, { tNs, toldNs, to }: Divert, direction: 0 | 1): number {
    const latestNs = tNs + DIVERT_NS;
    if (toldNs < 0) return latestNs;
    const { sender, receiver, source } = call.streams[direction];
    const wayNs = this.lab.oneWayNs(sender, to) + this.lab.oneWayNs(to, receiver);
    return Math.min(latestNs, toldNs + wayNs + SILENT_PACKETS * source.periodNs);
  }

  /** A converter asks to be rid of sessions, because its own call comes first (T-18). The newest go first, and only as many as are too many. */
  overload(node: Node): void {
    const { converter } = node;
    if (converter === null) return;
    this.giveAway(node, converter.relay.sessions - converter.capacity(node.inOwnCall), 'in a call of its own', 0);
  }

  /** Its processor had too much to do: one session, and the next one not before that has been seen to be too little. */
  busy(node: Node): void {
    this.giveAway(node, 1, 'its processor is busy', DRAIN_TRIES);
  }

  private giveAway(node: Node, sessions: number, why: string, tries: number): void {
    if (sessions <= 0) return;
    const { lab } = this;
    const mine = lab.calls.filter((call) => call.converter === node && call.state === 'active' && !call.choosing);
    const newest = mine.sort((a, b) => b.id - a.id).slice(0, sessions);
    for (const call of newest) {
      lab.signal(node, call.sw, 'DIVERT', call, why, () => {
        this.move(call, 'overload', false, tries);
      });
    }
  }

  /** Drain (T-16): no new sessions, a successor for each one, then `left`. */
  drain(node: Node, left: () => void): void {
    const { lab } = this;
    const { converter } = node;
    if (converter === null || !node.alive) return;
    converter.draining = true;
    this.control.announce(node);
    lab.signal(node, lab.nodes.switches[0]!, 'DRAIN', null, `${String(converter.relay.sessions)} sessions`, () => {
      for (const call of lab.calls) if (call.converter === node && call.state === 'active') this.move(call, 'drain', false);
    });
    const whenEmpty = (): void => {
      // Gone in the meantime without a word: there is nothing to wait for.
      if (!converter.draining) return;
      if (converter.relay.sessions === 0 || !lab.going) left();
      else lab.after(100 * NS_PER_MS, whenEmpty);
    };
    lab.after(100 * NS_PER_MS, whenEmpty);
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
}
