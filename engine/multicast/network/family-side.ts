import type { Random } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import type { MembershipPort } from '../membership/index.ts';
import type { PimMessage } from '../messages/index.ts';
import type { PimHost, PimNote, PimRoute, PimRouter } from '../pim/index.ts';
import { REGISTER_INTERFACE } from './installer.ts';
import type { RouterNode } from './router-node.ts';

/** One family of a router: membership on its interfaces, PIM, and what PIM needs of the router. */
export class FamilySide implements PimHost {
  readonly family: Family;
  readonly clock: EventClock;
  readonly random: Random;
  /** By interface; undefined where the link does not carry the family. */
  ports: (MembershipPort | undefined)[] = [];
  pim!: PimRouter;
  private readonly router: RouterNode;

  constructor(router: RouterNode, family: Family, random: Random) {
    this.router = router;
    this.family = family;
    this.clock = router.world.clock;
    this.random = random;
  }

  start(): void {
    for (const port of this.ports) port?.start();
    this.pim.start();
  }

  stop(): void {
    this.pim.stop();
    for (const port of this.ports) port?.stop();
  }

  rpf(address: string): PimRoute | undefined {
    return this.router.routes.rpf(this.family, address);
  }

  isOwn(address: string): boolean {
    return this.router.isOwn(address);
  }

  send(iface: number, message: PimMessage): void {
    this.router.sendPim(this.family, iface, message);
  }

  unicast(message: PimMessage, destination: string): void {
    this.router.unicastPim(this.family, message, destination);
  }

  pathMtu(address: string): number {
    return this.router.routes.pathMtu(address);
  }

  tooBig(packet: Uint8Array, mtuBytes: number): void {
    this.router.dataPath.tellTooBig(packet, mtuBytes);
  }

  includeAny(group: string): number {
    let mask = 0;
    for (let iface = 0; iface < this.ports.length; iface++) if (this.ports[iface]?.includesAny(group) === true) mask |= 1 << iface;
    return mask;
  }

  includeSource(source: string, group: string): number {
    let mask = 0;
    for (let iface = 0; iface < this.ports.length; iface++)
      if (this.ports[iface]?.includesSource(source, group) === true) mask |= 1 << iface;
    return mask;
  }

  excludes(source: string, group: string): number {
    let mask = 0;
    for (let iface = 0; iface < this.ports.length; iface++) if (this.ports[iface]?.excludes(source, group) === true) mask |= 1 << iface;
    return mask;
  }

  joinDesired(source: string, group: string, own: boolean): boolean {
    return this.router.coupling?.joinDesired(this.family, source, group, own) ?? own;
  }

  wantedElsewhere(source: string, group: string): boolean {
    return this.router.coupling?.wantedElsewhere(this.family, source, group) === true;
  }

  changed(source: string, group: string): void {
    this.router.dataPath.changed();
    const known = this.router.coupling?.changed(this.family, source, group) === true;
    if (!known) this.router.installer.ofFamily(this.family, group);
    this.router.entriesChanged();
  }

  decapsulated(packet: Uint8Array, source: string, group: string): void {
    this.router.dataPath.pass(this, REGISTER_INTERFACE, packet, source, group, true);
  }

  note({ kind, iface, source, group, text }: PimNote): void {
    const link = iface < 0 ? '' : this.router.interfaces[iface]!.link.id;
    this.router.world.recorder.add({ router: this.router.id, link, direction: 'internal', protocol: 'PIM', kind, source, group, text });
  }
}
