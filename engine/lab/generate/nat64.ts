import { NS_PER_MS, NS_PER_US } from '../../base/index.ts';
import { sameAddress } from '../../wire/index.ts';
import { ROUTER_MAC, anyHost, macOf, parseAddress, parsePrefix } from './addresses.ts';
import { icmpFrame, reversed, udpFrame, type Ends } from './frames.ts';
import { DNS_TYPE, dnsMessage, randomBytes } from './payloads.ts';
import type { Nat64StreamSpec } from './spec.ts';
import type { ExchangeMaker, TimedFrame } from './stream.ts';
import { tcpFrames, tcpScript, turnsOf } from './tcp-script.ts';

/**
 * Both sides of a NAT64 (RFC 6146): IPv6 on interface 0, and the IPv4 packets it became on interface 1. A packet of the client
 * shows on interface 1 one translation later; one of the server shows on interface 1 one translation earlier. Times are the client's.
 */

/** Largest TCP payload that fits the IPv6 minimum MTU after translation: 1280 - 40 - 20. */
const MSS = 1_220;

const ETHERNET_BYTES = 14;

interface Sides {
  readonly six: Ends;
  readonly four: Ends;
}

export function nat64Maker(spec: Nat64StreamSpec): ExchangeMaker {
  const clients = parsePrefix(spec.clients6);
  const servers = parsePrefix(spec.servers);
  const pool = parseAddress(spec.pool);
  const prefix = parsePrefix(spec.prefix).base;
  const delayNs = Math.floor(spec.translationUs * NS_PER_US);

  const arriving = spec.sides === 'arriving';
  const both = (sides: Sides, tNs: number, fromClient: boolean, draw: (ends: Ends, v6: boolean) => Uint8Array): TimedFrame[] => {
    const six = fromClient ? sides.six : reversed(sides.six);
    const four = fromClient ? sides.four : reversed(sides.four);
    return [
      { tNs, bytes: draw(six, true), iface: 0 },
      { tNs: tNs + (fromClient ? delayNs : -delayNs), bytes: draw(four, false), iface: 1 },
    ];
  };

  return (startNs, index, random) => {
    const client = anyHost(clients, random);
    const server = anyHost(servers, random);
    const mapped = prefix.slice();
    mapped.set(server, 12);
    const sides: Sides = {
      six: { sourceMac: macOf(client), destinationMac: ROUTER_MAC, source: client, destination: mapped },
      // The translator spends one hop (RFC 7915 section 5.1).
      four: { sourceMac: ROUTER_MAC, destinationMac: macOf(server), source: pool, destination: server, hops: 63 },
    };
    // A round trip holds two translations; one that does not is stretched.
    const rttNs = Math.max(4 * delayNs, Math.floor(spec.rttMs * NS_PER_MS * (0.8 + 0.4 * random.float())));
    const clientPort = 49_152 + (index % 16_000);
    const poolPort = arriving ? clientPort : 10_000 + ((index * 37) % 50_000);
    // What comes to the translator has a source of its own side.
    const comes = ({ bytes, iface }: TimedFrame): boolean =>
      iface === 0 ? sameAddress(bytes, ETHERNET_BYTES + 8, client, 0, 16) : sameAddress(bytes, ETHERNET_BYTES + 12, server, 0, 4);
    const merge = (frames: TimedFrame[]): TimedFrame[] =>
      (arriving ? frames.filter(comes) : frames).sort((a, b) => a.tNs - b.tNs || a.iface - b.iface);
    const kind = index % 5;
    if (kind === 3) {
      const body = randomBytes(48, random);
      const ping = (sequence: number, fromClient: boolean) => (ends: Ends, v6: boolean) => {
        const type = v6 ? (fromClient ? 128 : 129) : fromClient ? 8 : 0;
        return icmpFrame(ends, type, 0, (((v6 ? clientPort : poolPort) << 16) | sequence) >>> 0, body);
      };
      return merge(
        [1, 2, 3].flatMap((sequence) => {
          const t = startNs + sequence * 100 * NS_PER_MS;
          return [...both(sides, t, true, ping(sequence, true)), ...both(sides, t + rttNs, false, ping(sequence, false))];
        }),
      );
    }
    if (kind === 4) {
      const id = random.int(0, 0xffff);
      const query = dnsMessage(id, 0x0100, 'www.example.com', DNS_TYPE.a);
      const response = dnsMessage(id, 0x8180, 'www.example.com', DNS_TYPE.a, [
        { type: DNS_TYPE.a, ttl: 60, data: anyHost(servers, random) },
      ]);
      return merge([
        ...both(sides, startNs, true, (ends, v6) => udpFrame(ends, v6 ? clientPort : poolPort, 53, query)),
        ...both(sides, startNs + rttNs, false, (ends, v6) => udpFrame(ends, 53, v6 ? clientPort : poolPort, response)),
      ]);
    }
    const turns = turnsOf(kind === 1 ? 'http' : 'tls', 'v4only.example.net', random.int(1_000, 24_000), random);
    const script = tcpScript({ startNs, rttNs, mss: MSS, turns, reset: false }, random);
    const serverPort = kind === 1 ? 80 : 443;
    return merge([
      ...tcpFrames(script, sides.six, [clientPort, serverPort], 0, () => 0),
      ...tcpFrames(script, sides.four, [poolPort, serverPort], 1, (fromClient) => (fromClient ? delayNs : -delayNs)),
    ]);
  };
}
