import { z } from 'zod';

/** What stands in the slots of one ring at the playhead: slot, packet, buflets. */
const n = z.number();

export const RING_SLOT_STATES = ['taken', 'waiting'] as const;

export const bufletSchema = z.object({
  /** Offset of its first byte in the packet, the bytes it holds, and what it could hold. */
  offset: z.int(),
  lenBytes: z.int(),
  limitBytes: z.int(),
});

export const ringSlotSchema = z.object({
  slot: z.int(),
  /** taken: the consumer is at work on it now, and gives the slot back when it is done. */
  state: z.enum(RING_SLOT_STATES),
  /** Number of the packet in the input. */
  packet: z.int(),
  lenBytes: z.int(),
  /** When it came to the device, and how long it has been inside. */
  arrivalNs: n,
  ageNs: n,
  /** Flow in the flow list and its tuple; -1 and empty for a packet without a flow. */
  flow: z.int(),
  tuple: z.string(),
  /** Its metadata (quantum): index in the store, where that lies in the arena, and in which segment. */
  metadata: z.object({ index: z.int(), offsetBytes: z.int(), segment: z.int() }),
  buflets: z.array(bufletSchema),
});
export type RingSlot = z.infer<typeof ringSlotSchema>;

export const ringSlotsSchema = z.object({
  tNs: n,
  ring: z.string(),
  slots: z.int(),
  used: z.int(),
  /** Slots at which the consumer reads next and the producer writes next. */
  head: z.int(),
  tail: z.int(),
  /** Used slots from `first` on, oldest first. */
  rows: z.array(ringSlotSchema),
});
export type RingSlots = z.infer<typeof ringSlotsSchema>;

export const ringCalls = {
  'rings.slots': {
    title: 'Slots of one ring at the playhead, with their packets and buflets',
    request: z.strictObject({ session: z.string(), ring: z.string(), first: z.int().min(0), count: z.int().min(1).max(500) }),
    answer: ringSlotsSchema,
  },
} as const;
