/**
 * Where an entry of SessionTable has what: shared with the kernel that translates plain packets (engine/lab/translate/assembly), so numbers alone. Offsets
 * are in words of 32 bits but SINCE, which is in floats of 64; what they hold stands at SessionTable.
 */
/** Words of an entry: one cache line. */
export const SESSION_WORDS = 16;
export const PORTS = 4;
export const PEER4 = 5;
export const ADDRESS4 = 6;
export const KIND = 7;
export const BINDING = 8;
export const PACKETS = 9;
export const SINCE = 5;
export const NEXT = 12;
export const PREVIOUS = 13;
export const NEXT_OF_BINDING = 14;
export const PREVIOUS_OF_BINDING = 15;

export const PROTOCOL_MASK = 0xff;
/** Port and protocol in the word of KIND: what a lookup compares. */
export const KIND_KEY_MASK = 0xffff00ff | 0;
export const STATE_SHIFT = 8;
export const TIMER_SHIFT = 12;
export const PREFIX_SHIFT = 24;
export const BINDING_MASK = 0x7f_ffff;
export const PLAIN_BIT = 0x80_0000;
/** Low half of KIND of an established TCP session: TIMER.established, TCP_STATE.established, protocol. */
export const ESTABLISHED = (2 << TIMER_SHIFT) | (3 << STATE_SHIFT) | 6;
/** FIN and RST. */
export const ENDING_FLAGS = 5;
