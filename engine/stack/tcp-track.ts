import { META_FROM_B, META_TCP_FLAGS_SHIFT, type FlowTable } from '../wire/index.ts';
import {
  C_OUTSIDE,
  E_NEXT_A,
  E_NEXT_B,
  E_STATE,
  FLOW_COLD_WORDS,
  FLOW_ENTRY_WORDS,
  FLOW_SEQ_A,
  FLOW_SEQ_B,
  FLOW_TCP_A_SHIFT,
  FLOW_TCP_B_SHIFT,
} from './flow-entry.ts';

import { PKT_ACK, PKT_META, PKT_PAYLOAD, PKT_SEQ } from './packet-store.ts';

/**
 * The flow track of TCP: the state of both ends as somebody between them can tell it, in the words of RFC 9293 section 3.3.2,
 * and the next sequence number of each side. A connection first seen in its middle counts as established.
 */
export const TCP_STATES = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;

const CLOSED = 0;
const LISTEN = 1;
const SYN_SENT = 2;
const SYN_RECEIVED = 3;
const ESTABLISHED = 4;
const FIN_WAIT_1 = 5;
const FIN_WAIT_2 = 6;
const CLOSE_WAIT = 7;
const CLOSING = 8;
const LAST_ACK = 9;
const TIME_WAIT = 10;

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** Largest window that scaling can announce (RFC 7323 section 2.3): a segment farther from the expected place is counted as outside. */
const MAX_WINDOW = 1 << 30;

const META_FROM_B_SHIFT = 31 - Math.clz32(META_FROM_B);
const ESTABLISHED_BOTH = (15 << FLOW_TCP_A_SHIFT) | (15 << FLOW_TCP_B_SHIFT);
const ESTABLISHED_BOTH_VALUE = (ESTABLISHED << FLOW_TCP_A_SHIFT) | (ESTABLISHED << FLOW_TCP_B_SHIFT);

/** Takes one whole TCP segment, whose metadata stand in `packet` at word `w` (see packet-store), into the entry of a flow. */
export function trackTcp(table: FlowTable, id: number, packet: Int32Array, w: number): void {
  const meta = packet[w + PKT_META]!;
  const entries = table.entries;
  const at = id * FLOW_ENTRY_WORDS;
  // Computed and not branched on: which side sends is a coin toss to the branch predictor.
  const fromB = (meta >>> META_FROM_B_SHIFT) & 1;
  const flags = (meta >>> META_TCP_FLAGS_SHIFT) & 0xff;
  const state = entries[at + E_STATE]!;
  const shiftX = FLOW_TCP_A_SHIFT + fromB * (FLOW_TCP_B_SHIFT - FLOW_TCP_A_SHIFT);
  const shiftY = FLOW_TCP_B_SHIFT - fromB * (FLOW_TCP_B_SHIFT - FLOW_TCP_A_SHIFT);
  const nextX = at + E_NEXT_A + fromB;
  const nextY = at + E_NEXT_B - fromB;
  const validX = FLOW_SEQ_A << fromB;
  const validY = FLOW_SEQ_B >>> fromB;
  const end0 = (packet[w + PKT_SEQ]! + packet[w + PKT_PAYLOAD]!) | 0;
  // Data and acknowledgements of an established connection: nearly every segment.
  if ((state & ESTABLISHED_BOTH) === ESTABLISHED_BOTH_VALUE && (flags & (SYN | FIN | RST)) === 0 && (state & validX) !== 0) {
    const ahead = (end0 - entries[nextX]!) | 0;
    if (ahead > MAX_WINDOW || ahead < -MAX_WINDOW) table.cold[id * FLOW_COLD_WORDS + C_OUTSIDE]!++;
    else entries[nextX] = (entries[nextX]! + (ahead & ~(ahead >> 31))) | 0;
    return;
  }
  let x = (state >>> shiftX) & 15;
  let y = (state >>> shiftY) & 15;
  let valid = state & (FLOW_SEQ_A | FLOW_SEQ_B);

  const opens = (flags & SYN) !== 0 && (x === CLOSED || x === TIME_WAIT || x === LISTEN || x === SYN_SENT);
  if (opens && (flags & ACK) === 0) valid &= ~validX;
  const end = (end0 + ((flags & SYN) >>> 1) + (flags & FIN)) | 0;
  if ((flags & RST) === 0) {
    if ((valid & validX) === 0 || opens) {
      entries[nextX] = end;
      valid |= validX;
    } else {
      const ahead = (end - entries[nextX]!) | 0;
      if (ahead > MAX_WINDOW || ahead < -MAX_WINDOW) table.cold[id * FLOW_COLD_WORDS + C_OUTSIDE]!++;
      else if (ahead > 0) entries[nextX] = end;
    }
  }

  if (x !== ESTABLISHED || y !== ESTABLISHED || (flags & (SYN | FIN | RST)) !== 0) {
    const finAcked = (flags & ACK) !== 0 && (valid & validY) !== 0 && ((packet[w + PKT_ACK]! - entries[nextY]!) | 0) >= 0;
    const both = step(x, y, flags, finAcked);
    x = both & 15;
    y = both >>> 4;
  }
  const clear = ~((15 << shiftX) | (15 << shiftY) | FLOW_SEQ_A | FLOW_SEQ_B);
  entries[at + E_STATE] = (state & clear) | (x << shiftX) | (y << shiftY) | valid;
}

/** States of sender and receiver after a segment, as sender | receiver << 4. `acked`: it acknowledges all that the receiver sent. */
function step(sender: number, receiver: number, flags: number, acked: boolean): number {
  let x = sender;
  let y = receiver;
  if ((flags & RST) !== 0) return CLOSED;
  if ((flags & SYN) !== 0) {
    if ((flags & ACK) === 0) {
      // Both ends called at once (RFC 9293 figure 7), or a call.
      if (y === SYN_SENT && x !== SYN_SENT) return SYN_RECEIVED | (SYN_RECEIVED << 4);
      return SYN_SENT | ((y === CLOSED || y === TIME_WAIT ? LISTEN : y) << 4);
    }
    if (x === CLOSED || x === LISTEN || x === SYN_SENT || x === TIME_WAIT) x = SYN_RECEIVED;
    if (y === SYN_SENT || y === CLOSED || y === LISTEN) y = ESTABLISHED;
    else if (y === SYN_RECEIVED) return ESTABLISHED | (ESTABLISHED << 4);
    return x | (y << 4);
  }
  if (x === CLOSED && y === CLOSED) {
    x = ESTABLISHED;
    y = ESTABLISHED;
  }
  if ((flags & ACK) !== 0 && acked) {
    if (y === SYN_RECEIVED) y = ESTABLISHED;
    else if (y === FIN_WAIT_1) y = FIN_WAIT_2;
    else if (y === CLOSING) y = TIME_WAIT;
    else if (y === LAST_ACK) y = CLOSED;
  }
  if (y === SYN_RECEIVED && x === ESTABLISHED && (flags & ACK) !== 0) y = ESTABLISHED;
  if ((flags & FIN) !== 0) {
    if (x === ESTABLISHED || x === SYN_RECEIVED) x = FIN_WAIT_1;
    // A FIN that does not acknowledge the other one was sent before that came: both close at once (RFC 9293 figure 13).
    else if (x === CLOSE_WAIT) x = acked ? LAST_ACK : CLOSING;
    else return x | (y << 4);
    if (y === ESTABLISHED) y = CLOSE_WAIT;
    else if (y === FIN_WAIT_1) y = CLOSING;
    else if (y === FIN_WAIT_2) y = TIME_WAIT;
  }
  return x | (y << 4);
}

/** States of both sides out of an entry's state word, the first-seen side first, as one word where they are the same: `ESTABLISHED`, `FIN-WAIT-2/CLOSE-WAIT`. */
export function tcpStateText(state: number, firstIsB: boolean): string {
  const a = TCP_STATES[(state >>> FLOW_TCP_A_SHIFT) & 15] ?? 'CLOSED';
  const b = TCP_STATES[(state >>> FLOW_TCP_B_SHIFT) & 15] ?? 'CLOSED';
  if (a === b) return a;
  return firstIsB ? `${b}/${a}` : `${a}/${b}`;
}
