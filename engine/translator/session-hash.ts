import { addToHash, endHash, NUMBER_MASK, TAG_MASK, TAG_SHIFT, type HashSlots } from './hash-slots.ts';

/** Puts in place of the first `count` hashes the entries that they most likely stand for: of the first slot, or of the second where the first is another's by its tag. Computed: a branch would wait for the slot. */
export function likely({ slots, mask }: HashSlots, hashes: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const hash = hashes[i]!;
    const first = slots[hash & mask]!;
    const second = slots[(hash + 1) & mask]!;
    const take = -(((first ^ hash) & TAG_MASK) >>> TAG_SHIFT) >> 31;
    const number = (first ^ ((first ^ second) & take)) & NUMBER_MASK;
    hashes[i] = number - (number > 0 ? 1 : 0);
  }
}

/** Of a session by the inside, all words signed; the kernel of plain translation works out the same. */
export function hash6(protocol: number, w0: number, w1: number, w2: number, w3: number, ports: number, peer4: number): number {
  // Two halves that do not wait for each other.
  const a = addToHash(addToHash(addToHash(protocol, w0), w2), ports);
  const b = addToHash(addToHash(addToHash(0, w1), w3), peer4);
  return endHash(addToHash(a, b));
}

/** By the outside. */
export function hash4(kind: number, address4: number, peer4: number, peerPort: number): number {
  return endHash(addToHash(addToHash(addToHash(kind, address4), peer4), peerPort));
}
