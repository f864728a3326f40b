import { describe, expect, test } from 'vitest';
import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';
import { SENDERS_BINS } from '../../contract/index.ts';
import { DEFAULT_METER, DEFAULT_SOCKETS } from '../../stack/index.ts';
import {
  Cubic,
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
    expect(reno.cwnd).toBe(1_000);
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
  });

  test('three duplicates send the missing segment again, once, and a partial acknowledgment the next', () => {
    const sent: string[] = [];
    const sender = new Sender({
      algorithm: 'reno',
      mss: 1_000,
      minRtoNs: 200 * NS_PER_MS,
      windowBytes: 1e9,
      segments: 1_000,
      send: (segment, again) => sent.push(`${String(segment)}${again ? '!' : ''}`),
      setTimer: () => undefined,
    });
    sender.push(0);
    expect(sent).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    sent.length = 0;
    for (let i = 0; i < 5; i++) sender.acknowledged(0, 50e6);
    expect(sent.filter((s) => s.endsWith('!'))).toEqual(['0!']);
    sender.acknowledged(4, 100e6);
    expect(sent.filter((s) => s.endsWith('!'))).toEqual(['0!', '4!']);
    expect(sender.fastRetransmits).toBe(1);
  });

  test('after a timeout what had arrived beyond the hole is not sent again', () => {
    const sent: number[] = [];
    const sender = new Sender({
      algorithm: 'reno',
      mss: 1_000,
      minRtoNs: 200 * NS_PER_MS,
      windowBytes: 1e9,
      segments: 1_000,
      send: (segment) => sent.push(segment),
      setTimer: () => undefined,
    });
    sender.push(0);
    sender.expired(1e9);
    expect(sent.slice(10)).toEqual([0]);
    sender.acknowledged(10, 1.1e9);
    expect(sent.slice(11)).toEqual([10, 11]);
    expect(sender.timer.srttNs).toBe(0);
  });

  test('duplicates below the highest segment that was ever sent start no recovery, also after a second timeout (RFC 6582 section 3.2)', () => {
    const sender = new Sender({
      algorithm: 'reno',
      mss: 1_000,
      minRtoNs: 200 * NS_PER_MS,
      windowBytes: 1e9,
      segments: 1_000,
      send: () => undefined,
      setTimer: () => undefined,
    });
    sender.push(0);
    sender.expired(1e9);
    sender.acknowledged(1, 1.1e9);
    sender.expired(3e9);
    sender.acknowledged(3, 3.1e9);
    for (let i = 0; i < 3; i++) sender.acknowledged(3, 3.2e9);
    expect(sender.timeouts).toBe(2);
    expect(sender.fastRetransmits).toBe(0);
  });

  test.each(['reno', 'cubic'] as const)(
    '%s: a second timeout of the same segment leaves the threshold (RFC 5681 section 3.1)',
    (algorithm) => {
      const sender = new Sender({
        algorithm,
        mss: 1_000,
        minRtoNs: 200 * NS_PER_MS,
        windowBytes: 1e9,
        segments: 1_000,
        send: () => undefined,
        setTimer: () => undefined,
      });
      sender.push(0);
      sender.expired(1e9);
      const threshold = sender.control.ssthresh;
      expect(threshold).toBeGreaterThan(4_000);
      sender.expired(3e9);
      expect(sender.control.ssthresh).toBe(threshold);
      expect(sender.control.cwnd).toBe(1_000);
      sender.acknowledged(1, 3.1e9);
      sender.expired(7e9);
      expect(sender.control.ssthresh).toBe(2_000);
    },
  );
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
