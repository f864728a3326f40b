/** Where Ringside and tshark differ on purpose. The comparison test accepts these and nothing else; docs/protocols.md lists them too. */
export interface Difference {
  /** Capture, relative to the folder of captures; `*` for all. */
  readonly file: string;
  /** Packet numbers, or all. */
  readonly packets: readonly number[] | 'all';
  readonly fields: readonly string[] | '*';
  /** Only where Ringside shows all that tshark does, and more. */
  readonly only?: 'more here';
  readonly reason: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    file: '*',
    packets: 'all',
    fields: ['tcp.seq_raw'],
    only: 'more here',
    reason:
      'In fragments, cut headers and packets quoted by errors tshark gives the sequence number as tcp.seq alone; here it is tcp.seq_raw everywhere.',
  },
  {
    file: 'suricata/tests/bug-7414-decoder-event-01/ip_secopt.pcap',
    packets: [3],
    fields: ['udp.checksum.status', 'udp.dstport', 'udp.length', 'udp.srcport'],
    only: 'more here',
    reason: 'A bad IPv4 option is marked and the payload still dissected; tshark stops.',
  },
  {
    file: 'zeek/testing/btest/Traces/ipv6-mobility-dst-opts.pcap',
    packets: [1, 3],
    fields: ['udp.checksum.status', 'udp.dstport', 'udp.length', 'udp.srcport', '_ws.col.Source'],
    reason:
      'A bad IPv6 destination option is marked and the payload still dissected, and a home address of a wrong length is not used in the checksum; tshark stops at the first and uses the second.',
  },
  {
    file: 'tcpdump/tests/mrinfo_query.pcap',
    packets: [1, 2],
    fields: ['igmp.checksum.status'],
    only: 'more here',
    reason: "DVMRP goes inside IGMP and its checksum is verified; tshark's IGMP part leaves that to its DVMRP dissector.",
  },
  {
    file: 'zeek/testing/btest/Traces/trunc/trunc-hdr.pcap',
    packets: [1],
    fields: ['eth.dst'],
    only: 'more here',
    reason: 'Ethernet header cut after the destination, which is shown; tshark shows nothing.',
  },
  {
    file: 'zeek/testing/btest/Traces/trunc/mpls-6in6-broken.pcap.gz',
    packets: [417, 427, 1088],
    fields: ['ip.dst'],
    only: 'more here',
    reason:
      'IPv4 header cut inside its options: the destination is shown all the same; tshark stops before it, as it looks for a source route first.',
  },
  {
    file: 'tcpdump/tests/bigtcp-ipv6-geneve-ipv4.pcap',
    packets: [1],
    fields: '*',
    reason:
      'IPv6 payload length of 0 with no jumbo option (segmentation offload): the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'tcpdump/tests/bigtcp-ipv6-geneve-ipv6.pcap',
    packets: [1],
    fields: '*',
    reason:
      'IPv6 payload length of 0 with no jumbo option (segmentation offload): the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'tcpdump/tests/bigtcp-ipv6-vxlan-ipv4.pcap',
    packets: [1],
    fields: '*',
    reason:
      'IPv6 payload length of 0 with no jumbo option (segmentation offload): the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'tcpdump/tests/bigtcp-ipv6-vxlan-ipv6.pcap',
    packets: [1],
    fields: '*',
    reason:
      'IPv6 payload length of 0 with no jumbo option (segmentation offload): the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'tcpdump/tests/bigtcp-ipv6.pcap',
    packets: [1],
    fields: [
      'tcp.ack_raw',
      'tcp.checksum.status',
      'tcp.dstport',
      'tcp.flags',
      'tcp.hdr_len',
      'tcp.len',
      'tcp.srcport',
      'tcp.window_size_value',
    ],
    only: 'more here',
    reason:
      'IPv6 payload length of 0 with no jumbo option (segmentation offload): the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'tcpdump/tests/ipv6_frag6_negative_len.pcap',
    packets: [1],
    fields: ['ipv6.fraghdr.ident', 'ipv6.fraghdr.offset'],
    only: 'more here',
    reason: 'IPv6 payload length of 0 with no jumbo option: the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'yanet/autotest/units/001_one_port/022_nat64stateless_range_ports/003-send.pcap',
    packets: [5],
    fields: [
      'tcp.ack_raw',
      'tcp.checksum.status',
      'tcp.dstport',
      'tcp.flags',
      'tcp.hdr_len',
      'tcp.len',
      'tcp.srcport',
      'tcp.window_size_value',
    ],
    only: 'more here',
    reason: 'IPv6 payload length of 0 with no jumbo option: the payload reaches to the end of the frame; tshark dissects none of it.',
  },
  {
    file: 'suricata/tests/sctp-max-chunks/sctp-max-chunks.pcap',
    packets: [1],
    fields: ['sctp.chunk_type'],
    reason: 'More nodes than one tree may have (MAX_TREE_NODES): the rest is counted as left out.',
  },
  {
    file: 'tcpdump/tests/pim-packet-assortment.pcap',
    packets: [178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189],
    fields: ['pim.cksum.status'],
    reason:
      'PIM Register: a checksum over the whole message is taken as good too, as receivers must (RFC 7761 section 4.9); tshark only takes one over the first eight bytes.',
  },
  {
    file: 'ndpi/tests/cfgs/default/pcap/fuzz-2006-06-26-2594.pcap',
    packets: [86],
    fields: ['tcp.ack_raw'],
    only: 'more here',
    reason: 'TCP header cut after the acknowledgment number, which is shown; tshark shows the ports.',
  },
  {
    file: 'ndpi/tests/cfgs/default/pcap/fuzz-2006-09-29-28586.pcap',
    packets: [111],
    fields: ['tcp.ack_raw'],
    only: 'more here',
    reason: 'TCP header cut after the acknowledgment number, which is shown; tshark shows the ports.',
  },
  {
    file: 'ndpi/tests/cfgs/default/pcap/alexa-app.pcapng',
    packets: [56, 115],
    fields: ['tcp.ack_raw', 'tcp.checksum.status', 'tcp.flags', 'tcp.hdr_len', 'tcp.window_size_value'],
    only: 'more here',
    reason: 'TCP header quoted by an ICMP redirect: all of it is there and shown; tshark shows its first eight bytes.',
  },
  {
    file: 'zeek/testing/btest/Traces/trunc/mpls-6in6-broken.pcap.gz',
    packets: [417, 427, 1088],
    fields: ['_ws.col.Destination'],
    reason: 'The column shows the destination that the cut IPv4 header has; tshark stops before it and keeps the link address.',
  },
  {
    file: 'tcpdump/tests/pim-packet-assortment.pcap',
    packets: [51, 52, 53, 54, 59, 60, 61, 62, 68, 78, 178, 179, 180, 181, 186, 187, 188, 189, 195, 196],
    fields: ['_ws.col.Source', '_ws.col.Destination'],
    reason: 'PIM null register: the list shows who sent the register; tshark shows the addresses of the dummy header in it.',
  },
];
