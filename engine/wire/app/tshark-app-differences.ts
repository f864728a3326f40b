/** One field of one packet on which Ringside and tshark do not agree. */
export interface Difference {
  readonly file: string;
  /** 1-based number of the packet in its capture. */
  readonly number: number;
  readonly field: string;
  readonly ours: string;
  readonly theirs: string;
  /** tshark's frame.protocols. */
  readonly protocols: string;
  /** Our layers, in the same form. */
  readonly layerNames: string;
  /** Our source and destination ports, of every transport header in the packet. */
  readonly ports: string;
  /** Findings in our tree. */
  readonly notes: string;
  /** The capture holds fewer bytes than were on the wire. */
  readonly cut: boolean;
}

interface Rule {
  readonly reason: string;
  readonly holds: (difference: Difference) => boolean;
}

const list = (text: string): string[] => (text === '' ? [] : text.split('|'));
const beginsWith = (whole: string, part: string): boolean => {
  const values = list(whole);
  return list(part).every((value, i) => values[i] === value);
};
/** Ours has the first of theirs, or nothing. */
const weStop = (d: Difference): boolean => beginsWith(d.theirs, d.ours);
/** Theirs has the first of ours, or nothing. */
const theyStop = (d: Difference): boolean => beginsWith(d.ours, d.theirs);
const of = (d: Difference, prefix: string): boolean => d.field.startsWith(prefix);
const has = (layers: string, name: string): boolean => layers.split(':').includes(name);
const isDnsLayer = (layers: string): boolean => has(layers, 'dns') || has(layers, 'mdns') || has(layers, 'llmnr');
const hasPort = (d: Difference, ports: readonly string[]): boolean => d.ports.split(' ').some((port) => ports.includes(port));
/** Captures whose bytes were changed at random or to test parsers. */
const isDamaged = (d: Difference): boolean => /fuzz|http-evader|malformed|invalid|__error|bad|cipher_lens/.test(d.file);

/** Why a difference is right or accepted; the first rule that holds gives the reason. */
export const RULES: readonly Rule[] = [
  {
    reason: 'tshark 4.0 gives the code of the DHCP End option as 0; it is 255 on the wire',
    holds: (d) => d.field === 'dhcp.option.type' && d.ours.replace(/\b255$/, '0') === d.theirs,
  },
  {
    reason: 'tshark decrypts QUIC Initial packets, whose keys follow from the connection ID; Ringside shows them as protected',
    holds: (d) => of(d, 'tls.') && weStop(d) && has(d.protocols, 'quic'),
  },
  {
    reason: 'a QUIC short header does not say how long its connection ID is; tshark remembers it from earlier packets',
    holds: (d) => d.field === 'quic.dcid' && weStop(d),
  },
  {
    reason: 'a QUIC version other than 1, 2 and the drafts of them (Google, mvfst, greased): its layout is not assumed',
    holds: (d) => of(d, 'quic.') && d.ours === '' && !has(d.layerNames, 'quic'),
  },
  {
    reason: 'tshark finds DNS by its content on any port; Ringside goes by ports 53, 5353 and 5355',
    holds: (d) => of(d, 'dns.') && d.ours === '' && !isDnsLayer(d.layerNames) && !hasPort(d, ['53', '5353', '5355']),
  },
  {
    reason: 'fewer bytes than a DNS header were captured; tshark shows the part there is',
    holds: (d) => of(d, 'dns.') && d.ours === '' && !isDnsLayer(d.layerNames) && d.cut,
  },
  {
    reason: 'not a DNS message although on its port (an operation code that does not exist): shown as bytes',
    holds: (d) => of(d, 'dns.') && d.ours === '' && !isDnsLayer(d.layerNames),
  },
  {
    reason: 'a broken DNS message: both stop, tshark shows pieces of the entry that does not fit',
    holds: (d) =>
      of(d, 'dns.') &&
      weStop(d) &&
      (d.notes.includes('alformed') || d.notes.includes('does not fit') || d.cut || d.notes.includes('truncated')),
  },
  {
    reason: 'bytes that cannot be printed: tshark writes them in octal or raw and stops at a zero, Ringside in hex',
    holds: (d) => /\\x[0-9a-f]{2}|\\[trn]/.test(d.ours) && list(d.ours).length === list(d.theirs).length,
  },
  {
    reason: 'a TLS record that goes on in a later segment: without reassembly tshark leaves it out, Ringside shows what is here',
    holds: (d) => of(d, 'tls.') && theyStop(d) && d.notes.includes('later segment'),
  },
  {
    reason: 'tshark has given the port or conversation to another protocol; Ringside tells this one by its bytes',
    holds: (d) => d.theirs === '' && !has(d.protocols, d.field.split('.')[0]!) && !(of(d, 'dns.') && isDnsLayer(d.protocols)),
  },
  {
    reason: 'no compound RTCP packet as RFC 3550 appendix A.2 wants it (mostly SRTCP, with its trailer): shown as bytes',
    holds: (d) => of(d, 'rtcp.') && weStop(d) && !has(d.layerNames, 'rtcp'),
  },
  {
    reason: 'STUN in TCP with a frame length before it, or with a length that RFC 8489 does not allow, or a method it does not name',
    holds: (d) => of(d, 'stun.') && d.ours === '' && !has(d.layerNames, 'stun'),
  },
  {
    reason: 'tshark leaves out the type of STUN attributes it has no name for',
    holds: (d) => d.field === 'stun.att.type' && list(d.theirs).every((type) => list(d.ours).includes(type)),
  },
  {
    reason: 'tshark knows the connection as TLS from earlier packets; this segment does not begin with a record',
    holds: (d) => of(d, 'tls.') && d.ours === '' && !has(d.layerNames, 'tls'),
  },
  {
    reason: 'tshark takes any line on the port that begins as HTTP; Ringside wants the start line of RFC 9112 in this segment',
    holds: (d) => of(d, 'http.') && d.ours === '' && !has(d.layerNames, 'http'),
  },
  {
    reason: 'SSL 2.0 messages other than the ClientHello: only bytes',
    holds: (d) => of(d, 'tls.') && d.ours === '' && list(d.theirs).includes('0x0002'),
  },
  {
    reason: 'a request target with blanks in it, which RFC 9112 forbids: tshark ends it at the first, Ringside before the version',
    holds: (d) => d.field === 'http.request.uri' && d.ours.includes(' ') && d.ours.startsWith(d.theirs),
  },
  {
    reason: 'NTP of version 0, or the items of a private message, whose stratum field tshark reuses: shown as bytes',
    holds: (d) => of(d, 'ntp.') && d.ours === '',
  },
  {
    reason: 'the length of the record or message is wrong, so tshark stops where Ringside shows what fits',
    holds: (d) => of(d, 'tls.') && theyStop(d) && (d.protocols.includes('_ws.malformed') || d.notes.includes('alformed')),
  },
  {
    reason: 'RTP or RTCP announced by SDP or by other packets: Ringside keeps no memory between packets',
    holds: (d) => (of(d, 'rtp.') || of(d, 'rtcp.')) && weStop(d) && !has(d.layerNames, d.field.split('.')[0]!),
  },
  {
    reason: 'tshark takes the connection to be encrypted already (a repeated segment, or the same ports in another capture of the run)',
    holds: (d) => of(d, 'tls.handshake.') && d.theirs === '' && has(d.protocols, 'tls'),
  },
  {
    reason: 'after an HTTP CONNECT tshark shows the rest as the tunnel; a response of its own is told by its start line',
    holds: (d) => of(d, 'http.') && d.theirs === '',
  },
  {
    reason: 'request smuggling: body length given twice in conflict; Ringside goes by the chunked coding (RFC 9112 section 6.3)',
    holds: (d) => of(d, 'http.') && weStop(d) && d.file.includes('Traces/http/'),
  },
  {
    reason: 'a broken DHCPv6 message: both stop, Ringside shows the option that does not fit',
    holds: (d) => of(d, 'dhcpv6.') && theyStop(d) && d.notes.includes('alformed'),
  },
  {
    reason: 'a capture whose bytes were damaged on purpose: both read on differently after the damage',
    holds: isDamaged,
  },
];

export function reasonFor(difference: Difference): string | undefined {
  return RULES.find((rule) => rule.holds(difference))?.reason;
}
