/**
 * What the replay did with a packet, as shown in the list. Values are stable: they are stored one byte per packet. In a file of its own
 * because the threads of a run need the names without the schemas.
 */
export const VERDICTS = ['pending', 'delivered', 'dropped', 'held', 'translated', 'refused', 'unreadable', 'forwarded'] as const;
export type Verdict = (typeof VERDICTS)[number];
