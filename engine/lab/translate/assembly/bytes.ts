/** Up to here a loop beats the call that copies. */
const LOOP_BYTES = 64;

/** A word of a packet, which has its high byte first. */
export function word(at: usize): i32 {
  return bswap(i32.load(at));
}

export function put(at: usize, value: i32): void {
  i32.store(at, bswap(value));
}

export function half(at: usize): i32 {
  return bswap<u16>(load<u16>(at));
}

export function halves(value: i32): i32 {
  return (value >>> 16) + (value & 0xffff);
}

/** Folds a sum of some dozens of 16-bit words. */
export function fold(sum: i32): i32 {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

export function copy(to: usize, from: usize, length: i32): void {
  if (length > LOOP_BYTES) {
    memory.copy(to, from, length);
    return;
  }
  let i = 0;
  for (; i + 8 <= length; i += 8) i64.store(to + i, i64.load(from + i));
  for (; i < length; i++) i32.store8(to + i, i32.load8_u(from + i));
}
