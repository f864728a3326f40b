import { META_WORDS, PKT_BUFLETS, SLOT_INDEX } from '../../../stack/index.ts';
import { DUE_READERS } from '../../services.ts';
import {
  PORT_BYTES,
  Q_ARRIVALS,
  Q_CAPACITY,
  Q_DUE,
  Q_END,
  Q_FINISHED,
  Q_FIRST_PORT,
  Q_FREE,
  Q_IN_USE,
  Q_META,
  R_DESCRIPTORS,
  R_SLOTS,
  R_USED,
  T_BYTES_OUT,
  T_DELAYS,
  T_DELIVERED,
  T_MAX_DELAY,
  T_POOL,
  T_READING,
  T_READ_BATCH,
  T_READ_START,
  T_RING,
  T_WHOLE,
} from '../layout.ts';
import { delayBucket } from './host.ts';
import { SLOT_BYTES, consume, firstOwned, give } from './rings.ts';

const META_BYTES = META_WORDS * 4;
/** 2^31: longer delays have their bucket worked out by the world. */
const LONG_DELAY_NS = 2147483648;

/** Starts or ends a read of a port's RX ring by its application. */
export function read(q: usize, place: i32, tNs: f64): void {
  const port = q + Q_FIRST_PORT + place * PORT_BYTES;
  const reading = i32.load(port, T_READING);
  if (reading > 0) finishRead(q, port, reading, tNs);
  const waiting = i32.load(port + T_RING, R_USED);
  const batch = i32.load(port, T_READ_BATCH);
  const some = select(waiting, batch, waiting < batch);
  i32.store(port, some, T_READING);
  if (some !== 0) {
    f64.store(port, tNs, T_READ_START);
    f64.store(i32.load(q, Q_DUE) + ((DUE_READERS + place) << 3), tNs + f64(some) * f64.load(port, T_WHOLE));
  }
}

function finishRead(q: usize, port: usize, n: i32, tNs: f64): void {
  const ring = port + T_RING;
  const metadata = i32.load(q, Q_META);
  const arrivalsNs = i32.load(q, Q_ARRIVALS);
  const delays = i32.load(port, T_DELAYS);
  const wholeNs = f64.load(port, T_WHOLE);
  const first = i32.load(ring, R_DESCRIPTORS);
  const end = first + i32.load(ring, R_SLOTS) * SLOT_BYTES;
  const inUse = i32.load(q, Q_IN_USE);
  let free = i32.load(q, Q_FREE) + ((i32.load(q, Q_CAPACITY) - inUse) << 2);
  let at = firstOwned(ring);
  let t = f64.load(port, T_READ_START);
  let maxDelayNs = f64.load(port, T_MAX_DELAY);
  let buflets = 0;
  let bytes: f64 = 0;
  for (let i = 0; i < n; i++) {
    const slot = i32.load(at) & SLOT_INDEX;
    bytes = bytes + f64(i32.load(at, 4));
    at += SLOT_BYTES;
    at = select(first, at, at === end);
    t = t + wholeNs;
    const delayNs = t - f64.load(arrivalsNs + (slot << 3));
    maxDelayNs = select(delayNs, maxDelayNs, delayNs > maxDelayNs);
    const bucket = delays + (bucketOf(delayNs) << 2);
    i32.store(bucket, i32.load(bucket) + 1);
    const packet = metadata + slot * META_BYTES;
    buflets += i32.load(packet, PKT_BUFLETS * 4);
    i32.store(packet, 0, PKT_BUFLETS * 4);
    i32.store(free, slot);
    free += 4;
  }
  i32.store(q, inUse - n, Q_IN_USE);
  f64.store(port, maxDelayNs, T_MAX_DELAY);
  i32.store(port, i32.load(port, T_DELIVERED) + n, T_DELIVERED);
  f64.store(port, f64.load(port, T_BYTES_OUT) + bytes, T_BYTES_OUT);
  i32.store(q, i32.load(q, Q_FINISHED) + n, Q_FINISHED);
  give(port + T_POOL, buflets);
  consume(ring, n);
  f64.store(q, tNs, Q_END);
}

/** Bucket of a delay: histogramBucket. */
function bucketOf(delayNs: f64): i32 {
  return delayNs >= LONG_DELAY_NS ? delayBucket(delayNs) : shortBucket(i32(delayNs));
}

function shortBucket(delay: i32): i32 {
  const octave = 31 - clz(delay);
  return select(select(0, delay, delay < 0), ((octave - 3) << 4) | ((delay >>> (octave - 4)) & 15), delay < 16);
}
