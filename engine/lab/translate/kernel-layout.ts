/**
 * Where the kernel of plain stateless translation finds what it needs: byte offsets in its block, whose words the engine writes and reads. All are 32 bits
 * but those at the front, which are f64.
 */
/** Lab time of the packet taken last, ns, and what is added to times of the input. */
export const T_NOW = 0;
export const T_SHIFT = 8;
/** Input: the chunk, and the columns of its records. */
export const T_BYTES = 16;
export const T_OFFSETS = 20;
export const T_CAPTURED = 24;
export const T_LENGTHS = 28;
export const T_TIMES = 32;
/** Output: bytes, and the columns of a PacketSink with the times beside them. */
export const T_OUT = 36;
export const T_OUT_OFFSETS = 40;
export const T_OUT_LENGTHS = 44;
export const T_OUT_WIRE = 48;
export const T_OUT_SIDES = 52;
export const T_OUT_KINDS = 56;
export const T_OUT_TIMES = 60;
/** Packets and bytes in the output; bytes free before each packet; where the kernel stops for them to be written. */
export const T_COUNT = 64;
export const T_USED = 68;
export const T_GAP = 72;
export const T_STOP_COUNT = 76;
export const T_STOP_USED = 80;
/** Bytes behind the ports are wanted. */
export const T_PAYLOAD = 84;
/** Largest packet out where DF is set and where it is not; header checksums are checked; the traffic class is copied. */
export const T_MTU = 88;
export const T_UNCUT = 92;
export const T_CHECK = 96;
export const T_CLASS = 100;
/** The prefix: three words, and the sum of their halves. */
export const T_PREFIX0 = 104;
export const T_PREFIX1 = 108;
export const T_PREFIX2 = 112;
export const T_PREFIX_SUM = 116;
/** Bytes of the block. */
export const T_BLOCK_BYTES = 128;
/** Side and kind of what it makes: see PacketSink. */
export const T_SIDE = 6;
