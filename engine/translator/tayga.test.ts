import { describe, expect, it } from 'vitest';
import { hex, u32 } from '../base/index.ts';
import type { TranslatorInput } from '../contract/index.ts';
import { capturesMissing, haveCaptures } from '../testing/captures.ts';
import { readIpPackets } from '../testing/raw-captures.ts';
import { pseudoSum4, pseudoSum6, sum16, sumIsGood } from '../wire/index.ts';
import { isTranslated, REASON } from './reasons.ts';
import { newSink, siit, translated } from './test-support.ts';

if (!haveCaptures) process.stdout.write(`${capturesMissing}\n`);

describe.skipIf(!haveCaptures)('TAYGA between two hosts', () => {
  const config: TranslatorInput = {
    pool6: ['2001:db8:64:ff9b::/96'],
    maps: [{ v4: '192.168.255.241', v6: '2001:db8:6::5' }],
    // TAYGA follows RFC 6145: DF is set and the identification zero, whatever the size.
    df: 'always',
    identification: 'zero',
    own4: '192.168.255.1',
    own6: '2001:db8:64:ff9b::c0a8:ff01',
  };

  it('sends what the peer sent for every packet that came to it', () => {
    const t = siit(config);
    const list = readIpPackets('peer-recordings/nat64-tayga-nat64.pcap');
    const sink = newSink();
    let compared = 0;
    for (const [i, { side, bytes, wireLength }] of list.entries()) {
      // From one of the two hosts and not yet through the translator, or about to run out of hops there.
      const came = side === 6 ? hex(bytes.subarray(8, 24)) === '20010db8000600000000000000000005' : u32(bytes, 12) === 0xc6336405;
      const hops = side === 6 ? bytes[7]! : bytes[8]!;
      if (!came || (hops !== 63 && hops !== 1)) continue;
      sink.clear();
      const code = t.translate(side, bytes, 0, bytes.length, wireLength, sink);
      expect(isTranslated(code) || code === REASON.hopLimitExpired).toBe(true);
      expect(sink.count).toBe(1);
      const ours = hex(sink.packet(0));
      expect(
        list.slice(i + 1, i + 64).some((later) => hex(later.bytes) === ours),
        `packet ${i + 1}`,
      ).toBe(true);
      compared++;
    }
    expect(compared).toBe(181);
  });

  it('keeps every checksum valid', () => {
    const t = siit(config);
    for (const b of translated(t, readIpPackets('peer-recordings/nat64-tayga-nat64.pcap'))) {
      const six = b[0]! >> 4 === 6;
      if (!six) expect(sumIsGood(sum16(b, 0, 20))).toBe(true);
      const t0 = six ? 40 : 20;
      const protocol = six ? b[6]! : b[9]!;
      const pseudo = six
        ? pseudoSum6(b, 8, 24, protocol, b.length - t0)
        : protocol === 1
          ? 0
          : pseudoSum4(b, 12, 16, protocol, b.length - t0);
      expect(sumIsGood(sum16(b, t0, b.length, pseudo))).toBe(true);
    }
  });
});
