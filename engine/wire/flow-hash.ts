/**
 * The symmetric flow hash. Both directions of a conversation have the same key (see classify.ts) and so the same hash: its high
 * half picks the device queue, as receive-side scaling does in hardware, its low bits the place in flow tables.
 */

/** Finalizer of MurmurHash3: every input bit reaches every output bit. */
function finish(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Hash of an IPv4 key: the two addresses in canonical order, ports, and protocol word. Signed 32 bits. */
export function hashKey4(a: number, b: number, ports: number, protocol: number): number {
  const x = Math.imul(a, 0x9e3779b1) ^ Math.imul((b << 13) | (b >>> 19), 0x85ebca77) ^ Math.imul(ports ^ (protocol << 7), 0xc2b2ae3d);
  return finish(x + protocol);
}

/** Hash of an IPv6 key that stands in `rows` from word `base` on, in the layout of classify.ts. Signed 32 bits. */
export function hashKey6(rows: Int32Array, base: number): number {
  let x = rows[base + 1]!;
  for (let w = base + 2; w < base + 10; w++) {
    x = Math.imul(x ^ rows[w]!, 0x9e3779b1);
    x = (x << 15) | (x >>> 17);
  }
  return finish(Math.imul(x ^ rows[base]!, 0xc2b2ae3d));
}

/** Device queue of a hash, 0..queues-1. Packets without a flow have hash 0 and so queue 0. */
export function queueOfHash(hash: number, queues: number): number {
  return ((hash >>> 16) * queues) >>> 16;
}

/** Hash of a row's key, either version; equal to what the classifier writes. */
export function hashRow(rows: Int32Array, base = 0): number {
  const word = rows[base + 1]!;
  if ((word & 0x200) !== 0) return hashKey6(rows, base);
  return hashKey4(rows[base + 2]!, rows[base + 6]!, rows[base]!, word);
}
