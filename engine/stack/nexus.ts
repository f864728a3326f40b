import { err, ok, type Result } from '../base/index.ts';
import type { Arena } from './arena.ts';
import { Channel, type ChannelRing, type Credentials } from './channel.ts';
import { Ladder, patternText, type FlowPattern } from './ladder.ts';
import { Netns, type Reservation } from './netns.ts';

/**
 * The flow switch as a nexus: numbered ports (0 device, 1 host, 2.. user), who may open them, the channels that are open, and the
 * flows and listeners that stacks have installed. The in-kernel BSD stack is one stack instance among others; a local
 * port belongs to one of them (S-06).
 */
export const PORT_DEVICE = 0;
export const PORT_HOST = 1;
export const PORT_FIRST_USER = 2;
/** As in Skywalk. */
export const MAX_PORTS = 4_096;
/** Flows and listeners that stacks may install at once. */
export const MAX_RULES = 65_536;

/** What a port asks of whoever opens it; what is left out is not asked. */
export interface PortBinding {
  readonly pid?: number;
  readonly executable?: string;
  readonly key?: string;
}

export interface NexusPort {
  readonly number: number;
  readonly id: string;
  readonly kind: 'device' | 'host' | 'user';
  binding: PortBinding | null;
  channel: Channel | null;
}

/** A flow or a listener that a stack has installed. */
export interface InstalledFlow {
  readonly id: number;
  readonly owner: string;
  readonly port: number;
  readonly pattern: FlowPattern;
  readonly reservation: Reservation | null;
}

export class Nexus {
  readonly ports: NexusPort[] = [];
  readonly ladder: Ladder;
  readonly netns = new Netns();
  private readonly installed = new Map<number, InstalledFlow>();
  private nextFlow = 1;
  private nextUser = PORT_FIRST_USER;

  /** `ladder`: where rules go that the flow switch asks. */
  constructor(ladder = new Ladder()) {
    this.ladder = ladder;
    this.ports.push({ number: PORT_DEVICE, id: 'device', kind: 'device', binding: null, channel: null });
  }

  /** Adds the host port or the next user port. */
  addPort(id: string, kind: 'host' | 'user'): Result<NexusPort, string> {
    if (this.ports.length >= MAX_PORTS) return err('the flow switch has no port left');
    if (this.ports.some((p) => p.id === id)) return err(`there is a port ${id} already`);
    const number = kind === 'host' ? PORT_HOST : this.nextUser++;
    if (this.port(number) !== undefined) return err('there is a host port already');
    const port: NexusPort = { number, id, kind, binding: null, channel: null };
    this.ports.push(port);
    return ok(port);
  }

  port(number: number): NexusPort | undefined {
    return this.ports.find((p) => p.number === number);
  }

  /** Says who may open a user port. An open channel is not touched. */
  bind(number: number, binding: PortBinding): Result<NexusPort, string> {
    const port = this.port(number);
    if (port === undefined || port.kind !== 'user') return err(`port ${String(number)} is not a user port`);
    port.binding = binding;
    return ok(port);
  }

  /** Opens a channel on a user port: one at a time, and only for who fits the port's binding. */
  open(number: number, who: Credentials, rings: readonly ChannelRing[], arena: Arena): Result<Channel, string> {
    const port = this.port(number);
    if (port === undefined || port.kind !== 'user') return err(`port ${String(number)} is not a user port`);
    if (port.channel !== null) return err(`port ${port.id} is open already`);
    const b = port.binding;
    if (b?.pid !== undefined && b.pid !== who.pid) return err(`port ${port.id} is bound to process ${String(b.pid)}`);
    if (b?.executable !== undefined && b.executable !== who.executable) return err(`port ${port.id} is bound to ${b.executable}`);
    if (b?.key !== undefined && b.key !== who.key) return err(`port ${port.id} is bound to a key that was not given`);
    const region = Channel.region(arena, port.id, rings.length);
    if (region === undefined) return err('the arena is full');
    const schema = new Int32Array(arena.buffer, region.offset, Channel.schemaWords(rings.length));
    port.channel = new Channel(
      schema,
      number,
      rings,
      who,
      () => {
        port.channel = null;
        this.removeOwner(ownerOf(port), number);
      },
      region,
    );
    return ok(port.channel);
  }

  /**
   * Installs a flow (remote end given) or a listener for the stack on a port (S-05). The local port is reserved for it first; a
   * stack may use a port it has reserved for several flows that differ, but two stacks never share one.
   */
  addFlow(number: number, pattern: FlowPattern, options: { reuse?: boolean; owner?: string } = {}): Result<InstalledFlow, string> {
    const port = this.port(number);
    if (port === undefined || port.kind === 'device') return err(`port ${String(number)} has no stack`);
    if (this.installed.size >= MAX_RULES) return err('no room for another flow');
    const owner = options.owner ?? ownerOf(port);
    // The same flow of another stack is refused below, where its reservation is found.
    const reservable = pattern.localPort !== undefined && (pattern.protocol === 6 || pattern.protocol === 17);
    if (this.ladder.has(pattern) && (!reservable || this.ownerOfFlow(pattern) === owner)) return err('the same flow is installed already');
    let reservation: Reservation | null = null;
    if (pattern.localPort !== undefined && reservable) {
      const wanted: Reservation = {
        protocol: pattern.protocol === 6 ? 'tcp' : 'udp',
        localPort: pattern.localPort,
        owner,
        reuse: options.reuse ?? true,
        family: pattern.ipVersion,
        use: pattern.remoteAddress === undefined && pattern.remotePort === undefined ? 'listener' : 'connected',
        ...(pattern.localAddress === undefined ? {} : { address: pattern.localAddress.join('.') }),
      };
      const reserved = this.netns.reserve(wanted);
      if (!reserved.ok) return err(reserved.error.message);
      reservation = wanted;
    }
    if (!this.ladder.add(pattern, number)) {
      if (reservation !== null) this.netns.release(reservation);
      return err('the ladder has no mask of this shape');
    }
    const flow: InstalledFlow = { id: this.nextFlow++, owner, port: number, pattern, reservation };
    this.installed.set(flow.id, flow);
    return ok(flow);
  }

  private ownerOfFlow(pattern: FlowPattern): string | undefined {
    const text = patternText(pattern);
    for (const flow of this.installed.values()) if (patternText(flow.pattern) === text) return flow.owner;
    return undefined;
  }

  /** Takes a flow out and gives its reservation back. False if there is none of this number. */
  removeFlow(id: number): boolean {
    const flow = this.installed.get(id);
    if (flow === undefined) return false;
    this.installed.delete(id);
    this.ladder.remove(flow.pattern);
    if (flow.reservation !== null) this.netns.release(flow.reservation);
    return true;
  }

  get flows(): readonly InstalledFlow[] {
    return [...this.installed.values()];
  }

  /** Everything a stack has installed, when it goes. */
  private removeOwner(owner: string, port: number): void {
    for (const flow of this.installed.values()) if (flow.port === port) this.removeFlow(flow.id);
    this.netns.releaseOwner(owner);
  }
}

function ownerOf(port: NexusPort): string {
  return port.kind === 'host' ? 'bsd' : `stack ${port.id}`;
}
