import {
  DROP_DST_RING_FULL,
  DROP_PORT_NOMEM,
  E_STATE,
  FLOW_ACTIVE,
  FLOW_ENTRY_WORDS,
  FLOW_PORT_MASK,
  META_WORDS,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  SLOT_INDEX,
} from '../../../stack/index.ts';
import { META_FRAGMENT, META_TCP } from '../../../wire/index.ts';
import { DUE_READERS } from '../../services.ts';
import {
  PORT_BYTES,
  Q_CAPACITY,
  Q_DUE,
  Q_ENTRIES,
  Q_FIRST_PORT,
  Q_FREE,
  Q_HOST,
  Q_IN_USE,
  Q_META,
  Q_POOL,
  Q_RING,
  Q_WORLD,
  R_DESCRIPTORS,
  R_SLOTS,
  T_PACKETS_IN,
  T_POOL,
  T_READING,
  T_RING,
  T_WAKE,
} from '../layout.ts';
import { droppedAtPort, lookup } from './host.ts';
import { SLOT_BYTES, firstOwned, full, give, push, take } from './rings.ts';
import { trackTcp } from './tcp.ts';

/** The flow switch: from the device RX ring to the ports, as receive-path.ts has it. */
const META_BYTES = META_WORDS * 4;
const ENTRY_BYTES = FLOW_ENTRY_WORDS * 4;

export function switchPackets(q: usize, n: i32, tNs: f64): void {
  const ring = q + Q_RING;
  const metadata = i32.load(q, Q_META);
  const first = i32.load(ring, R_DESCRIPTORS);
  const end = first + i32.load(ring, R_SLOTS) * SLOT_BYTES;
  let at = firstOwned(ring);
  let buflets = 0;
  for (let i = 0; i < n; i++) {
    const slot = i32.load(at) & SLOT_INDEX;
    at += SLOT_BYTES;
    at = select(first, at, at === end);
    const packet = metadata + slot * META_BYTES;
    buflets += i32.load(packet, PKT_BUFLETS * 4);
    toPort(q, portOf(q, packet, slot), slot, packet, tNs);
  }
  give(q + Q_POOL, buflets);
}

/** Port of a packet: FlowSwitch.lookup for a flow with an entry. */
function portOf(q: usize, packet: usize, slot: i32): i32 {
  const flow = i32.load(packet, PKT_FLOW * 4);
  const meta = i32.load(packet, PKT_META * 4);
  let port = i32.load(q, Q_HOST);
  if (flow >= 0) {
    const entry = i32.load(q, Q_ENTRIES) + flow * ENTRY_BYTES;
    const state = i32.load(entry, E_STATE * 4);
    if ((state & FLOW_ACTIVE) === 0 || (meta & META_FRAGMENT) !== 0) port = lookup(i32.load(q, Q_WORLD), flow, slot);
    else {
      port = state & FLOW_PORT_MASK;
      if ((meta & META_TCP) !== 0) trackTcp(q, entry, state, meta, flow, slot, packet);
    }
  } else if (flow < -1) port = -2 - flow;
  return port;
}

/** Hands a packet from the device pool over to a port's pool and RX ring. */
function toPort(q: usize, place: i32, slot: i32, packet: usize, tNs: f64): void {
  const port = q + Q_FIRST_PORT + place * PORT_BYTES;
  const buflets = i32.load(packet, PKT_BUFLETS * 4);
  i32.store(port, i32.load(port, T_PACKETS_IN) + 1, T_PACKETS_IN);
  if (!take(port + T_POOL, buflets)) {
    droppedAtPort(i32.load(q, Q_WORLD), place, DROP_PORT_NOMEM, slot);
    release(q, slot, packet);
  } else if (full(port + T_RING)) {
    give(port + T_POOL, buflets);
    droppedAtPort(i32.load(q, Q_WORLD), place, DROP_DST_RING_FULL, slot);
    release(q, slot, packet);
  } else if (push(port + T_RING, slot, i32.load(packet, PKT_LEN * 4)) === 1 && i32.load(port, T_READING) === 0) {
    f64.store(i32.load(q, Q_DUE) + ((DUE_READERS + place) << 3), tNs + f64.load(port, T_WAKE));
  }
}

/** PacketStore.release. */
function release(q: usize, slot: i32, packet: usize): void {
  i32.store(packet, 0, PKT_BUFLETS * 4);
  const used = i32.load(q, Q_IN_USE) - 1;
  i32.store(q, used, Q_IN_USE);
  i32.store(i32.load(q, Q_FREE) + ((i32.load(q, Q_CAPACITY) - 1 - used) << 2), slot);
}
