import { dnsResponse, DNS_TYPE, type DnsMessage, type DnsRecord } from '../wire/index.ts';
import { IPV4ONLY_NAME, WELL_KNOWN_ADDRESSES } from './pref64.ts';

const CLASS_IN = 1;
const RCODE_OK = 0;
const RCODE_NXDOMAIN = 3;
/** RFC 7050 section 4: at least an hour. */
const ZONE_TTL_S = 3_600;
/** DNSSEC OK in the TTL of an OPT record (RFC 3225 section 3). */
const DO_BIT = 0x8000;

/** Start of authority for empty answers (RFC 2308 section 3), with the host names that RFC 6303 section 3 gives to zones without servers. */
const ZONE: DnsRecord = {
  name: IPV4ONLY_NAME,
  type: DNS_TYPE.SOA,
  class: CLASS_IN,
  ttl: ZONE_TTL_S,
  data: {
    kind: 'soa',
    primary: IPV4ONLY_NAME,
    mailbox: 'nobody.invalid',
    serial: 1,
    refresh: 3_600,
    retry: 1_200,
    expire: 604_800,
    minimum: ZONE_TTL_S,
  },
};

/** Where a name stands to the zone that a DNS64 answers for itself (RFC 8880 section 7.1). */
export function placeInZone(name: string): 'zone' | 'below' | undefined {
  const lower = name.toLowerCase().replace(/\.$/, '');
  if (lower === IPV4ONLY_NAME) return 'zone';
  // An escaped dot is part of a label.
  return lower.endsWith(`.${IPV4ONLY_NAME}`) && !lower.endsWith(`\\.${IPV4ONLY_NAME}`) ? 'below' : undefined;
}

/**
 * The answer to a question for ipv4only.arpa or a name below it; undefined for other names, and for DS of the zone, which its parent answers (RFC 8880
 * section 7.1). `synthetic` gives the addresses of an IPv4 address under the prefixes of the DNS64, which live `ttlS`.
 */
export function answerOfZone(query: DnsMessage, ttlS: number, synthetic: (v4: number) => readonly Uint8Array[]): DnsMessage | undefined {
  const { name = '', type = 0 } = query.questions[0] ?? {};
  const place = placeInZone(name);
  if (place === undefined || (place === 'zone' && type === DNS_TYPE.DS)) return undefined;
  const record = (address: Uint8Array, ttl: number): DnsRecord => ({
    name,
    type,
    class: CLASS_IN,
    ttl,
    data: { kind: 'address', address },
  });
  const answers: DnsRecord[] = [];
  if (place === 'zone' && type === DNS_TYPE.A) {
    answers.push(...WELL_KNOWN_ADDRESSES.map((v4) => record(Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4), ZONE_TTL_S)));
  }
  if (place === 'zone' && type === DNS_TYPE.AAAA) {
    answers.push(...WELL_KNOWN_ADDRESSES.flatMap((v4) => synthetic(v4).map((address) => record(address, ttlS))));
  }
  return ownAnswer(query, answers, place === 'below' ? RCODE_NXDOMAIN : RCODE_OK, answers.length === 0 ? [ZONE] : []);
}

/** An answer with authority that comes from no other server. OPT is answered with one without options (RFC 6891 section 6.1.1). */
function ownAnswer(query: DnsMessage, answers: readonly DnsRecord[], rcode: number, authorities: readonly DnsRecord[]): DnsMessage {
  const opt = query.additionals.find(({ type }) => type === DNS_TYPE.OPT);
  return {
    ...dnsResponse(query, answers, rcode),
    authoritative: true,
    recursionDesired: query.recursionDesired,
    checkingDisabled: query.checkingDisabled,
    authorities,
    additionals: opt === undefined ? [] : [{ ...opt, ttl: opt.ttl & DO_BIT, data: { kind: 'opt', options: [] } }],
  };
}
