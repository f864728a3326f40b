import type { MulticastDrop } from '../../contract/index.ts';

/** Why a packet of group data was not forwarded, in words, and what says so. */
export const DROP_TEXTS: Readonly<Record<MulticastDrop, { readonly text: string; readonly rule: string }>> = {
  rpf_other_family: { text: 'a packet of the family that is not chosen: a duplicate', rule: 'M-19' },
  rpf_interface: { text: 'it came in on another interface than the one towards its source', rule: 'RFC 7761 section 4.2' },
  no_entry: { text: 'nobody has joined this source and group', rule: 'RFC 7761 section 4.2' },
  ttl_expired: { text: 'its TTL or hop limit is too low to be forwarded', rule: 'M-22' },
  scope: { text: 'its group does not cross the scope boundary of the link', rule: 'M-22' },
  too_big: { text: 'it is larger than the link takes and must not be cut', rule: 'M-21' },
  bad_checksum: { text: 'the checksum of its IPv4 header is wrong', rule: 'RFC 1812 section 5.2.2' },
  malformed: { text: 'it is malformed, or the capture has cut it short', rule: 'RFC 7761 section 4.2' },
  unmapped: { text: 'it has no form in the other family', rule: 'M-07' },
  udp_zero_checksum: { text: 'its UDP checksum is zero and cannot be computed', rule: 'M-23' },
  no_outgoing: { text: 'no link leads to a receiver of it', rule: 'RFC 7761 section 4.2' },
  sink_full: { text: 'more copies at once than there is room for', rule: 'M-24' },
};
