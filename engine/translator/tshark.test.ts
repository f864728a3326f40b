import { describe, expect, it } from 'vitest';
import { capture, haveCaptures, capturesMissing } from '../testing/captures.ts';
import { listCaptures, readRawCapture, writeRawPcapng, type RawPacket } from '../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../testing/tshark.ts';
import { PacketSink, SINK_KIND } from './packet-sink.ts';
import { isTranslated } from './reasons.ts';
import { siit } from './test-support.ts';

/** Ethernet and raw IP captures; of each the first packets only, and of all together no more than tshark reads in seconds. */
const PACKETS_OF_ONE = 40;
const PACKETS = 6_000;
const RAW_IP = 101;

const FIELDS = ['ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status'];
const PROTOCOLS = ['frame', 'raw', 'ip', 'ipv6', 'ipv6.fraghdr', 'tcp', 'udp', 'icmp', 'icmpv6', 'data', 'eth', 'ethertype'];

/** Bytes from the IP header on, or undefined for what is no IP over Ethernet. */
function ipOf({ linkType, bytes }: RawPacket): Uint8Array | undefined {
  const type = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
  return linkType === 1 && (type === 0x0800 || type === 0x86dd) ? bytes.subarray(14) : undefined;
}

describe.skipIf(!haveCaptures || tsharkVersion === undefined)('checksums by tshark', () => {
  it('are as good or bad after translation as before, over real captures', () => {
    // Every address has a place on the other side: IPv4 under the prefix, IPv6 by its last 32 bits.
    const t = siit({
      pool6: ['2001:db8:64::/96'],
      maps: [{ v4: '0.0.0.0/0', v6: '2001:db8:4::/96' }],
      wellKnownPrivate: 'allow',
      hairpin: 'off',
      mtu6: 65_535,
      lowestIpv6Mtu: 65_535,
      badHeaderChecksum: 'drop',
    });
    const before: RawPacket[] = [];
    const after: RawPacket[] = [];
    const sink = new PacketSink(1 << 20, 64);
    for (const { path } of listCaptures().filter(({ file, encapsulation }) => encapsulation === 'ether' && !file.includes('checksum'))) {
      if (after.length >= PACKETS) break;
      for (const packet of readRawCapture(path, PACKETS_OF_ONE)) {
        const ip = ipOf(packet);
        if (ip === undefined || ip[0]! >> 4 !== 4) continue;
        sink.clear();
        const code = t.translate(4, ip, 0, ip.length, packet.origLenBytes - 14, sink);
        if (!isTranslated(code) || sink.count !== 1 || sink.kind[0] !== SINK_KIND.translated) continue;
        before.push({ linkType: RAW_IP, origLenBytes: packet.origLenBytes - 14, bytes: ip });
        after.push({ linkType: RAW_IP, origLenBytes: sink.wireLength[0]!, bytes: sink.packet(0) });
      }
    }
    expect(after.length).toBeGreaterThan(1_000);
    const query = { fields: FIELDS, protocols: PROTOCOLS };
    const was = tsharkFields(writeRawPcapng(before), query);
    const is = tsharkFields(writeRawPcapng(after), query);
    const statuses = (row: string[][] | undefined, from: number): string[] =>
      (row ?? []).slice(from).flatMap((cell) => cell.filter((v) => v !== ''));
    let compared = 0;
    const worse: string[] = [];
    was.forEach((row, i) => {
      const [a] = statuses(row, 1);
      const [b] = statuses(is[i], 1);
      // 0 bad, 1 good, 2 not checked, 3 none; UDP without one gets one.
      if (a === undefined || b === undefined || a === '2' || b === '2') return;
      compared++;
      if (b !== a && !(a === '3' && b === '1')) worse.push(`${i}: ${a} became ${b}`);
    });
    expect(compared).toBeGreaterThan(1_000);
    expect(worse).toEqual([]);
  });
});

if (!haveCaptures) process.stdout.write(`${capturesMissing} (${capture('')})\n`);
else if (tsharkVersion === undefined) process.stdout.write(`${tsharkMissing}\n`);
