import type { TranslationVerdict } from '../contract/index.ts';

/**
 * What a translator says of a packet, one small number for each. `verdict` is the coarse answer shown in lists; `rfc` is
 * the section the rule comes from. Numbers are stable: they are stored per packet.
 */

export interface Reason {
  readonly code: number;
  readonly id: string;
  readonly verdict: TranslationVerdict;
  readonly rfc: string;
  readonly text: string;
}

export const REASON = {
  translated: 0,
  translatedFragmented: 1,
  translatedTruncated: 2,
  hairpinned: 3,
  ftpChanged: 4,
  tooShort: 10,
  notIp: 11,
  badHeaderLength: 12,
  lengthBeyondPacket: 13,
  badHeaderChecksum: 14,
  badExtensionHeader: 15,
  fragmentBeforeExtension: 16,
  fragmentTooLong: 17,
  noSource4: 20,
  noDestination4: 21,
  noSource6: 22,
  noDestination6: 23,
  denied: 24,
  wellKnownPrivate: 25,
  illegalSource: 26,
  multicast: 27,
  reservedOctet: 28,
  noErrorSource: 29,
  sourceRoute: 30,
  routingHeader: 31,
  ttlExpired: 32,
  hopLimitExpired: 33,
  fragmentationNeeded: 34,
  packetTooBig: 35,
  addressUnreachable: 36,
  portUnreachable: 37,
  answerSuppressed: 38,
  answerLimited: 39,
  fragmentedIcmp: 40,
  icmpSingleHop: 41,
  icmpUnknown: 42,
  icmpObsolete: 43,
  icmpPointer: 44,
  icmpInner: 45,
  icmpTooShort: 46,
  udpZeroFragment: 50,
  udpZeroDropped: 51,
  udpZeroTruncated: 52,
  sinkFull: 60,
  tooLong: 61,
  transportTooShort: 62,
  unsupportedProtocol: 70,
  noBinding: 71,
  filtered: 72,
  portBlocksUsed: 73,
  ftpOutOfOrder: 86,
  bindingsFull: 74,
  sessionsFull: 75,
  subscriberLimit: 76,
  fragmentHeld: 77,
  fragmentsFull: 78,
  fragmentOverlap: 79,
  synHeld: 80,
  noPortBlock: 81,
  tcpNoState: 82,
  hairpinOff: 83,
  loop: 84,
  notPool6: 85,
  portsResting: 87,
  subscriberSessions: 88,
  subscriberRate: 89,
  dnsPassed: 90,
  dnsSynthesized: 91,
  dnsFiltered: 92,
  dnsReverse: 93,
  dnsHeld: 94,
  notDns: 95,
  dnsTruncated: 96,
  mapPortSet: 100,
  mapSpoofed: 101,
  mapNoPort: 102,
  mapFragmentHeld: 107,
  mapNotDmr: 108,
  mapNoRule: 109,
  mapNotOwn: 111,
  naptNoBinding: 103,
  naptFiltered: 104,
  naptPortsUsed: 105,
  naptNoState: 106,
  noProviderPrefix: 110,
  notReserved: 115,
  otherParty: 116,
  rateCap: 117,
  dnsAlias: 118,
  dnsSegmentHeld: 119,
  bindingSessions: 120,
  icmpChecksum: 121,
  ftpClosed: 122,
  dnsSpecial: 123,
  dnsSpecialReplaced: 124,
} as const;

type Row = readonly [keyof typeof REASON, TranslationVerdict, string, string];

const ROWS: readonly Row[] = [
  ['translated', 'translated', 'RFC 7915 section 4, 5', 'translated'],
  [
    'translatedFragmented',
    'translated',
    'RFC 7915 section 4.1, 5.1.1',
    'translated in several fragments: it was larger than the other side surely carries, and may be cut',
  ],
  ['translatedTruncated', 'translated', 'RFC 7915 section 4, 5', 'translated as far as it was captured'],
  [
    'hairpinned',
    'translated',
    'RFC 7757 section 4.2, RFC 6146 section 3.8',
    'translated twice: source and destination are on the same side',
  ],
  ['ftpChanged', 'translated', 'RFC 6384 section 5 to 7', 'translated, with an FTP line or TCP numbers changed by the FTP gateway'],
  ['tooShort', 'refused', 'RFC 791 section 3.1, RFC 8200 section 3', 'the capture ends inside the IP header'],
  ['notIp', 'refused', 'RFC 7915 section 1.1', 'not a packet of this side: the version field differs'],
  ['badHeaderLength', 'refused', 'RFC 791 section 3.1', 'header length or total length cannot be right'],
  ['lengthBeyondPacket', 'refused', 'RFC 791 section 3.1, RFC 8200 section 3', 'the length field says more than there was on the wire'],
  ['badHeaderChecksum', 'refused', 'RFC 1812 section 4.2.2.5', 'IPv4 header checksum is wrong'],
  ['badExtensionHeader', 'refused', 'RFC 8200 section 4', 'an extension header goes past the end of the packet'],
  ['fragmentBeforeExtension', 'refused', 'RFC 7915 section 5.1.1', 'an extension header follows the fragment header'],
  ['fragmentTooLong', 'refused', 'RFC 791 section 3.2', 'fragment goes past 65,535 bytes'],
  ['noSource4', 'refused', 'RFC 7915 section 5.1, RFC 7757 section 3.3.2', 'no rule gives the IPv6 source an IPv4 address'],
  ['noDestination4', 'refused', 'RFC 7915 section 5.1, RFC 7757 section 3.3.2', 'no rule gives the IPv6 destination an IPv4 address'],
  ['noSource6', 'refused', 'RFC 7915 section 4.1, RFC 7757 section 3.3.1', 'no rule gives the IPv4 source an IPv6 address'],
  ['noDestination6', 'refused', 'RFC 7915 section 4.1, RFC 7757 section 3.3.1', 'no rule gives the IPv4 destination an IPv6 address'],
  ['denied', 'refused', 'configuration deny4', 'an IPv4 address is on the deny list'],
  ['wellKnownPrivate', 'refused', 'RFC 6052 section 3.1', 'the well-known prefix must not stand for an address that is not global'],
  ['illegalSource', 'refused', 'RFC 7915 section 4.1, 5.1', 'unspecified, loopback, link-local, multicast or broadcast source'],
  ['multicast', 'refused', 'RFC 6219 section 1, RFC 7915 section 1.2', 'multicast destination: unicast only is translated here'],
  ['reservedOctet', 'refused', 'RFC 6052 section 2.2', 'bits 64 to 71 are not zero'],
  ['noErrorSource', 'refused', 'RFC 6791 section 3', 'ICMPv6 error from a router without an IPv4 address, and no pool for such sources'],
  [
    'sourceRoute',
    'answered',
    'RFC 7915 section 4.1',
    'unexpired source route option: answered with ICMP destination unreachable, source route failed (3/5)',
  ],
  ['routingHeader', 'answered', 'RFC 7915 section 5.1', 'routing header with segments left: answered with ICMPv6 parameter problem (4/0)'],
  ['ttlExpired', 'answered', 'RFC 7915 section 4.1', 'TTL reached zero: answered with ICMP time exceeded (11/0)'],
  ['hopLimitExpired', 'answered', 'RFC 7915 section 5.1', 'hop limit reached zero: answered with ICMPv6 time exceeded (3/0)'],
  [
    'fragmentationNeeded',
    'answered',
    'RFC 7915 section 4.1',
    'larger than the IPv6 next hop takes, and DF is set: answered with ICMP fragmentation needed (3/4)',
  ],
  ['packetTooBig', 'answered', 'RFC 7915 section 1.4', 'larger than the IPv4 next hop takes: answered with ICMPv6 packet too big (2/0)'],
  [
    'addressUnreachable',
    'answered',
    'RFC 6146 section 3.5.1.1, 3.5.2.3',
    'no IPv4 address and port can be given: answered with ICMPv6 address unreachable (1/3)',
  ],
  ['portUnreachable', 'answered', 'RFC 6146 section 3.5.2.2', 'nobody awaits this SYN: answered with ICMP port unreachable (3/3)'],
  [
    'answerSuppressed',
    'refused',
    'RFC 1122 section 3.2.2, RFC 4443 section 2.4',
    'an error message would be due, but none may be sent about such a packet',
  ],
  [
    'answerLimited',
    'refused',
    'RFC 4443 section 2.4 (f), RFC 7915 section 4.4, 5.4',
    'an error message would be due, but icmpErrors allows no more of them now',
  ],
  ['fragmentedIcmp', 'refused', 'RFC 7915 section 1.2', 'fragmented ICMP: its checksum covers a length that no fragment tells'],
  [
    'icmpSingleHop',
    'refused',
    'RFC 7915 section 4.2, 5.2',
    'message for one link only (neighbor or router discovery, multicast listener, IGMP)',
  ],
  ['icmpUnknown', 'refused', 'RFC 7915 section 4.2, 5.2', 'ICMP type or code without a counterpart'],
  ['icmpObsolete', 'refused', 'RFC 7915 section 4.2', 'ICMP type that IPv6 does not have'],
  ['icmpPointer', 'refused', 'RFC 7915 section 4.2, 5.2', 'the parameter problem points to a field without a counterpart'],
  ['icmpInner', 'refused', 'RFC 7915 section 4.3, 5.3', 'the packet inside the error cannot be translated'],
  ['icmpTooShort', 'refused', 'RFC 792, RFC 4443', 'the ICMP message ends inside its header'],
  [
    'udpZeroFragment',
    'refused',
    'RFC 7915 section 4.5',
    'first fragment of UDP without checksum: no checksum can be computed from a part (stateful translation puts the packet together)',
  ],
  ['udpZeroDropped', 'refused', 'RFC 7915 section 4.5', 'UDP without checksum, and the configuration says drop'],
  ['udpZeroTruncated', 'refused', 'RFC 7915 section 4.5', 'UDP without checksum, and the capture does not hold all bytes to compute one'],
  ['sinkFull', 'refused', 'output capacity', 'the output buffer is full'],
  ['tooLong', 'refused', 'RFC 791 section 3.1', 'the result would be longer than 65,535 bytes'],
  ['transportTooShort', 'refused', 'RFC 9293 section 3.1, RFC 768', 'the packet ends inside its transport header'],
  ['unsupportedProtocol', 'refused', 'RFC 6146 section 3.4', 'stateful translation knows TCP, UDP and ICMP only'],
  ['noBinding', 'refused', 'RFC 6146 section 3.5', 'no binding for this IPv4 address and port'],
  ['filtered', 'refused', 'RFC 6146 section 3.5.1', 'address-dependent filtering: inside has not sent to this host'],
  ['notReserved', 'refused', 'T-15', 'no session is reserved at this address and port of the converter'],
  ['otherParty', 'refused', 'T-15', 'the session at this port is reserved for others'],
  ['rateCap', 'refused', 'limit relay.ratePps', 'the session has had as many packets in this second as it may'],
  ['bindingsFull', 'refused', 'limit maxBindings', 'the binding table is full'],
  ['sessionsFull', 'refused', 'limit maxSessions', 'the session table is full'],
  ['subscriberLimit', 'refused', 'RFC 6888 REQ-4', 'the subscriber has as many bindings as it may'],
  ['subscriberSessions', 'refused', 'RFC 6888 REQ-5', 'the subscriber has as many sessions as it may'],
  [
    'ftpClosed',
    'refused',
    'RFC 6384 section 12',
    'the server refused a NOOP of the FTP gateway: the control connection was reset on both sides',
  ],
  ['icmpChecksum', 'refused', 'RFC 5508 REQ-3', 'the checksum of an ICMP error is wrong'],
  ['bindingSessions', 'refused', 'RFC 6888 REQ-5', 'the binding has as many sessions as one may have'],
  ['subscriberRate', 'refused', 'RFC 6888 REQ-4, REQ-5', 'the subscriber opens sessions faster than it may'],
  ['portBlocksUsed', 'refused', 'RFC 6888 REQ-4, RFC 7422', 'all ports are in use in the port blocks the subscriber may have'],
  [
    'portsResting',
    'answered',
    'RFC 6888 REQ-8',
    'the ports that are free were those of other subscribers until a short time ago: answered with ICMPv6 address unreachable',
  ],
  ['noPortBlock', 'refused', 'RFC 7422 section 2', 'the source is in no prefix of portBlocks.subscribers: it has no block'],
  [
    'ftpOutOfOrder',
    'refused',
    'RFC 6384 section 5',
    'FTP control segment behind one that is missing: its sequence number is not known before that one has come',
  ],
  ['fragmentHeld', 'held', 'RFC 6146 section 3.4', 'fragment waits for the first one of its packet'],
  ['fragmentsFull', 'refused', 'RFC 6146 section 3.4, RFC 7599 section 10.2', 'as many fragments wait as may'],
  ['fragmentOverlap', 'refused', 'RFC 5722 section 4', 'the fragment overlaps another one: its packet is refused'],
  ['synHeld', 'held', 'RFC 6146 section 3.5.2.2', 'SYN from outside waits for one from inside'],
  ['tcpNoState', 'refused', 'RFC 6146 section 3.5.2.2', 'TCP packet without SYN and without a session'],
  ['hairpinOff', 'refused', 'RFC 6146 section 3.8', 'the destination is a pool address and hairpinning is off'],
  ['loop', 'refused', 'RFC 6146 section 3.5, 5.4', 'the IPv6 source is inside pool6: it came from a translator'],
  ['dnsPassed', 'passed', 'RFC 6147 section 5.1', 'a DNS message that DNS64 leaves as it is'],
  ['dnsSynthesized', 'translated', 'RFC 6147 section 5.1.7', 'an empty AAAA answer became one made of A records'],
  ['dnsFiltered', 'translated', 'RFC 6147 section 5.1.4', 'AAAA records that are excluded were left out'],
  ['dnsAlias', 'translated', 'RFC 6147 section 5.3.1', 'the answer to the reverse name of a synthetic address became an alias'],
  ['dnsSegmentHeld', 'held', 'RFC 7766 section 8', 'a segment of DNS over TCP came before the one that goes before it, and waits'],
  ['dnsSpecial', 'answered', 'RFC 8880 section 7.1', 'a question for ipv4only.arpa or a name below it: answered by the DNS64 itself'],
  [
    'dnsSpecialReplaced',
    'translated',
    'RFC 8880 section 7.1',
    'the answer for ipv4only.arpa or a name below it became that of the DNS64, which speaks for the zone itself',
  ],
  ['dnsReverse', 'answered', 'RFC 6147 section 5.3.1', 'the reverse name of a synthetic address: answered with an alias'],
  [
    'dnsTruncated',
    'translated',
    'RFC 6147 section 5.4, RFC 6891 section 6.2',
    'the made answer is larger than the client takes: sent without records and with TC set, so that the client asks over TCP',
  ],
  ['dnsHeld', 'held', 'RFC 6147 section 5.1.6', 'an empty AAAA answer waits for the A answer of the same name'],
  ['notDns', 'passed', 'RFC 6147 section 5', 'not a DNS message over UDP: DNS64 leaves it as it is'],
  ['mapPortSet', 'refused', 'RFC 7599 section 8.1, 8.2, 8.4', 'the port is in no port set of the rule, or not in the own one'],
  [
    'mapSpoofed',
    'answered',
    'RFC 7599 section 8.2, 8.3',
    'the IPv6 source does not hold the address and port set that the rule gives: answered with ICMPv6 source address failed policy (1/5)',
  ],
  [
    'mapNoPort',
    'refused',
    'RFC 7599 section 10.2',
    'a shared address needs a port and the packet has none: another protocol, or it is not there',
  ],
  [
    'mapNotDmr',
    'refused',
    'RFC 7599 section 5.1, 8.2, 8.3',
    'the IPv6 address outside the domain is not under the prefix of the default mapping rule, nor of a forwarding rule',
  ],
  ['mapNoRule', 'refused', 'RFC 7599 section 8.3, 8.4, RFC 7597 section 5', 'no mapping rule holds the address inside the domain'],
  ['mapNotOwn', 'refused', 'RFC 7599 section 8.1, 8.2', 'the address inside is not the one that the customer edge has by its rule'],
  ['mapFragmentHeld', 'held', 'RFC 7599 section 10.2', 'fragment waits for the first one of its packet, which has the port'],
  ['naptNoBinding', 'refused', 'RFC 7599 section 8.2', 'NAPT44: no binding for this port of the customer edge'],
  ['naptFiltered', 'refused', 'RFC 7599 section 13', 'NAPT44, address-dependent filtering: inside has not sent to this host'],
  ['naptPortsUsed', 'refused', 'RFC 7599 section 11', 'NAPT44: all ports of the port set are in use for this protocol'],
  ['naptNoState', 'refused', 'RFC 7599 section 11, RFC 5382', 'NAPT44: TCP packet without SYN, or echo reply, without a session'],
  [
    'noProviderPrefix',
    'refused',
    'RFC 6877 section 6.3',
    'no router advertisement and no DNS answer has told the prefix of the provider yet, or its time is over',
  ],
  ['notPool6', 'refused', 'RFC 6146 section 3.5', 'the IPv6 destination is not inside pool6'],
];

/** All reasons in the order of their codes. */
export const REASONS: readonly Reason[] = ROWS.map(([id, verdict, rfc, text]) => ({ code: REASON[id], id, verdict, rfc, text }));

const BY_CODE = new Map(REASONS.map((reason) => [reason.code, reason]));

/** The reason with this code; codes come from the translator only, so an unknown one is its bug. */
export function reasonOf(code: number): Reason {
  const reason = BY_CODE.get(code);
  if (reason === undefined) throw new RangeError(`no reason has the code ${code}`);
  return reason;
}

/** The rule of a reason for a packet of this side: RFC 7915 has a section for each direction, and each family its own header. */
export function ruleOf(code: number, side: 4 | 6): string {
  return reasonOf(code)
    .rfc.replace(
      /(RFC 7915 section )(4[.\d]*), (5[.\d]*)/,
      (_all, name: string, four: string, six: string) => name + (side === 4 ? four : six),
    )
    .replace(/(RFC 791 [^,]+), (RFC 8200 .+)/, (_all, four: string, six: string) => (side === 4 ? four : six));
}

/** True for codes under which a packet left on the other side (or the same one, hairpinned). */
export function isTranslated(code: number): boolean {
  return code <= REASON.ftpChanged;
}
