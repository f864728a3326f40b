import { assert } from '../../base/index.ts';
import { META_WORDS, PKT_FLOW, PKT_LEN, PKT_NUMBER, histogramBucket, trackTcp, type Pool, type Ring } from '../../stack/index.ts';
import type { PortQueue } from '../port-queue.ts';
import { withoutRecord } from '../receive-path.ts';
import { DUE_LINGER, DUE_SERIES } from '../services.ts';
import type { FeedKernel, QueueWorld } from '../world.ts';
import * as L from './layout.ts';
import type { Reserve } from './reserve.ts';

/** What a kernel needs to be made in a thread: code and memory can both be handed from thread to thread. */
export interface KernelCode {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

/** Functions of the module, see assembly/chunk.ts and assembly/feed.ts. Addresses in bytes. */
export interface KernelExports {
  walk(c: number, from: number, stop: number, have: number): number;
  classify(c: number): void;
  group(c: number): void;
  feed(q: number, rows: number, order: number, from: number, to: number, tsNs: number, lens: number, firstNumber: number): void;
}

/**
 * Whether a kernel does all that a world does with received packets: it has neither traces and verdicts nor what ports do beside reading
 * (sockets, translation, stacks), and nothing is sent.
 */
export function suitsKernel(world: QueueWorld): boolean {
  if (world.verdict !== null || world.trace !== null || world.model !== null || world.metered !== null || world.hooks !== null)
    return false;
  if (world.lowLatency || world.haveLocal || world.services !== world.link) return false;
  return world.ports.every(({ reader }) => reader.stalls === 0 && reader.perByteNs === 0);
}

/** The kernel's instance of one thread, and the worlds that it runs. */
export class LaneKernel {
  readonly exports: KernelExports;
  /** Classifies a record that the kernel does not know, of the chunk that it is at. */
  onOther: (i: number) => void = () => undefined;
  private readonly words: Int32Array;
  private readonly kernels: WorldKernel[] = [];

  constructor({ module, memory }: KernelCode) {
    this.words = new Int32Array(memory.buffer);
    const instance = new WebAssembly.Instance(module, { env: { memory }, host: this.calls() });
    this.exports = instance.exports as unknown as KernelExports;
  }

  /** Runs a world from now on, whose tables are in `reserve`. */
  adopt(world: QueueWorld, reserve: Reserve): void {
    assert(reserve.buffer === this.words.buffer && suitsKernel(world), 'a kernel runs plain worlds in its own memory');
    const kernel = new WorldKernel(world, reserve, this.kernels.length, this.exports);
    this.kernels.push(kernel);
    world.kernel = kernel;
  }

  /** What the kernel leaves to the worlds: see assembly/host.ts. */
  private calls(): WebAssembly.ModuleImports {
    const { kernels, words } = this;
    const worldOf = (index: number): QueueWorld => kernels[index]!.world;
    return {
      classifyOther: (i: number) => {
        this.onOther(i);
      },
      insert: (index: number, rowBytes: number) => kernels[index]!.insert(words, rowBytes >>> 2),
      arrived: (index: number, id: number, meta: number, number: number, lenBytes: number) => {
        worldOf(index).fsw.arrived(id, meta, number, lenBytes >>> 0);
      },
      withoutRecord: (index: number, rowBytes: number) => withoutRecord(worldOf(index), words, rowBytes >>> 2),
      lookup: (index: number, id: number, slot: number) => kernels[index]!.lookup(id, slot),
      track: (index: number, id: number, slot: number) => {
        const { fsw, store } = worldOf(index);
        trackTcp(fsw.table, id, store.meta, slot * META_WORDS);
      },
      droppedAtDevice: (index: number, code: number, flow: number, number: number) => {
        kernels[index]!.droppedAtDevice(code, flow, number);
      },
      droppedAtPort: (index: number, port: number, code: number, slot: number) => {
        kernels[index]!.droppedAtPort(port, code, slot);
      },
      expire: (index: number, tNs: number) => {
        worldOf(index).expire(tNs);
      },
      closeBin: (index: number) => {
        kernels[index]!.closeBin();
      },
      delayBucket: histogramBucket,
    };
  }
}

/** One world and its block in the memory: figures go into the block when packets are fed, and back when somebody is to look at the world. */
class WorldKernel implements FeedKernel {
  readonly world: QueueWorld;
  private readonly exports: KernelExports;
  private readonly at: number;
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  /** The world's figures are in the block. */
  private inside = false;

  constructor(world: QueueWorld, reserve: Reserve, index: number, exports: KernelExports) {
    this.world = world;
    this.exports = exports;
    const lenBytes = L.Q_FIRST_PORT + world.ports.length * L.PORT_BYTES;
    this.at = reserve.take(lenBytes);
    this.words = new Int32Array(reserve.buffer, this.at, lenBytes >> 2);
    this.floats = new Float64Array(reserve.buffer, this.at, lenBytes >> 3);
    this.describe(index, reserve.int32(L.LOOKUP_BATCH).byteOffset);
  }

  /** What does not change. */
  private describe(index: number, ids: number): void {
    const { world } = this;
    const { store } = world;
    this.setFloat(L.Q_MODERATION, world.moderationNs);
    this.setFloat(L.Q_PER_PACKET, world.perPacketNs);
    this.setFloat(L.Q_PER_BATCH, world.perBatchNs);
    this.set(L.Q_WORLD, index);
    this.set(L.Q_HOST, world.hostIndex);
    this.set(L.Q_SERVICES, world.services);
    this.set(L.Q_CLOCK, world.clock.byteOffset);
    this.set(L.Q_DUE, world.due.byteOffset);
    this.set(L.Q_BATCH, world.batch);
    this.set(L.Q_META, store.meta.byteOffset);
    this.set(L.Q_ARRIVALS, store.arrivalNs.byteOffset);
    this.set(L.Q_FREE, store.free.byteOffset);
    this.set(L.Q_CAPACITY, store.capacity);
    this.set(L.Q_IDS, ids);
    this.describeQueue(0, world.deviceRx, world.devicePool, L.Q_RING, L.Q_POOL);
    world.ports.forEach((port, i) => {
      const base = portAt(i);
      this.setFloat(base + L.T_WAKE, port.reader.wakeNs);
      this.setFloat(base + L.T_WHOLE, port.reader.wholeNs);
      this.set(base + L.T_READ_BATCH, port.reader.batch);
      this.set(base + L.T_DELAYS, port.counters.delays.byteOffset);
      this.describeQueue(base, port.rx, port.pool, L.T_RING, L.T_POOL);
    });
  }

  private describeQueue(base: number, ring: Ring, pool: Pool, ringAt: number, poolAt: number): void {
    this.set(base + ringAt + L.R_DESCRIPTORS, ring.descriptors.byteOffset);
    this.set(base + ringAt + L.R_SLOTS, ring.slots);
    this.set(base + poolAt + L.P_BUFLETS, pool.packets);
    this.set(base + poolAt + L.P_BUFFER_BYTES, pool.bufferBytes);
  }

  feed(
    rows: Int32Array,
    order: Uint32Array,
    from: number,
    to: number,
    tsNs: Float64Array,
    lenBytes: Uint32Array,
    firstNumber: number,
  ): void {
    if (!this.inside) this.enter();
    this.inside = true;
    this.exports.feed(this.at, rows.byteOffset, order.byteOffset, from, to, tsNs.byteOffset, lenBytes.byteOffset, firstNumber);
    this.world.packets += to - from;
    this.world.bytes += this.float(L.Q_BYTES);
  }

  settle(): void {
    if (this.inside) this.leave();
    this.inside = false;
  }

  private enter(): void {
    const { world } = this;
    this.setFloat(L.Q_LAST_ARRIVAL, world.lastArrivalNs);
    this.setFloat(L.Q_END, world.endNs);
    this.set(L.Q_POLLING, world.polling);
    this.set(L.Q_FINISHED, 0);
    this.set(L.Q_IN_USE, world.store.used);
    this.enterQueue(0, world.deviceRx, world.devicePool, L.Q_RING, L.Q_POOL);
    for (let i = 0; i < world.ports.length; i++) this.enterPort(world.ports[i]!, portAt(i));
    this.flowTables();
  }

  private enterPort(port: PortQueue, base: number): void {
    this.setFloat(base + L.T_READ_START, port.readStartNs);
    this.setFloat(base + L.T_MAX_DELAY, port.counters.maxDelayNs);
    this.setFloat(base + L.T_BYTES_OUT, 0);
    this.set(base + L.T_READING, port.reading);
    this.set(base + L.T_PACKETS_IN, 0);
    this.set(base + L.T_DELIVERED, 0);
    this.enterQueue(base, port.rx, port.pool, L.T_RING, L.T_POOL);
  }

  private enterQueue(base: number, ring: Ring, pool: Pool, ringAt: number, poolAt: number): void {
    this.set(base + ringAt + L.R_HEAD, ring.head);
    this.set(base + ringAt + L.R_TAIL, ring.rtail);
    this.set(base + ringAt + L.R_USED, ring.used);
    this.set(base + ringAt + L.R_WINDOW_MAX, ring.windowMax);
    this.set(base + ringAt + L.R_DEQUEUED, 0);
    this.set(base + ringAt + L.R_DROPS, 0);
    this.set(base + poolAt + L.P_USED, pool.used);
    this.set(base + poolAt + L.P_WINDOW_MAX, pool.windowMax);
    this.set(base + poolAt + L.P_FAILURES, 0);
  }

  private leave(): void {
    const { world } = this;
    world.lastArrivalNs = this.float(L.Q_LAST_ARRIVAL);
    world.endNs = this.float(L.Q_END);
    world.polling = this.word(L.Q_POLLING);
    world.finished += this.word(L.Q_FINISHED);
    world.store.used = this.word(L.Q_IN_USE);
    this.leaveQueue(0, world.deviceRx, world.devicePool, L.Q_RING, L.Q_POOL);
    for (let i = 0; i < world.ports.length; i++) this.leavePort(world.ports[i]!, portAt(i));
  }

  private leavePort(port: PortQueue, base: number): void {
    const { counters } = port;
    port.readStartNs = this.float(base + L.T_READ_START);
    counters.maxDelayNs = this.float(base + L.T_MAX_DELAY);
    counters.bytesOut += this.float(base + L.T_BYTES_OUT);
    port.reading = this.word(base + L.T_READING);
    counters.packetsIn += this.word(base + L.T_PACKETS_IN);
    counters.delivered += this.word(base + L.T_DELIVERED);
    this.leaveQueue(base, port.rx, port.pool, L.T_RING, L.T_POOL);
  }

  private leaveQueue(base: number, ring: Ring, pool: Pool, ringAt: number, poolAt: number): void {
    ring.head = this.word(base + ringAt + L.R_HEAD);
    ring.khead = ring.head;
    ring.rtail = this.word(base + ringAt + L.R_TAIL);
    ring.used = this.word(base + ringAt + L.R_USED);
    ring.windowMax = this.word(base + ringAt + L.R_WINDOW_MAX);
    ring.dequeued += this.word(base + ringAt + L.R_DEQUEUED);
    ring.drops += this.word(base + ringAt + L.R_DROPS);
    pool.used = this.word(base + poolAt + L.P_USED);
    pool.windowMax = this.word(base + poolAt + L.P_WINDOW_MAX);
    pool.failures += this.word(base + poolAt + L.P_FAILURES);
  }

  /** Where the flow tables are now. */
  private flowTables(): void {
    const { table } = this.world.fsw;
    this.set(L.Q_SLOTS, table.slots.byteOffset);
    this.set(L.Q_MASK, table.mask);
    this.set(L.Q_ENTRIES, table.entries.byteOffset);
    this.set(L.Q_TAILS, table.tails.byteOffset);
    this.set(L.Q_FLOWS, table.count);
  }

  insert(rows: Int32Array, base: number): number {
    const id = this.world.fsw.table.insert(rows, base);
    this.flowTables();
    return id;
  }

  lookup(id: number, slot: number): number {
    const { fsw, store, due } = this.world;
    const port = fsw.lookup(id, store.meta, slot * META_WORDS, false);
    if (fsw.wheel.nextTickNs < due[DUE_LINGER]!) due[DUE_LINGER] = fsw.wheel.nextTickNs;
    return port;
  }

  droppedAtDevice(code: number, flow: number, number: number): void {
    this.world.device.dropped++;
    this.drop(code, flow, number);
  }

  droppedAtPort(place: number, code: number, slot: number): void {
    const { store, ports } = this.world;
    const w = slot * META_WORDS;
    const { counters } = ports[place]!;
    counters.dropped++;
    counters.bytesDropped += store.meta[w + PKT_LEN]!;
    this.drop(code, store.meta[w + PKT_FLOW]!, store.meta[w + PKT_NUMBER]!);
  }

  private drop(code: number, flow: number, number: number): void {
    this.world.endNs = this.float(L.Q_END);
    this.world.drop(code, flow, number, '', '');
    this.setFloat(L.Q_END, this.world.endNs);
  }

  closeBin(): void {
    const { series, due } = this.world;
    this.leave();
    series!.flush();
    due[DUE_SERIES] = series!.edgeNs;
    this.enter();
  }

  private set(at: number, value: number): void {
    this.words[at >> 2] = value;
  }

  private word(at: number): number {
    return this.words[at >> 2]!;
  }

  private setFloat(at: number, value: number): void {
    this.floats[at >> 3] = value;
  }

  private float(at: number): number {
    return this.floats[at >> 3]!;
  }
}

function portAt(place: number): number {
  return L.Q_FIRST_PORT + place * L.PORT_BYTES;
}
