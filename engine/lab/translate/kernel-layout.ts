import { NUMBER_MASK, SESSION_LAYOUT, TAG_MASK, TAG_SHIFT } from '../../translator/index.ts';

/**
 * Where the kernel of plain translation finds what it needs: byte offsets in its block, whose words the engine writes and reads. All are 32 bits but
 * those at the front, which are f64. Names that begin with S are of its sessions.
 */
/** Lab time of the packet taken last, ns, and what is added to times of the input. */
export const T_NOW = 0;
export const T_SHIFT = 8;
/** Lab time from which on the translator must see the packet. */
export const T_UNTIL = 16;
/** Time at which another input is next, and whether packets of that time still come first. */
export const T_BEFORE = 24;
export const T_TIE = 32;
/** Input: the chunk, the columns of its records, and how many they are. */
export const T_BYTES = 36;
export const T_OFFSETS = 40;
export const T_CAPTURED = 44;
export const T_LENGTHS = 48;
export const T_TIMES = 52;
export const T_RECORDS = 56;
/** Bytes before the IP header: those of Ethernet, or none; and the families that are taken, FAMILY_4 and FAMILY_6 added up. */
export const T_LINK = 60;
export const T_FAMILIES = 64;
export const FAMILY_4 = 1;
export const FAMILY_6 = 2;
/** Column of the sessions that the records will most likely want, and the first record without one. */
export const T_GUESSES = 68;
export const T_AHEAD = 72;
/** Output: bytes, and the columns of a PacketSink with the times beside them. */
export const T_OUT = 76;
export const T_OUT_OFFSETS = 80;
export const T_OUT_LENGTHS = 84;
export const T_OUT_WIRE = 88;
export const T_OUT_SIDES = 92;
export const T_OUT_KINDS = 96;
export const T_OUT_TIMES = 100;
/** Packets and bytes in the output; bytes free before each packet; where the kernel stops for them to be written. */
export const T_COUNT = 104;
export const T_USED = 108;
export const T_GAP = 112;
export const T_STOP_COUNT = 116;
export const T_STOP_USED = 120;
/** Bytes behind the ports are wanted. */
export const T_PAYLOAD = 124;
/** See PlainRules. */
export const T_MTU4 = 128;
export const T_MTU6 = 132;
export const T_UNCUT6 = 136;
export const T_DF_FROM = 140;
export const T_CHECK = 144;
export const T_CLASS = 148;
export const T_TOS = 152;
/** The prefix: three words as they stand in packets, and the sum of their halves. */
export const T_PREFIX0 = 156;
export const T_PREFIX1 = 160;
export const T_PREFIX2 = 164;
export const T_PREFIX_SUM = 168;
/** See PlainWork. */
export const T_IDENTIFICATION = 172;
export const T_GATEWAY_PORT = 176;
/** Sessions, 0 for stateless translation: entries, slots by the inside and by the outside, and the mask of both; whether reading ahead pays. */
export const T_ENTRIES = 180;
export const T_SLOTS6 = 184;
export const T_SLOTS4 = 188;
export const T_MASK = 192;
export const T_LOOKS = 196;
/** Of the packets taken: how many were IPv6, and the session of the last one. */
export const T_SIXES = 200;
export const T_SESSION = 204;
/** Stateless: both addresses must be global. */
export const T_GLOBAL = 208;
/** What reading ahead has read: kept so that the reads are not left out. */
export const T_READ = 212;
/** Bytes of the block. */
export const T_BLOCK_BYTES = 256;
/** Records that are looked at ahead at a time. */
export const AHEAD_RECORDS = 64;

/** Entries of SessionTable, and where they have what: in bytes. */
export const S_BYTES = 4 * SESSION_LAYOUT.SESSION_WORDS;
export const S_PORTS = 4 * SESSION_LAYOUT.PORTS;
export const S_PEER4 = 4 * SESSION_LAYOUT.PEER4;
export const S_ADDRESS4 = 4 * SESSION_LAYOUT.ADDRESS4;
export const S_KIND = 4 * SESSION_LAYOUT.KIND;
export const S_BINDING = 4 * SESSION_LAYOUT.BINDING;
export const S_PACKETS = 4 * SESSION_LAYOUT.PACKETS;
export const S_SINCE = 8 * SESSION_LAYOUT.SINCE;
export const S_PROTOCOL_MASK = SESSION_LAYOUT.PROTOCOL_MASK;
export const S_KIND_KEY_MASK = SESSION_LAYOUT.KIND_KEY_MASK;
export const S_PLAIN_BIT = SESSION_LAYOUT.PLAIN_BIT;
export const S_ESTABLISHED = SESSION_LAYOUT.ESTABLISHED;
export const S_ENDING_FLAGS = SESSION_LAYOUT.ENDING_FLAGS;
/** Slots of its hash tables. */
export const S_NUMBER_MASK = NUMBER_MASK;
export const S_TAG_MASK = TAG_MASK;
export const S_TAG_SHIFT = TAG_SHIFT;
