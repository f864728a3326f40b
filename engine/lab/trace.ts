import type { TraceRecord } from '../contract/index.ts';
import {
  DROP_REASONS,
  FLOW_MASKS,
  LOOKUP_CREATED,
  LOOKUP_FRAGMENT,
  LOOKUP_HIT,
  LOOKUP_NO_ENTRY,
  META_WORDS,
  type Ring,
} from '../stack/index.ts';
import type { PortQueue } from './port-queue.ts';
import type { TraceSink } from './types.ts';
import type { QueueWorld } from './world.ts';

/**
 * The trace of one world (W-02): turns the steps of the simulation into records for the packets a sink wants. A world without a
 * trace has null here and spends one comparison a step.
 */
export class WorldTrace {
  private readonly sink: TraceSink;
  private readonly portIds: readonly string[];

  constructor(sink: TraceSink, portIds: readonly string[]) {
    this.sink = sink;
    this.portIds = portIds;
  }

  /** A record; number 0 stands for events that belong to no packet. */
  emit(number: number, tNs: number, layer: string, obj: string, event: string, fields: TraceRecord['fields']): void {
    this.sink.record({ tNs, layer, obj, event, fields: number > 0 ? { packet: number, ...fields } : fields }, number);
  }

  /** A step of a kind that only some ports have. */
  note(number: number, tNs: number, layer: string, obj: string, event: string, fields: TraceRecord['fields']): void {
    if (this.sink.wants(number)) this.emit(number, tNs, layer, obj, event, fields);
  }

  /** Whether somebody wants the steps of a packet. */
  wants(number: number): boolean {
    return this.sink.wants(number);
  }

  arrived(world: QueueWorld, tNs: number, number: number, lenBytes: number, buflets: number): void {
    if (!this.sink.wants(number)) return;
    const ring = world.deviceRx;
    const slot = ring.tailSlot === 0 ? ring.slots - 1 : ring.tailSlot - 1;
    this.emit(number, tNs, 'device', ring.id, 'enqueue', {
      lenBytes,
      buflets,
      slot,
      used: ring.used,
      slots: ring.slots,
      poolUsed: world.devicePool.used,
      pollNs: world.pollDueNs,
    });
  }

  polled(world: QueueWorld, tNs: number, take: number, endNs: number): void {
    for (let i = 0; i < take; i++) {
      const number = world.store.meta[world.deviceRx.peek(i) * META_WORDS]!;
      if (!this.sink.wants(number)) continue;
      this.emit(number, tNs, 'fsw', `fsw.${String(world.queue)}`, 'poll', { batch: take, position: i, endNs });
    }
    if (this.sink.wants(0)) this.emit(0, tNs, 'fsw', `fsw.${String(world.queue)}`, 'poll', { batch: take, endNs });
  }

  switched(world: QueueWorld, tNs: number, number: number, flow: number, port: number): void {
    if (!this.sink.wants(number)) return;
    const obj = `fsw.${String(world.queue)}`;
    const fields: Record<string, string | number | boolean> = { port: this.portIds[port]!, flow };
    if (flow === -1) fields['result'] = 'no flow: not IP, or its header is not whole';
    else if (flow < -1) fields['result'] = 'no record left for the flow: selectors asked';
    else this.lookupFields(world, fields);
    this.emit(number, tNs, 'fsw', obj, 'lookup', fields);
  }

  private lookupFields(world: QueueWorld, fields: Record<string, string | number | boolean>): void {
    const kind = world.fsw.lastLookup;
    fields['mask'] = FLOW_MASKS[0]!.name;
    if (kind === LOOKUP_HIT) fields['result'] = 'entry found';
    else if (kind === LOOKUP_FRAGMENT) fields['result'] = 'follows the first fragment';
    else {
      fields['result'] = kind === LOOKUP_CREATED ? 'entry made' : 'switched without an entry: limit reached';
      fields['created'] = kind !== LOOKUP_NO_ENTRY;
      const selector = world.fsw.lastSelector;
      if (selector < 0) fields['mask'] = FLOW_MASKS[-1 - selector]?.name ?? '';
      fields['selector'] = selector;
    }
  }

  sent(world: QueueWorld, port: PortQueue, tNs: number, number: number, flow: number, lenBytes: number): void {
    if (!this.sink.wants(number)) return;
    const fields: Record<string, string | number | boolean> = { port: this.portIds[world.ports.indexOf(port)]!, flow, lenBytes };
    this.lookupFields(world, fields);
    this.emit(number, tNs, 'channel', port.tx.id, 'send', fields);
  }

  enqueued(port: PortQueue, tNs: number, number: number, ring: Ring, wakeNs: number): void {
    if (!this.sink.wants(number)) return;
    const slot = ring.tailSlot === 0 ? ring.slots - 1 : ring.tailSlot - 1;
    this.emit(number, tNs, 'channel', ring.id, 'enqueue', {
      slot,
      used: ring.used,
      slots: ring.slots,
      poolUsed: port.pool.used,
      notified: ring.used === 1,
      readNs: wakeNs === Number.POSITIVE_INFINITY ? -1 : wakeNs,
    });
  }

  readStarted(world: QueueWorld, port: PortQueue, tNs: number, take: number, endNs: number): void {
    for (let i = 0; i < take; i++) {
      const number = world.store.meta[port.rx.peek(i) * META_WORDS]!;
      if (this.sink.wants(number)) this.emit(number, tNs, 'channel', port.rx.id, 'read-start', { batch: take, position: i, endNs });
    }
    if (this.sink.wants(0)) this.emit(0, tNs, 'channel', port.rx.id, 'read-start', { batch: take, endNs });
  }

  delivered(port: PortQueue, tNs: number, number: number, arrivalNs: number, readStartNs: number): void {
    if (!this.sink.wants(number)) return;
    this.emit(number, tNs, port.number === 1 ? 'host' : 'channel', port.rx.id, 'read', {
      delayNs: tNs - arrivalNs,
      readNs: tNs - readStartNs,
    });
  }

  queuedForLink(world: QueueWorld, tNs: number, number: number): void {
    if (!this.sink.wants(number)) return;
    const ring = world.deviceTx;
    this.emit(number, tNs, 'device', ring.id, 'enqueue', { used: ring.used, slots: ring.slots });
  }

  transmitted(world: QueueWorld, tNs: number, number: number, arrivalNs: number): void {
    if (this.sink.wants(number)) this.emit(number, tNs, 'device', world.deviceTx.id, 'transmit', { delayNs: tNs - arrivalNs });
  }

  dropped(layer: string, obj: string, tNs: number, number: number, code: number): void {
    if (this.sink.wants(number)) this.emit(number, tNs, layer, obj, 'drop', { reason: DROP_REASONS[code]!.name });
  }

  expired(world: QueueWorld, tNs: number, flows: number): void {
    if (this.sink.wants(0)) this.emit(0, tNs, 'fsw', `fsw.${String(world.queue)}`, 'expire', { flows });
  }
}
