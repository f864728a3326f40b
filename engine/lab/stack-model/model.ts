import type { Scenario, StackSection } from '../../contract/index.ts';
import {
  CachedPool,
  ChannelMap,
  DROP_BAD_CHECKSUM,
  DROP_CHANNEL_GONE,
  DROP_DEVICE_RX_FULL,
  DROP_DST_RING_FULL,
  DROP_FLOW_SUSPENDED,
  DROP_NOMEM,
  DROP_NONE,
  DROP_PORT_NOMEM,
  Faults,
  META_WORDS,
  PKT_BUFLETS,
  PKT_FLOW,
  UserPacketPool,
  regionFootprint,
  type Arena,
  type Ladder,
  type Ring,
} from '../../stack/index.ts';
import { VERDICTS } from '../../contract/index.ts';
import type { PortQueue } from '../port-queue.ts';
import { CLOCK_NOW, DUE_READERS, NEVER } from '../services.ts';
import type { QueueWorld } from '../world.ts';
import { ClassQueues } from './class-queues.ts';
import { Control, USER_METADATA_BYTES, type ControlEffects } from './control.ts';
import { HeldBack } from './held-back.ts';

const SECOND_NS = 1_000_000_000;
/** A channel that reads less than this in a second is idle. */
const IDLE_BYTES_PER_S = 1_000;
/** The working set of a packet pool is what it had in use in this time. */
const WORKING_SET_S = 2;
const REAP_S = 10;
/** Packets that an application sends after it was resumed, before it looks at the table's event again. */
const RESUME_BATCH = 32;
const VERDICT_HELD = VERDICTS.indexOf('held');

/**
 * Counters of the worker and the hooks (S-09). `staleRefused` are indices that an application gave back after its channel was gone;
 * `heldBack` are packets that an application held because their flow was suspended.
 */
const COUNTERS = [
  'ticks',
  'prunes',
  'drains',
  'purges',
  'reaps',
  'segmentsFreed',
  'stalls',
  'stallDefuncts',
  'lostNotifications',
  'renotified',
  'badHeads',
  'staleRefused',
  'heldBack',
] as const;
export type WorkerCounters = Record<(typeof COUNTERS)[number], number>;

/** What the worker knows of a port. */
interface PortWork {
  bytesSeen: number;
  idleS: number;
  waitingSinceNs: number;
  stalled: boolean;
  /** Largest use of the pool in the last seconds. */
  recentUse: number[];
}

/**
 * The stack model of a queue's world. Each queue has its own, so that queues stay independent: every channel has a ring pair in each queue,
 * and the events of the scenario happen in all of them at the same instant. It is control plane, class queues, caches, faults and the worker of the flow switch. The world calls it at
 * a few places where a scenario with a `stack` section has one, and it is a service of the world like a reader: `run` is called when its next
 * event, tick or resumption is due.
 */
export class StackModel implements ControlEffects {
  readonly control: Control;
  readonly faults: Faults;
  readonly classQueues: ClassQueues | null;
  readonly heldBack: HeldBack;
  readonly userPool: UserPacketPool;
  readonly pools: readonly CachedPool[];
  readonly counters = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as WorkerCounters;
  private readonly world: QueueWorld;
  private readonly section: StackSection;
  private readonly service: number;
  private readonly work: PortWork[];
  private tickNs = NEVER;
  private pumpNs = NEVER;
  private ready = false;

  constructor(
    world: QueueWorld,
    arena: Arena,
    scenario: Scenario,
    section: StackSection,
    options: { ladder: Ladder; numbers: readonly number[]; service: number },
  ) {
    this.world = world;
    this.section = section;
    this.service = options.service;
    this.faults = new Faults(
      section.faults,
      (scenario.seed + world.queue) >>> 0,
      scenario.ports.map((p) => p.id),
    );
    this.userPool = new UserPacketPool(world.store.capacity);
    this.pools = world.pools().filter((p) => p instanceof CachedPool);
    this.heldBack = new HeldBack(section.aqm?.advisory.enable === true ? section.aqm.advisory.holdPackets : 0);
    this.work = scenario.ports.map(() => ({ bytesSeen: 0, idleS: 0, waitingSinceNs: NEVER, stalled: false, recentUse: [] }));
    this.classQueues =
      section.aqm === undefined
        ? null
        : new ClassQueues(world, arena, section.aqm, scenario.seed, () => {
            this.pumpSoon();
          });
    this.control = new Control(scenario, section, { numbers: options.numbers, ladder: options.ladder, arena, queue: world.queue }, this);
    this.ready = true;
    this.schedule();
  }

  /** Bytes of the arena that the model needs. */
  static footprint(scenario: Scenario): number {
    const section = scenario.stack;
    if (section === undefined) return 0;
    let bytes = 65_536 + (section.aqm === undefined ? 0 : regionFootprint(section.aqm.advisory.entries * 16));
    for (const port of scenario.ports) {
      const instances = Math.max(1, section.instances.filter((i) => i.port === port.id).length);
      bytes += instances * (ChannelMap.footprint({ rings: 2, packets: port.poolPackets, metadataBytes: USER_METADATA_BYTES }) + 4_096);
    }
    return bytes;
  }

  /** Packets that the model holds: in class queues and with suspended applications. */
  get held(): number {
    return this.heldBack.count + (this.classQueues?.packets ?? 0);
  }

  private get now(): number {
    return this.world.clock[CLOCK_NOW]!;
  }

  // Called by the receive path.

  /** A packet comes from the link: DROP_NONE, or why it is refused. */
  onArrival(): number {
    if (this.tickNs === NEVER) this.arm();
    if (this.faults.strikes('device-pool-alloc', -1)) return DROP_NOMEM;
    return this.faults.strikes('device-ring-full', -1) ? DROP_DEVICE_RX_FULL : DROP_NONE;
  }

  /** A packet is to go to a port: DROP_NONE, or why it is refused. */
  onReceive(place: number): number {
    if (this.faults.strikes('checksum-corruption', place)) return DROP_BAD_CHECKSUM;
    if (this.faults.strikes('port-pool-alloc', place)) return DROP_PORT_NOMEM;
    return this.faults.strikes('port-ring-full', place) ? DROP_DST_RING_FULL : DROP_NONE;
  }

  /** The packet is in the port's ring. False if its reader is not to be woken. */
  handed(place: number, slot: number): boolean {
    const port = this.world.ports[place]!;
    const instance = this.control.running(place);
    if (instance !== undefined && instance.opening > 0) this.userPool.hand(slot, instance.opening);
    if (port.rx.used !== 1) return true;
    this.work[place]!.waitingSinceNs = this.now;
    if (!this.faults.strikes('lost-notification', place)) return true;
    this.counters.lostNotifications++;
    return false;
  }

  /** True if the reader wrote a bad head: it reads again after a wake-up. */
  badHead(place: number): boolean {
    if (!this.faults.strikes('bad-head', place)) return false;
    const port = this.world.ports[place]!;
    // A head that no reader may write: beyond the tail.
    port.rx.head = port.rx.rtail + port.rx.slots;
    port.rx.sync();
    this.counters.badHeads++;
    const { wakeNs } = port.reader;
    this.world.due[DUE_READERS + place] = this.now + Math.max(1, wakeNs);
    return true;
  }

  /** A reader gives its first `n` packets back: each index must be one that it holds. */
  onReadDone(place: number, n: number): void {
    const port = this.world.ports[place]!;
    this.work[place]!.waitingSinceNs = this.now;
    const instance = this.control.running(place);
    if (instance === undefined || instance.opening === 0) return;
    for (let i = 0; i < n; i++) this.userPool.accept(port.rx.peek(i), instance.opening);
    publish(instance.map, port.rx, 0, this.now);
  }

  // Called by the transmit path.

  /** True if the application holds the packet, or has dropped it, because its flow is suspended: the admission test (S-07). */
  holds(place: number, slot: number): boolean {
    if (this.tickNs === NEVER) this.arm();
    const flow = this.world.store.meta[slot * META_WORDS + PKT_FLOW]!;
    const advisory = this.classQueues?.advisory;
    if (advisory === undefined || advisory === null || flow < 0) return false;
    const entry = advisory.find(flow);
    if ((entry < 0 || advisory.view.admitted(entry)) && !this.heldBack.has(flow)) return false;
    const port = this.world.ports[place]!;
    this.counters.heldBack++;
    if (this.heldBack.push(flow, place, slot)) {
      if (this.world.verdict !== null) this.world.verdict[this.world.store.meta[slot * META_WORDS]! - 1] = VERDICT_HELD;
    } else {
      port.counters.packetsIn++;
      this.world.dropAt(port, DROP_FLOW_SUSPENDED, slot, 'channel', port.tx.id);
    }
    return true;
  }

  txRingFull(place: number): boolean {
    return this.faults.strikes('tx-ring-full', place);
  }

  // The service.

  private schedule(): void {
    if (this.ready) this.world.setDue(this.service, Math.min(this.control.nextNs, this.tickNs, this.pumpNs));
  }

  private arm(): void {
    this.tickNs = (Math.floor(this.now / SECOND_NS) + 1) * SECOND_NS;
    this.schedule();
  }

  /** Runs what is due now: events first, in the order of the scenario, then the worker, then resumed applications. */
  run(): void {
    const { now } = this;
    while (this.control.nextNs <= now) {
      const record = this.control.step();
      const { trace } = this.world;
      if (trace !== null)
        trace.note(0, now, 'stack', 'control', 'event', { what: record.what, outcome: record.outcome, text: record.text });
    }
    if (this.tickNs <= now) this.tick();
    if (this.pumpNs <= now) this.pump();
    this.schedule();
  }

  private pumpSoon(): void {
    const reactNs = Math.round((this.section.aqm?.advisory.reactUs ?? 50) * 1e3);
    if (this.heldBack.count === 0 || this.pumpNs !== NEVER) return;
    this.pumpNs = this.now + reactNs;
    this.schedule();
  }

  /** Resumed applications send what they have held, as long as they are admitted and the ring has room. */
  private pump(): void {
    this.pumpNs = NEVER;
    const advisory = this.classQueues!.advisory!;
    let waiting = false;
    for (const { flow, place, slots } of this.heldBack.list()) {
      const port = this.world.ports[place]!;
      for (let n = Math.min(RESUME_BATCH, slots.length); n > 0; n--) {
        const entry = advisory.find(flow);
        if (entry >= 0 && !advisory.view.admitted(entry)) break;
        const buflets = this.world.store.meta[slots[0]! * META_WORDS + PKT_BUFLETS]!;
        if (port.tx.full || port.pool.used + buflets > port.pool.packets) break;
        this.world.offer(place, this.heldBack.shift(flow));
      }
      const entry = advisory.find(flow);
      waiting ||= this.heldBack.has(flow) && (entry < 0 || advisory.view.admitted(entry));
    }
    if (waiting) this.pumpSoon();
  }

  /** The worker of the flow switch, once a second while there is traffic (S-09). */
  private tick(): void {
    const { memory } = this.section;
    const second = Math.round(this.tickNs / SECOND_NS);
    this.counters.ticks++;
    this.world.ports.forEach((port, place) => {
      this.watch(port, place, second);
    });
    this.classQueues?.expire();
    if (second % Math.round(memory.pruneS) === 0) {
      this.counters.prunes++;
      for (const pool of this.pools) this.counters.segmentsFreed += pool.cache.prune();
    }
    const quietNs = (2 * memory.idleS + memory.pruneS + memory.stallS + REAP_S) * SECOND_NS;
    const quiet = this.now - this.world.lastArrivalNs > quietNs && this.world.held === 0;
    this.tickNs = quiet ? NEVER : this.tickNs + SECOND_NS;
  }

  private watch(port: PortQueue, place: number, second: number): void {
    const { memory } = this.section;
    const work = this.work[place]!;
    const reader = DUE_READERS + place;
    if (port.rx.used > 0 && port.reading === 0 && this.world.due[reader] === NEVER) {
      this.counters.renotified++;
      this.world.setDue(reader, port.reader.free(this.now + port.reader.wakeNs));
    }
    const stalled = port.rx.used > 0 && this.now - work.waitingSinceNs >= memory.stallS * SECOND_NS;
    if (stalled && second % Math.max(1, Math.round(memory.stallS)) === 0) this.stall(place);
    if (!stalled) work.stalled = false;
    const pool = port.pool as CachedPool;
    work.recentUse.push(pool.used);
    if (work.recentUse.length > WORKING_SET_S) work.recentUse.shift();
    const { cache } = pool;
    const atHand = cache.stats();
    if (second % REAP_S === 0 && Math.max(...work.recentUse) < atHand.inUse + atHand.loaded + atHand.previous) {
      this.counters.reaps++;
      this.counters.segmentsFreed += cache.prune();
    }
    const bytes = port.counters.bytesOut;
    work.idleS = bytes - work.bytesSeen < IDLE_BYTES_PER_S ? work.idleS + 1 : 0;
    work.bytesSeen = bytes;
    if (work.idleS === Math.round(memory.idleS)) {
      this.counters.drains++;
      this.counters.segmentsFreed += cache.prune();
    } else if (work.idleS === 2 * Math.round(memory.idleS)) {
      this.counters.purges++;
      this.counters.segmentsFreed += cache.purge();
    }
  }

  /** Packets have waited for so long that the channel is made defunct; the host stack is only reported. */
  private stall(place: number): void {
    const work = this.work[place]!;
    if (!work.stalled) this.counters.stalls++;
    work.stalled = true;
    const instance = this.control.running(place);
    if (instance === undefined || instance.opening === 0) return;
    if (this.control.stalled(instance, this.now).outcome === 'done') this.counters.stallDefuncts++;
  }

  // What the control plane does to packets.

  purge(place: number, opening: number): number {
    if (!this.ready) return 0;
    const port = this.world.ports[place]!;
    const { rx } = port;
    this.userPool.revoke(opening);
    const refused = this.userPool.refused;
    // What the application has in its hands it gives back later: none of it is taken.
    for (let i = 0; i < port.reading; i++) this.userPool.accept(rx.peek(i), opening);
    this.counters.staleRefused += this.userPool.refused - refused;
    let n = this.empty(port, rx) + this.empty(port, port.tx);
    port.reading = 0;
    port.polling = 0;
    this.world.due[DUE_READERS + place] = NEVER;
    this.world.due[this.world.link + 1 + place] = NEVER;
    for (const held of this.heldBack.list()) {
      if (held.place !== place) continue;
      for (let left = held.slots.length; left > 0; left--) {
        port.counters.packetsIn++;
        this.world.dropAt(port, DROP_CHANNEL_GONE, this.heldBack.shift(held.flow), 'channel', port.tx.id);
        n++;
      }
    }
    return n;
  }

  private empty(port: PortQueue, ring: Ring): number {
    const n = ring.used;
    const { meta } = this.world.store;
    let buflets = 0;
    for (let i = 0; i < n; i++) {
      const slot = ring.peek(i);
      buflets += meta[slot * META_WORDS + PKT_BUFLETS]!;
      this.world.dropAt(port, DROP_CHANNEL_GONE, slot, 'channel', ring.id);
    }
    port.pool.give(buflets);
    ring.consume(n);
    return n;
  }

  packetsOut(place: number): number {
    if (!this.ready) return 0;
    const port = this.world.ports[place]!;
    return port.rx.used + port.tx.used;
  }

  rechoose(): number {
    return this.ready ? this.world.fsw.rechoose() : 0;
  }

  setClosed(place: number, closed: boolean): void {
    this.world.fsw.closed[place] = closed ? 1 : 0;
  }

  reclaim(place: number): number {
    if (!this.ready) return 0;
    const pools = place < 0 ? this.pools : [this.world.ports[place]!.pool as CachedPool];
    let freed = 0;
    for (const pool of pools) freed += pool.cache.purge();
    this.counters.segmentsFreed += freed;
    return freed;
  }

  setFault(id: string, on: boolean): boolean {
    return this.faults.set(id, on);
  }

  // Snapshots. Packets inside are written by the world; `slotOf` gives the number that one has there.

  /** Packets that stand in none of the world's rings. */
  inside(): number[] {
    return [...(this.classQueues?.queues.flatMap((q) => q.inside()) ?? []), ...this.heldBack.list().flatMap((h) => h.slots)];
  }

  save(slotOf: (slot: number) => number): number[] {
    const out = [...this.control.save(), this.tickNs, this.pumpNs, this.userPool.refused, ...COUNTERS.map((name) => this.counters[name])];
    for (const w of this.work) out.push(w.bytesSeen, w.idleS, w.waitingSinceNs, w.stalled ? 1 : 0, w.recentUse.length, ...w.recentUse);
    out.push(...this.faults.save());
    for (const pool of this.pools) out.push(...pool.saveCache());
    out.push(...this.heldBack.save(slotOf));
    if (this.classQueues !== null) out.push(...this.classQueues.save(slotOf));
    return out;
  }

  restore(get: () => number, slotAt: (place: number) => number): void {
    this.ready = false;
    // The packets are those of the snapshot already: while the control plane is brought there, nothing may happen to them.
    this.control.restore(get);
    [this.tickNs, this.pumpNs] = [get(), get()];
    this.userPool.reset(get());
    for (const name of COUNTERS) this.counters[name] = get();
    for (const w of this.work) {
      [w.bytesSeen, w.idleS, w.waitingSinceNs] = [get(), get(), get()];
      w.stalled = get() === 1;
      w.recentUse = Array.from({ length: get() }, get);
    }
    this.faults.restore(get);
    for (const pool of this.pools) pool.restoreCache(get);
    this.heldBack.restore(get, slotAt);
    this.classQueues?.restore(get, slotAt);
    this.world.ports.forEach((port, place) => {
      const opening = this.control.running(place)?.opening ?? 0;
      if (opening === 0) return;
      for (let i = 0; i < port.rx.used; i++) this.userPool.hand(port.rx.peek(i), opening);
      publish(this.control.running(place)!.map, port.rx, 0, this.now);
    });
    this.ready = true;
  }
}

/** What the user sees of a ring in its map: the kernel's head and tail, slots, last sync in microseconds, and refused heads. */
function publish(map: ChannelMap | null, ring: Ring, place: number, nowNs: number): void {
  if (map === null) return;
  const at = place * 6;
  const values = [ring.headSlot, ring.tailSlot, ring.headSlot, ring.slots, Math.floor(nowNs / 1_000) | 0, ring.errors];
  values.forEach((value, i) => {
    map.write('ring', at + i, value);
  });
}
