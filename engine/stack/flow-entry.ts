/**
 * A flow entry: 32 words, two cache lines. The first holds the key and what the flow switch needs for every packet, the
 * second what a flow table on screen shows.
 *
 *     0..9    key (see wire's classify-row)      16,17  first packet, ns (float64)
 *     10      hash                               18,19  last packet, ns (float64)
 *     11      state: see FLOW_*                  20,21  bytes from the first side (float64)
 *     12      next sequence number of side A     22,23  bytes from the other side (float64)
 *     13      next sequence number of side B     24     packets from the first side
 *     14,15   last packet switched, ns (float64) 25     packets from the other side
 *                                                26     drops
 *                                                27     number of the first packet
 *                                                28     next flow in the linger wheel, number + 1
 *                                                29     segments outside the sequence window
 *                                                30     times the switch made the entry
 *                                                31     selector that chose the port, + 1; 0 for none
 */
export const FLOW_ENTRY_WORDS = 32;
export const FLOW_ENTRY_FLOATS = 16;

export const E_STATE = 11;
export const E_NEXT_A = 12;
export const E_NEXT_B = 13;
export const E_PACKETS_FORWARD = 24;
export const E_PACKETS_BACKWARD = 25;
export const E_DROPS = 26;
export const E_FIRST_PACKET = 27;
export const E_WHEEL_NEXT = 28;
export const E_OUTSIDE = 29;
export const E_CREATED = 30;
export const E_SELECTOR = 31;

/** Offsets in float64 units. */
export const F_SWITCHED = 7;
export const F_FIRST = 8;
export const F_LAST = 9;
export const F_BYTES_FORWARD = 10;
export const F_BYTES_BACKWARD = 11;

/** Bits 0..7 of the state: port number. Bits 8..11 and 12..15: TCP state of side A and B. */
export const FLOW_PORT_MASK = 0xff;
export const FLOW_TCP_A_SHIFT = 8;
export const FLOW_TCP_B_SHIFT = 12;
/** The switch has an entry for the flow now. */
export const FLOW_ACTIVE = 1 << 16;
/** Side B was seen first. */
export const FLOW_FIRST_FROM_B = 1 << 17;
/** A next sequence number is known. */
export const FLOW_SEQ_A = 1 << 18;
export const FLOW_SEQ_B = 1 << 19;
/** The address of the side belongs to this machine. */
export const FLOW_LOCAL_A = 1 << 20;
export const FLOW_LOCAL_B = 1 << 21;
/** The flow waits in the linger wheel. */
export const FLOW_IN_WHEEL = 1 << 22;
/** The port was chosen by an explicit flow or a listener of a stack, not by a selector of the scenario. */
export const FLOW_BY_RULE = 1 << 23;
