/**
 * What a queue's world and its kernel share, by byte offset. The kernel works on the world's own tables (rings, metadata, flow entries); the
 * figures that a world keeps in its objects stand in these blocks while the kernel runs.
 *
 *     queue block | figures | device ring | device pool | port block | port block ...
 *     port block  | figures | ring | pool |
 */

/** A world's clock: see services.ts. */
export const C_NOW = 0;
export const C_NEXT = 8;
export const C_UNTIL = 16;

/** Float64 figures of a queue. */
export const Q_LAST_ARRIVAL = 32;
export const Q_END = 40;
export const Q_MODERATION = 48;
export const Q_PER_PACKET = 56;
export const Q_PER_BATCH = 64;
/** Bytes of the packets fed, since the call began. */
export const Q_BYTES = 72;

/** Words of a queue. */
export const Q_WORLD = 80;
export const Q_HOST = 84;
export const Q_CLOCK = 88;
/** Services that can be due, and their times: see services.ts. */
export const Q_SERVICES = 92;
export const Q_DUE = 96;
export const Q_BATCH = 100;
export const Q_POLLING = 104;
/** Packets read since the call began. */
export const Q_FINISHED = 108;
/** The packet store: metadata, arrival times, free indices, how many packets it holds, and how many are in use. */
export const Q_META = 112;
export const Q_ARRIVALS = 116;
export const Q_FREE = 120;
export const Q_CAPACITY = 124;
export const Q_IN_USE = 128;
/** The flow table: slots, their mask, entries, the tails of IPv6 addresses; and the numbers of the flows that are arriving. */
export const Q_SLOTS = 132;
export const Q_MASK = 136;
export const Q_ENTRIES = 140;
export const Q_TAILS = 144;
export const Q_FLOWS = 148;
export const Q_IDS = 152;
/** Sum that keeps the touch-ahead reads from being optimised away. */
export const Q_TOUCHED = 156;
export const Q_RING = 160;
export const Q_POOL = 192;
export const Q_FIRST_PORT = 256;

/** A ring. */
export const R_DESCRIPTORS = 0;
export const R_SLOTS = 4;
export const R_HEAD = 8;
export const R_TAIL = 12;
export const R_USED = 16;
export const R_WINDOW_MAX = 20;
/** Since the call began. */
export const R_DEQUEUED = 24;
export const R_DROPS = 28;

/** A pool. */
export const P_BUFLETS = 0;
export const P_BUFFER_BYTES = 4;
export const P_USED = 8;
export const P_WINDOW_MAX = 12;
/** Since the call began. */
export const P_FAILURES = 16;

/** Float64 figures of a port. */
export const T_WAKE = 0;
export const T_WHOLE = 8;
export const T_READ_START = 16;
export const T_MAX_DELAY = 24;
/** Since the call began. */
export const T_BYTES_OUT = 32;

/** Words of a port. */
export const T_READ_BATCH = 40;
export const T_READING = 44;
export const T_DELAYS = 48;
/** Since the call began. */
export const T_PACKETS_IN = 52;
export const T_DELIVERED = 56;
export const T_RING = 64;
export const T_POOL = 96;
export const PORT_BYTES = 128;

/** The chunk that a lane reads: times of its first packet, and how long the unit of a fraction is. */
export const K_FIRST_SECOND = 0;
export const K_FIRST_FRACTION = 8;
export const K_FRACTION_NS = 16;
/** Bytes of the chunk; whether its words are low byte first; captured bytes that are believed. */
export const K_BYTES = 24;
export const K_LITTLE = 28;
export const K_MAX_CAPTURED = 32;
/** Records so far and at most, and columns of them; bytes that must be there to go on. */
export const K_COUNT = 36;
export const K_CAPACITY = 40;
export const K_OFFSETS = 44;
export const K_CAPTURED = 48;
export const K_LENGTHS = 52;
export const K_TIMES = 56;
export const K_NEED = 60;
/** Rows, and their order by queue. */
export const K_ROWS = 64;
export const K_QUEUES = 68;
export const K_STARTS = 72;
export const K_QUEUE_OF = 76;
export const K_ORDER = 80;
export const CHUNK_BLOCK_BYTES = 128;

/** Rows whose flows are looked up at once. */
export const LOOKUP_BATCH = 32;
