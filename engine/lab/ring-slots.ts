import type { RingSlot, RingSlots } from '../contract/index.ts';
import { META_WORDS, PKT_BUFLETS, PKT_FLOW, PKT_LEN, PKT_NUMBER, SEGMENT_BYTES, type Ring } from '../stack/index.ts';
import type { FlowList } from './flow-list.ts';
import type { Pipeline } from './pipeline.ts';
import { flowTuple } from './stack-model/index.ts';
import type { QueueWorld } from './world.ts';

/** Used slots [first, first + count) of a ring, oldest first; undefined where no queue here has a ring of this name. */
export function ringSlots(pipeline: Pipeline, tNs: number, id: string, first: number, count: number): RingSlots | undefined {
  const place = pipeline.worlds.findIndex((world) => world.rings().some((ring) => ring.id === id));
  const world = pipeline.worlds[place];
  const ring = world?.rings().find((each) => each.id === id);
  if (world === undefined || ring === undefined) return undefined;
  const { flows } = pipeline;
  flows.refresh();
  const numbers = flows.numbersOf(place);
  const taken = takenOf(world, ring);
  const rows: RingSlot[] = [];
  for (let i = first; i < Math.min(ring.used, first + count); i++) {
    rows.push({
      slot: (ring.headSlot + i) % ring.slots,
      state: i < taken ? 'taken' : 'waiting',
      ...packetOf(world, ring.peek(i), tNs, flows, numbers),
    });
  }
  return { tNs, ring: id, slots: ring.slots, used: ring.used, head: ring.headSlot, tail: ring.tailSlot, rows };
}

/** Packets at the head that the consumer of a ring is at work on. */
function takenOf(world: QueueWorld, ring: Ring): number {
  if (ring === world.deviceRx) return world.polling;
  // The link sends one packet at a time.
  if (ring === world.deviceTx) return Math.min(1, ring.used);
  const port = world.ports.find(({ rx, tx }) => rx === ring || tx === ring)!;
  return ring === port.rx ? port.reading : port.polling;
}

function packetOf(world: QueueWorld, index: number, tNs: number, flows: FlowList, numbers: Uint32Array): Omit<RingSlot, 'slot' | 'state'> {
  const { meta, arrivalNs } = world.store;
  const w = index * META_WORDS;
  const lenBytes = meta[w + PKT_LEN]!;
  const own = meta[w + PKT_FLOW]!;
  const flow = own < 0 ? -1 : numbers[own]!;
  const row = flow < 0 ? undefined : flows.row(flow);
  const { bufferBytes } = world.devicePool;
  const offsetBytes = meta.byteOffset + w * meta.BYTES_PER_ELEMENT;
  return {
    packet: meta[w + PKT_NUMBER]!,
    lenBytes,
    arrivalNs: arrivalNs[index]!,
    ageNs: Math.max(0, tNs - arrivalNs[index]!),
    flow,
    tuple: row === undefined ? '' : flowTuple(row),
    metadata: { index, offsetBytes, segment: Math.floor(offsetBytes / SEGMENT_BYTES) },
    buflets: Array.from({ length: meta[w + PKT_BUFLETS]! }, (_, i) => ({
      offset: i * bufferBytes,
      lenBytes: Math.max(0, Math.min(bufferBytes, lenBytes - i * bufferBytes)),
      limitBytes: bufferBytes,
    })),
  };
}
