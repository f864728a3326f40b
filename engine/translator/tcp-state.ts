import { TIMER } from './sessions.ts';

/** States of a TCP session (RFC 6146 section 3.5.2.2). UDP and ICMP sessions stay in `closed`. */
export const TCP_STATE = { closed: 0, v4Init: 1, v6Init: 2, established: 3, v4Fin: 4, v6Fin: 5, bothFin: 6, transitory: 7 } as const;

export const TCP_STATE_NAMES: readonly string[] = [
  '',
  'V4 INIT',
  'V6 INIT',
  'ESTABLISHED',
  'V4 FIN RCV',
  'V6 FIN RCV',
  'V4+V6 FIN RCV',
  'TRANS',
];

export const TCP_FLAG = { fin: 1, syn: 2, rst: 4 } as const;

/** Keep the lifetime as it runs. */
export const KEEP_TIMER = -1;

/** `state << 8 | timer + 1` after a segment with these flags from the IPv6 (`from6`) or the IPv4 side; use stateOf and timerOf. */
export function nextTcpState(state: number, from6: boolean, flags: number): number {
  const syn = (flags & TCP_FLAG.syn) !== 0;
  const fin = (flags & TCP_FLAG.fin) !== 0;
  const rst = (flags & TCP_FLAG.rst) !== 0;
  switch (state) {
    case TCP_STATE.v4Init:
      return from6 && syn ? to(TCP_STATE.established, TIMER.established) : to(state, KEEP_TIMER);
    case TCP_STATE.v6Init:
      if (!syn) return to(state, KEEP_TIMER);
      return from6 ? to(state, TIMER.transitory) : to(TCP_STATE.established, TIMER.established);
    case TCP_STATE.established:
      if (rst) return to(TCP_STATE.transitory, TIMER.transitory);
      // The text restarts the lifetime for any other segment, not for a FIN.
      return fin ? to(from6 ? TCP_STATE.v6Fin : TCP_STATE.v4Fin, KEEP_TIMER) : to(state, TIMER.established);
    case TCP_STATE.v4Fin:
      return from6 && fin ? to(TCP_STATE.bothFin, TIMER.transitory) : to(state, TIMER.established);
    case TCP_STATE.v6Fin:
      return !from6 && fin ? to(TCP_STATE.bothFin, TIMER.transitory) : to(state, TIMER.established);
    case TCP_STATE.transitory:
      return rst ? to(state, KEEP_TIMER) : to(TCP_STATE.established, TIMER.established);
    default:
      return to(state, KEEP_TIMER);
  }
}

const to = (state: number, timer: number): number => (state << 8) | (timer + 1);
export const stateOf = (packed: number): number => packed >>> 8;
export const timerOf = (packed: number): number => (packed & 255) - 1;
