/**
 * What a table keeps of a socket: its receive buffer, the packets that the meter ring holds for it, its turn, and its counters. A socket is 32 words, two
 * cache lines:
 *
 *     0, 1    first and last packet of the receive buffer, cell + 1     floats 8   end of the read going on, ns; Infinity if none
 *     2, 3    packets and bytes in it                                          9, 10  packets and bytes put in
 *     4, 5    first and last packet in the meter ring, cell + 1               11, 12  packets and bytes read
 *     6       packets in the meter ring                                       13      since when data is held for it, ns
 *     7, 8    deficit and portion so far (DRR)                                14      longest time held, ns
 *     9       tick of that portion                                            15      last packet put in, ns
 *     10      flags
 *     11      next socket in the wheel, + 1
 *     12..15  largest fill, drops, stalls, track of the series + 1
 */
export const SOCKET_WORDS = 32;
export const SOCKET_FLOATS = 16;
export const S_BUF_HEAD = 0;
export const S_BUF_TAIL = 1;
export const S_BUF_PACKETS = 2;
export const S_FILL = 3;
export const S_RING_HEAD = 4;
export const S_RING_TAIL = 5;
export const S_RING_PACKETS = 6;
export const S_DEFICIT = 7;
export const S_GIVEN = 8;
export const S_TICK = 9;
export const S_FLAGS = 10;
export const S_WHEEL_NEXT = 11;
export const S_FILL_MAX = 12;
export const S_DROPS = 13;
export const S_STALLS = 14;
export const S_TRACK = 15;
export const SF_FINISH = 8;
export const SF_PACKETS = 9;
export const SF_BYTES = 10;
export const SF_READ_PACKETS = 11;
export const SF_READ_BYTES = 12;
export const SF_BLOCKED_SINCE = 13;
export const SF_LONGEST = 14;
export const SF_LAST = 15;

export const SOCKET_ACTIVE = 1;
export const SOCKET_BLOCKED = 2;
export const SOCKET_IN_WHEEL = 4;
export const SOCKET_CLOSED = 8;
export const SOCKET_MADE = 16;
/** In the heap of readers, while mbufs are short. */
export const SOCKET_WATCHED = 32;
