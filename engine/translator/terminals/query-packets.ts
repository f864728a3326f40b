import { NS_PER_S, assert, putU32 } from '../../base/index.ts';
import { DNS_TYPE, buildDns, dnsQuery, type DnsData, type DnsRecord } from '../../wire/index.ts';
import type { LinkFacts } from './access-link.ts';
import { datagram } from './datagram.ts';
import type { Family, Node } from './node.ts';
import type { Announcement } from './registry.ts';

/** The service that converters offer, as it is asked for (RFC 6763 section 4.1). */
const SERVICE = '_converter._udp.local';
const MDNS_PORT = 5_353;
const SIP_PORT = 5_060;
/** Groups of multicast DNS: 224.0.0.251 and ff02::fb (RFC 6762 section 3), with the largest hop limit (section 11). */
const GROUP4 = 0xe00000fb;
const GROUP6 = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb);
const HOP_LIMIT = 255;
const CLASS_IN = 1;
/** A record that belongs to one host alone (RFC 6762 section 10.2). */
const CLASS_UNIQUE = 0x8001;

const EMPTY = { ...dnsQuery(0, { name: SERVICE, type: DNS_TYPE.PTR, class: CLASS_IN }), recursionDesired: false };

function multicast(from: Node, family: Family, message: typeof EMPTY): Uint8Array {
  const payload = buildDns(message);
  assert(payload.ok, 'names of terminals are labels');
  const to = { family, address4: GROUP4, address6: GROUP6, port: MDNS_PORT };
  return datagram(from, MDNS_PORT, to, payload.value, { hopLimit: HOP_LIMIT });
}

/** The question who can convert, to all terminals (T-02): multicast DNS. */
export const queryPacket = (from: Node, family: Family): Uint8Array => multicast(from, family, EMPTY);

const linkText = (facts: LinkFacts | null): string => (facts === null ? 'none' : `${facts.kind} ${facts.rttMs.toFixed(1)} ms`);

/** A converter's answer, with what it announces of itself (T-01); to the group, so that others hear it and may be silent. */
export function answerPacket(from: Node, family: Family, announcement: Announcement): Uint8Array {
  const { id, capacity, inUse, ownCall, charge, addr4, addr6, link4, link6, lifetimeNs } = announcement;
  const address4 = new Uint8Array(4);
  putU32(address4, 0, addr4);
  const instance = `${id}.${SERVICE}`;
  const host = `${id}.local`;
  const ttl = Math.round(lifetimeNs / NS_PER_S);
  const facts = [
    `capacity=${String(capacity)}`,
    `in-use=${String(inUse)}`,
    `own-call=${ownCall ? '1' : '0'}`,
    `power=${charge === undefined ? 'mains' : `${String(charge)} %`}`,
    `link4=${linkText(link4)}`,
    `link6=${linkText(link6)}`,
  ];
  const record = (name: string, type: number, data: DnsData): DnsRecord => ({ name, type, class: CLASS_UNIQUE, ttl, data });
  return multicast(from, family, {
    ...EMPTY,
    response: true,
    authoritative: true,
    questions: [],
    answers: [{ name: SERVICE, type: DNS_TYPE.PTR, class: CLASS_IN, ttl, data: { kind: 'name', name: instance } }],
    additionals: [
      record(instance, DNS_TYPE.SRV, { kind: 'srv', priority: 0, weight: 0, port: SIP_PORT, target: host }),
      record(instance, DNS_TYPE.TXT, { kind: 'txt', strings: facts.map((text) => new TextEncoder().encode(text)) }),
      record(host, DNS_TYPE.A, { kind: 'address', address: address4 }),
      record(host, DNS_TYPE.AAAA, { kind: 'address', address: addr6 }),
    ],
  });
}
