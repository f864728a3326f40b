import { E_NEXT_A, FLOW_SEQ_A, FLOW_TCP_A_SHIFT, FLOW_TCP_B_SHIFT, PKT_PAYLOAD, PKT_SEQ } from '../../../stack/index.ts';
import { META_TCP_FLAGS_SHIFT } from '../../../wire/index.ts';
import { Q_WORLD } from '../layout.ts';
import { track } from './host.ts';

/** The flow track of TCP: see stack/tcp-track.ts, which has all segments that are not plain data or acknowledgements. */
const META_FROM_B_BIT = 16;
const SYN_FIN_RST = 7;
const ESTABLISHED = 4;
const BOTH = (15 << FLOW_TCP_A_SHIFT) | (15 << FLOW_TCP_B_SHIFT);
const BOTH_ESTABLISHED = (ESTABLISHED << FLOW_TCP_A_SHIFT) | (ESTABLISHED << FLOW_TCP_B_SHIFT);
const MAX_WINDOW = 1 << 30;

export function trackTcp(q: usize, entry: usize, state: i32, meta: i32, id: i32, slot: i32, packet: usize): void {
  const fromB = (meta >>> META_FROM_B_BIT) & 1;
  const flags = meta >>> META_TCP_FLAGS_SHIFT;
  const next = entry + (fromB << 2);
  const end = i32.load(packet, PKT_SEQ * 4) + i32.load(packet, PKT_PAYLOAD * 4);
  const ahead = end - i32.load(next, E_NEXT_A * 4);
  const plain = (state & BOTH) === BOTH_ESTABLISHED && (flags & SYN_FIN_RST) === 0 && (state & (FLOW_SEQ_A << fromB)) !== 0;
  if (plain && ahead <= MAX_WINDOW && ahead >= -MAX_WINDOW) i32.store(next, select(end, end - ahead, ahead > 0), E_NEXT_A * 4);
  else track(i32.load(q, Q_WORLD), id, slot);
}
