import { DUE_LINGER, DUE_POLL, DUE_READERS, DUE_SERIES, NEVER } from '../../services.ts';
import {
  C_NEXT,
  C_NOW,
  C_UNTIL,
  Q_BATCH,
  Q_CLOCK,
  Q_DUE,
  Q_END,
  Q_PER_BATCH,
  Q_PER_PACKET,
  Q_POLLING,
  Q_RING,
  Q_SERVICES,
  Q_WORLD,
  R_USED,
} from '../layout.ts';
import { closeBin, expire } from './host.ts';
import { read } from './reader.ts';
import { consume } from './rings.ts';
import { switchPackets } from './switch.ts';

/** QueueWorld.runUntil, for the services of a world that sends nothing. */
export function runServices(q: usize, untilNs: f64): void {
  const due = i32.load(q, Q_DUE);
  const services = i32.load(q, Q_SERVICES);
  const clock = i32.load(q, Q_CLOCK);
  f64.store(clock, untilNs, C_UNTIL);
  let more = true;
  while (more) {
    let next: f64 = NEVER;
    let service = 0;
    for (let i = 0; i < services; i++) {
      const t = f64.load(due + (i << 3));
      const earlier = t < next;
      next = select(t, next, earlier);
      service = select(i, service, earlier);
    }
    if (next > untilNs || next === NEVER) {
      f64.store(clock, next, C_NEXT);
      more = false;
    } else {
      f64.store(due + (service << 3), NEVER);
      f64.store(clock, next, C_NOW);
      if (service === DUE_POLL) poll(q, next);
      else if (service >= DUE_READERS) read(q, service - DUE_READERS, next);
      else if (service === DUE_LINGER) expire(i32.load(q, Q_WORLD), next);
      else if (service === DUE_SERIES) closeBin(i32.load(q, Q_WORLD));
    }
  }
}

/** Starts or ends a poll of the device RX ring by the flow switch. */
function poll(q: usize, tNs: f64): void {
  const ring = q + Q_RING;
  const n = i32.load(q, Q_POLLING);
  if (n > 0) {
    switchPackets(q, n, tNs);
    consume(ring, n);
    f64.store(q, tNs, Q_END);
  }
  const waiting = i32.load(ring, R_USED);
  const batch = i32.load(q, Q_BATCH);
  const some = select(waiting, batch, waiting < batch);
  i32.store(q, some, Q_POLLING);
  if (some !== 0) {
    const ends = tNs + rounded(f64.load(q, Q_PER_BATCH) + f64.load(q, Q_PER_PACKET) * f64(some));
    f64.store(i32.load(q, Q_DUE) + (DUE_POLL << 3), ends);
  }
}

/** As Math.round. */
function rounded(value: f64): f64 {
  const up = ceil(value);
  return select(up - 1, up, up - 0.5 > value);
}
