import { describe, expect, test } from 'vitest';
import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import { SENDERS_BINS } from '../../contract/index.ts';
import { DEFAULT_METER, DEFAULT_SOCKETS } from '../../stack/index.ts';
import {
  Cubic,
  Receiver,
  Reno,
  RetransmissionTimer,
  Sender,
  initialWindow,
  runClosedLoop,
  runClosedLoopInSteps,
  type ClosedLoopOptions,
} from './index.ts';

describe('senders', () => {
  test('the initial window is that of RFC 6928', () => {
    expect(initialWindow(1_460)).toBe(14_600);
    expect(initialWindow(536)).toBe(5_360);
    expect(initialWindow(9_000)).toBe(18_000);
  });

  test('Reno doubles in slow start, adds a segment a round trip afterwards, and halves on loss (RFC 5681)', () => {
    const reno = new Reno(1_000);
    const start = reno.cwnd;
    for (let i = 0; i < 10; i++) reno.acked(1_000);
    expect(reno.cwnd).toBe(start + 10_000);
    reno.lost(40_000);
    expect(reno.ssthresh).toBe(20_000);
    reno.cwnd = reno.ssthresh;
    for (let i = 0; i < 20; i++) reno.acked(1_000);
    expect(reno.cwnd).toBeGreaterThan(20_900);
    expect(reno.cwnd).toBeLessThan(21_001);
    reno.timedOut(21_000, false);
    expect([reno.cwnd, reno.ssthresh]).toEqual([1_000, 10_500]);
    reno.timedOut(1_000, true);
    expect([reno.cwnd, reno.ssthresh]).toEqual([1_000, 10_500]);
  });

  test('CUBIC falls to 0.7, is back at the old window after K, and goes on beyond (RFC 9438)', () => {
    const mss = 1_000;
    const cubic = new Cubic(mss);
    cubic.cwnd = 1_000 * mss;
    cubic.lost(cubic.cwnd);
    expect(cubic.ssthresh).toBeCloseTo(700 * mss);
    cubic.cwnd = cubic.ssthresh;
    const rttNs = 100 * NS_PER_MS;
    // K = cbrt(300 / 0.4) = 9.09 s.
    const windows: number[] = [];
    for (let t = 0; t <= 14; t += 0.1) {
      const acks = Math.floor(cubic.cwnd / mss);
      for (let i = 0; i < acks; i++) cubic.acked(mss, t * NS_PER_S, rttNs);
      windows.push(cubic.cwnd / mss);
    }
    expect(windows[91]).toBeGreaterThan(980);
    expect(windows[91]).toBeLessThan(1_020);
    expect(windows.at(-1)).toBeGreaterThan(1_035);
    expect(windows[45]).toBeLessThan(985);
  });

  test('after a timeout CUBIC starts from the window that it finds (RFC 8312 section 4.7)', () => {
    const mss = 1_000;
    const cubic = new Cubic(mss);
    cubic.cwnd = 1_000 * mss;
    cubic.timedOut(cubic.cwnd, false);
    expect([cubic.cwnd, cubic.ssthresh]).toEqual([mss, 700 * mss]);
    cubic.cwnd = cubic.ssthresh;
    cubic.acked(mss, 0, 100 * NS_PER_MS);
    // K is 0: 2 s later the curve stands 0.4 * 2^3 above the window of the start, not below the one before the timeout.
    for (let i = 0; i < 2_000; i++) cubic.acked(mss, 2 * NS_PER_S, 0);
    expect(cubic.cwnd / mss).toBeGreaterThan(702.5);
    expect(cubic.cwnd / mss).toBeLessThan(705);
  });

  test('one acknowledgment of many windows moves CUBIC as one (RFC 8312 sections 4.3 and 4.4)', () => {
    const mss = 1_000;
    const cubic = new Cubic(mss);
    cubic.cwnd = 1_000 * mss;
    cubic.timedOut(2 * mss, false);
    expect(cubic.ssthresh).toBe(2 * mss);
    cubic.cwnd = cubic.ssthresh;
    cubic.acked(500 * mss, 0, 100 * NS_PER_MS);
    expect(cubic.cwnd).toBeLessThanOrEqual(3 * mss);
  });

  test('the timer is that of RFC 6298', () => {
    const timer = new RetransmissionTimer(200 * NS_PER_MS);
    expect(timer.rtoNs).toBe(NS_PER_S);
    timer.sample(100 * NS_PER_MS);
    expect(timer.rtoNs).toBe(300 * NS_PER_MS);
    timer.sample(100 * NS_PER_MS);
    expect(timer.rttvarNs).toBe(37.5 * NS_PER_MS);
    expect(timer.rtoNs).toBe(250 * NS_PER_MS);
    timer.backOff();
    expect(timer.rtoNs).toBe(500 * NS_PER_MS);
    for (let i = 0; i < 10; i++) timer.backOff();
    expect(timer.rtoNs).toBe(60 * NS_PER_S);
  });

  test('many samples of a window weigh as one (RFC 7323 appendix G)', () => {
    const timer = new RetransmissionTimer(NS_PER_MS);
    timer.sample(100 * NS_PER_MS);
    for (let i = 0; i < 100; i++) timer.sample(180 * NS_PER_MS, 100);
    // One sample in all would give 110 ms.
    expect(timer.srttNs / NS_PER_MS).toBeGreaterThan(109);
    expect(timer.srttNs / NS_PER_MS).toBeLessThan(110);
  });

  interface Rig {
    readonly sender: Sender;
    /** Segments in the order in which they were sent, those sent again with a mark. */
    readonly sent: string[];
    readonly timers: number[];
  }

  function rig(windowBytes = 1e9, algorithm: 'reno' | 'cubic' = 'reno'): Rig {
    const sent: string[] = [];
    const timers: number[] = [];
    const sender = new Sender({
      algorithm,
      mss: 1_000,
      minRtoNs: 200 * NS_PER_MS,
      windowBytes,
      segments: 1_000,
      send: (segment, again) => sent.push(`${String(segment)}${again ? '!' : ''}`),
      setTimer: (atNs) => timers.push(atNs),
    });
    sender.push(0);
    return { sender, sent, timers };
  }

  const again = ({ sent }: Rig): string[] => sent.filter((s) => s.endsWith('!'));

  test('three duplicates send the missing segment again, once, and a partial acknowledgment the next', () => {
    const r = rig();
    expect(r.sent).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    for (let i = 0; i < 5; i++) r.sender.acknowledged(0, 0, 50e6);
    expect(again(r)).toEqual(['0!']);
    r.sender.acknowledged(4, 50e6, 100e6);
    expect(again(r)).toEqual(['0!', '4!']);
    expect(r.sender.fastRetransmits).toBe(1);
  });

  test('the first two duplicates send new data, which counts neither in the window nor in the threshold (RFC 3042)', () => {
    const r = rig();
    r.sender.acknowledged(0, 0, 50e6);
    r.sender.acknowledged(0, 0, 50e6);
    expect(r.sent.slice(10)).toEqual(['10', '11']);
    expect(r.sender.control.cwnd).toBe(10_000);
    r.sender.acknowledged(0, 0, 50e6);
    expect(r.sent.slice(12)).toEqual(['0!']);
    expect([r.sender.control.ssthresh, r.sender.control.cwnd]).toEqual([5_000, 8_000]);
    const full = rig(10_000);
    for (let i = 0; i < 3; i++) full.sender.acknowledged(0, 0, 50e6);
    expect(full.sent.slice(10)).toEqual(['0!']);
  });

  test('after a timeout what had arrived beyond the hole is not sent again, and its time stamp gives a round trip', () => {
    const r = rig();
    r.sender.expired(1e9);
    expect(r.sent.slice(10)).toEqual(['0!']);
    expect(r.timers.at(-1)).toBe(3e9);
    r.sender.acknowledged(10, 1e9, 1.1e9);
    expect(r.sent.slice(11)).toEqual(['10', '11']);
    expect(r.sender.timer.srttNs).toBe(100e6);
    expect(r.sender.timer.rtoNs).toBe(300e6);
  });

  test.each(['reno', 'cubic'] as const)(
    '%s: a second timeout of the same segment leaves the threshold (RFC 5681 section 3.1)',
    (algorithm) => {
      const { sender, timers } = rig(1e9, algorithm);
      sender.expired(1e9);
      const threshold = sender.control.ssthresh;
      expect(threshold).toBeGreaterThan(4_000);
      sender.expired(3e9);
      expect([sender.control.cwnd, sender.control.ssthresh]).toEqual([1_000, threshold]);
      expect(timers.at(-1)).toBe(7e9);
      sender.acknowledged(1, 3e9, 3.1e9);
      sender.expired(7e9);
      expect(sender.control.ssthresh).toBe(2_000);
    },
  );

  test('duplicates of what a timeout sent again for nothing start no recovery (RFC 6582 sections 3.2 and 4.1)', () => {
    const spurious = rig();
    spurious.sender.expired(1e9);
    spurious.sender.expired(3e9);
    // Six had arrived: the window jumps by more than the heuristic allows, and what is sent again is answered by duplicates.
    spurious.sender.acknowledged(6, 3e9, 3.1e9);
    for (let i = 0; i < 3; i++) spurious.sender.acknowledged(6, 3e9, 3.2e9);
    expect(spurious.sender.fastRetransmits).toBe(0);
    const lost = rig();
    lost.sender.expired(1e9);
    lost.sender.acknowledged(1, 1e9, 1.1e9);
    lost.sender.acknowledged(2, 1.1e9, 1.2e9);
    for (let i = 0; i < 3; i++) lost.sender.acknowledged(2, 1.1e9, 1.3e9);
    expect(lost.sender.fastRetransmits).toBe(1);
    // Recovery lasts until everything ever sent is acknowledged, not only what was sent since the timeout.
    lost.sender.acknowledged(9, 1.3e9, 1.4e9);
    expect(again(lost).at(-1)).toBe('9!');
  });

  test('a window that the receiver limits does not grow the congestion window', () => {
    const r = rig(4_000, 'cubic');
    for (let ack = 1; ack < 100; ack++) r.sender.acknowledged(ack, ack * 1e6, (ack + 50) * 1e6);
    expect(r.sender.control.cwnd).toBe(10_000);
  });
});

describe('the receiver', () => {
  test('echoes the stamp of what moved the window, also of what fills a hole (RFC 7323 section 4.3)', () => {
    const receiver = new Receiver();
    const echoes: number[] = [];
    // A, C, B sent again, E, D: the second example of the RFC.
    for (const [segment, stamp] of [
      [0, 1],
      [2, 3],
      [1, 2],
      [4, 5],
      [3, 4],
    ] as const) {
      receiver.take(segment, stamp);
      echoes.push(receiver.stampNs);
    }
    expect(echoes).toEqual([1, 1, 2, 2, 4]);
    expect(receiver.expected).toBe(5);
  });
});

const base: ClosedLoopOptions = {
  algorithm: 'cubic',
  flows: 1,
  durationS: 4,
  rateBps: 80e6,
  queueBytes: 4e6,
  rttMs: 40,
  grantMs: 40,
  lineBps: 2e9,
  mss: 1_400,
  windowBytes: 2e6,
  minRtoMs: 200,
  poolPackets: 4_096,
  meter: DEFAULT_METER,
  sockets: { ...DEFAULT_SOCKETS, readerBps: 150e6 },
  network: { profile: 'lte', changes: [], capability: { burstPeriodUs: 40_000 } },
  seed: 1,
};

describe('the closed loop', () => {
  test.each(['reno', 'cubic'] as const)(
    '%s: without the meter lumps overflow the socket and the sender slows down; with it nothing is lost',
    (algorithm) => {
      const on = runClosedLoop({ ...base, algorithm });
      const off = runClosedLoop({ ...base, algorithm, meter: { ...DEFAULT_METER, enable: false } });
      expect(on.conserved).toBe(true);
      expect(off.conserved).toBe(true);
      expect(off.losses['sock_full_drop']).toBeGreaterThan(50);
      expect(on.losses['sock_full_drop']).toBeUndefined();
      expect(on.goodputBps).toBeGreaterThan(1.2 * off.goodputBps);
      expect(on.rttMs.p50).toBeGreaterThan(40);
    },
  );

  test('a small receive buffer loses again and again, and yet round trips are measured to the end', () => {
    const small = { ...base, meter: { ...DEFAULT_METER, enable: false }, sockets: { ...base.sockets, rcvbufBytes: 16_384 } };
    const { series, retransmits } = runClosedLoop(small);
    expect(retransmits).toBeGreaterThan(20);
    expect(series.rttNs.findLastIndex((rtt) => rtt > 0)).toBeGreaterThan(0.9 * SENDERS_BINS);
  });

  test('is a function of its options', () => {
    expect(runClosedLoop({ ...base, flows: 3, durationS: 1 })).toEqual(runClosedLoop({ ...base, flows: 3, durationS: 1 }));
  });

  test('its bins add up to the totals, and a run in steps is the same run', async () => {
    const options = { ...base, meter: { ...DEFAULT_METER, enable: false }, durationS: 2 };
    const whole = runClosedLoop(options);
    const { series } = whole;
    expect(series.goodputBytes).toHaveLength(SENDERS_BINS);
    expect((8 * series.goodputBytes.reduce((a, b) => a + b, 0)) / 2).toBeCloseTo(whole.goodputBps, 3);
    expect(series.lost.reduce((a, b) => a + b, 0)).toBe(Object.values(whole.losses).reduce((a, b) => a + b, 0));
    expect(series.rttNs.filter((rtt) => rtt > 0).every((rtt) => rtt >= 40 * NS_PER_MS)).toBe(true);
    const done: number[] = [];
    const stepped = await runClosedLoopInSteps(options, (bins) => {
      done.push(bins);
      return Promise.resolve();
    });
    expect(stepped).toEqual(whole);
    expect(done).toEqual(Array.from({ length: SENDERS_BINS - 1 }, (_, i) => i + 1));
  });

  test('an empty path without lumps has its own round trip and fills the link', () => {
    const clean = runClosedLoop({
      ...base,
      grantMs: 0,
      meter: { ...DEFAULT_METER, enable: false },
      windowBytes: 1e6,
      sockets: { ...DEFAULT_SOCKETS, readerBps: 0 },
    });
    expect(clean.retransmits).toBe(0);
    expect(clean.losses).toEqual({});
    expect(clean.goodputBps).toBeGreaterThan(70e6);
  });
});
