import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FieldNode } from '../../contract/index.ts';
import { capturesMissing, haveCaptures } from '../../testing/captures.ts';
import { listCaptures, readRawCapture, writeRawPcapng } from '../../testing/raw-captures.ts';
import type { RawPacket } from '../../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../../testing/tshark.ts';
import { dissectPacket, dissectorBugs } from '../dissect.ts';
import { findings, walk } from './app-testing.ts';
import { reasonFor } from './tshark-app-differences.ts';
import type { Difference } from './tshark-app-differences.ts';

/** Fields compared, each with how our raw value is spelled by `tshark -T fields`. */
type Spell = (raw: string | number | boolean) => string;
const hexOf =
  (digits: number): Spell =>
  (raw) =>
    `0x${Number(raw).toString(16).padStart(digits, '0')}`;
const decimal: Spell = (raw) => String(raw);
const truth: Spell = (raw) => (raw === true || raw === 1 ? '1' : '0');

const FIELDS: Readonly<Record<string, Spell>> = {
  'dns.id': hexOf(4),
  'dns.flags.response': truth,
  'dns.flags.rcode': decimal,
  'dns.qry.name': decimal,
  'dns.qry.type': decimal,
  'dns.resp.type': decimal,
  'dns.resp.ttl': decimal,
  'dns.a': decimal,
  'dns.aaaa': decimal,
  'dns.cname': decimal,
  'dns.srv.port': decimal,
  'tls.record.version': hexOf(4),
  'tls.handshake.type': decimal,
  'tls.handshake.version': hexOf(4),
  'tls.handshake.ciphersuite': hexOf(4),
  'tls.handshake.extensions_server_name': decimal,
  'tls.handshake.extensions_alpn_str': decimal,
  'tls.handshake.extension.type': decimal,
  'tls.handshake.certificate_length': decimal,
  'tls.alert_message.desc': decimal,
  'quic.version': hexOf(8),
  'quic.dcid': decimal,
  'quic.scid': decimal,
  'http.request.method': decimal,
  'http.request.uri': decimal,
  'http.response.code': decimal,
  'http.host': decimal,
  'http.content_type': decimal,
  'sip.Method': decimal,
  'sip.Status-Code': decimal,
  'sip.Call-ID': decimal,
  'sip.CSeq.seq': decimal,
  'sdp.media.port': decimal,
  'ntp.flags': hexOf(2),
  'ntp.stratum': decimal,
  'dhcp.type': decimal,
  'dhcp.id': hexOf(8),
  'dhcp.option.type': decimal,
  'dhcp.option.dhcp': decimal,
  'dhcp.option.hostname': decimal,
  'dhcpv6.msgtype': decimal,
  'dhcpv6.option.type': decimal,
  'dhcpv6.iaaddr.ip': decimal,
  'rtp.seq': decimal,
  'rtp.ssrc': hexOf(8),
  'rtcp.pt': decimal,
  'stun.type': hexOf(4),
  'stun.att.type': hexOf(4),
};
const NAMES = Object.keys(FIELDS);

const PROTOCOLS = (
  'frame eth ethertype sll vlan ip ipv6 icmp icmpv6 tcp udp null loop raw ppp pppoes pppoed mpls gre llc snap data ' +
  'udplite sctp dccp vxlan geneve teredo erspan l2tp ah esp ieee8021ad ppp_hdlc chdlc pppoe dns mdns llmnr tls quic http ssdp sip sdp ntp rtp rtcp dhcp dhcpv6 stun ipv6.fraghdr ipv6.hopopts ipv6.dstopts ipv6.routing _ws.malformed _ws.short'
).split(' ');

const PREFERENCES = [
  'tls.desegment_ssl_records:FALSE',
  'tls.desegment_ssl_application_data:FALSE',
  'http.desegment_headers:FALSE',
  'http.desegment_body:FALSE',
  'http.dechunk_body:FALSE',
  'http.decompress_body:FALSE',
  'sip.desegment_headers:FALSE',
  'sip.desegment_body:FALSE',
  'dns.desegment_dns_messages:FALSE',
];

/** Link types with Internet packets in them. */
const LINK_TYPES: ReadonlySet<number> = new Set([0, 1, 101, 108, 113, 228, 229, 276]);
/** More packets of one capture than this add time and no variety. */
const PACKETS_PER_CAPTURE = 150;
/** Packets handed to one tshark run: small enough that conversations of different captures seldom meet. */
const PACKETS_PER_RUN = 12_000;
/** The promise is at least this many captures in which one of the protocols occurs. */
const LEAST_CAPTURES = 100;
/** Differences without a reason that are tolerated. */
const TOLERATED = 0;

interface Sample {
  readonly file: string;
  readonly number: number;
  readonly packet: RawPacket;
}

function collect(): Sample[][] {
  const runs: Sample[][] = [[]];
  for (const { file, path } of listCaptures()) {
    const packets = readRawCapture(path, PACKETS_PER_CAPTURE);
    let run = runs.at(-1)!;
    if (run.length > 0 && run.length + packets.length > PACKETS_PER_RUN) runs.push((run = []));
    packets.forEach((packet, index) => {
      if (LINK_TYPES.has(packet.linkType)) run.push({ file, number: index + 1, packet });
    });
  }
  return runs;
}

const emitted = new Set<string>();
/** Every difference with its reason, for looking at; kept only when asked for. */
const all: unknown[] = [];

function ourFields(packet: RawPacket): { fields: Map<string, string[]>; notes: string; layerNames: string; ports: string } {
  const { layers, layerNames } = dissectPacket(packet.bytes, packet.linkType, packet.bytes.length, packet.origLenBytes, { number: 1 });
  const fields = new Map<string, string[]>();
  const ports: string[] = [];
  walk(layers, (node: FieldNode) => {
    if (node.name !== '') emitted.add(node.name);
    if (/^(udp|tcp)\.(src|dst)port$/.test(node.name)) ports.push(String(node.raw));
    const spell = FIELDS[node.name];
    if (spell === undefined) return;
    const list = fields.get(node.name) ?? [];
    fields.set(node.name, list);
    list.push(spell(node.raw ?? node.value));
  });
  return { fields, notes: findings(layers).join('; '), layerNames: layerNames.join(':'), ports: ports.join(' ') };
}

interface Outcome {
  readonly captures: Set<string>;
  readonly values: Map<string, number>;
  readonly reasons: Map<string, number>;
  readonly unexplained: Difference[];
}

function compareRun(run: readonly Sample[], outcome: Outcome): void {
  const rows = tsharkFields(writeRawPcapng(run.map(({ packet }) => packet)), {
    fields: ['frame.protocols', ...NAMES],
    protocols: PROTOCOLS,
    preferences: PREFERENCES,
  });
  expect(rows.length).toBe(run.length);
  run.forEach(({ file, number, packet }, at) => {
    const { fields: ours, notes, layerNames, ports } = ourFields(packet);
    const cells = rows[at]!;
    const protocols = cells[0]?.[0] ?? '';
    NAMES.forEach((field, column) => {
      const theirs = cells[column + 1] ?? [];
      const mine = ours.get(field) ?? [];
      if (theirs.length > 0) {
        outcome.captures.add(file);
        outcome.values.set(field, (outcome.values.get(field) ?? 0) + theirs.length);
      }
      if (mine.join('|') === theirs.join('|')) return;
      const difference: Difference = {
        file,
        number,
        field,
        ours: mine.join('|'),
        theirs: theirs.join('|'),
        protocols,
        layerNames,
        ports,
        notes,
        cut: packet.origLenBytes > packet.bytes.length,
      };
      const reason = reasonFor(difference);
      if (process.env['RINGSIDE_TSHARK_ALL'] !== undefined) all.push({ reason: reason ?? '', ...difference });
      if (reason === undefined) outcome.unexplained.push(difference);
      else outcome.reasons.set(reason, (outcome.reasons.get(reason) ?? 0) + 1);
    });
  });
}

describe('application protocols beside tshark', () => {
  const missing = !haveCaptures ? capturesMissing : tsharkVersion === undefined ? tsharkMissing : '';
  it.skipIf(missing !== '')(`gives the same fields on real captures${missing === '' ? '' : ` (${missing})`}`, { timeout: 300_000 }, () => {
    const outcome: Outcome = { captures: new Set(), values: new Map(), reasons: new Map(), unexplained: [] };
    for (const run of collect()) compareRun(run, outcome);
    const total = [...outcome.values.values()].reduce((sum, count) => sum + count, 0);
    const report = [
      `${outcome.captures.size} captures, ${total} values of ${outcome.values.size} fields`,
      ...[...outcome.reasons].map(([reason, count]) => `${count} x ${reason}`),
      ...outcome.unexplained.map((d) => JSON.stringify(d)),
    ].join('\n');
    if (process.env['RINGSIDE_TSHARK_REPORT'] !== undefined) writeFileSync(process.env['RINGSIDE_TSHARK_REPORT'], `${report}\n`);
    if (process.env['RINGSIDE_TSHARK_ALL'] !== undefined)
      writeFileSync(process.env['RINGSIDE_TSHARK_ALL'], all.map((d) => JSON.stringify(d)).join('\n'));
    expect(dissectorBugs).toEqual({ count: 0, last: '' });
    expect(outcome.captures.size).toBeGreaterThanOrEqual(LEAST_CAPTURES);
    expect(outcome.unexplained.slice(0, 20)).toEqual([]);
    expect(outcome.unexplained.length).toBeLessThanOrEqual(TOLERATED);
  });

  it.skipIf(missing !== '')('uses field names that Wireshark knows', () => {
    const known = new Set(
      execFileSync('tshark', ['-G', 'fields'], { encoding: 'utf8', maxBuffer: 200_000_000, stdio: ['ignore', 'pipe', 'ignore'] })
        .split('\n')
        .map((line) => line.split('\t')[2] ?? ''),
    );
    const ours = /^(dns|mdns|llmnr|tls|quic|http|ssdp|sip|sdp|ntp|rtp|rtcp|dhcp|dhcpv6|stun)\./;
    expect(emitted.size).toBeGreaterThan(0);
    expect([...emitted].filter((name) => ours.test(name) && !known.has(name))).toEqual([]);
  });
});
