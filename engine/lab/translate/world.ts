import { assert, assertDefined, Mementos, type Memento } from '../../base/index.ts';
import { VERDICTS, type Scenario } from '../../contract/index.ts';
import type { RecordBatch } from '../../files/index.ts';
import {
  CompiledSelector,
  DROP_PORT_NOMEM,
  DROP_TX_RING_FULL,
  META_WORDS,
  PKT_ACK,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  PKT_NUMBER,
  PKT_PAYLOAD,
  PKT_SEQ,
  type Arena,
} from '../../stack/index.ts';
import { eventOf, isEvent, isTranslated, PacketSink, reasonOf, ruleOf, SINK_KIND } from '../../translator/index.ts';
import {
  META_FIRST_FRAGMENT,
  META_FLOW,
  META_FROM_B,
  META_HAS_PORTS,
  ROW_ACK,
  ROW_META,
  ROW_PAYLOAD,
  ROW_SEQ,
  ROW_WORDS,
  classifyRange,
} from '../../wire/index.ts';
import { FIRST_COPY_DETAIL, makeMulticastPort, type MulticastPort, type MulticastStep } from '../multicast/plain.ts';
import type { PortQueue } from '../port-queue.ts';
import { toPort } from '../receive-path.ts';
import { CLOCK_NOW, DUE_LINGER, DUE_READERS, NEVER } from '../services.ts';
import type { Reader, Writer } from '../snapshot.ts';
import { QueueWorld, type PacketHooks, type WorldOptions } from '../world.ts';
import { SlotPackets } from './slot-packets.ts';
import { makeTranslatorPort, tell, type TranslatorPort } from './translator-port.ts';

const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_DROPPED = VERDICTS.indexOf('dropped');
const VERDICT_HELD = VERDICTS.indexOf('held');
const VERDICT_TRANSLATED = VERDICTS.indexOf('translated');
const VERDICT_REFUSED = VERDICTS.indexOf('refused');
const VERDICT_FORWARDED = VERDICTS.indexOf('forwarded');

/** Output of one packet at most; see CaptureRun. */
const SINK_BYTES = 2 * 1024 * 1024;
const SINK_PACKETS = 4_096;
const LINKTYPE_RAW = 101;
/** Instead of a place in `SlotPackets.next`: whatever port of this machine the flow has. */
const LOCAL = -2;

/** Whether a scenario has a port that needs packet bytes and state of all queues. */
export function needsPacketBytes(scenario: Scenario): boolean {
  return scenario.ports.some(({ kind }) => kind === 'translator' || kind === 'multicast');
}

/** What a port did with a packet that somebody traces: bytes from the IP header on. */
export interface TranslationStep {
  readonly port: string;
  readonly number: number;
  readonly tNs: number;
  readonly side: 4 | 6;
  readonly code: number;
  readonly before: Uint8Array;
  readonly after: readonly { readonly side: number; readonly kind: number; readonly bytes: Uint8Array }[];
}

/**
 * The queue of a scenario with translator or multicast ports. What a translator port reads from its RX ring it translates; what comes out enters its TX
 * ring, goes through the switch again and so to the next translator that selects it, to a port of this machine if that has the address, or to the
 * device TX ring and the link. What this machine sends goes through the first translator that selects it. A packet passes each translator once at
 * most. A multicast port hands what it reads to its router, whose copies and messages enter its TX ring and go to the device, or to the port that a
 * link of the router stands for.
 */
export class TranslatingWorld extends QueueWorld implements PacketHooks {
  readonly translators: readonly TranslatorPort[];
  /** Steps of traced packets. */
  readonly steps: TranslationStep[] = [];
  /** Multicast ports, and steps of traced packets in them. */
  readonly routers: readonly MulticastPort[];
  readonly routed: MulticastStep[] = [];
  private readonly byPort: readonly (TranslatorPort | null)[];
  private readonly portIds: readonly string[];
  /** Selectors of the translator ports, none for others. */
  private readonly selectors: readonly (readonly CompiledSelector[])[];
  private readonly key = new Int32Array(ROW_WORDS);
  private readonly routerByPort: readonly (MulticastPort | null)[];
  /** Bytes of the link header that the latest packet had: what a router's own messages get. */
  private readonly state = { linkHeader: 0 };
  /** Place of the routers' timers among the services. */
  private readonly timers: number;
  private readonly mementos: Mementos;
  private source: RecordBatch | null = null;
  private readonly sink = new PacketSink(SINK_BYTES, SINK_PACKETS);
  private readonly row = new Int32Array(ROW_WORDS);
  private readonly flowId = new Int32Array(1);
  private readonly inside: SlotPackets;

  constructor(arena: Arena, scenario: Scenario, queue: number, options: WorldOptions) {
    super(arena, scenario, queue, options);
    this.inside = new SlotPackets(this.store.capacity);
    this.portIds = scenario.ports.map(({ id }) => id);
    this.selectors = scenario.ports.map(({ kind, select }) =>
      kind === 'translator' ? select.map((each) => new CompiledSelector(each)) : [],
    );
    this.byPort = scenario.ports.map(({ kind, id, translator: spec }, index) =>
      kind === 'translator'
        ? makeTranslatorPort(index, id, assertDefined(spec, 'a translator port has its configuration: parseScenario fills it in'))
        : null,
    );
    this.translators = this.byPort.filter((port) => port !== null);
    this.routerByPort = scenario.ports.map(({ kind }, index) => (kind === 'multicast' ? makeMulticastPort(scenario.ports, index) : null));
    this.routers = this.routerByPort.filter((port) => port !== null);
    this.timers = this.due.length - 1;
    this.mementos = new Mementos([...this.translators, ...this.routers, this.state], {
      growing: this.routers.flatMap(({ router }) => router.growing),
      leave: (object) => object instanceof PacketSink || this.routers.some(({ router }) => object === router.copyBytes),
    });
    this.waitForTimers();
    this.hooks = this;
  }

  override records(batch: RecordBatch): void {
    this.source = batch;
  }

  taken(slot: number, row: number): void {
    const batch = assertDefined(this.source, 'a translator is fed with bytes');
    const linkBytes = this.inside.take(slot, batch, row);
    if (linkBytes < 0) return;
    this.state.linkHeader = linkBytes;
    for (const port of this.routers) this.inside.origin[slot] = port.origin(batch, row);
  }

  sends(slot: number, row: number, place: number): number {
    this.taken(slot, row);
    this.inside.next[slot] = this.outward(slot);
    return this.isOwn(place) ? place : this.hostIndex;
  }

  /** Whether a stack of this machine is behind the port at `place`, not a translator or a router. */
  private isOwn(place: number): boolean {
    return this.byPort[place] === null && this.routerByPort[place] === null;
  }

  /**
   * The first translator port that selects a packet which this machine sends, -1 for none. The flow's entry cannot say: it is the port of the
   * stack here, for both directions.
   */
  private outward(slot: number): number {
    const { meta } = this.store;
    const w = slot * META_WORDS;
    this.fsw.table.copyKey(meta[w + PKT_FLOW]!, this.key);
    const bits = meta[w + PKT_META]!;
    const carried = (bits & META_FIRST_FRAGMENT) !== 0 && (bits & META_HAS_PORTS) !== 0 ? meta[w + PKT_ACK]! : 0;
    return this.selectors.findIndex((list) => list.some((each) => each.matches(this.key, 0, (bits & META_FROM_B) !== 0, carried)));
  }

  override judges(...to: Parameters<QueueWorld['judges']>): void {
    super.judges(...to);
    this.steps.length = 0;
    this.routed.length = 0;
  }

  /** State of translators and routers now. They are put back where they are: into this world, and no other. */
  remember(): Memento {
    for (const { router } of this.routers) {
      assert(router.out.count === router.out.messages, 'copies of a packet are taken before anybody looks');
    }
    return this.mementos.take();
  }

  override saveSlot(slot: number, w: Writer): void {
    this.inside.save(slot, w);
  }

  override restoreSlot(slot: number, r: Reader): void {
    this.inside.restore(slot, r);
  }

  /** A translator port has read packets: each is translated at the instant its turn ends. */
  read(port: PortQueue, n: number): boolean {
    const place = this.ports.indexOf(port);
    const router = this.routerByPort[place] ?? null;
    if (router !== null) return this.readRouted(port, router, n);
    const translator = this.byPort[place] ?? null;
    if (translator === null) return false;
    const tNs = this.clock[CLOCK_NOW]!;
    const { meta } = this.store;
    let t = port.readStartNs;
    for (let i = 0; i < n; i++) {
      const slot = port.rx.peek(i);
      const w = slot * META_WORDS;
      t += port.reader.cost(meta[w + PKT_LEN]!);
      this.translate(port, translator, slot, t);
      port.counters.delivered++;
      port.counters.bytesOut += meta[w + PKT_LEN]!;
      port.pool.give(meta[w + PKT_BUFLETS]!);
      const arrivalNs = this.store.arrivalNs[slot]!;
      const number = meta[w + PKT_NUMBER]!;
      const first = this.slotOut;
      this.emit(port, translator, slot, arrivalNs, number, tNs);
      this.store.release(slot);
      if (first !== this.slotOut && port.polling === 0 && port.tx.used > 0) this.wakeTx(port, tNs);
    }
    this.consumed += n;
    port.rx.consume(n);
    this.endNs = tNs;
    return true;
  }

  /** Counts outputs, so that the TX poll is started once there is one. */
  private slotOut = 0;

  private wakeTx(port: PortQueue, tNs: number): void {
    this.setDue(this.link + 1 + this.ports.indexOf(port), tNs);
  }

  private translate(port: PortQueue, place: TranslatorPort, slot: number, tNs: number): void {
    const { translator, state, counts, pairs, id } = place;
    const { meta } = this.store;
    const w = slot * META_WORDS;
    const { sink } = this;
    const number = meta[w + PKT_NUMBER]!;
    const bytes = this.inside.bytes[slot]!;
    const length = this.inside.present[slot]!;
    const side = length > 0 && bytes[0]! >>> 4 === 6 ? 6 : 4;
    sink.clear();
    const code = translator.translate(side, bytes, 0, length, this.inside.wire[slot]!, sink, tNs);
    counts[code]!++;
    if (isEvent(code)) tell(place, { ...eventOf(code, side, bytes, 0, length), number, tNs });
    const out = this.firstFlow(side);
    const session = state === null ? -1 : state.session();
    pairs.note(side, meta[w + PKT_FLOW]!, out, session, code, meta[w + PKT_LEN]!, !isTranslated(code), number, tNs);
    if (this.verdict !== null) {
      const { verdict } = reasonOf(code);
      const held = verdict === 'held' || isTranslated(code) || verdict === 'passed';
      this.verdict[number - 1] = held ? VERDICT_HELD : VERDICT_REFUSED;
      this.detail![number - 1] = code;
    }
    if (this.trace?.wants(number) === true) {
      const reason = reasonOf(code);
      this.trace.note(number, tNs, 'translator', port.rx.id, isTranslated(code) ? 'translate' : 'refuse', {
        verdict: reason.verdict,
        reason: reason.id,
        rule: ruleOf(code, side),
        side,
        out: sink.count,
      });
      this.steps.push({ port: id, number, tNs, side, code, before: bytes.slice(0, length), after: this.outputs() });
    }
  }

  /** Flow of the first packet that goes to the other side, -1 where none does. */
  private firstFlow(side: 4 | 6): number {
    const { sink } = this;
    for (let i = 0; i < sink.count; i++) if (sink.side[i] !== side && sink.kind[i] === SINK_KIND.translated) return this.classify(i);
    return -1;
  }

  private outputs(): TranslationStep['after'] {
    const { sink } = this;
    return Array.from({ length: sink.count }, (_, i) => ({ side: sink.side[i]!, kind: sink.kind[i]!, bytes: sink.packet(i) }));
  }

  /** Classifies output `i` into `row` and gives its flow number, -1 where it has none. */
  private classify(i: number): number {
    const { sink, row } = this;
    classifyRange(
      {
        count: 1,
        bytes: sink.bytes,
        offset: sink.offset.subarray(i, i + 1),
        capLen: sink.length.subarray(i, i + 1),
        origLen: sink.wireLength.subarray(i, i + 1),
        linkType: RAW,
      },
      0,
      1,
      row,
      0,
    );
    this.fsw.table.internBatch(row, null, 0, 1, this.flowId);
    return this.flowId[0]!;
  }

  // Multicast ports.

  /** A multicast port has read packets: its router takes each at the instant its turn ends. */
  private readRouted(port: PortQueue, router: MulticastPort, n: number): boolean {
    const tNs = this.clock[CLOCK_NOW]!;
    const { meta } = this.store;
    let t = port.readStartNs;
    for (let i = 0; i < n; i++) {
      const slot = port.rx.peek(i);
      const w = slot * META_WORDS;
      t += port.reader.cost(meta[w + PKT_LEN]!);
      port.counters.deliver(Math.round(t) - this.store.arrivalNs[slot]!);
      port.counters.bytesOut += meta[w + PKT_LEN]!;
      port.pool.give(meta[w + PKT_BUFLETS]!);
      this.route(port, router, slot, Math.round(t));
      const arrivalNs = this.store.arrivalNs[slot]!;
      this.store.release(slot);
      this.sendRouted(port, router, arrivalNs, meta[w + PKT_NUMBER]!, tNs);
    }
    this.consumed += n;
    port.rx.consume(n);
    this.endNs = tNs;
    this.waitForTimers();
    return true;
  }

  private route(port: PortQueue, router: MulticastPort, slot: number, tNs: number): void {
    const number = this.store.meta[slot * META_WORDS + PKT_NUMBER]!;
    const packet = this.inside.bytes[slot]!.subarray(0, this.inside.present[slot]);
    const rows = router.router.log().length;
    const what = router.take(this.inside.origin[slot]!, packet, tNs);
    if (this.verdict !== null) {
      this.verdict[number - 1] = router.verdict;
      this.detail![number - 1] = what === 'forwarded' || router.verdict === VERDICT_REFUSED ? router.detail : port.number;
    }
    if (this.trace?.wants(number) !== true) return;
    const step = router.step(number, tNs, what, this.inside.origin[slot]!, packet, rows);
    const event = router.verdict === VERDICT_REFUSED ? 'refuse' : what === 'forwarded' ? 'forward' : 'take';
    const out = step.copies.length;
    this.trace.note(number, tNs, 'multicast', port.rx.id, event, { as: what, interface: step.iface, reason: step.refusal, out });
    this.routed.push(step);
  }

  /** Puts what the router has sent into the port's TX ring; number 0 for what a timer made it send. */
  private sendRouted(port: PortQueue, { router, outputs }: MulticastPort, arrivalNs: number, number: number, tNs: number): void {
    const { sink } = this;
    const first = this.slotOut;
    const { out } = router;
    for (let row = 0; row < out.count; row++) {
      const length = out.length[row]!;
      const from = out.at[row]!;
      sink.clear();
      const at = sink.reserve(length);
      assert(at >= 0, 'a packet fits an empty sink');
      sink.bytes.set(out.bytes[row]!.subarray(from, from + length), at);
      sink.push(length, length, out.family(row), SINK_KIND.translated);
      this.enter(port, 0, this.state.linkHeader, arrivalNs, number, tNs);
      if (this.entered >= 0) {
        this.inside.visited[this.entered] = 0;
        this.inside.next[this.entered] = outputs[out.iface[row]!]!;
      }
    }
    router.emptied();
    if (first !== this.slotOut && port.polling === 0 && port.tx.used > 0) this.wakeTx(port, tNs);
  }

  protected override runBehind(service: number): void {
    if (this.routers.length === 0 || service !== this.timers) super.runBehind(service);
    else this.runRouters();
  }

  /** Timers of the routers. */
  private runRouters(): void {
    const tNs = this.clock[CLOCK_NOW]!;
    for (const router of this.routers) {
      router.router.runUntil(tNs);
      if (router.router.out.count > 0) this.sendRouted(this.ports[router.index]!, router, tNs, 0, tNs);
    }
    this.waitForTimers();
  }

  private waitForTimers(): void {
    let next = NEVER;
    for (const { router } of this.routers) next = Math.min(next, router.nextNs);
    if (next !== NEVER) this.setDue(this.timers, next);
  }

  /** Slot of the packet that `enter` put into a ring, -1 where there was no room. */
  private entered = -1;

  /** Puts output `i` of the sink into a port's TX ring, or drops it. */
  private enter(port: PortQueue, i: number, linkBytes: number, arrivalNs: number, number: number, tNs: number): number {
    const { sink, store, row } = this;
    this.entered = -1;
    const id = number > 0 ? this.classify(i) : -1;
    const meta = number > 0 ? row[ROW_META]! : 0;
    const lenBytes = sink.wireLength[i]! + linkBytes;
    if (id >= 0) this.fsw.arrived(id, meta, number, lenBytes);
    const buflets = port.pool.bufletsFor(lenBytes);
    this.made++;
    port.counters.packetsIn++;
    const place = this.ports.indexOf(port);
    const fault = this.model !== null && this.model.txRingFull(place);
    const room = fault || port.pool.take(buflets);
    const slot = room && !fault ? store.alloc(buflets) : -1;
    if (slot < 0 || !port.tx.push(slot, lenBytes)) {
      if (slot >= 0) store.release(slot);
      if (room && !fault) port.pool.give(buflets);
      port.counters.dropped++;
      port.counters.bytesDropped += lenBytes;
      const layer = this.routerByPort[place] === null ? 'translator' : 'multicast';
      this.drop(room ? DROP_TX_RING_FULL : DROP_PORT_NOMEM, id, number, layer, room ? port.tx.id : port.pool.id);
      return meta;
    }
    const w = slot * META_WORDS;
    store.meta[w + PKT_NUMBER] = number;
    store.meta[w + PKT_LEN] = lenBytes;
    store.meta[w + PKT_FLOW] = id;
    store.meta[w + PKT_META] = meta;
    store.meta[w + PKT_SEQ] = number > 0 ? row[ROW_SEQ]! : 0;
    store.meta[w + PKT_ACK] = number > 0 ? row[ROW_ACK]! : 0;
    store.meta[w + PKT_PAYLOAD] = number > 0 ? row[ROW_PAYLOAD]! : 0;
    store.arrivalNs[slot] = arrivalNs;
    this.inside.keep(slot, sink.bytes, sink.offset[i]!, sink.length[i]!);
    this.inside.wire[slot] = sink.wireLength[i]!;
    this.inside.linkBytes[slot] = linkBytes;
    this.entered = slot;
    this.slotOut++;
    if (this.trace !== null) this.trace.enqueued(port, tNs, number, port.tx, tNs);
    return meta;
  }

  /** Puts what the translator gave into the port's TX ring; `from` is the slot of the packet that caused it. */
  private emit(port: PortQueue, { index }: TranslatorPort, from: number, arrivalNs: number, number: number, tNs: number): void {
    const { sink, store } = this;
    for (let i = 0; i < sink.count; i++) {
      const meta = this.enter(port, i, this.inside.linkBytes[from]!, arrivalNs, number, tNs);
      const slot = this.entered;
      if (slot < 0) continue;
      this.inside.visited[slot] = this.inside.visited[from]! | (1 << index);
      this.inside.next[slot] = sink.kind[i] === SINK_KIND.error ? -1 : this.selects(slot, store.meta[slot * META_WORDS + PKT_FLOW]!, meta);
    }
    sink.clear();
  }

  /** The translator port that the scenario's selectors give an output to and that has not had it yet, else LOCAL, or -1 for the device. */
  private selects(slot: number, id: number, meta: number): number {
    if ((meta & META_FLOW) === 0) return -1;
    const port = this.fsw.choose(this.row, 0, meta, this.row[ROW_ACK]!, false);
    if (this.byPort[port] !== null && (this.inside.visited[slot]! & (1 << port)) === 0) return port;
    return id >= 0 && this.fsw.isForHere(id, meta) ? LOCAL : -1;
  }

  /** Port of this machine for a packet that has been translated: like one from the link, but past the translators. */
  private localPort(w: number): number {
    const { fsw, store } = this;
    const place = fsw.lookup(store.meta[w + PKT_FLOW]!, store.meta, w, false);
    if (fsw.wheel.nextTickNs < this.due[DUE_LINGER]!) this.setDue(DUE_LINGER, fsw.wheel.nextTickNs);
    return this.isOwn(place) ? place : this.hostIndex;
  }

  private resultOf(slot: number, next: number): string {
    if (this.inside.visited[slot] === 0) return this.byPort[next] === null ? "the port of the copy's link" : 'selected for translation';
    return 'selected again after translation';
  }

  send(port: PortQueue, slot: number): boolean {
    if (this.inside.next[slot] === -1) return false;
    const tNs = this.clock[CLOCK_NOW]!;
    const w = slot * META_WORDS;
    const chosen = this.inside.next[slot] === LOCAL ? this.localPort(w) : this.inside.next[slot]!;
    // A copy for a link whose channel is closed goes where all packets go that no open channel takes.
    const next = this.fsw.closed[chosen] === 1 ? this.hostIndex : chosen;
    port.counters.bytesOut += this.store.meta[w + PKT_LEN]!;
    port.pool.give(this.store.meta[w + PKT_BUFLETS]!);
    this.trace?.note(this.store.meta[w + PKT_NUMBER]!, tNs, 'fsw', `fsw.${String(this.queue)}`, 'lookup', {
      port: this.portIds[next]!,
      result: this.resultOf(slot, next),
    });
    toPort(this, this.ports[next]!, DUE_READERS + next, slot, w);
    return true;
  }

  /**
   * What leaves by the link has been translated, or forwarded to a group, or answers a packet that was refused, or is a packet that a stack of this
   * machine sent. A packet of which a part was dropped stays dropped.
   */
  override judge(number: number, verdict: number, detail: number): void {
    if (number === 0) return;
    const before = this.verdict![number - 1];
    if (verdict === VERDICT_DELIVERED && (before === VERDICT_DROPPED || before === VERDICT_REFUSED)) return;
    const sent = verdict === VERDICT_DELIVERED && detail === 0;
    const routed = (before === VERDICT_HELD || before === VERDICT_FORWARDED) && this.detail![number - 1]! >= FIRST_COPY_DETAIL;
    if (sent && routed) this.verdict![number - 1] = VERDICT_FORWARDED;
    else if (sent && this.inside.visited[this.deviceTx.peek(0)] !== 0) this.verdict![number - 1] = VERDICT_TRANSLATED;
    else super.judge(number, verdict, detail);
  }
}

const RAW = Uint16Array.of(LINKTYPE_RAW);
