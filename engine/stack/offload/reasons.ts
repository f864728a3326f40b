/**
 * Why a received packet was not merged into the one before it (V-09). Every packet that stands alone or begins a new aggregate has exactly
 * one of these, so their counts and the merged packets add up to all packets.
 */
export const AGGREGATE_REASONS = [
  { name: 'off', text: 'aggregation is off: the limit is 0 or the port does not offer RX_AGG' },
  { name: 'low-latency', text: 'a low-latency port takes packets as they come' },
  { name: 'not-tcp', text: 'only TCP is aggregated' },
  { name: 'fragment', text: 'a fragment that waits for the rest of its datagram' },
  { name: 'extensions', text: 'IPv6 extension headers: offloads decline' },
  { name: 'link-length', text: 'the link header has a length or labels of its own, which merging would make wrong' },
  { name: 'truncated', text: 'the capture does not hold all bytes, so nothing can be joined or summed' },
  { name: 'control', text: 'SYN, FIN, RST or URG is set' },
  { name: 'empty', text: 'no payload: a bare acknowledgement' },
  { name: 'wake', text: 'the packet that wakes the machine is handed over as it is' },
  { name: 'first', text: 'the first packet of its flow in the batch' },
  { name: 'batch-end', text: 'it would have followed on, but the batch of the packet before it had been released' },
  { name: 'follows-other', text: 'the packet before it in the flow could not be merged and closed the aggregate' },
  { name: 'sequence', text: 'its sequence number is not the one expected: lost, reordered or sent again' },
  { name: 'link-header', text: 'another link header: addresses or tags differ' },
  { name: 'ip-header', text: 'another IP header: TTL, traffic class, flow label, fragment bits or IP options differ' },
  { name: 'tcp-flags', text: 'other TCP flags (ECE, CWR)' },
  { name: 'ack-window', text: 'acknowledgement number or window has changed' },
  { name: 'tcp-options', text: 'other TCP options than timestamps differ, or their length' },
  { name: 'checksum', text: 'the checksum is wrong' },
  { name: 'limit', text: 'the aggregate would be longer than the limit' },
  { name: 'buflets', text: 'the aggregate would have more buflets than the pool allows' },
  { name: 'no-buffers', text: 'no buffer was free to go on' },
  { name: 'pushed', text: 'exact mode: the packet before it had PSH' },
  { name: 'size', text: 'exact mode: segments of an aggregate are equal but for a shorter last one' },
  { name: 'ip-id', text: 'exact mode: the IPv4 identification does not count on' },
  { name: 'timestamps', text: 'exact mode: TCP timestamps differ' },
] as const;

export type AggregateReason = (typeof AGGREGATE_REASONS)[number]['name'];

const CODES = new Map<string, number>(AGGREGATE_REASONS.map((r, i) => [r.name, i]));

export function reasonCode(name: AggregateReason): number {
  return CODES.get(name)!;
}

/** What became of IP fragments (V-11): every fragment that was taken in has exactly one of these once it waits no more. */
export const REASSEMBLY_REASONS = [
  { name: 'joined', text: 'put together to a datagram with the others' },
  { name: 'duplicate', text: 'a fragment that was there already' },
  { name: 'overlap', text: 'fragments of a datagram overlap: all that has come of it is refused (RFC 5722)' },
  { name: 'end', text: 'fragments of a datagram contradict each other about its end: all that has come of it is refused' },
  { name: 'fragment-limit', text: 'a datagram in more fragments than are taken of one: all that has come of it is refused' },
  { name: 'refused', text: 'a later fragment of a datagram that was refused' },
  { name: 'bad-length', text: 'a fragment that is not the last has a length that is no multiple of 8, or is empty' },
  { name: 'headers', text: 'the first IPv6 fragment does not hold all headers up to that of the transport (RFC 8200 section 4.5)' },
  {
    name: 'congestion',
    text: 'one fragment was marked CE, another says that its sender knows no marks (RFC 3168 section 5.3): all refused',
  },
  { name: 'too-long', text: 'the datagram would be longer than 65,535 bytes' },
  { name: 'truncated', text: 'the capture does not hold all bytes of the fragment' },
  { name: 'timeout', text: 'the rest of the datagram did not come in time' },
  { name: 'datagram-limit', text: 'as many datagrams are being put together as the limit allows' },
  { name: 'byte-limit', text: 'as many bytes wait as the limit allows' },
  { name: 'no-buffers', text: 'no buffer was free for the whole datagram' },
  { name: 'unfinished', text: 'the input ended before the rest of the datagram came' },
] as const;
export type ReassemblyReason = (typeof REASSEMBLY_REASONS)[number]['name'];
