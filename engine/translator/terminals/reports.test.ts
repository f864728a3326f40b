import { describe, expect, it } from 'vitest';
import { u16 } from '../../base/index.ts';
import { parseRtcpSenderReport } from '../../wire/index.ts';
import { call, dual, phone4, phone6, run } from '../testing/terminals.ts';

const terminals = [phone4, phone6, dual('nine')];
const long = { ...call, holdS: 60 };
const link = { rttMs: 30, jitterMs: 0 };

describe.each(['binding', 'prefix'] as const)('reports about media (T-09, T-11), %s', (style) => {
  it('go by the converter one port above the media, and their round trip is that of the links', () => {
    const legs: { family: number; tNs: number; from: number; to: number; count: number }[] = [];
    const result = run(
      { style, durationS: 70, terminals: [{ ...phone4, link4: link }, { ...phone6, link6: link }, { ...dual('nine'), link4: link, link6: link }], calls: [long] },
      {
        recorder: (node, family, tNs, b, offset, length) => {
          const udp = offset + (family === 4 ? 20 : 40);
          const report = parseRtcpSenderReport(b, udp + 8, offset + length);
          if (node.id === 'nine' && report !== undefined) legs.push({ family, tNs, from: u16(b, udp), to: u16(b, udp + 2), count: report.sender.packets });
        },
      },
    ); // prettier-ignore
    const [session] = result.sessions;
    // 60 s, one report every 2.05 to 6.16 s and the first one earlier.
    for (const { reports } of [session!.forward, session!.backward]) {
      expect(reports.sent).toBeGreaterThanOrEqual(10);
      expect(reports.sent).toBeLessThanOrEqual(30);
      expect(reports).toMatchObject({ received: reports.sent, lost: 0, lossPercent: 0 });
      // Four halves of 30 ms each way, and each packet's time on the wire and in the converter.
      expect(reports.roundTripMs).toBeGreaterThan(119);
      expect(reports.roundTripMs).toBeLessThan(122);
    }
    // Each one is seen twice, as it came and as it left.
    expect(legs).toHaveLength(2 * (session!.forward.reports.sent + session!.backward.reports.sent));
    expect(legs.filter(({ family }) => family === 4)).toHaveLength(legs.length / 2);
    for (const { from, to } of legs) expect([from & 1, to & 1]).toEqual([1, 1]);
    expect(result.totals).toMatchObject({ conserved: true, reportsLost: {} });
  });

  it('end with the call', () => {
    const result = run({ style, durationS: 30, terminals, calls: [{ ...call, holdS: 4 }] });
    const { reportsSent, reportsReceived, reportsLost } = result.totals;
    expect(reportsSent).toBeGreaterThan(1);
    expect([reportsReceived, reportsLost]).toEqual([reportsSent, {}]);
    expect(result.nodes.find(({ id }) => id === 'nine')).toMatchObject({ refused: {} });
  });
});

it('tell the sender what was lost on the way, and count the packets and bytes that it sent', () => {
  const lossy = { ...link, lossPercent: 1 };
  const senders: number[][] = [];
  const cumulative: number[] = [];
  const result = run(
    { durationS: 130, terminals: [phone4, phone6, { ...dual('nine'), link6: lossy }], calls: [{ ...call, holdS: 120 }] },
    {
      recorder: (node, family, _tNs, b, offset, length) => {
        const report = family === 4 && node.id === 'nine' ? parseRtcpSenderReport(b, offset + 28, offset + length) : undefined;
        if (report?.ssrc === 2) cumulative.push(...report.blocks.map(({ cumulativeLost }) => cumulativeLost));
        if (report?.ssrc === 1) senders.push([report.sender.packets, report.sender.octets, report.sender.rtpTimestamp]);
      },
    },
  );
  const [{ forward }] = result.sessions as [(typeof result.sessions)[0]];
  expect(result.sessions[0]!.why).toBe('hung up');
  expect(forward.lost).toBeGreaterThan(30);
  // What Bob last said of it is what was lost until then, within 6.2 s of the end.
  expect(cumulative.length).toBeGreaterThan(20);
  expect(cumulative.at(-1)).toBeLessThanOrEqual(forward.lost);
  expect(cumulative.at(-1)).toBeGreaterThan(forward.lost - 12);
  expect(forward.reports.lossPercent).toBeGreaterThanOrEqual(0);
  expect(forward.reports.lossPercent).toBeLessThan(5);
  expect(forward.reports.lost + forward.reports.received).toBe(forward.reports.sent);
  for (const [packets, octets, timestamp] of senders) {
    expect(octets).toBe(160 * packets!);
    // 20 ms of 8,000 samples a second for each packet sent.
    expect(Math.abs(timestamp! - 160 * packets!)).toBeLessThanOrEqual(160);
  }
  expect(senders.length).toBeGreaterThan(20);
  expect(result.totals.conserved).toBe(true);
});

it('go on through a change of converter, by the new one', () => {
  const both = [phone4, phone6, dual('nine'), dual('ten')];
  const input = { durationS: 70, terminals: both, calls: [long] };
  const first = run(input).decisions[0]!.chosen;
  for (const kind of ['kill', 'leave'] as const) {
    const result = run({ ...input, events: [{ atS: 20, kind, terminal: first }] });
    expect(result.diverts).toHaveLength(1);
    const { reportsSent, reportsReceived, reportsLost } = result.totals;
    const lost = Object.values(reportsLost).reduce((sum, n) => sum + n, 0);
    expect(reportsSent).toBe(reportsReceived + lost);
    expect(lost).toBeLessThanOrEqual(kind === 'kill' ? 2 : 0);
    expect(result.totals.conserved).toBe(true);
  }
});

it('are not sent where the network says so, where no media flow, and by the parties of a captured conversation', () => {
  for (const media of [{ rtcp: false }, { enabled: false }]) {
    const result = run({ durationS: 30, terminals, calls: [call], media });
    expect(result.totals).toMatchObject({ reportsSent: 0, conserved: true });
    expect(result.sessions[0]!.forward.reports).toEqual({ sent: 0, received: 0, lost: 0, roundTripMs: -1, lossPercent: -1 });
  }
  const packets = { atNs: Float64Array.of(0, 1e9, 20e9), payload: new Uint8Array(30), start: Uint32Array.of(0, 10, 20, 30) };
  const conversation = { name: 'a → b', startNs: 0, lastNs: 20e9, forward: packets, backward: packets };
  expect(run({ durationS: 30, terminals }, { conversations: [conversation] }).totals).toMatchObject({ reportsSent: 0, mediaSent: 6 });
});
