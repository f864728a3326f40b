import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { payloadTree, values } from './app-testing.ts';
import { registerApplicationProtocols } from './index.ts';
import { buildRtcp, parseRtcpSenderReport } from './rtcp-build.ts';

beforeAll(registerApplicationProtocols);

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const report = fc.record({
  ssrc: u32,
  sender: fc.record({ ntpSeconds: u32, ntpFraction: u32, rtpTimestamp: u32, packets: u32, octets: u32 }),
  blocks: fc.array(
    fc.record({
      ssrc: u32,
      fractionLost: fc.integer({ min: 0, max: 255 }),
      cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
      highestSequence: u32,
      jitter: u32,
      lastReport: u32,
      sinceLastReport: u32,
    }),
    { maxLength: 31 },
  ),
});

describe('rtcp that is built', () => {
  it('is parsed to the same report, and the dissector shows every packet of it', () => {
    fc.assert(
      fc.property(report, fc.string({ maxLength: 60 }), (one, cname) => {
        const built = buildRtcp(one, cname);
        expect(parseRtcpSenderReport(built, 0, built.length)).toEqual(one);
        const tree = payloadTree('udp', built, 40_001, 40_003);
        expect(tree.layers).toEqual(['rtcp', 'rtcp']);
        expect(values(tree.root, 'rtcp.sender.packetcount')).toEqual([one.sender.packets]);
        expect(values(tree.root, 'rtcp.ssrc.fraction')).toEqual(one.blocks.map(({ fractionLost }) => fractionLost));
      }),
      { numRuns: 100 },
    );
  });

  it('holds what does not fit into 24 bits at the limit', () => {
    const block = { ssrc: 1, fractionLost: 0, highestSequence: 0, jitter: 0, lastReport: 0, sinceLastReport: 0 };
    const sender = { ntpSeconds: 0, ntpFraction: 0, rtpTimestamp: 0, packets: 0, octets: 0 };
    const blocks = [1e9, -1e9].map((cumulativeLost) => ({ ...block, cumulativeLost }));
    const built = buildRtcp({ ssrc: 1, sender, blocks }, 'a');
    expect(parseRtcpSenderReport(built, 0, built.length)?.blocks.map(({ cumulativeLost }) => cumulativeLost)).toEqual([
      0x7fffff, -0x800000,
    ]);
  });

  it('is nothing else: any bytes are refused or parsed, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        parseRtcpSenderReport(bytes, 0, bytes.length);
        parseRtcpSenderReport(Uint8Array.of(0x81, 200, 0, 12, ...bytes), 0, bytes.length + 4);
      }),
    );
  });
});
