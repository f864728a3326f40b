import { NS_PER_S, type Random } from '../../base/index.ts';
import type { ConvertersSpec } from '../../contract/index.ts';
import type { CallControl } from './call-control.ts';
import type { Lab } from './lab.ts';
import type { Family, Node } from './node.ts';

/** Who is there: announcements and their end, churn, and the events of the file. */
export class Presence {
  private readonly lab: Lab;
  private readonly control: CallControl;
  private readonly traffic: Random;
  private readonly byId: ReadonlyMap<string, Node>;
  private readonly converters: readonly Node[];

  constructor(lab: Lab, control: CallControl, traffic: Random, byId: ReadonlyMap<string, Node>, converters: readonly Node[]) {
    this.lab = lab;
    this.control = control;
    this.traffic = traffic;
    this.byId = byId;
    this.converters = converters;
  }

  /** Everybody announces at once, and then again and again. */
  planAnnouncements(): void {
    const { lab } = this;
    for (const node of lab.nodes.terminals) {
      if (node.converter === null) continue;
      // Spread over the interval, so that not all announce at once.
      const first = Math.round(this.traffic.float() * lab.spec.registry.refreshS * NS_PER_S);
      lab.at(0, () => {
        lab.registry.announce(node.announcement()!, 0);
      });
      lab.at(first, () => {
        this.refresh(node);
      });
    }
  }

  planEvents(): void {
    const { lab } = this;
    for (const event of lab.spec.events) {
      lab.at(Math.round(event.atS * NS_PER_S), () => {
        this.happen(event, this.byId.get(event.terminal)!);
      });
    }
  }

  planChurn(): void {
    this.nextLeave();
    this.watch();
  }

  private refresh(node: Node): void {
    const { lab } = this;
    if (!this.lab.going) return;
    if (node.alive) this.control.announce(node);
    lab.after(lab.spec.registry.refreshS * NS_PER_S, () => {
      this.refresh(node);
    });
  }

  /** A converter whose announcement ran out is taken for gone, and its sessions are moved (T-17: missed refresh). */
  private watch(): void {
    const { lab } = this;
    lab.after(lab.spec.registry.refreshS * NS_PER_S, () => {
      if (!this.lab.going) return;
      const known = new Set(lab.registry.current(lab.nowNs).map((announcement) => announcement.node));
      for (const call of lab.calls) {
        const { converter } = call;
        if (call.state !== 'active' || converter === null || converter.role === 'gateway' || known.has(converter.index)) continue;
        if (converter.converter?.draining !== true) this.control.diverting.move(call, 'failure', true);
      }
      this.watch();
    });
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
          this.control.diverting.drain(node, () => {
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

  private happen(event: ConvertersSpec['events'][number], node: Node): void {
    const { lab, control } = this;
    switch (event.kind) {
      case 'leave':
        control.diverting.drain(node, () => {
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
        control.diverting.overload(node);
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
    this.control.diverting.restarted(node);
  }

  private renumber(node: Node): void {
    const { lab } = this;
    node.renumber();
    this.control.announce(node);
    if (node.call >= 0) this.control.partyMoved(lab.calls[node.call]!, node);
    for (const call of lab.calls)
      if (call.converter === node && call.state === 'active') this.control.diverting.move(call, 'renumber', false);
  }

  private family(node: Node, family: Family, up: boolean): void {
    const { lab, control } = this;
    const link = node.link(family);
    if (link === null) return;
    link.up = up;
    control.announce(node);
    if (up) return;
    if (node.call >= 0) control.partyGone(lab.calls[node.call]!);
    for (const call of lab.calls) if (call.converter === node && call.state === 'active') control.diverting.move(call, 'failure', true);
  }
}
