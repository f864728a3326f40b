/**
 * A flow entry: sixteen words, one cache line, with the IPv4 key and all that changes with every packet; and eight cold words
 * beside it. The rest of an IPv6 key is kept by the table (see wire's flow-table).
 *
 *     0       ports of the key, A << 16 | B       cold 0,1  first packet, ns (float64)
 *     1       IP version << 8 | protocol               2    number of the first packet
 *     2, 3    first word of address A and B            3    drops
 *     4       state: see FLOW_*                        4    segments outside the sequence window
 *     5, 6    next sequence number of side A, B        5    next flow in the linger wheel, number + 1
 *     7, 8    packets from the first, the other side   6    times the switch made the entry
 *     9       (free)                                   7    selector that chose the port, see FlowSwitch.choose
 *     10,11   last packet, ns (float64)
 *     12,13   bytes from the first side (float64)
 *     14,15   bytes from the other side (float64)
 */
export const FLOW_ENTRY_WORDS = 16;
export const FLOW_ENTRY_FLOATS = 8;
export const FLOW_COLD_WORDS = 8;
export const FLOW_COLD_FLOATS = 4;

export const E_STATE = 4;
export const E_NEXT_A = 5;
export const E_NEXT_B = 6;
export const E_PACKETS_FORWARD = 7;
export const E_PACKETS_BACKWARD = 8;

/** Offsets in float64 units. */
export const F_LAST = 5;
export const F_BYTES_FORWARD = 6;
export const F_BYTES_BACKWARD = 7;

export const CF_FIRST = 0;
export const C_FIRST_PACKET = 2;
export const C_DROPS = 3;
export const C_OUTSIDE = 4;
export const C_WHEEL_NEXT = 5;
export const C_CREATED = 6;
export const C_SELECTOR = 7;

/** Bits 0..7 of the state: place of the port in the scenario. Bits 8..11 and 12..15: TCP state of side A and B. */
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
/** A packet of the flow has come. */
export const FLOW_SEEN = 1 << 24;
