import { addressText, ANY, isSsm } from '../addresses.ts';
import { cancel } from '../clock.ts';
import { hopsOf, ipHead, isNullRegister, lowered, nullRegisterPacket, type PimRegister, type PimRegisterStop } from '../messages/index.ts';
import type { PimRouter } from './router.ts';
import type { Tree } from './tree.ts';

/** Every link of IPv6 takes as much (RFC 8200 section 5). */
const LEAST_MTU6 = 1_280;
/** IPv6 header and PIM header of a Register. */
const REGISTER_BYTES6 = 48;

/** Registers: the way of a source's first packets to the rendezvous point (RFC 7761 section 4.4). */
export class Registering {
  private readonly pim: PimRouter;
  readonly counters = { sent: 0, received: 0, nulls: 0, stops: 0, stopped: 0, refused: 0, tooBig: 0 };

  constructor(pim: PimRouter) {
    this.pim = pim;
  }

  /** Data of a source on one of our links: the designated router tells the rendezvous point (section 4.4.1). */
  data(tree: Tree, packet: Uint8Array): void {
    const { pim } = this;
    const route = pim.routeOf(tree);
    if (isSsm(tree.group) || route === undefined || !pim.neighbours[route.iface]!.isDr) return;
    const rp = pim.rp(tree.group);
    if (rp === '' || pim.host.isOwn(rp)) return;
    tree.register ??= { state: 'join', timer: undefined };
    // Its hops count as those of a packet that is forwarded (section 4.4.1).
    if (tree.register.state !== 'join' || hopsOf(packet, pim.family) <= 1) return;
    if (this.tooBig(packet, rp)) return;
    this.counters.sent++;
    pim.host.unicast({ kind: 'register', border: false, nullRegister: false, packet: lowered(packet, pim.family) }, rp);
  }

  /**
   * IPv6: a packet that does not fit the register tunnel is not registered, and its source learns the MTU of the tunnel (section 4.4.1). Packets of
   * 1,280 bytes always go: links here carry messages of routers of any size.
   */
  private tooBig(packet: Uint8Array, rp: string): boolean {
    const { host, family } = this.pim;
    if (family === 4 || packet.length <= LEAST_MTU6) return false;
    const mtuBytes = Math.max(LEAST_MTU6, host.pathMtu(rp) - REGISTER_BYTES6);
    if (packet.length <= mtuBytes) return false;
    this.counters.tooBig++;
    host.tooBig(packet, mtuBytes);
    return true;
  }

  /** The source is silent. */
  idle(tree: Tree): void {
    cancel(tree.register?.timer);
    tree.register = undefined;
  }

  /** Another router is the designated one of the link now: of the sources there this one registers none. */
  drChanged(iface: number): void {
    const { pim } = this;
    if (pim.neighbours[iface]!.isDr) return;
    for (const tree of pim.trees()) if (tree.register !== undefined && pim.routeOf(tree)?.iface === iface) this.idle(tree);
  }

  /** A source that is not on a link of this router any more (DirectlyConnected) is not registered. */
  check(tree: Tree): void {
    if (tree.register !== undefined && this.pim.routeOf(tree)?.neighbour !== '') this.idle(tree);
  }

  /** A Register-Stop. One of any source counts for those that are registered now, not for later ones. */
  stopped({ source, group }: PimRegisterStop): void {
    const { pim } = this;
    const any = source === ANY[pim.family];
    for (const tree of any ? (pim.groups.get(group)?.sources.values() ?? []) : [pim.find(source, group)]) this.silence(tree);
  }

  /** To be silent for about a minute, then to ask with a register that carries no data. */
  private silence(tree: Tree | undefined): void {
    if (tree?.register === undefined) return;
    this.counters.stopped++;
    const { register } = tree;
    if (register.state === 'prune') return;
    register.state = 'prune';
    cancel(register.timer);
    const { registerSuppressionNs, registerProbeNs } = this.pim.settings;
    const ns = (0.5 + this.pim.random.float()) * registerSuppressionNs - registerProbeNs;
    register.timer = this.pim.clock.after(ns, () => {
      register.state = 'join-pending';
      this.probe(tree);
      register.timer = this.pim.clock.after(registerProbeNs, () => {
        register.state = 'join';
      });
    });
  }

  /** A register with nothing but an IP header inside (section 4.9.3). */
  private probe(tree: Tree): void {
    const { pim } = this;
    const rp = pim.rp(tree.group);
    const route = pim.routeOf(tree);
    if (rp === '' || route === undefined || !pim.neighbours[route.iface]!.isDr) return;
    this.counters.nulls++;
    const packet = nullRegisterPacket(pim.family, tree.source, tree.group);
    pim.host.unicast({ kind: 'register', border: false, nullRegister: true, packet }, rp);
  }

  /** At the rendezvous point (section 4.4.2). */
  register(message: PimRegister, from: string, destination: string): void {
    const { pim } = this;
    const { packet, nullRegister } = message;
    const whole = nullRegister ? isNullRegister(packet, pim.family) : ipHead(packet, 0, packet.length)?.family === pim.family;
    if (!whole) {
      this.counters.refused++;
      return;
    }
    const source = addressText(packet, pim.family === 4 ? 12 : 8, pim.family);
    const group = addressText(packet, pim.family === 4 ? 16 : 24, pim.family);
    this.counters.received++;
    if (!pim.host.isOwn(destination)) {
      this.counters.refused++;
      return;
    }
    if (!pim.host.isOwn(pim.rp(group)) || destination !== pim.rp(group)) {
      this.counters.refused++;
      this.stop(source, group, from);
      return;
    }
    const tree = pim.unknown.admit(source, group);
    if (tree === undefined) {
      this.counters.refused++;
      this.stop(source, group, from);
      return;
    }
    const wanted = pim.host.joinDesired(source, group, pim.olists.inherited(tree) !== 0);
    const stops = tree.spt || (pim.sptWanted && !wanted);
    if (stops) this.stop(source, group, from);
    if (tree.spt || pim.sptWanted) pim.keepAlive(tree, stops ? pim.settings.rpKeepaliveNs : pim.settings.keepaliveNs);
    if (!tree.spt && wanted && !nullRegister) pim.host.decapsulated(packet, source, group);
    pim.refresh(tree);
  }

  /** The rendezvous point of a group is another one now: registers go there at once (section 4.4.1). */
  rpChanged(group: string): void {
    for (const tree of this.pim.groups.get(group)?.sources.values() ?? []) {
      if (tree.register === undefined) continue;
      cancel(tree.register.timer);
      tree.register.state = 'join';
    }
  }

  private stop(source: string, group: string, to: string): void {
    this.counters.stops++;
    this.pim.host.unicast({ kind: 'register-stop', source, group }, to);
  }
}
