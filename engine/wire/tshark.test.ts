import { writeFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import type { FieldNode } from '../contract/index.ts';
import { capturesMissing, haveCaptures } from '../testing/captures.ts';
import { listCaptures, readRawCapture, writeRawPcapng, type RawPacket } from '../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../testing/tshark.ts';
import { formatIpv6 } from './address.ts';
import { dissectorBugs, dissectPacket } from './dissect.ts';
import { DIFFERENCES, type Difference } from './tshark-differences.ts';

/** Link types that Ringside dissects; captures of others are left out and counted. */
const LINK_TYPES: ReadonlySet<number> = new Set([0, 1, 9, 50, 51, 101, 104, 108, 113, 166, 219, 228, 229, 276]);
/** More packets of one capture than this add time and no variety. */
const PACKETS_PER_CAPTURE = 2_000;
/** Packets handed to one tshark run. */
const PACKETS_PER_RUN = 40_000;
/** The promise is at least this many captures. */
const LEAST_CAPTURES = 300;

/** tshark's protocols that have a dissector here; the rest is switched off there, so that both show it as data. */
const PROTOCOLS = (
  'frame eth ethertype vlan ieee8021ad llc sll null raw ppp ppp_hdlc chdlc pppoe pppoed pppoes mpls arp ip ipv6 ipv6.hopopts ipv6.dstopts ' +
  'ipv6.routing ipv6.routing.src.rpl ipv6.routing.mipv6 ipv6.routing.srh ipv6.routing.src ipv6.fraghdr ah esp mipv6 hip shim6 icmp icmpv6 igmp pim tcp udp ' +
  'udplite sctp dccp gre vxlan geneve teredo pwmcw pwethheuristic pwethcw pwethnocw pwethnocw data l2tp vrrp loop macc erspan'
).split(' ');

/** Columns of tshark's packet list, compared with ours. */
const SOURCE_COLUMN = '_ws.col.Source';
const DESTINATION_COLUMN = '_ws.col.Destination';

const FIELDS = (
  `${SOURCE_COLUMN} ${DESTINATION_COLUMN} ` +
  'eth.dst eth.src eth.type vlan.id ieee8021ad.id mpls.label pppoe.session_id ppp.protocol arp.opcode arp.src.hw_mac arp.src.proto_ipv4 ' +
  'arp.dst.hw_mac arp.dst.proto_ipv4 ip.hdr_len ip.len ip.id ip.flags ip.frag_offset ip.ttl ip.proto ip.checksum.status ip.src ip.dst ' +
  'ipv6.plen ipv6.nxt ipv6.hlim ipv6.src ipv6.dst ipv6.fraghdr.offset ipv6.fraghdr.ident icmp.type icmp.code icmp.checksum.status ' +
  'icmpv6.type icmpv6.code icmpv6.checksum.status igmp.type igmp.maddr igmp.checksum.status tcp.srcport tcp.dstport tcp.seq_raw ' +
  'tcp.ack_raw tcp.hdr_len tcp.flags tcp.window_size_value tcp.checksum.status tcp.len udp.srcport udp.dstport udp.length ' +
  'udp.checksum.status pim.version pim.type pim.cksum.status sctp.srcport sctp.dstport sctp.checksum.status sctp.chunk_type ' +
  'dccp.srcport dccp.dstport dccp.checksum.status gre.proto gre.key vxlan.vni geneve.vni vrrp.virt_rtr_id l2tp.session'
).split(' ');

/** Occurrences of each field in a packet's tree, depth first, as text that compares with tshark's. */
function extract(nodes: readonly FieldNode[], out: Map<string, string[]>): void {
  for (const node of nodes) {
    const values = out.get(node.name);
    if (values !== undefined && node.raw !== undefined)
      values.push(typeof node.raw === 'boolean' ? String(Number(node.raw)) : String(node.raw));
    if (node.children !== undefined) extract(node.children, out);
  }
}

/** tshark leaves a column without an address empty or says so. */
const NO_ADDRESS = 'N/A';

/** tshark prints some numbers in hex, and IPv6 addresses that begin with zeros in mixed notation. */
function plain(value: string): string {
  const mixed = /^::(\d+\.\d+\.\d+\.\d+)$/.exec(value);
  if (mixed?.[1] !== undefined)
    return formatIpv6(Uint8Array.from([...new Uint8Array(12), ...ipaddr.IPv4.parse(mixed[1]).toByteArray()]), 0);
  if (value === NO_ADDRESS) return '';
  return /^0x[0-9a-f]+$/.test(value) ? String(Number(value)) : value;
}

interface Sample {
  readonly file: string;
  readonly number: number;
  readonly packet: RawPacket;
}

function collect(): { samples: Sample[]; captures: number; left: Map<number, number> } {
  const samples: Sample[] = [];
  const left = new Map<number, number>();
  let captures = 0;
  for (const { file, path } of listCaptures()) {
    const packets = readRawCapture(path, PACKETS_PER_CAPTURE);
    let used = false;
    packets.forEach((packet, index) => {
      if (LINK_TYPES.has(packet.linkType)) {
        samples.push({ file, number: index + 1, packet });
        used = true;
      } else left.set(packet.linkType, (left.get(packet.linkType) ?? 0) + 1);
    });
    if (used) captures++;
  }
  return { samples, captures, left };
}

interface Mismatch {
  readonly file: string;
  readonly number: number;
  readonly field: string;
  readonly ours: string;
  readonly theirs: string;
}

function compareRun(samples: readonly Sample[], mismatches: Mismatch[]): number {
  const rows = tsharkFields(writeRawPcapng(samples.map((sample) => sample.packet)), { fields: FIELDS, protocols: PROTOCOLS });
  expect(rows.length).toBe(samples.length);
  let values = 0;
  samples.forEach(({ file, number, packet }, index) => {
    const found = new Map<string, string[]>(FIELDS.map((field) => [field, []]));
    const dissection = dissectPacket(packet.bytes, packet.linkType, packet.bytes.length, packet.origLenBytes, { number });
    extract(dissection.layers, found);
    found.set(SOURCE_COLUMN, [dissection.columns.source]);
    found.set(DESTINATION_COLUMN, [dissection.columns.destination]);
    FIELDS.forEach((field, column) => {
      const cell = rows[index]?.[column] ?? [];
      const theirs = (field.startsWith('_ws.col') && cell.length === 0 ? [''] : cell).map(plain);
      const ours = found.get(field) ?? [];
      values += theirs.length;
      if (ours.length === theirs.length && ours.every((value, i) => value === theirs[i])) return;
      mismatches.push({ file, number, field, ours: ours.join('|'), theirs: theirs.join('|') });
    });
  });
  return values;
}

/** True if the values of `part` are among those of `whole`, in order. */
function isPart(part: string, whole: string): boolean {
  const rest = whole.split('|');
  return part.split('|').every((value) => {
    if (value === '') return true;
    const at = rest.indexOf(value);
    if (at < 0) return false;
    rest.splice(0, at + 1);
    return true;
  });
}

/** A difference by design covers a mismatch if its capture, fields, packets and kind match. */
function explained(mismatch: Mismatch, used: Set<Difference>): boolean {
  const found = DIFFERENCES.find(
    (difference) =>
      (difference.file === '*' || difference.file === mismatch.file) &&
      (difference.fields === '*' || difference.fields.includes(mismatch.field)) &&
      (difference.packets === 'all' || difference.packets.includes(mismatch.number)) &&
      (difference.only === undefined || isPart(mismatch.theirs, mismatch.ours)),
  );
  if (found !== undefined) used.add(found);
  return found !== undefined;
}

describe.skipIf(!haveCaptures || tsharkVersion === undefined)('dissection equals tshark', () => {
  it('shows the same addresses, ports, numbers, lengths, fragments and checksum verdicts in every packet', { timeout: 600_000 }, () => {
    const { samples, captures, left } = collect();
    expect(captures).toBeGreaterThanOrEqual(LEAST_CAPTURES);
    const mismatches: Mismatch[] = [];
    let values = 0;
    for (let at = 0; at < samples.length; at += PACKETS_PER_RUN) values += compareRun(samples.slice(at, at + PACKETS_PER_RUN), mismatches);
    const used = new Set<Difference>();
    const open = mismatches.filter((mismatch) => !explained(mismatch, used));
    const leftText = [...left].map(([linkType, count]) => `${linkType}: ${count}`).join(', ');
    console.log(
      `tshark ${tsharkVersion}: ${captures} captures, ${samples.length} packets, ${values} values of ${FIELDS.length} fields compared; ` +
        `${mismatches.length - open.length} differences by design, ${open.length} others; packets of other link types: ${leftText}`,
    );
    // For work on the dissectors: all that differs, one JSON object a line.
    const listTo = process.env['RINGSIDE_MISMATCHES'];
    if (listTo !== undefined) writeFileSync(listTo, open.map((mismatch) => `${JSON.stringify(mismatch)}\n`).join(''));
    expect(dissectorBugs).toEqual({ count: 0, last: '' });
    expect(values).toBeGreaterThan(samples.length);
    expect(open.slice(0, 20)).toEqual([]);
    expect(DIFFERENCES.filter((difference) => !used.has(difference))).toEqual([]);
  });
});

if (!haveCaptures) console.log(capturesMissing);
if (tsharkVersion === undefined) console.log(tsharkMissing);
