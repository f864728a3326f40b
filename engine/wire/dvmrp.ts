import { flagBit, type FieldReader } from './reader.ts';
import type { DissectContext } from './registry.ts';

/** What goes inside IGMP beside membership: DVMRP (draft-ietf-idmr-dvmrp-v3) and multicast traceroute (draft-ietf-idmr-traceroute-ipm). */

export const DVMRP_CODES: Readonly<Record<number, string>> = {
  1: 'Probe',
  2: 'Report',
  3: 'Ask Neighbors',
  4: 'Neighbors',
  5: 'Ask Neighbors 2',
  6: 'Neighbors 2',
  7: 'Prune',
  8: 'Graft',
  9: 'Graft ACK',
};

const CAPABILITIES: readonly (readonly [string, string, number])[] = [
  ['netmask', 'Netmask', 0x20],
  ['snmp', 'SNMP', 0x10],
  ['mtrace', 'Mtrace', 8],
  ['genid', 'Genid', 4],
  ['prune', 'Prune', 2],
  ['leaf', 'Leaf', 1],
];
const FLAGS: readonly (readonly [string, string, number])[] = [
  ['tunnel', 'Tunnel', 1],
  ['srcroute', 'Source Route', 2],
  ['down', 'Down', 0x10],
  ['disabled', 'Disabled', 0x20],
  ['querier', 'Querier', 0x40],
  ['leaf', 'Leaf', 0x80],
];

/** The rest of a DVMRP message after its checksum. */
export function dvmrpBody(context: DissectContext, r: FieldReader, code: number): void {
  const { tree } = context;
  tree.info = DVMRP_CODES[code] ?? `Unknown code ${code}`;
  if (code === 7 || code === 8 || code === 9) {
    const source = r.ipv4('dvmrp.saddr', 'Source Addr');
    tree.info += `, source ${source}, group ${r.ipv4('dvmrp.daddr', 'Dest Addr')}`;
    if (code === 7) r.u32('dvmrp.lifetime', 'Prune lifetime', (v) => `${v} seconds`);
  } else if (code === 1 || code === 5 || code === 6) {
    const minor = versionWord(context, r, code);
    if (code === 1) {
      r.u32('dvmrp.genid', 'Generation ID', 'hex');
      while (r.more) r.ipv4('dvmrp.neighbor', 'Neighbor Addr');
    } else if (code === 6) while (r.more) interfaceOf(context, r);
    if (!r.short) tree.info += `, version ${minor}`;
  }
  r.hexBytes('dvmrp.data', 'Data', r.left);
}

/** A reserved byte, capabilities, minor and major version; the version as text. */
function versionWord({ tree }: DissectContext, r: FieldReader, code: number): string {
  r.u8('dvmrp.reserved', 'Reserved', 'hex');
  if (code === 5) r.u8('dvmrp.reserved', 'Reserved', 'hex');
  else {
    const at = r.pos;
    const bits = r.u8('dvmrp.capabilities', 'Capabilities', 'hex');
    for (const [name, label, mask] of CAPABILITIES) flagBit(tree, `dvmrp.cap.${name}`, label, bits, mask, at, 1);
  }
  const minor = r.u8('dvmrp.min_ver', 'Minor Version');
  return `${r.u8('dvmrp.maj_ver', 'Major Version')}.${minor}`;
}

/** One interface of a Neighbors 2 message, with the neighbours on it. */
function interfaceOf({ tree }: DissectContext, r: FieldReader): void {
  r.group('dvmrp.interface', 'Interface', () => {
    const local = r.ipv4('dvmrp.local', 'Local Addr');
    r.u8('dvmrp.metric', 'Metric');
    r.u8('dvmrp.threshold', 'Threshold');
    const at = r.pos;
    const flags = r.u8('dvmrp.flags', 'Flags', 'hex');
    for (const [name, label, mask] of FLAGS) flagBit(tree, `dvmrp.flag.${name}`, label, flags, mask, at, 1);
    const count = r.u8('dvmrp.ncount', 'Neighbor Count');
    for (let i = 0; i < count && r.more; i++) r.ipv4('dvmrp.neighbor', 'Neighbor Addr');
    return local;
  });
}

const FORWARDING: Readonly<Record<number, string>> = {
  0: 'NO_ERROR',
  1: 'WRONG_IF',
  2: 'PRUNE_SENT',
  3: 'PRUNE_RCVD',
  4: 'SCOPED',
  5: 'NO_ROUTE',
  6: 'WRONG_LAST_HOP',
  7: 'NOT_FORWARDING',
  8: 'REACHED_RP',
  9: 'RPF_IF',
  10: 'NO_MULTICAST',
  11: 'INFO_HIDDEN',
  0x81: 'NO_SPACE',
  0x82: 'OLD_ROUTER',
  0x83: 'ADMIN_PROHIB',
};
const RESPONSE_BYTES = 32;

/** The rest of a traceroute message after its checksum: the query, and a block of each router on the way. */
export function mtraceBody({ tree }: DissectContext, r: FieldReader): void {
  r.ipv4('igmp.maddr', 'Multicast Address');
  const source = r.ipv4('igmp.mtrace.saddr', 'Source Address');
  const receiver = r.ipv4('igmp.mtrace.raddr', 'Receiver Address');
  const answer = r.ipv4('igmp.mtrace.rspaddr', 'Response Address');
  r.u8('igmp.mtrace.resp_ttl', 'Response TTL');
  const id = r.u24('igmp.mtrace.q_id', 'Query ID');
  if (r.short) return;
  let hops = 0;
  for (; r.left >= RESPONSE_BYTES; hops++) hop(tree, r);
  const way = hops === 0 ? '' : `, ${hops} ${hops === 1 ? 'hop' : 'hops'}`;
  tree.info = `Multicast Traceroute ${id}: ${source} to ${receiver}, answer to ${answer}${way}`;
}

function hop(tree: DissectContext['tree'], r: FieldReader): void {
  r.group('igmp.mtrace.hop', 'Hop', () => {
    r.u32('igmp.mtrace.q_arrival', 'Query Arrival');
    r.ipv4('igmp.mtrace.q_inaddr', 'In itf addr');
    const out = r.ipv4('igmp.mtrace.q_outaddr', 'Out itf addr');
    r.ipv4('igmp.mtrace.q_prevrtr', 'Previous rtr addr');
    r.u32('igmp.mtrace.q_inpkt', 'In pkts');
    r.u32('igmp.mtrace.q_outpkt', 'Out pkts');
    r.u32('igmp.mtrace.q_total', 'S,G pkt count');
    r.u8('igmp.mtrace.q_rtg_proto', 'Rtg Protocol');
    r.u8('igmp.mtrace.q_fwd_ttl', 'FwdTTL');
    const at = r.pos;
    const word = r.peek8();
    flagBit(tree, 'igmp.mtrace.q_s', 'S', word, 0x40, at, 1);
    r.u8('igmp.mtrace.q_src_mask', 'Src Mask', (v) => String(v & 63));
    const code = r.u8('igmp.mtrace.q_fwd_code', 'Forwarding Code', FORWARDING);
    return `${out}  ${FORWARDING[code] ?? `code ${code}`}`;
  });
}
